/** What is noted of an error, in a private field: nothing lists it, and a WeakMap costs ten times as much. */

/** A value for each name. */
export type Values = Record<PropertyKey, unknown>;

/** What this library knows of an error beside its properties. */
export interface ErrorNotes {
  /** Taken off it, so that no way of printing it finds them. */
  values?: Values;
  /** Made without stack frames. */
  traceless?: boolean;
  /** Made fit to be shown by the client's edge. */
  presented?: boolean;
  /** It says that a test is wrong, and is no failure of the call. */
  ofTest?: boolean;
}

/** A constructor may return another object, and the fields of a class that extends it are put on that one. */
const Given = function given(error: object) {
  return error;
} as unknown as new (
  error: object,
) => object;

class Noted extends Given {
  readonly #notes: ErrorNotes = {};

  static of(error: object): ErrorNotes | undefined {
    return #notes in error ? (error as Noted).#notes : undefined;
  }
}

/** The notes about an error, to read and to add to. */
export function notesOf(error: object): ErrorNotes {
  return notesIfAny(error) ?? (notesIfAny(new Noted(error)) as ErrorNotes);
}

/** The same; undefined where nothing is noted, and for what is no object. */
export function notesIfAny(error: unknown): ErrorNotes | undefined {
  return typeof error === 'object' && error !== null ? Noted.of(error) : undefined;
}
