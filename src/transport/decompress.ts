/** Content codings: gzip, deflate (with and without zlib header), br, and zstd where Node has it (22.15). */
import { PassThrough, pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { BodyStream } from './body-stream.js';

type Headers = Record<string, unknown>;

const brotli = promisify(zlib.brotliDecompress);
const unzip = promisify(zlib.unzip);
const inflateRaw = promisify(zlib.inflateRaw);

/** What the types of Node 20 do not know yet. */
const { createZstdDecompress, zstdDecompress } = zlib as typeof zlib & {
  createZstdDecompress?: () => Transform;
  zstdDecompress?: (body: Buffer, options: object, done: (error: Error | null, plain: Buffer) => void) => void;
};

export const hasZstd = zstdDecompress !== undefined;

export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** The coding to undo, if it is one we know. */
export function encodingOf(headers: Headers | undefined): Coding | undefined {
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
    case 'zstd':
      return zstdDecompress && 'zstd';
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
  if (encoding === 'zstd' && zstdDecompress !== undefined) return promisify(zstdDecompress)(body, options);
  return encoding === 'deflate' && isRawDeflate(body[0]) ? inflateRaw(body, options) : unzip(body, options);
}

/** The same for a stream, through `limit` where there is one; destroying what is returned destroys the source. */
export function decompressStream(source: BodyStream, headers: Headers, limit: Transform | false): Readable {
  const encoding = encodingOf(headers);
  delete headers['content-encoding'];
  if (encoding === 'deflate') return inflate(source, limit || new PassThrough());
  const decoder = decoderOf(encoding);
  return limit ? pipeline(source, decoder, limit, () => {}) : pipeline(source, decoder, () => {});
}

function decoderOf(encoding: Coding | undefined): Transform {
  if (encoding === 'br') return zlib.createBrotliDecompress();
  return encoding === 'zstd' && createZstdDecompress !== undefined ? createZstdDecompress() : zlib.createUnzip();
}

/** Deflate: whether it has a zlib header shows in its first byte. */
function inflate(source: Readable, target: Transform): Readable {
  const decode = (first: Buffer) => {
    source.off('end', empty).pause().unshift(first);
    pipeline(source, isRawDeflate(first[0]) ? zlib.createInflateRaw() : zlib.createInflate(), target, () => {});
  };
  const empty = () => target.end();
  source.once('data', decode).once('end', empty);
  source.once('error', (error) => target.destroy(error));
  target.once('close', () => source.destroy());
  return target;
}

/** Fails with `exceeded()` once more than `limit` bytes have come through. */
export class LengthLimit extends Transform {
  #left: number;
  readonly #exceeded: () => Error;

  constructor(limit: number, exceeded: () => Error) {
    super();
    this.#left = limit;
    this.#exceeded = exceeded;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, callback: TransformCallback): void {
    this.#left -= chunk.length;
    if (this.#left < 0) callback(this.#exceeded());
    else callback(null, chunk);
  }
}

/** Some servers send deflate without its zlib header, whose first byte would end in 8. */
function isRawDeflate(first: number | undefined): boolean {
  return first !== undefined && (first & 0x0f) !== 0x08;
}
