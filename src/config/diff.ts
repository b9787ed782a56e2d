/** What changed between two configurations, without the secrets. */
import { isDeepStrictEqual } from 'node:util';
import { dotted } from '../options.js';
import { redactUrl } from '../redact.js';
import type { NamedClient } from './clients.js';
import { isPlain } from './references.js';
import type { Config } from './schema.js';

/** One option of one client; durations in milliseconds. */
export interface ConfigChange {
  /** The client's name. */
  readonly client: string;
  /** Dotted; empty where the whole client was added or removed. */
  readonly path: string;
  /** Absent where nothing was said before. */
  readonly before?: unknown;
  /** Absent where nothing is said any more. */
  readonly after?: unknown;
}

const mask = '***';

/** What differs, client by client. `isSecret` knows of values that their path does not tell as secret. */
export function changesBetween(
  before: readonly NamedClient[],
  after: readonly NamedClient[],
  isSecret: (client: string, path: readonly string[]) => boolean,
): ConfigChange[] {
  const old = new Map(before.map(({ name, config }) => [name, config]));
  const gone = before.filter(({ name }) => !after.some((each) => each.name === name));
  return [
    ...after.flatMap(({ name, config }) => {
      const previous = old.get(name);
      if (previous === undefined) return [{ client: name, path: '', after: 'added' }];
      return changesOf(name, previous, config, (path) => isSecret(name, path));
    }),
    ...gone.map(({ name }) => ({ client: name, path: '', before: 'removed' })),
  ];
}

function changesOf(
  client: string,
  before: Config,
  after: Config,
  isSecret: (path: readonly string[]) => boolean,
): ConfigChange[] {
  const [old, now] = [byPath(before), byPath(after)];
  const shown = ({ path, value }: Leaf) => (isSecret(path) ? mask : masked(dotted(path), value));
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    if (isDeepStrictEqual(was?.value, is?.value)) return [];
    return [{ client, path, ...(was && { before: shown(was) }), ...(is && { after: shown(is) }) }];
  });
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

const byPath = (config: object) => new Map(leavesOf(config).map((leaf) => [dotted(leaf.path), leaf]));

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
