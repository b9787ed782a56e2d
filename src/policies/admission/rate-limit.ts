/** Sends no more than an agreed number of requests, and no more than the server says it takes. */
import { z } from 'zod';
import { responseOf } from '../../call/body.js';
import { ErrorCode, PillionError, traceless } from '../../call/errors.js';
import { getHeader } from '../../call/headers.js';
import type { Request, Response } from '../../call/message.js';
import { callOf } from '../../call/record.js';
import { abortError } from '../../call/scope.js';
import { maxTimer } from '../../call/timer.js';
import { duration, headerName, rule } from '../../options/options.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { serverQuota } from './server-quota.js';

export const rateLimitOptions = z
  .strictObject({
    requests: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('Requests in each `per`, retries included. Without it only the server limits.'),
    per: duration({ min: 1 }).prefault('1s').describe('The time for which `requests` holds.'),
    burst: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('Requests that may go at once after a pause; as many as `requests` by default.'),
    keyHeader: headerName
      .optional()
      .describe('A limit for each value of this header, such as an API key; one for all calls without it.'),
    maxPending: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(1024)
      .describe('Requests that wait for their turn; one more is rejected with `ERR_RATE_LIMITED`. 0: none waits.'),
    serverHeaders: z
      .boolean()
      .default(true)
      .describe('Obey `Retry-After` of a 429 or 503, `RateLimit` and `X-RateLimit-*` of answers.'),
    maxServerWait: duration({ min: 1 }).prefault('5m').describe('The longest that a server may ask to wait.'),
  })
  .refine(
    ({ requests, burst }) => burst === undefined || requests !== undefined,
    rule(['requests', 'burst'], ['burst'], 'has no meaning without requests'),
  );

type RateLimitOptions = z.output<typeof rateLimitOptions>;

interface Waiter {
  readonly admit: () => void;
}

/** One key's allowance: a token bucket of our own, and what the server has told. */
class Bucket {
  readonly waiting: Waiter[] = [];
  readonly #options: RateLimitOptions;
  readonly #burst: number;
  /** Tokens a millisecond. */
  readonly #rate: number;
  #tokens: number;
  #filledAt = performance.now();
  #running = 0;
  /** The least it has told for this window, and when that was; what is under way is to come off it. */
  #server: { told: number; until: number; learntAt: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RateLimitOptions) {
    const { requests = Number.POSITIVE_INFINITY, per, burst = requests } = options;
    this.#options = options;
    this.#burst = burst;
    this.#rate = requests / per;
    this.#tokens = burst;
  }

  /** Milliseconds until one more may go. */
  wait(now: number): number {
    this.#fill(now);
    const own = this.#tokens >= 1 ? 0 : (1 - this.#tokens) / this.#rate;
    const server = this.#server !== undefined && this.#server.told - this.#running < 1 ? this.#server.until - now : 0;
    return Math.ceil(Math.max(own, server));
  }

  /** The same for who would have to wait behind the others. */
  waitInLine(now: number): number {
    return this.wait(now) + Math.ceil(this.waiting.length / this.#rate);
  }

  #fill(now: number): void {
    if (Number.isFinite(this.#rate))
      this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#rate);
    this.#filledAt = now;
    if (this.#server !== undefined && this.#server.until <= now) this.#server = undefined;
  }

  /** One goes. */
  take(): void {
    this.#tokens--;
    this.#running++;
  }

  /** Its answer is there. What is still under way may not have been counted by the server. */
  hear(response: Response | undefined, sentAt: number): void {
    this.#running--;
    if (!this.#options.serverHeaders) return;
    const now = performance.now();
    this.#fill(now);
    const known = this.#server;
    const quota = response && serverQuota(response.status, response.headers);
    if (quota === undefined) {
      // It may have been counted, and nothing was told of it.
      if (known !== undefined) known.told--;
      return;
    }
    const until = now + Math.min(quota.resetMs, this.#options.maxServerWait);
    // Answers overtake each other: one that was asked for before the last news may only make it stricter.
    if (known === undefined || sentAt >= known.learntAt) this.#server = { told: quota.left, until, learntAt: now };
    else {
      if (quota.left < 1) known.until = Math.max(until, known.until);
      known.told = Math.min(known.told, quota.left);
    }
    this.pump();
  }

  /** Lets those go whose turn it is, and comes back when it is the next one's. */
  pump(): void {
    clearTimeout(this.#timer);
    for (;;) {
      const [next] = this.waiting;
      if (next === undefined) return;
      const wait = this.wait(performance.now());
      if (wait > 0) {
        this.#timer = setTimeout(() => this.pump(), Math.min(wait, maxTimer));
        return;
      }
      this.waiting.shift();
      this.take();
      next.admit();
    }
  }

  stats() {
    const now = performance.now();
    return { waiting: this.waiting.length, running: this.#running, waitMs: this.wait(now) };
  }
}

/** Keys remembered; the longest unused one is forgotten first. */
const maxKeys = 1024;

/**
 * Holds attempts back, in order, so that no more than `requests` go in each `per`, and none beyond what the server's own
 * headers allow. Who would wait longer than the call has time, or with more than `maxPending` before it, is rejected with
 * `ERR_RATE_LIMITED`, which is not retried.
 */
export const rateLimit = definePolicy('rateLimit', rateLimitOptions, (options, context) => {
  const buckets = new Map<string, Bucket>();
  const bucketOf = ({ headers }: Request): Bucket => {
    const key = (options.keyHeader && getHeader(headers, options.keyHeader)) || '';
    const bucket = buckets.get(key) ?? new Bucket(options);
    buckets.delete(key);
    buckets.set(key, bucket);
    const [oldest] = buckets.keys();
    if (buckets.size > maxKeys && oldest !== undefined) buckets.delete(oldest);
    return bucket;
  };
  return {
    wrap: (next) =>
      async function rateLimit(request) {
        const bucket = bucketOf(request);
        if (bucket.waiting.length === 0 && bucket.wait(performance.now()) === 0) bucket.take();
        else await turn(bucket, request, options, context);
        const sentAt = performance.now();
        let answer: Response | undefined;
        try {
          answer = await next(request);
          return answer;
        } catch (error) {
          answer = responseOf(error);
          throw error;
        } finally {
          bucket.hear(answer, sentAt);
        }
      },
    // Keys may be secrets: only how many there are is told.
    stats: () => ({ keys: buckets.size, ...sum([...buckets.values()].map((bucket) => bucket.stats())) }),
  };
});

function sum(all: readonly ReturnType<Bucket['stats']>[]) {
  return {
    waiting: all.reduce((total, { waiting }) => total + waiting, 0),
    running: all.reduce((total, { running }) => total + running, 0),
    longestWaitMs: all.reduce((longest, { waitMs }) => Math.max(longest, waitMs), 0),
  };
}

/** Resolves when it is its turn; an abort leaves the line at once. */
function turn(
  bucket: Bucket,
  request: Request,
  { maxPending }: RateLimitOptions,
  { events }: PolicyContext,
): Promise<void> {
  if (request.signal?.aborted) return Promise.reject(abortError(request.signal, request));
  const call = callOf(request);
  const waitMs = bucket.waitInLine(performance.now());
  call.flag('rate_limited');
  if (bucket.waiting.length >= maxPending || waitMs >= call.remaining()) {
    events.emit('rate_limit.rejected', { call, waitMs });
    return Promise.reject(rejected(request, waitMs));
  }
  events.emit('rate_limit.delayed', { call, waitMs });
  return new Promise((resolve, reject) => {
    const { signal } = request;
    const waiter: Waiter = {
      admit: () => {
        signal?.removeEventListener?.('abort', abort);
        resolve();
      },
    };
    const abort = () => {
      bucket.waiting.splice(bucket.waiting.indexOf(waiter), 1);
      bucket.pump();
      if (signal !== undefined) reject(abortError(signal, request));
    };
    signal?.addEventListener?.('abort', abort, { once: true });
    bucket.waiting.push(waiter);
    bucket.pump();
  });
}

function rejected(request: Request, retryAfter: number): PillionError {
  const message = `${callOf(request).client}: the rate limit leaves no request for this call; ask again in ${retryAfter} ms.`;
  return traceless(() => new PillionError(ErrorCode.RATE_LIMITED, message, request, { retryAfter }));
}
