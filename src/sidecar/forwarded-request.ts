/** One request of undici on its way through a client, and its answer on the way to the handler. */
import type { QueuePlace } from '../call/queue.js';
import { Scope } from '../call/scope.js';
import { type ForeignAnswer, forward } from '../client/forward.js';
import type { ClientHandle } from '../client/http-client.js';
import { type DispatchedRequest, type DispatchOptions, destroyBody, dispatchedRequest } from './dispatch-options.js';
import { AnswerController, namedFrom, type Receiver, rawFrom } from './handlers.js';
import { undiciError, undiciErrors } from './undici-errors.js';

export class ForwardedRequest {
  /** Its place among the requests in flight. */
  place: QueuePlace<ForwardedRequest> | undefined;
  readonly #options: DispatchOptions;
  readonly #request: DispatchedRequest;
  readonly #receiver: Receiver;
  readonly #scope = new Scope();
  readonly #controller = new AnswerController((reason) => this.#aborted(reason));
  readonly #finished: (request: ForwardedRequest) => void;
  #body: ForeignAnswer['body'] | undefined;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * `finished` is called once, when the handler will not be called any more.
   * @throws an error of undici for options that it refuses
   */
  constructor(options: DispatchOptions, receiver: Receiver, finished: (request: ForwardedRequest) => void) {
    this.#options = options;
    this.#request = dispatchedRequest(options, (error) => this.abort(error));
    this.#receiver = receiver;
    this.#finished = finished;
  }

  begin(client: ClientHandle, url: URL): void {
    const { headersTimeout, idempotent } = this.#options;
    this.#tell(() => this.#receiver.onRequestStart?.(this.#controller, undefined));
    if (this.#over) return;
    if (headersTimeout) this.#limit(headersTimeout, () => new (undiciErrors().HeadersTimeoutError)());
    forward(client, {
      ...this.#request,
      url: url.href,
      signal: this.#scope,
      ...(idempotent === false && { retry: false }),
      informed: (status, named) => this.#inform(status, named),
    }).then(
      (answer) => this.#answer(answer),
      (error) => this.#fail(undiciError(error, false)),
    );
  }

  /** Ends the request; the handler is told `reason`. */
  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  #aborted(reason: Error): void {
    this.#scope.abort(reason);
    this.#body?.destroy();
    this.#fail(reason);
  }

  #inform(status: number, named: Record<string, unknown>): void {
    if (!this.#over && status !== 101) this.#start(status, Object.entries(named).flat() as string[], '');
  }

  #answer({ status, statusText, headers, body }: ForeignAnswer): void {
    clearTimeout(this.#timer);
    if (this.#over) {
      body.destroy();
      return;
    }
    this.#body = body;
    this.#tell(() => this.#receiver.onResponseStarted?.());
    this.#start(status, headers, statusText);
    if (this.#over) return;
    const { bodyTimeout } = this.#options;
    if (bodyTimeout) this.#limit(bodyTimeout, () => new (undiciErrors().BodyTimeoutError)());
    this.#controller.resumed = () => body.resume();
    body.on('data', (chunk: Buffer) => this.#data(chunk));
    body.once('end', () => this.#end());
    body.once('error', (error) => this.#fail(undiciError(error, true)));
    body.once('close', () => this.#fail(new (undiciErrors().SocketError)('other side closed')));
    if (this.#controller.paused) body.pause();
  }

  #start(status: number, list: readonly (string | string[])[], text: string): void {
    const raw = rawFrom(list);
    this.#controller.rawHeaders = raw as Buffer[];
    this.#tell(() => this.#receiver.onResponseStart?.(this.#controller, status, namedFrom(raw), text));
  }

  #data(chunk: Buffer): void {
    if (this.#over) return;
    this.#timer?.refresh();
    this.#tell(() => this.#receiver.onResponseData?.(this.#controller, chunk));
    if (this.#controller.paused) this.#body?.pause();
  }

  #end(): void {
    if (this.#over) return;
    const raw = rawFrom(Object.entries(this.#body?.trailers ?? {}).flat());
    this.#controller.rawTrailers = raw as Buffer[];
    this.#finish();
    try {
      this.#receiver.onResponseEnd?.(this.#controller, namedFrom(raw));
    } catch (error) {
      this.#report(error as Error);
    }
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#finish();
    destroyBody(this.#options.body, error);
    this.#report(error);
  }

  #report(error: Error): void {
    try {
      this.#receiver.onResponseError?.(this.#controller, error);
    } catch (thrown) {
      process.emitWarning(thrown as Error);
    }
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#finished(this);
  }

  /** Calls the handler; an exception in it ends the request. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#controller.abort(error as Error);
    }
  }

  /** Ends the request after a time in which nothing came; while the handler has paused, nothing can come. */
  #limit(milliseconds: number, error: () => Error): void {
    this.#timer = setTimeout(() => {
      if (this.#controller.paused) this.#timer?.refresh();
      else this.#controller.abort(error());
    }, milliseconds).unref();
  }
}
