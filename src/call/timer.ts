/** A timer that does not blame others for the time in which this process did not run. */

/** setTimeout fires at once above this. */
export const maxTimer = 2 ** 31 - 1;

/** Milliseconds that a timer may be late by the usual business of the event loop. */
const usuallyLate = 50;
/** The longest a late timer waits for input that lies in the sockets. */
const longestGrace = 1000;
/** A time limit that was exceeded by more than this share of it, while nothing ran, is no verdict on the other side. */
const stalledShare = 0.25;

/** What a timer calls when its time is over. */
export interface TimerOwner {
  /** `stalled`: this process stood still for much of that time. */
  expire(stalled: boolean): void;
}

/**
 * Calls back after `ms`, with true where this process stood still for much of the time. Where it fires late, the event loop was blocked (by
 * garbage collection, a synchronous job, a stopped process), and what has arrived meanwhile is still in the sockets: timers come
 * before input in a turn of the event loop. So that is let in first, for as long as the timer was late, a second at most.
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

  /** Does not keep the process alive by itself. */
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

/** One function for all timers. */
function fire(timer: Timer): void {
  timer.fire();
}
