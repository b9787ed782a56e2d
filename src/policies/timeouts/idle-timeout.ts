/** Ends an attempt during which nothing moves: no byte of the request is taken, and none of the answer comes. */
import { z } from 'zod';
import { type Activity, type Direction, watchedBy } from '../../call/activity.js';
import { ErrorCode, PillionError } from '../../call/errors.js';
import type { Request } from '../../call/message.js';
import { callOf, routeOption } from '../../call/request.js';
import { boundedSend, type LimitWatch, type TimeLimit } from '../../call/time-limit.js';
import { Timer, type TimerOwner } from '../../call/timer.js';
import { duration } from '../../options/duration.js';
import { definePolicy } from '../policy.js';

export const idleTimeoutOption = z.lazy(() =>
  duration({ min: 1 })
    .or(z.literal(false))
    .optional()
    .describe(
      "Time limit without a byte in either direction during one attempt, to the end of a streamed body too; as Envoy's `per_try_idle_timeout`. A reader that holds the answer back does not count, nor does the source of a streamed request body. By default, and with `false`, there is none. Set it for long streams, where `total` and `attempt` say little. It has no effect on requests that take axios's http adapter, such as those through a proxy.",
    ),
);

const idleTimeoutOptions = z.lazy(() => z.strictObject({ idle: duration({ min: 1 }).or(z.literal(false)) }));

/**
 * Aborts an attempt with `ERR_ATTEMPT_TIMEOUT` where nothing has moved for `idle` milliseconds: it is retried like one
 * that took too long, and a streamed body that has begun is destroyed.
 */
export const idleTimeout = definePolicy('idleTimeout', idleTimeoutOptions, (options) => ({
  pass: (next) =>
    function idleTimeout(request, receiver) {
      const ofRoute = routeOption(request, 'timeouts') as { idle?: number | false } | undefined;
      const idle = ofRoute?.idle ?? options.idle;
      if (idle === false) {
        next(request, receiver);
        return;
      }
      const watch = new IdleWatch(idle);
      const limit: TimeLimit = { until: 'body', expired: () => expired(request, idle) };
      boundedSend(next, request, receiver, undefined, limit, watchedBy(watch), watch);
    },
}));

/** One timer that is set anew only when it fires, since bytes may come often. */
class IdleWatch implements Activity, LimitWatch, TimerOwner {
  readonly #ms: number;
  #owner: TimerOwner | undefined;
  #timer: Timer | undefined;
  #movedAt = 0;
  readonly #held = { request: false, answer: false };
  #answered = false;
  /** False for a wire that tells nothing, such as one of a test: there only the time to the headers is known. */
  #told = false;

  constructor(ms: number) {
    this.#ms = ms;
  }

  begin(owner: TimerOwner): void {
    this.#owner = owner;
    this.#movedAt = performance.now();
    this.#set(this.#ms);
  }

  moved(direction: Direction): void {
    this.#told = true;
    this.#held[direction] = false;
    this.#movedAt = performance.now();
    if (this.#timer === undefined && this.#owner !== undefined) this.#set(this.#ms);
  }

  hold(direction: Direction): void {
    this.#told = true;
    this.#held[direction] = true;
  }

  answered(): void {
    this.#answered = true;
    if (this.#told) this.#timer?.unref();
    else this.end();
  }

  end(): void {
    this.#owner = undefined;
    this.#timer?.clear();
    this.#timer = undefined;
  }

  expire(stalled: boolean): void {
    this.#timer = undefined;
    if (this.#held.request || this.#held.answer) return;
    const left = this.#movedAt + this.#ms - performance.now();
    if (left > 0) this.#set(left);
    else this.#owner?.expire(stalled);
  }

  #set(ms: number): void {
    this.#timer = new Timer(ms, this);
    // Reading the body is up to the caller, and an unread body must not keep the process alive.
    if (this.#answered) this.#timer.unref();
  }
}

function expired(request: Request, ms: number): PillionError {
  const call = callOf(request);
  call.flag('timeout');
  const ofRoute = routeOption(request, 'timeouts') as { idle?: unknown } | undefined;
  const option = ofRoute?.idle === undefined ? '' : `${call.route?.place}.`;
  const message = `${call.client}: nothing was sent or received for ${ms} ms during the attempt, ${option}timeouts.idle.`;
  return new PillionError(ErrorCode.ATTEMPT_TIMEOUT, message, request);
}
