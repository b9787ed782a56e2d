/** Questions about bodies that may be streams, and the rule that each such stream is let go of by somebody. */
import { Readable } from 'node:stream';
import type { Response } from './policy.js';

/** True for a Node stream: the call has answered, the body is still to come. */
export function isStream(data: unknown): data is Readable {
  return data instanceof Readable || typeof (data as { pipe?: unknown } | null | undefined)?.pipe === 'function';
}

/** True for a stream of the web's kind, whichever copy of it: by its shape. */
export function isWebStream(data: unknown): data is ReadableStream<Uint8Array> {
  return (
    data instanceof ReadableStream ||
    (typeof (data as Partial<ReadableStream> | null | undefined)?.getReader === 'function' && !isStream(data))
  );
}

/** The response that a failure carries, whatever was thrown. */
export function responseOf(thrown: unknown): Response | undefined {
  return (thrown as { response?: Response | null } | null | undefined)?.response ?? undefined;
}

/** What waits for the end of a body: one listener of ours on each stream, however many policies wait. */
const waiting = new WeakMap<Readable, (() => void)[]>();
const received = new WeakSet<Readable>();

/**
 * Calls `listener` once when the wire is done with the body: at once for a buffered one, for a stream when its last byte has
 * arrived, read or not, or when it is given up.
 */
export function onBodyEnd(response: Response, listener: () => void): void {
  const body: unknown = response.data;
  if (!isStream(body) || body.destroyed || body.closed || received.has(body)) {
    listener();
    return;
  }
  const listeners = waiting.get(body);
  if (listeners !== undefined) {
    listeners.push(listener);
    return;
  }
  waiting.set(body, [listener]);
  body.once('close', () => bodyReceived(body));
}

/** The wire is done with this body: what its call held is free, whenever the body is read. */
export function bodyReceived(body: Readable): void {
  received.add(body);
  const listeners = waiting.get(body);
  waiting.delete(body);
  for (const listener of listeners ?? []) listener();
}

/**
 * Ends a stream before its time. Where nobody listens for an error it ends nothing else: unhandled it would end the process, ten
 * seconds after a body was ignored. A listener that is added later is told then.
 */
export function endBody(body: Readable, error: Error): void {
  if (body.listenerCount('error') === 0) {
    guard(body);
    tellLater(body, error);
  }
  body.destroy(error);
}

/** Tells listeners for `error` that are still to come: what they listen for has happened already. */
export function tellLater(stream: Readable, error: Error): void {
  stream.on('newListener', (event, listener) => {
    if (event === 'error') process.nextTick(() => listener.call(stream, error));
  });
}

/** Frees the socket of a response nobody will read. */
export function discard(response: Response | undefined): void {
  letGo(response?.data);
}

/**
 * Lets go of a request body that will not be sent, or not to its end: files are closed, sockets freed. What can be sent again
 * (text, bytes, forms, blobs) stays as it is.
 */
export function discardUpload(data: unknown): void {
  // The form-data package has its files in a list of its own, and forgets them when it is destroyed.
  const { _streams: parts, _currentStream: current } = (data ?? {}) as { _streams?: unknown; _currentStream?: unknown };
  letGo(data);
  if (!isStream(data) || !Array.isArray(parts)) return;
  for (const part of [current, ...parts]) letGo((part as { source?: unknown } | null | undefined)?.source ?? part);
}

function letGo(body: unknown): void {
  if (isStream(body)) {
    guard(body);
    // Streams of Node's old kind may not have it.
    body.destroy?.();
  } else if (isWebStream(body) && !body.locked) body.cancel().catch(() => {});
}

/** A stream may emit an error after everybody has left; without a listener that would end the process. */
export function guard(stream: Readable): void {
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
}

function ignore(): void {}
