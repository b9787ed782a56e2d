/** A request body as a stream for a connection; the caller's code that produces it runs in the context of its call. */
import type { AsyncResource } from 'node:async_hooks';
import { CallStream } from '../../call/call-stream.js';
import type { Pieces } from './body-source.js';

export class RequestBody extends CallStream {
  readonly #next: () => Promise<Buffer | undefined>;
  readonly #closed: () => void;
  #asking = false;

  /**
   * `next` returns the next piece, undefined after the last; `closed` is called once, when no more pieces will be read.
   */
  constructor(context: AsyncResource, next: () => Promise<Buffer | undefined>, closed: () => void) {
    super(context);
    this.#next = next;
    this.#closed = closed;
  }

  override _read(): void {
    if (this.#asking) return;
    this.#asking = true;
    this.context.runInAsyncScope(this.#ask, this);
  }

  async #ask(): Promise<void> {
    try {
      const piece = await this.#next();
      this.#asking = false;
      if (!this.destroyed) this.push(piece ?? null);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.context.runInAsyncScope(this.#closed);
    callback(error);
  }
}

/** The pieces of a source as a stream, for a wire that takes only streams. */
export function readableOf(pieces: Pieces, context: AsyncResource): RequestBody {
  const next = async () => {
    const { done, value } = await pieces.next();
    return done ? undefined : Buffer.from(value as Uint8Array);
  };
  return new RequestBody(context, next, () => pieces.close());
}
