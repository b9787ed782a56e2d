/** The circuit of one destination: outcomes in a rolling window, and opossum's states and reset timer. */
import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import { z } from 'zod';
import { causeOf } from '../call/failure.js';
import { once } from '../call/once.js';
import type { FailureCause } from '../call/record.js';
import { duration } from '../options/duration.js';
import type { PolicyContext } from './policy.js';
import { RollingCounts } from './rolling-counts.js';

export const circuitBreakerOptions = z.lazy(() =>
  z.strictObject({
    errorThresholdPercentage: z
      .number()
      .min(1)
      .max(100)
      .default(50)
      .describe(
        'Percentage of failures in `rollingWindow` above which the circuit opens. Default 50; with 100 it opens only when every attempt fails. Lower it to cut off a failing destination earlier.',
      ),
    volumeThreshold: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20)
      .describe(
        'Number of outcomes in `rollingWindow` below which the circuit never opens. Default 20. Lower it for a destination with little traffic; raise it if single failures open the circuit.',
      ),
    rollingWindow: duration({ min: 100 })
      .prefault('10s')
      .describe(
        'Length of the time window in which outcomes count. Default 10s. Make it longer for a destination with little traffic.',
      ),
    resetTimeout: duration({ min: 1 })
      .prefault('5s')
      .describe(
        'How long an open circuit rejects attempts before trials are sent, less up to 20 % of jitter. Default 5s. Raise it for a destination that trials disturb while it recovers.',
      ),
    trials: z
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe(
        'Most attempts in flight at once after `resetTimeout`, to see whether the destination has recovered. The circuit closes once more than half of this number have succeeded and opens once more than half have failed. Default 3; with 1 a single attempt decides.',
      ),
  }),
);

export type CircuitOptions = z.output<typeof circuitBreakerOptions>;

/** Milliseconds after which a trial that is still in flight leaves its place to another, so that hung ones do not delay recovery. */
const trialPatience = 1000;

/** Permission for one attempt: `admit` issues it, and `settle` takes it back with the outcome. */
export interface Pass {
  readonly epoch: number;
  /** Attempts of the call before this one. */
  readonly attempts: number;
  /** `performance.now()` when it was admitted. */
  readonly admittedAt: number;
}

/**
 * A circuit that opossum opens, half-opens and closes, while the outcomes are counted here: opossum's `fire` takes 5 us and
 * several promises for each outcome and a number of memory, and a breaker takes 4 KB. So there is one only from the opening
 * to the closing, and 10,000 destinations that are well cost little. Calls in flight do not dilute the error rate, and the
 * outcome of an attempt that began before the last change of state is dropped.
 */
export class Circuit {
  readonly #destination: string;
  readonly #options: CircuitOptions;
  readonly #context: PolicyContext;
  readonly #window: RollingCounts<keyof Totals>;
  /** Undefined while the circuit is closed. */
  #breaker: Breaker | undefined;
  #epoch = 0;
  /** Attempts in flight while the circuit is half-open, in the order of their start. */
  readonly #trials = new Set<Pass>();
  /** Outcomes of trials since the circuit became half-open. */
  #succeeded = 0;
  #failed = 0;
  #cause: FailureCause = {};
  /** `performance.now()` when it left the state closed. */
  #openedAt = 0;
  #since = 0;
  #reopensAt = 0;

  constructor(destination: string, options: CircuitOptions, context: PolicyContext) {
    this.#destination = destination;
    this.#options = options;
    this.#context = context;
    this.#window = new RollingCounts(options.rollingWindow, ['outcomes', 'failures']);
  }

  /** Returns a pass for one attempt, or the milliseconds to wait before the circuit may admit another. */
  admit(attempts: number): Pass | number {
    const breaker = this.#breaker;
    if (breaker === undefined) return this.#pass(attempts);
    if (breaker.opened) return Math.max(1, Math.ceil(this.#reopensAt - performance.now()));
    const now = performance.now();
    for (const trial of this.#trials) if (now - trial.admittedAt >= trialPatience) this.#trials.delete(trial);
    if (this.#trials.size >= this.#options.trials) return trialPatience;
    const trial = this.#pass(attempts);
    this.#trials.add(trial);
    return trial;
  }

  #pass(attempts: number): Pass {
    return { epoch: this.#epoch, attempts, admittedAt: performance.now() };
  }

  /**
   * Records the outcome of an admitted attempt, with the error of one that failed; ignored if the circuit has changed its
   * state since.
   */
  settle(pass: Pass, outcome: 'success' | 'failure' | 'nothing', error?: unknown): void {
    if (pass.epoch !== this.#epoch) return;
    this.#trials.delete(pass);
    if (outcome === 'nothing') return;
    if (outcome === 'failure') this.#cause = causeOf(error);
    if (this.#breaker !== undefined) this.#decide(this.#breaker, outcome);
    else {
      this.#window.add('outcomes');
      if (outcome === 'failure') this.#countFailure();
    }
  }

  #countFailure(): void {
    this.#window.add('failures');
    if (this.#isTooHigh(this.#totals())) this.#open();
  }

  #totals(): Totals {
    return { outcomes: this.#window.total('outcomes'), failures: this.#window.total('failures') };
  }

  #isTooHigh({ outcomes, failures }: Totals): boolean {
    const { volumeThreshold, errorThresholdPercentage } = this.#options;
    // No rate is above 100, and with that threshold the circuit opens where every attempt fails.
    return outcomes >= volumeThreshold && (100 * failures) / outcomes > Math.min(errorThresholdPercentage, 99.99);
  }

  /** Closes or opens the circuit once more than half of the trials have had the same outcome as this one. */
  #decide(breaker: Breaker, outcome: 'success' | 'failure'): void {
    const same = outcome === 'success' ? ++this.#succeeded : ++this.#failed;
    if (same <= this.#options.trials / 2) return;
    if (outcome === 'success') breaker.close();
    else breaker.open();
  }

  #open(): void {
    const { client, events } = this.#context;
    const destination = this.#destination;
    const breaker = newBreaker();
    this.#breaker = breaker;
    this.#drawResetTimeout(breaker);
    breaker.on('open', () => {
      const { resetTimeout: retryAfter } = liveOptions(breaker);
      const now = performance.now();
      const failedTrials = this.#failed;
      if (failedTrials === 0) this.#openedAt = now;
      const { outcomes, failures } = failedTrials === 0 ? this.#totals() : this.#trialTotals();
      this.#changeState(breaker);
      this.#reopensAt = now + retryAfter;
      const trials = failedTrials > 0 && { failedTrials };
      events.emit('circuit.opened', {
        ...{ client, destination, retryAfter, outcomes, failures },
        ...trials,
        cause: this.#cause,
      });
    });
    breaker.on('halfOpen', () => {
      this.#changeState(breaker);
      events.emit('circuit.half_opened', { client, destination });
    });
    breaker.on('close', () => {
      this.forget();
      const openForMs = Math.round(performance.now() - this.#openedAt);
      events.emit('circuit.closed', { client, destination, openForMs });
    });
    breaker.open();
  }

  #trialTotals(): Totals {
    return { outcomes: this.#succeeded + this.#failed, failures: this.#failed };
  }

  /** The last failure that counted. */
  get cause(): FailureCause {
    return this.#cause;
  }

  get state(): 'open' | 'half_open' | 'closed' {
    if (this.#breaker === undefined) return 'closed';
    return this.#breaker.opened ? 'open' : 'half_open';
  }

  stats(): CircuitStats {
    const { state } = this;
    const openedAt = Date.now() - (performance.now() - this.#openedAt);
    return {
      state,
      ...this.#totals(),
      ...(state !== 'closed' && {
        since: new Date(this.#since).toISOString(),
        openedAt: new Date(openedAt).toISOString(),
      }),
      ...(state === 'open' && { retryAfter: Math.max(0, Math.ceil(this.#reopensAt - performance.now())) }),
    };
  }

  /** Closes it, without an event, and forgets all outcomes; those of attempts in flight do not count any more. */
  forget(): void {
    this.#clearTrials();
    this.#window.clear();
    this.#breaker?.shutdown();
    this.#breaker = undefined;
  }

  #changeState(breaker: Breaker): void {
    this.#since = Date.now();
    this.#clearTrials();
    this.#drawResetTimeout(breaker);
  }

  #clearTrials(): void {
    this.#epoch++;
    this.#trials.clear();
    this.#succeeded = 0;
    this.#failed = 0;
  }

  /** Sets the time of the next opening. The jitter keeps the clients of a fleet from sending their trials at once. */
  #drawResetTimeout(breaker: Breaker): void {
    liveOptions(breaker).resetTimeout = this.#options.resetTimeout * (1 - 0.2 * this.#context.random());
  }
}

interface Totals {
  readonly outcomes: number;
  readonly failures: number;
}

type Breaker = CircuitBreaker<[], void>;

/** Without a prototype: opossum would read further options from a polluted `Object.prototype`. */
const withoutStatistics = {
  __proto__: null,
  timeout: false,
  enableSnapshots: false,
  rollingPercentilesEnabled: false,
} as CircuitBreaker.Options;

/** The statistics of all breakers, which are told of no outcome: with one of its own each would take 3 KB more. */
const unusedStatus = once(() =>
  CircuitBreaker.newStatus({
    ...withoutStatistics,
    rollingCountBuckets: 1,
    rollingCountTimeout: 1000,
    // Without it opossum sets a timer.
    rotateBucketController: new EventEmitter(),
  }),
);

function newBreaker(): Breaker {
  return new CircuitBreaker(neverFired, { ...withoutStatistics, __proto__: null, status: unusedStatus() } as object);
}

function neverFired(): Promise<void> {
  return Promise.resolve();
}

/** The options object that opossum reads at each opening; its types do not expose it. */
function liveOptions(breaker: Breaker): { resetTimeout: number } {
  return (breaker as unknown as { options: { resetTimeout: number } }).options;
}

/** One circuit. */
export interface CircuitStats {
  readonly state: 'closed' | 'open' | 'half_open';
  /** Outcomes in the window. */
  readonly outcomes: number;
  readonly failures: number;
  /** Time of the last change of state, in ISO 8601; only while it is not closed. */
  readonly since?: string;
  /** Time at which it left the state closed, in ISO 8601; only while it is not closed. */
  readonly openedAt?: string;
  /** Milliseconds until a trial is let through; only while it is open. */
  readonly retryAfter?: number;
}
