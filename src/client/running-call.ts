/** A call in flight, at the outer edge of the stack: ends exactly once, and answers its caller. */
import { type AxiosError, isCancel } from 'axios';
import { discardUpload, onBodyEnd, responseOf } from '../call/body.js';
import type { AttemptOutcome } from '../call/events.js';
import type { Request, Response } from '../call/message.js';
import type { OutcomeReceiver } from '../call/receiver.js';
import type { Call } from '../call/record.js';
import { type EnteredCall, presentable, type StackOutcome, settle } from './edge.js';
import type { Pipeline } from './pipeline.js';

/** Keeps account of calls. */
export interface CallKeeper {
  ended(call: Call, kind: 'succeeded' | 'failed' | 'cancelled', outcome: AttemptOutcome): void;
  /** The body of the answer has ended too. */
  left(running: RunningCall): void;
}

/** The two functions of a promise. */
export interface Settling {
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
}

export class RunningCall implements OutcomeReceiver {
  readonly #entered: EnteredCall;
  /** The caller's own object, and the copy of it that is safe to read. */
  readonly #given: Request;
  readonly #config: Request;
  /** The generation of the stack on which the call finishes. */
  readonly #pipeline: Pipeline;
  readonly #keeper: CallKeeper;
  readonly #settling: Settling;

  constructor(
    entered: EnteredCall,
    given: Request,
    config: Request,
    pipeline: Pipeline,
    keeper: CallKeeper,
    settling: Settling,
  ) {
    this.#entered = entered;
    this.#given = given;
    this.#config = config;
    this.#pipeline = pipeline;
    this.#keeper = keeper;
    this.#settling = settling;
  }

  abort(reason: Error): void {
    this.#entered.scope.abort(reason);
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
    const { call } = this.#entered;
    const config = this.#config;
    const { resolve, reject } = this.#settling;
    try {
      const response = settle(outcome, config);
      response.config = this.#given;
      // A policy answered without an attempt, so nothing has read the request body.
      if (call.attempts === 0) discardUpload(config.data);
      this.#keeper.ended(call, 'succeeded', { status: response.status });
      resolve(response);
    } catch (error) {
      reject(this.#failureOf(error, outcome));
    } finally {
      onBodyEnd(outcome.response, () => this.#leave());
    }
  }

  #failureOf(error: unknown, outcome: StackOutcome): unknown {
    const { call } = this.#entered;
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
    this.#entered.release();
    this.#pipeline.leave();
    this.#keeper.left(this);
  }
}
