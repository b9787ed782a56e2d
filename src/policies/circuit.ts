/** The circuit of one destination, with opossum's rolling window, threshold and reset timer. */
import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import { z } from 'zod';
import { causeOf } from '../call/failure.js';
import type { FailureCause } from '../call/record.js';
import { duration } from '../options/duration.js';
import type { PolicyContext } from './policy.js';

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

const buckets = 10;
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
 * A circuit that reports outcomes to opossum after the fact instead of letting opossum run the call. So calls in flight
 * do not dilute the error rate, an outcome that counts as neither success nor failure never reaches opossum, and the
 * outcome of an attempt that began before the last change of state is dropped.
 */
export class Circuit {
  #epoch = 0;
  /** Attempts in flight while the circuit is half-open, in the order of their start. */
  readonly #trials = new Set<Pass>();
  /** Outcomes of trials since the circuit became half-open. */
  #succeeded = 0;
  #failed = 0;
  #cause: FailureCause = {};
  /** `performance.now()` when it left the state closed. */
  #openedAt = 0;
  #since = Date.now();
  #reopensAt = 0;
  #rotatedAt = performance.now();
  readonly destination: string;
  readonly #options: CircuitOptions;
  readonly #context: PolicyContext;
  /** Successes in each bucket, the latest first, while there is no failure in the window. */
  #successes: number[] = Array(buckets).fill(0);
  /**
   * Made by the first failure, and let go of once there is none in the window: it takes 9 KB, the rest of a circuit 0.7.
   */
  #breaker: Breaker | undefined;

  constructor(destination: string, options: CircuitOptions, context: PolicyContext) {
    this.destination = destination;
    this.#options = options;
    this.#context = context;
  }

  #newBreaker(): Breaker {
    const { client, events } = this.#context;
    const { destination } = this;
    const opossum = this.#opossumOptions();
    // No prototype: opossum would read further options from a polluted Object.prototype.
    const own = Object.assign(Object.create(null), opossum, { status: leanStatus(opossum) });
    const breaker: Breaker = new CircuitBreaker(report, own);
    for (const [index, bucket] of breaker.status.window.entries())
      Object.assign(bucket, { fires: this.#successes[index], successes: this.#successes[index] });
    keepNoLatencies(breaker);
    breaker.on('open', () => {
      const { resetTimeout: retryAfter } = liveOptions(breaker);
      const now = performance.now();
      const failedTrials = this.#failed;
      if (failedTrials === 0) this.#openedAt = now;
      const { fires: outcomes, failures } = failedTrials === 0 ? breaker.stats : this.#trialTotals();
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
      this.#changeState(breaker);
      this.#rotate(buckets);
      const openForMs = Math.round(performance.now() - this.#openedAt);
      events.emit('circuit.closed', { client, destination, openForMs });
    });
    this.#drawResetTimeout(breaker);
    return breaker;
  }

  /** A new object for each circuit: opossum keeps the object and changes it. */
  #opossumOptions() {
    return {
      timeout: false as const,
      // opossum opens at rate > threshold, so a threshold of 100 would never open the circuit.
      errorThresholdPercentage: Math.min(this.#options.errorThresholdPercentage, 99.99),
      volumeThreshold: this.#options.volumeThreshold,
      rollingCountTimeout: this.#options.rollingWindow,
      rollingCountBuckets: buckets,
      resetTimeout: this.#options.resetTimeout,
      // In a busy window each of these two costs milliseconds per failure, just when there are many failures.
      enableSnapshots: false,
      rollingPercentilesEnabled: false,
      // We rotate the buckets ourselves when an outcome arrives, so an idle circuit needs no timer.
      rotateBucketController: new EventEmitter(),
    };
  }

  /** Returns a pass for one attempt, or the milliseconds to wait before the circuit may admit another. */
  admit(attempts: number): Pass | number {
    if (this.#breaker?.opened) return Math.max(1, Math.ceil(this.#reopensAt - performance.now()));
    if (!this.#breaker?.halfOpen) return this.#pass(attempts);
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
    this.#rotateByTime();
    if (this.#breaker === undefined && outcome === 'success') {
      this.#successes[0] = (this.#successes[0] ?? 0) + 1;
      return;
    }
    this.#breaker ??= this.#newBreaker();
    if (this.#breaker.halfOpen && !this.#isDecided(outcome)) return;
    this.#breaker.fire(outcome === 'success').catch(() => {});
  }

  /** True once more than half of the trials have had the same outcome as this one. */
  #isDecided(outcome: 'success' | 'failure'): boolean {
    const same = outcome === 'success' ? ++this.#succeeded : ++this.#failed;
    return same > this.#options.trials / 2;
  }

  #trialTotals() {
    return { fires: this.#succeeded + this.#failed, failures: this.#failed };
  }

  /** The last failure that counted. */
  get cause(): FailureCause {
    return this.#cause;
  }

  get state(): 'open' | 'half_open' | 'closed' {
    if (this.#breaker?.opened) return 'open';
    return this.#breaker?.halfOpen ? 'half_open' : 'closed';
  }

  stats(): CircuitStats {
    this.#rotateByTime();
    const successes = this.#successes.reduce((sum, count) => sum + count, 0);
    const { fires, failures } = this.#breaker?.stats ?? { fires: successes, failures: 0 };
    const retryAfter = this.state === 'open' ? Math.max(0, Math.ceil(this.#reopensAt - performance.now())) : undefined;
    const isClosed = this.state === 'closed';
    const openedAt = Date.now() - (performance.now() - this.#openedAt);
    return {
      state: this.state,
      outcomes: fires,
      failures,
      ...(!isClosed && { since: new Date(this.#since).toISOString(), openedAt: new Date(openedAt).toISOString() }),
      ...(retryAfter !== undefined && { retryAfter }),
    };
  }

  /** True where it is not closed, or has a failure in its window: forgotten, it would be another circuit. */
  get failing(): boolean {
    return this.#breaker !== undefined;
  }

  /** Closes it, without an event, and forgets all outcomes; outcomes of attempts in flight do not count any more. */
  forget(): void {
    this.#epoch++;
    this.#trials.clear();
    this.#successes.fill(0);
    this.#breaker?.shutdown();
    this.#breaker = undefined;
  }

  #changeState(breaker: Breaker): void {
    this.#epoch++;
    this.#since = Date.now();
    this.#trials.clear();
    this.#succeeded = 0;
    this.#failed = 0;
    this.#drawResetTimeout(breaker);
  }

  /** Sets the time of the next opening. The jitter keeps the clients of a fleet from sending their trials at once. */
  #drawResetTimeout(breaker: Breaker): void {
    liveOptions(breaker).resetTimeout = this.#options.resetTimeout * (1 - 0.2 * this.#context.random());
  }

  #rotateByTime(): void {
    const width = this.#options.rollingWindow / buckets;
    const steps = Math.floor((performance.now() - this.#rotatedAt) / width);
    if (steps === 0) return;
    this.#rotatedAt += steps * width;
    this.#rotate(Math.min(steps, buckets));
    this.#letGo();
  }

  #rotate(steps: number): void {
    const breaker = this.#breaker;
    for (let i = 0; i < steps; i++) {
      if (breaker !== undefined) liveOptions(breaker).rotateBucketController.emit('rotate');
      else {
        this.#successes.pop();
        this.#successes.unshift(0);
      }
    }
    if (breaker !== undefined) keepNoLatencies(breaker);
  }

  /** Lets go of a breaker that has nothing to tell but successes. */
  #letGo(): void {
    const breaker = this.#breaker;
    if (breaker === undefined || breaker.opened || breaker.halfOpen) return;
    const { window } = breaker.status;
    if (window.some(({ failures }) => failures > 0)) return;
    this.#successes = window.map(({ successes }) => successes);
    breaker.shutdown();
    this.#breaker = undefined;
  }
}

type Breaker = CircuitBreaker<[boolean], void>;

/** The options object that opossum reads at each opening; its types do not expose it. */
function liveOptions(breaker: Breaker): { resetTimeout: number; rotateBucketController: EventEmitter } {
  return (breaker as unknown as { options: ReturnType<typeof liveOptions> }).options;
}

/**
 * A status that sums only the counters in use: opossum sums fourteen over all buckets at every failure and reads two.
 */
function leanStatus(options: CircuitBreaker.Options): CircuitBreaker.Status {
  const status = CircuitBreaker.newStatus(options);
  return Object.defineProperty(status, 'stats', { get: () => totalsOf(status.window) });
}

/** Keeps nothing that is added. */
const unkept: number[] = Object.assign([], { push: () => 0 });

/** opossum keeps a number for each outcome in the window, percentiles or not: megabytes where the window is long. */
function keepNoLatencies({ status }: Breaker): void {
  const [latest] = status.window;
  if (latest !== undefined) latest.latencyTimes = unkept;
}

function totalsOf(window: CircuitBreaker.Window) {
  const totals = { fires: 0, successes: 0, failures: 0, rejects: 0 };
  for (const bucket of window) {
    if (!bucket) continue;
    totals.fires += bucket.fires;
    totals.successes += bucket.successes;
    totals.failures += bucket.failures;
    totals.rejects += bucket.rejects;
  }
  return totals;
}

/**
 * The action that opossum runs: it only reports an outcome. A failure is thrown, so that opossum counts it in the same
 * tick.
 */
function report(success: boolean): Promise<void> {
  if (!success) throw failure;
  return succeeded;
}

/** One shared error: making a new one for each failure would cost more than all of opossum. */
const failure = new Error('failure');
const succeeded = Promise.resolve();

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
