/** The configuration in force, as it may be shown. */
import { configOf } from '../client.js';
import { type ClientSet, clientsOf, isRegistry } from '../clients.js';
import { dotted } from '../options.js';
import { masked } from './diff.js';
import { isPlain } from './references.js';

/** What a registry knows of its values beside their paths. */
interface KnowsSecrets {
  isSecret?(client: string, path: readonly string[]): boolean;
}

/** Each client's options, defaults included, durations in milliseconds; what is or may be a secret is `***`. */
export function shownConfig(set: ClientSet): Record<string, object> {
  const registry: KnowsSecrets = isRegistry(set) ? (set as KnowsSecrets) : {};
  const shown = [...clientsOf(set)].map(([name, client]) => {
    const isSecret = (path: readonly string[]) => registry.isSecret?.(name, path) ?? false;
    return [name, shownPart(configOf(client) ?? {}, [], isSecret)];
  });
  return Object.fromEntries(shown);
}

function shownPart(part: object, path: readonly string[], isSecret: (path: readonly string[]) => boolean): object {
  const entries = Object.entries(part).filter(([, value]) => value !== undefined);
  const shown = entries.map(([key, value]) => {
    const here = [...path, key];
    if (isPlain(value) && Object.keys(value).length > 0) return [key, shownPart(value, here, isSecret)];
    return [key, isSecret(here) ? '***' : masked(dotted(here), value)];
  });
  return Object.fromEntries(shown);
}
