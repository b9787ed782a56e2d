/** Bounds the log lines of a client in each second: the first ones are written at once, the rest is counted and told at its end. */

/** Lines that are written at once in each second. */
const maxLines = 20;
const secondMs = 1000;

/** Makes a line that stands for `count` occurrences, and writes it. */
export type WriteLine = (count: number) => void;

interface Rest {
  count: number;
  readonly write: WriteLine;
}

export class LineLimit {
  /** `performance.now()` at the end of the current second. */
  #until = 0;
  #lines = 0;
  /** Keys that have had a line in the current second. */
  #told = new Set<string>();
  #rest = new Map<string, Rest>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * Writes a line at once, or counts it. The first of a second with this `key` is written at once, further ones are counted
   * and told in one line; without a key each is written at once. Beyond `maxLines` a second all are counted under `rest`.
   * `make` returns what writes the line: of its own key, or one that stands for several keys.
   */
  add(key: string | undefined, rest: string, make: (isOwn: boolean) => WriteLine): void {
    const now = performance.now();
    // A timer that is late must not lengthen the second.
    if (now >= this.#until) this.#begin(now);
    const isKnown = key !== undefined && this.#told.has(key);
    if (!isKnown && this.#lines < maxLines) {
      this.#lines++;
      if (key !== undefined) this.#told.add(key);
      make(true)(1);
      return;
    }
    const name = isKnown ? key : rest;
    const counted = this.#rest.get(name);
    if (counted !== undefined) {
      counted.count++;
      return;
    }
    this.#rest.set(name, { count: 1, write: make(isKnown) });
    if (this.#timer !== undefined) return;
    // Nothing is kept alive for it: where the process ends before, the lines are written on its exit.
    this.#timer = setTimeout(() => this.#begin(performance.now()), this.#until - now).unref();
    writeAtExit(this);
  }

  /** Writes the lines of what was counted. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    notAtExit(this);
    const rest = this.#rest;
    this.#rest = new Map();
    for (const { count, write } of rest.values()) write(count);
  }

  /** Begins a second: what was counted in the last one has its lines now, and is counted again. */
  #begin(now: number): void {
    this.#told = new Set(this.#rest.keys());
    this.#lines = this.#told.size;
    this.#until = now + secondMs;
    this.flush();
  }
}

/** Those with something to write; while there are some, the process has one listener for its exit. */
const pending = new Set<LineLimit>();

function writeAll(): void {
  for (const each of pending) each.flush();
}

function writeAtExit(limit: LineLimit): void {
  if (pending.size === 0) process.on('exit', writeAll);
  pending.add(limit);
}

function notAtExit(limit: LineLimit): void {
  if (pending.delete(limit) && pending.size === 0) process.off('exit', writeAll);
}
