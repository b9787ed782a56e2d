/** What is known of how one endpoint does: requests under way, a decaying peak of its latency, how often it succeeds. */
import type { Health } from '../../call/failure.js';

/** Milliseconds after which an observation weighs a third, as in Finagle's peak EWMA. */
const decay = 10_000;

/** Share that one outcome has in the success rate. */
const step = 0.1;

export class Load {
  /** Requests sent and not over, bodies included. */
  pending = 0;
  #latency = 0;
  #success = 1;
  #observedAt = 0;

  /** An attempt came to something after `ms`. A fast failure says nothing about latency; an attempt given up, that it is no less. */
  observe(ms: number, health: Health): void {
    const now = performance.now();
    const kept = Math.exp((this.#observedAt - now) / decay);
    const slower = ms > this.#latency * kept;
    if (health === 'success' || slower) this.#latency = slower ? ms : this.#latency * kept + ms * (1 - kept);
    if (health !== 'nothing') this.#success += step * ((health === 'success' ? 1 : 0) - this.#success);
    if (health !== 'nothing' || slower) this.#observedAt = now;
  }

  /** Milliseconds; 0 while nothing is known. Forgotten with time, so that who was slow is tried again. */
  latency(now: number): number {
    return this.#latency * Math.exp((this.#observedAt - now) / decay);
  }

  /** Between 0 and 1; towards 1 with time. */
  successRate(now: number): number {
    return 1 - (1 - this.#success) * Math.exp((this.#observedAt - now) / decay);
  }

  get known(): boolean {
    return this.#observedAt > 0;
  }
}
