/** The innermost edge of the stack, around any wire: each attempt starts and ends here. */
import type { AxiosError } from 'axios';
import { discard, responseOf } from '../call/body.js';
import { forget, isError } from '../call/conceal.js';
import { ErrorCode, PillionError, statusError } from '../call/errors.js';
import type { Emitter } from '../call/events.js';
import { isBroken } from '../call/failure.js';
import type { Request, Response, Transport } from '../call/message.js';
import { withForm } from '../call/object-form.js';
import { type OutcomeReceiver, Passage, sendOf, transportOf } from '../call/receiver.js';
import type { Call } from '../call/record.js';
import { callOf } from '../call/request.js';
import { abortError } from '../call/scope.js';
import type { Wire } from './wire.js';

/**
 * Emits `attempt.started` and `attempt.ended`, exactly once each, for every attempt. A status >= 400 rejects, whatever
 * `validateStatus` says: the caller's own is applied once, at the outer edge.
 */
export function attemptEdge({ send }: Wire, events: Emitter): Transport {
  const wire = sendOf(send);
  return transportOf(function attempt(request, receiver) {
    if (request.signal?.aborted) throw abortError(request.signal, request);
    const call = callOf(request);
    const attempt = ++call.attempts;
    const started = new Attempt(receiver, request, call, events);
    events.emit('attempt.started', { call, attempt });
    wire(withForm(request), started);
  });
}

/** An attempt on the wire. */
class Attempt extends Passage {
  readonly #request: Request;
  readonly #call: Call;
  readonly #events: Emitter;
  readonly #attempt: number;
  readonly #startedAt = performance.now();

  constructor(outer: OutcomeReceiver, request: Request, call: Call, events: Emitter) {
    super(outer);
    this.#request = request;
    this.#call = call;
    this.#events = events;
    this.#attempt = call.attempts;
  }

  override answered(response: Response): void {
    let isFailure: boolean;
    try {
      isFailure = response.status >= 400;
    } catch (error) {
      // A transport of somebody else may answer nothing.
      this.failed(error);
      return;
    }
    if (isFailure) this.failed(statusError(this.#request, response));
    else super.answered(response);
  }

  protected onAnswer({ status }: Response): void {
    this.#end(status, undefined);
  }

  protected onFailure(thrown: unknown): Error {
    const request = this.#request;
    // A wire may reject an aborted request with an error of its own; the error that the caller gets is the reason of the
    // abort.
    const why = request.signal?.aborted ? abortError(request.signal, request) : asError(thrown, request);
    const error = withoutBrokenResponse(why);
    const { code } = error as AxiosError;
    if (code === ErrorCode.CONNECT_TIMEOUT) this.#call.flag('timeout');
    this.#end(responseOf(error)?.status, code);
    return error;
  }

  #end(status: number | undefined, code: string | undefined): void {
    const durationMs = performance.now() - this.#startedAt;
    this.#events.emit('attempt.ended', { call: this.#call, attempt: this.#attempt, durationMs, status, code });
  }
}

/** Takes the response off an error where it is below 400, or its body was not received: neither is an answer. */
function withoutBrokenResponse(error: Error): Error {
  const broken = error as AxiosError;
  if (!broken.response) return error;
  if (broken.response.status >= 400 && broken.code !== 'ECONNRESET' && !isBroken(broken)) return error;
  discard(broken.response);
  forget(broken, 'response');
  forget(broken, 'status');
  return error;
}

function asError(thrown: unknown, request: Request): Error {
  if (isError(thrown)) return thrown;
  return new PillionError(ErrorCode.CONFIG, 'The transport rejected with a value that is not an Error.', request, {
    cause: thrown,
  });
}
