/** Decides which failures are retried, how often and after which wait; `retry.ts` only runs the loop. */

import type { AxiosError } from 'axios';
import { z } from 'zod';
import { responseOf } from '../../call/body.js';
import { classify, type FailureKind, isSent, isUnsent } from '../../call/failure.js';
import type { Request, Response } from '../../call/message.js';
import { once } from '../../call/once.js';
import { nothing, ownOf, ownValue } from '../../call/own.js';
import { isIdempotent, isReplayable } from '../../call/repeatable.js';
import { retryAfterOf } from '../../call/retry-after.js';
import { maxTimer } from '../../call/timer.js';
import { duration } from '../../options/duration.js';
import { assumed, parseOptions, rule } from '../../options/options.js';
import { type RetryDeps, type RetryFunctions, retryFunctions, runNow } from './retry-functions.js';

declare module 'axios' {
  // biome-ignore lint/suspicious/noExplicitAny: an augmentation repeats the generics of what it augments.
  interface AxiosRequestConfig<D = any, P = any> {
    /**
     * `false`: this call is never retried. An object overrides options of the client's `retry` section, and functions
     * of its `deps.retry`, for this call.
     */
    retry?: false | (z.input<typeof retryPlan> & RetryDeps);
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

/** The most retries that a call may have. */
export const mostRetries = 10;

function isInOrder(backoff: { base: number; max?: number | undefined }): boolean {
  const { base, max = base } = ownOf(backoff);
  return max >= base;
}
const inOrder = rule(['base', 'max'], [], 'max must not be shorter than base');

const plan = once(() => ({
  maxRetries: z
    .int()
    .min(0)
    .max(mostRetries)
    .default(2)
    .describe(
      'Most retries of one call after its first attempt. Default 2; 0 turns retries off. Lower it where callers retry too, since the numbers of attempts multiply.',
    ),
  on: z
    .array(z.enum(conditions).or(z.int().min(400).max(599)))
    .default(['gateway-error', 'reset', 'connect-failure', 'rate-limited'])
    .describe(
      "Failures that are retried, in Envoy's terms: `5xx`, `gateway-error` (502, 503, 504), `reset`, `connect-failure`, `refused-stream`, " +
        '`retriable-4xx` (409), `rate-limited` (429 or 503 with Retry-After), or a status code from 400 to 599. As in Envoy, `5xx` and `gateway-error` include resets. ' +
        'Whatever is listed, POST and PATCH are retried only if nothing was processed or the call has an idempotency key.',
    ),
  backoff: z
    .strictObject({
      base: duration({ min: 1 })
        .prefault('50ms')
        .describe(
          'Upper bound of the wait before the first retry; it doubles with each further retry up to `max`. Default 50ms. Raise it for an upstream that needs time to recover.',
        ),
      max: duration({ min: 1 })
        .optional()
        .meta({ [assumed]: '2s' })
        .describe(
          'Upper bound of the wait before any retry. Default 2s, or `base` if that is longer. A `Retry-After` of the response is added on top.',
        ),
    })
    .refine(isInOrder, inOrder)
    .prefault(nothing)
    .transform((given) => {
      const { base, max = Math.max(base, 2000) } = ownOf(given);
      return { base, max };
    })
    .describe(
      'How long to wait before retry n: a random time between 0 and min(max, base * 2^(n-1)), which is full jitter.',
    ),
}));

/** Which failures are retried. */
export const retriedOn = () => plan().on;

/** The options that a single call may override: all but the budget, which all calls share. */
export const retryPlan = z.lazy(() => z.strictObject(plan()));

/** Overrides of the plan for the calls of one route; an option that is not set stays that of the client. */
export const routeRetry = z.lazy(() => {
  const { maxRetries, on } = plan();
  return z.strictObject({
    maxRetries: maxRetries
      .unwrap()
      .optional()
      .describe('Most retries of one call. Default: `retry.maxRetries`, or 2 where the client has `retry: false`.'),
    on: on
      .unwrap()
      .optional()
      .describe('Failures that are retried. Default: `retry.on`, or its default where the client has `retry: false`.'),
    backoff: z
      .strictObject({
        base: duration({ min: 1 }).describe('Upper bound of the wait before the first retry.'),
        max: duration({ min: 1 })
          .optional()
          .meta({ [assumed]: '2s' })
          .describe('Upper bound of the wait before any retry. Default 2s, or `base` if that is longer.'),
      })
      .refine(isInOrder, inOrder)
      .optional()
      .describe('How long to wait before a retry. Default: `retry.backoff`.'),
  });
});

const section = once(() =>
  z.strictObject({
    ...plan(),
    maxConcurrentRetries: z
      .int()
      .min(0)
      .max(1_000_000)
      .or(
        z.strictObject({
          ratio: z
            .number()
            .min(0)
            .max(10)
            .default(0.2)
            .describe(
              'Retries allowed for each attempt in flight, rounded down; attempts that wait in a queue count. Default 0.2. Raise it for an upstream that can bear more load during an outage.',
            ),
          min: z
            .int()
            .min(0)
            .max(1_000_000)
            .default(3)
            .describe('Retries that are always allowed at once, however few attempts are in flight. Default 3.'),
        }),
      )
      .default(50)
      .describe(
        "Retries that wait or run at once in the whole client, as Envoy's `max_retries`. An object allows a share of the attempts in flight instead, as Envoy's `retry_budget`. Default 50.",
      ),
    budget: z
      .literal(false)
      .or(
        z.strictObject({
          ratio: z
            .number()
            .min(0)
            .max(10)
            .default(0.2)
            .describe(
              'Retries allowed for each call, counted over the last 10s. Default 0.2, which is one retry for five calls. Raise it for an upstream that can bear more load during an outage.',
            ),
          minPerSecond: z
            .number()
            .min(0)
            .max(10_000)
            .default(1)
            .describe(
              'Retries allowed each second in addition to `ratio`, regardless of traffic. Default 1. Raise it for a client with few calls whose retries are refused.',
            ),
        }),
      )
      .prefault(nothing)
      .describe(
        'How much load the retries of all calls together may add to the upstream; a retry beyond it is refused. On by default; `false` removes the budget, so that an outage can multiply the load by up to `maxRetries` + 1.',
      ),
  }),
);

export const retryOptions = z.lazy(section);

/** The options of the policy: those of the configuration, and the functions of `deps.retry`. */
export const retryPolicyOptions = z.lazy(() => section().extend(retryFunctions()));

const callPlan = z.lazy(() => z.strictObject({ ...plan(), ...retryFunctions() }));

/** What is retried, how often and when, and the functions that have a say in it. */
export type RetryPlan = z.output<typeof retryPlan> & RetryFunctions;

/** True where repeating the request is safe and the plan retries this kind of failure. */
export function isRetryable(error: unknown, request: Request, plan: RetryPlan): boolean {
  if (!isReplayable(request) || !(isIdempotent(request) || isUntouched(error))) return false;
  const kind = classify(error);
  const response = kind === 'status' ? responseOf(error) : undefined;
  return plan.on.some((condition) => matches(condition, kind, response));
}

/** True where a function of the user's may ask for a retry; see `RetryDeps.retryCondition`. */
export function mayRepeat(error: unknown, request: Request): boolean {
  // axios-retry's own conditions, which users bring along, take the code of our timeout for that of a network error.
  return isReplayable(request) && (isIdempotent(request) || classify(error) !== 'timeout');
}

const refusals = new Set<FailureKind>(['cancelled', 'deadline', 'local']);

/** True for the end of the call itself, and for an attempt that a policy of the client refused. */
export function isFinal(error: unknown, { signal }: Request): boolean {
  return signal?.aborted === true || refusals.has(classify(error));
}

/** True where nothing was sent, or HTTP/2 guarantees that the server did not process the request (RFC 9113, 8.7). */
function isUntouched(error: unknown): boolean {
  return isUnsent(error) || (classify(error) === 'refused_stream' && !isSent(error));
}

const resets = new Set(['connect', 'reset', 'refused_stream', 'timeout']);

/** Whether a failure meets a condition, with the meanings of Envoy's `retry_on` (envoyproxy.io, router filter). */
function matches(condition: RetryPlan['on'][number], kind: FailureKind, response: Response | undefined): boolean {
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
      return (status === 429 || status === 503) && retryAfterOf(response?.headers) !== undefined;
    default:
      return status === condition;
  }
}

/** The circumstances of the next retry. */
export interface RetryMoment {
  /** Retries made so far. */
  readonly retries: number;
  /** Milliseconds until the deadline. */
  readonly remaining: number;
  readonly random: () => number;
}

/**
 * Milliseconds to wait, or undefined where the deadline would come first. Jitter only ever lengthens a `Retry-After`.
 */
export function waitFor(error: unknown, { backoff }: RetryPlan, moment: RetryMoment): number | undefined {
  const jitter = moment.random() * Math.min(backoff.max, backoff.base * 2 ** moment.retries);
  const asked = retryAfterOf(responseOf(error)?.headers) ?? 0;
  return inTime(asked + jitter, moment);
}

/** The same by the user's `retryDelay`, which is not asked to know `Retry-After`. */
export function waitByFunction(
  error: AxiosError,
  retryDelay: NonNullable<RetryDeps['retryDelay']>,
  moment: RetryMoment,
  request: Request,
): number | undefined {
  const given = runNow(request, 'retryDelay', () => retryDelay(moment.retries + 1, error));
  const asked = retryAfterOf(error.response?.headers) ?? 0;
  return inTime(Math.max(asked, typeof given === 'number' && given > 0 ? given : 0), moment);
}

function inTime(wait: number, { remaining }: RetryMoment): number | undefined {
  return wait < Math.min(remaining, maxTimer) ? wait : undefined;
}

/**
 * The client's plan with the overrides of this call.
 * @throws PillionError `ERR_CONFIG` for a bad `retry` option of the call
 */
export function planFor({ retry: own }: Request, options: RetryPlan): RetryPlan {
  if (!own) return options;
  const { maxRetries, on, backoff } = options;
  // A call that sets its own `base` gets the default `max`: the client's `max` may be shorter than that base.
  const ownBackoff = ownValue(own, 'backoff') as typeof own.backoff;
  const inherited = ownValue(ownBackoff, 'base') === undefined ? backoff : {};
  const merged = { maxRetries, on, ...own, backoff: { ...inherited, ...ownBackoff } };
  const parsed = parseOptions(callPlan, merged, 'the call option retry', ['retry']);
  return { ...parsed, ...functionsIn(parsed, options) };
}

/**
 * Each function of `given`, or where it is undefined that of `fallback`. Every name is there, so that none is looked for
 * on a polluted `Object.prototype`.
 */
function functionsIn(given: RetryFunctions, fallback: RetryFunctions = noFunctions): RetryFunctions {
  const {
    retryCondition = fallback.retryCondition,
    retryDelay = fallback.retryDelay,
    onRetry = fallback.onRetry,
    onMaxRetryTimesExceeded = fallback.onMaxRetryTimesExceeded,
    validateResponse = fallback.validateResponse,
  } = given;
  return { retryCondition, retryDelay, onRetry, onMaxRetryTimesExceeded, validateResponse };
}

const functionsAlone = z.lazy(() => z.strictObject(retryFunctions()));

/** @throws PillionError `ERR_CONFIG` for what is no function, and for options that belong to the configuration */
export function parseFunctions(given: RetryDeps): RetryFunctions {
  return functionsIn(parseOptions(functionsAlone, given, 'deps.retry', ['deps', 'retry']));
}

const noFunctions: RetryFunctions = nothing();
