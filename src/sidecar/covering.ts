/** Finds the client whose `baseURL` covers a URL. */

import { ErrorCode, PillionError } from '../call/errors.js';
import { configOf } from '../client/client.js';
import type { Config } from '../client/config/config.js';
import type { ClientHandle } from '../client/http-client.js';
import { type ClientSet, isRegistry } from '../registry/client-set.js';

/** One client, or a set of them. */
export type SomeClients = ClientSet | ClientHandle;

/** What a `baseURL` covers. */
interface Base {
  readonly origin: string;
  /** Without a slash at its end. */
  readonly path: string;
}

/**
 * The client with the longest `baseURL` that has the origin of the URL and the first segments of its path, the first of
 * several; undefined where there is none. Clients are looked up each time, since a registry may replace them.
 */
export function coveringClient(clients: SomeClients, { origin, pathname }: URL): ClientHandle | undefined {
  let found: ClientHandle | undefined;
  let longest = -1;
  for (const client of present(clients)) {
    const base = baseOf(client);
    if (base === undefined || base.origin !== origin || base.path.length <= longest) continue;
    if (!pathname.startsWith(base.path) || (pathname[base.path.length] ?? '/') !== '/') continue;
    found = client;
    longest = base.path.length;
  }
  return found;
}

function* present(clients: SomeClients): Generator<ClientHandle> {
  if (Array.isArray(clients)) for (const member of clients as readonly SomeClients[]) yield* present(member);
  else if (isRegistry(clients)) for (const name of clients.names) yield clients.get(name);
  else yield clients as ClientHandle;
}

/** By configuration: an update has another one. */
const bases = new WeakMap<Config, Base>();

function baseOf(client: ClientHandle): Base | undefined {
  const config = configOf(client);
  if (config?.baseURL === undefined) return undefined;
  const known = bases.get(config);
  if (known !== undefined) return known;
  const { origin, pathname } = new URL(config.baseURL);
  const base = { origin, path: pathname.replace(/\/+$/, '') };
  bases.set(config, base);
  return base;
}

/** @throws PillionError `ERR_CONFIG` unless these are clients of this library; a promise of a registry is none */
export function checkCovering(clients: unknown, what: string): asserts clients is SomeClients {
  const members = Array.isArray(clients) ? clients : [clients];
  if (members.every((each) => isRegistryLike(each) || configOf(each as ClientHandle) !== undefined)) return;
  const message = `${what}: clients must be the result of createHttpClient or of loadHttpClients (awaited, if its source is asynchronous), or a list of such results.`;
  throw new PillionError(ErrorCode.CONFIG, message);
}

function isRegistryLike(value: unknown): boolean {
  const { names, get } = (value ?? {}) as Partial<Record<string, unknown>>;
  return Array.isArray(names) && typeof get === 'function';
}
