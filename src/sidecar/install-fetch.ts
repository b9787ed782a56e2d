/** A router over `globalThis.fetch`: what a client covers goes to that client. */

import { ErrorCode, PillionError } from '../call/errors.js';
import { processWide } from '../call/process-wide.js';
import { isUrl } from '../call/url.js';
import { stackOf } from '../client/client.js';
import { createFetch, type HttpFetch } from '../client/fetch/fetch.js';
import type { ClientHandle, HttpClient } from '../client/http-client.js';
import { checkMembers, coveringClient, type SomeClients } from './members.js';

type Fetch = typeof globalThis.fetch;

/** A router, and what was there before it. */
interface Installed {
  active: boolean;
  readonly before: PropertyDescriptor;
}

/** By the function that stands in `globalThis`. */
const routers = processWide('fetch routers', () => new WeakMap<object, Installed>());

/**
 * Puts a router in place of `globalThis.fetch`. A request goes to the `client.fetch` of the client whose `baseURL` covers
 * its URL: the same origin, and the longest path of whole segments. Every other request goes to the `fetch` that was there
 * before: also one with a relative or non-HTTP URL, and one with a `dispatcher` of its own. Clients are looked up at each
 * request. Returns a function that takes the router out, in any order with other code that replaces `fetch`; further calls
 * of it do nothing.
 * @throws PillionError `ERR_CONFIG` for anything else than clients, and where there is no `fetch` that can be replaced
 */
export function installFetch(clients: SomeClients): () => void {
  checkMembers(clients, 'installFetch');
  const before = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
  const previous = globalThis.fetch;
  if (before === undefined || typeof previous !== 'function' || !(before.configurable || before.writable))
    throw new PillionError(ErrorCode.CONFIG, 'installFetch: there is no globalThis.fetch that can be replaced.');
  const state: Installed = { active: true, before };
  const router = function fetch(this: unknown, input, init) {
    const client = state.active ? clientFor(clients, input, init) : undefined;
    return client === undefined ? previous.call(this as never, input, init) : fetchOf(client)(input, init);
  } as Fetch;
  Object.defineProperty(router, 'length', { value: previous.length, configurable: true });
  routers.set(router, state);
  Object.defineProperty(globalThis, 'fetch', described(before, router));
  return () => {
    if (!state.active) return;
    state.active = false;
    // Below a patch of other code the router stays, and passes every request on.
    while (isTakenOut(globalThis.fetch)) Object.defineProperty(globalThis, 'fetch', routerOf(globalThis.fetch).before);
  };
}

function routerOf(value: unknown): Installed {
  return routers.get(value as object) as Installed;
}

/** Routers that were taken out below this one go with it. */
function isTakenOut(value: unknown): boolean {
  return typeof value === 'function' && routers.get(value)?.active === false;
}

/** The property with another value; a getter, which some polyfills have, becomes a value. */
function described(
  { configurable, enumerable, writable = true }: PropertyDescriptor,
  value: Fetch,
): PropertyDescriptor {
  return { __proto__: null, value, configurable, enumerable, writable } as PropertyDescriptor;
}

function clientFor(clients: SomeClients, input: unknown, init: unknown): ClientHandle | undefined {
  // Whoever names a dispatcher has chosen the connections.
  if ((init as { dispatcher?: unknown } | null | undefined)?.dispatcher) return undefined;
  const url = urlOf(input);
  return url === undefined ? undefined : coveringClient(clients, url);
}

/** Undefined for a URL that is relative or not of HTTP. */
function urlOf(input: unknown): URL | undefined {
  const text = typeof input === 'object' && input !== null && !isUrl(input) && 'url' in input ? input.url : input;
  // A value that cannot be made a string is an error of fetch itself.
  if (typeof text !== 'string' && !isUrl(text)) return undefined;
  const url = URL.canParse(String(text)) ? new URL(text) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}

/** Of stacks on axios instances, which have no `fetch` of their own. */
const fetches = new WeakMap<ClientHandle, HttpFetch>();

function fetchOf(client: ClientHandle): HttpFetch {
  const own = (client as Partial<HttpClient>).fetch ?? fetches.get(client);
  if (own !== undefined) return own;
  const stack = stackOf(client) as NonNullable<ReturnType<typeof stackOf>>;
  const made = createFetch(stack.adapter, () => stack.config);
  fetches.set(client, made);
  return made;
}
