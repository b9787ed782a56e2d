/**
 * One request over undici: a handler that collects the body, and makes a stream or an abort listener only where it
 * needs one.
 */
import type { AsyncResource } from 'node:async_hooks';
import type { Readable } from 'node:stream';
import { AxiosError, type GenericAbortSignal, isAxiosError } from 'axios';
import type { Dispatcher } from 'undici';
import { type Activity, activityOf } from '../../call/activity.js';
import { bodyData } from '../../call/answer.js';
import { onStreamEnd } from '../../call/body.js';
import { keep } from '../../call/conceal.js';
import { closedError, withCause } from '../../call/errors.js';
import { markBroken, markUnsent } from '../../call/failure.js';
import { announcesBody } from '../../call/headers.js';
import { informedOf } from '../../call/information.js';
import type { Request, Response } from '../../call/message.js';
import { ownValue } from '../../call/own.js';
import { type Progress, progressOf } from '../../call/progress.js';
import { carriedCall, contextOf } from '../../call/request.js';
import { abortError, onAbort } from '../../call/scope.js';
import { type Connection, Dispatch, type Job } from '../pool/connection.js';
import type { Pool } from '../pool/pool.js';
import type { BodyHeaders } from '../upload/body-source.js';
import type { Upload } from '../upload/upload.js';
import { type BodySink, DiscardedBody, GatheredBody, StreamedBody } from './body-sinks.js';
import { codeOf, inKnownWords, isClosed, messageOf } from './codes.js';
import { type Coding, decompress, takeCodings } from './decompress.js';
import { type Hop, locationOf } from './redirect.js';
import { SentRequest } from './sent-request.js';
import { flatHeaders, responseHeaders } from './wire-headers.js';

/** The request of an exchange, and the terms under which it is sent. */
export interface Order {
  readonly request: Request;
  readonly hop: Hop;
  readonly upload: Upload;
  readonly pool: Pick<Pool, 'dispatch' | 'abort' | 'finished'>;
  readonly userAgent: string;
  /** Bytes of the response body, decompressed; -1: no limit. */
  readonly maxContentLength: number;
  /** True where a redirect will be followed, whose body is not needed. */
  readonly follows: boolean;
}

function nothing(): void {}

type Head = Pick<Response, 'status' | 'statusText' | 'headers'>;

/** One request and its answer, as a handler of undici. */
export class Exchange implements Job {
  readonly options: Dispatcher.DispatchOptions;
  connection: Connection | undefined = undefined;
  dial: Job['dial'] = undefined;
  place: Job['place'] = undefined;
  over = false;
  readonly #order: Order;
  #resolve: (response: Response) => void;
  #reject: (error: Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #started = false;
  /** True once received data is no longer held back for a slow reader. */
  #flows = false;
  /** The error of the connection, where it broke under this exchange. */
  #cut: Error | undefined;
  #reused = false;
  /** Set once the headers have arrived. */
  #sink: BodySink | undefined;
  #size = 0;
  #head: Head | undefined;
  #codings: readonly Coding[] = [];
  /** A redirect that will be followed: its body counts for nothing. */
  #discards = false;
  #progress: Progress | undefined;
  readonly #activity: Activity | undefined;
  /** The context of the call, where the caller's code runs in this exchange. */
  readonly #context: AsyncResource | undefined;
  #streams = false;
  /** True once the last byte of the answer has arrived. */
  #whole = false;
  #release: (() => void) | undefined;

  constructor(order: Order, resolve: (response: Response) => void, reject: (error: Error) => void) {
    const { hop, upload, userAgent } = order;
    const bodyHeaders = ownValue(upload, 'headers') as BodyHeaders | undefined;
    const { request } = order;
    const callsBack = request.responseType === 'stream' || request.onDownloadProgress !== undefined;
    this.#context = callsBack ? contextOf(request) : undefined;
    this.#activity = activityOf(request);
    this.#order = order;
    this.#resolve = resolve;
    this.#reject = reject;
    const headers = flatHeaders(hop.headers, {
      authorization: hop.authorization,
      userAgent,
      transitional: request.transitional,
      body: hop.withBody ? bodyHeaders : undefined,
    });
    this.options = new Dispatch(hop.target.path, hop.method, headers, hop.withBody ? upload.body() : null);
  }

  begin(): void {
    const { request, pool } = this.#order;
    const { signal } = request;
    if (signal?.aborted) {
      this.#fail(this.#named(abortError(signal, request)));
      return;
    }
    if (signal !== undefined) this.#release = onAbort(signal, this);
    pool.dispatch(this);
  }

  /** Called when the signal of the request aborts. */
  handleEvent(): void {
    const { request } = this.#order;
    this.#giveUp(this.#named(abortError(request.signal as GenericAbortSignal, request)));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Aborted before it was written. Thrown, since controller.abort would close the connection, and with it the next
    // request.
    if (this.over) throw new Error('aborted');
    this.#controller = controller;
    this.#started = true;
    this.#activity?.moved('answer');
    // After a redirect without a body, the source of the first request's body no longer counts.
    if (this.options.body === null) this.#activity?.moved('request');
    this.#reused = this.connection?.used ?? false;
  }

  get informed(): ((headers: Record<string, unknown>) => void) | undefined {
    const activity = this.#activity;
    const informed = informedOf(this.#order.request);
    if (activity === undefined && informed === undefined) return undefined;
    return ({ ':status': status, ...headers }) => {
      activity?.moved('answer');
      informed?.(Number(status), headers);
    };
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    raw: Record<string, unknown>,
    statusText = '',
  ): void {
    this.#activity?.moved('answer');
    if (status < 200) {
      informedOf(this.#order.request)?.(status, raw);
      return;
    }
    const { request, hop, follows } = this.#order;
    const headers = responseHeaders(raw);
    this.#head = { status, statusText, headers };
    if (status === 204 || status === 304 || (hop.method === 'HEAD' && announcesBody(headers)))
      this.connection?.expectNoBody?.(hop.method === 'HEAD');
    if (follows && locationOf(status, headers) !== undefined) {
      this.#discard(controller);
      return;
    }
    if (request.decompress !== false) this.#codings = takeCodings(headers, hop.method, status);
    if (request.onDownloadProgress !== undefined)
      this.#progress = progressOf(
        request.onDownloadProgress,
        'download',
        Number(headers['content-length'] ?? Number.NaN),
      );
    if (request.responseType === 'stream') this.#startStream(controller);
    else this.#sink = new GatheredBody((body) => this.#gathered(body));
  }

  /** Resolves at once, so that the redirect can be followed. */
  #discard(controller: Dispatcher.DispatchController): void {
    this.#discards = true;
    this.#sink = new DiscardedBody(controller);
    this.#finish('');
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#activity?.moved('answer');
    if (!this.#discards && !this.#takes(chunk)) return;
    this.#sink?.receive(chunk);
  }

  /** Counts the bytes of the body; false where there are more than `maxContentLength`. */
  #takes(chunk: Buffer): boolean {
    const { maxContentLength } = this.#order;
    this.#size += chunk.length;
    if (this.#progress !== undefined) this.#context?.runInAsyncScope(this.#progress.moved, undefined, this.#size);
    if (maxContentLength === -1 || this.#size <= maxContentLength) return true;
    this.#giveUp(this.#tooLarge());
    return false;
  }

  ended(): void {
    this.#flows = true;
    this.#controller?.resume();
  }

  /** Before it is written, undici waits a turn of the event loop, and sends it over another connection if this one breaks then. */
  cut(error: Error): void {
    if (this.#started) this.#cut ??= error;
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: Record<string, unknown> = {}): void {
    if (this.#cut !== undefined) {
      this.onResponseError(undefined, this.#cut);
      return;
    }
    this.#order.pool.finished(this.connection);
    if (this.#progress !== undefined) this.#context?.runInAsyncScope(this.#progress.end);
    const call = carriedCall(this.#order.request);
    if (call !== undefined && !this.#discards) call.responseSize = this.#size;
    this.#whole = true;
    this.#sink?.finish(trailers);
  }

  onResponseError(_controller: unknown, cause: Error): void {
    const error =
      this.#order.upload.error ?? (isAxiosError(cause) ? this.#ofRequest(cause) : this.#networkError(cause));
    this.#fail(error);
    this.#sink?.fail(error);
  }

  #giveUp(reason: Error): void {
    this.#fail(reason);
    this.#sink?.fail(reason);
    // Before the request is on a socket there is no controller yet: onRequestStart refuses to send it then.
    if (this.#controller === undefined) this.#order.pool.abort(this, reason);
    else this.#controller.abort(reason);
  }

  #startStream(controller: Dispatcher.DispatchController): void {
    const bytes = this.#order.maxContentLength;
    const sent = this.#sent();
    const options = {
      context: this.#context as AsyncResource,
      codings: this.#codings,
      limit: bytes > -1 && this.#codings.length > 0 ? { bytes, exceeded: () => this.#tooLarge() } : undefined,
      unreadable: (cause: NodeJS.ErrnoException) => this.#unreadable(cause),
      facts: {
        head: this.#head as Head,
        httpVersion: this.connection?.httpVersion ?? '1.1',
        rawHeaders: (controller as { rawHeaders?: Buffer[] | null }).rawHeaders ?? undefined,
        trailers: {},
        rawTrailers: [],
        responseUrl: () => sent.res.responseUrl,
      },
    };
    this.#streams = true;
    this.#sink = new StreamedBody(
      controller,
      () => !this.#flows,
      this.#activity,
      options,
      (stream) => this.#hand(stream, controller),
    );
  }

  /**
   * Resolves with a stream. Releases the signal and aborts what is left once the body was read to its end, destroyed, or
   * dropped by its caller.
   */
  #hand(stream: Readable, controller: Dispatcher.DispatchController): void {
    this.#finish(stream);
    onStreamEnd(stream, () => {
      this.#release?.();
      // An error with its stack costs a twentieth of a call, and a whole body leaves nothing to abort. The stream is not asked,
      // since this function outlives one that its caller dropped.
      if (!this.#whole) controller.abort(new Error('The response body was aborted.'));
    });
  }

  #gathered(body: Buffer): void {
    if (this.#codings.length > 0 && body.length > 0) this.#decompress(body);
    else this.#answer(body);
  }

  #decompress(body: Buffer): void {
    decompress(body, this.#codings, this.#order.maxContentLength).then(
      (plain) => this.#answer(plain),
      (cause: Error & { code?: string }) =>
        this.#fail(cause.code === 'ERR_BUFFER_TOO_LARGE' ? this.#tooLarge() : this.#unreadable(cause)),
    );
  }

  /** Resolves with a buffered body, in the form that the caller wants. */
  #answer(body: Buffer): void {
    const { request } = this.#order;
    try {
      this.#finish(bodyData(body, request, this.#head?.headers));
    } catch (cause) {
      this.#fail(this.#unreadable(cause as Error));
    }
  }

  #finish(data: unknown): void {
    if (this.over) return;
    this.over = true;
    if (!this.#streams) this.#release?.();
    this.#resolve(this.#response(data));
    this.#forget();
  }

  #response(data: unknown): Response {
    const { status, statusText, headers } = this.#head as Head;
    return { data, status, statusText, headers, config: this.#order.request, request: this.#sent() };
  }

  #fail(error: Error): void {
    if (this.over) return;
    this.over = true;
    this.#release?.();
    this.#reject(error);
    this.#forget();
  }

  /**
   * Drops the functions of the promise: they hold the answer and its body, and the connection holds this exchange for
   * as long as it lasts.
   */
  #forget(): void {
    this.#resolve = nothing;
    this.#reject = nothing;
  }

  #sent(): SentRequest {
    const { hop } = this.#order;
    return new SentRequest(hop.target, hop.method, this.options.headers as string[], this.#reused);
  }

  /** Adds the request, as axios's own errors have it. */
  #named<E extends Error & { request?: unknown }>(error: E): E {
    error.request ??= this.#sent();
    return error;
  }

  #tooLarge(): AxiosError {
    const { request, maxContentLength } = this.#order;
    const message = `maxContentLength size of ${maxContentLength} exceeded`;
    return new AxiosError(message, AxiosError.ERR_BAD_RESPONSE, request, this.#sent());
  }

  /** The error for a body that arrived but cannot be decoded. */
  #unreadable(cause: NodeJS.ErrnoException): AxiosError {
    return this.#error(cause.message, cause.code ?? AxiosError.ERR_BAD_RESPONSE, cause);
  }

  /** Adds the request to an error of the pool, which does not know it. */
  #ofRequest(error: AxiosError): AxiosError {
    return error.config === undefined ? keep(error, { config: this.#order.request }) : error;
  }

  #networkError(cause: Error): AxiosError {
    const { request } = this.#order;
    const reading = { streaming: this.#streams };
    if (isClosed(cause))
      return closedError(carriedCall(request)?.client ?? 'pillion', request, inKnownWords(cause, reading));
    const code = codeOf(cause, reading);
    const error = this.#error(messageOf(cause), code, inKnownWords(cause, reading));
    return this.#started || error.code === AxiosError.ERR_BAD_REQUEST ? error : markUnsent(error);
  }

  #error(message: string, code: string, cause?: Error): AxiosError {
    const response = this.#head === undefined ? undefined : this.#response(undefined);
    const error = withCause(new AxiosError(message, code, this.#order.request, this.#sent(), response), cause);
    return response === undefined ? error : markBroken(error);
  }
}
