/** Converts headers: of a request for undici, and of an answer for axios. */
import { AxiosHeaders } from 'axios';
import type { Request, Response } from '../../call/message.js';
import { ownValue } from '../../call/own.js';
import type { BodyHeaders } from '../upload/body-source.js';
import { hasZstd } from './decompress.js';

/** The codings that axios's http adapter asks for. */
const acceptEncoding = 'gzip, compress, deflate, br';

/** The codings asked for: zstd where Node has it and `transitional.advertiseZstdAcceptEncoding` says so. */
function codingsOf(transitional: Request['transitional']): string {
  const advertised = ownValue(transitional, 'advertiseZstdAcceptEncoding');
  return advertised === true && hasZstd ? `${acceptEncoding}, zstd` : acceptEncoding;
}

const none: BodyHeaders = {};

/**
 * A list of name, value, name, value …, which undici takes fastest. Null, undefined and false are not sent, as in
 * axios. A caller's `content-length` goes before the body's own, except where the body is encoded here.
 */
export function flatHeaders(
  headers: Request['headers'],
  {
    authorization,
    userAgent,
    transitional,
    body = none,
  }: {
    authorization?: string | undefined;
    userAgent: string;
    transitional?: Request['transitional'];
    body?: BodyHeaders | undefined;
  },
): string[] {
  const flat: string[] = [];
  let encodes = false;
  let named = false;
  for (const name of Object.keys(headers)) {
    const value: unknown = headers[name];
    const lower = name.toLowerCase();
    if (lower === 'accept-encoding') encodes = true;
    else if (lower === 'user-agent') named = true;
    else if (lower === 'authorization' && authorization !== undefined) continue;
    else if (body !== none && Object.hasOwn(body, lower)) continue;
    if (value === null || value === undefined || value === false) continue;
    if (Array.isArray(value)) for (const each of value) flat.push(name, byteString(String(each)));
    else flat.push(name, byteString(String(value)));
  }
  for (const name of Object.keys(body)) flat.push(name, String(body[name]));
  // A header set to null or false is the caller's way to send none.
  if (!encodes) flat.push('accept-encoding', transitional === undefined ? acceptEncoding : codingsOf(transitional));
  if (!named) flat.push('user-agent', userAgent);
  if (authorization !== undefined) flat.push('authorization', authorization);
  return flat;
}

/** Leaves out characters beyond Latin-1, as axios does; undici refuses control characters. */
function byteString(value: string): string {
  return beyondLatin1.test(value) ? value.replaceAll(new RegExp(beyondLatin1, 'g'), '').trim() : value;
}

const beyondLatin1 = /[^\0-\xff]+/;

/** Headers of which Node keeps the first where a server sends several. */
const single = new Set([
  ...['age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host'],
  ...['if-modified-since', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards'],
  ...['proxy-authorization', 'referer', 'retry-after', 'server', 'user-agent'],
]);

/** Headers that are in normal form already: axios would normalise them twice for each answer, at 1 us each. */
class ReceivedHeaders extends AxiosHeaders {
  override normalize(format: boolean): AxiosHeaders {
    return format ? super.normalize(format) : this;
  }
}

/**
 * Converts undici's headers to those of Node's http: `set-cookie` is always a list, others that come twice are joined
 * or dropped.
 */
export function responseHeaders(raw: Record<string, unknown>): Response['headers'] {
  const headers = new ReceivedHeaders();
  for (const name of Object.keys(raw)) {
    // The status of an HTTP/2 answer stands among its headers: to delete it there, or to copy the others, took 2 us.
    if (name === ':status') continue;
    const value = raw[name];
    // This name would change the prototype of the headers; axios spells it this way.
    if (name === '__proto__') headers.__Proto__ = trimmed(String(value));
    else if (name === 'set-cookie') headers[name] = Array.isArray(value) ? value : [value as string];
    else headers[name] = trimmed(Array.isArray(value) ? joined(name, value) : (value as string));
  }
  return headers;
}

/** Removes the white space behind a value, which undici leaves there. */
function trimmed(value: string): string {
  const last = value.charCodeAt(value.length - 1);
  return last === 0x20 || last === 0x09 ? value.trimEnd() : value;
}

function joined(name: string, values: string[]): string {
  if (single.has(name)) return values[0] ?? '';
  return values.join(name === 'cookie' ? '; ' : ', ');
}
