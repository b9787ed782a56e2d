/** Decides about retries: which failures, how often, after how long. The policy only loops. */

import { z } from 'zod';
import { responseOf } from '../../call/body.js';
import { classify, isIdempotent, isReplayable, isSent, isUnsent, retryAfter } from '../../call/failure.js';
import type { Request } from '../../call/message.js';
import { nothing, ownOf, ownValue } from '../../call/own.js';
import { maxTimer } from '../../call/timer.js';
import { assumed, duration, parseOptions, rule } from '../../options/options.js';

declare module 'axios' {
  // biome-ignore lint/suspicious/noExplicitAny: an augmentation repeats the generics of what it augments.
  interface AxiosRequestConfig<D = any, P = any> {
    /** `false`: this call is never retried. An object changes the client's `retry` section for this call. */
    retry?: false | z.input<typeof retryPlan>;
  }
}

const conditions = [
  '5xx',
  'gateway-error',
  'reset',
  'connect-failure',
  'refused-stream',
  'retriable-4xx',
  'rate-limited',
] as const;

const plan = {
  maxRetries: z.int().min(0).max(10).default(2).describe('Retries after the first attempt.'),
  on: z
    .array(z.enum(conditions).or(z.int().min(400).max(599)))
    .default(['gateway-error', 'reset', 'connect-failure', 'rate-limited'])
    .describe(
      "What is retried, in Envoy's words: `5xx`, `gateway-error` (502, 503, 504), `reset`, `connect-failure`, `refused-stream`, " +
        '`retriable-4xx` (409), `rate-limited` (429 or 503 with Retry-After), or a status code. As in Envoy, `5xx` and `gateway-error` cover resets too.',
    ),
  backoff: z
    .strictObject({
      base: duration({ min: 1 }).prefault('50ms').describe('Upper bound of the first wait; doubles with each retry.'),
      max: duration({ min: 1 })
        .optional()
        .meta({ [assumed]: '2s' })
        .describe('Upper bound of any wait. 2s by default, or `base` where that is longer.'),
    })
    .refine(
      (given) => {
        const { base, max = base } = ownOf(given);
        return max >= base;
      },
      rule(['base', 'max'], [], 'max must not be shorter than base'),
    )
    .prefault(nothing)
    .transform((given) => {
      const { base, max = Math.max(base, 2000) } = ownOf(given);
      return { base, max };
    })
    .describe('Full jitter: each wait is uniform in [0, min(max, base * 2^(n-1))).'),
};

/** What a single call may change: everything but the budget, which all calls share. */
export const retryPlan = z.strictObject(plan);

export const retryOptions = z.strictObject({
  ...plan,
  maxConcurrentRetries: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(50)
    .describe("Retries that wait or run at once in the whole client, as Envoy's `max_retries`."),
  budget: z
    .literal(false)
    .or(
      z.strictObject({
        ratio: z.number().min(0).max(10).default(0.2).describe('Retries allowed for each call, over 10 s.'),
        minPerSecond: z
          .number()
          .min(0)
          .max(10_000)
          .default(1)
          .describe('Retries allowed each second whatever the traffic.'),
      }),
    )
    .prefault(nothing)
    .describe('What retries may add to the load of the upstream, all calls together; `false`: no budget.'),
});

export type RetryPlan = z.output<typeof retryPlan>;

/** Safe to repeat, and of a kind that this plan retries. */
export function isRetryable(error: unknown, request: Request, plan: RetryPlan): boolean {
  if (!isReplayable(request) || !(isIdempotent(request) || isUntouched(error))) return false;
  return plan.on.some((condition) => matches(error, condition));
}

/** Nothing was sent, or HTTP/2 guarantees that nothing was made of it (RFC 9113, 8.7). */
function isUntouched(error: unknown): boolean {
  return isUnsent(error) || (classify(error) === 'refused_stream' && !isSent(error));
}

const resets = new Set(['connect', 'reset', 'refused_stream', 'timeout']);

/** Envoy's `retry_on`: what each word covers (envoyproxy.io, router filter). */
function matches(error: unknown, condition: RetryPlan['on'][number]): boolean {
  const kind = classify(error);
  const response = kind === 'status' ? responseOf(error) : undefined;
  const status = response?.status ?? 0;
  switch (condition) {
    case '5xx':
      return (status >= 500 && status <= 599) || resets.has(kind);
    case 'gateway-error':
      return (status >= 502 && status <= 504) || resets.has(kind);
    case 'reset':
      return resets.has(kind);
    case 'connect-failure':
      return kind === 'connect';
    case 'refused-stream':
      return kind === 'refused_stream';
    case 'retriable-4xx':
      return status === 409;
    case 'rate-limited':
      return (status === 429 || status === 503) && retryAfter(response?.headers) !== undefined;
    default:
      return status === condition;
  }
}

/** What stands around the next retry. */
export interface RetryMoment {
  /** Retries made so far. */
  readonly retries: number;
  /** Milliseconds until the deadline. */
  readonly remaining: number;
  readonly random: () => number;
}

/** Milliseconds to wait, or undefined where the deadline would come first. Jitter is only ever added to a `Retry-After`. */
export function waitFor(error: unknown, { backoff }: RetryPlan, moment: RetryMoment): number | undefined {
  const jitter = moment.random() * Math.min(backoff.max, backoff.base * 2 ** moment.retries);
  const asked = retryAfter(responseOf(error)?.headers) ?? 0;
  const wait = asked + jitter;
  return wait < Math.min(moment.remaining, maxTimer) ? wait : undefined;
}

/**
 * The client's plan with what this call says otherwise.
 * @throws PillionError ERR_CONFIG
 */
export function planFor({ retry: own }: Request, { maxRetries, on, backoff }: RetryPlan): RetryPlan {
  if (!own) return { maxRetries, on, backoff };
  // A base of its own has the default max, not one of the client's that may be shorter.
  const ownBackoff = ownValue(own, 'backoff') as typeof own.backoff;
  const inherited = ownValue(ownBackoff, 'base') === undefined ? backoff : {};
  const merged = { maxRetries, on, ...own, backoff: { ...inherited, ...ownBackoff } };
  return parseOptions(retryPlan, merged, 'the call option retry', ['retry']);
}
