/** A response body as its caller reads it: decoded, and with back-pressure down to the connection. */
import type { AsyncResource } from 'node:async_hooks';
import type { Readable } from 'node:stream';
import { bodyReceived } from '../body.js';
import { CallStream } from './call-stream.js';
import { type Coding, Decoder, type Sink } from './decompress.js';

/** The wire below a body. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** Gives up what is still to come, and with it the connection: it cannot be skipped. */
  abort(reason: Error): void;
}

/** How a body is read. */
export interface BodyOptions {
  readonly context: AsyncResource;
  /** In the order in which they were applied. */
  readonly codings: readonly Coding[];
  /** Bytes after decoding, and what is said of more. */
  readonly limit?: { readonly bytes: number; readonly exceeded: () => Error } | undefined;
  /** Why it cannot be read to its end, as the caller is told. */
  readonly unreadable: (cause: Error) => Error;
}

/** Milliseconds that a body which nobody has begun to read may keep a connection waiting. */
const unreadTimeout = 60_000;

export class BodyStream extends CallStream {
  readonly #source: BodySource;
  readonly #options: BodyOptions;
  readonly #decoder: Decoder | undefined;
  #left: number;
  /** The wire has delivered everything. */
  #arrived = false;
  /** The decoder has. */
  #decoded: boolean;
  #read = false;
  #unread: NodeJS.Timeout | undefined;

  constructor(source: BodySource, options: BodyOptions) {
    super(options.context);
    this.#source = source;
    this.#options = options;
    this.#left = options.limit?.bytes ?? Number.POSITIVE_INFINITY;
    this.#decoded = options.codings.length === 0;
    if (this.#decoded) return;
    const plain: Sink = {
      write: (chunk) => this.#put(chunk),
      end: () => this.#finishDecoded(),
      fail: (cause) => this.destroy(options.unreadable(cause)),
    };
    this.#decoder = new Decoder(options.codings, plain, () => source.resume());
  }

  /** A piece, as it came over the wire. */
  receive(chunk: Buffer): void {
    if (this.destroyed) return;
    const more = this.#decoder === undefined ? this.#put(chunk) : this.#decoder.write(chunk);
    if (!more) this.#source.pause();
  }

  /** The last byte has arrived. */
  finish(): void {
    if (this.destroyed || this.#arrived) return;
    this.#arrived = true;
    clearTimeout(this.#unread);
    bodyReceived(this);
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

  /** Nobody may come: a caller who looks at the status and throws forgets the body, which would hold its connection for ever. */
  #expectReader(): void {
    this.#unread ??= setTimeout(() => {
      this.destroy(this.#options.unreadable(new Error(`Nobody read the response body for ${unreadTimeout} ms.`)));
    }, unreadTimeout).unref();
  }

  /** Node itself asks with 0 for what fills the buffer; a reader asks for more. */
  override read(size?: number): unknown {
    if (size !== 0 && !this.#read) {
      this.#read = true;
      clearTimeout(this.#unread);
    }
    return super.read(size);
  }

  override _read(): void {
    if (this.#decoder === undefined) this.#source.resume();
    else this.#decoder.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#unread);
    this.#decoder?.fail();
    if (!this.#arrived) this.#source.abort(error ?? new Error('The response body was destroyed.'));
    bodyReceived(this);
    callback(error);
  }
}

/** A body that another wire reads, under the same rules. */
export function adopted(body: Readable, options: BodyOptions): BodyStream {
  const stream = new BodyStream(
    { pause: () => body.pause(), resume: () => body.resume(), abort: (reason) => body.destroy(reason) },
    options,
  );
  body.on('data', (chunk) => stream.receive(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)));
  body.on('end', () => stream.finish());
  body.on('error', (error) => stream.destroy(options.unreadable(error)));
  body.on('close', () => body.readableEnded || stream.destroy());
  return stream;
}
