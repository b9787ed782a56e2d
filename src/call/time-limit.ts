/** A time limit on a request and its answer. */
import type { Readable } from 'node:stream';
import { discard, endBody, isStream, onBodyEnd, responseOf } from './body.js';
import { markStalled } from './failure.js';
import type { Request, Response, Transport } from './message.js';
import { type OutcomeReceiver, type Send, sendOf } from './receiver.js';
import { carriedCall } from './request.js';
import { abortError, Scope } from './scope.js';
import { Timer, type TimerOwner } from './timer.js';

/** What a limit of `ms` milliseconds (undefined: none) means; one object for all requests. */
export interface TimeLimit {
  /** The error with which the request is aborted. */
  expired: (request: Request, ms: number) => Error;
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
 * where `next` ignores its signal.
 */
export function bounded(
  next: Transport,
  request: Request,
  ms: number | undefined,
  limit: TimeLimit,
): Promise<Response> {
  return new Promise((answered, failed) => {
    boundedSend(sendOf(next), request, { answered, failed }, ms, limit);
  });
}

/**
 * The same for a receiver. `changes` replaces options of the request for `next`; `watch` keeps a time of its own beside
 * `ms`.
 */
export function boundedSend(
  next: Send,
  request: Request,
  outer: OutcomeReceiver,
  ms: number | undefined,
  limit: TimeLimit,
  changes?: Partial<Request>,
  watch?: LimitWatch,
): void {
  const scope = new LimitedScope(request, outer, ms, limit, watch);
  if (scope.aborted) outer.failed(abortError(scope, request));
  else next({ ...request, ...changes, signal: scope }, scope);
}

/**
 * A scope with a time limit, which is also the receiver of what runs under it. It holds no reference to the body, since it
 * may be all that still waits for the body's end.
 */
class LimitedScope extends Scope implements OutcomeReceiver {
  readonly #request: Request;
  readonly #ms: number | undefined;
  readonly #limit: TimeLimit;
  readonly #timer: Timer | undefined;
  readonly #watch: LimitWatch | undefined;
  /** Undefined once it was told. */
  #outer: OutcomeReceiver | undefined;

  constructor(
    request: Request,
    outer: OutcomeReceiver,
    ms: number | undefined,
    limit: TimeLimit,
    watch: LimitWatch | undefined,
  ) {
    super(request.signal);
    this.#request = request;
    this.#outer = outer;
    this.#ms = ms;
    this.#limit = limit;
    this.#watch = watch;
    this.#timer = this.aborted || ms === undefined ? undefined : new Timer(ms, this);
    if (!this.aborted) watch?.begin(this);
  }

  expire(stalled: boolean): void {
    const error = this.#limit.expired(this.#request, this.#ms ?? 0);
    this.abort(stalled ? markStalled(error) : error);
  }

  /** Milliseconds to the headers of the answer; undefined where it has longer. */
  get untilHeaders(): number | undefined {
    return this.#limit.until === 'headers' ? this.#ms : undefined;
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
    const context = carriedCall(this.#request)?.context;
    if (context === undefined) this.#fail();
    else context.runInAsyncScope(this.#fail, this);
  }

  #fail(): void {
    this.#take()?.failed(abortError(this, this.#request));
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
    endWith(this, response.data, this.#request);
    onBodyEnd(response, () => this.#release());
  }

  #release(): void {
    this.#timer?.clear();
    this.#watch?.end();
    this.leave();
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
  return signal instanceof LimitedScope ? signal.untilHeaders : undefined;
}
