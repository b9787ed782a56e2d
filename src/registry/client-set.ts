/** A set of clients for metrics, health and the admin page: registries, clients and stacks that were made one by one. */
import { ErrorCode, PillionError } from '../call/errors.js';
import { configOf } from '../client/client.js';
import type { ClientHandle } from '../client/http-client.js';
import type { HttpClients } from './http-clients.js';

/**
 * The result of `loadHttpClients`, or a list of results of `loadHttpClients`, `createHttpClient` and `usePolicies`, in any
 * mixture.
 */
export type ClientSet = HttpClients | readonly (HttpClients | ClientHandle)[];

/**
 * @throws PillionError `ERR_CONFIG`, in the name of the function that was given it, unless `clients` is a set of clients;
 * a promise of a registry is not one
 */
export function checkClients(clients: unknown, asker: string): asserts clients is ClientSet {
  const all = Array.isArray(clients) ? clients.every(isClient) : isRegistryLike(clients);
  if (all) return;
  throw new PillionError(
    ErrorCode.CONFIG,
    `${asker}: clients must be the result of loadHttpClients (awaited, if its source is asynchronous), or a list of such results and of clients: ${asker}([client]).`,
  );
}

function isClient(client: unknown): boolean {
  return typeof (client as Partial<Record<string, unknown>> | null | undefined)?.stats === 'function';
}

function isRegistryLike(clients: unknown): boolean {
  const { names, get } = (clients ?? {}) as Partial<Record<string, unknown>>;
  return Array.isArray(names) && typeof get === 'function';
}

/** The names of the present clients of each set, so that a client keeps its name while others come and go. */
const namesOf = new WeakMap<ClientSet, ReadonlyMap<ClientHandle, string>>();

/** The present clients by name, each once; the second of two clients with the same name gets the key `name#2`. */
export function clientsOf(set: ClientSet): ReadonlyMap<string, ClientHandle> {
  const present = new Map(membersOf(set).flatMap(ownNames));
  const before = namesOf.get(set);
  const taken = new Set([...present.keys()].map((client) => before?.get(client)));
  const names = new Map([...present].map(([client, own]) => [client, before?.get(client) ?? unique(own, taken)]));
  namesOf.set(set, names);
  return new Map([...names].map(([client, name]) => [name, client]));
}

/** The registries of a set by the names of their sources, which are made unique as those of clients are. */
export function registriesOf(set: ClientSet): ReadonlyMap<string, HttpClients> {
  const taken = new Set<string | undefined>();
  const registries = [...new Set(membersOf(set).filter(isRegistry))];
  return new Map(registries.map((registry) => [unique(registry.stats().config.source, taken), registry]));
}

/**
 * Calls `begin` for each present client and for each client that a later configuration adds. The function that `begin`
 * returns is called when its client is removed. The function returned here stops following and ends all of them.
 */
export function followClients(set: ClientSet, begin: (client: ClientHandle, name: string) => () => void): () => void {
  const followed = new Map<ClientHandle, () => void>();
  const follow = () => {
    const now = clientsOf(set);
    const there = new Set(now.values());
    for (const [client, end] of followed) {
      if (there.has(client)) continue;
      followed.delete(client);
      end();
    }
    for (const [name, client] of now) if (!followed.has(client)) followed.set(client, begin(client, name));
  };
  follow();
  const stops = [...registriesOf(set).values()].map((registry) => registry.on('config.applied', follow));
  return () => {
    for (const stop of stops) stop();
    for (const end of followed.values()) end();
    followed.clear();
  };
}

/** True for a registry, which has configuration versions; false for a client and for a list. */
export function isRegistry(member: ClientSet | ClientHandle): member is HttpClients {
  // By shape: a registry may come from another copy of this library, and a client is a function that has `get` too.
  return Array.isArray((member as Partial<HttpClients>).names);
}

function membersOf(set: ClientSet): readonly (HttpClients | ClientHandle)[] {
  return isRegistry(set) ? [set] : set;
}

function ownNames(member: HttpClients | ClientHandle): [ClientHandle, string][] {
  if (isRegistry(member)) return member.names.map((name) => [member.get(name), name]);
  return [[member, configOf(member)?.name ?? member.stats().name]];
}

function unique(name: string, taken: Set<string | undefined>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}#${number}`;
  taken.add(free);
  return free;
}
