/** A set of clients for metrics, health and the admin page: a registry, or a list of clients made one by one. */
import { configOf } from '../client/client.js';
import type { ClientHandle } from '../client/http-client.js';
import type { HttpClients } from './http-clients.js';

/** The result of `loadHttpClients`, or a list of results of `createHttpClient` and `usePolicies`. */
export type ClientSet = HttpClients | readonly ClientHandle[];

/** The present clients by name; the second of two clients with the same name gets the key `name#2`. */
export function clientsOf(set: ClientSet): ReadonlyMap<string, ClientHandle> {
  if (isRegistry(set)) return new Map(set.names.map((name) => [name, set.get(name)]));
  const clients = new Map<string, ClientHandle>();
  for (const client of set) {
    const name = configOf(client)?.name ?? client.stats().name;
    let unique = name;
    for (let number = 2; clients.has(unique); number++) unique = `${name}#${number}`;
    clients.set(unique, client);
  }
  return clients;
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
  const stop = isRegistry(set) ? set.on('config.applied', follow) : undefined;
  return () => {
    stop?.();
    for (const end of followed.values()) end();
    followed.clear();
  };
}

/** True for a registry, which has configuration versions; false for a list of clients. */
export function isRegistry(set: ClientSet): set is HttpClients {
  return !Array.isArray(set);
}
