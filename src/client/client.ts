/** createHttpClient: an axios instance whose adapter is the stack; update, close, stats. */
import { type AxiosAdapter, type AxiosError, type AxiosInstance, type CreateAxiosDefaults, isCancel } from 'axios';
import { z } from 'zod';
import { discardUpload, onBodyEnd } from '../call/body.js';
import { closedError, ErrorCode, PillionError } from '../call/errors.js';
import {
  type AttemptOutcome,
  type ClientEventName,
  Events,
  type ForcedCircuit,
  type Listener,
} from '../call/events.js';
import { harmless } from '../call/harmless.js';
import { inboundRemaining } from '../call/inbound.js';
import { defaultLogger, type Logger } from '../call/logger.js';
import type { Request } from '../call/message.js';
import { dataOf, ownOf } from '../call/own.js';
import { Call } from '../call/record.js';
import type { Scope } from '../call/scope.js';
import { standardTransitional } from '../call/transitional.js';
import { leavesOrigin, resolveUrl, type Target } from '../call/url.js';
import { refuseUsed } from '../call/used-body.js';
import { type Duration, duration, parseOptions } from '../options/options.js';
import type { Discovery } from '../policies/endpoints/discovery.js';
import type { Policy } from '../policies/policy.js';
import type { IdentityStats } from '../transport/tls/identity.js';
import { ConfiguredDefaults, createInstance } from './axios/instance.js';
import { type Config, type HttpClientConfig, parseConfig } from './config/config.js';
import { sectionsWithoutEffect } from './config/traffic.js';
import { type EnteredCall, enterCall, outcomeOf, presentable, settle } from './edge.js';
import { createFetch, type HttpFetch } from './fetch/fetch.js';
import { checkIdentity, type Identity } from './identity.js';
import { Pipeline, type PipelineDeps, userStages } from './pipeline.js';
// Options that these add to axios's: the declarations of the package have to name the files.
import '../policies/retries/retry-plan.js';
import '../policies/timeouts/call-timeouts.js';

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
  /** Made by `createIdentity`: in place of `tls.cert`, `key`, `pfx` and `ca`, shared with other clients and servers. */
  identity?: Identity;
  /** A source of endpoints of your own, in place of the `endpoints` section. */
  discovery?: Discovery;
  /** Policies that run once per call, outside `deadline`. */
  perCall?: readonly Policy[];
  /** Policies that run once per attempt, right outside the attempt's span. */
  perAttempt?: readonly Policy[];
}

/** How a client is closed. */
export interface CloseOptions {
  /** How long calls in flight may take to finish before they are ended with `ERR_CLOSED`; 10s by default. */
  grace?: Duration;
}

const closeOptions = z.strictObject({ grace: duration().prefault('10s') });

/** Counters of a client and what its policies tell of themselves; plain JSON. */
export interface HttpClientStats {
  /** The client's name. */
  name: string;
  /** Calls by what became of them; `active`: still under way, bodies of streams included. */
  calls: { started: number; active: number; succeeded: number; failed: number; cancelled: number };
  /** Requests handed to the wire by calls that have ended. */
  attempts: number;
  /** By the names in `pipeline`, and `wire`; the shape is each policy's own. */
  policies: Record<string, unknown>;
  /** Present while `forceCircuit` holds. */
  forcedCircuit?: 'open' | 'closed';
  /** Present once `close` was called. */
  closed?: true;
  /** Present with `tls.cert`, `pfx` or `ca`, or an identity of `deps`. */
  identity?: IdentityStats;
}

/** What can be done with a stack, whatever calls go into it. */
export interface ClientHandle extends AsyncDisposable {
  /**
   * Puts another configuration in force. Policies whose options stay the same keep their state; calls in flight finish
   * under the configuration they began with. The client's name stays.
   * @throws PillionError `ERR_CONFIG`; the configuration in force stays.
   */
  update(config: HttpClientConfig): void;
  /** Refuses new calls with `ERR_CLOSED`, lets those in flight finish, ends the rest after a grace; then no socket or timer is left. */
  close(options?: CloseOptions): Promise<void>;
  /** Counters and what each policy tells of itself, as plain JSON; made anew each time. */
  stats(): HttpClientStats;
  /**
   * Decides in place of the circuit breaker, for every destination and until told otherwise: `open` rejects every call with
   * `ERR_CIRCUIT_OPEN`, `closed` lets every call through, `auto` goes by the outcomes again. Counters stand still meanwhile.
   * @throws PillionError `ERR_CONFIG` where `circuitBreaker` is false or the state is none of these
   */
  forceCircuit(state: ForcedCircuit): void;
  /** Adds a listener for an event; the function returned takes it away again. A listener that throws never breaks a call. */
  on<Name extends ClientEventName>(event: Name, listener: Listener<Name>): () => void;
  /** The names of the policies in the stack, outermost first. */
  readonly pipeline: readonly string[];
}

/** An axios instance with the stack behind it. */
export interface HttpClient extends AxiosInstance, ClientHandle {
  /**
   * A WHATWG `fetch` over the same stack, for SDKs that take one; it may be passed on without the client. A relative URL is
   * appended to `baseURL`; another origin is refused unless `allowAbsoluteUrls` is set. Any status is an answer; what the stack
   * refuses or cannot deliver is a `TypeError` whose `cause` is the error an axios call would get. Redirects are followed (20 at
   * most), whatever `maxRedirects` says. `headers` of the configuration are sent; axios's interceptors, transforms and defaults are
   * not used. `timeouts.total` bounds the body too: set it to `false` for streams without end. `cache`, `credentials`, `mode` and the
   * like mean nothing to a server and are ignored.
   */
  fetch: HttpFetch;
}

/**
 * Creates a client. With `{ baseURL }` alone the standard stack is on: tracing, logging, deadline, retry,
 * limits, circuit breaker, timeout.
 * @throws PillionError `ERR_CONFIG` that lists every fault of `config`
 */
export function createHttpClient(config: HttpClientConfig = {}, deps: HttpClientDeps = {}): HttpClient {
  return openClient(parseConfig(config, readsFiles(deps)), deps).client;
}

/** Certificates and keys of the configuration are used only where nothing stands in their place. */
export function readsFiles({
  transport,
  identity,
}: {
  readonly transport?: unknown;
  readonly identity?: unknown;
}): boolean {
  return transport === undefined && identity === undefined;
}

/** Another configuration, ready to be put in force. */
export interface PreparedUpdate {
  /** Cannot fail. */
  apply(): void;
  discard(): void;
}

/** A client, and the way to change its configuration together with those of others. */
export interface OpenClient {
  readonly client: HttpClient;
  readonly config: Config;
  /** @throws PillionError `ERR_CONFIG` */
  prepare(config: Config): PreparedUpdate;
}

/** The same for a configuration that has been parsed. */
export function openClient(config: Config, given: HttpClientDeps): OpenClient {
  const deps = ownOf(given);
  const { core, handle } = openStack(config, deps);
  const instance = createInstance({ ...deps.axios, adapter: core.adapter });
  core.attach(instance);
  const fetch = createFetch(core.adapter, () => core.config);
  const client = Object.defineProperties(Object.assign(instance, { fetch }), descriptorsOf(handle)) as HttpClient;
  opened.set(client, core);
  return {
    client,
    get config() {
      return core.config;
    },
    prepare: (next) => core.prepare(next),
  };
}

/** A stack without an axios instance of its own. */
export function openPolicies(config: Config, deps: HttpClientDeps): { adapter: AxiosAdapter; handle: ClientHandle } {
  const { core, handle } = openStack(config, ownOf(deps));
  opened.set(handle, core);
  return { adapter: core.adapter, handle };
}

function openStack(config: Config, deps: HttpClientDeps): { core: ClientCore; handle: ClientHandle } {
  checkIdentity(deps.identity);
  const core = new ClientCore(config, deps);
  stacks.add(core.adapter);
  const handle: ClientHandle = {
    update: (next) => core.update(next),
    close: (options) => core.close(options),
    stats: () => core.stats(),
    forceCircuit: (state) => core.forceCircuit(state),
    on: core.events.on.bind(core.events),
    get pipeline() {
      return core.pipeline.names;
    },
    [Symbol.asyncDispose]: () => core.close(),
  };
  return { core, handle };
}

const stacks = new WeakSet<AxiosAdapter>();

/** True for the adapter of a client, or of an instance made from one. */
export function isStack(adapter: AxiosAdapter): boolean {
  return stacks.has(adapter);
}

/** Getters as getters: the pipeline is another after an update. */
const descriptorsOf = Object.getOwnPropertyDescriptors;

const opened = new WeakMap<ClientHandle, { readonly config: Config }>();

/** The configuration in force; undefined for what only looks like a client. */
export function configOf(client: ClientHandle): Config | undefined {
  return opened.get(client)?.config;
}

/** The state behind an instance. */
class ClientCore {
  readonly events = new Events();
  pipeline: Pipeline;
  readonly #deps: PipelineDeps;
  #config: Config;
  #origin: string | undefined;
  #defaults: ConfiguredDefaults | undefined;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  readonly #live = new Set<Scope>();
  readonly #counts = { started: 0, succeeded: 0, failed: 0, cancelled: 0 };
  #attempts = 0;
  #forced: ForcedCircuit = 'auto';

  constructor(config: Config, deps: HttpClientDeps) {
    this.#config = config;
    this.#origin = originOf(config);
    this.#deps = pipelineDeps(config.name, this.events, deps);
    this.pipeline = new Pipeline(config, this.#deps);
    this.pipeline.start();
    this.#warnOfUnused();
  }

  /** Ties the axios defaults of the instance to the configuration. */
  attach(instance: AxiosInstance): void {
    this.#defaults = new ConfiguredDefaults(instance, this.#config);
  }

  update(input: HttpClientConfig): void {
    if (this.#closing !== undefined) throw closedError(this.#config.name);
    this.prepare(parseConfig(input, readsFiles(this.#deps))).apply();
  }

  /** Makes everything that another configuration needs, so that putting it in force cannot fail. */
  prepare(next: Config): PreparedUpdate {
    const config: Config = dataOf({ ...next, name: this.#config.name }) as Config;
    const prepared = new Pipeline(config, this.#deps, this.pipeline);
    return { apply: () => this.#apply(config, prepared), discard: () => prepared.retire() };
  }

  #apply(config: Config, prepared: Pipeline): void {
    const before = this.#config;
    const old = this.pipeline;
    this.pipeline = prepared;
    this.#config = config;
    this.#origin = originOf(config);
    this.#defaults?.apply(config);
    // Gone with the breaker where that was taken away.
    if (!prepared.forceCircuit(this.#forced)) this.#forced = 'auto';
    prepared.start();
    old.retire();
    this.#warnOfUnused();
    this.events.emit('config.updated', { client: config.name, sections: changedSections(before, config) });
  }

  /** Nobody shall believe in a section that does nothing. */
  #warnOfUnused(): void {
    const unused = sectionsWithoutEffect(this.#config, this.#deps.slots.discovery !== undefined);
    if (unused.length === 0) return;
    const { client, logger = defaultLogger() } = this.#deps.context;
    harmless(() => logger.warn({ client, sections: unused }, 'these sections of the configuration have no effect'));
  }

  get config(): Config {
    return this.#config;
  }

  /** The outer edge: a call begins and ends here, exactly once each. */
  readonly adapter: AxiosAdapter = async (given) => {
    const { pipeline } = this;
    const config = ownOf(given);
    // Where there is none axios's transformResponse would read that of the global defaults.
    config.transitional ??= standardTransitional;
    const { call, request, scope, release } = this.#entered(config);
    this.#live.add(scope);
    pipeline.enter();
    this.#counts.started++;
    this.events.emit('call.started', { call });
    const outcome = await outcomeOf(hasTimeouts(config) ? pipeline.timedTransport : pipeline.transport, request);
    const leave = () => {
      release();
      pipeline.leave();
      this.#live.delete(scope);
      if (this.#live.size === 0) this.#drained?.();
    };
    try {
      const response = settle(outcome, config);
      response.config = given;
      // Answered by a policy, so the body has gone nowhere.
      if (call.attempts === 0) discardUpload(config.data);
      this.#end(call, 'succeeded', { status: response.status });
      return response;
    } catch (error) {
      const code = (error as AxiosError | undefined)?.code;
      this.#end(call, isCancel(error) ? 'cancelled' : 'failed', { status: outcome.response?.status, code });
      // Whatever has refused it: a body that was not sent to its end is sent by nobody else.
      discardUpload(config.data, error);
      throw presentable(error, given, call);
    } finally {
      if (outcome.response === undefined) leave();
      else onBodyEnd(outcome.response, leave);
    }
  };

  #entered(config: Request): EnteredCall {
    try {
      return this.#enter(config);
    } catch (error) {
      discardUpload(config.data, error);
      throw error;
    }
  }

  /** Checks before anything is sent. */
  #enter(config: Request): EnteredCall {
    const { name } = this.#config;
    if (this.#closing !== undefined) throw closedError(name, config);
    // Absolute URLs are not bent into the base here but refused below.
    const target = resolveUrl(config, true);
    const confinedTo = config.allowAbsoluteUrls ? undefined : this.#origin;
    if (confinedTo !== undefined && target.origin !== confinedTo)
      throw leavesOrigin(name, config, target.href, confinedTo);
    refuseUsed(config, name);
    const call = new Call(config, name, target);
    call.confinedTo = confinedTo;
    call.home = this.#origin ?? homeOf(config, target);
    return enterCall(call, config);
  }

  #end(call: Call, kind: 'succeeded' | 'failed' | 'cancelled', outcome: AttemptOutcome): void {
    this.#counts[kind]++;
    this.#attempts += call.attempts;
    this.events.emit('call.ended', { call, durationMs: call.elapsed(), ...outcome });
  }

  stats(): HttpClientStats {
    const identity = this.pipeline.identityStats();
    return {
      name: this.#config.name,
      calls: { ...this.#counts, active: this.#live.size },
      attempts: this.#attempts,
      policies: this.pipeline.stats(),
      ...(identity && { identity }),
      ...(this.#forced !== 'auto' && { forcedCircuit: this.#forced }),
      ...(this.#closing && { closed: true }),
    };
  }

  forceCircuit(state: ForcedCircuit): void {
    const { name } = this.#config;
    if (!['open', 'closed', 'auto'].includes(state))
      throw new PillionError(ErrorCode.CONFIG, `${name}: a circuit is forced "open" or "closed", or "auto" again.`);
    if (!this.pipeline.forceCircuit(state))
      throw new PillionError(ErrorCode.CONFIG, `${name}: circuitBreaker is false, so there is no circuit to force.`);
    this.#forced = state;
    this.events.emit('circuit.forced', { client: name, state });
  }

  close(options: CloseOptions = {}): Promise<void> {
    try {
      this.#closing ??= this.#shutDown(parseOptions(closeOptions, options, 'close').grace);
      return this.#closing;
    } catch (error) {
      return Promise.reject(error);
    }
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
        for (const scope of this.#live) scope.abort(new PillionError(ErrorCode.CLOSED, why));
        resolve();
      }, grace);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function pipelineDeps(client: string, events: Events, deps: HttpClientDeps): PipelineDeps {
  const { perCall, perAttempt, discovery, transport, identity, logger, random = Math.random } = deps;
  return {
    slots: {
      perCall: userStages('perCall', perCall),
      perAttempt: userStages('perAttempt', perAttempt),
      discovery,
    },
    context: { client, events, logger, random },
    transport,
    identity,
  };
}

function hasTimeouts({ timeout, timeouts }: Request): boolean {
  return Boolean(timeout) || timeouts !== undefined || inboundRemaining() !== undefined;
}

function originOf({ baseURL }: Config): string | undefined {
  return baseURL === undefined ? undefined : new URL(baseURL).origin;
}

/** Without a baseURL of the client's: that of the call, which an absolute URL may leave. */
function homeOf({ baseURL }: Request, { origin }: Target): string {
  return baseURL && URL.canParse(baseURL) ? new URL(baseURL).origin : origin;
}

function changedSections(before: Config, after: Config): string[] {
  const keys = Object.keys({ ...before, ...after }) as (keyof Config)[];
  return keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}
