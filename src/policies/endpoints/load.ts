/** The load of one endpoint: its requests in flight, a decaying peak of its latency, and its success rate. */
import type { HealthVerdict } from '../../call/failure.js';

/** Milliseconds after which an observation has decayed to about a third (1/e), as in Finagle's peak EWMA. */
const decay = 10_000;

/** Weight of one outcome in the success rate. */
const step = 0.1;

export class Load {
  /** Requests in flight, including those whose response body is not read to its end. */
  pending = 0;
  #latency = 0;
  #success = 1;
  #observedAt = 0;

  /**
   * Records the outcome of an attempt after `ms` milliseconds. A fast failure does not change the latency; a failed or
   * aborted attempt that took longer raises it, because the latency is at least that.
   */
  observe(ms: number, health: HealthVerdict): void {
    const now = performance.now();
    const kept = Math.exp((this.#observedAt - now) / decay);
    const slower = ms > this.#latency * kept;
    if (health === 'success' || slower) this.#latency = slower ? ms : this.#latency * kept + ms * (1 - kept);
    if (health !== 'nothing') this.#success += step * ((health === 'success' ? 1 : 0) - this.#success);
    if (health !== 'nothing' || slower) this.#observedAt = now;
  }

  /** Latency in milliseconds; 0 while unknown. It decays with time, so that a slow endpoint is tried again. */
  latency(now: number): number {
    return this.#latency * Math.exp((this.#observedAt - now) / decay);
  }

  /** Success rate between 0 and 1; it returns to 1 with time. */
  successRate(now: number): number {
    return 1 - (1 - this.#success) * Math.exp((this.#observedAt - now) / decay);
  }

  get known(): boolean {
    return this.#observedAt > 0;
  }
}
