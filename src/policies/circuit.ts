/** The circuit of one destination, with opossum's rolling window, threshold and reset timer. */
import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import { z } from 'zod';
import { duration } from '../options/duration.js';
import { assumed, rule } from '../options/options.js';
import type { PolicyContext } from './policy.js';

export const circuitBreakerOptions = z
  .strictObject({
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
        'How long an open circuit rejects attempts before one trial is sent. Default 5s. It stays the same after the first failed trial, then doubles with each further one up to `maxResetTimeout`, less up to 20 % of jitter.',
      ),
    maxResetTimeout: duration({ min: 1 })
      .optional()
      .meta({ [assumed]: '60s' })
      .describe(
        'Upper bound of the growing `resetTimeout`. Default 60s, or `resetTimeout` if that is longer. Lower it if a destination that has recovered should get traffic back sooner.',
      ),
  })
  .refine(
    ({ resetTimeout, maxResetTimeout = resetTimeout }) => maxResetTimeout >= resetTimeout,
    rule(['resetTimeout', 'maxResetTimeout'], ['maxResetTimeout'], 'must not be shorter than resetTimeout'),
  )
  .transform(({ maxResetTimeout, ...rest }) => ({
    ...rest,
    maxResetTimeout: maxResetTimeout ?? Math.max(60_000, rest.resetTimeout),
  }));

export type CircuitOptions = z.output<typeof circuitBreakerOptions>;

const buckets = 10;
/** `retryAfter`, in milliseconds, of attempts that are rejected while a trial is in flight. */
const trialRetryAfter = 1000;

/** Permission for one attempt: `admit` issues it, and `settle` takes it back with the outcome. */
export interface Pass {
  readonly epoch: number;
  /** Attempts of the call before this one. */
  readonly attempts: number;
  /** `performance.now()` after which a trial without an outcome no longer blocks the next one. */
  readonly lostAt: number;
}

/**
 * A circuit that reports outcomes to opossum after the fact instead of letting opossum run the call. So calls in flight
 * do not dilute the error rate, an outcome that counts as neither success nor failure never reaches opossum, and the
 * outcome of an attempt that began before the last change of state is dropped.
 */
export class Circuit {
  #epoch = 0;
  /** The single attempt that is in flight while the circuit is half-open. */
  #trial: Pass | undefined;
  #failedTrials = 0;
  #reopensAt = 0;
  #rotatedAt = performance.now();
  readonly #rotation = new EventEmitter();
  readonly #breaker: CircuitBreaker<[boolean], void>;
  readonly #options: CircuitOptions;
  readonly #random: () => number;

  constructor(destination: string, options: CircuitOptions, { client, events, random }: PolicyContext) {
    this.#options = options;
    this.#random = random;
    const opossum = this.#opossumOptions();
    // No prototype: opossum would read further options from a polluted Object.prototype.
    const own = Object.assign(Object.create(null), opossum, { status: leanStatus(opossum) });
    this.#breaker = new CircuitBreaker(report, own);
    this.#breaker.on('open', () => {
      this.#changeState();
      this.#reopensAt = performance.now() + this.#resetTimeout();
      this.#failedTrials++;
      events.emit('circuit.opened', { client, destination, retryAfter: this.#resetTimeout() });
    });
    this.#breaker.on('halfOpen', () => {
      this.#changeState();
      events.emit('circuit.half_opened', { client, destination });
    });
    this.#breaker.on('close', () => {
      this.#changeState();
      this.#failedTrials = 0;
      this.#rotate(buckets);
      events.emit('circuit.closed', { client, destination });
    });
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
      rotateBucketController: this.#rotation,
    };
  }

  /** Returns a pass for one attempt, or the milliseconds to wait before the circuit may admit another. */
  admit(attempts: number): Pass | number {
    if (this.#breaker.opened) return Math.max(1, Math.ceil(this.#reopensAt - performance.now()));
    if (this.#breaker.halfOpen) {
      // A trial that has not ended by `lostAt` counts as lost, so that the circuit cannot stay half-open for ever.
      if (this.#trial !== undefined && performance.now() < this.#trial.lostAt) return trialRetryAfter;
      this.#trial = this.#pass(attempts);
      return this.#trial;
    }
    return this.#pass(attempts);
  }

  #pass(attempts: number): Pass {
    return { epoch: this.#epoch, attempts, lostAt: performance.now() + this.#options.maxResetTimeout };
  }

  /** Records the outcome of an admitted attempt; ignored if the circuit has changed its state since. */
  settle(pass: Pass, outcome: 'success' | 'failure' | 'nothing'): void {
    if (pass.epoch !== this.#epoch) return;
    if (outcome === 'nothing') {
      if (this.#trial === pass) this.#trial = undefined;
      return;
    }
    this.#rotateByTime();
    this.#prepareResetTimeout();
    this.#breaker.fire(outcome === 'success').catch(() => {});
  }

  get state(): 'open' | 'half_open' | 'closed' {
    if (this.#breaker.opened) return 'open';
    return this.#breaker.halfOpen ? 'half_open' : 'closed';
  }

  stats(): CircuitStats {
    this.#rotateByTime();
    const { fires, failures } = this.#breaker.stats;
    const retryAfter = this.state === 'open' ? Math.max(0, Math.ceil(this.#reopensAt - performance.now())) : undefined;
    return { state: this.state, outcomes: fires, failures, ...(retryAfter !== undefined && { retryAfter }) };
  }

  close(): void {
    this.#breaker.shutdown();
  }

  #changeState(): void {
    this.#epoch++;
    this.#trial = undefined;
  }

  /**
   * Sets how long the circuit stays open if this outcome opens it. The first failed trial does not lengthen the time,
   * because a recovered upstream may still be working off its queue; each further failed trial doubles it. Up to 20 %
   * of jitter is subtracted, so that a fleet of clients does not retry in the same instant.
   */
  #prepareResetTimeout(): void {
    const { resetTimeout, maxResetTimeout } = this.#options;
    const full = Math.min(maxResetTimeout, resetTimeout * 2 ** Math.max(0, this.#failedTrials - 1));
    this.#live.resetTimeout = full * (1 - 0.2 * this.#random());
  }

  #resetTimeout(): number {
    return this.#live.resetTimeout;
  }

  /** The options object that opossum reads at each opening; its types do not expose it. */
  get #live(): { resetTimeout: number } {
    return (this.#breaker as unknown as { options: { resetTimeout: number } }).options;
  }

  #rotateByTime(): void {
    const width = this.#options.rollingWindow / buckets;
    const steps = Math.floor((performance.now() - this.#rotatedAt) / width);
    this.#rotatedAt += steps * width;
    this.#rotate(Math.min(steps, buckets));
  }

  #rotate(steps: number): void {
    for (let i = 0; i < steps; i++) this.#rotation.emit('rotate');
  }
}

/**
 * A status that sums only the counters in use: opossum sums fourteen over all buckets at every failure and reads two.
 */
function leanStatus(options: CircuitBreaker.Options): CircuitBreaker.Status {
  const status = CircuitBreaker.newStatus(options);
  return Object.defineProperty(status, 'stats', { get: () => totalsOf(status.window) });
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
  /** Milliseconds until a trial is let through; only while it is open. */
  readonly retryAfter?: number;
}
