/** A time limit on a request and its answer. */
import type { Readable } from 'node:stream';
import { discard, endBody, isStream, onBodyEnd, responseOf } from './body.js';
import { markStalled } from './failure.js';
import type { Request, Response, Transport } from './message.js';
import { type OutcomeReceiver, type Send, sendOf } from './receiver.js';
import { carriedCall } from './request.js';
import { abortError, Scope } from './scope.js';
import { Timer, type TimerOwner } from './timer.js';

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
  return new Promise((answered, failed) => {
    boundedSend(sendOf(next), request, { answered, failed }, limit, changes, watch);
  });
}

/** The same for a receiver. */
export function boundedSend(
  next: Send,
  request: Request,
  outer: OutcomeReceiver,
  limit: TimeLimit,
  changes?: Partial<Request>,
  watch?: LimitWatch,
): void {
  const scope = new LimitedScope(request, outer, limit, watch);
  if (scope.aborted) outer.failed(abortError(scope, request));
  else next({ ...request, ...changes, signal: scope }, scope);
}

/**
 * A scope with a time limit, which is also the receiver of what runs under it. Once it has told its own receiver, it holds neither the
 * request nor the body, since it may be all that still waits for the body's end.
 */
class LimitedScope extends Scope implements OutcomeReceiver {
  readonly #limit: TimeLimit;
  readonly #timer: Timer | undefined;
  readonly #watch: LimitWatch | undefined;
  /** Undefined once it was told. */
  #outer: OutcomeReceiver | undefined;
  #request: Request | undefined;

  constructor(request: Request, outer: OutcomeReceiver, limit: TimeLimit, watch: LimitWatch | undefined) {
    super(request.signal);
    this.#request = request;
    this.#outer = outer;
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

  override abort(reason: unknown): void {
    if (this.aborted) return;
    super.abort(reason);
    this.#release();
    // What runs under this scope hears of the abort first, and mostly fails before this turn.
    if (this.#outer !== undefined) queueMicrotask(() => this.#giveUp());
  }

  /** Fails although what runs under this scope goes on. An abort comes in the async context of whoever aborts. */
  #giveUp(): void {
    const context = this.#request && carriedCall(this.#request)?.context;
    if (context === undefined) this.#fail();
    else context.runInAsyncScope(this.#fail, this);
  }

  #fail(): void {
    const request = this.#request as Request;
    this.#take()?.failed(abortError(this, request));
  }

  answered(response: Response): void {
    if (!this.#isLate(response)) this.#take()?.answered(response);
  }

  failed(error: unknown): void {
    if (!this.#isLate(responseOf(error))) this.#take()?.failed(error);
  }

  /** True for an outcome that came after the abort, which is the outcome then. */
  #isLate(response: Response | undefined): boolean {
    if (this.aborted) {
      discard(response);
      this.#fail();
      return true;
    }
    this.#keep(response);
    return false;
  }

  /** The receiver, for the one time that it is told. */
  #take(): OutcomeReceiver | undefined {
    const outer = this.#outer;
    this.#outer = undefined;
    this.#request = undefined;
    return outer;
  }

  /** A streamed body, a failure's too, stays under the limit or at least under the signal. */
  #keep(response: Response | undefined): void {
    if (response === undefined || !isStream(response.data)) {
      this.#release();
      return;
    }
    // Reading the body is up to the caller, and an unread body must not keep the process alive.
    if (this.#limit.until === 'headers') this.#timer?.clear();
    else this.#timer?.unref();
    this.#watch?.answered();
    endWith(this, response.data, this.#request as Request);
    onBodyEnd(response, this.#releaser());
  }

  #release(): void {
    this.#timer?.clear();
    this.#watch?.end();
    this.leave();
  }

  /** A function that holds only this scope. */
  #releaser(): () => void {
    return () => this.#release();
  }
}

/**
 * Destroys a body when its scope is aborted. The body is held weakly, so that one which its caller dropped can be
 * collected.
 */
function endWith(scope: Scope, data: Readable, request: Request): void {
  const body = new WeakRef(data);
  scope.addEventListener('abort', () => {
    const stream = body.deref();
    if (stream !== undefined) endBody(stream, abortError(scope, request));
  });
}

/** Milliseconds that the attempt may take which this request is for; undefined where it has no limit of its own. */
export function attemptLimitOf({ signal }: Request): number | undefined {
  return signal instanceof LimitedScope && signal.limit.until === 'headers' ? signal.limit.ms : undefined;
}
