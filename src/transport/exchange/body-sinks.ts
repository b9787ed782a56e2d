/** What an exchange does with the body of its answer: gathers it, streams it, or discards that of a redirect. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Activity } from '../../call/activity.js';
import type { H2Exchange } from '../pool/h2-exchange.js';
import { type BodyOptions, BodyStream } from './body-stream.js';

/** Receives a body as it comes over the wire. */
export interface BodySink {
  receive(chunk: Buffer): void;
  /** The last byte has arrived, and the trailers behind it. */
  finish(trailers: Record<string, unknown>): void;
  /** The body broke off, or the exchange was aborted. */
  fail(error: Error): void;
}

/** Gathers a body until it is complete. */
export class GatheredBody implements BodySink {
  readonly #chunks: Buffer[] = [];
  readonly #complete: (body: Buffer) => void;

  constructor(complete: (body: Buffer) => void) {
    this.#complete = complete;
  }

  receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  finish(): void {
    const [only] = this.#chunks;
    this.#complete(this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks));
  }

  fail(): void {}
}

/** Tells the connection when a body that waited for its reader and was then dropped has been collected. */
const dropped = new FinalizationRegistry<H2Exchange>((exchange) => exchange.taken());

/** Hands a body to its caller while it arrives, with back-pressure down to the connection. */
export class StreamedBody implements BodySink {
  /** Held weakly from the next tick on; most bodies have arrived by then, and a weak reference is costly. */
  #stream: BodyStream | WeakRef<BodyStream> | undefined;
  readonly #activity: Activity | undefined;
  readonly #controller: Dispatcher.DispatchController;

  /** `made` is given the stream, which is held weakly later: a body that its caller dropped can be collected. */
  constructor(
    controller: Dispatcher.DispatchController,
    heldBack: () => boolean,
    activity: Activity | undefined,
    options: BodyOptions,
    made: (stream: Readable) => void,
  ) {
    let paused = false;
    const source = {
      pause: () => {
        if (!heldBack()) return;
        paused = true;
        activity?.hold('answer');
        controller.pause();
      },
      resume: () => {
        // Not at once: a reader may ask for more while undici parses data of another call, and it cannot do both.
        if (paused) process.nextTick(() => controller.resume());
        if (paused) activity?.moved('answer');
        paused = false;
      },
      abort: (reason: Error) => controller.abort(reason),
    };
    const stream = new BodyStream(source, options);
    this.#stream = stream;
    this.#activity = activity;
    this.#controller = controller;
    made(stream);
    process.nextTick(StreamedBody.#weaken, this);
  }

  static #weaken(body: StreamedBody): void {
    if (body.#stream instanceof BodyStream) body.#stream = new WeakRef(body.#stream);
  }

  get #present(): BodyStream | undefined {
    return this.#stream instanceof WeakRef ? this.#stream.deref() : this.#stream;
  }

  receive(chunk: Buffer): void {
    this.#present?.receive(chunk);
  }

  finish(trailers: Record<string, unknown>): void {
    // The rest is up to the reader.
    this.#activity?.hold('answer');
    const stream = this.#present;
    stream?.finish(trailers);
    this.#stream = undefined;
    if ((this.#controller as Partial<H2Exchange>).waiting) whenRead(stream, this.#controller as H2Exchange);
  }

  fail(error: Error): void {
    this.#present?.destroy(error);
  }
}

/** The connection counts what waits for a reader until it is read, though nothing is left to be received. */
function whenRead(stream: BodyStream | undefined, exchange: H2Exchange): void {
  if (stream === undefined || stream.destroyed) {
    exchange.taken();
    return;
  }
  stream.once('close', () => exchange.taken());
  dropped.register(stream, exchange);
}

/** Limits on the body of a redirect: it is read so that the connection can be used again, but not for long. */
const redirectBody = { maxBytes: 64 * 1024, maxMs: 1000 };

/** Discards the body of a redirect. */
export class DiscardedBody implements BodySink {
  readonly #controller: Dispatcher.DispatchController;
  readonly #timer: NodeJS.Timeout;
  #size = 0;

  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller;
    const tooLong = () => controller.abort(new Error('The body of a redirect took too long.'));
    this.#timer = setTimeout(tooLong, redirectBody.maxMs).unref();
  }

  receive(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > redirectBody.maxBytes)
      this.#controller.abort(new Error('The body of a redirect is too long to be skipped.'));
  }

  finish(): void {
    clearTimeout(this.#timer);
  }

  fail(): void {
    clearTimeout(this.#timer);
  }
}
