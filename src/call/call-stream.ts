/** A stream that belongs to a call: it speaks in the call's async context, and an error that nobody listens for is nobody's. */
import type { AsyncResource } from 'node:async_hooks';
import { Readable, type ReadableOptions } from 'node:stream';
import { tellLater } from './body.js';

export class CallStream extends Readable {
  /** Of the call: connections are kept, so what the wire calls back runs in the context of an earlier call. */
  protected readonly context: AsyncResource;

  constructor(context: AsyncResource, options?: ReadableOptions) {
    // Node would take a signal that is not an own property, too.
    super({ highWaterMark: 64 * 1024, signal: undefined as never, ...options });
    this.context = context;
  }

  /**
   * Every event goes through here. An `error` without a listener would end the process; Node's own responses drop it too.
   */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'error' && this.listenerCount('error') === 0) {
      tellLater(this, args[0] as Error);
      return false;
    }
    return this.context.runInAsyncScope(emit, this, event, ...args);
  }
}

const { emit } = Readable.prototype;
