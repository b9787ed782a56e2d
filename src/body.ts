/** Questions about a response body that may be a stream. */
import { Readable } from 'node:stream';
import type { Response } from './policy.js';

/** True for a Node stream: the call has answered, the body is still to come. */
export function isStream(data: unknown): data is Readable {
  return data instanceof Readable || typeof (data as { pipe?: unknown } | null | undefined)?.pipe === 'function';
}

/** The response that a failure carries, whatever was thrown. */
export function responseOf(thrown: unknown): Response | undefined {
  return (thrown as { response?: Response | null } | null | undefined)?.response ?? undefined;
}

/** Calls `listener` once when the body is over: at once for a buffered one, on close for a stream. */
export function onBodyEnd(response: Response, listener: () => void): void {
  const body: unknown = response.data;
  if (!isStream(body) || body.destroyed || body.closed) listener();
  else body.once('close', listener);
}

/**
 * Ends a stream before its time. Like Node with its own responses, without an `error` event where nobody listens for one:
 * unhandled it would end the process, ten seconds after a body was ignored. Who comes to listen later is told then.
 */
export function endBody(body: Readable, error: Error): void {
  if (body.listenerCount('error') > 0) {
    body.destroy(error);
    return;
  }
  body.destroy();
  body.on('newListener', (event, listener) => {
    if (event === 'error') process.nextTick(() => listener.call(body, error));
  });
}

/** Frees the socket of a response nobody will read. */
export function discard(response: Response | undefined): void {
  const body: unknown = response?.data;
  if (!isStream(body)) return;
  // A destroyed stream may still emit an error; without a listener that would end the process.
  body.on('error', () => {});
  body.destroy();
}
