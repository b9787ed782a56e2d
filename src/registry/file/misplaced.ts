/** Recognises options and clients that are indented one level too little or too much. */

import { isPlain } from '../../call/own.js';
import { clientOptions, namelessSchema } from '../../client/config/config.js';
import { advice, bare } from '../../options/advice.js';
import { hint, type OptionFault } from '../../options/options.js';
import { pathsIn } from '../../options/schema-in-words.js';
import { type Reference, referencesIn } from './references.js';

/** True for the name of an option of a client, whatever its case and separators. */
export function isOption(name: string): boolean {
  return clientOptions().some((option) => bare(option) === bare(name));
}

/** True for an object whose keys are all options of a client. */
export function looksLikeClient(value: unknown): boolean {
  if (!isPlain(value)) return false;
  const keys = Object.keys(value).filter((key) => key !== 'name');
  return keys.length > 0 && keys.every((key) => clientOptions().includes(key));
}

/** True for an option in the place of a client's name. */
export function isMisplaced(name: string, own: unknown, before: string | undefined): boolean {
  if (!isOption(name) || looksLikeClient(own)) return false;
  return own === null ? before !== undefined : !isPlain(own) || Object.keys(own).length > 0;
}

/** The message for an unknown key at the top of a file. */
export function topLevelFault(key: string, value: unknown, known: readonly string[]): string {
  if (looksLikeClient(value) && !isOption(key)) return 'unknown option here: a client belongs under clients, indented';
  if (isOption(key)) return 'unknown option here: it belongs under defaults, or under one of clients';
  return `unknown option${hint(key, known)}`;
}

/** The key at the top of a file that is most likely a misspelt `clients`; undefined if `clients` is there. */
export function misspeltClients(root: Readonly<Record<string, unknown>>): string | undefined {
  const isLike = (key: string) => /^clients?$/.test(bare(key).replace(/^http|^named/, ''));
  return Object.hasOwn(root, 'clients')
    ? undefined
    : Object.keys(root).find((key) => isLike(key) && isPlain(root[key]));
}

/** The message for a client that is not an object; `name` is the client's name. */
export function clientFault(own: unknown, name = ''): string {
  const holder = pathsIn(namelessSchema).find((path) => path.length > 1 && path.at(-1) === name);
  if (holder !== undefined)
    return `expected an object; ${name} is an option of ${holder.slice(0, -1).join('.')}, not a client`;
  if (typeof own === 'string' && /^https?:/i.test(own)) return 'expected an object; write its baseURL under it';
  // No advice for a boolean: unlike a section, a client cannot be switched on or off.
  const meant = typeof own === 'boolean' ? undefined : advice(own, [{ type: 'object', properties: {} }]);
  return meant === undefined ? 'expected an object' : `expected an object; ${meant}`;
}

/** True for a fault about an unknown key whose value looks like a client, inside another client. */
export function isNestedClient({ path, unknown }: OptionFault, value: unknown): boolean {
  const [key] = path;
  return unknown === true && path.length === 1 && looksLikeClient(value) && !/^(x-|<<)/.test(String(key));
}

/**
 * Adds to a fault of a client where the key belongs, or which reference the value came from. Returns undefined when the
 * value is a reference that was not resolved, so that nothing can be said about it.
 */
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

const mergeKey = 'unknown option: YAML 1.2 has no merge keys; put options that several clients share under defaults';
const nested = 'unknown option here: it looks like a client, which belongs beside this one, not inside';
