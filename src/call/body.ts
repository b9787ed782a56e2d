/** Bodies that may be streams, and the rule that each such stream has an owner who destroys it. */

import { Readable } from 'node:stream';
import { ErrorCode } from './errors.js';
import type { Response } from './message.js';
import { unshaded } from './shade.js';

/** True for a Node stream of any kind, recognized by its `pipe`. */
export function isStream(data: unknown): data is Readable {
  return data instanceof Readable || typeof (data as { pipe?: unknown } | null | undefined)?.pipe === 'function';
}

/** True for a web stream of any implementation, recognized by its shape. */
export function isWebStream(data: unknown): data is ReadableStream<Uint8Array> {
  return (
    data instanceof ReadableStream ||
    (typeof (data as Partial<ReadableStream> | null | undefined)?.getReader === 'function' && !isStream(data))
  );
}

/** The response that a failure carries, whatever was thrown; undefined where there is none. */
export function responseOf(thrown: unknown): Response | undefined {
  const response = (thrown as { response?: Response | null } | null | undefined)?.response ?? undefined;
  return response && unshaded(response);
}

/** The functions to call at the end of a body: one listener of ours on each stream, however many policies wait. */
const WAITING = Symbol.for('pillion: waiting for a body');
const RECEIVED = Symbol.for('pillion: received body');

/** What is noted at a stream: in weak maps it would cost a tenth of a streamed call, nearly all of it garbage collection. */
interface Noted {
  [WAITING]?: (() => void)[] | undefined;
  [RECEIVED]?: boolean;
}

/** Treats an unread body that its caller dropped as ended, once it is garbage-collected. */
const forgotten = new FinalizationRegistry<(() => void)[]>(callAll);

function callAll(listeners: readonly (() => void)[]): void {
  for (const listener of listeners) listener();
}

/**
 * Calls `listener` once when the wire is done with the body: at once without a response and for a buffered body; for a
 * stream when its last byte has arrived, read or not, or when it is destroyed.
 */
export function onBodyEnd(response: Response | undefined, listener: () => void): void {
  const body: unknown = response?.data;
  if (isStream(body)) onStreamEnd(body, listener);
  else listener();
}

/** `onBodyEnd` for the stream itself. */
export function onStreamEnd(body: Readable & Noted, listener: () => void): void {
  if (body.destroyed || body.closed || body[RECEIVED]) {
    listener();
    return;
  }
  const listeners = body[WAITING];
  if (listeners !== undefined) {
    listeners.push(listener);
    return;
  }
  body[WAITING] = [listener];
  // Most bodies have arrived by then, and to register one is costly.
  process.nextTick(mindForgotten, body);
  body.once('close', bodyClosed);
}

function mindForgotten(body: Readable & Noted): void {
  const listeners = body[WAITING];
  if (listeners !== undefined) forgotten.register(body, listeners, body);
}

function bodyClosed(this: Readable): void {
  bodyReceived(this);
}

/** Records that the wire is done with this body: what its call held is released, even if the body is read later. */
export function bodyReceived(body: Readable & Noted): void {
  body[RECEIVED] = true;
  const listeners = body[WAITING];
  if (listeners === undefined) return;
  body[WAITING] = undefined;
  forgotten.unregister(body);
  callAll(listeners);
}

/**
 * Destroys a stream before its end. As with Node's own responses, there is no `error` event where nothing listens for
 * one: unhandled, it would end the process, ten seconds after a body was ignored. A listener that is added later still
 * receives the error.
 */
export function endBody(body: Readable, error: Error): void {
  if (body.listenerCount('error') > 0) {
    body.destroy(error);
    return;
  }
  body.destroy();
  tellLater(body, error);
}

/** Passes the error to each `error` listener that is added from now on, since it has already happened. */
export function tellLater(stream: Readable, error: Error): void {
  stream.on('newListener', (event, listener) => {
    if (event === 'error') process.nextTick(() => listener.call(stream, error));
  });
}

/** Destroys the body of a response that will not be read, which frees its socket. */
export function discard(response: Response | undefined): void {
  letGo(response?.data);
}

/** A stream in a form of the form-data package, and the events that it has emitted since it was put there. */
export interface FormPart {
  readonly source: Readable;
  readonly _bufferedEvents: readonly ArrayLike<unknown>[];
}

/** The streams in such a form: the part that is being sent, and the parts that follow. */
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
 * Returns a function that destroys a request body which will not be sent, or not to its end: files are closed, sockets
 * freed. A body that can be sent again (text, bytes, forms, blobs) stays as it is. The streams of a form are collected
 * at once, since the form-data package drops its references to them.
 */
export function uploadOwner(data: unknown): () => void {
  const streams = [data, ...formParts(data).map(({ source }) => source)];
  return () => streams.forEach(letGo);
}

/**
 * Destroys a request body now, because of `error`. A body that was refused with `ERR_BODY_USED` is left alone, since it
 * may belong to another call.
 */
export function discardUpload(data: unknown, error?: unknown): void {
  if (typeof data !== 'object' || data === null) return;
  if ((error as { code?: unknown } | undefined)?.code !== ErrorCode.BODY_USED) uploadOwner(data)();
}

function letGo(body: unknown): void {
  if (isStream(body)) {
    guard(body);
    // Legacy Node streams may not have it.
    body.destroy?.();
  } else if (isWebStream(body) && !body.locked) body.cancel().catch(() => {});
}

/**
 * Adds an `error` listener that does nothing. A stream may emit an error after all other listeners have left; without
 * any it would end the process.
 */
export function guard(stream: Readable): void {
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
}

function ignore(): void {}
