/** Bodies and headers on their way into a fixture and out of it. */

import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import type { AxiosHeaders, ResponseType } from 'axios';
import type { Mask } from './masking.js';

/** A body as a file can have it: JSON parsed, text as it is, anything else as `{ base64 }`. */
export function bodyIn(body: unknown, contentType = ''): unknown {
  if (body === undefined || body === null) return undefined;
  if (body instanceof Readable || body instanceof ReadableStream) return '(a stream)';
  if (!(body instanceof ArrayBuffer) && !ArrayBuffer.isView(body)) return body;
  const bytes = Buffer.from(body as ArrayBuffer);
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) return { base64: bytes.toString('base64') };
  const text = bytes.toString();
  return contentType.includes('json') ? parsed(text) : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Bytes in the form that the wire gives for this `responseType`. */
export function bodyOut(body: Buffer, responseType: ResponseType | undefined): unknown {
  if (responseType === 'stream') return Readable.from([Buffer.from(body)]);
  if (responseType === 'arraybuffer') return body;
  return Buffer.from(body).toString();
}

/** About one connection, or another at each recording. */
const passing = new Set([
  ...['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'content-encoding'],
  ...['date', 'age', 'etag', 'server-timing', 'traceparent', 'x-request-id'],
]);

export function keptHeaders(headers: AxiosHeaders, mask: Mask): Record<string, string> {
  const entries = Object.entries(headers.toJSON()).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return mask.headers(Object.fromEntries(entries.filter(([name]) => !passing.has(name))));
}
