/** A stretch of time that can be cut short: the signal every attempt and every call runs under. */
import type { Readable } from 'node:stream';
import { CanceledError, type GenericAbortSignal, isAxiosError } from 'axios';
import { discard, endBody, isStream, onBodyEnd, responseOf } from './body.js';
import { withCause } from './errors.js';
import { markStalled } from './failure.js';
import type { Request, Response, Transport } from './message.js';
import { Timer } from './timer.js';

type AbortListener = (() => void) | { handleEvent(): void };

/**
 * An abort signal of axios's `GenericAbortSignal` shape.
 * A native `AbortController` with one listener costs about 3 us on Node 20, this about 0.1 us, and a call needs three.
 */
export class Scope implements GenericAbortSignal {
  aborted = false;
  reason: unknown = undefined;
  readonly #parent: GenericAbortSignal | undefined;
  #listeners: AbortListener[] = [];
  readonly #onParent: AbortListener;

  /** Aborts with its parent, until `leave()`. */
  constructor(parent?: GenericAbortSignal) {
    this.#parent = parent;
    // A polyfill's signal may only take functions.
    this.#onParent = parent === undefined || parent instanceof Scope ? this : () => this.handleEvent();
    if (parent?.aborted) this.handleEvent();
    else parent?.addEventListener?.('abort', this.#onParent as () => void);
  }

  /** The parent's abort; `this` is the listener, so that none has to be made. */
  handleEvent(): void {
    this.abort((this.#parent as { reason?: unknown } | undefined)?.reason);
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) {
      if (typeof listener === 'function') listener();
      else listener.handleEvent();
    }
  }

  /** Lets go of the parent: nothing stays behind on a signal that outlives the call. */
  leave(): void {
    this.#parent?.removeEventListener?.('abort', this.#onParent as () => void);
  }

  addEventListener(_type: 'abort', listener: AbortListener): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: AbortListener): void {
    const listeners = this.#listeners;
    // Mostly the last one; splice makes an array of what it takes out.
    if (listeners[listeners.length - 1] === listener) listeners.pop();
    else if (listeners.includes(listener)) listeners.splice(listeners.indexOf(listener), 1);
  }
}

/** Whatever follows a signal that is not ours. */
interface Followers {
  readonly listeners: Set<() => void>;
  readonly tell: () => void;
}

/** Callers may use one signal for many calls: however many there are, one listener of ours is on it. */
const followed = new WeakMap<GenericAbortSignal, Followers>();

/** Calls `listener` when the signal aborts, until the function returned is called. */
export function onAbort(signal: GenericAbortSignal, listener: AbortListener): () => void {
  if (signal instanceof Scope) {
    signal.addEventListener('abort', listener);
    return () => signal.removeEventListener('abort', listener);
  }
  const { listeners, tell } = followed.get(signal) ?? follow(signal);
  // Apart from another use of the same function.
  const own = () => (typeof listener === 'function' ? listener() : listener.handleEvent());
  listeners.add(own);
  return () => {
    if (!listeners.delete(own) || listeners.size > 0 || followed.get(signal)?.listeners !== listeners) return;
    followed.delete(signal);
    signal.removeEventListener?.('abort', tell);
  };
}

function follow(signal: GenericAbortSignal): Followers {
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of [...listeners]) listener();
  };
  const followers = { listeners, tell };
  followed.set(signal, followers);
  signal.addEventListener?.('abort', tell);
  return followers;
}

/** Ends the scope when the caller's `signal` or `cancelToken` says so; the function returned lets go of both. */
export function linkCaller(config: Request, scope: Scope): () => void {
  const { signal, cancelToken } = config;
  if (signal === undefined && cancelToken === undefined) return () => {};
  const cancel = () => {
    // axios drops the reason of an AbortSignal; whether it was a timeout or a user is worth knowing.
    const why = (signal as AbortSignal | undefined)?.reason;
    scope.abort(cancelToken?.reason ?? withCause(new CanceledError(undefined, config), why));
  };
  const token = cancelToken as unknown as
    | { subscribe(fn: () => void): void; unsubscribe(fn: () => void): void }
    | undefined;
  if (signal?.aborted) cancel();
  // What only looks like a signal, without a way to listen, is asked once.
  const unfollow = signal && onAbort(signal as GenericAbortSignal, cancel);
  token?.subscribe(cancel);
  return () => {
    unfollow?.();
    token?.unsubscribe(cancel);
  };
}

/** A real `AbortSignal` that follows `signal`, for code that is not ours (fetch insists on one). */
export function nativeSignal(signal: GenericAbortSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  const controller = new AbortController();
  ours.add(controller.signal);
  const abort = () => controller.abort((signal as { reason?: unknown }).reason);
  if (signal.aborted) abort();
  else signal.addEventListener?.('abort', abort);
  return controller.signal;
}

/** Signals that follow one of ours: their reason is ours too. */
const ours = new WeakSet<GenericAbortSignal>();

/**
 * The error a call ends with when `signal` was aborted: a reason of our own as it is, a caller's as the cause of axios's
 * cancellation, one for each request.
 */
export function abortError(signal: GenericAbortSignal, request: Request): Error {
  const reason = (signal as { reason?: unknown }).reason;
  if (isAxiosError(reason) && (signal instanceof Scope || ours.has(signal))) return reason;
  return withCause(new CanceledError(undefined, request), reason);
}

/** What throws at once rejects like the rest: a timer is running already. */
function attempt(next: Transport, request: Request): Promise<Response> {
  try {
    return next(request);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** A limit in time: after `ms` (undefined: never) the request is aborted with `expired()`. */
export interface TimeLimit {
  ms: number | undefined;
  expired: () => Error;
  /** What has to be there in time, where the response is a stream. */
  until: 'headers' | 'body';
}

/**
 * Runs `next` under a scope of its own that ends in time, and rejects the moment it is aborted,
 * even where `next` does not listen. `changes`: what `next` sees in place of the request's own options.
 */
export function bounded(
  next: Transport,
  request: Request,
  limit: TimeLimit,
  changes?: Partial<Request>,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const scope = new LimitedScope(request.signal, limit);
    if (scope.aborted) {
      reject(abortError(scope, request));
      return;
    }
    const abort = () => {
      scope.release();
      reject(abortError(scope, request));
    };
    scope.addEventListener('abort', abort);
    /** True where the outcome is in time; its body, a failure's too, stays under the limit or at least the signal. */
    const inTime = (response: Response | undefined): boolean => {
      if (scope.aborted) discard(response);
      if (scope.aborted || response === undefined) {
        scope.release();
        return !scope.aborted;
      }
      if (!isStream(response.data)) {
        scope.release();
        return true;
      }
      scope.answered();
      scope.removeEventListener('abort', abort);
      endWith(scope, response.data, request);
      onBodyEnd(response, scope.releaser());
      return true;
    };
    attempt(next, { ...request, ...changes, signal: scope }).then(
      (response) => inTime(response) && resolve(response),
      (error) => inTime(responseOf(error)) && reject(error),
    );
  });
}

/** A scope that ends in time. It holds no body: it may be all that is left to wait for the end of one. */
class LimitedScope extends Scope {
  readonly #limit: TimeLimit;
  readonly #timer: Timer | undefined;

  constructor(parent: GenericAbortSignal | undefined, limit: TimeLimit) {
    super(parent);
    this.#limit = limit;
    this.#timer = this.aborted || limit.ms === undefined ? undefined : new Timer(limit.ms, this);
  }

  expire(stalled: boolean): void {
    const error = this.#limit.expired();
    this.abort(stalled ? markStalled(error) : error);
  }

  /** The headers are there. The body is the caller's to read; that nobody does it shall not keep the process. */
  answered(): void {
    if (this.#limit.until === 'headers') this.#timer?.clear();
    else this.#timer?.unref();
  }

  release(): void {
    this.#timer?.clear();
    this.leave();
  }

  /** As a function that holds nothing but this scope; one made in `bounded` would hold its promise, and with it the body. */
  releaser(): () => void {
    return () => this.release();
  }
}

/** Ends a body with its scope. It is held weakly: one that its caller has forgotten is let go of when it is collected. */
function endWith(scope: LimitedScope, data: Readable, request: Request): void {
  const body = new WeakRef(data);
  scope.addEventListener('abort', () => {
    scope.release();
    const stream = body.deref();
    if (stream !== undefined) endBody(stream, abortError(scope, request));
  });
}
