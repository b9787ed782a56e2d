/** Delays attempts to stay within a configured rate and within the quota that the server announces. */
import { z } from 'zod';
import { responseOf } from '../../call/body.js';
import { ErrorCode, PillionError, traceless } from '../../call/errors.js';
import { getHeader } from '../../call/headers.js';
import type { Request, Response } from '../../call/message.js';
import { Queue } from '../../call/queue.js';
import { manyDestinations, Recent } from '../../call/recent.js';
import { callOf } from '../../call/request.js';
import { abortError } from '../../call/scope.js';
import { maxTimer } from '../../call/timer.js';
import { waitUnlessAborted } from '../../call/wait.js';
import { duration } from '../../options/duration.js';
import { headerName } from '../../options/header.js';
import { rule } from '../../options/options.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { serverQuota } from './server-quota.js';

export const rateLimitOptions = z.lazy(() =>
  z
    .strictObject({
      requests: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe(
          'Requests sent in each `per`, retries included unless `countRetries` is false; further ones wait. By default only the quota announced by the server limits. Set it to the rate agreed with the upstream.',
        ),
      per: duration({ min: 1 })
        .prefault('1s')
        .describe(
          'Length of the period that `requests` counts for. Default 1s. `1m` with `requests: 600` allows the same average as `1s` with 10, but longer bursts.',
        ),
      burst: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe(
          'Requests that may be sent at once after a pause. Default: the value of `requests`. Lower it to spread requests evenly over `per`.',
        ),
      countRetries: z
        .boolean()
        .default(true)
        .describe(
          'Retries and hedges count too. Default true. With false a call counts once, as in the local rate limit of an Envoy sidecar; the upstream then gets more requests than `requests` allows.',
        ),
      keyHeader: headerName
        .optional()
        .describe(
          'Name of a request header, such as an API key, each value of which gets its own limit. By default all calls share one limit.',
        ),
      maxPending: z
        .int()
        .min(0)
        .max(1_000_000)
        .default(1024)
        .describe(
          'Most requests that wait in the queue of one limit; a further one is rejected with `ERR_RATE_LIMITED`. Default 1024; 0: rejected instead of waiting.',
        ),
      serverHeaders: z
        .boolean()
        .default(true)
        .describe(
          'Wait as the server asks by `Retry-After` of a 429 or 503, `RateLimit` or `X-RateLimit-*`. Default true. Set it to false if the server sends wrong values.',
        ),
      maxServerWait: duration({ min: 1 })
        .prefault('5m')
        .describe(
          'Upper bound of a wait that the server asks for. Default 5m. Lower it if a server announces resets that are too late.',
        ),
    })
    .refine(
      ({ requests, burst }) => burst === undefined || requests !== undefined,
      rule(['requests', 'burst'], ['burst'], 'has no effect without requests; set requests too'),
    ),
);

type RateLimitOptions = z.output<typeof rateLimitOptions>;

/** The limit of one key: a token bucket for the configured rate, and the quota that the server has announced. */
class Bucket {
  /** What admits each queued request, in order of arrival. */
  readonly waiting = new Queue<() => void>();
  readonly #options: RateLimitOptions;
  readonly #burst: number;
  /** Tokens added per millisecond. */
  readonly #rate: number;
  #tokens: number;
  #filledAt = performance.now();
  #running = 0;
  /**
   * The lowest quota announced for the current window, and when it was announced; requests in flight must be
   * subtracted.
   */
  #server: { told: number; until: number; learntAt: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RateLimitOptions) {
    const { requests = Number.POSITIVE_INFINITY, per, burst = requests } = options;
    this.#options = options;
    this.#burst = burst;
    this.#rate = requests / per;
    this.#tokens = burst;
  }

  /** Requests wait or are in flight. */
  get busy(): boolean {
    return this.waiting.size > 0 || this.#running > 0;
  }

  /** Milliseconds until another request may be sent. */
  wait(now: number): number {
    this.#fill(now);
    const own = this.#tokens >= 1 ? 0 : (1 - this.#tokens) / this.#rate;
    const server = this.#server !== undefined && this.#server.told - this.#running < 1 ? this.#server.until - now : 0;
    return Math.ceil(Math.max(own, server));
  }

  /** Milliseconds until a request that joins the end of the queue may be sent. */
  waitInLine(now: number): number {
    return this.wait(now) + Math.ceil(this.waiting.size / this.#rate);
  }

  #fill(now: number): void {
    if (Number.isFinite(this.#rate))
      this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#rate);
    this.#filledAt = now;
    if (this.#server !== undefined && this.#server.until <= now) this.#server = undefined;
  }

  /** Takes a token for a request that is sent now. */
  take(): void {
    this.#tokens--;
    this.#running++;
  }

  /** Records the end of a request and the quota in its response, which may not include requests still in flight. */
  hear(response: Response | undefined, sentAt: number): void {
    this.#running--;
    if (!this.#options.serverHeaders) return;
    const now = performance.now();
    this.#fill(now);
    const known = this.#server;
    const quota = response && serverQuota(response.status, response.headers);
    if (quota === undefined) {
      // The server may have counted the request, but announced no new quota.
      if (known !== undefined) known.told--;
      return;
    }
    const until = now + Math.min(quota.resetMs, this.#options.maxServerWait);
    // Responses overtake each other: a request sent before the latest quota was received may only make that quota
    // stricter.
    if (known === undefined || sentAt >= known.learntAt) this.#server = { told: quota.left, until, learntAt: now };
    else {
      if (quota.left < 1) known.until = Math.max(until, known.until);
      known.told = Math.min(known.told, quota.left);
    }
    this.pump();
  }

  /** Admits the queued requests that may be sent now, and sets a timer for the next one. */
  pump(): void {
    clearTimeout(this.#timer);
    for (;;) {
      if (this.waiting.size === 0) return;
      const wait = this.wait(performance.now());
      if (wait > 0) {
        this.#timer = setTimeout(() => this.pump(), Math.min(wait, maxTimer));
        return;
      }
      const next = this.waiting.shift();
      this.take();
      next?.();
    }
  }

  stats() {
    const now = performance.now();
    return { waiting: this.waiting.size, running: this.#running, waitMs: this.wait(now) };
  }
}

/**
 * Queues attempts in order, so that no more than `requests` are sent in each `per`, and none beyond the quota in the
 * server's own headers. An attempt is rejected with `ERR_RATE_LIMITED`, which is not retried, if its wait would outlast
 * the call's deadline or if `maxPending` others are already waiting. With `countRetries: false` it stands before retries, and
 * queues calls.
 */
export const rateLimit = definePolicy('rateLimit', rateLimitOptions, (options, context) => {
  const buckets = new Recent<Bucket>({
    max: manyDestinations,
    // Another bucket for the key would let a second burst through.
    busy: (bucket) => bucket.busy,
  });
  const bucketOf = ({ headers }: Request): Bucket => {
    const key = (options.keyHeader && getHeader(headers, options.keyHeader)) || '';
    return buckets.use(key, () => new Bucket(options));
  };
  return {
    wrap: (next) =>
      async function rateLimit(request) {
        const bucket = bucketOf(request);
        if (bucket.waiting.size === 0 && bucket.wait(performance.now()) === 0) bucket.take();
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
    // Keys may be secrets, such as API keys, so the stats show only their number.
    stats: (): RateLimitStats => ({
      keys: buckets.size,
      ...sum([...buckets.values()].map((bucket) => bucket.stats())),
    }),
  };
});

function sum(all: readonly ReturnType<Bucket['stats']>[]) {
  return {
    waiting: all.reduce((total, { waiting }) => total + waiting, 0),
    running: all.reduce((total, { running }) => total + running, 0),
    longestWaitMs: all.reduce((longest, { waitMs }) => Math.max(longest, waitMs), 0),
  };
}

/** Resolves when the request may be sent; an abort removes the request from the queue at once. */
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
  if (bucket.waiting.size >= maxPending || waitMs >= call.remaining()) {
    events.emit('rate_limit.rejected', { call, waitMs });
    return Promise.reject(rejected(request, waitMs));
  }
  events.emit('rate_limit.delayed', { call, waitMs });
  return waitUnlessAborted(request, (admit) => {
    const place = bucket.waiting.add(admit);
    bucket.pump();
    return () => {
      bucket.waiting.remove(place);
      bucket.pump();
    };
  });
}

function rejected(request: Request, retryAfter: number): PillionError {
  const message = `${callOf(request).client}: rateLimit has no request left for this call in time; retry in ${retryAfter} ms.`;
  return traceless(() => new PillionError(ErrorCode.RATE_LIMITED, message, request, { retryAfter }));
}

/** All keys of the limit together. */
export interface RateLimitStats {
  /** Keys that have a bucket. */
  readonly keys: number;
  readonly waiting: number;
  readonly running: number;
  /** Milliseconds that the next request would wait, for the key where that is longest. */
  readonly longestWaitMs: number;
}
