/** Counts by kind of what happened in the last `length` milliseconds, in ten buckets and without timers. */

const buckets = 10;

export class RollingCounts<Kind extends string> {
  readonly #width: number;
  readonly #counts: Readonly<Record<Kind, number[]>>;
  #latest = 0;
  #rotatedAt = performance.now();

  constructor(length: number, kinds: readonly Kind[]) {
    this.#width = length / buckets;
    const empty = kinds.map((kind) => [kind, new Array<number>(buckets).fill(0)]);
    this.#counts = Object.fromEntries(empty) as Record<Kind, number[]>;
  }

  add(kind: Kind): void {
    this.#rotate();
    const counts = this.#counts[kind];
    counts[this.#latest] = (counts[this.#latest] ?? 0) + 1;
  }

  total(kind: Kind): number {
    this.#rotate();
    let total = 0;
    for (const count of this.#counts[kind]) total += count;
    return total;
  }

  clear(): void {
    for (const counts of Object.values<number[]>(this.#counts)) counts.fill(0);
  }

  /** Clears the buckets whose time has left the window. */
  #rotate(): void {
    const steps = Math.floor((performance.now() - this.#rotatedAt) / this.#width);
    this.#rotatedAt += steps * this.#width;
    for (let step = Math.min(steps, buckets); step > 0; step--) {
      this.#latest = (this.#latest + 1) % buckets;
      for (const counts of Object.values<number[]>(this.#counts)) counts[this.#latest] = 0;
    }
  }
}
