/** A call in flight, at the outer edge of the stack: ends exactly once, and answers its caller. */
import { type AxiosError, isCancel } from 'axios';
import { discardUpload, onBodyEnd, responseOf } from '../call/body.js';
import type { AttemptOutcome } from '../call/events.js';
import type { Request, Response } from '../call/message.js';
import type { QueuePlace } from '../call/queue.js';
import type { OutcomeReceiver } from '../call/receiver.js';
import type { Call } from '../call/record.js';
import { linkCaller, Scope } from '../call/scope.js';
import type { Settling } from './axios/usual-call.js';
import { presentable, type StackOutcome, settle } from './edge.js';

/** Keeps account of calls. */
export interface CallKeeper {
  ended(call: Call, kind: 'succeeded' | 'failed' | 'cancelled', outcome: AttemptOutcome): void;
  /** The body of the answer has ended too. */
  left(running: RunningCall): void;
}

/** The generation of the stack on which a call finishes. */
interface Generation {
  leave(): void;
}

/** The scope of a call, which is aborted where its caller aborts, and the receiver of what it comes to. */
export class RunningCall extends Scope implements OutcomeReceiver {
  /** Its place among the calls in flight. */
  place: QueuePlace<RunningCall> | undefined;
  readonly #call: Call;
  /** The caller's own object, and the copy of it that is safe to read. */
  readonly #given: Request;
  readonly #config: Request;
  readonly #generation: Generation;
  readonly #keeper: CallKeeper;
  #settling: Settling | undefined;
  /** Removes the listeners from the caller's signal and cancel token. */
  #unlink: (() => void) | undefined;

  constructor(
    call: Call,
    { given, config }: { given: Request; config: Request },
    generation: Generation,
    keeper: CallKeeper,
    settling: Settling,
  ) {
    super();
    this.#call = call;
    this.#given = given;
    this.#config = config;
    this.#generation = generation;
    this.#keeper = keeper;
    this.#settling = settling;
  }

  /** Follows the caller's signal and cancel token from now on. */
  follow(): void {
    this.#unlink = linkCaller(this.#config, this);
  }

  answered(response: Response): void {
    this.#end({ response });
  }

  failed(error: unknown): void {
    let response: Response | undefined;
    try {
      response = responseOf(error);
    } catch {
      // An error of somebody else's whose response cannot be read has none.
    }
    this.#end({ response, error });
  }

  #end(outcome: StackOutcome): void {
    const config = this.#config;
    try {
      const response = settle(outcome, config);
      response.config = this.#given;
      // A policy answered without an attempt, so nothing has read the request body.
      if (this.#call.attempts === 0) discardUpload(config.data);
      this.#keeper.ended(this.#call, 'succeeded', { status: response.status });
      this.#settling?.resolve(response);
    } catch (error) {
      this.#settling?.reject(this.#failureOf(error, outcome));
    } finally {
      // It holds the answer, and this call lives as long as a body that its caller may have forgotten.
      this.#settling = undefined;
      onBodyEnd(outcome.response, () => this.#leave());
    }
  }

  #failureOf(error: unknown, outcome: StackOutcome): unknown {
    const call = this.#call;
    try {
      // As the log line and the span, by what the upstream said and not by what the caller accepts.
      const code = outcome.error === undefined ? undefined : (error as AxiosError | undefined)?.code;
      call.failure = error;
      this.#keeper.ended(call, isCancel(error) ? 'cancelled' : 'failed', { status: outcome.response?.status, code });
      // The call lives as long as a body that is not read, and the error holds that body.
      call.failure = undefined;
      // Whatever failed, a body that was not sent to its end has no other owner to destroy it.
      discardUpload(this.#config.data, error);
      return presentable(error, this.#given, call);
    } catch (unreadable) {
      return unreadable;
    }
  }

  #leave(): void {
    this.#unlink?.();
    this.#generation.leave();
    this.#keeper.left(this);
  }
}
