/** Questions about bodies that may be streams, and the rule that each such stream is let go of by somebody. */
import { Readable } from 'node:stream';
import { ErrorCode } from './errors.js';
import type { Response } from './message.js';

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

/** A body that its caller has forgotten, unread, is over when it is collected. */
const forgotten = new FinalizationRegistry<(() => void)[]>(callAll);

function callAll(listeners: readonly (() => void)[]): void {
  for (const listener of listeners) listener();
}

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
  const first = [listener];
  waiting.set(body, first);
  forgotten.register(body, first, body);
  body.once('close', () => bodyReceived(body));
}

/** The wire is done with this body: what its call held is free, whenever the body is read. */
export function bodyReceived(body: Readable): void {
  received.add(body);
  const listeners = waiting.get(body);
  if (listeners === undefined) return;
  waiting.delete(body);
  forgotten.unregister(body);
  callAll(listeners);
}

/**
 * Ends a stream before its time. Like Node with its own responses, without an `error` event where nobody listens for one:
 * unhandled it would end the process, ten seconds after a body was ignored. A listener that is added later is told then.
 */
export function endBody(body: Readable, error: Error): void {
  if (body.listenerCount('error') > 0) {
    body.destroy(error);
    return;
  }
  body.destroy();
  tellLater(body, error);
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

/** A stream in a form of the form-data package, and what it has told since it was put there. */
export interface FormPart {
  readonly source: Readable;
  readonly _bufferedEvents: readonly ArrayLike<unknown>[];
}

/** The streams in such a form: the one that is being sent, and those that follow. */
export function formParts(form: unknown): FormPart[] {
  const { _streams: parts, _currentStream: current } = (form ?? {}) as { _streams?: unknown; _currentStream?: unknown };
  return isStream(form) && Object.hasOwn(form, '_streams') && Array.isArray(parts)
    ? [current, ...parts].filter(isFormPart)
    : [];
}

function isFormPart(part: unknown): part is FormPart {
  const { source, _bufferedEvents } = (part ?? {}) as Partial<FormPart>;
  return isStream(source) && Array.isArray(_bufferedEvents);
}

/**
 * Lets go of a request body that will not be sent, or not to its end, when it is called: files are closed, sockets freed. What
 * can be sent again (text, bytes, forms, blobs) stays as it is. The form-data package forgets its streams: they are noted now.
 */
export function uploadOwner(data: unknown): () => void {
  const streams = [data, ...formParts(data).map(({ source }) => source)];
  return () => streams.forEach(letGo);
}

/** The same, at once, for `error`. A body that was refused since it is used already may be another call's. */
export function discardUpload(data: unknown, error?: unknown): void {
  if (typeof data !== 'object' || data === null) return;
  if ((error as { code?: unknown } | undefined)?.code !== ErrorCode.BODY_USED) uploadOwner(data)();
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
