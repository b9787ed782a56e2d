/** What changed between two configurations, without the secrets. */
import { isDeepStrictEqual } from 'node:util';
import { dotted } from '../options.js';
import { redactUrl } from '../redact.js';
import type { NamedClient } from './clients.js';
import { isPlain } from './references.js';
import type { Config } from './schema.js';

/** One option of one client; durations in milliseconds. */
export interface ConfigChange {
  readonly client: string;
  /** Dotted; empty where the whole client was added or removed. */
  readonly path: string;
  /** Absent where nothing was said before. */
  readonly before?: unknown;
  readonly after?: unknown;
}

const mask = '***';

/** What differs, client by client. */
export function changesBetween(before: readonly NamedClient[], after: readonly NamedClient[]): ConfigChange[] {
  const old = new Map(before.map(({ name, config }) => [name, config]));
  const gone = before.filter(({ name }) => !after.some((each) => each.name === name));
  return [
    ...after.flatMap(({ name, config }) => {
      const previous = old.get(name);
      return previous === undefined ? [{ client: name, path: '', after: 'added' }] : changesOf(name, previous, config);
    }),
    ...gone.map(({ name }) => ({ client: name, path: '', before: 'removed' })),
  ];
}

function changesOf(client: string, before: Config, after: Config): ConfigChange[] {
  const [old, now] = [byPath(before), byPath(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => !isDeepStrictEqual(old.get(path), now.get(path)))
    .map((path) => ({
      client,
      path,
      ...(old.has(path) && { before: masked(path, old.get(path)) }),
      ...(now.has(path) && { after: masked(path, now.get(path)) }),
    }));
}

/** An option that has a value of its own. */
export interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Every one of a configuration, in its order; a list is one value. */
export function leavesOf(config: object, path: readonly string[] = []): Leaf[] {
  return Object.entries(config).flatMap(([key, value]): Leaf[] => {
    const here = [...path, key];
    if (isPlain(value) && Object.keys(value).length > 0) return leavesOf(value, here);
    return value === undefined ? [] : [{ path: here, value }];
  });
}

const byPath = (config: object) => new Map(leavesOf(config).map(({ path, value }) => [dotted(path), value]));

/** A value as it may be shown. Any header may carry a credential, and so may what stands in place of a path. */
export function masked(path: string, value: unknown): unknown {
  if (/(^|\.)(headers\.|passphrase$)/.test(path)) return mask;
  if (Array.isArray(value)) return value.map((item, index) => masked(`${path}.${index}`, item));
  if (isPlain(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, masked(`${path}.${key}`, inner)]));
  if (typeof value !== 'string') return value;
  if (/^tls\.(cert|key|ca|pfx)/.test(path)) return /^[\w./~:\\ -]{1,255}$/.test(value) ? value : mask;
  return /baseURL$/.test(path) ? redactUrl(value) : value;
}
