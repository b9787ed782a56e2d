/** Request bodies: every kind axios takes, as undici takes it, with the headers it brings along. */
import { Readable } from 'node:stream';
import { AxiosError, CanceledError } from 'axios';
import { withCause } from '../errors.js';
import { getHeader } from '../headers.js';
import type { Request } from '../policy.js';
import { formPackageSource, isFormDataPackage, ownLength, type Source, slices, sourceOf } from './body-source.js';
import type { BodyHeaders } from './headers.js';
import { type Progress, progressOf } from './progress.js';

export interface Upload {
  readonly headers?: BodyHeaders | undefined;
  /** The body for the first or the next sending: a redirect may ask for it again. */
  body(): Buffer | string | Readable | null;
  /** Why the body could not be read to its end. */
  error?: Error | undefined;
  /** No redirect will ask for it any more: lets go of what will not be sent. */
  finish?(failed: boolean): void;
}

const nothing: Upload = { body: () => null };

/**
 * The body of a request.
 * @throws AxiosError ERR_BAD_REQUEST for data of no known kind, or larger than `maxBodyLength`
 */
export function uploadOf(request: Request): Upload | Promise<Upload> {
  const data: unknown = request.data;
  if (data === undefined || data === null || data === '' || data === false || data === 0) return nothing;
  const plain = bytesOf(data);
  if (isFormDataPackage(data))
    return formPackageSource(data, request).then((source) => new StreamUpload(request, source));
  if (plain === undefined) return new StreamUpload(request, sourceOf(data, request));
  checkLength(plain, request);
  if (request.onUploadProgress === undefined) return { body: () => plain };
  const bytes = Buffer.from(plain as string);
  return new StreamUpload(request, {
    open: () => slices(bytes),
    replayable: true,
    headers: ownLength(request, bytes.length),
  });
}

function bytesOf(data: unknown): Buffer | string | undefined {
  if (typeof data === 'string' || Buffer.isBuffer(data)) return data;
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : undefined;
}

function checkLength(data: Buffer | string, request: Request): void {
  const { maxBodyLength = -1 } = request;
  if (maxBodyLength > -1 && Buffer.byteLength(data) > maxBodyLength) throw tooLarge(request);
}

function tooLarge(request: Request): AxiosError {
  return new AxiosError('Request body larger than maxBodyLength limit', AxiosError.ERR_BAD_REQUEST, request);
}

/** A body that flows: counted, watched, and kept where a redirect may ask for it once more. */
class StreamUpload implements Upload {
  readonly headers: BodyHeaders | undefined;
  error: Error | undefined;
  readonly #request: Request;
  readonly #source: Source;
  readonly #limit: number;
  readonly #progress: Progress | undefined;
  /** Chunks sent so far, where the source cannot be opened again. */
  readonly #kept: Buffer[] | undefined;
  #opened: Readable | undefined;
  /** What undici reads: the source itself, or what is made of it on the way. */
  #sending: Readable | undefined;
  #done = false;

  constructor(request: Request, source: Source) {
    this.#request = request;
    this.#source = source;
    this.headers = source.headers;
    this.#limit = request.maxBodyLength ?? -1;
    this.#kept = source.replayable || request.maxRedirects === 0 ? undefined : [];
    const length = Number(
      source.headers?.['content-length'] ?? getHeader(request.headers, 'content-length') ?? Number.NaN,
    );
    this.#progress = progressOf(request.onUploadProgress, 'upload', length);
    if (this.#limit > -1 && length > this.#limit && source.replayable) throw tooLarge(request);
  }

  body(): Readable {
    if (this.#opened === undefined || this.#source.replayable) this.#opened = this.#open();
    else return this.#sent(this.#replay());
    const plain = this.#limit < 0 && this.#progress === undefined && this.#kept === undefined;
    if (!plain) return this.#sent(this.#flow(this.#opened, 0));
    this.#sending = this.#opened;
    return this.#opened;
  }

  /** An answer may come before the whole body was sent, and does not end it. */
  finish(failed: boolean): void {
    // What was never begun is let go of too: nobody else knows that it is not needed.
    if (failed && !this.#source.replayable) this.#opened ??= this.#source.open();
    if (failed || this.#sending?.closed !== false) this.#opened?.destroy();
    else this.#sending.once('close', () => this.#opened?.destroy());
  }

  #sent(pieces: AsyncIterable<Buffer>): Readable {
    this.#sending = Readable.from(pieces, { objectMode: false });
    return this.#sending;
  }

  #open(): Readable {
    const stream = this.#source.open();
    stream.once('end', () => {
      this.#done = true;
    });
    stream.once('error', (error) => {
      this.error ??= error instanceof AxiosError ? error : asUploadError(error, this.#request);
    });
    stream.once('close', () => {
      if (!this.#done) this.error ??= new CanceledError('Request stream has been aborted', this.#request);
    });
    return stream;
  }

  async *#replay(): AsyncGenerator<Buffer> {
    const kept = [...(this.#kept ?? [])];
    yield* kept;
    if (!this.#done && this.#opened !== undefined) yield* this.#flow(this.#opened, Buffer.concat(kept).length);
  }

  async *#flow(stream: Readable, sent: number): AsyncGenerator<Buffer> {
    let size = sent;
    for await (const piece of stream.iterator({ destroyOnReturn: this.#kept === undefined })) {
      const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece as string);
      size += chunk.length;
      if (this.#limit > -1 && size > this.#limit) {
        this.error = tooLarge(this.#request);
        throw this.error;
      }
      this.#kept?.push(chunk);
      yield chunk;
      this.#progress?.moved(size);
    }
    this.#progress?.end();
  }
}

function asUploadError(cause: Error, request: Request): AxiosError {
  return withCause(new AxiosError(cause.message, (cause as NodeJS.ErrnoException).code, request), cause);
}
