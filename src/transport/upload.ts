/** Request bodies: every kind axios takes, as undici takes it, with the headers it brings along. */
import { PassThrough, Readable } from 'node:stream';
import { AxiosError, CanceledError } from 'axios';
import { isStream } from '../body.js';
import { withCause } from '../errors.js';
import { getHeader } from '../headers.js';
import type { Request } from '../policy.js';
import type { BodyHeaders } from './headers.js';
import { multipart } from './multipart.js';
import { type Progress, progressOf } from './progress.js';

export interface Upload {
  readonly headers?: BodyHeaders | undefined;
  /** The body for the first or the next sending: a redirect may ask for it again. */
  body(): Buffer | string | Readable | null;
  /** Why the body could not be read to its end. */
  error?: Error | undefined;
  /** No redirect will ask for it any more: lets go of what was not sent. */
  finish?(): void;
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

/** Where a streamed body comes from. */
interface Source {
  open(): Readable;
  /** Can be opened again. */
  readonly replayable: boolean;
  readonly headers?: BodyHeaders | undefined;
}

function sourceOf(data: unknown, request: Request): Source {
  if (data instanceof FormData) return formSource(data, request);
  if (data instanceof Blob) return blobSource(data);
  if (isStream(data)) return { open: () => nodeStream(data), replayable: false };
  if (data instanceof ReadableStream) return { open: () => Readable.fromWeb(data as never), replayable: false };
  if (typeof data === 'object' && Symbol.asyncIterator in (data as object))
    return { open: () => Readable.from(data as AsyncIterable<unknown>, { objectMode: false }), replayable: false };
  throw new AxiosError(
    'Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream',
    AxiosError.ERR_BAD_REQUEST,
    request,
  );
}

function formSource(form: FormData, request: Request): Source {
  const type: unknown = request.headers['content-type'] ?? request.headers['Content-Type'];
  const [, boundary] = /boundary=([-\w]{10,70})/i.exec(String(type ?? '')) ?? [];
  const { contentType, contentLength, encode } = multipart(form, boundary);
  const headers = { 'content-type': contentType, 'content-length': String(contentLength) };
  return { open: () => Readable.from(encode(), { objectMode: false }), replayable: true, headers };
}

function blobSource(blob: Blob): Source {
  const type = blob.size > 0 ? { 'content-type': blob.type || 'application/octet-stream' } : {};
  const headers = { ...type, 'content-length': String(blob.size) };
  return { open: () => Readable.fromWeb(blob.stream() as never), replayable: true, headers };
}

/** A stream of Node's old kind, as the form-data package has it, becomes one that undici can pause. */
function nodeStream(stream: Readable): Readable {
  if (stream instanceof Readable) return stream;
  const through = new PassThrough();
  (stream as Readable).once('error', (error) => through.destroy(error));
  return (stream as Readable).pipe(through);
}

/** What the form-data package tells of itself. */
interface FormDataPackage {
  getHeaders(): Record<string, string>;
  getLength?(done: (error: Error | null, length?: number) => void): void;
}

function isFormDataPackage(data: unknown): data is FormDataPackage & Readable {
  return isStream(data) && typeof (data as Partial<FormDataPackage>).getHeaders === 'function';
}

/** Its parts may be files, whose length has to be asked for. */
async function formPackageSource(form: FormDataPackage & Readable, request: Request): Promise<Source> {
  const headers: Record<string, string> = lowerCased(form.getHeaders());
  if (request.formDataHeaderPolicy === 'content-only')
    for (const name of Object.keys(headers)) if (!contentHeaders.has(name)) delete headers[name];
  const length = headers['content-length'] === undefined ? await lengthOf(form) : undefined;
  return {
    open: () => nodeStream(form),
    replayable: false,
    headers: { ...headers, ...(length !== undefined && ownLength(request, length)) },
  };
}

const contentHeaders = new Set(['content-type', 'content-length']);

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function lengthOf(form: FormDataPackage): Promise<number | undefined> {
  return new Promise((resolve) => {
    if (form.getLength === undefined) resolve(undefined);
    else form.getLength((error, length) => resolve(error ? undefined : length));
  });
}

/** The length of the body, unless the caller gives one. */
function ownLength({ headers }: Request, length: number): BodyHeaders | undefined {
  return getHeader(headers, 'content-length') === undefined ? { 'content-length': String(length) } : undefined;
}

const sliceSize = 64 * 1024;

/** In pieces, so that there is progress to tell of. */
function slices(bytes: Buffer): Readable {
  function* pieces() {
    for (let at = 0; at < bytes.length; at += sliceSize) yield bytes.subarray(at, at + sliceSize);
  }
  return Readable.from(pieces(), { objectMode: false });
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
  /** What undici reads, where that is not the source itself. */
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
    if (plain) return this.#opened;
    return this.#sent(this.#flow(this.#opened, 0));
  }

  #sent(pieces: AsyncIterable<Buffer>): Readable {
    this.#sending = Readable.from(pieces, { objectMode: false });
    return this.#sending;
  }

  finish(): void {
    if (this.#sending === undefined || this.#sending.closed) this.#opened?.destroy();
    else this.#sending.once('close', () => this.#opened?.destroy());
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
