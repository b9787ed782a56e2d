/** A streamed request body that is kept while it is sent, so that it can be sent again as long as it is short. */
import { processWide } from './process-wide.js';

/** Most bytes that are kept, as the buffer limit of a connection in Envoy. */
export const heldBytes = 1024 * 1024;

const bodies = processWide('held bodies', () => new WeakSet<object>());

/** True for a `HeldBody`, also one of another copy of this library. */
export function isHeld(body: unknown): body is HeldBody {
  return typeof body === 'object' && body !== null && bodies.has(body);
}

/**
 * A body that each attempt reads from its beginning, while its source is read once and piece by piece. Beyond `heldBytes`
 * nothing is kept any more, and the body cannot be sent again.
 */
export class HeldBody implements AsyncIterable<Buffer> {
  readonly #source: AsyncIterator<unknown>;
  readonly #release: () => void;
  /** Pieces that are kept; before them `#dropped` ones were. */
  readonly #pieces: Buffer[] = [];
  #dropped = 0;
  #size = 0;
  #ended = false;
  #error: Error | undefined;
  #reading: Promise<void> | undefined;
  #readers = 0;
  #isLast = false;

  /** `release` is called where the source will not be read to its end. */
  constructor(source: AsyncIterable<unknown>, release: () => void) {
    bodies.add(this);
    this.#source = source[Symbol.asyncIterator]();
    this.#release = release;
  }

  /** True while it can be sent from its beginning. */
  get isReplayable(): boolean {
    return this.#size <= heldBytes && this.#error === undefined;
  }

  /** True once all of it is here: it can be sent several times at once. */
  get isComplete(): boolean {
    return this.#ended && this.isReplayable;
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    let at = 0;
    let open = true;
    this.#readers++;
    const finish = (): IteratorResult<Buffer> => {
      if (open) this.#readers--;
      open = false;
      this.#releaseUnread();
      return { done: true, value: undefined };
    };
    const next = async (): Promise<IteratorResult<Buffer>> => {
      while (open) {
        if (at < this.#dropped) throw new Error('The body was not kept, because it is longer than 1 MiB.');
        const piece = this.#pieces[at - this.#dropped];
        if (piece !== undefined) {
          at++;
          if (!this.isReplayable) this.#dropBefore(at);
          return { done: false, value: piece };
        }
        if (this.#error !== undefined) throw this.#error;
        if (this.#ended) break;
        // Two attempts may wait for the same piece: one that has timed out, and the next.
        this.#reading ??= this.#read();
        await this.#reading;
      }
      return finish();
    };
    return { next, return: async () => finish() };
  }

  /** No attempt follows: the source is released once the present one no longer reads it. */
  expectNoAttempt(): void {
    this.#isLast = true;
    this.#releaseUnread();
  }

  #releaseUnread(): void {
    if (this.#isLast && this.#readers === 0 && !this.#ended) this.destroy();
  }

  #dropBefore(at: number): void {
    this.#pieces.splice(0, at - this.#dropped);
    this.#dropped = at;
  }

  async #read(): Promise<void> {
    try {
      const { done, value } = await this.#source.next();
      if (done) this.#ended = true;
      else this.#keep(Buffer.isBuffer(value) ? value : Buffer.from(value as Uint8Array));
    } catch (error) {
      this.#error ??= error as Error;
    } finally {
      this.#reading = undefined;
    }
  }

  #keep(piece: Buffer): void {
    this.#size += piece.length;
    this.#pieces.push(piece);
  }

  /** Ends it: its source is released unless it has been read to its end, and whoever reads it gets an error. */
  destroy(error = new Error('The request body was destroyed.')): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    if (!this.#ended) this.#release();
  }
}
