/** Whether a request may be sent again: by its method or key, and by its body. */
import { isStream } from './body.js';
import { nameIn } from './headers.js';
import { isHeld } from './held-body.js';
import type { Request } from './message.js';

const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY']);

/**
 * True where repeating the call does no harm: an idempotent method (RFC 9110), or an idempotency key, by option or as a
 * header.
 */
export function isIdempotent({ method, idempotencyKey, headers }: Request): boolean {
  if (idempotentMethods.has((method ?? 'get').toUpperCase()) || idempotencyKey !== undefined) return true;
  const name = headers && nameIn(headers, 'Idempotency-Key');
  return name !== undefined && isGiven(headers[name]);
}

/** False for a value that is not sent, and for an empty key, which all calls would share. */
function isGiven(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isGiven);
  return typeof value === 'number' || (typeof value === 'string' && value.trim() !== '');
}

/**
 * True where the body can be sent again after an attempt: any body but a stream or an async iterable, which can be read
 * only once, unless what was read of it was kept.
 */
export function isReplayable(request: Request): boolean {
  const body: unknown = request.data;
  if (typeof body !== 'object' || body === null) return true;
  if (isHeld(body)) return body.isReplayable;
  return !isStream(body) && !(Symbol.asyncIterator in body) && !('getReader' in body);
}

/** True where several attempts can send the body at the same time. */
export function isShareable(request: Request): boolean {
  return isHeld(request.data) ? request.data.isComplete : isReplayable(request);
}
