/** Keeps secrets that errors carry out of every way of printing them, and readable for code all the same. */
import { inspect, types } from 'node:util';
import { isAxiosError } from 'axios';
import { notesIfAny, notesOf, type Values } from './error-notes.js';
import { redactUrl } from './redact.js';

/** Properties that hold no secret and so may be printed; every other one is taken off the error. */
const printable = new Set<PropertyKey>([
  ...['name', 'message', 'code', 'status', 'method', 'url', 'attempts', 'retryAfter', 'isAxiosError'],
  ...['errno', 'syscall', 'address', 'port', 'hostname', 'reason', 'library', 'phase', 'duration'],
]);

/**
 * Makes an error safe to print by whatever means: `JSON.stringify`, `util.inspect` with every option, a walk over its
 * properties or its prototypes. axios's errors carry headers, bodies and TLS keys in `config`, `request` and `response`;
 * code still reads and sets them by name, but no own property holds them. So it is with axios's errors
 * under an error of another kind; what the caller's own code throws is theirs to show.
 * @returns the error itself; for one that is frozen another like it
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

/** `util.inspect` prints `errors` whatever it holds, and wherever it is. */
const notAnError = 'Something that is not an error was thrown.';

/** Errors of another realm too, as those of Node are in a test runner that isolates. */
function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

function withProperty(error: Error, key: PropertyKey, value: unknown): Error {
  const descriptor = { value, enumerable: false, configurable: true, writable: true };
  if (Reflect.defineProperty(error, key, descriptor)) return error;
  return Object.defineProperty(standIn(error), key, descriptor);
}

function concealedOne(error: Error): Error {
  const hidden = Reflect.ownKeys(error).filter((key) => isHidden(error, key));
  // One that has nothing to hide stays as it is, and equal to others of its class.
  const bare = hidden.length === 0 && (isKept(error) || !('toJSON' in error || inspect.custom in error));
  if (bare) return withoutQuery(error);
  if (!Object.isExtensible(error) || !hidden.every((key) => isConfigurable(error, key)))
    return concealedOne(standIn(error));
  const record = error as unknown as Record<PropertyKey, unknown>;
  withoutQuery(error);
  const values: Values = notesIfAny(error)?.values ?? {};
  for (const key of hidden) {
    // Any of its own would print what the error holds.
    if (key !== 'toJSON' && key !== inspect.custom) values[key] = record[key];
  }
  keep(error, values);
  // Only now: V8 would make a map of its own for each object whose prototype is set after properties were deleted.
  for (const key of hidden) delete record[key];
  return error;
}

/** Of what stays on the error. */
function withoutQuery(error: Error & { url?: unknown }): Error {
  if (error.name === 'SyntaxError') concealBody(error);
  if (typeof error.url === 'string') error.url = redactUrl(error.url);
  return error;
}

/** Also what is not enumerable: `showHidden` and walks over names find that. */
function isHidden(error: Error, key: PropertyKey): boolean {
  if (key === 'message' || key === 'stack') return false;
  const value = (error as unknown as Record<PropertyKey, unknown>)[key];
  if (key === 'cause') return !isError(value);
  if (key === 'errors') return !Array.isArray(value);
  if (!printable.has(key)) return true;
  return typeof value === 'object' || typeof value === 'function';
}

function isConfigurable(error: Error, key: PropertyKey): boolean {
  return Object.getOwnPropertyDescriptor(error, key)?.configurable === true;
}

/** For an error that is frozen, or holds something that cannot be taken off it. */
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

/** JSON.parse quotes what it could not read. */
function concealBody(error: Error): void {
  const { message, stack } = error;
  withProperty(error, 'message', 'The body is not valid JSON.');
  withProperty(error, 'stack', stack?.replaceAll(message, error.message));
}

function isKept(error: Error): boolean {
  return parents.has(Object.getPrototypeOf(error));
}

/** Puts what an error holds behind its prototype. One that is made for this has nothing to be taken off it, which costs more. */
export function keep<E extends Error>(error: E, values: Values): E {
  notesOf(error).values = values;
  const prototype: object = Object.getPrototypeOf(error);
  Object.setPrototypeOf(error, prototypeWith(parents.get(prototype) ?? prototype, Reflect.ownKeys(values)));
  return error;
}

/** As `error[key] = value`, for what must not become a property. */
export function hold(error: Error, key: string, value: unknown): void {
  const values = notesIfAny(error)?.values ?? {};
  if (Object.hasOwn(values, key)) values[key] = value;
  else keep(error, { ...values, [key]: value });
}

/** As `delete error[key]`. */
export function forget(error: object, key: string): void {
  Reflect.deleteProperty(error, key);
  const { [key]: value, ...rest } = notesIfAny(error)?.values ?? {};
  if (value !== undefined) keep(error as Error, rest);
}

/** The prototypes made here, with those they stand before. */
const parents = new WeakMap<object, object>();
const shapes = new WeakMap<object, Map<string, object>>();
/** Names that errors of others have: there is no bound to them. */
const maxShapes = 64;

/**
 * A prototype that has what was taken off an error as accessors, so that `error.config` and `'config' in error` are as ever.
 * It stands four steps off, since `util.inspect` with `showHidden` and `getters` reads accessors of the next three.
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
  // A Proxy would cost each failed call some microseconds.
  const holder = names.includes('cause') ? new Proxy(accessors, causeless) : accessors;
  const made = Object.create(Object.create(Object.create(holder)));
  parents.set(made, parent);
  if (known.size < maxShapes && names.every((name) => typeof name === 'string')) known.set(shape, made);
  return made;
}

/** A cause that is no error may be anything, and `util.inspect` prints every cause that it finds by `in`. */
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
