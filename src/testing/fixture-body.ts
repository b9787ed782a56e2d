/** Bodies on their way into a fixture, in the form that reads best, and out of it again. */
import { isUtf8 } from 'node:buffer';
import { pipeline, type Readable, Transform } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { isStream } from '../body.js';
import { isForm } from './form.js';
import type { Mask } from './masking.js';

/** A body in a file: one of these, none where there is no body. */
export interface FixtureBody {
  /** Parsed; white space between its parts is not kept. */
  json?: unknown;
  /** Text of any other kind, and JSON that parsing would change, such as numbers beyond 2^53. */
  text?: string;
  /** Bytes that are no text. */
  base64?: string;
  /** Names and values of a multipart form; of a file its name, type and size. */
  form?: [string, string][];
  /** A request body that can be read once only, and so was not read: `stream`. It is not compared. */
  unread?: string;
}

/** What a request sends. */
export function requestBody(data: unknown, contentType: string, mask: Mask): FixtureBody {
  if (data === undefined || data === null) return {};
  if (data instanceof FormData) return { form: partsOf(data, mask) };
  if (data instanceof Blob) return { unread: `blob of ${data.size} bytes` };
  if (isStream(data) || data instanceof ReadableStream || isIterable(data)) return { unread: 'stream' };
  return bodyOf(bytesOf(data), contentType, mask);
}

/** What came back. */
export function bodyOf(bytes: Buffer, contentType: string, mask: Mask): FixtureBody {
  if (bytes.length === 0) return {};
  const text = isUtf8(bytes) ? bytes.toString() : undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (text === undefined || /[\0-\x08\x0b\x0c\x0e-\x1f]/.test(text)) return { base64: bytes.toString('base64') };
  if (isForm(text, contentType)) return { text: mask.form(text) };
  const parsed = parse(text, contentType);
  if (parsed === undefined) return { text: mask.text(text) };
  const json = mask.json(parsed);
  return isWhole(text, parsed) || !isDeepStrictEqual(json, parsed) ? { json } : { text };
}

/** The bytes that a recorded answer had, as far as they are known. */
export function bytesOfBody({ json, text, base64 }: FixtureBody): Buffer {
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  if (text !== undefined) return Buffer.from(text);
  return json === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(json));
}

/** Whatever a wire gives for a body that was asked for as bytes. */
export function bytesOf(data: unknown): Buffer {
  if (data === undefined || data === null) return Buffer.alloc(0);
  if (typeof data === 'string' || Buffer.isBuffer(data)) return Buffer.from(data as string);
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.from(data instanceof URLSearchParams ? data.toString() : JSON.stringify(data));
}

/** JSON by its type, or by its looks. */
function parse(text: string, contentType: string): unknown {
  if (!contentType.includes('json') && !/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** True where nothing but white space is lost: no number is rounded, no name comes twice, no escape is spelt otherwise. */
function isWhole(text: string, parsed: unknown): boolean {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1') === JSON.stringify(parsed);
}

function partsOf(form: FormData, mask: Mask): [string, string][] {
  return [...form].map(([name, value]) => {
    if (typeof value !== 'string') return [name, `${value.name} (${value.type || 'no type'}, ${value.size} bytes)`];
    return [name, (mask.json({ [name]: value }) as Record<string, string>)[name] ?? ''];
  });
}

function isIterable(data: unknown): boolean {
  return typeof data === 'object' && data !== null && Symbol.asyncIterator in data;
}

/**
 * A stream that hands on what it reads, `limit` bytes at most, and tells what that was once it is over: all of it, what came
 * before it broke off, or as much as was read.
 */
export function tapped(source: Readable, limit: number, over: (read: Buffer, error?: Error) => void): Readable {
  const chunks: Buffer[] = [];
  let size = 0;
  const tap = new Transform({
    transform: (chunk: Buffer, _, done) => {
      size += chunk.length;
      if (size > limit) return done(tooLong(limit));
      chunks.push(chunk);
      done(null, chunk);
    },
  });
  let failure: Error | undefined;
  source.once('error', (error) => {
    // Who leaves early ends the source, and that is no failure of it.
    if (!tap.destroyed) failure = error;
  });
  pipeline(source, tap, () => {
    if (size <= limit) over(Buffer.concat(chunks), failure);
  });
  return tap;
}

/** Not an error of the wire: no policy repeats it. */
export function tooLong(limit: number): Error {
  return new Error(`The answer is longer than ${limit} bytes and was not recorded; raise maxBodyBytes of the fixture.`);
}
