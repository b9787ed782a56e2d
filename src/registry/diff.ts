/** The differences between two configurations, with secrets maskedConfig. */
import { isDeepStrictEqual } from 'node:util';
import { isPlain } from '../call/own.js';
import { redactPattern, redactUrl } from '../call/redact.js';
import type { Config } from '../client/config/config.js';
import { dotted } from '../options/options.js';
import type { Path } from './file/document.js';
import type { NamedClient } from './file/named-clients.js';

/** A changed option of one client, or a client that was added or removed; durations are in milliseconds. */
export interface ConfigChange {
  /** The client's name. */
  readonly client: string;
  /** Dotted path of the option; empty when the whole client was added or removed. */
  readonly path: string;
  /** Absent when the option was not set before. */
  readonly before?: unknown;
  /** Absent when the option is no longer set. */
  readonly after?: unknown;
}

const mask = '***';

/** The changes, client by client. `isSecret` marks values that came from a reference; their path does not show that. */
export function changesBetween(
  before: readonly NamedClient[],
  after: readonly NamedClient[],
  isSecret: (client: string, ...value: Parameters<IsSecret>) => boolean,
): ConfigChange[] {
  const old = new Map(before.map(({ name, config }) => [name, config]));
  const present = new Set(after.map(({ name }) => name));
  const gone = before.filter(({ name }) => !present.has(name));
  return [
    ...after.flatMap(({ name, config }) => {
      const previous = old.get(name);
      if (previous === undefined) return [{ client: name, path: '', after: 'added' }];
      if (previous === config) return [];
      return changesOf(name, previous, config, (path, value) => isSecret(name, path, value));
    }),
    ...gone.map(({ name }) => ({ client: name, path: '', before: 'removed' })),
  ];
}

function changesOf(client: string, before: Config, after: Config, isSecret: IsSecret): ConfigChange[] {
  const [old, now] = [byPath(before), byPath(after)];
  const shown = ({ path, value }: Leaf) => maskedConfig(path, value, isSecret);
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    if (isDeepStrictEqual(was?.value, is?.value)) return [];
    return [{ client, path, ...(was && { before: shown(was) }), ...(is && { after: shown(is) }) }];
  });
}

/** One option and its value; an object with options inside is not a leaf. */
export interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Every leaf of a configuration, in its order; a list is one value. */
export function leavesOf(config: object, path: readonly string[] = []): Leaf[] {
  return Object.entries(config).flatMap(([key, value]): Leaf[] => {
    const here = [...path, key];
    if (isPlain(value) && Object.keys(value).length > 0) return leavesOf(value, here);
    return value === undefined ? [] : [{ path: here, value }];
  });
}

const byPath = (config: object) => new Map(leavesOf(config).map((leaf) => [dotted(leaf.path), leaf]));

/** Returns true for a value that has to be maskedConfig although its path is not that of a secret option. */
export type IsSecret = (path: Path, value: unknown) => boolean;

/**
 * Returns `value` with its secrets maskedConfig. Masked are all headers, key material written in place of a file path, and
 * the query and user of a URL, path or pattern. URLs are recognised by their text rather than by option, so that no
 * option is forgotten.
 */
export function maskedConfig(path: Path, value: unknown, isSecret: IsSecret): unknown {
  if (Array.isArray(value)) return value.map((item, index) => maskedConfig([...path, index], item, isSecret));
  if (isPlain(value) && Object.keys(value).length > 0) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(entries.map(([key, inner]) => [key, maskedConfig([...path, key], inner, isSecret)]));
  }
  return isSecret(path, value) ? mask : maskedText(path.map(String), value);
}

function maskedText(path: readonly string[], value: unknown): unknown {
  if (isHeaderValue(path) || path.at(-1) === 'passphrase') return mask;
  if (typeof value !== 'string') return value;
  if (path[0] === 'tls' && material.has(path[1] ?? '')) return isFilePath(value) ? value : mask;
  return path.at(-1) === 'regex' ? redactPattern(value) : redactUrl(value);
}

/** The lists of `requestHeaders` have values of headers too, but for the names in `remove`. */
function isHeaderValue(path: readonly string[]): boolean {
  const changes = path.lastIndexOf('requestHeaders');
  return path.at(-2) === 'headers' || (changes >= 0 && changes < path.length - 2 && path[changes + 1] !== 'remove');
}

const material = new Set(['cert', 'key', 'ca', 'pfx']);

/** A key or certificate without its PEM lines must not be taken for a file path and shown. */
function isFilePath(value: string): boolean {
  return /^[\w./~:\\ -]{1,255}$/.test(value) && !/[\w-]{40}/.test(value);
}
