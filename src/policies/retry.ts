/** Repeats a failed attempt where that is safe, worth it and within budget. The loop is axios-retry's. */
import type { AxiosInstance } from 'axios';
import axiosRetry from 'axios-retry';
import { z } from 'zod';
import { discard } from '../body.js';
import { RetryBudget } from '../budget.js';
import { type Call, callOf, withCall } from '../call.js';
import type { AttemptOutcome, RetryRefusal } from '../events.js';
import { copyHeaders } from '../headers.js';
import { assumed, duration, parseOptions } from '../options.js';
import { definePolicy, type PolicyContext, type Request, type Response, type Transport } from '../policy.js';
import { classify, isIdempotent, isReplayable, isUnsent, retryAfter } from '../request.js';
import { abortError } from '../scope.js';

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
    .prefault({})
    .transform(({ base, max = Math.max(base, 2000) }) => ({ base, max }))
    .refine(({ base, max }) => max >= base, { error: 'max must not be shorter than base' })
    .describe('Full jitter: each wait is uniform in [0, min(max, base * 2^(n-1))).'),
};

/** What a single call may change: everything but the budget, which all calls share. */
export const retryPlan = z.strictObject(plan);

export const retryOptions = z.strictObject({
  ...plan,
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
    .prefault({})
    .describe('What retries may add to the load of the upstream, all calls together; `false`: no budget.'),
});

const policyOptions = retryOptions.extend({ maxConcurrent: z.int().min(0).default(Number.MAX_SAFE_INTEGER) });

type Plan = z.output<typeof retryPlan>;

/** One call on its way through the loop. axios-retry knows it as `config` and keeps its count in `axios-retry`. */
interface Trip {
  readonly 'axios-retry': { retries: number };
  readonly signal: Request['signal'];
  readonly request: Request;
  readonly call: Call;
  readonly plan: Plan;
  retries: number;
  waitMs: number;
  holdsRetry: boolean;
}

/** The error axios-retry sees: it reads `config`; the real one is inside. */
class FailedAttempt {
  readonly config: Trip;
  readonly error: unknown;
  constructor(config: Trip, error: unknown) {
    this.config = config;
    this.error = error;
  }
}

export const retry = definePolicy('retry', policyOptions, (options, context) => {
  const budget = new RetryBudget(options.budget, options.maxConcurrent);
  return {
    wrap: (next) => {
      const attempt = attempts(next, budget, context);
      return function retry(original) {
        if (original.retry === false) return next(original);
        const request = withCall(original);
        const plan = planFor(request, options);
        budget.deposit();
        return attempt({
          'axios-retry': { retries: plan.maxRetries },
          signal: request.signal,
          request,
          call: callOf(request),
          plan,
          retries: 0,
          waitMs: 0,
          holdsRetry: false,
        });
      };
    },
    stats: () => budget.stats(),
  };
});

/**
 * Makes the attempt function and gives it to axios-retry as its "instance": axios-retry only ever calls it and registers
 * handlers on it. Only its rejection handler is wanted, so a call that succeeds pays nothing for it.
 */
function attempts(next: Transport, budget: RetryBudget, context: PolicyContext): (trip: Trip) => Promise<Response> {
  let onFailure: (failed: FailedAttempt) => Promise<Response>;
  const attempt = async (trip: Trip): Promise<Response> => {
    try {
      // axios-retry calls once more when the caller aborts during a wait, and expects that to reject.
      if (trip.signal?.aborted) throw abortError(trip.signal, trip.request);
      const response = await next({
        ...trip.request,
        headers: copyHeaders(trip.request.headers),
      });
      giveBack(trip, budget);
      return response;
    } catch (error) {
      giveBack(trip, budget);
      return await onFailure(new FailedAttempt(trip, error)).catch(unwrap);
    }
  };
  const instance = Object.assign(attempt, {
    defaults: {},
    interceptors: {
      request: { use: () => 0 },
      response: {
        use: (_: null, rejected: typeof onFailure) => {
          onFailure = rejected;
          return 0;
        },
      },
    },
  });
  axiosRetry(instance as unknown as AxiosInstance, {
    retryCondition: (failed) => shouldRetry(failed as unknown as FailedAttempt, budget, context),
    retryDelay: (_, failed) => (failed as unknown as FailedAttempt).config.waitMs,
    shouldResetTimeout: true,
    onMaxRetryTimesExceeded: (failed) => reportLimit(failed as unknown as FailedAttempt, context),
  });
  return attempt;
}

/** The retry this attempt was, if it was one, is over. */
function giveBack(trip: Trip, budget: RetryBudget): void {
  if (trip.holdsRetry) budget.release();
  trip.holdsRetry = false;
}

function unwrap(reason: unknown): never {
  throw reason instanceof FailedAttempt ? reason.error : reason;
}

/** Decides on one failure, and where it says yes takes the retry from the budget and sets the wait. */
function shouldRetry({ config: trip, error }: FailedAttempt, budget: RetryBudget, context: PolicyContext): boolean {
  if (!isRetryable(error, trip)) return false;
  const wait = waitFor(error, trip, context.random);
  if (wait === undefined) return refuse(trip, 'deadline', error, context);
  const answer = budget.acquire();
  if (answer !== 'granted') return refuse(trip, answer, error, context);
  trip.holdsRetry = true;
  trip.waitMs = wait;
  trip.retries++;
  trip.call.flag('retried');
  discard((error as { response?: Response }).response);
  context.events.emit('retry.scheduled', { call: trip.call, retry: trip.retries, waitMs: wait, ...outcomeOf(error) });
  return true;
}

function refuse(trip: Trip, reason: RetryRefusal, error: unknown, { events }: PolicyContext): false {
  trip.call.flag('retry_refused');
  events.emit('retry.refused', { call: trip.call, reason, ...outcomeOf(error) });
  return false;
}

/** axios-retry tells of every failure it has no retries left for, also of those that were never to be retried. */
function reportLimit({ config: trip, error }: FailedAttempt, context: PolicyContext): void {
  if (trip.plan.maxRetries > 0 && trip.retries >= trip.plan.maxRetries && isRetryable(error, trip))
    refuse(trip, 'limit', error, context);
}

/** Safe to repeat, and of a kind that this call retries. */
function isRetryable(error: unknown, { request, plan }: Trip): boolean {
  if (!isReplayable(request) || !(isIdempotent(request) || isUnsent(error))) return false;
  return plan.on.some((condition) => matches(error, condition));
}

const resets = new Set(['connect', 'reset', 'refused-stream', 'timeout']);

/** Envoy's `retry_on`: what each word covers (envoyproxy.io, router filter). */
function matches(error: unknown, condition: Plan['on'][number]): boolean {
  const kind = classify(error);
  const response = kind === 'status' ? (error as { response: Response }).response : undefined;
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
      return kind === 'refused-stream';
    case 'retriable-4xx':
      return status === 409;
    case 'rate-limited':
      return (status === 429 || status === 503) && retryAfter(response?.headers) !== undefined;
    default:
      return status === condition;
  }
}

/** Milliseconds to wait, or undefined where the deadline would come first. Jitter is only ever added to a `Retry-After`. */
function waitFor(error: unknown, { plan, retries, call }: Trip, random: () => number): number | undefined {
  const jitter = random() * Math.min(plan.backoff.max, plan.backoff.base * 2 ** retries);
  const asked = retryAfter((error as { response?: Response }).response?.headers) ?? 0;
  const wait = asked + jitter;
  const remaining = Math.min(call.remaining(), maxTimer);
  return wait < remaining ? wait : undefined;
}

/** setTimeout fires at once above this. */
const maxTimer = 2 ** 31 - 1;

function outcomeOf(error: unknown): AttemptOutcome {
  const { response, code } = error as { response?: Response; code?: string };
  return { status: response?.status, code };
}

/** The client's plan with what this call says otherwise. */
function planFor({ retry: own }: Request, { maxRetries, on, backoff }: Plan): Plan {
  if (!own) return { maxRetries, on, backoff };
  return parseOptions(
    retryPlan,
    { maxRetries, on, ...own, backoff: { ...backoff, ...own.backoff } },
    'the call option retry',
  );
}
