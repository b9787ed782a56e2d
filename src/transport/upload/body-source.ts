/** The sources of streamed request bodies, and the headers that a body brings along. */
import { finished, Readable } from 'node:stream';
import { AxiosError } from 'axios';
import { discardUpload, guard, isStream, isWebStream } from '../../call/body.js';
import { getHeader } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { once } from '../../call/once.js';
import { ownValue } from '../../call/own.js';
import { claimBody, through } from '../../call/used-body.js';
import { multipart } from './multipart.js';

/** Headers that a body brings along, by their lower-case names; they replace the caller's. */
export type BodyHeaders = Readonly<Record<string, string>>;

/** A body that is being read. */
export interface Pieces {
  next(): Promise<IteratorResult<unknown>>;
  /** Ends the reading, and closes the files and sockets behind it. */
  close(): void;
}

export interface Source {
  open(): Pieces;
  /** True where it can be opened again. */
  readonly replayable: boolean;
  readonly headers?: BodyHeaders | undefined;
}

/**
 * The source of a streamed body.
 * @throws AxiosError ERR_BAD_REQUEST for data of an unknown kind; PillionError ERR_BODY_USED for a body that was
 * already read
 */
export function sourceOf(data: unknown, request: Request): Source {
  claimBody(request);
  if (data instanceof FormData) return formSource(data, request);
  if (data instanceof Blob) return blobSource(data);
  if (isStream(data)) return { open: () => piecesOfStream(data), replayable: false };
  if (isWebStream(data)) return { open: () => piecesOfWebStream(data), replayable: false };
  if (typeof data === 'object' && Symbol.asyncIterator in (data as object))
    return { open: () => piecesOf(data as AsyncIterable<unknown>), replayable: false };
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
  return { open: () => piecesOf(encode()), replayable: true, headers };
}

function blobSource(blob: Blob): Source {
  const type = blob.size > 0 ? { 'content-type': blob.type || 'application/octet-stream' } : {};
  const headers = { ...type, 'content-length': String(blob.size) };
  return { open: () => piecesOfWebStream(blob.stream()), replayable: true, headers };
}

function piecesOf(iterable: AsyncIterable<unknown>): Pieces {
  const iterator = iterable[Symbol.asyncIterator]();
  // A generator that awaits something ends only when that has settled.
  return { next: () => iterator.next(), close: () => void iterator.return?.().catch(() => {}) };
}

function piecesOfStream(data: Readable): Pieces {
  guard(data);
  const stream = nodeStream(data);
  const close = () => {
    discardUpload(data);
    stream.destroy();
  };
  return { next: chunksOf(stream), close };
}

/**
 * As the stream's own iterator, but for this: `read()` without a size may fetch more first, and join all of it in a new buffer,
 * which takes as long as sending it. Most streams come in chunks of at most this size.
 */
function chunksOf(stream: Readable): Pieces['next'] {
  let wake = () => {};
  let over: { readonly error?: unknown } | undefined;
  const watch = once(() => {
    stream.on('readable', () => wake());
    finished(stream, { writable: false }, (error) => {
      over = { error };
      wake();
    });
  });
  const read = (): unknown => {
    const { readableLength: gathered } = stream;
    return gathered > 0 ? stream.read(Math.min(gathered, sliceSize)) : stream.read();
  };
  return async () => {
    watch();
    for (;;) {
      const value = stream.destroyed ? null : read();
      if (value !== null) return { done: false, value };
      if (over?.error) throw over.error;
      if (over !== undefined) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}

function piecesOfWebStream(stream: ReadableStream): Pieces {
  const reader = stream.getReader();
  const next = () => reader.read() as Promise<IteratorResult<unknown>>;
  return { next, close: () => void reader.cancel().catch(() => {}) };
}

/** A stream that undici can pause, and that emits nothing before it is read. */
function nodeStream(stream: Readable): Readable {
  return stream instanceof Readable && stream.readableFlowing !== true ? stream : through(stream);
}

/** The part of the form-data package that is used here. */
interface FormDataPackage {
  getHeaders(): Record<string, string>;
  getLength?(done: (error: Error | null, length?: number) => void): void;
}

/** True for a form of the form-data package, recognized by its shape. */
export function isFormDataPackage(data: unknown): data is FormDataPackage & Readable {
  return isStream(data) && typeof (data as Partial<FormDataPackage>).getHeaders === 'function';
}

/** The source of a form of the form-data package. Its parts may be files, whose length has to be looked up. */
export async function formPackageSource(form: FormDataPackage & Readable, request: Request): Promise<Source> {
  claimBody(request);
  const headers: Record<string, string> = lowerCased(form.getHeaders());
  if (ownValue(request, 'formDataHeaderPolicy') === 'content-only')
    for (const name of Object.keys(headers)) if (!contentHeaders.has(name)) delete headers[name];
  const length = headers['content-length'] === undefined ? await lengthOf(form) : undefined;
  return {
    open: () => piecesOfStream(form),
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

/** A `content-length` header for the body, unless the caller has set one. */
export function ownLength({ headers }: Request, length: number): BodyHeaders | undefined {
  return getHeader(headers, 'content-length') === undefined ? { 'content-length': String(length) } : undefined;
}

export const sliceSize = 64 * 1024;

/** The bytes in pieces, so that progress can be reported. */
export function slices(bytes: Buffer): Pieces {
  let at = 0;
  const next = async () => {
    const value = bytes.subarray(at, at + sliceSize);
    at += sliceSize;
    return { done: value.length === 0, value };
  };
  return { next, close: () => {} };
}
