/** The configuration in force, as it may be shown. */
import { configOf } from '../client/client.js';
import { type ClientSet, clientsOf, isRegistry } from '../registry/client-set.js';
import { type IsSecret, masked } from '../registry/diff.js';

/** What a registry knows of its values beside their paths. */
interface KnowsSecrets {
  isSecret?(client: string, ...value: Parameters<IsSecret>): boolean;
}

/** Each client's options, defaults included, durations in milliseconds; what is or may be a secret is `***`. */
export function shownConfig(set: ClientSet): Record<string, object> {
  const registry: KnowsSecrets = isRegistry(set) ? (set as KnowsSecrets) : {};
  const shown = [...clientsOf(set)].map(([name, client]) => {
    const isSecret: IsSecret = (path, value) => registry.isSecret?.(name, path, value) ?? false;
    return [name, masked([], configOf(client) ?? {}, isSecret)];
  });
  return Object.fromEntries(shown);
}
