/** Retries a failed attempt where that is safe, allowed by the options and within budget; axios-retry runs the loop. */
import type { AxiosError, AxiosInstance } from 'axios';
import imported from 'axios-retry';
import { discard, responseOf } from '../../call/body.js';
import { statusError, withCause } from '../../call/errors.js';
import type { AttemptOutcome, RetryRefusal } from '../../call/events.js';
import { classify } from '../../call/failure.js';
import { copyHeaders } from '../../call/headers.js';
import type { Request, Response } from '../../call/message.js';
import type { OutcomeReceiver, Send } from '../../call/receiver.js';
import type { Call } from '../../call/record.js';
import { callOf, routeOption, withCall } from '../../call/request.js';
import { abortError } from '../../call/scope.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { RetryBudget } from './budget.js';
import {
  headersAfter,
  isOfFunction,
  isValid,
  runUnlessAborted,
  shownTo,
  usesFunctions,
  withTransformedData,
} from './retry-functions.js';
import {
  isFinal,
  isRetryable,
  mayRepeat,
  planFor,
  type RetryMoment,
  type RetryPlan,
  retryPolicyOptions,
  waitByFunction,
  waitFor,
} from './retry-plan.js';

/** axios-retry for CommonJS is an object that has the function as `default`. */
const axiosRetry = (imported as { default?: typeof imported }).default ?? imported;

/** The state of one call in the loop. axios-retry sees it as `config` and keeps its retry count in `axios-retry`. */
interface Trip {
  readonly 'axios-retry': { retries: number };
  readonly signal: Request['signal'];
  /** Its headers change where `onRetry` has replaced some. */
  request: Request;
  readonly call: Call;
  readonly plan: RetryPlan;
  retries: number;
  waitMs: number;
  holdsRetry: boolean;
  /** The failure that caused the current retry. */
  failure: unknown;
}

/** The error that axios-retry sees: it reads `config`, while `error` holds the real failure. */
class FailedAttempt {
  readonly config: Trip;
  readonly error: unknown;
  constructor(config: Trip, error: unknown) {
    this.config = config;
    this.error = error;
  }
}

/**
 * Retries failed attempts up to `maxRetries` times (default 2) after waits with full jitter, within a budget that all
 * calls share. A request that the server may have processed is repeated only if it is idempotent. When no retry is
 * left, the call rejects with the last failure, unchanged.
 */
export const retry = definePolicy('retry', retryPolicyOptions, (options, context) => {
  const budget = new RetryBudget(options.budget, options.maxConcurrentRetries);
  return {
    pass: (next) => {
      const attempt = attempts(next, budget, context);
      return function retry(original, receiver) {
        const ofRoute =
          original.retry === false ? false : (routeOption(original, 'retry') as RetryPlan | false | undefined);
        if (ofRoute === false && !original.retry) {
          next(original, receiver);
          return;
        }
        const request = withCall(original);
        const plan = planFor(request, ofRoute || options);
        budget.deposit();
        const call = callOf(request);
        call.budget = budget;
        const trip: Trip = {
          'axios-retry': { retries: plan.maxRetries },
          signal: request.signal,
          request,
          call,
          plan,
          retries: 0,
          waitMs: 0,
          holdsRetry: false,
          failure: undefined,
        };
        attempt(trip, receiver);
      };
    },
    stats: () => budget.stats(),
  };
});

/**
 * Makes the attempt function and passes it to axios-retry as its axios "instance", since axios-retry only calls the
 * instance and registers interceptors on it. Only the rejection handler is used, so a successful call pays nothing for
 * it.
 */
function attempts(
  next: Send,
  budget: RetryBudget,
  context: PolicyContext,
): (trip: Trip, receiver: OutcomeReceiver) => void {
  let onFailure: (failed: FailedAttempt) => Promise<Response>;
  const loop: Loop = { budget, context, again: (trip, error) => onFailure(new FailedAttempt(trip, error)) };
  const attempt = (trip: Trip, receiver: OutcomeReceiver): void => {
    budget.begun();
    const passage = new Attempted(receiver, trip, loop);
    // When the caller aborts during a wait, axios-retry calls once more and expects a rejection.
    if (trip.signal?.aborted) passage.failed(abortError(trip.signal, trip.request));
    else next({ ...trip.request, headers: copyHeaders(trip.request.headers) }, passage);
  };
  const promised = (trip: Trip): Promise<Response> =>
    new Promise((answered, failed) => {
      attempt(trip, { answered, failed });
    });
  const instance = Object.assign(promised, {
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

/** What the attempts of all calls share. */
interface Loop {
  readonly budget: RetryBudget;
  readonly context: PolicyContext;
  /** Waits and repeats the attempt, by axios-retry. */
  readonly again: (trip: Trip, error: unknown) => Promise<Response>;
}

/** One attempt of a trip; it is repeated where that is right. */
class Attempted implements OutcomeReceiver {
  readonly #outer: OutcomeReceiver;
  readonly #trip: Trip;
  readonly #loop: Loop;

  constructor(outer: OutcomeReceiver, trip: Trip, loop: Loop) {
    this.#outer = outer;
    this.#trip = trip;
    this.#loop = loop;
  }

  answered(response: Response): void {
    try {
      checkResponse(response, this.#trip);
    } catch (error) {
      this.failed(error);
      return;
    }
    const { budget } = this.#loop;
    giveBack(this.#trip, budget);
    budget.ended();
    this.#outer.answered(response);
  }

  failed(error: unknown): void {
    const { budget, context } = this.#loop;
    const trip = this.#trip;
    giveBack(trip, budget);
    try {
      if (trip.failure !== undefined && isUnmocked(error)) throw trip.failure;
      explain(error, trip);
      // Most failures in an outage are not retried, so they skip axios-retry's chain of promises.
      if (!usesFunctions(trip.plan)) this.#decided(shouldRetry(trip, error, budget, context), error);
      else
        decide(trip, error, budget, context).then(
          (again) => this.#decided(again, error),
          (thrown) => this.#end(thrown),
        );
    } catch (thrown) {
      this.#end(thrown);
    }
  }

  #decided(again: boolean, error: unknown): void {
    if (!again) {
      this.#end(error);
      return;
    }
    this.#loop.budget.ended();
    this.#loop.again(this.#trip, error).then(
      (response) => this.#outer.answered(response),
      (reason) => this.#outer.failed(reason instanceof FailedAttempt ? reason.error : reason),
    );
  }

  /** No retry follows. */
  #end(error: unknown): void {
    this.#loop.budget.ended();
    this.#outer.failed(error);
  }
}

/** Returns the retry to the budget once its attempt has ended; does nothing for a first attempt. */
function giveBack(trip: Trip, budget: RetryBudget): void {
  if (trip.holdsRetry) budget.release();
  trip.holdsRetry = false;
}

/**
 * Attaches the failure that caused a retry as `cause` when the retry itself was rejected locally, such as by a circuit
 * that has opened.
 */
function explain(error: unknown, { failure }: Trip): void {
  if (failure !== undefined && classify(error) === 'local') withCause(error as Error, failure);
}

/** Codes of nock and of undici's MockAgent for a request that no mock is left for. */
const unmocked = new Set<unknown>(['ERR_NOCK_NO_MATCH', 'UND_MOCK_ERR_MOCK_NOT_MATCHED']);

/** True for a retry that no mock answers. A test that mocks one failure expects that failure, so the call ends with it. */
function isUnmocked(error: unknown): boolean {
  return unmocked.has((error as { code?: unknown } | null | undefined)?.code);
}

/** Rejects a response that the user's `validateResponse` refuses, as if its status were a failure. */
function checkResponse(response: Response, { plan: { validateResponse }, request }: Trip): void {
  if (validateResponse && !isValid(validateResponse, response, request)) throw statusError(request, response);
}

/** Decides whether to retry after a failure; if so, takes the retry from the budget and sets the wait. */
function shouldRetry(trip: Trip, error: unknown, budget: RetryBudget, context: PolicyContext): boolean {
  const { plan, request } = trip;
  if (plan.maxRetries === 0 || !isRetryable(error, request, plan)) return false;
  if (!reserve(trip, error, budget, context, (moment) => waitFor(error, plan, moment))) return false;
  schedule(trip, error, context);
  return true;
}

/** The same where functions of the user's take part, which may have to be waited for. */
async function decide(trip: Trip, error: unknown, budget: RetryBudget, context: PolicyContext): Promise<boolean> {
  const { request, plan } = trip;
  if (isOfFunction(error) || isFinal(error, request)) return false;
  const response = responseOf(error);
  if (plan.validateResponse && response && isValid(plan.validateResponse, response, request)) return false;
  const shown = shownTo(error, request);
  if (shown === undefined) return false;
  const restore = withTransformedData(response, request);
  try {
    if (await retryByFunctions(trip, error, shown, budget, context)) return true;
    const { onMaxRetryTimesExceeded, maxRetries } = plan;
    if (onMaxRetryTimesExceeded && trip.retries >= maxRetries)
      await runUnlessAborted(request, () => onMaxRetryTimesExceeded(shown, trip.retries));
    restore();
    return false;
  } catch (thrown) {
    giveBack(trip, budget);
    discard(response);
    throw thrown;
  }
}

async function retryByFunctions(
  trip: Trip,
  error: unknown,
  shown: AxiosError,
  budget: RetryBudget,
  context: PolicyContext,
): Promise<boolean> {
  const { request, plan } = trip;
  const { retryCondition, retryDelay, onRetry } = plan;
  if (plan.maxRetries === 0) return false;
  const standard = isRetryable(error, request, plan);
  if (retryCondition === undefined) {
    if (!standard) return false;
  } else {
    if (!mayRepeat(error, request)) return false;
    // As with axios-retry, the condition is not asked where no retry is left: it may do work, such as refreshing a token.
    const ask = () => retryCondition(shown, standard);
    if (trip.retries < plan.maxRetries && !(await runUnlessAborted(request, ask))) return false;
  }
  const wait = (moment: RetryMoment) =>
    retryDelay ? waitByFunction(shown, retryDelay, moment, request) : waitFor(error, plan, moment);
  if (!reserve(trip, error, budget, context, wait)) return false;
  if (onRetry) {
    // Its socket and its place in `limits` are free while the function runs, which may call the same upstream.
    discard(responseOf(error));
    trip.request = { ...request, headers: await headersAfter(onRetry, trip.retries + 1, shown, request) };
    if (trip.waitMs >= trip.call.remaining()) {
      giveBack(trip, budget);
      return refuse(trip, 'deadline', error, context);
    }
  }
  schedule(trip, error, context);
  return true;
}

/** Takes a retry from the budget and notes the wait before it, unless a limit or the deadline stands against it. */
function reserve(
  trip: Trip,
  error: unknown,
  budget: RetryBudget,
  context: PolicyContext,
  waitOf: (moment: RetryMoment) => number | undefined,
): boolean {
  if (trip.retries >= trip.plan.maxRetries) return refuse(trip, 'limit', error, context);
  const wait = waitOf({ retries: trip.retries, remaining: trip.call.remaining(), random: context.random });
  if (wait === undefined) return refuse(trip, 'deadline', error, context);
  const answer = budget.acquire();
  if (answer !== 'granted') return refuse(trip, answer, error, context);
  trip.holdsRetry = true;
  trip.waitMs = wait;
  return true;
}

/** Counts and announces the retry that was reserved. */
function schedule(trip: Trip, error: unknown, context: PolicyContext): void {
  trip.retries++;
  trip.failure = error;
  trip.call.flag('retried');
  discard(responseOf(error));
  context.events.emit('retry.scheduled', {
    call: trip.call,
    retry: trip.retries,
    waitMs: trip.waitMs,
    ...outcomeOf(error),
  });
}

function refuse(trip: Trip, reason: RetryRefusal, error: unknown, { events }: PolicyContext): false {
  trip.call.retryRefused = reason;
  // That no retry was left is how most failed calls end; the others say that something held a retry back.
  if (reason !== 'limit') trip.call.flag('retry_refused');
  events.emit('retry.refused', { call: trip.call, reason, ...outcomeOf(error) });
  return false;
}

function outcomeOf(error: unknown): AttemptOutcome {
  return { status: responseOf(error)?.status, code: (error as { code?: string } | null | undefined)?.code };
}
