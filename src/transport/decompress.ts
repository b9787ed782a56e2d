/** Content codings: gzip, deflate (with and without zlib header) and br. */

import type { Transform } from 'node:stream';
import { pipeline, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { BodyStream } from './body-stream.js';

type Headers = Record<string, unknown>;

const brotli = promisify(zlib.brotliDecompress);
const unzip = promisify(zlib.unzip);
const inflateRaw = promisify(zlib.inflateRaw);

/** The coding to undo, if it is one we know. */
export function encodingOf(headers: Headers | undefined): 'gzip' | 'deflate' | 'br' | undefined {
  const value = headers?.['content-encoding'];
  switch (typeof value === 'string' ? value.trim().toLowerCase() : undefined) {
    case 'gzip':
    case 'x-gzip':
    case 'compress':
    case 'x-compress':
      return 'gzip';
    case 'deflate':
      return 'deflate';
    case 'br':
      return 'br';
    default:
      return undefined;
  }
}

/** The plain body, and no `content-encoding` any more. Rejects with ERR_BUFFER_TOO_LARGE above `limit` bytes. */
export function decompress(body: Buffer, headers: Headers, limit: number): Promise<Buffer> {
  const encoding = encodingOf(headers);
  delete headers['content-encoding'];
  const options = limit > -1 ? { maxOutputLength: Math.max(1, limit) } : {};
  if (encoding === 'br') return brotli(body, options);
  return encoding === 'deflate' && isRawDeflate(body[0]) ? inflateRaw(body, options) : unzip(body, options);
}

/** The same for a stream; destroying what is returned destroys the source. */
export function decompressStream(source: BodyStream, headers: Headers): Readable {
  const encoding = encodingOf(headers);
  delete headers['content-encoding'];
  const decoder: Transform = encoding === 'br' ? zlib.createBrotliDecompress() : zlib.createUnzip();
  return pipeline(source, decoder, () => {});
}

/** Some servers send deflate without its zlib header, whose first byte would end in 8. */
function isRawDeflate(first: number | undefined): boolean {
  return first !== undefined && (first & 0x0f) !== 0x08;
}
