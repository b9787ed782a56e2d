/** The clients that take over calls of others, and what the `baseURL` of each covers. */
import { configOf } from '../client/client.js';
import type { Config } from '../client/config/config.js';
import type { ClientHandle } from '../client/http-client.js';
import { type ClientSet, checkClients, isRegistry } from '../registry/client-set.js';

/** One client, or a set of them. */
export type SomeClients = ClientSet | ClientHandle;

/** A client by its own name. */
export interface Member {
  readonly client: ClientHandle;
  readonly name: string;
}

/** What a `baseURL` covers. */
export interface Base {
  readonly url: URL;
  /** These three are kept as text: each request compares them with those of every client. */
  readonly origin: string;
  /** Without a dot at its end. */
  readonly host: string;
  /** Empty for that of the scheme. */
  readonly port: string;
  /** Without a slash at its end. */
  readonly path: string;
}

/** The present clients, each time anew, since a registry may replace them. */
export function* membersOf(clients: SomeClients): Generator<Member> {
  if (Array.isArray(clients)) for (const each of clients as readonly SomeClients[]) yield* membersOf(each);
  else if (isRegistry(clients)) for (const name of clients.names) yield { name, client: clients.get(name) };
  else yield { name: configOf(clients as ClientHandle)?.name ?? 'pillion', client: clients as ClientHandle };
}

/** By configuration: an update has another one. */
const bases = new WeakMap<Config, Base>();

/** Undefined for a client without `baseURL`. */
export function baseOf(client: ClientHandle): Base | undefined {
  const config = configOf(client);
  if (config?.baseURL === undefined) return undefined;
  const known = bases.get(config);
  if (known !== undefined) return known;
  const url = new URL(config.baseURL);
  const { origin, hostname, port, pathname } = url;
  const base = { url, origin, host: hostname.replace(/\.$/, ''), port, path: pathname.replace(/\/+$/, '') };
  bases.set(config, base);
  return base;
}

/** A client that covers a URL. */
export interface Covering extends Member {
  readonly base: Base;
}

/**
 * The client with the longest `baseURL` that `isHost` takes and whose path is that of the URL or its first segments, the
 * first of several; undefined where there is none.
 */
export function covering(clients: SomeClients, path: string, isHost: (base: Base) => boolean): Covering | undefined {
  let found: Covering | undefined;
  for (const member of membersOf(clients)) {
    const base = baseOf(member.client);
    if (base === undefined || base.path.length <= (found?.base.path.length ?? -1)) continue;
    if (isHost(base) && isWithin(path, base.path)) found = { ...member, base };
  }
  return found;
}

function isWithin(path: string, base: string): boolean {
  return path.startsWith(base) && (path.length === base.length || '/?#'.includes(path[base.length] as string));
}

/** The client whose `baseURL` covers the URL: the same origin, and the longest path of whole segments. */
export function coveringClient(clients: SomeClients, { origin, pathname }: URL): ClientHandle | undefined {
  return covering(clients, pathname, (base) => base.origin === origin)?.client;
}

/** @throws PillionError `ERR_CONFIG` unless these are clients of this library; a promise of a registry is none */
export function checkMembers(clients: unknown, asker: string): asserts clients is SomeClients {
  if (configOf(clients as ClientHandle) === undefined) checkClients(clients, asker);
}
