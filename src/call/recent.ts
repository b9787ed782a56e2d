/** A map of bounded size: beyond it the entry that was used longest ago is evicted. */

/** Entries examined for one that may be evicted. Where all of these are busy, the map exceeds its bound for a while. */
const examined = 16;

export interface RecentOptions<Value> {
  /** Number of entries that are kept. */
  readonly max: number;
  /** True for an entry in use, which must not be evicted. */
  readonly busy?: (value: Value) => boolean;
  /** Called with each evicted entry. */
  readonly evicted?: (value: Value) => void;
}

export class Recent<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #options: RecentOptions<Value>;
  #latest: { readonly key: string; readonly value: Value } | undefined;

  constructor(options: RecentOptions<Value>) {
    this.#options = options;
  }

  /** The entry of this key, made where there is none; it counts as used now. */
  use(key: string, make: () => Value): Value {
    // Most calls go where the last one went.
    if (this.#latest?.key === key) return this.#latest.value;
    const known = this.#entries.has(key);
    const value = known ? (this.#entries.get(key) as Value) : make();
    this.#entries.delete(key);
    this.#entries.set(key, value);
    this.#latest = { key, value };
    if (!known && this.#entries.size > this.#options.max) this.#evict();
    return value;
  }

  #evict(): void {
    let count = 0;
    for (const [key, value] of this.#entries) {
      if (value === this.#latest?.value || ++count > examined) return;
      if (this.#options.busy?.(value)) continue;
      this.#entries.delete(key);
      this.#options.evicted?.(value);
      return;
    }
  }

  /** The entry of this key, which does not count as used by it. */
  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  /** Removes the entry of this key, unless it is another than `value`. */
  delete(key: string, value: Value): void {
    if (this.#entries.get(key) !== value) return;
    this.#entries.delete(key);
    if (this.#latest?.key === key) this.#latest = undefined;
  }

  clear(): void {
    this.#entries.clear();
    this.#latest = undefined;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Entries by key, the one used longest ago first. */
  [Symbol.iterator](): MapIterator<[string, Value]> {
    return this.#entries.entries();
  }

  values(): MapIterator<Value> {
    return this.#entries.values();
  }
}
