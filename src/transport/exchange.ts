/** One request over undici: a handler that gathers the body, without a stream or a signal listener it does not need. */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { AxiosError, AxiosHeaders, isAxiosError } from 'axios';
import type { Dispatcher } from 'undici';
import { endBody } from '../body.js';
import { type Call, callOf } from '../call.js';
import { closedError, withCause } from '../errors.js';
import type { Request, Response } from '../policy.js';
import { markUnsent } from '../request.js';
import { abortError } from '../scope.js';
import { BodyStream } from './body-stream.js';
import { decompress, decompressStream, encodingOf, LengthLimit } from './decompress.js';

/** One request and its answer, as undici's handler sees them. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly call: Call;
  #connecting: Socket | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #started = false;
  #settled = false;
  #chunks: Buffer[] = [];
  #size = 0;
  #head: Pick<Response, 'status' | 'statusText' | 'headers'> | undefined;
  #stream: BodyStream | undefined;
  /** What the caller reads: the stream itself, or its decompressed form. */
  #body: Readable | undefined;
  readonly #request: Request;
  readonly #maxContentLength: number;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: Error) => void;

  constructor(
    request: Request,
    maxContentLength: number,
    resolve: (response: Response) => void,
    reject: (error: Error) => void,
  ) {
    this.call = callOf(request);
    this.#request = request;
    this.#maxContentLength = maxContentLength;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Listens to the signal; false where there is nothing to send any more. */
  begin(): boolean {
    const { signal, data, maxBodyLength = -1 } = this.#request;
    if (signal?.aborted) {
      this.#fail(abortError(signal, this.#request));
      return false;
    }
    if (maxBodyLength > -1 && byteLength(data) > maxBodyLength) {
      this.#fail(this.#error('Request body larger than maxBodyLength limit', AxiosError.ERR_BAD_REQUEST));
      return false;
    }
    signal?.addEventListener?.('abort', this as unknown as () => void);
    return true;
  }

  /** The connection being made for this request: given up with it. */
  connectsBy(socket: Socket | undefined): void {
    this.#connecting = socket;
  }

  /** The signal's abort. */
  handleEvent(): void {
    const { signal } = this.#request;
    if (signal === undefined) return;
    const reason = abortError(signal, this.#request);
    this.#fail(reason);
    this.#endBody(reason);
    // Before the request is on a socket there is no controller yet: onRequestStart sees to it.
    if (this.#controller === undefined) this.#connecting?.destroy(reason);
    else this.#controller.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('aborted'));
    else this.#started = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, unknown>,
    statusText = '',
  ): void {
    if (status < 200) return;
    this.#head = { status, statusText, headers: Object.assign(new AxiosHeaders(), headers) };
    if (this.#request.responseType !== 'stream') return;
    this.#stream = new BodyStream(controller);
    this.#stream.once('close', () => this.#release());
    this.#body = this.#decoding() ? this.#decodedStream(this.#stream, this.#head.headers) : this.#stream;
    this.#finish(this.#body);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#maxContentLength > -1 && this.#size > this.#maxContentLength) {
      const error = this.#tooLarge();
      this.#fail(error);
      this.#endBody(error);
      controller.abort(error);
    } else if (this.#stream === undefined) {
      this.#chunks.push(chunk);
    } else if (!this.#stream.push(chunk)) {
      controller.pause();
    }
  }

  onResponseEnd(): void {
    this.call.responseSize = this.#size;
    if (this.#stream !== undefined) {
      this.#stream.push(null);
      return;
    }
    const [only] = this.#chunks;
    const body = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    if (!this.#decoding() || body.length === 0) this.#finish(this.#decoded(body));
    else this.#decompress(body);
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    const error = isAxiosError(cause) ? cause : this.#networkError(cause);
    this.#fail(error);
    this.#endBody(error);
  }

  #decodedStream(stream: BodyStream, headers: Response['headers']): Readable {
    const limit = this.#maxContentLength > -1 && new LengthLimit(this.#maxContentLength, () => this.#tooLarge());
    return decompressStream(stream, headers, limit);
  }

  #decompress(body: Buffer): void {
    decompress(body, this.#head?.headers ?? {}, this.#maxContentLength).then(
      (plain) => this.#finish(this.#decoded(plain)),
      (cause) => {
        const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
        this.#fail(
          tooLarge ? this.#tooLarge() : this.#error((cause as Error).message, AxiosError.ERR_BAD_RESPONSE, cause),
        );
      },
    );
  }

  #decoding(): boolean {
    return (
      this.#request.decompress !== false && this.call.method !== 'HEAD' && encodingOf(this.#head?.headers) !== undefined
    );
  }

  #decoded(body: Buffer): unknown {
    const { responseType, responseEncoding } = this.#request;
    if (responseType === 'arraybuffer') return body;
    const text = body.toString((responseEncoding as BufferEncoding | undefined) ?? 'utf8');
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  #finish(data: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    if (this.#stream === undefined) this.#release();
    const { method, origin, path, href } = this.call;
    const head = this.#head as Pick<Response, 'status' | 'statusText' | 'headers'>;
    this.#resolve({
      data,
      ...head,
      config: this.#request,
      request: { method, path, origin, res: { responseUrl: href } },
    });
  }

  #fail(error: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#release();
    this.#reject(error);
  }

  #endBody(error: Error): void {
    if (this.#body !== undefined && !this.#body.destroyed) endBody(this.#body, error);
  }

  #release(): void {
    this.#request.signal?.removeEventListener?.('abort', this as unknown as () => void);
  }

  #tooLarge(): AxiosError {
    return this.#error(`maxContentLength size of ${this.#maxContentLength} exceeded`, AxiosError.ERR_BAD_RESPONSE);
  }

  #networkError(cause: Error): AxiosError {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED')
      return closedError(this.call.client, this.#request, cause);
    const error = this.#error(cause.message, codes[code ?? ''] ?? code ?? 'ECONNRESET', cause);
    return this.#started || error.code === AxiosError.ERR_BAD_REQUEST ? error : markUnsent(error);
  }

  #error(message: string, code: string, cause?: Error): AxiosError {
    return withCause(new AxiosError(message, code, this.#request), cause);
  }
}

/** undici's codes in axios's and Node's words; codes of Node and OpenSSL stay as they are. */
const codes: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ECONNRESET',
  UND_ERR_INFO: 'ECONNRESET',
  UND_ERR_HEADERS_OVERFLOW: AxiosError.ERR_BAD_RESPONSE,
  UND_ERR_INVALID_ARG: AxiosError.ERR_BAD_REQUEST,
  UND_ERR_NOT_SUPPORTED: AxiosError.ERR_BAD_REQUEST,
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: AxiosError.ERR_BAD_REQUEST,
};

function byteLength(data: unknown): number {
  if (typeof data === 'string') return Buffer.byteLength(data);
  return ArrayBuffer.isView(data) || data instanceof ArrayBuffer ? data.byteLength : 0;
}
