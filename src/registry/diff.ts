/** What changed between two configurations, without the secrets. */
import { isDeepStrictEqual } from 'node:util';
import { redactPattern, redactUrl } from '../call/redact.js';
import type { Config } from '../client/config/config.js';
import { dotted } from '../options/options.js';
import type { NamedClient } from './file/clients.js';
import type { Path } from './file/document.js';
import { isPlain } from './file/references.js';

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
  isSecret: (client: string, ...value: Parameters<IsSecret>) => boolean,
): ConfigChange[] {
  const old = new Map(before.map(({ name, config }) => [name, config]));
  const gone = before.filter(({ name }) => !after.some((each) => each.name === name));
  return [
    ...after.flatMap(({ name, config }) => {
      const previous = old.get(name);
      if (previous === undefined) return [{ client: name, path: '', after: 'added' }];
      return changesOf(name, previous, config, (path, value) => isSecret(name, path, value));
    }),
    ...gone.map(({ name }) => ({ client: name, path: '', before: 'removed' })),
  ];
}

function changesOf(client: string, before: Config, after: Config, isSecret: IsSecret): ConfigChange[] {
  const [old, now] = [byPath(before), byPath(after)];
  const shown = ({ path, value }: Leaf) => masked(path, value, isSecret);
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

/** Knows of values that their path does not tell as secret. */
export type IsSecret = (path: Path, value: unknown) => boolean;

/**
 * A value as it may be shown. Any header may carry a credential, and so may what stands in place of a path, and the query and
 * the user of whatever is a URL, a path or a pattern: that is seen by the text, so that no option is forgotten.
 */
export function masked(path: Path, value: unknown, isSecret: IsSecret): unknown {
  if (Array.isArray(value)) return value.map((item, index) => masked([...path, index], item, isSecret));
  if (isPlain(value) && Object.keys(value).length > 0) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(entries.map(([key, inner]) => [key, masked([...path, key], inner, isSecret)]));
  }
  return isSecret(path, value) ? mask : maskedText(path.map(String), value);
}

function maskedText(path: readonly string[], value: unknown): unknown {
  if (path.at(-2) === 'headers' || path.at(-1) === 'passphrase') return mask;
  if (typeof value !== 'string') return value;
  if (path[0] === 'tls' && material.has(path[1] ?? '')) return isFilePath(value) ? value : mask;
  return path.at(-1) === 'regex' ? redactPattern(value) : redactUrl(value);
}

const material = new Set(['cert', 'key', 'ca', 'pfx']);

/** A key or certificate without its PEM lines must not pass for one. */
function isFilePath(value: string): boolean {
  return /^[\w./~:\\ -]{1,255}$/.test(value) && !/[\w-]{40}/.test(value);
}
