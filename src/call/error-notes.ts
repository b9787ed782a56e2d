/** Notes about an error, kept in a private field: no enumeration finds it, and a WeakMap costs ten times as much. */

import { processWide } from './process-wide.js';

/** Values by the name of a property. */
export type Values = Record<PropertyKey, unknown>;

/** What this library keeps about an error, beside its properties. */
export interface ErrorNotes {
  /** Properties that were taken off the error, so that no way of printing it finds them. */
  values?: Values;
  /** The error was made without stack frames. */
  traceless?: boolean;
  /** The client's edge has prepared the error for the caller. */
  presented?: boolean;
  /** The error reports a mistake in a test, not a failure of the call. */
  ofTest?: boolean;
}

/** A constructor may return another object; the private fields of a subclass are then added to that object. */
const Given = function given(error: object) {
  return error;
} as unknown as new (
  error: object,
) => object;

const Noted = processWide(
  'error notes',
  () =>
    class Noted extends Given {
      readonly #notes: ErrorNotes = {};

      static of(error: object): ErrorNotes | undefined {
        return #notes in error ? (error as Noted).#notes : undefined;
      }
    },
);

/** The notes about an error, to read and to add to; created where there are none. */
export function notesOf(error: object): ErrorNotes {
  return notesIfAny(error) ?? (notesIfAny(new Noted(error)) as ErrorNotes);
}

/** The notes about an error; undefined where there are none, and for a value that is not an object. */
export function notesIfAny(error: unknown): ErrorNotes | undefined {
  return typeof error === 'object' && error !== null ? Noted.of(error) : undefined;
}
