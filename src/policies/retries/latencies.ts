/** Percentiles of the latencies of the last 30 seconds. */

/** Ratio of the bounds of neighbouring buckets: a reported percentile is at most 2 % too high. */
const growth = 1.02;
/** Upper bound of the first bucket, in milliseconds. */
const shortest = 0.1;
/** Enough buckets for latencies of up to about ten minutes. */
const buckets = 800;
const sliceMs = 10_000;

/** A histogram in three slices of ten seconds each, rotated on every record and read, so it needs no timer. */
export class Latencies {
  #slices = [new Uint32Array(buckets), new Uint32Array(buckets), new Uint32Array(buckets)];
  #counts = [0, 0, 0];
  #turn = Math.floor(performance.now() / sliceMs);

  record(ms: number): void {
    this.#advance();
    const index = Math.ceil(Math.log(Math.max(ms, shortest) / shortest) / Math.log(growth));
    const bucket = Math.min(buckets - 1, index);
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
    let left = (this.count * (100 - percent)) / 100;
    for (let bucket = buckets - 1; bucket > 0; bucket--) {
      for (const slice of this.#slices) left -= slice[bucket] ?? 0;
      if (left < 0) return shortest * growth ** bucket;
    }
    return shortest;
  }

  #advance(): void {
    const turn = Math.floor(performance.now() / sliceMs);
    for (let gone = Math.min(turn - this.#turn, this.#slices.length); gone > 0; gone--) {
      const oldest = this.#slices.pop() as Uint32Array<ArrayBuffer>;
      this.#slices.unshift(oldest.fill(0));
      this.#counts.pop();
      this.#counts.unshift(0);
    }
    this.#turn = turn;
  }
}
