/** Reads foreign objects by their own properties, so that a polluted `Object.prototype` steers nothing. */

/**
 * A class without a prototype: a property that an instance lacks is not looked up anywhere. `hasOwnProperty` is there
 * because axios's own configurations have it.
 */
export class Own {
  hasOwnProperty(name: PropertyKey): boolean {
    return Object.hasOwn(this, name);
  }
}
Object.setPrototypeOf(Own.prototype, null);

/**
 * A copy of the object with its own properties and those of its class, and without a prototype: a name that the object
 * lacks is not found on a polluted `Object.prototype` either. axios reads configurations the same way. An object that
 * has no prototype already is returned itself.
 */
export function ownOf<T extends object>(foreign: T): T {
  if (Object.getPrototypeOf(foreign) === null || foreign instanceof Own) return foreign;
  const own = Object.create(null) as Record<PropertyKey, unknown>;
  for (let at: object | null = foreign; at !== null && !isRoot(at, foreign); at = Object.getPrototypeOf(at) as object)
    for (const key of Reflect.ownKeys(at))
      if (key !== '__proto__' && !(key in own) && (key !== 'constructor' || at === foreign))
        own[key] = foreign[key as keyof T];
  return own as T;
}

/** True for `Object.prototype`, also that of another realm. */
function isRoot(at: object, foreign: object): boolean {
  return at !== foreign && Object.getPrototypeOf(at) === null && Object.hasOwn(at, 'isPrototypeOf');
}

/**
 * True for a plain object, such as one parsed from a file; false for an array or an instance of a class. One made by
 * `structuredClone` in jest is of another realm.
 */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || isRoot(prototype, value);
}

/** An object without any properties, own or inherited: the default value of option sections. */
export function nothing(): Record<string, never> {
  return Object.create(null) as Record<string, never>;
}

/** An own property of an object; undefined where the object lacks it or there is no object. */
export function ownValue(holder: object | null | undefined, name: string): unknown {
  return holder && Object.hasOwn(holder, name) ? (holder as Record<string, unknown>)[name] : undefined;
}

/** Parsed options list under this key which of them were left to their defaults; no enumeration shows it. */
export const DEFAULTED = Symbol('pillion.defaulted');

/** A copy of data that inherits nothing from `Object.prototype`, at any depth. */
export function dataOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dataOf);
  if (!isRecord(value)) return value;
  const data = Object.create(null) as object;
  for (const name of Object.keys(value)) put(data, name, dataOf(value[name]), true);
  if (Object.hasOwn(value, DEFAULTED)) put(data, DEFAULTED, (value as { [DEFAULTED]?: unknown })[DEFAULTED], false);
  if (Object.getPrototypeOf(value) === Object.prototype) return data;
  const members = ownOf(value);
  // Getters of a class can be read by name, but are not enumerated.
  for (const name of Object.keys(members))
    if (!Object.hasOwn(data, name)) put(data, name, dataOf(members[name]), false);
  return data;
}

function put(data: object, name: PropertyKey, value: unknown, enumerable: boolean): void {
  const descriptor = { __proto__: null, value, enumerable, configurable: true, writable: true };
  Object.defineProperty(data, name, descriptor as PropertyDescriptor);
}

/** True for a plain object or an instance of a class; false for a Date, a Map, bytes and the like. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]';
}
