/** A dispatcher of undici whose requests go through clients. */
import type { Dispatcher } from 'undici';
import { once } from '../call/once.js';
import { ownOf } from '../call/own.js';
import { Queue } from '../call/queue.js';
import { badOptions } from '../options/options.js';
import { type DispatchOptions, destroyBody, dispatchedUrl } from './dispatch-options.js';
import { ForwardedRequest } from './forwarded-request.js';
import { AnyHandler, receiverOf } from './handlers.js';
import { checkMembers, coveringClient, type SomeClients } from './members.js';
import { undiciErrors } from './undici-errors.js';
import { undiciLibrary } from './undici-on-demand.cjs';

/** Options of `createDispatcher`. */
export interface DispatcherOptions {
  /**
   * The dispatcher, of any version of undici, for requests that no client covers. Default: the global dispatcher at the
   * time of the call.
   */
  fallback?: AnyDispatcher;
}

/** A dispatcher of any version of undici: their types differ in the handlers. */
export interface AnyDispatcher {
  /** Sends a request, and tells the handler what comes of it. */
  dispatch(options: never, handler: never): boolean;
}

/**
 * Creates a dispatcher for `undici.request`, `undici.fetch`, `setGlobalDispatcher` and Node's own
 * `fetch(url, { dispatcher })`, of undici 6, 7 and 8. A request goes to the client whose `baseURL` covers its URL: the
 * same origin, and the longest path of whole segments; every other request goes to `fallback`. Clients are looked up at
 * each request. The answer comes as the server gave it: any status, encoded, redirects not followed. Closing or
 * destroying the dispatcher leaves the clients and `fallback` open. In TypeScript its type is the `Dispatcher` of undici 7;
 * `createDispatcher<Dispatcher>` gives it that of another version.
 * @throws PillionError `ERR_CONFIG` for anything else than clients, and for bad options
 */
export function createDispatcher<Type extends AnyDispatcher = Dispatcher>(
  clients: SomeClients,
  options: DispatcherOptions = {},
): Type {
  checkMembers(clients, 'createDispatcher');
  return new (clientsDispatcher())(
    clients,
    (fallbackOf(options) as Dispatcher | undefined) ?? undiciLibrary().getGlobalDispatcher(),
  ) as never;
}

/** Not by a schema: that would copy the dispatcher. */
function fallbackOf(options: DispatcherOptions): DispatcherOptions['fallback'] {
  const { fallback, ...others } = ownOf(options);
  const faults = Object.keys(others).map((key) => ({ path: [key], message: 'unknown option', unknown: true }));
  if (fallback !== undefined && typeof (fallback as Partial<Dispatcher> | null)?.dispatch !== 'function')
    faults.push({ path: ['fallback'], message: 'must be a dispatcher of undici', unknown: false });
  if (faults.length > 0) throw badOptions(faults, 'createDispatcher');
  return fallback;
}

type Callback = (error: Error | null, data: null) => void;

const clientsDispatcher = once(() => {
  return class ClientsDispatcher extends undiciLibrary().Dispatcher {
    readonly #clients: SomeClients;
    readonly #fallback: Pick<Dispatcher, 'dispatch'>;
    readonly #inFlight = new Queue<ForwardedRequest>();
    #refusal: (() => Error) | undefined;
    #drained: (() => void)[] = [];

    constructor(clients: SomeClients, fallback: Pick<Dispatcher, 'dispatch'>) {
      super();
      this.#clients = clients;
      this.#fallback = fallback;
    }

    get closed(): boolean {
      return this.#refusal !== undefined;
    }

    get destroyed(): boolean {
      return this.#refusal?.() instanceof undiciErrors().ClientDestroyedError;
    }

    /** Limits of WebSocket and EventSource, whose connections are those of `fallback`. */
    get webSocketOptions(): unknown {
      return (this.#fallback as { webSocketOptions?: unknown }).webSocketOptions;
    }

    get eventSourceOptions(): unknown {
      return (this.#fallback as { eventSourceOptions?: unknown }).eventSourceOptions;
    }

    /** Always true where a client covers the URL: whether there is room for more is the business of that client. */
    override dispatch(options: DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
      const receiver = receiverOf(handler);
      try {
        if (typeof options !== 'object' || options === null)
          throw new (undiciErrors().InvalidArgumentError)('opts must be an object.');
        if (this.#refusal !== undefined) throw this.#refusal();
        const url = dispatchedUrl(options);
        const client = url && !this.#isMocked() ? coveringClient(this.#clients, url) : undefined;
        if (client !== undefined) {
          this.#forward(options, receiver).begin(client, url as URL);
          return true;
        }
      } catch (error) {
        destroyBody(options?.body, error as Error);
        receiver.onResponseError?.(null as never, error as Error);
        return true;
      }
      return this.#fallback.dispatch(options, new AnyHandler(receiver));
    }

    /** True where a test has made a MockAgent the global dispatcher before this one: nothing must go past it. */
    #isMocked(): boolean {
      return (this.#fallback as { isMockActive?: unknown }).isMockActive === true;
    }

    #forward(options: DispatchOptions, receiver: ReturnType<typeof receiverOf>): ForwardedRequest {
      const request = new ForwardedRequest(options, receiver, (finished) => this.#finished(finished));
      request.place = this.#inFlight.add(request);
      return request;
    }

    #finished(request: ForwardedRequest): void {
      this.#inFlight.remove(request.place);
      if (this.#inFlight.size === 0) for (const drained of this.#drained.splice(0)) drained();
    }

    /** Refuses new requests, and waits for those on their way through clients. */
    override close(callback?: Callback): never {
      this.#refusal ??= () => new (undiciErrors().ClientClosedError)();
      return told(this.#drain(), callback);
    }

    /** Refuses new requests, and ends those on their way through clients. */
    override destroy(reason?: Error | null | Callback, callback?: Callback): never {
      if (typeof reason === 'function') return this.destroy(null, reason);
      this.#refusal = () => new (undiciErrors().ClientDestroyedError)();
      for (const request of this.#inFlight.items())
        request.abort(reason ?? new (undiciErrors().ClientDestroyedError)());
      return told(this.#drain(), callback);
    }

    async #drain(): Promise<void> {
      if (this.#inFlight.size > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
    }
  };
});

/** A promise where there is no callback, as in undici; the types of its overloads fit neither. */
function told(done: Promise<void>, callback: Callback | undefined): never {
  if (callback === undefined) return done as never;
  void done.then(() => callback(null, null));
  return undefined as never;
}
