/** The two forms of undici's handlers: that of undici 5 and 6, which 7 takes too, and that of 7 and 8. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { undiciErrors } from './undici-errors.js';
import { undiciLibrary } from './undici-on-demand.cjs';

/** A handler in the form of undici 8. */
export type Receiver = Dispatcher.DispatchHandler & {
  onResponseStarted?(): void;
  onRequestSent?(): void;
};

type Raw = readonly (Buffer | Buffer[])[];

/**
 * The handler in the form of undici 8.
 * @throws InvalidArgumentError for an object that is no handler
 */
export function receiverOf(handler: unknown): Receiver {
  if (typeof handler !== 'object' || handler === null)
    throw new (undiciErrors().InvalidArgumentError)('handler must be an object');
  const given = handler as Receiver;
  if (typeof given.onRequestStart === 'function') return given;
  if (typeof given.onError !== 'function') throw new (undiciErrors().InvalidArgumentError)('invalid onError method');
  return new OlderReceiver(given);
}

/** A handler of the older form, called in the newer one. */
class OlderReceiver implements Receiver {
  readonly #handler: Receiver;

  constructor(handler: Receiver) {
    this.#handler = handler;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    const abort = (reason?: Error) => controller.abort(reason as Error);
    (this.#handler.onConnect as ((...args: unknown[]) => void) | undefined)?.(abort, context);
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    this.#handler.onUpgrade?.(status, rawOf(controller.rawHeaders, headers) as Buffer[], socket);
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    text = '',
  ): void {
    const raw = rawOf(controller.rawHeaders, headers) as Buffer[];
    const goesOn = this.#handler.onHeaders?.(status, raw, () => controller.resume(), text);
    // `fetch` returns false for informational answers, which cannot be paused.
    if (goesOn === false && status >= 200) controller.pause();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#handler.onData?.(chunk) === false) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    this.#handler.onComplete?.(rawOf(controller.rawTrailers, trailers) as never);
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#handler.onError?.(error);
  }

  onBodySent(...args: [number, number]): void {
    this.#handler.onBodySent?.(...args);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }
}

function rawOf(raw: unknown, named: object): Raw {
  return Array.isArray(raw) ? raw : rawFrom(Object.entries(named ?? {}).flat());
}

/** Names and values in turns, as undici hands them over. */
export function rawFrom(list: readonly (string | string[])[]): Raw {
  const bytes = (text: string) => Buffer.from(String(text), 'latin1');
  return list.map((each) => (Array.isArray(each) ? each.map(bytes) : bytes(each)));
}

/** Headers by their names in lower case. */
export function namedFrom(raw: Raw): IncomingHttpHeaders {
  return undiciLibrary().util.parseHeaders(raw as Buffer[]) as IncomingHttpHeaders;
}

/** Controls an answer on its way to a handler. */
export class AnswerController implements Dispatcher.DispatchController {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  rawHeaders: Buffer[] | null = null;
  rawTrailers: Buffer[] | null = null;
  /** Called where the answer goes on after a pause. */
  resumed: (() => void) | undefined;
  readonly #abort: (reason: Error) => void;

  constructor(abort: (reason: Error) => void) {
    this.#abort = abort;
  }

  abort(reason?: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason ?? new (undiciErrors().RequestAbortedError)();
    this.#abort(this.reason);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.resumed?.();
  }
}

/** A handler that a dispatcher of any version can call: each calls the methods that it knows. */
export class AnyHandler implements Receiver {
  readonly #receiver: Receiver;
  #controller = new AnswerController(() => {});

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  onRequestStart(...args: Parameters<NonNullable<Receiver['onRequestStart']>>): void {
    this.#receiver.onRequestStart?.(...args);
  }

  onRequestUpgrade(...args: Parameters<NonNullable<Receiver['onRequestUpgrade']>>): void {
    this.#receiver.onRequestUpgrade?.(...args);
  }

  onResponseStarted(): void {
    this.#receiver.onResponseStarted?.();
  }

  onResponseStart(...args: Parameters<NonNullable<Receiver['onResponseStart']>>): void {
    this.#receiver.onResponseStart?.(...args);
  }

  onResponseData(...args: Parameters<NonNullable<Receiver['onResponseData']>>): void {
    this.#receiver.onResponseData?.(...args);
  }

  onResponseEnd(...args: Parameters<NonNullable<Receiver['onResponseEnd']>>): void {
    this.#receiver.onResponseEnd?.(...args);
  }

  onResponseError(...args: Parameters<NonNullable<Receiver['onResponseError']>>): void {
    this.#receiver.onResponseError?.(...args);
  }

  onBodySent(...args: [number, number]): void {
    this.#receiver.onBodySent?.(...args);
  }

  onRequestSent(): void {
    this.#receiver.onRequestSent?.();
  }

  onConnect(abort: (reason?: Error) => void, context?: unknown): void {
    this.#controller = new AnswerController(abort);
    this.#receiver.onRequestStart?.(this.#controller, context);
  }

  onUpgrade(status: number, raw: Buffer[], socket: Duplex): void {
    this.#controller.rawHeaders = raw;
    this.#receiver.onRequestUpgrade?.(this.#controller, status, namedFrom(raw), socket);
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, text: string): boolean {
    this.#controller.rawHeaders = raw;
    this.#controller.resumed = resume;
    this.#receiver.onResponseStart?.(this.#controller, status, namedFrom(raw), text);
    return !this.#controller.paused;
  }

  onData(chunk: Buffer): boolean {
    this.#receiver.onResponseData?.(this.#controller, chunk);
    return !this.#controller.paused;
  }

  onComplete(raw: unknown): void {
    this.#controller.rawTrailers = (raw ?? []) as Buffer[];
    this.#receiver.onResponseEnd?.(this.#controller, namedFrom(this.#controller.rawTrailers));
  }

  onError(error: Error): void {
    this.#receiver.onResponseError?.(this.#controller, error);
  }
}
