/** Bounds how many connections of one origin are dialed at once, by how long the last ones took. */

/**
 * Connections that may be dialed at once in any case. A handshake of mutual TLS takes 1.3 ms of this process and as much
 * of the server's: with a dial for each of 500 calls, the first one is ready only when nearly all are, and those before it
 * could have served most calls. With 4, 8 and 16, and half the patience, the 500 calls took 1.0, 1.3 and 1.5 s in place of
 * 4.9, over 97, 156 and 184 connections; with 4 a far server is reached later.
 */
const least = 8;

/**
 * Milliseconds without any dial that ended, after which twice as many may go on: the last of 500 calls to a far server, or
 * to one that accepts nothing, is dialed 120 ms later than without a bound. With 10 a server whose handshakes took 60 ms,
 * as its processor was busy, was dialed for each call all the same.
 */
const patience = 20;

/**
 * Dials that take longer than twice the time of the fastest one and so many milliseconds wait for a processor, and not for
 * the network: more of them would only delay each other. With 1, connections without TLS were made too slowly.
 */
const slack = 10;

export class DialWindow {
  readonly #widened: () => void;
  #most = least;
  /** Milliseconds that the fastest dial took. */
  #best = Number.POSITIVE_INFINITY;
  /** True where a dial has ended since the timer was set. */
  #moved = false;
  #timer: NodeJS.Timeout | undefined;

  /** `widened` is called each time that requests which wait for the window should try again. */
  constructor(widened: () => void) {
    this.#widened = widened;
  }

  /** True where no further connection may be dialed beside this number. */
  isFull(dialing: number): boolean {
    return dialing >= this.#most;
  }

  /** Called when a dial ends; `took`: the milliseconds until its connection was ready, undefined where it failed. */
  ended(took?: number): void {
    this.#moved = true;
    if (took === undefined) return;
    this.#best = Math.min(this.#best, took);
    const fast = took <= 2 * this.#best + slack;
    this.#most = fast ? this.#most + 1 : Math.max(least, this.#most - 1);
  }

  /** Called when a request has to wait since the window is full. */
  hold(): void {
    if (this.#timer !== undefined) return;
    this.#moved = false;
    // Where the process was blocked, dials that ended meanwhile are heard of after the timer and before the immediate.
    this.#timer = setTimeout(() => setImmediate(() => this.#look()), patience);
  }

  /** Called when no request waits any more. */
  release(): void {
    this.#most = least;
  }

  #look(): void {
    this.#timer = undefined;
    if (!this.#moved) this.#most *= 2;
    this.#widened();
  }
}
