/** Hides the secrets that errors carry from every way of printing them, while code can still read them by name. */
import { inspect, types } from 'node:util';
import { type AxiosError, isAxiosError } from 'axios';
import { notesIfAny, notesOf, type Values } from './error-notes.js';
import { redactUrl } from './redact.js';
import { errorParts, isShaded, shaded } from './shade.js';

/** Properties that hold no secret and so may be printed; every other one is taken off the error. */
const printable = new Set<PropertyKey>([
  ...['name', 'message', 'code', 'status', 'method', 'url', 'attempts', 'retryAfter', 'isAxiosError'],
  ...['errno', 'syscall', 'address', 'port', 'hostname', 'reason', 'library', 'phase', 'duration'],
]);

/**
 * Makes an error safe to print by any means: `JSON.stringify`, `util.inspect` with every option, a walk over its
 * properties or its prototypes. axios's errors carry headers, bodies and TLS keys in `config`, `request` and
 * `response`; code still reads, sets and copies these by name, but printing does not look into them. axios's errors
 * below an error of another kind are treated the same; other errors, thrown by the caller's own code, are left as they
 * are.
 * @returns the error itself, or a copy where it is frozen
 */
export function conceal<E>(error: E): E {
  return concealed(error, false, undefined) as E;
}

function concealed(error: unknown, below: boolean, seen: Set<unknown> | undefined): unknown {
  if (!isError(error) || seen?.has(error)) return error;
  const ours = below || isAxiosError(error);
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  let result: Error = error;
  if (cause !== undefined || errors !== undefined) {
    const known = (seen ?? new Set()).add(error);
    const inner = concealed(cause, ours, known);
    if (inner !== cause) result = withProperty(result, 'cause', inner);
    if (Array.isArray(errors)) {
      const all = errors.map((each) => (ours && !isError(each) ? new Error(notAnError) : concealed(each, ours, known)));
      if (all.some((each, index) => each !== errors[index])) result = withProperty(result, 'errors', all);
    }
  }
  return ours ? concealedOne(result) : result;
}

/** `util.inspect` prints `errors` whatever it holds, at any depth. */
const notAnError = 'A value that is not an error was thrown.';

/** True for errors of another realm too, such as Node's own in a test runner that isolates modules. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

function withProperty(error: Error, key: PropertyKey, value: unknown): Error {
  const descriptor = { value, enumerable: false, configurable: true, writable: true };
  if (Reflect.defineProperty(error, key, descriptor)) return error;
  return Object.defineProperty(standIn(error), key, descriptor);
}

function concealedOne(error: Error): Error {
  const hidden = Reflect.ownKeys(error).filter((key) => isHidden(error, key));
  // An error with nothing to hide stays as it is, and so equal to others of its class.
  const bare = hidden.length === 0 && (isKept(error) || !('toJSON' in error || inspect.custom in error));
  if (bare) return withParts(withoutQuery(error));
  if (!Object.isExtensible(error) || !hidden.every((key) => isConfigurable(error, key)))
    return concealedOne(standIn(error));
  const record = error as unknown as Record<PropertyKey, unknown>;
  withoutQuery(error);
  const values: Values = notesIfAny(error)?.values ?? {};
  for (const key of hidden) {
    // A `toJSON` or `inspect.custom` of its own would print what the error holds, so these are dropped.
    if (key !== 'toJSON' && key !== inspect.custom) values[key] = record[key];
  }
  keep(error, values);
  // Deleted only now: V8 makes a map (hidden class) for each object whose prototype is set after properties were
  // deleted.
  for (const key of hidden) delete record[key];
  return withParts(error);
}

/** Redacts what stays on the error: the query of its URL, and a body that its message quotes. */
function withoutQuery(error: Error & { url?: unknown }): Error {
  if (error.name === 'SyntaxError') concealBody(error);
  if (typeof error.url === 'string') error.url = redactUrl(error.url);
  return error;
}

/** True for a property that must be taken off, enumerable or not: `showHidden` and walks over names find both. */
function isHidden(error: Error, key: PropertyKey): boolean {
  if (key === 'message' || key === 'stack') return false;
  const value = (error as unknown as Record<PropertyKey, unknown>)[key];
  if (key === 'cause') return !isError(value);
  if (key === 'errors') return !Array.isArray(value);
  if (!printable.has(key)) return !isShaded(value);
  return typeof value === 'object' || typeof value === 'function';
}

function isConfigurable(error: Error, key: PropertyKey): boolean {
  return Object.getOwnPropertyDescriptor(error, key)?.configurable === true;
}

/** A copy of an error that is frozen, or has a property that cannot be deleted. */
function standIn(error: Error): Error {
  const { stack: _, ...descriptors } = Object.getOwnPropertyDescriptors(error) as PropertyDescriptorMap;
  for (const key of Reflect.ownKeys(descriptors)) {
    const each = descriptors[key as string] as PropertyDescriptor;
    Object.assign(each, { configurable: true }, 'value' in each && { writable: true });
  }
  const copy = Object.setPrototypeOf(new Error(error.message), Object.getPrototypeOf(error));
  Object.defineProperties(copy, descriptors);
  return withProperty(copy, 'stack', error.stack);
}

/** The message of JSON.parse quotes the text that it could not read. */
function concealBody(error: Error): void {
  const { message, stack } = error;
  withProperty(error, 'message', 'The body is not valid JSON.');
  withProperty(error, 'stack', stack?.replaceAll(message, error.message));
}

function isKept(error: Error): boolean {
  return parents.has(Object.getPrototypeOf(error));
}

/**
 * Makes values readable on an error through its prototype. Where the error is made for this, nothing has to be deleted
 * from it, which would cost more.
 */
export function keep<E extends Error>(error: E, values: Values): E {
  notesOf(error).values = values;
  const prototype: object = Object.getPrototypeOf(error);
  Object.setPrototypeOf(error, prototypeWith(parents.get(prototype) ?? prototype, Reflect.ownKeys(values)));
  return error;
}

/** As `error[key] = value`, without an own property. */
export function hold(error: Error, key: string, value: unknown): void {
  const values = notesIfAny(error)?.values ?? {};
  if (Object.hasOwn(values, key)) values[key] = value;
  else keep(error, { ...values, [key]: value });
}

/** As `delete error[key]`, for values behind the prototype too. */
export function forget(error: object, key: string): void {
  Reflect.deleteProperty(error, key);
  const { [key]: value, ...rest } = notesIfAny(error)?.values ?? {};
  if (value !== undefined) keep(error as Error, rest);
}

/**
 * Gives axios's errors own properties for the parts that axios's have, so that `{ ...error }` keeps them. The getters
 * make what is printed harmless, and only when somebody reads it.
 */
function withParts(error: Error): Error {
  const values = isAxiosError(error) ? notesIfAny(error)?.values : undefined;
  if (values === undefined) return error;
  for (const name of errorParts)
    if (name in values && !Object.hasOwn(error, name)) Reflect.defineProperty(error, name, parts[name] as never);
  return error;
}

const parts: Readonly<Record<string, PropertyDescriptor>> = Object.fromEntries(
  errorParts.map((name) => {
    const { set } = accessor(name);
    const get = function get(this: Error): unknown {
      const values = notesIfAny(this)?.values;
      const part = values?.[name];
      if (values === undefined || typeof part !== 'object' || part === null || isShaded(part)) return part;
      // As with axios, the response of an error has the same config as the error.
      if (name === 'response' && 'config' in part) part.config = (this as AxiosError).config as never;
      values[name] = shaded(name, part);
      return values[name];
    };
    return [name, { __proto__: null, get, set, enumerable: true, configurable: true } as PropertyDescriptor];
  }),
);

/** The prototypes made here, each with the prototype that it was put before. */
const parents = new WeakMap<object, object>();
const shapes = new WeakMap<object, Map<string, object>>();
/** The cache is bounded, since errors of other libraries may have any names. */
const maxShapes = 64;

/**
 * A prototype with accessors for the properties that were taken off an error, so that `error.config` and `'config' in
 * error` work as before. The accessors are four steps up the chain, since `util.inspect` with `showHidden` and
 * `getters` reads those of the next three prototypes.
 */
function prototypeWith(parent: object, names: readonly PropertyKey[]): object {
  const known = shapes.get(parent) ?? new Map<string, object>();
  shapes.set(parent, known);
  const shape = names.map(String).join('\0');
  const found = known.get(shape);
  if (found !== undefined) return found;
  const own = { toJSON: method(printableFields), [inspect.custom]: method(undefined) };
  const accessors = Object.create(parent, {
    ...own,
    ...Object.fromEntries(names.map((name) => [name, accessor(name)])),
  });
  // Only where needed: a Proxy costs each failed call some microseconds.
  const holder = names.includes('cause') ? new Proxy(accessors, causeless) : accessors;
  const made = Object.create(Object.create(Object.create(holder)));
  parents.set(made, parent);
  if (known.size < maxShapes && names.every((name) => typeof name === 'string')) known.set(shape, made);
  return made;
}

/**
 * Hides a `cause` that is not an error from `in`: it may be anything, and `util.inspect` prints every cause that it
 * finds by `in`.
 */
const causeless: ProxyHandler<object> = { has: (target, key) => key !== 'cause' && Reflect.has(target, key) };

function method(value: unknown): PropertyDescriptor {
  return { value, configurable: true, writable: true };
}

function accessor(name: PropertyKey): PropertyDescriptor {
  return {
    configurable: true,
    get(this: Error) {
      return notesIfAny(this)?.values?.[name];
    },
    set(this: Error, value) {
      const values = notesIfAny(this)?.values;
      if (values !== undefined) values[name] = value;
    },
  };
}

function printableFields(this: Error): object {
  const fields: Record<string, unknown> = { name: this.name, message: this.message };
  for (const [key, value] of Object.entries(this)) if (printable.has(key)) fields[key] = value;
  return { ...fields, stack: this.stack };
}
