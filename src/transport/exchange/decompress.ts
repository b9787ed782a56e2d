/** Content codings: gzip, deflate (with and without zlib header), br, and zstd where Node has it (22.15). */
import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

type Headers = Record<string, unknown>;

const brotli = promisify(zlib.brotliDecompress);
const unzip = promisify(zlib.unzip);
const inflateRaw = promisify(zlib.inflateRaw);

/** Missing in the types of Node 20. */
const { createZstdDecompress, zstdDecompress } = zlib as typeof zlib & {
  createZstdDecompress?: (options: object) => Transform;
  zstdDecompress?: (body: Buffer, options: object, done: (error: Error | null, plain: Buffer) => void) => void;
};

export const hasZstd = zstdDecompress !== undefined;

export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** A response with more codings is refused, as by curl and undici: each can multiply the size of a body. */
const maxCodings = 5;

const none: readonly Coding[] = [];

/**
 * The codings of a body in the order in which they were applied. Empty where there are none, or where one is unknown:
 * such a body is handed out as it came, as axios and fetch do.
 * @throws Error ERR_BAD_RESPONSE for more than five codings
 */
function codingsOf(headers: Headers | undefined): readonly Coding[] {
  const value = headers?.['content-encoding'];
  if (typeof value !== 'string') return none;
  const names = value.split(',').map((name) => name.trim().toLowerCase());
  const applied = names.filter((name) => name !== '' && name !== 'identity');
  if (applied.length > maxCodings) {
    const message = `The response has ${applied.length} content codings; at most ${maxCodings} are decoded.`;
    throw Object.assign(new Error(message), { code: 'ERR_BAD_RESPONSE' });
  }
  const known = applied.map(codingOf);
  return known.includes(undefined) ? none : (known as Coding[]);
}

/** Statuses whose answers end at their headers, whatever these say of a body (RFC 9110, 6.4.1). */
const withoutContent = new Set([204, 205, 304]);

/**
 * The codings that must be decoded; `content-encoding` is removed from the headers then, and where there is no body.
 */
export function takeCodings(headers: Headers, method: string | undefined, status: number): readonly Coding[] {
  const isEmpty = method?.toUpperCase() === 'HEAD' || withoutContent.has(status);
  const codings = isEmpty ? none : codingsOf(headers);
  if (isEmpty || codings.length > 0) delete headers['content-encoding'];
  return codings;
}

function codingOf(name: string): Coding | undefined {
  switch (name) {
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

/** Decodes a buffered body. Rejects with ERR_BUFFER_TOO_LARGE above `limit` bytes. */
export async function decompress(body: Buffer, codings: readonly Coding[], limit: number): Promise<Buffer> {
  let plain = body;
  // An empty body was never encoded, whatever its headers say.
  for (const coding of codings.toReversed()) if (plain.length > 0) plain = await undo(coding, plain, limit);
  return plain;
}

const kibibyte = 1024;

/**
 * Bytes of a piece in which zlib hands out what it decodes. Each piece is a job for Node's threads and a turn of the event loop:
 * with Node's default of 16 KiB, 10 MB of JSON take twice the CPU. More than 256 KiB change nothing.
 */
const streamedChunk = 64 * kibibyte;
const bufferedChunk = (body: Buffer) => Math.min(Math.max(8 * body.length, 16 * kibibyte), 256 * kibibyte);

function undo(coding: Coding, body: Buffer, limit: number): Promise<Buffer> {
  const chunkSize = bufferedChunk(body);
  const options = { signal: undefined, chunkSize, ...(limit > -1 && { maxOutputLength: Math.max(1, limit) }) };
  if (coding === 'br') return brotli(body, options);
  if (coding === 'zstd' && zstdDecompress !== undefined) return promisify(zstdDecompress)(body, options);
  return coding === 'deflate' && isRawDeflate(body[0]) ? inflateRaw(body, options) : unzip(body, options);
}

/** Takes a body piece by piece. */
export interface ByteSink {
  /** Returns false where it takes no more until it has drained. */
  write(chunk: Buffer): boolean;
  end(): void;
  fail(error: Error): void;
}

/** Decodes a streamed body. Its zlib streams are never handed to a caller, and each has an `error` listener. */
export class Decoder implements ByteSink {
  readonly #stages: Stage[] = [];

  /** `drained` is called when it takes more after a `write` that returned false. */
  constructor(codings: readonly Coding[], sink: ByteSink, drained: () => void) {
    let next = sink;
    for (const [at, coding] of codings.entries()) {
      const stage = new Stage(coding, next, () =>
        at === codings.length - 1 ? drained() : this.#stages[at + 1]?.resume(),
      );
      this.#stages.push(stage);
      next = stage;
    }
  }

  write(chunk: Buffer): boolean {
    return this.#stages.at(-1)?.write(chunk) ?? true;
  }

  end(): void {
    this.#stages.at(-1)?.end();
  }

  fail(): void {
    for (const stage of this.#stages) stage.destroy();
  }

  /** Called when the sink takes more. */
  resume(): void {
    this.#stages[0]?.resume();
  }
}

/**
 * Decodes one coding. Its zlib stream is made at the first byte: an empty body was never encoded, and that byte shows
 * which kind of deflate it is.
 */
class Stage implements ByteSink {
  readonly #coding: Coding;
  readonly #sink: ByteSink;
  readonly #drained: () => void;
  #decoder: Transform | undefined;
  #done = false;

  constructor(coding: Coding, sink: ByteSink, drained: () => void) {
    this.#coding = coding;
    this.#sink = sink;
    this.#drained = drained;
  }

  write(chunk: Buffer): boolean {
    // Bytes after the end of the encoded data are ignored, as by zlib itself.
    if (this.#done || chunk.length === 0) return true;
    this.#decoder ??= this.#open(chunk[0]);
    return this.#decoder.write(chunk);
  }

  end(): void {
    if (this.#done) return;
    if (this.#decoder === undefined) this.#finish();
    else this.#decoder.end();
  }

  fail(error: Error): void {
    this.#sink.fail(error);
  }

  resume(): void {
    this.#decoder?.resume();
  }

  destroy(): void {
    this.#done = true;
    this.#decoder?.destroy();
  }

  #open(first: number | undefined): Transform {
    const decoder = decoderOf(this.#coding, first);
    decoder.on('data', (chunk: Buffer) => this.#sink.write(chunk) || decoder.pause());
    decoder.on('end', () => {
      this.#finish();
      // Where bytes follow the encoded data, the decoder ends early and emits no further `drain`.
      this.#drained();
    });
    decoder.on('error', (error) => this.#done || this.#sink.fail(error));
    decoder.on('drain', this.#drained);
    return decoder;
  }

  #finish(): void {
    this.#done = true;
    this.#sink.end();
  }
}

function decoderOf(coding: Coding, first: number | undefined): Transform {
  const options = { chunkSize: streamedChunk };
  if (coding === 'br') return zlib.createBrotliDecompress(options);
  if (coding === 'zstd' && createZstdDecompress !== undefined) return createZstdDecompress(options);
  return coding === 'deflate' && isRawDeflate(first) ? zlib.createInflateRaw(options) : zlib.createUnzip(options);
}

/** Some servers send deflate without its zlib header, whose first byte has 8 in its low four bits. */
function isRawDeflate(first: number | undefined): boolean {
  return first !== undefined && (first & 0x0f) !== 0x08;
}
