/** Bounds how many connections of one origin are dialed at once, by how long the last ones took. */

/** Connections that are dialed at once, however long that takes. */
const least = 8;

/** Milliseconds without a connection that became ready, after which twice as many may be dialed. */
const patience = 10;

/** A connection took long that took more than twice the time of the fastest one, and so many milliseconds. */
const slack = 1;

export class DialWindow {
  readonly #widened: () => void;
  #most = least;
  /** Milliseconds that the fastest connection took. */
  #best = Number.POSITIVE_INFINITY;
  /** True where a connection has become ready, or could not be made, since the timer was set. */
  #moved = false;
  #timer: NodeJS.Timeout | undefined;

  /** `widened` is called when more connections may be dialed, though none of those before has become ready. */
  constructor(widened: () => void) {
    this.#widened = widened;
  }

  isFull(dialing: number): boolean {
    return dialing >= this.#most;
  }

  /** A connection is no longer dialed; `took`: the milliseconds until it was ready, undefined where it never was. */
  ended(took?: number): void {
    this.#moved = true;
    if (took === undefined) return;
    this.#best = Math.min(this.#best, took);
    if (took <= 2 * this.#best + slack) this.#most++;
    else this.#most = Math.max(least, this.#most - 1);
  }

  /** Called when a request has to wait since the window is full. */
  hold(): void {
    // Connections that became ready while the process was blocked are seen before the immediate.
    this.#timer ??= setTimeout(() => setImmediate(() => this.#look()), patience);
  }

  /** Called when no request waits any more: the next burst begins anew. */
  release(): void {
    if (this.#most === least) return;
    this.#most = least;
  }

  #look(): void {
    this.#timer = undefined;
    if (!this.#moved) this.#most *= 2;
    this.#moved = false;
    this.#widened();
  }
}
