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

/** HTTP/2 has pseudo-headers for the request line, and no headers for the connection (RFC 9113, 8.2.2 and 8.3). */
export function pseudoHeaders({ options }: Job, session: ClientHttp2Session): OutgoingHttpHeaders {
  const { path, method, headers: flat, body } = options;
  const headers: Record<string, string | string[]> = Object.create(null);
  headers[':method'] = String(method);
  headers[':path'] = path;
  const list = flat as string[];
  for (let at = 0; at < list.length; at += 2) {
    const name = String(list[at]).toLowerCase();
    const value = String(list[at + 1]);
    if (name === 'host') headers[':authority'] = value;
    if (connectionHeaders.has(name)) continue;
    // Node would end the whole connection for a bad name, and would send a bad value.
    validateHeaderName(name);
    validateHeaderValue(name, value);
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
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
