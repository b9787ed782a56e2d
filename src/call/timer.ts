/** A timer for time limits that makes allowance for the time in which this process itself was blocked. */

/** The longest delay in milliseconds; above it setTimeout fires at once. */
export const maxTimer = 2 ** 31 - 1;

/** Milliseconds that a timer may be late in a normally busy event loop. */
const usuallyLate = 50;
/** The longest time, in milliseconds, that a late timer waits for input that has already arrived in the sockets. */
const longestGrace = 1000;
/**
 * A time limit that was exceeded by more than this share of it, because the process was blocked, says nothing about the
 * other side.
 */
const stalledShare = 0.25;

/** The owner of a timer, which is called when its time is over. */
export interface TimerOwner {
  /** `stalled`: this process was blocked for much of that time. */
  expire(stalled: boolean): void;
}

/**
 * Calls `expire` after `ms` milliseconds. A timer that fires late shows that the event loop was blocked (by garbage
 * collection, a synchronous job, a stopped process). Input that arrived meanwhile is still in the sockets, since timers
 * come before input in a turn of the event loop. So a late timer first waits for that input, for as long as it was
 * late, a second at most.
 */
export class Timer {
  readonly #owner: TimerOwner;
  readonly #ms: number;
  readonly #startedAt = performance.now();
  #handle: NodeJS.Timeout;
  #held = true;

  constructor(ms: number, owner: TimerOwner) {
    this.#owner = owner;
    this.#ms = Math.min(ms, maxTimer);
    this.#handle = setTimeout(fire, this.#ms, this);
  }

  clear(): void {
    clearTimeout(this.#handle);
  }

  /** Lets the process exit while the timer is running. */
  unref(): void {
    this.#held = false;
    this.#handle.unref();
  }

  fire(): void {
    const late = performance.now() - this.#startedAt - this.#ms;
    if (late <= usuallyLate) {
      this.#owner.expire(false);
      return;
    }
    const stalled = late > this.#ms * stalledShare;
    this.#handle = setTimeout(() => this.#owner.expire(stalled), Math.min(late, longestGrace));
    if (!this.#held) this.#handle.unref();
  }
}

/** One function for all timers saves a closure for each. */
function fire(timer: Timer): void {
  timer.fire();
}
