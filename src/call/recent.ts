/** A map of bounded size: beyond it the entry that was used longest ago is evicted. */

/** Entries examined for one that may be evicted. Where all of these are busy, `whenBusy` says what happens. */
const examined = 16;

/**
 * Destinations whose small entries are kept, in megabytes at most. A caller that visits more of them in turn finds none of
 * its entries again, as the one that is due next is always the one that was used longest ago.
 */
export const manyDestinations = 16_384;

export interface RecentOptions<Value> {
  /** Number of entries that are kept. */
  readonly max: number;
  /** True for an entry that is in use, or whose loss would be noticed. */
  readonly busy?: (value: Value) => boolean;
  /** Where the oldest entries are all busy: `exceed` the bound for a while, the default, or `evict` the oldest. */
  readonly whenBusy?: 'exceed' | 'evict';
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
    const victim =
      this.#idlest() ?? (this.#options.whenBusy === 'evict' ? this.#entries.entries().next().value : undefined);
    if (victim === undefined) return;
    const [key, value] = victim;
    this.#entries.delete(key);
    this.#options.evicted?.(value);
  }

  /** Of the entries used longest ago the first one that is not busy. */
  #idlest(): [string, Value] | undefined {
    let count = 0;
    for (const entry of this.#entries) {
      if (entry[1] === this.#latest?.value || ++count > examined) return undefined;
      if (!this.#options.busy?.(entry[1])) return entry;
    }
    return undefined;
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
