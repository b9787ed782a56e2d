/** The state of a client, whatever instance stands in front of it: its configuration, its stack, its calls in flight. */
import type { AxiosAdapter } from 'axios';
import { z } from 'zod';
import { discardUpload } from '../call/body.js';
import { closedError, ErrorCode, PillionError } from '../call/errors.js';
import { type AttemptOutcome, Events, type ForcedCircuit } from '../call/events.js';
import { harmless } from '../call/harmless.js';
import { inboundRemaining } from '../call/inbound.js';
import { defaultLogger } from '../call/logger.js';
import type { Request } from '../call/message.js';
import { dataOf, ownOf, ownValue } from '../call/own.js';
import { Queue } from '../call/queue.js';
import { Call } from '../call/record.js';
import { standardTransitional } from '../call/transitional.js';
import { leavesOrigin, resolveUrl, type Target } from '../call/url.js';
import { refuseUsed } from '../call/used-body.js';
import { duration } from '../options/duration.js';
import { parseOptions } from '../options/options.js';
import { parseFunctions } from '../policies/retries/retry-plan.js';
import { eventFields } from '../policies/telemetry/log-fields.js';
import { ConfiguredDefaults } from './axios/instance.js';
import type { CallSender, Settling } from './axios/usual-call.js';
import type { UsualDefaults } from './axios/usual-defaults.js';
import { type Config, type HttpClientConfig, parseConfig } from './config/config.js';
import { sectionsWithoutEffect } from './config/traffic.js';
import { enterCall } from './edge.js';
import type { CloseOptions, ForceOptions, HttpClientDeps } from './http-client.js';
import { Pipeline, type PipelineDeps, userStages } from './pipeline.js';
import { type CallKeeper, RunningCall } from './running-call.js';
import type { HttpClientStats } from './stats.js';

/** A new configuration that is ready to be applied. */
export interface PreparedUpdate {
  /** Puts the configuration into force; cannot fail. */
  apply(): void;
  /** Releases what was prepared, without applying it. */
  discard(): void;
}

/** True where the certificate files of the configuration are read: neither `transport` nor `identity` replaces them. */
export function readsFiles({
  transport,
  identity,
}: {
  readonly transport?: unknown;
  readonly identity?: unknown;
}): boolean {
  return transport === undefined && identity === undefined;
}

export const closeOptions = z.lazy(() => z.strictObject({ grace: duration().prefault('10s') }));
const forceOptions = z.lazy(() =>
  z.strictObject({
    by: z.string().min(1).max(200).optional(),
    for: duration({ min: 1 }).optional(),
  }),
);

/** A state set by `forceCircuit`. */
interface Force {
  readonly state: Exclude<ForcedCircuit, 'auto'>;
  readonly by: string | undefined;
  readonly since: number;
  readonly until: number | undefined;
}

/** The state of a client: its configuration, its stack, its calls in flight and its counters. */
export class ClientState implements CallKeeper, CallSender {
  readonly events = new Events();
  pipeline: Pipeline;
  readonly #deps: PipelineDeps;
  #config: Config;
  #origin: string | undefined;
  #defaults: ConfiguredDefaults | undefined;
  #instanceDefaults: object | undefined;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  readonly #live = new Queue<RunningCall>();
  readonly #counts = { started: 0, succeeded: 0, failed: 0, cancelled: 0 };
  #attempts = 0;
  #forced: Force | undefined;
  #forcedTimer: NodeJS.Timeout | undefined;

  constructor(config: Config, deps: HttpClientDeps) {
    this.#config = config;
    this.#origin = originOf(config);
    this.#deps = pipelineDeps(config.name, this.events, deps);
    this.pipeline = new Pipeline(config, this.#deps);
    this.pipeline.start();
    this.#warnOfUnused();
  }

  /** Keeps the axios defaults of the instance in step with the configuration. */
  attach(defaults: UsualDefaults): void {
    this.#defaults = new ConfiguredDefaults(defaults, this.#config);
    this.standBehind(defaults.own);
  }

  /** The calls come from an instance with these axios defaults. */
  standBehind(defaults: object): void {
    this.#instanceDefaults = defaults;
  }

  update(input: HttpClientConfig): void {
    if (this.#closing !== undefined) throw closedError(this.#config.name);
    this.prepare(parseConfig(input, readsFiles(this.#deps))).apply();
  }

  /** Creates everything that a new configuration needs, so that applying it cannot fail. */
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
    // The forced state ends if the new configuration has no circuit breaker.
    const isForcible = prepared.forceCircuit(this.#forced?.state ?? 'auto', this.#forced?.by);
    prepared.start();
    old.retire();
    if (this.#forced !== undefined && !isForcible) {
      this.#unforce();
      const by = 'an update without circuitBreaker';
      this.events.emit('circuit.forced', { client: config.name, state: 'auto', by });
    }
    this.#warnOfUnused();
    this.events.emit('config.updated', { client: config.name, sections: changedSections(before, config) });
  }

  /** Warns about sections without effect, which the user would otherwise rely on. */
  #warnOfUnused(): void {
    const unused = sectionsWithoutEffect(this.#config, this.#deps.slots.discovery !== undefined);
    if (unused.length === 0) return;
    const { client, logger } = this.#deps.context;
    const { profile = 'otel', level } = this.#config.logging || {};
    const fields = eventFields(profile, { event: 'config.unused', client, details: { sections: unused } });
    const text = 'these sections of the configuration have no effect';
    harmless(() => (logger ?? defaultLogger(profile, level)).warn(fields, text));
  }

  get config(): Config {
    return this.#config;
  }

  readonly adapter: AxiosAdapter = (given) =>
    new Promise((resolve, reject) => {
      this.send(given, { resolve, reject });
    });

  /** The outer edge of the stack, where every call begins and ends exactly once. */
  send(given: Request, settling: Settling): void {
    const { pipeline } = this;
    const config = ownOf(given);
    // Without it, axios's transformResponse would read `transitional` of the global defaults.
    config.transitional ??= standardTransitional;
    try {
      const call = this.#callOf(config);
      const running = new RunningCall(call, { given, config }, pipeline, this, settling);
      const request = enterCall(call, config, running);
      running.follow();
      running.place = this.#live.add(running);
      pipeline.enter();
      this.#counts.started++;
      this.events.emit('call.started', { call });
      pipeline.send(request, running, hasTimeouts(config));
    } catch (error) {
      discardUpload(config.data, error);
      settling.reject(error);
    }
  }

  /** Checks the request and creates its call, before anything is sent. */
  #callOf(config: Request): Call {
    const { name } = this.#config;
    if (this.#closing !== undefined) throw closedError(name, config);
    // An absolute URL stays absolute here, instead of being appended to `baseURL`, so that it can be rejected below.
    const target = resolveUrl(config, true);
    const confinedTo = config.allowAbsoluteUrls ? undefined : this.#origin;
    if (confinedTo !== undefined && target.origin !== confinedTo)
      throw leavesOrigin(name, config, target.href, confinedTo);
    refuseUsed(config, name);
    const call = new Call(config, name, target);
    call.confinedTo = confinedTo;
    call.home = this.#origin ?? homeOf(config, target);
    if (config.timeout === 0) call.hasOwnTimeout = hasTimeout(this.#instanceDefaults);
    return call;
  }

  ended(call: Call, kind: 'succeeded' | 'failed' | 'cancelled', outcome: AttemptOutcome): void {
    this.#counts[kind]++;
    this.#attempts += call.attempts;
    this.events.emit('call.ended', { call, durationMs: call.elapsed(), ...outcome });
  }

  left(running: RunningCall): void {
    this.#live.remove(running.place);
    if (this.#live.size === 0) this.#drained?.();
  }

  stats(): HttpClientStats {
    const identity = this.pipeline.identityStats();
    return {
      name: this.#config.name,
      calls: { ...this.#counts, active: this.#live.size },
      attempts: this.#attempts,
      policies: this.pipeline.stats(),
      ...(identity && { identity }),
      ...(this.#forced && shownForce(this.#forced)),
      ...(this.#closing && { closed: true }),
    };
  }

  forceCircuit(state: ForcedCircuit, options: ForceOptions = {}): void {
    const { name } = this.#config;
    if (!['open', 'closed', 'auto'].includes(state))
      throw new PillionError(ErrorCode.CONFIG, `${name}: forceCircuit takes "open", "closed" or "auto".`);
    const { by, for: forMs } = parseOptions(forceOptions, options, 'forceCircuit');
    if (state === 'auto' && forMs !== undefined)
      throw new PillionError(ErrorCode.CONFIG, `${name}: forceCircuit takes "for" with "open" or "closed" only.`);
    this.#force(state, { ...(by !== undefined && { by }), ...(forMs !== undefined && { forMs }) });
  }

  #force(state: ForcedCircuit, told: { by?: string; forMs?: number; expired?: true }): void {
    const { name } = this.#config;
    const { by, forMs } = told;
    if (!this.pipeline.forceCircuit(state, by))
      throw new PillionError(ErrorCode.CONFIG, `${name}: forceCircuit needs a circuit, but circuitBreaker is false.`);
    this.#unforce();
    if (state !== 'auto') {
      const since = Date.now();
      this.#forced = { state, by, since, until: forMs === undefined ? undefined : since + forMs };
      if (forMs !== undefined && this.#closing === undefined)
        this.#forcedTimer = setTimeout(() => this.#force('auto', { expired: true }), forMs).unref();
    }
    this.events.emit('circuit.forced', { client: name, state, ...told });
  }

  #unforce(): void {
    clearTimeout(this.#forcedTimer);
    this.#forced = undefined;
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
    clearTimeout(this.#forcedTimer);
    if (this.#live.size > 0) await this.#drain(grace);
    await this.pipeline.destroy();
  }

  /** Waits for calls in flight, and aborts those that outlast the grace. */
  #drain(grace: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const { name } = this.#config;
        const why = `${name}: the client was closed, and the call did not end within the grace of ${grace} ms.`;
        for (const running of this.#live.items()) running.abort(new PillionError(ErrorCode.CLOSED, why));
        resolve();
      }, grace);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function shownForce({ state, by, since, until }: Force): Partial<HttpClientStats> {
  return {
    forcedCircuit: state,
    ...(by !== undefined && { forcedBy: by }),
    forcedSince: new Date(since).toISOString(),
    ...(until !== undefined && { forcedUntil: new Date(until).toISOString() }),
  };
}

function pipelineDeps(client: string, events: Events, deps: HttpClientDeps): PipelineDeps {
  const { perCall, perAttempt, discovery, retry = {}, transport, identity, logger, random = Math.random } = deps;
  return {
    slots: {
      perCall: userStages('perCall', perCall),
      perAttempt: userStages('perAttempt', perAttempt),
      discovery,
      retry: parseFunctions(retry),
    },
    context: { client, events, logger, random },
    transport,
    identity,
  };
}

/** True where the instance has a timeout: a call with `timeout: 0` lifts it, and has no limit but those that are set. */
function hasTimeout(defaults: object | undefined): boolean {
  // An unused default of a client's instance is a getter, which is not to be read.
  return defaults !== undefined && isEnumerable.call(defaults, 'timeout') && Boolean(ownValue(defaults, 'timeout'));
}

const isEnumerable = Object.prototype.propertyIsEnumerable;

function hasTimeouts({ timeout, timeouts }: Request): boolean {
  return Boolean(timeout) || timeouts !== undefined || inboundRemaining() !== undefined;
}

function originOf({ baseURL }: Config): string | undefined {
  return baseURL === undefined ? undefined : new URL(baseURL).origin;
}

/** The home origin of a call of a client without `baseURL`: that of the call's own `baseURL`, else of its URL. */
function homeOf({ baseURL }: Request, { origin }: Target): string {
  return baseURL && URL.canParse(baseURL) ? new URL(baseURL).origin : origin;
}

function changedSections(before: Config, after: Config): string[] {
  const keys = Object.keys({ ...before, ...after }) as (keyof Config)[];
  return keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}
