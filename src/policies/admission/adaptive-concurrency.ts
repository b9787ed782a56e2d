/** Lets as many attempts run at once as the destination takes without getting slower. */
import { z } from 'zod';
import { onBodyEnd, responseOf } from '../../call/body.js';
import { ErrorCode, PillionError, traceless } from '../../call/errors.js';
import { classify } from '../../call/failure.js';
import type { Request, Response } from '../../call/message.js';
import { callOf, destinationOf } from '../../call/record.js';
import { rule } from '../../options/options.js';
import { definePolicy } from '../policy.js';

export const adaptiveConcurrencyOptions = z
  .strictObject({
    initialLimit: z.int().min(1).max(65_535).default(20).describe('Attempts at once before anything is known.'),
    minLimit: z.int().min(1).max(65_535).default(10).describe('The least that the limit may become.'),
    maxLimit: z.int().min(1).max(65_535).default(200).describe('The most that it may become.'),
    tolerance: z
      .number()
      .min(1)
      .max(10)
      .default(1.5)
      .describe('How much slower than usual attempts may be before the limit falls.'),
  })
  .refine(
    ({ initialLimit, minLimit, maxLimit }) => minLimit <= initialLimit && initialLimit <= maxLimit,
    rule(['initialLimit', 'minLimit', 'maxLimit'], ['initialLimit'], 'must be between minLimit and maxLimit'),
  );

type AdaptiveOptions = z.output<typeof adaptiveConcurrencyOptions>;

/** Milliseconds, and samples, that a judgement is made of. */
const windowMs = 1000;
const windowSamples = 10;
/** Windows after which the limit is halved for two, to see how fast the destination is without a queue. */
const probeEvery = 30;
/** How much of the new limit is taken over at once. */
const smoothing = 0.2;
/** Attempts that may queue at the destination: the limit grows by them while nothing gets slower. */
const queued = 4;

/** One destination's limit: a gradient of how fast it was to how fast it is, as Netflix's Gradient2. */
class Limit {
  running = 0;
  rejected = 0;
  #value: number;
  readonly #options: AdaptiveOptions;
  #sum = 0;
  #count = 0;
  #mostRunning = 0;
  #startedAt = performance.now();
  /** Milliseconds an attempt takes without a queue. */
  #usual = Number.POSITIVE_INFINITY;
  #windows = 0;
  /** Windows of a probe still to come: in the first of two, attempts from before it end. */
  #probing = 0;

  constructor(options: AdaptiveOptions) {
    this.#options = options;
    this.#value = options.initialLimit;
  }

  /** A probe halves what may run. */
  get value(): number {
    const value = this.#probing > 0 ? this.#value / 2 : this.#value;
    return Math.max(this.#options.minLimit, Math.floor(value));
  }

  enter(): void {
    this.running++;
    this.#mostRunning = Math.max(this.#mostRunning, this.running);
  }

  observe(ms: number): void {
    this.#sum += ms;
    this.#count++;
    const now = performance.now();
    if (now - this.#startedAt < windowMs || this.#count < windowSamples) return;
    this.#judge(this.#sum / this.#count);
    this.#sum = 0;
    this.#count = 0;
    this.#mostRunning = this.running;
    this.#startedAt = now;
  }

  #judge(latest: number): void {
    if (this.#probing > 0) {
      // The destination may have become slower for good.
      if (--this.#probing === 0) this.#usual = latest;
      return;
    }
    this.#usual = Math.min(this.#usual, latest);
    // A limit that nobody reaches has shown nothing.
    if (this.#mostRunning * 2 < this.#value) return;
    const { tolerance, minLimit, maxLimit } = this.#options;
    const gradient = Math.min(1, Math.max(0.5, (tolerance * this.#usual) / latest));
    const next = this.#value * (1 - smoothing) + (this.#value * gradient + queued) * smoothing;
    this.#value = Math.min(maxLimit, Math.max(minLimit, next));
    if (++this.#windows % probeEvery === 0) this.#probing = 2;
  }

  stats() {
    const usualMs = Number.isFinite(this.#usual) ? Math.round(this.#usual * 100) / 100 : null;
    return { limit: this.value, running: this.running, rejected: this.rejected, usualMs };
  }
}

/** Destinations remembered; the longest unused one is forgotten first. */
const maxLimits = 1024;

/**
 * For each destination limits the attempts that run at once by how their latency changes: it rises while they are as fast
 * as usual and falls when they queue. What is over the limit is rejected with `ERR_LIMIT`.
 */
export const adaptiveConcurrency = definePolicy(
  'adaptiveConcurrency',
  adaptiveConcurrencyOptions,
  (options, { events }) => {
    const limits = new Map<string, Limit>();
    const limitTo = (destination: string): Limit => {
      const limit = limits.get(destination) ?? new Limit(options);
      limits.delete(destination);
      limits.set(destination, limit);
      const [oldest] = limits.keys();
      if (limits.size > maxLimits && oldest !== undefined) limits.delete(oldest);
      return limit;
    };
    return {
      wrap: (next) =>
        async function adaptiveConcurrency(request) {
          const limit = limitTo(destinationOf(request));
          if (limit.running >= limit.value) {
            limit.rejected++;
            const call = callOf(request);
            call.flag('concurrency_limited');
            const destination = destinationOf(request);
            events.emit('adaptive_concurrency.rejected', { call, destination, limit: limit.value });
            throw overflow(request, limit);
          }
          limit.enter();
          const leave = () => {
            limit.running--;
          };
          const startedAt = performance.now();
          let answer: Response | undefined;
          try {
            answer = await next(request);
            limit.observe(performance.now() - startedAt);
            return answer;
          } catch (error) {
            answer = responseOf(error);
            // Fast failures say nothing about a queue, an answer does.
            if (answer !== undefined ? answer.status < 500 : classify(error) === 'timeout')
              limit.observe(performance.now() - startedAt);
            throw error;
          } finally {
            if (answer === undefined) leave();
            else onBodyEnd(answer, leave);
          }
        },
      stats: () => Object.fromEntries([...limits].map(([destination, limit]) => [destination, limit.stats()])),
    };
  },
);

function overflow(request: Request, { running, value }: Limit): PillionError {
  const message =
    `${callOf(request).client}: ${running} requests to ${destinationOf(request)} are running, ` +
    `and it takes ${value} before it gets slower (adaptiveConcurrency).`;
  return traceless(() => new PillionError(ErrorCode.LIMIT, message, request, { reason: 'adaptive_concurrency' }));
}
