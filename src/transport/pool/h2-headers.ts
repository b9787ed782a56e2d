/** Converts the headers of a request to those of HTTP/2. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import http2, { type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import { AxiosError } from 'axios';
import type { Job } from './connection.js';

const connectionHeaders = new Set(['connection', 'host', 'keep-alive', 'proxy-connection', 'transfer-encoding']);

/**
 * Headers that are another in each request. HPACK would put each into its table of what both sides remember, and push out
 * the headers that stay the same: two of them took 10 of 65 us of a request.
 */
const ofOneRequest = [
  ...['x-request-id', 'traceparent', 'tracestate', 'baggage', 'idempotency-key', 'x-request-timeout-ms'],
];

/**
 * The fields of one request: an object without a prototype, which V8 keeps in a fast form. Node copies them, which takes it
 * 4 us more from `Object.create(null)`.
 */
class Fields {
  [name: string]: string | string[];
}
Object.setPrototypeOf(Fields.prototype, null);

/** Names as callers write them, by the names that HTTP/2 sends: to lower and check each anew took 3 us of a request. */
const known = new Map<string, string>();

/** Clients have few names, and short ones. What a forwarded request brings beyond that is not kept. */
const kept = { names: 1000, length: 64 };

function fieldName(written: string): string {
  const found = known.get(written);
  if (found !== undefined) return found;
  const name = written.toLowerCase();
  // Node would end the whole connection for a bad name.
  validateHeaderName(name);
  if (known.size < kept.names && written.length <= kept.length) known.set(written, name);
  return name;
}

/** HTTP/2 has pseudo-headers for the request line, and no headers for the connection (RFC 9113, 8.2.2 and 8.3). */
export function pseudoHeaders({ options }: Job, session: ClientHttp2Session): OutgoingHttpHeaders {
  const { path, method, headers: flat, body } = options;
  const headers = new Fields();
  headers[':method'] = String(method);
  headers[':path'] = path;
  const list = flat as string[];
  for (let at = 0; at < list.length; at += 2) {
    const name = fieldName(list[at] as string);
    const value = list[at + 1] as string;
    if (name === 'host') headers[':authority'] = value;
    if (connectionHeaders.has(name)) continue;
    // Node would send a bad value.
    validateHeaderValue(name, value);
    headers[name] = Object.hasOwn(headers, name) ? [headers[name] as string, value].flat() : value;
  }
  headers[http2.sensitiveHeaders as never] = ofOneRequest;
  if (session.encrypted) headers[':scheme'] = 'https';
  if (typeof body === 'string' || Buffer.isBuffer(body)) headers['content-length'] ??= String(Buffer.byteLength(body));
  return headers;
}

/** The error for a request that HTTP/2 cannot carry, such as one with a header that only HTTP/1.1 has. */
export function uncarried(cause: Error): Error {
  return Object.assign(new Error(cause.message, { cause }), { code: AxiosError.ERR_BAD_REQUEST });
}
