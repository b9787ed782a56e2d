/** Request bodies that can be read only once, and whether they have been read. */
import { PassThrough, Readable } from 'node:stream';
import { type FormPart, formParts, guard, isStream, isWebStream, uploadOwner } from './body.js';
import { ErrorCode, PillionError } from './errors.js';
import type { Request } from './message.js';
import { processWide } from './process-wide.js';
import { carriedCall } from './request.js';

/** Bodies that were read or destroyed, where the body itself does not show it: generators, and legacy Node streams. */
const spent = processWide('spent bodies', () => new WeakSet<object>());

/**
 * True where nothing, or only a part, would be sent: a stream, form or generator that was already read or destroyed.
 */
export function isUsed(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  if (spent.has(body)) return true;
  if (isWebStream(body)) return body.locked || Readable.isDisturbed(body as never);
  return isStream(body) && (isRead(body) || formParts(body).some(isLost));
}

/**
 * Marks a body as used: it is about to be read, or was destroyed. A body that can be read anew each time, such as a
 * Blob, is never marked.
 */
export function spend(body: unknown): void {
  if (isOnce(body)) spent.add(body);
}

/** @throws PillionError `ERR_BODY_USED` where the body was already read or destroyed */
export function refuseUsed(request: Request, client = carriedCall(request)?.client ?? 'pillion'): void {
  if (isUsed(request.data)) throw usedError(client, request);
}

/**
 * Claims the body before a wire reads it: of two requests with the same stream only one can send it.
 * @throws PillionError `ERR_BODY_USED`
 */
export function claimBody(request: Request): void {
  refuseUsed(request);
  spend(request.data);
}

/** The `ERR_BODY_USED` error; a stream that failed has its own error as the cause. */
export function usedError(client: string, request?: Request): PillionError {
  const { errored: cause } = (request?.data ?? {}) as { errored?: Error | null };
  const message = `${client}: the request body was already read: a stream or a form can be sent only once; build it anew for each call.`;
  return new PillionError(ErrorCode.BODY_USED, message, request, cause ? { cause } : {});
}

/**
 * Pauses a stream that flows already, perhaps to a listener of the caller's: the bytes before a wire reads it would be
 * lost.
 */
export function caught(body: unknown): unknown {
  return body instanceof Readable && body.readableFlowing === true ? through(body) : body;
}

/**
 * A stream of what `source` emits from now on that can be paused, as a legacy Node stream cannot. The end of either
 * ends the other.
 */
export function through(source: Readable): Readable {
  const made = new PassThrough();
  // An error may come before a reader has added its listener.
  guard(made);
  source.once('error', (error) => made.destroy(error));
  source.once('close', () => made.writableEnded || made.destroy());
  made.once('close', uploadOwner(source));
  return source.pipe(made);
}

/**
 * True for a body that can be read only once. An iterable that is its own iterator has one run; any other starts anew.
 */
function isOnce(body: unknown): body is object {
  if (typeof body !== 'object' || body === null) return false;
  if (isStream(body) || isWebStream(body)) return true;
  return Symbol.asyncIterator in body && typeof (body as { next?: unknown }).next === 'function';
}

/**
 * True for a stream that was read. A legacy Node stream, such as a form of the form-data package, shows by `_released`
 * that it flows.
 */
function isRead(stream: Readable & { _released?: boolean }): boolean {
  const { readable, readableDidRead, readableEnded, destroyed } = stream;
  if (readable === false || readableDidRead || readableEnded || destroyed) return true;
  return Object.hasOwn(stream, '_released') && stream._released === true;
}

/**
 * True for a part that was read before it was put into the form: the form would wait for its end for ever, or send only
 * the rest.
 */
function isLost({ source, _bufferedEvents }: FormPart): boolean {
  const told = _bufferedEvents.map(({ 0: event }) => event);
  const { readable, destroyed, readableEnded, readableDidRead } = source;
  if (readable === false || destroyed || readableEnded) return !told.includes('end') && !told.includes('error');
  return readableDidRead && !told.includes('data');
}
