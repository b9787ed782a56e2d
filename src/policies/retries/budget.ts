/** The retry budget: how much load the retries of all calls of one client may add to the upstream. */

export interface BudgetOptions {
  /** Retries allowed for each call made within the window. */
  readonly ratio: number;
  /** Retries allowed each second regardless of traffic, so that a quiet client can retry at all. */
  readonly minPerSecond: number;
}

/** How many retries may wait or run at once: a number, or a share of the attempts in flight. */
export type MaxConcurrentRetries = number | { readonly ratio: number; readonly min: number };

const windowSeconds = 10;

/** Counts the calls and retries of the last ten seconds in one-second buckets, without timers. */
export class RetryBudget {
  readonly #options: BudgetOptions | false;
  readonly #maxConcurrent: MaxConcurrentRetries;
  readonly #calls = new Array<number>(windowSeconds).fill(0);
  readonly #retries = new Array<number>(windowSeconds).fill(0);
  #second = 0;
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
    const slot = this.#slot();
    this.#calls[slot] = (this.#calls[slot] ?? 0) + 1;
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
    const slot = this.#slot();
    this.#retries[slot] = (this.#retries[slot] ?? 0) + 1;
    this.#active++;
    return 'granted';
  }

  /** True where the window allows one more retry; the cap on concurrent retries is not checked. */
  hasRoom(): boolean {
    this.#slot();
    return this.#options === false || sum(this.#retries) + 1 <= this.#allowance(this.#options);
  }

  release(): void {
    this.#active--;
  }

  stats(): RetryStats {
    this.#slot();
    const retries = sum(this.#retries);
    const remaining =
      this.#options === false ? null : Math.max(0, Math.floor(this.#allowance(this.#options) - retries));
    return { calls: sum(this.#calls), retries, active: this.#active, remaining };
  }

  #mostActive(): number {
    const most = this.#maxConcurrent;
    return typeof most === 'number' ? most : Math.max(most.min, Math.floor(most.ratio * this.#running));
  }

  #allowance({ ratio, minPerSecond }: BudgetOptions): number {
    return ratio * sum(this.#calls) + minPerSecond * windowSeconds;
  }

  /** Empties the buckets of the seconds that have passed and returns the index of the current one. */
  #slot(): number {
    const now = Math.floor(performance.now() / 1000);
    const gone = Math.min(now - this.#second, windowSeconds);
    for (let i = 0; i < gone; i++) {
      this.#calls[(now - i) % windowSeconds] = 0;
      this.#retries[(now - i) % windowSeconds] = 0;
    }
    this.#second = now;
    return now % windowSeconds;
  }
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
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
