/** The configuration in force, with secrets maskedConfig. */
import { configOf } from '../client/client.js';
import { type ClientSet, clientsOf, registriesOf } from '../registry/client-set.js';
import { type IsSecret, maskedConfig } from '../registry/diff.js';

/** Implemented by the registry only, which knows the values that came from references. */
interface KnowsSecrets {
  isSecret?(client: string, ...value: Parameters<IsSecret>): boolean;
}

/** The options of each client, defaults included, durations in milliseconds; values that may be secret are `***`. */
export function shownConfig(set: ClientSet): Record<string, object> {
  const registries = [...registriesOf(set).values()] as KnowsSecrets[];
  const shown = [...clientsOf(set)].map(([name, client]) => {
    const config = configOf(client);
    // A registry knows the client by its own name; `name` may have been made unique among several registries.
    const own = config?.name ?? name;
    const isSecret: IsSecret = (path, value) => registries.some((each) => each.isSecret?.(own, path, value));
    return [name, maskedConfig([], config ?? {}, isSecret)];
  });
  return Object.fromEntries(shown);
}
