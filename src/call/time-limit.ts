/** A time limit on a request and its answer. */
import type { Readable } from 'node:stream';
import type { GenericAbortSignal } from 'axios';
import { discard, endBody, isStream, onBodyEnd, responseOf } from './body.js';
import { markStalled } from './failure.js';
import type { Request, Response, Transport } from './message.js';
import { abortError, Scope } from './scope.js';
import { Timer, type TimerOwner } from './timer.js';

/** Turns a synchronous throw into a rejection: a timer is running already, and only a settled promise clears it. */
function attempt(next: Transport, request: Request): Promise<Response> {
  try {
    return next(request);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** A time limit: after `ms` milliseconds (undefined: never) the request is aborted with `expired()`. */
export interface TimeLimit {
  ms: number | undefined;
  expired: () => Error;
  /** What must arrive in time where the response is a stream: its headers only, or the whole body. */
  until: 'headers' | 'body';
}

/** Keeps the time of a limit that depends on what moves. */
export interface LimitWatch {
  /** The time begins; once it is over, `owner` expires. */
  begin(owner: TimerOwner): void;
  /** The headers have arrived. */
  answered(): void;
  end(): void;
}

/**
 * Runs `next` under a scope that is aborted when the limit expires, and rejects as soon as the scope is aborted, even
 * where `next` ignores its signal. `changes` replaces options of the request for `next`; `watch` keeps a time of its own
 * beside `ms`.
 */
export function bounded(
  next: Transport,
  request: Request,
  limit: TimeLimit,
  changes?: Partial<Request>,
  watch?: LimitWatch,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const scope = new LimitedScope(request.signal, limit, watch);
    if (scope.aborted) {
      reject(abortError(scope, request));
      return;
    }
    const abort = () => {
      scope.release();
      reject(abortError(scope, request));
    };
    scope.addEventListener('abort', abort);
    /**
     * True where the outcome came in time. A streamed body, a failure's too, stays under the limit or at least under
     * the signal.
     */
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

/**
 * A scope with a time limit. It holds no reference to the body, since it may be all that still waits for the body's
 * end.
 */
class LimitedScope extends Scope {
  readonly #limit: TimeLimit;
  readonly #timer: Timer | undefined;
  readonly #watch: LimitWatch | undefined;

  constructor(parent: GenericAbortSignal | undefined, limit: TimeLimit, watch: LimitWatch | undefined) {
    super(parent);
    this.#limit = limit;
    this.#watch = watch;
    this.#timer = this.aborted || limit.ms === undefined ? undefined : new Timer(limit.ms, this);
    if (!this.aborted) watch?.begin(this);
  }

  expire(stalled: boolean): void {
    const error = this.#limit.expired();
    this.abort(stalled ? markStalled(error) : error);
  }

  get limit(): TimeLimit {
    return this.#limit;
  }

  /**
   * Called when the headers have arrived. Reading the body is up to the caller, and an unread body must not keep the
   * process alive.
   */
  answered(): void {
    if (this.#limit.until === 'headers') this.#timer?.clear();
    else this.#timer?.unref();
    this.#watch?.answered();
  }

  release(): void {
    this.#timer?.clear();
    this.#watch?.end();
    this.leave();
  }

  /**
   * A function that holds only this scope. A closure made in `bounded` would also hold its promise, and through it the
   * body.
   */
  releaser(): () => void {
    return () => this.release();
  }
}

/**
 * Destroys a body when its scope is aborted. The body is held weakly, so that one which its caller dropped can be
 * collected.
 */
function endWith(scope: LimitedScope, data: Readable, request: Request): void {
  const body = new WeakRef(data);
  scope.addEventListener('abort', () => {
    scope.release();
    const stream = body.deref();
    if (stream !== undefined) endBody(stream, abortError(scope, request));
  });
}

/** Milliseconds that the attempt may take which this request is for; undefined where it has no limit of its own. */
export function attemptLimitOf({ signal }: Request): number | undefined {
  return signal instanceof LimitedScope && signal.limit.until === 'headers' ? signal.limit.ms : undefined;
}
