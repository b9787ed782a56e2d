/** Converts a buffered body to what `responseType` and `responseEncoding` ask for. */

import type { Request, Response } from './message.js';
import { ownValue } from './own.js';

export function bodyData(body: Buffer, request: Request, headers: Response['headers'] | undefined): unknown {
  const { responseType } = request;
  if (responseType === 'arraybuffer') return body;
  if (responseType === 'blob') return new Blob([body as never], { type: String(headers?.['content-type'] ?? '') });
  return textOf(body, ownValue(request, 'responseEncoding') as BufferEncoding | undefined);
}

/** The body as text, in UTF-8 without its byte order mark unless another encoding is asked for. */
function textOf(body: Buffer, encoding: BufferEncoding | undefined): string {
  if (encoding !== undefined && encoding !== 'utf8') return body.toString(encoding);
  const text = body.toString();
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
