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
      if (key !== 'constructor' && key !== '__proto__' && !(key in own)) own[key] = foreign[key as keyof T];
  return own as T;
}

/** `Object.prototype`, also that of another realm. */
function isRoot(at: object, foreign: object): boolean {
  return at !== foreign && Object.getPrototypeOf(at) === null && Object.hasOwn(at, 'isPrototypeOf');
}

/** One property of an object that may be anything. */
export function ownValue(holder: object | null | undefined, name: string): unknown {
  return holder && Object.hasOwn(holder, name) ? (holder as Record<string, unknown>)[name] : undefined;
}
