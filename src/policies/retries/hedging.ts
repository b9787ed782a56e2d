/** Sends a second attempt while the first one is slow, and returns the first success. */
import { CanceledError } from 'axios';
import { z } from 'zod';
import { discard, onBodyEnd, responseOf } from '../../call/body.js';
import { classify } from '../../call/failure.js';
import { copyHeaders } from '../../call/headers.js';
import type { Request, Response, Transport } from '../../call/message.js';
import type { Budget, Call } from '../../call/record.js';
import { isIdempotent, isShareable } from '../../call/repeatable.js';
import { callOf, withCall } from '../../call/request.js';
import { Scope } from '../../call/scope.js';
import { Timer } from '../../call/timer.js';
import { duration } from '../../options/duration.js';
import { rule } from '../../options/options.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import { RetryBudget, type RetryStats } from './budget.js';
import { Latencies } from './latencies.js';

export const hedgingOptions = z.lazy(() =>
  z
    .strictObject({
      delay: duration({ min: 1 })
        .optional()
        .describe(
          'How long an attempt may take before a hedge is sent. By default the delay follows `percentile`; set it when the latencies are known and steady.',
        ),
      percentile: z
        .number()
        .min(50)
        .max(99.99)
        .default(99)
        .describe(
          'Percentile of the latencies of the last 30s after which a hedge is sent. Default 99; no hedge is sent before 100 latencies are recorded, and `delay` replaces it. A lower percentile sends more hedges and needs a larger `budget`.',
        ),
      maxHedges: z
        .int()
        .min(1)
        .max(5)
        .default(1)
        .describe(
          'Most hedges of one call, each sent one delay after the attempt before it. Default 1. Raise it if two attempts of a call are often slow at the same time.',
        ),
      budget: z
        .number()
        .min(0.001)
        .max(5)
        .default(0.02)
        .describe(
          'Hedges allowed for each call, counted over the last 10s. Default 0.02, which is 2 %. Each hedge also takes one retry from `retry.budget`. Raise it together with a lower `percentile`.',
        ),
    })
    .refine(
      ({ delay, percentile, budget }) => delay !== undefined || percentile >= 100 * (1 - budget) - 1e-9,
      rule(
        ['delay', 'percentile', 'budget'],
        ['percentile'],
        'asks for more hedges than `budget` allows, so the slowest calls would get none; set it to at least 100 * (1 - budget), or raise `budget`',
      ),
    ),
);

type HedgingOptions = z.output<typeof hedgingOptions>;

/** Number of recorded latencies below which a percentile says too little. */
const enough = 100;
/** Milliseconds for which a computed percentile is reused. */
const refreshed = 1000;

/** Latencies and counters, which survive a change of the options. */
interface State {
  readonly latencies: Latencies;
  readonly counts: { started: number; won: number; refused: number };
}

/**
 * Hedges idempotent calls with a repeatable body: sends another attempt after `delay`, or after a percentile of recent
 * latencies, to another endpoint if there is one. The first success aborts the other attempts; the call
 * fails only after all of them have failed. Hedges draw on a budget of their own and on that of `retry`. Modelled on
 * Finagle's backup requests.
 */
export const hedging = definePolicy<typeof hedgingOptions, State>(
  'hedging',
  hedgingOptions,
  (options, context, before) => {
    const state = before ?? { latencies: new Latencies(), counts: { started: 0, won: 0, refused: 0 } };
    const own = new RetryBudget({ ratio: options.budget, minPerSecond: 0 }, Number.MAX_SAFE_INTEGER);
    const delay = delayOf(options, state.latencies);
    return {
      wrap: (next) =>
        function hedging(original) {
          const request = withCall(original);
          if (callOf(request).attempts === 0) own.deposit();
          const ms = isIdempotent(request) && isShareable(request) ? delay() : undefined;
          if (ms === undefined) return timed(next, request, state.latencies);
          return new Race(next, request, { ms, own, state, context, maxHedges: options.maxHedges }).run();
        },
      stats: (): HedgingStats => ({ ...state.counts, delayMs: delay() ?? null, budget: own.stats() }),
      state,
    };
  },
);

/** The current delay in milliseconds; undefined while too few latencies are recorded. */
function delayOf({ delay, percentile }: HedgingOptions, latencies: Latencies): () => number | undefined {
  if (delay !== undefined) return () => delay;
  let value: number | undefined;
  let at = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - at < refreshed && value !== undefined) return value;
    at = now;
    value = latencies.count < enough ? undefined : Math.max(1, latencies.percentile(percentile));
    return value;
  };
}

async function timed(next: Transport, request: Request, latencies: Latencies): Promise<Response> {
  const startedAt = performance.now();
  try {
    const response = await next(request);
    latencies.record(performance.now() - startedAt);
    return response;
  } catch (error) {
    // Only timeouts are recorded: fast failures would pull the percentile down.
    if (classify(error) === 'timeout') latencies.record(performance.now() - startedAt);
    throw error;
  }
}

interface Terms {
  readonly ms: number;
  readonly maxHedges: number;
  readonly own: RetryBudget;
  readonly state: State;
  readonly context: PolicyContext;
}

interface Runner {
  readonly scope: Scope;
  readonly hedge: boolean;
  readonly startedAt: number;
  /** Returns the hedge to both budgets; does nothing for the first attempt. */
  readonly release: () => void;
}

/** The concurrent attempts of one call. */
class Race {
  readonly #next: Transport;
  readonly #request: Request;
  readonly #call: Call;
  readonly #terms: Terms;
  readonly #running = new Set<Runner>();
  #hedges = 0;
  #timer: Timer | undefined;
  #failure: { error: unknown } | undefined;
  #resolve!: (response: Response) => void;
  #reject!: (error: unknown) => void;
  #over = false;

  constructor(next: Transport, request: Request, terms: Terms) {
    this.#next = next;
    this.#request = request;
    this.#call = callOf(request);
    this.#terms = terms;
  }

  run(): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#start(false, () => {});
      this.#wait();
    });
  }

  #wait(): void {
    if (this.#over || this.#hedges >= this.#terms.maxHedges) return;
    this.#timer = new Timer(this.#terms.ms, { expire: () => this.#hedge() });
  }

  #hedge(): void {
    if (this.#request.signal?.aborted) return;
    const { own, state, context, ms } = this.#terms;
    const call = this.#call;
    const answer = take(own, call.budget);
    if (answer !== 'granted') {
      state.counts.refused++;
      context.events.emit('hedge.refused', { call, reason: answer });
      return;
    }
    state.counts.started++;
    this.#hedges++;
    call.flag('hedged');
    context.events.emit('hedge.started', { call, attempt: call.attempts + 1, delayMs: ms });
    this.#start(true, () => {
      own.release();
      call.budget?.release();
    });
    this.#wait();
  }

  #start(hedge: boolean, release: () => void): void {
    const scope = new Scope(this.#request.signal);
    const runner = { scope, hedge, startedAt: performance.now(), release };
    this.#running.add(runner);
    const headers = copyHeaders(this.#request.headers);
    attempt(this.#next, { ...this.#request, headers, signal: scope }).then(
      (response) => this.#succeeded(runner, response),
      (error) => this.#failed(runner, error),
    );
  }

  #leave(runner: Runner): boolean {
    runner.release();
    return this.#running.delete(runner) && !this.#over;
  }

  #succeeded(runner: Runner, response: Response): void {
    if (!this.#leave(runner)) {
      runner.scope.leave();
      discard(response);
      return;
    }
    const { state } = this.#terms;
    state.latencies.record(performance.now() - runner.startedAt);
    if (runner.hedge) state.counts.won++;
    onBodyEnd(response, () => runner.scope.leave());
    // The response of an earlier failure was kept until now: had every attempt failed, the call would have returned it.
    discard(responseOf(this.#failure?.error));
    this.#end();
    this.#resolve(response);
  }

  /** Keeps the first failure while other attempts are in flight; once all have failed, the call rejects with it. */
  #failed(runner: Runner, error: unknown): void {
    runner.scope.leave();
    if (!this.#leave(runner)) {
      discard(responseOf(error));
      return;
    }
    if (classify(error) === 'timeout') this.#terms.state.latencies.record(performance.now() - runner.startedAt);
    if (this.#failure === undefined) this.#failure = { error };
    else discard(responseOf(error));
    if (this.#running.size > 0 && !this.#request.signal?.aborted) return;
    this.#end();
    this.#reject(this.#failure.error);
  }

  /**
   * Aborts the attempts still in flight. The time that the first has taken so far is recorded as a lower bound of its
   * latency.
   */
  #end(): void {
    this.#over = true;
    this.#timer?.clear();
    const now = performance.now();
    for (const { scope, startedAt, hedge } of this.#running) {
      if (!hedge) this.#terms.state.latencies.record(now - startedAt);
      scope.abort(new CanceledError('Another attempt of the call was faster.', this.#request as never));
      scope.leave();
    }
  }
}

/** Takes a hedge from both budgets, or from neither. */
function take(own: RetryBudget, shared: Budget | undefined): ReturnType<Budget['acquire']> {
  if (!own.hasRoom()) return 'budget';
  const answer = shared?.acquire() ?? 'granted';
  if (answer === 'granted') own.acquire();
  return answer;
}

/** Turns a synchronous exception of `next` into a rejection. */
async function attempt(next: Transport, request: Request): Promise<Response> {
  return next(request);
}

export interface HedgingStats {
  readonly started: number;
  /** Hedges whose answer was taken. */
  readonly won: number;
  readonly refused: number;
  /** Milliseconds before a hedge is sent; null while too few latencies are known. */
  readonly delayMs: number | null;
  /** The share of hedges in the load. */
  readonly budget: RetryStats;
}
