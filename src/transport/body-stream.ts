/** A response body as a Node stream, with back-pressure down to the socket. */
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

export class BodyStream extends Readable {
  readonly #controller: Dispatcher.DispatchController;

  constructor(controller: Dispatcher.DispatchController) {
    super({ highWaterMark: 64 * 1024 });
    this.#controller = controller;
  }

  override _read(): void {
    this.#controller.resume();
  }

  /** A body given up before its end takes its socket along: what is still to come cannot be skipped. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.readableEnded) this.#controller.abort(error ?? new Error('The response body was destroyed.'));
    callback(error);
  }
}
