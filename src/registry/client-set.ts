/** Clients to look at together: those of a configuration, or some that were made one by one. */
import { type ClientHandle, configOf } from '../client/client.js';
import type { HttpClients } from './registry.js';

/** What `loadHttpClients` gives, or a list of what `createHttpClient` and `usePolicies` give. */
export type ClientSet = HttpClients | readonly ClientHandle[];

/** Those there are now, by name; of two with the same name the second is `name#2`. */
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
 * Calls `begin` for each client there is and for each that a later configuration adds, and the function it gave back once the
 * client is gone. The function returned ends it all.
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

/** True for clients of one configuration, which has versions. */
export function isRegistry(set: ClientSet): set is HttpClients {
  return !Array.isArray(set);
}
