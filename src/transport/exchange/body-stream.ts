/** A response body as a stream for its caller: decoded, and with back-pressure down to the connection. */
import type { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { bodyReceived, onStreamEnd } from '../../call/body.js';
import { CallStream } from '../../call/call-stream.js';
import { Queue, type QueuePlace } from '../../call/queue.js';
import { type ByteSink, type Coding, Decoder } from './decompress.js';
import { type AnswerFacts, noteTrailers, withFacts } from './stream-facts.js';

/** Controls the wire below a body. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** Aborts the rest of the body and closes the connection: the rest cannot be skipped. */
  abort(reason: Error): void;
}

/** The terms under which a body is read. */
export interface BodyOptions {
  readonly context: AsyncResource;
  /** In the order in which they were applied. */
  readonly codings: readonly Coding[];
  /** Bytes that the decoded body may have, and the error for a larger one. */
  readonly limit?: { readonly bytes: number; readonly exceeded: () => Error } | undefined;
  /** The error that the caller receives where the body cannot be read to its end. */
  readonly unreadable: (cause: Error) => Error;
  /** The answer that the body belongs to. */
  readonly facts: AnswerFacts;
}

/** Milliseconds that a body which is not being read may block its connection. */
const unreadTimeout = 60_000;

/**
 * Bodies that are being read. The wire itself holds a body weakly, so that one which its caller dropped is collected
 * and its connection closed.
 */
const reading = new Queue<BodyStream>();

export class BodyStream extends CallStream {
  readonly #source: BodySource;
  readonly #options: BodyOptions;
  readonly #decoder: Decoder | undefined;
  #left: number;
  /** True once the wire has delivered everything. */
  #arrived = false;
  /** True once the decoder has delivered everything. */
  #decoded: boolean;
  #read = false;
  #unread: NodeJS.Timeout | undefined;
  #place: QueuePlace<BodyStream> | undefined;

  constructor(source: BodySource, options: BodyOptions) {
    super(options.context);
    this.#source = source;
    this.#options = options;
    this.#left = options.limit?.bytes ?? Number.POSITIVE_INFINITY;
    this.#decoded = options.codings.length === 0;
    if (this.#decoded) return;
    const plain: ByteSink = {
      write: (chunk) => this.#put(chunk),
      end: () => this.#finishDecoded(),
      fail: (cause) => this.destroy(options.unreadable(cause)),
    };
    this.#decoder = new Decoder(options.codings, plain, () => source.resume());
  }

  get facts(): AnswerFacts {
    return this.#options.facts;
  }

  /** As with Node's own answers: true once the last byte has arrived, read or not. */
  get complete(): boolean {
    return this.#arrived;
  }

  /** Takes a piece as it came over the wire. */
  receive(chunk: Buffer): void {
    if (this.destroyed) return;
    const more = this.#decoder === undefined ? this.#put(chunk) : this.#decoder.write(chunk);
    if (!more) this.#source.pause();
  }

  /** Called when the last byte has arrived. */
  finish(trailers: Record<string, unknown>): void {
    if (this.destroyed || this.#arrived) return;
    noteTrailers(this.#options.facts, trailers);
    this.#arrived = true;
    this.#leave();
    if (this.#decoded) this.push(null);
    else this.#decoder?.end();
  }

  #put(chunk: Buffer): boolean {
    this.#left -= chunk.length;
    if (this.#left < 0) {
      this.destroy(this.#options.limit?.exceeded());
      return true;
    }
    const more = this.push(chunk);
    if (!more && !this.#read && !this.#arrived) this.#expectReader();
    return more;
  }

  #finishDecoded(): void {
    this.#decoded = true;
    if (this.#arrived) this.push(null);
  }

  /**
   * Limits the time until the body is read: a caller that looks at the status and throws drops the body, which would
   * block its connection for ever.
   */
  #expectReader(): void {
    this.#unread ??= BodyStream.#timer(new WeakRef(this));
  }

  static #timer(body: WeakRef<BodyStream>): NodeJS.Timeout {
    return setTimeout(() => BodyStream.#giveUp(body.deref()), unreadTimeout).unref();
  }

  static #giveUp(body: BodyStream | undefined): void {
    body?.destroy(body.#options.unreadable(new Error(`The response body was not read for ${unreadTimeout} ms.`)));
  }

  override on(event: string | symbol, listener: (...args: never[]) => void): this {
    if (event === 'data' || event === 'readable' || event === 'end') this.#claim();
    return super.on(event, listener as (...args: unknown[]) => void);
  }

  /** Node itself calls `read(0)` to fill the buffer; a reader asks for more. */
  override read(size?: number): unknown {
    if (size !== 0) this.#claim();
    return super.read(size);
  }

  #claim(): void {
    if (this.#read) return;
    this.#read = true;
    clearTimeout(this.#unread);
    if (!this.#arrived && !this.destroyed) this.#place ??= reading.add(this);
  }

  override _read(): void {
    if (this.#decoder === undefined) this.#source.resume();
    else this.#decoder.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#decoder?.fail();
    if (!this.#arrived) this.#source.abort(error ?? new Error('The response body was destroyed.'));
    this.#leave();
    callback(error);
  }

  #leave(): void {
    clearTimeout(this.#unread);
    reading.remove(this.#place);
    bodyReceived(this);
  }
}

withFacts(BodyStream.prototype);

/**
 * A body that comes from another wire, under the same rules. `cut` returns an error where the body has ended but is not
 * complete.
 */
export function adopted(body: Readable, options: BodyOptions, cut: () => Error | undefined): BodyStream {
  const stream = new BodyStream(
    { pause: () => body.pause(), resume: () => body.resume(), abort: (reason) => body.destroy(reason) },
    options,
  );
  feed(new WeakRef(stream), body, options, cut);
  onStreamEnd(stream, () => body.readableEnded || body.destroy());
  return stream;
}

function brokenOff(): Error {
  return Object.assign(new Error('The connection closed before the end of the response body.'), { code: 'ECONNRESET' });
}

function feed(
  stream: WeakRef<BodyStream>,
  body: Readable,
  { unreadable }: BodyOptions,
  cut: () => Error | undefined,
): void {
  body.on('data', (chunk) => stream.deref()?.receive(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)));
  body.on('end', () => {
    const error = cut();
    if (error === undefined) stream.deref()?.finish((body as Partial<IncomingMessage>).trailers ?? {});
    else stream.deref()?.destroy(unreadable(error));
  });
  body.on('error', (error) => stream.deref()?.destroy(unreadable(error)));
  body.on('close', () => body.readableEnded || stream.deref()?.destroy(unreadable(brokenOff())));
}
