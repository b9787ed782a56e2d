/**
 * A stream that belongs to a call: it emits in the call's async context, and an error without a listener does not end
 * the process.
 */
import type { AsyncResource } from 'node:async_hooks';
import { Readable, type ReadableOptions } from 'node:stream';
import { tellLater } from './body.js';

export class CallStream extends Readable {
  /**
   * The context of the call. Connections are kept alive, so the wire's callbacks run in the context of an earlier call.
   */
  protected readonly context: AsyncResource;

  constructor(context: AsyncResource, options?: ReadableOptions) {
    // Node would also read a `signal` that is inherited from a polluted `Object.prototype`.
    super({ highWaterMark: 64 * 1024, signal: undefined as never, ...options });
    this.context = context;
  }

  /**
   * Emits each event in the context of the call. An `error` without a listener would end the process, so it waits for a
   * listener that is added later; Node's own responses do not emit it either.
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
