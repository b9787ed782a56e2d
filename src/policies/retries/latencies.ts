/** Percentiles of the latencies of the last 30 seconds. */

/** Upper bound of the first bucket, in milliseconds. */
const shortest = 0.1;
/** Upper bound of the last but one, in milliseconds: more than ten minutes. */
const longest = 700_000;
const slices = 3;
const sliceMs = 10_000;

/** A histogram in three slices of ten seconds each, rotated on every record and read, so it needs no timer. */
export class Latencies {
  #slices: Uint32Array[];
  #counts = [0, 0, 0];
  #turn = Math.floor(performance.now() / sliceMs);
  readonly #buckets: number;
  readonly #growth: number;
  readonly #ended: ((turn: number) => void) | undefined;

  /**
   * `growth` is the ratio of the bounds of neighbouring buckets: with 1.02 a percentile is at most 2 % too high. `ended` is
   * called when a slice with latencies is over, with its number since the start of the process, while it is still the newest.
   */
  constructor(growth = 1.02, ended?: (turn: number) => void) {
    this.#growth = growth;
    this.#ended = ended;
    this.#buckets = Math.ceil(Math.log(longest / shortest) / Math.log(growth)) + 1;
    this.#slices = Array.from({ length: slices }, () => new Uint32Array(this.#buckets));
  }

  record(ms: number): void {
    this.#advance();
    const index = Math.ceil(Math.log(Math.max(ms, shortest) / shortest) / Math.log(this.#growth));
    const bucket = Math.min(this.#buckets - 1, index);
    const [slice] = this.#slices as [Uint32Array];
    slice[bucket] = (slice[bucket] ?? 0) + 1;
    this.#counts[0] = (this.#counts[0] ?? 0) + 1;
  }

  get count(): number {
    this.#advance();
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** The latency in milliseconds that `percent` percent of the recorded ones did not exceed. */
  percentile(percent: number): number {
    return this.#percentile(percent, this.count, this.#slices);
  }

  /** The same of the newest slice alone. */
  percentileOfNewest(percent: number): number {
    return this.#percentile(percent, this.#counts[0] ?? 0, this.#slices.slice(0, 1));
  }

  #percentile(percent: number, count: number, among: readonly Uint32Array[]): number {
    let left = (count * (100 - percent)) / 100;
    for (let bucket = this.#buckets - 1; bucket > 0; bucket--) {
      for (const slice of among) left -= slice[bucket] ?? 0;
      if (left < 0) return shortest * this.#growth ** bucket;
    }
    return shortest;
  }

  #advance(): void {
    const turn = Math.floor(performance.now() / sliceMs);
    if (turn === this.#turn) return;
    if (this.#counts[0] !== 0) this.#ended?.(this.#turn);
    for (let gone = Math.min(turn - this.#turn, slices); gone > 0; gone--) {
      const oldest = this.#slices.pop() as Uint32Array;
      this.#slices.unshift(oldest.fill(0));
      this.#counts.pop();
      this.#counts.unshift(0);
    }
    this.#turn = turn;
  }
}
