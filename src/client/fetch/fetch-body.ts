/** Converts the bodies that `fetch` accepts into repeatable ones wherever that is possible. */
import { isAnyArrayBuffer, isUint8Array } from 'node:util/types';
import { onAbort } from '../../call/scope.js';

/** A body in a form that axios accepts, with its default content type. */
export interface Extracted {
  readonly data: unknown;
  readonly type?: string | undefined;
}

/**
 * Converts the body of `init`. Bytes are copied, so later changes by the caller have no effect.
 * @throws TypeError for a stream without `duplex: 'half'`
 */
export function extractBody(body: unknown, duplex: string | undefined): Extracted {
  if (typeof body === 'string') return { data: body, type: 'text/plain;charset=UTF-8' };
  if (isTagged(body, 'URLSearchParams'))
    return { data: String(body), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  if (isAnyArrayBuffer(body)) return { data: Buffer.from(new Uint8Array(body)) };
  if (ArrayBuffer.isView(body))
    return { data: Buffer.from(new Uint8Array(body.buffer, body.byteOffset, body.byteLength)) };
  // No type: the wire chooses the boundary that is part of it.
  if (isTagged(body, 'FormData')) return { data: ownForm(body as FormData) };
  if (isTagged(body, 'Blob') || isTagged(body, 'File')) {
    const { type } = body as Blob;
    return { data: body instanceof Blob ? body : (body as Blob).stream(), type: type || undefined };
  }
  if (!isIterable(body)) return { data: String(body), type: 'text/plain;charset=UTF-8' };
  if (duplex !== 'half') throw new TypeError("A body that is a stream needs the option duplex: 'half'.");
  return { data: body };
}

/** By its tag: undici, and packages for older Node versions, have classes of their own. */
function isTagged(body: unknown, tag: string): boolean {
  return typeof body === 'object' && (body as { [Symbol.toStringTag]?: unknown } | null)?.[Symbol.toStringTag] === tag;
}

/** The same form in Node's own class, which the wire knows. */
function ownForm(form: FormData): FormData {
  if (form instanceof FormData) return form;
  const own = new FormData();
  for (const [name, value] of form as FormData)
    if (typeof value === 'string') own.append(name, value);
    else own.append(name, value, value.name);
  return own;
}

/** A web stream or, as in Node's own fetch, any async iterable. */
function isIterable(body: unknown): body is AsyncIterable<unknown> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/** Most bytes of a `Request` body that are buffered, so that the call can be retried. */
const held = 1024 * 1024;

/**
 * Converts the body of a `Request`, which is always a stream: a body of up to 1 MiB is buffered, so that it can be sent
 * again; a larger one is sent as a stream that begins with the bytes already read.
 */
export async function heldBody(body: ReadableStream<Uint8Array>, signal: AbortSignal | undefined): Promise<Extracted> {
  const reader = body.getReader();
  const release = signal && onAbort(signal, () => void reader.cancel(signal.reason).catch(() => {}));
  const chunks: Uint8Array[] = [];
  try {
    for (let size = 0; size <= held; size += chunks.at(-1)?.length ?? 0) {
      const { done, value } = await reader.read();
      if (done) return { data: Buffer.concat(chunks) };
      if (!isUint8Array(value)) throw new TypeError('A chunk of the body is not a Uint8Array.');
      chunks.push(value);
    }
  } finally {
    release?.();
  }
  return { data: continued(chunks, reader) };
}

function continued(chunks: readonly Uint8Array[], reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream {
  const begun = [...chunks];
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const first = begun.shift();
      if (first !== undefined) return controller.enqueue(first);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
