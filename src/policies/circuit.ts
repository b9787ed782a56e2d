/** One destination's circuit: opossum's window, threshold and reset timer. */
import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import { z } from 'zod';
import { assumed, duration, rule } from '../options/options.js';
import type { PolicyContext } from './policy.js';

export const circuitBreakerOptions = z
  .strictObject({
    errorThresholdPercentage: z
      .number()
      .min(1)
      .max(100)
      .default(50)
      .describe('Opens above this share of failures, in percent; 100: where all fail.'),
    volumeThreshold: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20)
      .describe('Never opens on fewer outcomes than this in the window.'),
    rollingWindow: duration({ min: 100 }).prefault('10s').describe('How far back outcomes count.'),
    resetTimeout: duration({ min: 1 })
      .prefault('5s')
      .describe('How long the circuit stays open the first two times; doubles with each further trial that fails.'),
    maxResetTimeout: duration({ min: 1 })
      .optional()
      .meta({ [assumed]: '60s' })
      .describe(
        'The longest the circuit stays open before the next trial; 60s by default, or `resetTimeout` if longer.',
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
/** What a caller is told to wait while a trial is under way. */
const trialRetryAfter = 1000;

/** Taken on admission, handed back with the outcome. */
export interface Pass {
  readonly epoch: number;
  /** Attempts of its call so far. */
  readonly attempts: number;
  readonly lostAt: number;
}

/**
 * opossum is told of outcomes after the fact instead of running the call: so calls in flight do not dilute the error
 * rate, an outcome that counts as nothing never reaches it, and one that began before the last change of state is dropped.
 */
export class Circuit {
  #epoch = 0;
  /** The one request let through while half-open. */
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
    // opossum would find further options on a polluted Object.prototype.
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

  /** A fresh object each time: opossum keeps and changes the one it is given. */
  #opossumOptions() {
    return {
      timeout: false as const,
      // opossum compares with >, by which 100 would never be reached.
      errorThresholdPercentage: Math.min(this.#options.errorThresholdPercentage, 99.99),
      volumeThreshold: this.#options.volumeThreshold,
      rollingCountTimeout: this.#options.rollingWindow,
      rollingCountBuckets: buckets,
      resetTimeout: this.#options.resetTimeout,
      // Both cost milliseconds a failure in a busy window, just when failures come in numbers.
      enableSnapshots: false,
      rollingPercentilesEnabled: false,
      // Buckets are turned by us when an outcome comes, so an idle circuit needs no timer.
      rotateBucketController: this.#rotation,
    };
  }

  /** A pass to send one request, or the milliseconds to wait before asking again. */
  admit(attempts: number): Pass | number {
    if (this.#breaker.opened) return Math.max(1, Math.ceil(this.#reopensAt - performance.now()));
    if (this.#breaker.halfOpen) {
      // A trial that does not end in that time is given up for lost.
      if (this.#trial !== undefined && performance.now() < this.#trial.lostAt) return trialRetryAfter;
      this.#trial = this.#pass(attempts);
      return this.#trial;
    }
    return this.#pass(attempts);
  }

  #pass(attempts: number): Pass {
    return { epoch: this.#epoch, attempts, lostAt: performance.now() + this.#options.maxResetTimeout };
  }

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

  stats() {
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
   * The first failed trial costs no more than the opening did: an upstream that is back may still work off its queue. Each
   * further one doubles it; up to 20 % early, so that a fleet does not come back in one instant.
   */
  #prepareResetTimeout(): void {
    const { resetTimeout, maxResetTimeout } = this.#options;
    const full = Math.min(maxResetTimeout, resetTimeout * 2 ** Math.max(0, this.#failedTrials - 1));
    this.#live.resetTimeout = full * (1 - 0.2 * this.#random());
  }

  #resetTimeout(): number {
    return this.#live.resetTimeout;
  }

  /** opossum reads its reset timeout anew at each opening; its types do not show the object. */
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

/** opossum adds up fourteen counters over all its buckets at every failure, of which two are read. */
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

/** What opossum runs: nothing but the outcome, a failure thrown so that it counts in this very tick. */
function report(success: boolean): Promise<void> {
  if (!success) throw failure;
  return succeeded;
}

/** Always the same: a new error would cost more than all of opossum. */
const failure = new Error('failure');
const succeeded = Promise.resolve();
