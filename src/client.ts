/** createHttpClient: an axios instance whose adapter is the stack; update, close, stats. */
import { randomUUID } from 'node:crypto';
import {
  type AxiosAdapter,
  AxiosError,
  type AxiosInstance,
  CanceledError,
  type CreateAxiosDefaults,
  isAxiosError,
} from 'axios';
import { applyConfig, createInstance } from './axios-defaults.js';
import { onBodyEnd } from './body.js';
import { Call, requestOf } from './call.js';
import { type Config, type HttpClientConfig, parseConfig } from './config/schema.js';
import { conceal, ErrorCode, PillionError } from './errors.js';
import { type ClientEventName, Events, type Listener } from './events.js';
import { copyHeaders } from './headers.js';
import type { Logger } from './logger.js';
import { Pipeline, userStages } from './pipeline.js';
import type { Policy, PolicyContext, Request, Response } from './policy.js';
import { redactUrl } from './redact.js';
import { Scope } from './scope.js';
import { resolveUrl } from './url.js';
import './call-options.js';

/** Code that stands beside the configuration. */
export interface HttpClientDeps {
  /** Replaces the wire: any `AxiosAdapter`, called once per attempt, below every policy. */
  transport?: AxiosAdapter;
  /** pino, or any logger of its shape; a pino logger to stdout by default. */
  logger?: Logger;
  /** Further axios defaults: transforms, serializers, `validateStatus`, … The ones this library owns are not taken. */
  axios?: Omit<CreateAxiosDefaults, 'adapter' | 'baseURL' | 'timeout' | 'proxy' | 'maxRedirects' | 'allowAbsoluteUrls'>;
  /** A number in [0, 1) for jitter and sampling; `Math.random` by default. */
  random?: () => number;
  /** Policies that run once per call, outside `deadline`. */
  perCall?: readonly Policy[];
  /** Policies that run once per attempt, right outside the attempt's span. */
  perAttempt?: readonly Policy[];
}

export interface CloseOptions {
  /** Milliseconds that calls in flight have to finish before they are ended with `ERR_CLOSED`; 10 000 by default. */
  grace?: number;
}

/** Counters of a client and what its policies tell of themselves; plain JSON. */
export interface HttpClientStats {
  name: string;
  calls: { started: number; active: number; succeeded: number; failed: number; cancelled: number };
  attempts: number;
  policies: Record<string, unknown>;
}

/** An axios instance with the stack behind it. */
export interface HttpClient extends AxiosInstance, AsyncDisposable {
  /**
   * Puts another configuration in force. Policies whose options stay the same keep their state; calls in flight finish
   * under the configuration they began with. The client's name stays.
   * @throws PillionError `ERR_CONFIG`; the configuration in force stays.
   */
  update(config: HttpClientConfig): void;
  /** Refuses new calls with `ERR_CLOSED`, lets those in flight finish, ends the rest after a grace; then no socket or timer is left. */
  close(options?: CloseOptions): Promise<void>;
  stats(): HttpClientStats;
  /** Adds a listener for an event; the function returned takes it away again. A listener that throws never breaks a call. */
  on<Name extends ClientEventName>(event: Name, listener: Listener<Name>): () => void;
  /** The names of the policies in the stack, outermost first. */
  readonly pipeline: readonly string[];
}

/**
 * Creates a client. With `{ baseURL }` alone the standard stack is on: tracing, logging, deadline, retry,
 * circuit breaker, limits, timeout.
 * @throws PillionError `ERR_CONFIG` that lists every fault of `config`
 */
export function createHttpClient(config: HttpClientConfig = {}, deps: HttpClientDeps = {}): HttpClient {
  const core = new ClientCore(parseConfig(config), deps);
  const instance = createInstance({ ...deps.axios, adapter: core.adapter });
  core.configure(instance);
  // What axios itself throws, before or after the adapter, carries the whole config as well.
  instance.interceptors.response.use(undefined, (error) => Promise.reject(conceal(error)));
  const extras = {
    update: (next: HttpClientConfig) => core.update(next, instance),
    close: (options?: CloseOptions) => core.close(options),
    stats: () => core.stats(),
    on: core.events.on.bind(core.events),
    [Symbol.asyncDispose]: () => core.close(),
  };
  const client = Object.assign(instance, extras);
  return Object.defineProperty(client, 'pipeline', {
    get: () => core.pipeline.names,
    enumerable: true,
  }) as unknown as HttpClient;
}

interface LiveCall {
  readonly scope: Scope;
}

/** The state behind an instance. */
class ClientCore {
  readonly events = new Events();
  pipeline: Pipeline;
  readonly #context: PolicyContext;
  readonly #deps: HttpClientDeps;
  #config: Config;
  #origin: string | undefined;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  readonly #live = new Set<LiveCall>();
  readonly #counts = { started: 0, succeeded: 0, failed: 0, cancelled: 0 };
  #attempts = 0;

  constructor(config: Config, deps: HttpClientDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#context = {
      client: config.name,
      events: this.events,
      logger: deps.logger,
      random: deps.random ?? Math.random,
    };
    this.pipeline = this.#build(config);
  }

  #build(config: Config, previous?: Pipeline): Pipeline {
    const { perCall, perAttempt, transport } = this.#deps;
    const slots = { perCall: userStages('perCall', perCall), perAttempt: userStages('perAttempt', perAttempt) };
    return new Pipeline(config, slots, this.#context, transport, previous);
  }

  /** Sets the axios defaults that come from the configuration. */
  configure(instance: AxiosInstance, before?: Config): void {
    const { baseURL } = this.#config;
    this.#origin = baseURL === undefined ? undefined : new URL(baseURL).origin;
    applyConfig(instance, this.#config, before);
  }

  update(input: HttpClientConfig, instance: AxiosInstance): void {
    const config = { ...parseConfig(input), name: this.#config.name };
    const before = this.#config;
    const old = this.pipeline;
    this.pipeline = this.#build(config, old);
    this.#config = config;
    this.configure(instance, before);
    old.retire();
    this.events.emit('config.updated', { client: config.name, sections: changedSections(before, config) });
  }

  /** The outer edge: a call begins and ends here, exactly once each. */
  readonly adapter: AxiosAdapter = async (config) => {
    const { call, request, scope, release } = this.#enter(config);
    const { pipeline } = this;
    const live = { scope };
    this.#live.add(live);
    pipeline.enter();
    this.#counts.started++;
    this.events.emit('call.start', { call });
    const leave = () => {
      release();
      pipeline.leave();
      this.#live.delete(live);
      if (this.#live.size === 0) this.#drained?.();
    };
    try {
      const response = applyValidateStatus(await pipeline.transport(request), config);
      this.#end(call, { status: response.status });
      onBodyEnd(response, leave);
      return response;
    } catch (error) {
      const response = (error as AxiosError).response;
      if (response === undefined) leave();
      else onBodyEnd(response, leave);
      return this.#outcome(error, config, call);
    }
  };

  /** Checks a request before anything is sent and gives it what the stack needs. */
  #enter(config: Request) {
    if (this.#closing !== undefined)
      throw new PillionError(ErrorCode.CLOSED, `${this.#config.name}: the client was closed.`, config);
    const url = resolveUrl(config);
    if (this.#origin !== undefined && url.origin !== this.#origin && !config.allowAbsoluteUrls)
      throw this.#leavesOrigin(config, url);
    const call = new Call(config, this.#config.name, url);
    const scope = new Scope();
    const request = requestOf(config, call, {
      headers: headersOf(config),
      signal: scope,
      cancelToken: undefined,
      // Policies see every status >= 400 as a failure; the caller's own rule is applied at this edge.
      validateStatus: null,
      // Checked above; below, an absolute URL is one that may be used.
      allowAbsoluteUrls: true,
    });
    return { call, request, scope, release: linkCaller(config, scope) };
  }

  #leavesOrigin(config: Request, url: URL): PillionError {
    const message =
      `${this.#config.name}: ${redactUrl(url.href)} leaves the origin ${this.#origin} of baseURL; ` +
      'set allowAbsoluteUrls if that is meant.';
    return new PillionError(ErrorCode.ORIGIN, message, config);
  }

  /** A failure of the stack is an answer all the same where the caller accepts its status. */
  #outcome(thrown: unknown, config: Request, call: Call): Response {
    const error = thrown as AxiosError;
    const { response } = error;
    if (response !== undefined) {
      response.config = config;
      const accept = config.validateStatus;
      if (!accept || accept(response.status)) {
        this.#end(call, { status: response.status });
        return response;
      }
    }
    this.#end(call, { status: response?.status, code: error.code });
    throw this.#presentable(error, config, call);
  }

  /** The error as the caller gets it: with the caller's config, what was asked and how often, and nothing secret to print. */
  #presentable(error: AxiosError, config: Request, call: Call): Error {
    if (isAxiosError(error)) {
      error.config = config;
      Object.assign(error, { method: call.method, url: call.shownUrl, attempts: call.attempts });
    }
    return conceal(error);
  }

  #end(call: Call, outcome: { status?: number | undefined; code?: string | undefined }): void {
    const kind =
      outcome.code === AxiosError.ERR_CANCELED ? 'cancelled' : outcome.code === undefined ? 'succeeded' : 'failed';
    this.#counts[kind]++;
    this.#attempts += call.attempts;
    this.events.emit('call.end', { call, durationMs: call.elapsed(), ...outcome });
  }

  stats(): HttpClientStats {
    return {
      name: this.#config.name,
      calls: { ...this.#counts, active: this.#live.size },
      attempts: this.#attempts,
      policies: this.pipeline.stats(),
    };
  }

  close({ grace = 10_000 }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#shutDown(grace);
    return this.#closing;
  }

  async #shutDown(grace: number): Promise<void> {
    if (this.#live.size > 0) await this.#drain(grace);
    await this.pipeline.destroy();
  }

  /** Waits for calls in flight; those that outlast the grace are ended. */
  #drain(grace: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const { name } = this.#config;
        const why = `${name}: the client was closed and the call did not end within the grace of ${grace} ms.`;
        for (const { scope } of this.#live) scope.abort(new PillionError(ErrorCode.CLOSED, why));
        resolve();
      }, grace);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The caller's `validateStatus` for what the stack lets through: a 304 is refused by axios's default rule. */
function applyValidateStatus(response: Response, config: Request): Response {
  response.config = config;
  const accept = config.validateStatus;
  if (!accept || accept(response.status)) return response;
  const message = `Request failed with status code ${response.status}`;
  throw new AxiosError(message, AxiosError.ERR_BAD_RESPONSE, config, response.request, response);
}

/** Headers of our own, with the idempotency key: the same on every attempt. */
function headersOf({ headers, idempotencyKey }: Request): Request['headers'] {
  const own = copyHeaders(headers);
  // By AxiosHeaders' own method: the key is the caller's text and has to be checked.
  if (idempotencyKey !== undefined) own.set('Idempotency-Key', idempotencyKey === true ? randomUUID() : idempotencyKey);
  return own;
}

/** Ends the scope when the caller's `signal` or `cancelToken` says so; the function returned lets go of both. */
function linkCaller(config: Request, scope: Scope): () => void {
  const { signal, cancelToken } = config;
  if (signal === undefined && cancelToken === undefined) return () => {};
  const cancel = () => {
    const reason = cancelToken?.reason ?? new CanceledError(undefined, config);
    if (cancelToken?.reason === undefined) keepCause(reason as Error, (signal as AbortSignal | undefined)?.reason);
    scope.abort(reason);
  };
  const token = cancelToken as unknown as
    | { subscribe(fn: () => void): void; unsubscribe(fn: () => void): void }
    | undefined;
  if (signal?.aborted) cancel();
  signal?.addEventListener?.('abort', cancel);
  token?.subscribe(cancel);
  return () => {
    signal?.removeEventListener?.('abort', cancel);
    token?.unsubscribe(cancel);
  };
}

/** axios drops the reason of an AbortSignal; whether it was a timeout or a user is worth knowing. */
function keepCause(error: Error, cause: unknown): void {
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
}

function changedSections(before: Config, after: Config): string[] {
  const keys = Object.keys({ ...before, ...after }) as (keyof Config)[];
  return keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}
