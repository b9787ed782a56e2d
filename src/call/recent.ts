/** A map of bounded size: beyond it the entry that was used longest ago is evicted. */

import { Queue, type QueuePlace } from './queue.js';

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
  readonly #places = new Map<string, QueuePlace<Entry<Value>>>();
  /** The entry used longest ago first. */
  readonly #entries = new Queue<Entry<Value>>();
  readonly #options: RecentOptions<Value>;
  #latest: Entry<Value> | undefined;

  constructor(options: RecentOptions<Value>) {
    this.#options = options;
  }

  /**
   * The entry of this key, made where there is none; it counts as used now. `make` is given the key, so that one function does
   * for all calls.
   */
  use(key: string, make: (key: string) => Value): Value {
    // Most calls go where the last one went.
    if (this.#latest?.key === key) return this.#latest.value;
    const place = this.#places.get(key);
    if (place === undefined) return this.#add({ key, value: make(key) });
    this.#entries.moveToEnd(place);
    this.#latest = place.item;
    return place.item.value;
  }

  #add(entry: Entry<Value>): Value {
    this.#places.set(entry.key, this.#entries.add(entry));
    this.#latest = entry;
    if (this.#entries.size > this.#options.max) this.#evict();
    return entry.value;
  }

  #evict(): void {
    const victim = this.#idlest() ?? (this.#options.whenBusy === 'evict' ? this.#entries.first : undefined);
    if (victim === undefined) return;
    this.#remove(victim.key);
    this.#options.evicted?.(victim.value);
  }

  /** Of the entries used longest ago the first one that is not busy. */
  #idlest(): Entry<Value> | undefined {
    let count = 0;
    for (const entry of this.#entries) {
      if (entry === this.#latest || ++count > examined) return undefined;
      if (!this.#options.busy?.(entry.value)) return entry;
    }
    return undefined;
  }

  #remove(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#entries.remove(place);
    if (this.#latest === place.item) this.#latest = undefined;
  }

  /** The entry of this key, which does not count as used by it. */
  get(key: string): Value | undefined {
    return this.#places.get(key)?.item.value;
  }

  /** Removes the entry of this key, unless it is another than `value`. */
  delete(key: string, value: Value): void {
    if (this.get(key) === value) this.#remove(key);
  }

  clear(): void {
    this.#places.clear();
    this.#entries.takeAll();
    this.#latest = undefined;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Entries by key, the one used longest ago first. */
  *[Symbol.iterator](): IterableIterator<[string, Value]> {
    for (const { key, value } of this.#entries.items()) yield [key, value];
  }

  *values(): IterableIterator<Value> {
    for (const { value } of this.#entries.items()) yield value;
  }
}

interface Entry<Value> {
  readonly key: string;
  readonly value: Value;
}
