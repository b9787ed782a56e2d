/** One request over undici: a handler that gathers the body, without a stream or a signal listener it does not need. */
import type { Readable } from 'node:stream';
import { AxiosError, isAxiosError } from 'axios';
import type { Dispatcher } from 'undici';
import { endBody } from '../body.js';
import { carriedCall } from '../call.js';
import { closedError, withCause } from '../errors.js';
import type { Request, Response } from '../policy.js';
import { markUnsent } from '../request.js';
import { abortError } from '../scope.js';
import { dataOf } from './answer.js';
import { BodyStream } from './body-stream.js';
import type { Connection, Job } from './connection.js';
import { decompress, decompressStream, encodingOf, LengthLimit } from './decompress.js';
import { codeOf, inKnownWords, isClosed, messageOf } from './failure.js';
import { requestHeaders, responseHeaders } from './headers.js';
import type { Pool } from './pool.js';
import { type Progress, progressOf } from './progress.js';
import { type Hop, locationOf } from './redirect.js';
import { SentRequest } from './sent-request.js';
import type { Upload } from './upload.js';

/** What an exchange is about. */
export interface Order {
  readonly request: Request;
  readonly hop: Hop;
  readonly upload: Upload;
  readonly pool: Pool;
  readonly userAgent: string;
  /** Bytes of the response body, decompressed; -1: no limit. */
  readonly maxContentLength: number;
  /** A redirect will be followed: its body is of no use. */
  readonly follows: boolean;
}

/** A redirect's body is read on, so that the connection can be used again, but not for ever. */
const longestDiscarded = 64 * 1024;

type Head = Pick<Response, 'status' | 'statusText' | 'headers'>;

/** One request and its answer, as undici's handler sees them. */
export class Exchange implements Job {
  readonly options: Dispatcher.DispatchOptions;
  connection: Connection | undefined = undefined;
  over = false;
  readonly #order: Order;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #started = false;
  #reused = false;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #head: Head | undefined;
  #discards = false;
  #progress: Progress | undefined;
  #stream: BodyStream | undefined;
  /** What the caller reads: the stream itself, or its decompressed form. */
  #body: Readable | undefined;

  constructor(order: Order, resolve: (response: Response) => void, reject: (error: Error) => void) {
    const { hop, upload, userAgent } = order;
    const { headers: bodyHeaders } = upload;
    this.#order = order;
    this.#resolve = resolve;
    this.#reject = reject;
    this.options = {
      path: hop.target.path,
      method: hop.method as Dispatcher.HttpMethod,
      headers: requestHeaders(hop.headers, {
        authorization: hop.authorization,
        userAgent,
        transitional: order.request.transitional,
        ...(hop.withBody && bodyHeaders !== undefined && { body: bodyHeaders }),
      }),
      body: hop.withBody ? upload.body() : null,
      // undici would close the connection after a HEAD, or a GET with a body.
      reset: false,
    };
  }

  begin(): void {
    const { signal } = this.#order.request;
    if (signal?.aborted) {
      this.#fail(this.#named(abortError(signal, this.#order.request)));
      return;
    }
    signal?.addEventListener?.('abort', this.#onAbort);
    this.#order.pool.dispatch(this);
  }

  readonly #onAbort = (): void => {
    const { request } = this.#order;
    if (request.signal !== undefined) this.#giveUp(this.#named(abortError(request.signal, request)));
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up before it was written: thrown, for controller.abort would end the connection, and with it the next request.
    if (this.over) throw new Error('aborted');
    this.#controller = controller;
    this.#started = true;
    this.#reused = this.connection?.used ?? false;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    raw: Record<string, unknown>,
    statusText = '',
  ): void {
    if (status < 200) return;
    const { request, hop, follows } = this.#order;
    const headers = responseHeaders(raw);
    this.#head = { status, statusText, headers };
    if (follows && locationOf(status, headers) !== undefined) {
      this.#discards = true;
      return;
    }
    if (request.decompress !== false && (hop.method === 'HEAD' || status === 204)) delete headers['content-encoding'];
    if (request.onDownloadProgress !== undefined)
      this.#progress = progressOf(
        request.onDownloadProgress,
        'download',
        Number(headers['content-length'] ?? Number.NaN),
      );
    if (request.responseType === 'stream') this.#startStream(controller, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { maxContentLength } = this.#order;
    this.#size += chunk.length;
    this.#progress?.moved(this.#size);
    if (this.#discards) {
      if (this.#size > longestDiscarded) this.#endDiscarding(controller);
    } else if (maxContentLength > -1 && this.#size > maxContentLength) {
      this.#giveUp(this.#tooLarge());
    } else if (this.#stream === undefined) {
      this.#chunks.push(chunk);
    } else if (!this.#stream.push(chunk)) {
      controller.pause();
    }
  }

  onResponseEnd(): void {
    this.#order.pool.finished(this.connection);
    this.#progress?.end();
    const call = carriedCall(this.#order.request);
    if (call !== undefined) call.responseSize = this.#size;
    if (this.#stream !== undefined) {
      this.#stream.push(null);
      return;
    }
    const [only] = this.#chunks;
    const body = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    const decoding = this.#decoding();
    if (decoding && body.length > 0) {
      this.#decompress(body);
      return;
    }
    if (decoding) delete this.#head?.headers['content-encoding'];
    this.#answer(body);
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    const error = this.#order.upload.error ?? (isAxiosError(cause) ? cause : this.#networkError(cause));
    this.#fail(error);
    this.#endBody(error);
  }

  #giveUp(reason: Error): void {
    this.#fail(reason);
    this.#endBody(reason);
    // Before the request is on a socket there is no controller yet: onRequestStart sees to it.
    if (this.#controller === undefined) this.#order.pool.giveUp(this, reason);
    else this.#controller.abort(reason);
  }

  #endDiscarding(controller: Dispatcher.DispatchController): void {
    this.#finish('');
    controller.abort(new Error('The body of a redirect is too long to be skipped.'));
  }

  #startStream(controller: Dispatcher.DispatchController, headers: Response['headers']): void {
    this.#stream = new BodyStream(controller);
    this.#stream.once('close', () => this.#release());
    this.#body = this.#decoding() ? this.#decodedStream(this.#stream, headers) : this.#stream;
    this.#finish(this.#body);
  }

  #decodedStream(stream: BodyStream, headers: Response['headers']): Readable {
    const { maxContentLength } = this.#order;
    const limit = maxContentLength > -1 && new LengthLimit(maxContentLength, () => this.#tooLarge());
    return decompressStream(stream, headers, limit);
  }

  #decompress(body: Buffer): void {
    decompress(body, this.#head?.headers ?? {}, this.#order.maxContentLength).then(
      (plain) => this.#answer(plain),
      (cause: NodeJS.ErrnoException) => {
        const tooLarge = cause.code === 'ERR_BUFFER_TOO_LARGE';
        this.#fail(
          tooLarge ? this.#tooLarge() : this.#error(cause.message, cause.code ?? AxiosError.ERR_BAD_RESPONSE, cause),
        );
      },
    );
  }

  #decoding(): boolean {
    const { request, hop } = this.#order;
    return (
      request.decompress !== false &&
      hop.method !== 'HEAD' &&
      !this.#discards &&
      encodingOf(this.#head?.headers) !== undefined
    );
  }

  /** A buffered body, as the caller wants it. */
  #answer(body: Buffer): void {
    const { request } = this.#order;
    try {
      this.#finish(this.#discards ? '' : dataOf(body, request, this.#head?.headers));
    } catch (cause) {
      this.#fail(this.#error((cause as Error).message, AxiosError.ERR_BAD_RESPONSE, cause as Error));
    }
  }

  #finish(data: unknown): void {
    if (this.over) return;
    this.over = true;
    if (this.#stream === undefined) this.#release();
    this.#resolve(this.#response(data));
  }

  #response(data: unknown): Response {
    const { status, statusText, headers } = this.#head as Head;
    return { data, status, statusText, headers, config: this.#order.request, request: this.#sent() };
  }

  #fail(error: Error): void {
    if (this.over) return;
    this.over = true;
    this.#release();
    this.#reject(error);
  }

  #endBody(error: Error): void {
    if (this.#body !== undefined && !this.#body.destroyed) endBody(this.#body, error);
  }

  #release(): void {
    this.#order.request.signal?.removeEventListener?.('abort', this.#onAbort);
  }

  #sent(): SentRequest {
    const { hop } = this.#order;
    return new SentRequest(hop.target, hop.method, this.options.headers as string[], this.#reused);
  }

  /** With the request, as axios's own errors have it. */
  #named<E extends Error & { request?: unknown }>(error: E): E {
    error.request ??= this.#sent();
    return error;
  }

  #tooLarge(): AxiosError {
    const { request, maxContentLength } = this.#order;
    const message = `maxContentLength size of ${maxContentLength} exceeded`;
    return new AxiosError(message, AxiosError.ERR_BAD_RESPONSE, request, this.#sent());
  }

  #networkError(cause: Error): AxiosError {
    const { request } = this.#order;
    const reading = { streaming: this.#stream !== undefined };
    if (isClosed(cause))
      return closedError(carriedCall(request)?.client ?? 'pillion', request, inKnownWords(cause, reading));
    const code = codeOf(cause, reading);
    const error = this.#error(messageOf(cause), code, inKnownWords(cause, reading));
    return this.#started || error.code === AxiosError.ERR_BAD_REQUEST ? error : markUnsent(error);
  }

  #error(message: string, code: string, cause?: Error): AxiosError {
    const response = this.#head === undefined ? undefined : this.#response(undefined);
    return withCause(new AxiosError(message, code, this.#order.request, this.#sent(), response), cause);
  }
}
