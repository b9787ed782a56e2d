/** Where a streamed request body comes from, and the headers it brings along. */
import { Readable } from 'node:stream';
import { AxiosError } from 'axios';
import { isStream } from '../body.js';
import { getHeader } from '../headers.js';
import type { Request } from '../policy.js';
import { claimBody, through } from '../used-body.js';
import type { BodyHeaders } from './headers.js';
import { multipart } from './multipart.js';

export interface Source {
  open(): Readable;
  /** Can be opened again. */
  readonly replayable: boolean;
  readonly headers?: BodyHeaders | undefined;
}

/** @throws AxiosError ERR_BAD_REQUEST for data of no known kind; PillionError ERR_BODY_USED for a body that is gone */
export function sourceOf(data: unknown, request: Request): Source {
  claimBody(request);
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

/** One that undici can pause, and that tells nothing before it is read. */
function nodeStream(stream: Readable): Readable {
  return stream instanceof Readable && stream.readableFlowing !== true ? stream : through(stream);
}

/** What the form-data package tells of itself. */
interface FormDataPackage {
  getHeaders(): Record<string, string>;
  getLength?(done: (error: Error | null, length?: number) => void): void;
}

export function isFormDataPackage(data: unknown): data is FormDataPackage & Readable {
  return isStream(data) && typeof (data as Partial<FormDataPackage>).getHeaders === 'function';
}

/** Its parts may be files, whose length has to be asked for. */
export async function formPackageSource(form: FormDataPackage & Readable, request: Request): Promise<Source> {
  claimBody(request);
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
export function ownLength({ headers }: Request, length: number): BodyHeaders | undefined {
  return getHeader(headers, 'content-length') === undefined ? { 'content-length': String(length) } : undefined;
}

const sliceSize = 64 * 1024;

/** In pieces, so that there is progress to tell of. */
export function slices(bytes: Buffer): Readable {
  function* pieces() {
    for (let at = 0; at < bytes.length; at += sliceSize) yield bytes.subarray(at, at + sliceSize);
  }
  return Readable.from(pieces(), { objectMode: false });
}
