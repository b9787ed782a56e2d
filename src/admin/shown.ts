/** The configuration in force, with secrets maskedConfig. */
import { configOf } from '../client/client.js';
import { type ClientSet, clientsOf, isRegistry } from '../registry/client-set.js';
import { type IsSecret, maskedConfig } from '../registry/diff.js';

/** Implemented by the registry only, which knows the values that came from references. */
interface KnowsSecrets {
  isSecret?(client: string, ...value: Parameters<IsSecret>): boolean;
}

/** The options of each client, defaults included, durations in milliseconds; values that may be secret are `***`. */
export function shownConfig(set: ClientSet): Record<string, object> {
  const registry: KnowsSecrets = isRegistry(set) ? (set as KnowsSecrets) : {};
  const shown = [...clientsOf(set)].map(([name, client]) => {
    const isSecret: IsSecret = (path, value) => registry.isSecret?.(name, path, value) ?? false;
    return [name, maskedConfig([], configOf(client) ?? {}, isSecret)];
  });
  return Object.fromEntries(shown);
}
