/** What becomes of a header that Envoy's levels change one after the other, and the options that do the same. */
import type { Reader } from './reader.js';

export const headerActions = [
  'APPEND_IF_EXISTS_OR_ADD',
  'ADD_IF_ABSENT',
  'OVERWRITE_IF_EXISTS_OR_ADD',
  'OVERWRITE_IF_EXISTS',
] as const;

/** A change of one header, and the part of the file that asks for it. */
export interface HeaderMutation {
  readonly action: (typeof headerActions)[number] | 'REMOVE';
  readonly value: string;
  readonly reader: Reader;
}

/** Changes by the lower-case names of their headers. Envoy makes those of one level together. */
export type HeaderLevel = ReadonlyMap<string, readonly HeaderMutation[]>;

/** The values that are sent where the caller sets a header, and where it does not. */
export interface HeaderOutcome {
  readonly present: readonly string[];
  readonly absent: readonly string[];
}

/** Stands for the values of the caller; no header can have this value. */
const callers = '\0caller';

/** A header that nothing has changed yet. */
export const untouched: HeaderOutcome = { present: [callers], absent: [] };

/** A header that every call has. */
export const always: HeaderOutcome = { present: [callers], absent: [callers] };

/** A header with a value of its own where the caller does not set it. */
export const unlessSet = (value: string): HeaderOutcome => ({ present: [callers], absent: [value] });

/** A header that is the same whatever the caller sets. */
export const whatever = (values: readonly string[]): HeaderOutcome => ({ present: values, absent: values });

/**
 * The options that give an outcome: `otherwise` is a value in `headers`, for calls without this header; the others are
 * those of `requestHeaders`.
 */
export interface HeaderOptions {
  readonly otherwise?: string;
  readonly remove?: true;
  readonly replace?: string;
  readonly set?: string;
  readonly add?: readonly string[];
}

/** The outcome after all levels, in the order in which Envoy makes their changes. */
export function mutated(name: string, start: HeaderOutcome, levels: readonly HeaderLevel[]): HeaderOutcome {
  return levels.reduce((before, level) => {
    const mutations = level.get(name) ?? [];
    return { present: changed(before.present, mutations), absent: changed(before.absent, mutations) };
  }, start);
}

/** One level of Envoy: it removes first, then sees which headers there are, then overwrites, then adds. */
function changed(before: readonly string[], mutations: readonly HeaderMutation[]): readonly string[] {
  let values = mutations.some(({ action }) => action === 'REMOVE') ? [] : before;
  const exists = values.length > 0;
  const added: string[] = [];
  for (const { action, value } of mutations) {
    if (action === 'APPEND_IF_EXISTS_OR_ADD' || (action === 'ADD_IF_ABSENT' && !exists)) added.push(value);
    if (action === 'OVERWRITE_IF_EXISTS_OR_ADD' || (action === 'OVERWRITE_IF_EXISTS' && exists)) values = [value];
  }
  return [...values, ...added];
}

/** The options for an outcome; undefined where there are none. */
export function optionsOf({ present, absent }: HeaderOutcome): HeaderOptions | undefined {
  const [first = '', ...added] = present;
  const more = added.length > 0 ? { add: added } : {};
  if (isSame(present, absent)) {
    if (first === callers) return more;
    return present.length === 0 ? { remove: true } : { set: first, ...more };
  }
  // Several values that stand in for one of the caller are one line: a list may be written so (RFC 9110, 5.3).
  const others = absent.slice(0, absent.length - added.length);
  if (first === callers && isSame(absent.slice(others.length), added))
    return others.length === 0 ? more : { otherwise: others.join(', '), ...more };
  if (present.length > absent.length && isSame(added, absent)) return { replace: first, ...more };
  return undefined;
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((each, index) => each === right[index]);
}
