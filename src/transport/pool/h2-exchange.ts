/** One request on an HTTP/2 connection, reported to the same handler as undici's. */
import http2, { type ClientHttp2Stream, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { isStream } from '../../call/body.js';
import type { QueuePlace } from '../../call/queue.js';
import type { Job } from './connection.js';

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = http2.constants;

/** Milliseconds that a server may take to end a stream whose answer was complete with its headers. */
const lateEnd = 1000;

/** The changes that an exchange reports to its connection. */
export interface H2ExchangeEvents {
  /** It was aborted before its answer was complete. */
  gaveUp(): void;
  /** Bytes more, or fewer where negative, have arrived that its reader has not taken. */
  waits(bytes: number): void;
  /** It no longer needs its stream: a request sent from now on comes after its end on the wire. */
  ended(exchange: H2Exchange): void;
}

/** The exchange that a stream belongs to. Listeners find it here, so that a request needs no functions of its own. */
const exchangeOf = Symbol('exchange');

type ExchangeStream = ClientHttp2Stream & { [exchangeOf]: H2Exchange };

export class H2Exchange implements Dispatcher.DispatchController {
  readonly aborted = false;
  readonly reason = null;
  paused = false;
  /** Its place among the exchanges of its connection. */
  place: QueuePlace<H2Exchange> | undefined;
  readonly #stream: ExchangeStream;
  /** Undefined once it is over: Node keeps the stream for some time, and with it all that it leads to. */
  #job: Job | undefined;
  readonly #events: H2ExchangeEvents;
  #upload: Readable | undefined;
  #over = false;
  #answered = false;
  /** True once the server has sent END_STREAM: every byte of the answer has arrived. */
  complete = false;
  #refused = false;
  trailers: IncomingHttpHeaders = {};
  error: Error | undefined;
  /** Bytes that the connection counts as unread. */
  #unread = 0;

  constructor(stream: ClientHttp2Stream, job: Job, events: H2ExchangeEvents) {
    this.#stream = stream as ExchangeStream;
    this.#stream[exchangeOf] = this;
    this.#job = job;
    this.#events = events;
  }

  begin(): void {
    const stream = this.#stream;
    stream.push = push;
    stream.on('response', onResponse);
    const { options, informed } = this.#job as Job;
    if (informed !== undefined) stream.on('headers', onHeaders);
    stream.on('trailers', onTrailers);
    stream.on('end', onEnd);
    stream.on('error', onError);
    stream.on('close', onClose);
    // A stream without an id fails in a moment, and was never sent.
    if (stream.id !== undefined) this.#job?.onRequestStart?.(this, {});
    this.#send(options.body);
  }

  pause(): void {
    this.paused = true;
    if (!this.complete) this.#stream.pause();
  }

  resume(): void {
    this.paused = false;
    this.#stream.resume();
  }

  /** True where the connection counts bytes of this answer that its reader has not taken. */
  get waiting(): boolean {
    return this.#unread > 0;
  }

  /** Called once the reader has taken all of a body, or dropped it. */
  taken(): void {
    this.#count(0);
  }

  /** Notes how many bytes wait for the reader. */
  #count(unread: number): void {
    if (unread !== this.#unread) this.#events.waits(unread - this.#unread);
    this.#unread = unread;
  }

  /** Ends the exchange with an error of ours. */
  abort(reason: Error): void {
    if (this.#over) return;
    if (!this.complete) this.#events.gaveUp();
    this.#fail(reason);
    this.#letGo();
  }

  /**
   * Called when a GOAWAY has named the last stream that the server has worked on, or may have: later ones were refused.
   */
  leftBehind(lastStream: number): void {
    if (this.#stream.id !== undefined && this.#stream.id > lastStream) this.#refused = true;
  }

  /** What `stream.push` calls. */
  pushed(chunk: unknown, encoding: BufferEncoding | undefined): boolean {
    const stream = this.#stream;
    if (chunk === null && !this.complete) {
      if (stream.closed) this.#cutOff();
      else this.complete = true;
    }
    const more = Readable.prototype.push.call(stream, chunk, encoding);
    // Node pushes the end once more when it destroys the stream.
    if (this.paused && chunk !== null) this.#count(stream.readableLength);
    if (chunk === null && this.complete && this.#answered) this.#handOver();
    return more;
  }

  informs(headers: IncomingHttpHeaders): void {
    this.#job?.informed?.(headers);
  }

  head(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    if (this.#over) return;
    this.#answered = true;
    const method = this.#job?.options.method ?? '';
    const status = Number(headers[':status']);
    this.#job?.onResponseStart?.(this, status, headers as never, '');
    // Node emits the headers a tick late, but data at once: with a listener before the headers that data would be lost.
    if (this.complete) this.#handOver();
    else if (endsAtHeaders(method, status)) this.#endAtHeaders();
    else this.#stream.on('data', onData);
  }

  /**
   * Frames that a server sends after such headers belong to no answer; most servers end the stream with an empty frame.
   */
  #endAtHeaders(): void {
    this.complete = true;
    this.#stream.resume();
    setTimeout(() => this.#letGo(), lateEnd).unref();
    this.finish();
  }

  deliver(chunk: Buffer): void {
    if (!this.#over) this.#job?.onResponseData?.(this, chunk);
    // What a reader that lags behind is handed at the end still counts, until it has taken it.
    if (this.#unread > 0 && !this.complete) this.#count(this.#stream.readableLength);
  }

  /** Delivers all that has arrived: a complete answer must survive the end of its connection. */
  #handOver(): void {
    const stream = this.#stream;
    stream.off('data', onData);
    for (let rest = stream.read(); rest !== null; rest = stream.read()) this.deliver(rest as Buffer);
  }

  #send(body: unknown): void {
    if (body === null || body === undefined) return;
    if (!isStream(body)) {
      if (!this.#over) this.#stream.end(body as Buffer | string);
      return;
    }
    this.#upload = body;
    body.on('error', (error) => this.abort(error));
    body.once('close', () => body.readableEnded || this.abort(bodyGone()));
    if (this.#over) this.#endUpload();
    else if (body.readable) body.pipe(this.#stream);
    else this.abort(bodyGone());
  }

  /** The answer is complete, whether or not the upload is: the rest of the upload is not needed (RFC 9113, 8.1). */
  finish(): void {
    this.#settle((job) => job.onResponseEnd?.(this, this.trailers));
    // Node emits the end before the stream is closed on both sides, so a reset waits: servers count resets, and close a
    // connection with many.
    if (!this.#stream.writableFinished) this.#letGo();
  }

  /** The server has closed the stream before its end. Node would wait for an upload that can no longer be sent. */
  #cutOff(): void {
    this.#upload?.unpipe(this.#stream);
    setImmediate(() => this.#stream.destroy());
  }

  closed(): void {
    if (this.complete && this.#answered) this.finish();
    else this.#fail(this.#failure());
  }

  /**
   * Ends the stream in the next phase of the event loop. Callbacks, ticks and promises run while nghttp2 is still in the midst
   * of what it receives; a stream or session that is ended there breaks the memory of the process (nodejs/node#64166, which
   * Node 20 does not have).
   */
  #letGo(): void {
    setImmediate(() => {
      if (this.#stream.destroyed) return;
      if (this.#stream.closed) this.#stream.destroy();
      else this.#stream.close(NGHTTP2_CANCEL);
    });
  }

  #failure(): Error {
    const { rstCode } = this.#stream;
    if (this.#refused || rstCode === NGHTTP2_REFUSED_STREAM)
      return Object.assign(new Error('The server refused the stream.'), { code: 'REFUSED_STREAM' });
    const error = this.error as NodeJS.ErrnoException | undefined;
    if (error !== undefined && !error.code?.startsWith('ERR_HTTP2_')) return error;
    return reset(error?.message ?? `The HTTP/2 stream ended early (code ${rstCode}).`, error);
  }

  #fail(error: Error): void {
    this.#count(0);
    this.#settle((job) => job.onResponseError?.(this, error));
  }

  #settle(tell: (job: Job) => void): void {
    const job = this.#job;
    if (this.#over || job === undefined) return;
    this.#over = true;
    this.#job = undefined;
    tell(job);
    this.#endUpload();
    this.#events.ended(this);
  }

  #endUpload(): void {
    this.#upload?.unpipe(this.#stream);
    this.#upload?.destroy();
  }
}

/** The error for a stream or a connection that was lost, with the code that it has over HTTP/1.1. */
export function reset(message: string, cause?: Error): Error {
  return Object.assign(new Error(message, { cause }), { code: 'ECONNRESET' });
}

/** True for an answer that ends at its headers (RFC 9110, 6.4.1). */
function endsAtHeaders(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

function bodyGone(): Error {
  return new Error('The request body was destroyed.');
}

/**
 * Notes END_STREAM. Node ends the readable side in the same way for END_STREAM, for RST_STREAM with NO_ERROR, and for a
 * connection that is lost; only in the first case is the stream not closed yet.
 */
function push(this: ClientHttp2Stream, chunk: unknown, encoding?: BufferEncoding): boolean {
  return (this as ExchangeStream)[exchangeOf].pushed(chunk, encoding);
}

function onResponse(this: ClientHttp2Stream, headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
  (this as ExchangeStream)[exchangeOf].head(headers);
}

function onHeaders(this: ClientHttp2Stream, headers: IncomingHttpHeaders): void {
  (this as ExchangeStream)[exchangeOf].informs(headers);
}

function onData(this: ClientHttp2Stream, chunk: Buffer): void {
  (this as ExchangeStream)[exchangeOf].deliver(chunk);
}

function onTrailers(this: ClientHttp2Stream, trailers: IncomingHttpHeaders): void {
  (this as ExchangeStream)[exchangeOf].trailers = trailers;
}

function onEnd(this: ClientHttp2Stream): void {
  const exchange = (this as ExchangeStream)[exchangeOf];
  if (exchange.complete) exchange.finish();
}

function onError(this: ClientHttp2Stream, error: Error): void {
  (this as ExchangeStream)[exchangeOf].error ??= error;
}

function onClose(this: ClientHttp2Stream): void {
  (this as ExchangeStream)[exchangeOf].closed();
}
