/** Request bodies that can be read once, and whether they were. */
import { PassThrough, Readable } from 'node:stream';
import { type FormPart, formParts, guard, isStream, isWebStream, uploadOwner } from './body.js';
import { ErrorCode, PillionError } from './errors.js';
import type { Request } from './message.js';
import { carriedCall } from './record.js';

/** Bodies that were begun or let go of, where the body itself does not tell: generators, and streams of Node's old kind. */
const spent = new WeakSet<object>();

/** True where nothing, or not all of it, would be sent: a stream, a form or a generator that was read or let go of already. */
export function isUsed(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  if (spent.has(body)) return true;
  if (isWebStream(body)) return body.locked || Readable.isDisturbed(body as never);
  return isStream(body) && (isRead(body) || formParts(body).some(isLost));
}

/** Notes that a body is about to be read, or was let go of. What can be read anew each time, such as a Blob, is never used up. */
export function spend(body: unknown): void {
  if (isOnce(body)) spent.add(body);
}

/** @throws PillionError `ERR_BODY_USED` where the body is gone */
export function refuseUsed(request: Request, client = carriedCall(request)?.client ?? 'pillion'): void {
  if (isUsed(request.data)) throw usedError(client, request);
}

/** Before a wire reads the body: of two requests with the same stream only one can have it. @throws PillionError `ERR_BODY_USED` */
export function claimBody(request: Request): void {
  refuseUsed(request);
  spend(request.data);
}

export function usedError(client: string, request?: Request): PillionError {
  const { errored: cause } = (request?.data ?? {}) as { errored?: Error | null };
  const message = `${client}: the request body is gone: it is a stream or a form that was read already; build it anew for each call.`;
  return new PillionError(ErrorCode.BODY_USED, message, request, cause ? { cause } : {});
}

/** A stream that flows already, to a listener of the caller's perhaps, is caught: until a wire reads it its bytes would be lost. */
export function caught(body: unknown): unknown {
  return body instanceof Readable && body.readableFlowing === true ? through(body) : body;
}

/** What a stream tells from now on, in one that can be paused, as those of Node's old kind cannot. Whichever ends, ends the other. */
export function through(source: Readable): Readable {
  const made = new PassThrough();
  // Nobody may be reading it yet.
  guard(made);
  source.once('error', (error) => made.destroy(error));
  source.once('close', () => made.writableEnded || made.destroy());
  made.once('close', uploadOwner(source));
  return source.pipe(made);
}

/** An iterable that is its own iterator has one run; any other begins anew each time. */
function isOnce(body: unknown): body is object {
  if (typeof body !== 'object' || body === null) return false;
  if (isStream(body) || isWebStream(body)) return true;
  return Symbol.asyncIterator in body && typeof (body as { next?: unknown }).next === 'function';
}

/** Of a stream of Node's old kind, such as a form of the form-data package, `_released` tells that it flows. */
function isRead(stream: Readable & { _released?: boolean }): boolean {
  const { readable, readableDidRead, readableEnded, destroyed } = stream;
  if (readable === false || readableDidRead || readableEnded || destroyed) return true;
  return Object.hasOwn(stream, '_released') && stream._released === true;
}

/** Read before it was put into the form: that would wait for its end for ever, or send the rest. */
function isLost({ source, _bufferedEvents }: FormPart): boolean {
  const told = _bufferedEvents.map(({ 0: event }) => event);
  const { readable, destroyed, readableEnded, readableDidRead } = source;
  if (readable === false || destroyed || readableEnded) return !told.includes('end') && !told.includes('error');
  return readableDidRead && !told.includes('data');
}
