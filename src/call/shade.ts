/** Stands for `config`, `request` and `response` of an error: code uses them as they are, and printing shows nothing. */

/** What printing shows of each part of an error. */
const shownOf: Readonly<Record<string, readonly string[]>> = {
  config: ['method'],
  request: ['method'],
  response: ['status', 'statusText'],
};

/** The properties of an error that axios has as own ones, so that a copy of the error has them too. */
export const errorParts: readonly string[] = Object.keys(shownOf);

const SHADED = Symbol.for('pillion.shaded');

/**
 * The part with which code works as with the part itself: it reads, sets, spreads and sends it again. `util.inspect`,
 * with whatever options, looks at the target of the proxy, and JSON asks `toJSON`: both find a few harmless fields.
 */
export function shaded(name: string, part: object): object {
  const fields = (shownOf[name] ?? []).map((field) => [field, (part as Record<string, unknown>)[field]]);
  return new Proxy(Object.fromEntries(fields) as object, new Shade(part, name === 'request'));
}

export function isShaded(part: unknown): boolean {
  return typeof part === 'object' && part !== null && unshaded(part) !== part;
}

/** The part itself, for code that keeps something about it under its identity. */
export function unshaded<Part extends object>(part: Part): Part {
  return (part as { [SHADED]?: Part })[SHADED] ?? part;
}

class Shade implements ProxyHandler<object> {
  readonly #part: object;
  /** True where methods are bound to the part: those of Node's requests, and of ours, read private fields. */
  readonly #binds: boolean;

  constructor(part: object, binds: boolean) {
    this.#part = part;
    this.#binds = binds;
  }

  get(shown: object, key: PropertyKey): unknown {
    if (key === SHADED) return this.#part;
    if (key === 'toJSON') return () => shown;
    const value: unknown = Reflect.get(this.#part, key);
    return this.#binds && typeof value === 'function' ? value.bind(this.#part) : value;
  }

  set(_: object, key: PropertyKey, value: unknown): boolean {
    return Reflect.set(this.#part, key, value);
  }

  has(_: object, key: PropertyKey): boolean {
    return Reflect.has(this.#part, key);
  }

  ownKeys(): (string | symbol)[] {
    return Reflect.ownKeys(this.#part);
  }

  getOwnPropertyDescriptor(_: object, key: PropertyKey): PropertyDescriptor | undefined {
    const descriptor = Reflect.getOwnPropertyDescriptor(this.#part, key);
    // A proxy must not report a property as fixed that its target lacks.
    return descriptor && { ...descriptor, configurable: true };
  }

  defineProperty(_: object, key: PropertyKey, descriptor: PropertyDescriptor): boolean {
    return Reflect.defineProperty(this.#part, key, { ...descriptor, configurable: true });
  }

  deleteProperty(_: object, key: PropertyKey): boolean {
    return Reflect.deleteProperty(this.#part, key);
  }

  getPrototypeOf(): object | null {
    return Reflect.getPrototypeOf(this.#part);
  }
}
