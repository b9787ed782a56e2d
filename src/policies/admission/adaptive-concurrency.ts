/** Limits the attempts in flight to the number that a destination handles without getting slower. */
import { z } from 'zod';
import { onBodyEnd, responseOf } from '../../call/body.js';
import { ErrorCode, PillionError, traceless } from '../../call/errors.js';
import { classify } from '../../call/failure.js';
import type { Request, Response } from '../../call/message.js';
import { manyDestinations, Recent } from '../../call/recent.js';
import { callOf, destinationOf } from '../../call/request.js';
import { rule } from '../../options/options.js';
import { definePolicy } from '../policy.js';

export const adaptiveConcurrencyOptions = z.lazy(() =>
  z
    .strictObject({
      initialLimit: z
        .int()
        .min(1)
        .max(65_535)
        .default(20)
        .describe(
          'Attempts in flight to a destination before its latency is known. Default 20; must lie between `minLimit` and `maxLimit`. Raise it for a client that starts under full load.',
        ),
      minLimit: z
        .int()
        .min(1)
        .max(65_535)
        .default(10)
        .describe(
          'Lowest limit of attempts in flight to one destination. Default 10. Lower it for destinations that bear only a few requests at once.',
        ),
      maxLimit: z
        .int()
        .min(1)
        .max(65_535)
        .default(200)
        .describe(
          'Highest limit of attempts in flight to one destination. Default 200. Raise it for a busy client whose limit stays at this value.',
        ),
      tolerance: z
        .number()
        .min(1)
        .max(10)
        .default(1.5)
        .describe(
          'Ratio of current to usual latency above which the limit falls. Default 1.5, which is 50 % slower than usual. Raise it for destinations whose latency varies without overload.',
        ),
    })
    .refine(
      ({ initialLimit, minLimit, maxLimit }) => minLimit <= initialLimit && initialLimit <= maxLimit,
      rule(['initialLimit', 'minLimit', 'maxLimit'], ['initialLimit'], 'must be between minLimit and maxLimit'),
    ),
);

type AdaptiveOptions = z.output<typeof adaptiveConcurrencyOptions>;

/** The limit is adjusted after a window of at least this many milliseconds and samples. */
const windowMs = 1000;
const windowSamples = 10;
/**
 * After this many windows the limit is halved for two windows, to measure the destination's latency without a queue.
 */
const probeEvery = 30;
/** Weight of the newly computed limit; the rest is the old one. */
const smoothing = 0.2;
/** Attempts allowed to queue at the destination: while the latency does not rise, the limit grows by this much. */
const queued = 4;

/** The limit of one destination, adjusted by the ratio of usual to current latency, as in Netflix's Gradient2. */
class Limit {
  running = 0;
  rejected = 0;
  #value: number;
  readonly #options: AdaptiveOptions;
  #sum = 0;
  #count = 0;
  #mostRunning = 0;
  #startedAt = performance.now();
  /** Milliseconds that an attempt takes while nothing queues at the destination. */
  #usual = Number.POSITIVE_INFINITY;
  #windows = 0;
  /**
   * Windows left of a probe. The first of the two is not measured, because attempts from before the probe still end in
   * it.
   */
  #probing = 0;

  constructor(options: AdaptiveOptions) {
    this.#options = options;
    this.#value = options.initialLimit;
  }

  /** The limit in force, halved during a probe. */
  get value(): number {
    const value = this.#probing > 0 ? this.#value / 2 : this.#value;
    return Math.max(this.#options.minLimit, Math.floor(value));
  }

  enter(): void {
    this.running++;
    this.#mostRunning = Math.max(this.#mostRunning, this.running);
  }

  /** Records the latency of an attempt, and adjusts the limit once the window is complete. */
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
      // The probe replaces the usual latency even by a higher one: the destination may have become slower for good.
      if (--this.#probing === 0) this.#usual = latest;
      return;
    }
    this.#usual = Math.min(this.#usual, latest);
    // A limit of which less than half was used has not been tested, so it stays.
    if (this.#mostRunning * 2 < this.#value) return;
    const { tolerance, minLimit, maxLimit } = this.#options;
    const gradient = Math.min(1, Math.max(0.5, (tolerance * this.#usual) / latest));
    const next = this.#value * (1 - smoothing) + (this.#value * gradient + queued) * smoothing;
    this.#value = Math.min(maxLimit, Math.max(minLimit, next));
    if (++this.#windows % probeEvery === 0) this.#probing = 2;
  }

  stats(): ConcurrencyStats {
    const usualMs = Number.isFinite(this.#usual) ? Math.round(this.#usual * 100) / 100 : null;
    return { limit: this.value, running: this.running, rejected: this.rejected, usualMs };
  }
}

/**
 * Limits the attempts in flight to each destination by their latency: the limit rises while attempts are as fast as
 * usual and falls when they get slower. An attempt above the limit is rejected with `ERR_LIMIT`.
 */
export const adaptiveConcurrency = definePolicy(
  'adaptiveConcurrency',
  adaptiveConcurrencyOptions,
  (options, { events }) => {
    const limits = new Recent<Limit>({ max: manyDestinations, busy: ({ running }) => running > 0 });
    const newLimit = () => new Limit(options);
    const limitTo = (destination: string): Limit => limits.use(destination, newLimit);
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
            // A response or a timeout shows how long attempts queue; a fast failure does not.
            if (answer !== undefined ? answer.status < 500 : classify(error) === 'timeout')
              limit.observe(performance.now() - startedAt);
            throw error;
          } finally {
            onBodyEnd(answer, leave);
          }
        },
      stats: () => Object.fromEntries([...limits].map(([destination, limit]) => [destination, limit.stats()])),
    };
  },
);

function overflow(request: Request, { running, value }: Limit): PillionError {
  const message =
    `${callOf(request).client}: ${running} requests to ${destinationOf(request)} are in flight, ` +
    `and the limit found by adaptiveConcurrency is ${value}; retry later, or raise adaptiveConcurrency.minLimit.`;
  return traceless(() => new PillionError(ErrorCode.LIMIT, message, request, { reason: 'adaptive_concurrency' }));
}

/** The limit of one destination. */
export interface ConcurrencyStats {
  readonly limit: number;
  readonly running: number;
  /** Attempts turned away so far. */
  readonly rejected: number;
  /** The usual latency in milliseconds; null while it is not known. */
  readonly usualMs: number | null;
}
