/** One request through undici's MockAgent, whose versions 5 and 6 call other methods of a handler than 7 and 8. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Job } from './connection.js';
import type { MockAgent } from './mocks.js';

type Controller = Dispatcher.DispatchController;

/** Stands in place of the pool of one job, and between its handler and the agent. */
export class MockedRequest implements Dispatcher.DispatchHandler {
  readonly #agent: MockAgent;
  readonly #origin: string;
  /** The requests of the whole lane that have no answer yet. */
  readonly #unanswered: Set<MockedRequest>;
  #job: Job | undefined;
  #started = false;
  #controller: Controller | undefined;
  /** Set by undici 5 and 6 only. */
  #older: OlderController | undefined;

  constructor(agent: MockAgent, origin: string, unanswered: Set<MockedRequest>) {
    this.#agent = agent;
    this.#origin = origin;
    this.#unanswered = unanswered;
  }

  dispatch(job: Job): void {
    this.#job = job;
    this.#unanswered.add(this);
    const { path, method, headers, body } = job.options;
    const named = namedHeaders(headers as string[]);
    try {
      this.#agent.dispatch({ origin: this.#origin, path, method, headers: named, body: body ?? null }, this);
    } catch (error) {
      this.onResponseError(undefined, error as Error);
    }
  }

  /** The job was aborted before the agent has begun; a delayed reply of undici 5 comes all the same, and is ignored. */
  abort(): void {
    this.#end();
  }

  finished(): void {}

  /** Ends the request, as a lane does that is destroyed. */
  destroy(reason: Error): void {
    const controller = this.#controller;
    this.onResponseError(controller, reason);
    controller?.abort(reason);
  }

  onRequestStart(controller: Controller): void {
    this.#started = true;
    this.#controller = controller;
    this.#job?.onRequestStart?.(controller, undefined);
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders, text?: string): void {
    this.#start(controller);
    this.#job?.onResponseStart?.(controller, status, headers, text);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#job?.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: Controller, trailers: IncomingHttpHeaders): void {
    this.#end()?.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Controller | undefined, error: Error): void {
    // A mocked error comes before the request was started, and yet says nothing about whether it was sent: its code
    // alone decides whether a POST is repeated.
    this.#start(controller ?? new OlderController());
    this.#end()?.onResponseError?.(controller as Controller, error);
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#older = new OlderController(abort);
    this.onRequestStart(this.#older);
  }

  onHeaders(status: number, raw: (Buffer | Buffer[])[], resume: () => void, text: string): boolean {
    this.#older ??= new OlderController();
    this.#older.resumed = resume;
    this.onResponseStart(
      this.#older,
      status,
      namedHeaders(raw.map((each) => (Array.isArray(each) ? each.map(String) : String(each)))),
      text,
    );
    return !this.#older.paused;
  }

  onData(chunk: Buffer): boolean {
    this.onResponseData(this.#older as Controller, chunk);
    return this.#older?.paused !== true;
  }

  onComplete(): void {
    this.onResponseEnd(this.#older as Controller, {});
  }

  onError(error: Error): void {
    this.onResponseError(this.#older, error);
  }

  #start(controller: Controller): void {
    if (!this.#started && this.#job?.over === false) this.onRequestStart(controller);
  }

  #end(): Job | undefined {
    const job = this.#job;
    this.#job = undefined;
    this.#unanswered.delete(this);
    return job;
  }
}

/** The controller of a request whose undici has none. */
class OlderController implements Controller {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  resumed: (() => void) | undefined;
  readonly #abort: ((error?: Error) => void) | undefined;

  constructor(abort?: (error?: Error) => void) {
    this.#abort = abort;
  }

  abort(reason: Error): void {
    this.aborted = true;
    this.reason = reason;
    this.#abort?.(reason);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.resumed?.();
  }
}

/** Headers by their names in lower case: a reply that is a function of a test looks there. */
function namedHeaders(flat: readonly (string | string[])[]): Record<string, string | string[]> {
  const named = new Map<string, string | string[]>();
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = String(flat[at]).toLowerCase();
    const value = flat[at + 1] ?? '';
    const before = named.get(name);
    named.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(named);
}
