/** Options and clients that stand a level too high or too deep in a file. */

import { clientOptions, namelessSchema } from '../../client/config/config.js';
import { advice, bare } from '../../options/advice.js';
import { hint, type OptionFault } from '../../options/options.js';
import { pathsIn } from '../../options/schema.js';
import { isPlain, type Reference, referencesIn } from './references.js';

/** The name of an option that every client may have. */
export function isOption(name: string): boolean {
  return clientOptions.some((option) => bare(option) === bare(name));
}

/** Options, and nothing but options: so a client, whatever it is called. */
export function looksLikeClient(value: unknown): boolean {
  if (!isPlain(value)) return false;
  const keys = Object.keys(value).filter((key) => key !== 'name');
  return keys.length > 0 && keys.every((key) => clientOptions.includes(key));
}

/** An option that stands where clients are named. */
export function isMisplaced(name: string, own: unknown, before: string | undefined): boolean {
  if (!isOption(name) || looksLikeClient(own)) return false;
  return own === null ? before !== undefined : !isPlain(own) || Object.keys(own).length > 0;
}

/** What is said of a key at the top of a file that belongs elsewhere or nowhere. */
export function topLevelFault(key: string, value: unknown, known: readonly string[]): string {
  if (looksLikeClient(value) && !isOption(key)) return 'unknown option here: a client belongs under clients, indented';
  if (isOption(key)) return 'unknown option here: it belongs under defaults, or under one of clients';
  return `unknown option${hint(key, known)}`;
}

/** The key at the top of a file that was most likely to be `clients`, where nothing else is. */
export function misspeltClients(root: Readonly<Record<string, unknown>>): string | undefined {
  const isLike = (key: string) => /^clients?$/.test(bare(key).replace(/^http|^named/, ''));
  return Object.hasOwn(root, 'clients')
    ? undefined
    : Object.keys(root).find((key) => isLike(key) && isPlain(root[key]));
}

/** What is said of a client that is no object; `name`: its own. */
export function clientFault(own: unknown, name = ''): string {
  const holder = pathsIn(namelessSchema).find((path) => path.length > 1 && path.at(-1) === name);
  if (holder !== undefined)
    return `expected an object; ${name} is an option of ${holder.slice(0, -1).join('.')}, not a client`;
  if (typeof own === 'string' && /^https?:/i.test(own)) return 'expected an object; write its baseURL under it';
  // Neither a list of options nor a switch: a client is there or not.
  const meant = typeof own === 'boolean' ? undefined : advice(own, [{ type: 'object', properties: {} }]);
  return meant === undefined ? 'expected an object' : `expected an object; ${meant}`;
}

/** A client inside another one. */
export function isNestedClient({ path, unknown }: OptionFault, value: unknown): boolean {
  const [key] = path;
  return unknown === true && path.length === 1 && looksLikeClient(value) && !/^(x-|<<)/.test(String(key));
}

/** A fault of a client, with where its key belongs or where its value comes from; undefined where that is not known here. */
export function inContext(
  fault: OptionFault,
  value: unknown,
  reference: Reference | undefined,
): OptionFault | undefined {
  if (fault.path[0] === '<<') return { ...fault, message: mergeKey };
  if (isNestedClient(fault, value)) return { ...fault, message: nested };
  if (reference === undefined) return fault;
  if (reference.open) return undefined;
  const from = referencesIn(reference.text);
  if (from === '') return fault;
  return { ...fault, message: `${fault.message}; ${value === '' ? `${from} is empty` : `it comes from ${from}`}` };
}

const mergeKey = 'unknown option: YAML 1.2 has no merge keys; what several clients share belongs under defaults';
const nested = 'unknown option here: it looks like a client, which belongs beside this one, not inside';
