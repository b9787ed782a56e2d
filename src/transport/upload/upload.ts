/** Request bodies of every kind that axios takes, in a form that undici takes, with the headers they bring along. */
import type { AsyncResource } from 'node:async_hooks';
import type { Readable } from 'node:stream';
import { types } from 'node:util';
import { AxiosError, CanceledError } from 'axios';
import { type Activity, activityOf } from '../../call/activity.js';
import { discardUpload } from '../../call/body.js';
import { isError } from '../../call/conceal.js';
import { asAxiosError, withCause } from '../../call/errors.js';
import { getHeader } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { type Progress, progressOf } from '../../call/progress.js';
import { contextOf } from '../../call/request.js';
import type { BodyHeaders } from './body-source.js';
import {
  formPackageSource,
  isFormDataPackage,
  ownLength,
  type Pieces,
  type Source,
  sliceSize,
  slices,
  sourceOf,
} from './body-source.js';
import { RequestBody } from './request-body.js';

export interface Upload {
  readonly headers?: BodyHeaders | undefined;
  /** The body for the first or a later sending: a redirect may need it again. */
  body(): Buffer | string | Readable | null;
  /** Why the body could not be read to its end. */
  error?: Error | undefined;
  /** Called when no redirect can need the body any more; closes what will not be sent. */
  finish?(failed: boolean): void;
}

const nothing: Upload = { body: () => null };

/**
 * The body of a request, in a form that undici takes.
 * @throws AxiosError ERR_BAD_REQUEST for data of an unknown kind, or larger than `maxBodyLength`; PillionError
 * ERR_BODY_USED for a body that was already read
 */
export function uploadOf(request: Request): Upload | Promise<Upload> {
  const data: unknown = request.data;
  if (data === undefined || data === null || data === '' || data === false || data === 0) return nothing;
  const plain = bytesOf(data);
  if (isFormDataPackage(data))
    return formPackageSource(data, request).then((source) => new StreamUpload(request, source));
  if (plain === undefined) return new StreamUpload(request, sourceOf(data, request));
  checkLength(plain, request);
  if (request.onUploadProgress === undefined && !isWatched(request, plain)) return { body: () => plain };
  const bytes = Buffer.from(plain as string);
  return new StreamUpload(request, {
    open: () => slices(bytes),
    replayable: true,
    headers: ownLength(request, bytes.length),
  });
}

/** True for a body that may take a while to be sent, where somebody asks what moves: it is then sent piece by piece. */
function isWatched(request: Request, { length }: Buffer | string): boolean {
  return length > sliceSize && activityOf(request) !== undefined;
}

function bytesOf(data: unknown): Buffer | string | undefined {
  if (typeof data === 'string' || Buffer.isBuffer(data)) return data;
  if (types.isArrayBuffer(data)) return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : undefined;
}

function checkLength(data: Buffer | string, request: Request): void {
  const { maxBodyLength = -1 } = request;
  if (maxBodyLength > -1 && Buffer.byteLength(data) > maxBodyLength) throw tooLarge(request);
}

function tooLarge(request: Request): AxiosError {
  return new AxiosError('Request body larger than maxBodyLength limit', AxiosError.ERR_BAD_REQUEST, request);
}

/** A streamed body: counted, reported to the progress listener, and kept where a redirect may need it again. */
class StreamUpload implements Upload {
  readonly headers: BodyHeaders | undefined;
  error: Error | undefined;
  readonly #request: Request;
  readonly #source: Source;
  readonly #context: AsyncResource;
  readonly #limit: number;
  readonly #progress: Progress | undefined;
  readonly #activity: Activity | undefined;
  /** True where a redirect may need a body that cannot be opened again. */
  readonly #keeps: boolean;
  #kept: Buffer[] = [];
  #pieces: Pieces | undefined;
  #reading: Promise<Buffer | undefined> | undefined;
  #size = 0;
  #sending: RequestBody | undefined;

  constructor(request: Request, source: Source) {
    this.#request = request;
    this.#source = source;
    this.#context = contextOf(request);
    this.headers = source.headers;
    this.#limit = request.maxBodyLength ?? -1;
    this.#keeps = !source.replayable && request.maxRedirects !== 0;
    const length = Number(
      source.headers?.['content-length'] ?? getHeader(request.headers, 'content-length') ?? Number.NaN,
    );
    this.#activity = activityOf(request);
    this.#progress = progressOf(request.onUploadProgress, 'upload', length);
    if (this.#limit > -1 && length > this.#limit && source.replayable) throw tooLarge(request);
  }

  body(): Readable {
    // An earlier request of a redirect chain may have been answered before it was sent to its end.
    this.#sending?.destroy();
    if (this.#pieces === undefined || this.#source.replayable) this.#open();
    let at = 0;
    this.#sending = new RequestBody(
      this.#context,
      () => this.#piece(at++),
      () => this.#keeps || this.#pieces?.close(),
    );
    return this.#sending;
  }

  #open(): void {
    this.#pieces?.close();
    this.#pieces = this.#source.open();
    this.#size = 0;
  }

  /** A body that is still being sent when the answer comes is sent on; only a failure ends it. */
  finish(failed: boolean): void {
    if (failed) this.#sending?.destroy();
    if (this.#sending?.destroyed === false) this.#sending.once('close', () => this.#close());
    else this.#close();
  }

  #close(): void {
    // A body that was never read is destroyed too: no other code knows that it is not needed.
    if (this.#pieces !== undefined) this.#pieces.close();
    else if (!this.#source.replayable) discardUpload(this.#request.data);
  }

  /** The piece at this index of the body; undefined after the last. */
  async #piece(at: number): Promise<Buffer | undefined> {
    if (!this.#keeps) return this.#next();
    if (at < this.#kept.length) return this.#kept[at];
    // Two requests may read the same piece: one that was aborted, and the next of the chain.
    this.#reading ??= this.#next().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #next(): Promise<Buffer | undefined> {
    if (this.#size > 0) this.#progress?.moved(this.#size);
    // The source of the body may be slow, which is not the server's doing.
    this.#activity?.hold('request');
    try {
      const { done, value } = await (this.#pieces as Pieces).next();
      this.#activity?.moved('request');
      if (!done) return this.#counted(Buffer.isBuffer(value) ? value : Buffer.from(value as string));
      this.#progress?.end();
      return undefined;
    } catch (cause) {
      this.error ??= uploadError(cause as NodeJS.ErrnoException, this.#request);
      throw this.error;
    }
  }

  #counted(chunk: Buffer): Buffer {
    this.#size += chunk.length;
    if (this.#limit > -1 && this.#size > this.#limit) throw tooLarge(this.#request);
    if (this.#keeps) this.#kept.push(chunk);
    return chunk;
  }
}

/** The error for a body that could not be read to its end, with axios's code and message. */
function uploadError(cause: NodeJS.ErrnoException, request: Request): AxiosError {
  if (cause instanceof AxiosError) return cause;
  // A generator may throw a value of any kind.
  if (!isError(cause)) return asAxiosError(cause, AxiosError.ERR_BAD_REQUEST, request);
  if (cause.code === 'ERR_STREAM_PREMATURE_CLOSE') return new CanceledError('Request stream has been aborted', request);
  return withCause(new AxiosError(cause.message, cause.code, request), cause);
}
