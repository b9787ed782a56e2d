/** One request on an HTTP/2 connection, told to the same handler as undici's. */
import http2, { type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { isStream } from '../body.js';
import type { Job } from './connection.js';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants;

export class H2Exchange {
  readonly #stream: ClientHttp2Stream;
  readonly #job: Job;
  readonly #onEnd: () => void;
  readonly #controller: Dispatcher.DispatchController;
  /** Given up before there was an answer. */
  unanswered = false;
  #over = false;
  #answered = false;
  #ended = false;
  #error: Error | undefined;

  constructor(stream: ClientHttp2Stream, job: Job, onEnd: () => void) {
    this.#stream = stream;
    this.#job = job;
    this.#onEnd = onEnd;
    this.#controller = {
      aborted: false,
      paused: false,
      reason: null,
      abort: (reason: Error) => this.#abort(reason),
      pause: () => stream.pause(),
      resume: () => stream.resume(),
    };
  }

  begin(): void {
    const stream = this.#stream;
    const job = this.#job;
    stream.on('response', (headers) => this.#head(headers));
    stream.on('data', (chunk: Buffer) => this.#over || job.onResponseData?.(this.#controller, chunk));
    stream.on('end', () => {
      this.#ended = true;
    });
    stream.on('error', (error) => {
      this.#error ??= error;
    });
    stream.on('close', () => this.#closed());
    job.onRequestStart?.(this.#controller, {});
    this.#upload(job.options.body);
  }

  /** Ends it with an error of ours. */
  refuse(reason: Error): void {
    this.#abort(reason);
  }

  #head({ ':status': status, ...headers }: IncomingHttpHeaders & { ':status'?: number | undefined }): void {
    this.#answered = true;
    if (!this.#over) this.#job.onResponseStart?.(this.#controller, Number(status), headers as never, '');
  }

  #upload(body: unknown): void {
    if (this.#over || body === null || body === undefined) return;
    if (!isStream(body)) {
      this.#stream.end(body as Buffer | string);
      return;
    }
    body.once('error', (error) => this.#abort(error));
    body.once('close', () => body.readableEnded || this.#abort(new Error('The request body was destroyed.')));
    body.pipe(this.#stream);
    this.#stream.once('close', () => (body as Readable).destroy());
  }

  #abort(reason: Error): void {
    if (this.#over) return;
    this.unanswered = !this.#answered;
    this.#error = reason;
    this.#stream.close(NGHTTP2_CANCEL);
    this.#settle(() => this.#job.onResponseError?.(this.#controller, reason));
  }

  #closed(): void {
    this.#settle(() => {
      const { rstCode } = this.#stream;
      // Node ends a stream as if it were complete when its connection breaks; only the code tells.
      if (this.#answered && this.#ended && rstCode === NGHTTP2_NO_ERROR)
        this.#job.onResponseEnd?.(this.#controller, {});
      else this.#job.onResponseError?.(this.#controller, this.#failure(rstCode));
    });
    this.#onEnd();
  }

  #failure(rstCode: number): Error {
    if (rstCode === NGHTTP2_REFUSED_STREAM)
      return Object.assign(new Error('The server refused the stream.'), { code: 'REFUSED_STREAM' });
    return this.#error ?? Object.assign(new Error(`The stream ended with code ${rstCode}.`), { code: 'ECONNRESET' });
  }

  #settle(tell: () => void): void {
    if (this.#over) return;
    this.#over = true;
    tell();
  }
}
