/** Objects of others, without anything that somebody may have put on `Object.prototype`. */

/** What inherits from nothing, and so reads as what it has. `hasOwnProperty` is there because axios's own configurations have it. */
export class Own {
  hasOwnProperty(name: PropertyKey): boolean {
    return Object.hasOwn(this, name);
  }
}
Object.setPrototypeOf(Own.prototype, null);

/**
 * The object as it is meant: with its own properties and those of its class, and a prototype of nothing, so that a name
 * which it does not have is not found on a polluted `Object.prototype` either. axios reads configurations the same way.
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

/** `Object.prototype`, also that of another realm. */
function isRoot(at: object, foreign: object): boolean {
  return at !== foreign && Object.getPrototypeOf(at) === null && Object.hasOwn(at, 'isPrototypeOf');
}

/** An object without properties, own or inherited: the default of sections. */
export function nothing(): Record<string, never> {
  return Object.create(null) as Record<string, never>;
}

/** One property of an object that may be anything. */
export function ownValue(holder: object | null | undefined, name: string): unknown {
  return holder && Object.hasOwn(holder, name) ? (holder as Record<string, unknown>)[name] : undefined;
}

/** Data, however deep, without anything that an `Object.prototype` has. */
export function dataOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dataOf);
  if (!isRecord(value)) return value;
  const data = Object.create(null) as object;
  for (const name of Object.keys(value)) put(data, name, dataOf(value[name]), true);
  if (Object.getPrototypeOf(value) === Object.prototype) return data;
  const members = ownOf(value);
  // Getters of a class are there for those who know their names.
  for (const name of Object.keys(members))
    if (!Object.hasOwn(data, name)) put(data, name, dataOf(members[name]), false);
  return data;
}

function put(data: object, name: string, value: unknown, enumerable: boolean): void {
  const descriptor = { __proto__: null, value, enumerable, configurable: true, writable: true };
  Object.defineProperty(data, name, descriptor as PropertyDescriptor);
}

/** Not a Date, a Map, bytes or the like. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]';
}
