/** The quick form of a transport: it tells a receiver what a request came to, and needs no promise for it. */
import type { Request, Response, Transport } from './message.js';

/** Is told once what a request came to, by one of the two; neither throws. */
export interface OutcomeReceiver {
  answered(response: Response): void;
  failed(error: unknown): void;
}

/**
 * A transport without a promise; never throws. Policies in a row pass the outcome on from receiver to receiver: a policy that
 * is an async function keeps 500 bytes more for each request in flight, and takes three turns of the queue of microtasks.
 */
export type Send = (request: Request, receiver: OutcomeReceiver) => void;

const SEND = Symbol('pillion.send');

/** The quick form of a transport: its own, if it was made by `transportOf`. */
export function sendOf(transport: Transport & { [SEND]?: Send }): Send {
  return (Object.hasOwn(transport, SEND) ? transport[SEND] : undefined) ?? awaiting(transport);
}

function awaiting(transport: Transport): Send {
  return safe((request, receiver) => tellOutcome(transport(request), receiver));
}

/** What `send` throws before it has told the receiver anything is the outcome. */
function safe(send: Send): Send {
  return (request, receiver) => {
    try {
      send(request, receiver);
    } catch (error) {
      receiver.failed(error);
    }
  };
}

/** Tells the receiver what the promise comes to. */
export function tellOutcome(answer: Promise<Response>, receiver: OutcomeReceiver): void {
  // A transport of somebody else may return another kind of promise, or none.
  Promise.resolve(answer).then(
    (response) => receiver.answered(response),
    (error) => receiver.failed(error),
  );
}

/** A transport of its quick form, which may throw before it has told the receiver anything. */
export function transportOf(unsafe: Send): Transport {
  const send = safe(unsafe);
  const transport: Transport = (request) =>
    new Promise((answered, failed) => {
      send(request, { answered, failed });
    });
  return Object.assign(transport, { [SEND]: send });
}

/**
 * A request on its way through one policy, which hears of the outcome before the policies around it. What one of the two methods
 * throws is the outcome from there on.
 */
export abstract class Passage implements OutcomeReceiver {
  protected readonly outer: OutcomeReceiver;

  /** `outer` belongs to the policy around this one. */
  constructor(outer: OutcomeReceiver) {
    this.outer = outer;
  }

  protected abstract onAnswer(response: Response): void;
  /** Returns the failure that the policies around this one hear of. */
  protected abstract onFailure(error: unknown): unknown;

  answered(response: Response): void {
    try {
      this.onAnswer(response);
    } catch (error) {
      this.outer.failed(error);
      return;
    }
    this.outer.answered(response);
  }

  failed(error: unknown): void {
    let reason = error;
    try {
      reason = this.onFailure(error);
    } catch (thrown) {
      reason = thrown;
    }
    this.outer.failed(reason);
  }
}
