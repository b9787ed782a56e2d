/** Reads the options of a dispatch by undici's rules: what undici refuses is refused here with the same words. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { stringify } from 'node:querystring';
import { types } from 'node:util';
import type { Dispatcher } from 'undici';
import { guard, isStream, isWebStream } from '../call/body.js';
import { through } from '../call/used-body.js';
import { multipart } from '../transport/upload/multipart.js';
import { undiciErrors } from './undici-errors.js';

/** Options of a dispatch, with those that undici's types do not name. */
export type DispatchOptions = Dispatcher.DispatchOptions & { readonly maxRedirections?: unknown };

/** A request as `forward` takes it. */
export interface DispatchedRequest {
  readonly method: string;
  readonly headers: readonly string[];
  readonly host: string | undefined;
  readonly body: string | Uint8Array | AsyncIterable<unknown> | undefined;
}

/** Methods whose requests are expected to have a body. */
const withBody = new Set(['PUT', 'POST', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);

const invalidPath = /[^\u0021-\u00ff]/;

/**
 * The URL that a dispatch asks for; undefined for a path that is a URL itself, as a request through a proxy has it.
 * @throws InvalidArgumentError for an origin, path or query that undici refuses
 */
export function dispatchedUrl({ origin, path, query }: DispatchOptions): URL | undefined {
  if (typeof path !== 'string') throw new (undiciErrors().InvalidArgumentError)('path must be a string');
  if (/^https?:\/\//.test(path)) return undefined;
  if (!path.startsWith('/'))
    throw new (undiciErrors().InvalidArgumentError)('path must be an absolute URL or start with a slash');
  if (invalidPath.test(path)) throw new (undiciErrors().InvalidArgumentError)('invalid request path');
  if (query && /[?#]/.test(path))
    throw new (undiciErrors().InvalidArgumentError)(
      'Query params cannot be passed when url already contains "?" or "#".',
    );
  const asked = query ? stringify(query) : '';
  const base = origin && URL.canParse(String(origin)) ? new URL(origin).origin : '';
  if (!URL.canParse(base + path)) throw new (undiciErrors().InvalidArgumentError)('invalid url');
  return new URL(base + path + (asked && `?${asked}`));
}

/**
 * Checks the options of a dispatch that goes to a client, and reads its headers and its body.
 * @throws InvalidArgumentError, NotSupportedError, RequestContentLengthMismatchError as undici does; NotSupportedError
 * for an upgrade too
 */
export function dispatchedRequest(options: DispatchOptions, failed: (error: Error) => void): DispatchedRequest {
  const { method, upgrade } = options;
  if (typeof method !== 'string') throw new (undiciErrors().InvalidArgumentError)('method must be a string');
  if (!isToken(method)) throw new (undiciErrors().InvalidArgumentError)('invalid request method');
  if (method === 'CONNECT' || upgrade)
    throw new (undiciErrors().NotSupportedError)(
      `${upgrade ? `An upgrade (${upgrade})` : 'CONNECT'} cannot go through a client; nothing was sent. Give the request a dispatcher of undici.`,
    );
  checkTime(options.headersTimeout, 'headersTimeout');
  checkTime(options.bodyTimeout, 'bodyTimeout');
  checkSwitch(options.reset, 'reset');
  checkSwitch(options.expectContinue, 'expectContinue');
  if (options.throwOnError != null) throw new (undiciErrors().InvalidArgumentError)('invalid throwOnError');
  if (options.maxRedirections)
    throw new (undiciErrors().InvalidArgumentError)('maxRedirections is not supported, use the redirect interceptor');
  const headers = new RequestHeaders(options.headers);
  const { data, length, type } = bodyOf(options.body, failed);
  const { contentLength } = headers;
  if (length !== undefined && contentLength !== undefined && contentLength !== length)
    throw new (undiciErrors().RequestContentLengthMismatchError)();
  if (contentLength === undefined && length) headers.list.push('content-length', String(length));
  // As in undici: a request that is not expected to have a body says nothing of its length.
  if (contentLength === 0 && data === undefined && !withBody.has(method)) headers.remove('content-length');
  if (type && !headers.hasType) headers.list.push('content-type', type);
  return { method, headers: headers.list, host: headers.host, body: data };
}

function checkTime(value: unknown, name: string): void {
  if (value != null && !(Number.isFinite(value) && (value as number) >= 0))
    throw new (undiciErrors().InvalidArgumentError)(`invalid ${name}`);
}

function checkSwitch(value: unknown, name: string): void {
  if (value != null && typeof value !== 'boolean') throw new (undiciErrors().InvalidArgumentError)(`invalid ${name}`);
}

function isToken(text: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(text);
}

/** The headers of a dispatch as names and values in turns, without `Host`. */
class RequestHeaders {
  readonly list: string[] = [];
  host: string | undefined;
  contentLength: number | undefined;
  hasType = false;

  constructor(given: unknown) {
    if (Array.isArray(given)) {
      if (given.length % 2 !== 0) throw new (undiciErrors().InvalidArgumentError)('headers array must be even');
      for (let index = 0; index < given.length; index += 2) this.#add(given[index], given[index + 1]);
    } else if (isIterable(given)) {
      for (const pair of given) {
        if (!Array.isArray(pair) || pair.length !== 2)
          throw new (undiciErrors().InvalidArgumentError)('headers must be in key-value pair format');
        this.#add(pair[0], pair[1]);
      }
    } else if (typeof given === 'object') {
      for (const name of Object.keys(given ?? {})) this.#add(name, (given as Record<string, unknown>)[name]);
    } else if (given !== undefined)
      throw new (undiciErrors().InvalidArgumentError)('headers must be an object or an array');
  }

  #add(key: unknown, given: unknown): void {
    if (given === undefined) return;
    const name = textOf(key, 'header key');
    checked(() => validateHeaderName(name), 'header key');
    const lower = name.toLowerCase();
    for (const each of Array.isArray(given) ? given : [given]) {
      const value = each === null ? '' : textOf(each, `${name} header`);
      checked(() => validateHeaderValue(name, value), `${name} header`);
      this.#take(name, lower, value);
    }
  }

  remove(name: string): void {
    const at = this.list.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name);
    this.list.splice(at, 2);
  }

  #take(name: string, lower: string, value: string): void {
    if (lower === 'transfer-encoding' || lower === 'keep-alive' || lower === 'upgrade')
      throw new (undiciErrors().InvalidArgumentError)(`invalid ${lower} header`);
    if (lower === 'connection' && !value.split(',').every((each) => isToken(each.trim())))
      throw new (undiciErrors().InvalidArgumentError)('invalid connection header');
    if (lower === 'expect') throw new (undiciErrors().NotSupportedError)('expect header not supported');
    if (lower === 'host') {
      if (this.host !== undefined) throw new (undiciErrors().InvalidArgumentError)('duplicate host header');
      this.host = value;
      return;
    }
    if (lower === 'content-length') {
      if (this.contentLength !== undefined)
        throw new (undiciErrors().InvalidArgumentError)('duplicate content-length header');
      if (!/^\d+$/.test(value)) throw new (undiciErrors().InvalidArgumentError)('invalid content-length header');
      this.contentLength = Number(value);
    }
    if (lower === 'content-type') this.hasType = true;
    this.list.push(name, value);
  }
}

/** Bytes are taken too, as raw headers of undici are bytes. */
function textOf(value: unknown, what: string): string {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol')
    throw new (undiciErrors().InvalidArgumentError)(`invalid ${what}`);
  return String(value);
}

function checked(check: () => void, what: string): void {
  try {
    check();
  } catch {
    throw new (undiciErrors().InvalidArgumentError)(`invalid ${what}`);
  }
}

interface Body {
  readonly data: DispatchedRequest['body'];
  /** Undefined where it is not known. */
  readonly length?: number;
  readonly type?: string;
}

/** `failed` is told the error of a body that cannot be read to its end. */
function bodyOf(body: unknown, failed: (error: Error) => void): Body {
  if (body === undefined || body === null) return { data: undefined, length: 0 };
  if (isStream(body)) {
    guard(body);
    body.once('error', failed);
    const data = Symbol.asyncIterator in body ? body : through(body);
    // All of it is here already.
    const { readableObjectMode, readableLength, readable } = body;
    const whole =
      readableObjectMode === false &&
      readable &&
      (body as { _readableState?: { ended?: boolean } })._readableState?.ended === true;
    return whole ? { data, length: readableLength } : { data };
  }
  if (typeof body === 'string') return bytesOf(Buffer.from(body));
  if (ArrayBuffer.isView(body)) return bytesOf(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  if (types.isAnyArrayBuffer(body)) return bytesOf(Buffer.from(body));
  if (isTagged(body, 'FormData')) {
    const { contentLength, contentType, encode } = multipart(body as FormData);
    return { data: piecesOf(encode(), failed), length: contentLength, type: contentType };
  }
  if (isTagged(body, 'Blob') || isTagged(body, 'File')) {
    const { size, type } = body as Blob;
    return { data: piecesOf((body as Blob).stream(), failed), length: size, type };
  }
  if (isWebStream(body)) return { data: body };
  if (typeof body === 'object' && (Symbol.asyncIterator in body || isIterable(body)))
    return { data: piecesOf(body as AsyncIterable<unknown>, failed) };
  throw new (undiciErrors().InvalidArgumentError)(
    'body must be a string, a Buffer, a Readable stream, an iterable, or an async iterable',
  );
}

function bytesOf(data: Buffer): Body {
  return data.length > 0 ? { data, length: data.length } : { data: undefined, length: 0 };
}

async function* piecesOf(body: AsyncIterable<unknown> | Iterable<unknown>, failed: (error: Error) => void) {
  try {
    for await (const piece of body) {
      if (typeof piece !== 'string' && !types.isUint8Array(piece)) throw wrongPiece();
      yield piece;
    }
  } catch (error) {
    failed(error as Error);
    throw error;
  }
}

function wrongPiece(): TypeError {
  const message = 'A piece of the request body must be a string, a Buffer or a Uint8Array.';
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
}

/** By its tag, as undici does: forms and blobs may come from another copy of undici. */
function isTagged(body: unknown, tag: string): boolean {
  return typeof body === 'object' && (body as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === tag;
}

/** A polluted `Object.prototype` makes no iterable of a plain object. */
function isIterable(value: unknown): value is Iterable<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Iterable<unknown>)[Symbol.iterator] !== undefined &&
    (value as Iterable<unknown>)[Symbol.iterator] !== (Object.prototype as Partial<Iterable<unknown>>)[Symbol.iterator]
  );
}

/** Destroys the body of a dispatch that was refused. */
export function destroyBody(body: unknown, error: Error): void {
  if (!isStream(body)) return;
  guard(body);
  body.destroy?.(error);
}
