/** The retry budget: how much load the retries of all calls of one client may add to the upstream. */
import { RollingCounts } from '../rolling-counts.js';

export interface BudgetOptions {
  /** Retries allowed for each call made within the window. */
  readonly ratio: number;
  /** Retries allowed each second regardless of traffic, so that a quiet client can retry at all. */
  readonly minPerSecond: number;
}

/** How many retries may wait or run at once: a number, or a share of the attempts in flight. */
export type MaxConcurrentRetries = number | { readonly ratio: number; readonly min: number };

const windowSeconds = 10;

/** Compares the calls and retries of the last ten seconds. */
export class RetryBudget {
  readonly #options: BudgetOptions | false;
  readonly #maxConcurrent: MaxConcurrentRetries;
  readonly #window = new RollingCounts(windowSeconds * 1000, ['calls', 'retries']);
  #active = 0;
  /** Attempts in flight, those that wait in a queue included. */
  #running = 0;

  /** `options: false` leaves only the cap on concurrent retries. */
  constructor(options: BudgetOptions | false, maxConcurrent: MaxConcurrentRetries) {
    this.#options = options;
    this.#maxConcurrent = maxConcurrent;
  }

  /** Counts a new call, which adds `ratio` retries to the allowance. */
  deposit(): void {
    this.#window.add('calls');
  }

  /** Counts an attempt in flight until `ended`, which comes after the decision on its retry. */
  begun(): void {
    this.#running++;
  }

  ended(): void {
    this.#running--;
  }

  /** Takes one retry, held until `release`; otherwise returns the limit that refused it. */
  acquire(): 'granted' | 'budget' | 'concurrency' {
    if (this.#active >= this.#mostActive()) return 'concurrency';
    if (!this.hasRoom()) return 'budget';
    this.#window.add('retries');
    this.#active++;
    return 'granted';
  }

  /** True where the window allows one more retry; the cap on concurrent retries is not checked. */
  hasRoom(): boolean {
    return this.#options === false || this.#window.total('retries') + 1 <= this.#allowance(this.#options);
  }

  release(): void {
    this.#active--;
  }

  stats(): RetryStats {
    const retries = this.#window.total('retries');
    const remaining =
      this.#options === false ? null : Math.max(0, Math.floor(this.#allowance(this.#options) - retries));
    return { calls: this.#window.total('calls'), retries, active: this.#active, remaining };
  }

  #mostActive(): number {
    const most = this.#maxConcurrent;
    return typeof most === 'number' ? most : Math.max(most.min, Math.floor(most.ratio * this.#running));
  }

  #allowance({ ratio, minPerSecond }: BudgetOptions): number {
    return ratio * this.#window.total('calls') + minPerSecond * windowSeconds;
  }
}

/** What the budget of a client has seen in the last ten seconds. */
export interface RetryStats {
  readonly calls: number;
  readonly retries: number;
  /** Retries and hedges that wait or run now. */
  readonly active: number;
  /** Retries that are left; null without a budget. */
  readonly remaining: number | null;
}
