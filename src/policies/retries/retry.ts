/** Repeats a failed attempt where that is safe, worth it and within budget. The loop is axios-retry's. */
import type { AxiosInstance } from 'axios';
import axiosRetry from 'axios-retry';
import { discard, responseOf } from '../../call/body.js';
import { withCause } from '../../call/errors.js';
import type { AttemptOutcome, RetryRefusal } from '../../call/events.js';
import { classify } from '../../call/failure.js';
import { copyHeaders } from '../../call/headers.js';
import type { Request, Response, Transport } from '../../call/message.js';
import { type Call, callOf, withCall } from '../../call/record.js';
import { abortError } from '../../call/scope.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { RetryBudget } from './budget.js';
import { isRetryable, planFor, type RetryPlan, retryOptions, waitFor } from './retry-plan.js';

/** One call on its way through the loop. axios-retry knows it as `config` and keeps its count in `axios-retry`. */
interface Trip {
  readonly 'axios-retry': { retries: number };
  readonly signal: Request['signal'];
  readonly request: Request;
  readonly call: Call;
  readonly plan: RetryPlan;
  retries: number;
  waitMs: number;
  holdsRetry: boolean;
  /** The failure that this retry answers. */
  failure: unknown;
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

/**
 * Repeats what failed up to `maxRetries` times (default 2) after waits of full jitter, within a budget that all calls
 * share. Never repeats what could do harm; where no retry is left the last failure comes out as it is.
 */
export const retry = definePolicy('retry', retryOptions, (options, context) => {
  const budget = new RetryBudget(options.budget, options.maxConcurrentRetries);
  return {
    wrap: (next) => {
      const attempt = attempts(next, budget, context);
      return function retry(original) {
        if (original.retry === false) return next(original);
        const request = withCall(original);
        const plan = planFor(request, options);
        budget.deposit();
        const call = callOf(request);
        call.budget = budget;
        return attempt({
          'axios-retry': { retries: plan.maxRetries },
          signal: request.signal,
          request,
          call,
          plan,
          retries: 0,
          waitMs: 0,
          holdsRetry: false,
          failure: undefined,
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
      explain(error, trip);
      // Most failures in an outage are not retried: they need not go through axios-retry's promises to learn it.
      if (!shouldRetry(trip, error, budget, context)) throw error;
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
    retryCondition: () => true,
    retryDelay: (_, failed) => (failed as unknown as FailedAttempt).config.waitMs,
    shouldResetTimeout: true,
  });
  return attempt;
}

/** The retry this attempt was, if it was one, is over. */
function giveBack(trip: Trip, budget: RetryBudget): void {
  if (trip.holdsRetry) budget.release();
  trip.holdsRetry = false;
}

/** A retry turned away in this process (the circuit has opened meanwhile) tells what it was for. */
function explain(error: unknown, { failure }: Trip): void {
  if (failure !== undefined && classify(error) === 'local') withCause(error as Error, failure);
}

function unwrap(reason: unknown): never {
  throw reason instanceof FailedAttempt ? reason.error : reason;
}

/** Decides on one failure, and where it says yes takes the retry from the budget and sets the wait. */
function shouldRetry(trip: Trip, error: unknown, budget: RetryBudget, context: PolicyContext): boolean {
  const { maxRetries } = trip.plan;
  if (maxRetries === 0 || !isRetryable(error, trip.request, trip.plan)) return false;
  if (trip.retries >= maxRetries) return refuse(trip, 'limit', error, context);
  const moment = { retries: trip.retries, remaining: trip.call.remaining(), random: context.random };
  const wait = waitFor(error, trip.plan, moment);
  if (wait === undefined) return refuse(trip, 'deadline', error, context);
  const answer = budget.acquire();
  if (answer !== 'granted') return refuse(trip, answer, error, context);
  trip.holdsRetry = true;
  trip.waitMs = wait;
  trip.retries++;
  trip.failure = error;
  trip.call.flag('retried');
  discard(responseOf(error));
  context.events.emit('retry.scheduled', { call: trip.call, retry: trip.retries, waitMs: wait, ...outcomeOf(error) });
  return true;
}

function refuse(trip: Trip, reason: RetryRefusal, error: unknown, { events }: PolicyContext): false {
  trip.call.flag('retry_refused');
  events.emit('retry.refused', { call: trip.call, reason, ...outcomeOf(error) });
  return false;
}

function outcomeOf(error: unknown): AttemptOutcome {
  return { status: responseOf(error)?.status, code: (error as { code?: string } | null | undefined)?.code };
}
