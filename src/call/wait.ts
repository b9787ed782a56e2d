/** Waiting that ends at once when the request is aborted. */
import type { Request } from './message.js';
import { abortError } from './scope.js';

/** Ends the wait: without an argument the request goes on, with an error it fails. */
export type EndWait = (error?: Error) => void;

/**
 * Waits until the function given to `begin` is called; rejects at once when the request is aborted, after calling the function
 * that `begin` returned, which removes the wait from its queue or clears its timer.
 */
export function waitUnlessAborted(request: Request, begin: (end: EndWait) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    if (signal?.aborted) {
      reject(abortError(signal, request));
      return;
    }
    let withdraw = () => {};
    const abort = () => {
      withdraw();
      if (signal !== undefined) reject(abortError(signal, request));
    };
    // Before `begin`, which may end the wait at once.
    signal?.addEventListener?.('abort', abort, { once: true });
    withdraw = begin((error) => {
      signal?.removeEventListener?.('abort', abort);
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
