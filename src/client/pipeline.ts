/** Builds the stack of policies; an update keeps every part whose options did not change. */
import { isDeepStrictEqual } from 'node:util';
import type { AxiosAdapter } from 'axios';
import { ErrorCode, PillionError } from '../call/errors.js';
import { type ForcedCircuit, silentEvents } from '../call/events.js';
import type { Request, Transport } from '../call/message.js';
import { type OutcomeReceiver, type Send, sendOf } from '../call/receiver.js';
import { version } from '../call/version.js';
import { compose, type Policy, type PolicyContext, type StandingPolicy } from '../policies/policy.js';
import { attemptEdge } from '../transport/attempt.js';
import type { MaterialOptions } from '../transport/tls/material-options.js';
import type { IdentityStats } from '../transport/tls/rotating-identity.js';
import { partsOf } from '../transport/tls/tls.js';
import { createWire, injectedWire, type Wire, type WireOptions } from '../transport/wire.js';
import type { Config } from './config/config.js';
import { type Slots, type Stage, stagesOf } from './order.js';
import { type HeldIdentity, holdIdentity, type Identity } from './shared-identity.js';
import type { HttpClientStats } from './stats.js';

/** A part of the stack that generations share; when the last generation releases it, it is closed. */
interface Shared<T> {
  readonly options: unknown;
  readonly part: T;
  holders: number;
}

/** The dependencies of a client's stack, the same for all its generations. */
export interface PipelineDeps {
  readonly slots: Slots;
  readonly context: PolicyContext;
  /** Replaces the wire. */
  readonly transport: AxiosAdapter | undefined;
  /** Replaces the files of the `tls` section. */
  readonly identity: Identity | undefined;
}

/** One generation of the stack; every update of the configuration makes a new one. */
export class Pipeline {
  readonly #send: Send;
  /** For calls with timeouts of their own; differs only where `timeouts` is false. */
  readonly #sendTimed: Send;
  readonly wire: Wire;
  private readonly policies: Map<string, Shared<StandingPolicy>>;
  private readonly wireStage: Shared<Wire>;
  private readonly identityStage: Shared<HeldIdentity> | undefined;
  private calls = 0;
  private retired = false;

  /** @throws PillionError `ERR_CONFIG` for TLS material that cannot be used, before anything is created */
  constructor(config: Config, deps: PipelineDeps, previous?: Pipeline) {
    const { slots, context, transport, identity } = deps;
    checkEndpoints(config, slots);
    const source = transport === undefined ? identitySourceOf(config, identity) : undefined;
    this.identityStage = source && keepOr(previous?.identityStage, source, () => holdIdentity(source, context));
    const held = this.identityStage?.part.core;
    this.wireStage = keepOr(previous?.wireStage, { ...wireOptionsOf(config), source }, (options) =>
      transport === undefined ? createWire(options, held) : injectedWire(transport),
    );
    this.wire = this.wireStage.part;
    this.policies = new Map(
      stagesOf(config, slots).map((stage) => [
        stage.name,
        keepOr(previous?.policies.get(stage.name), stage.options, (_, old) => stage.create(context, old)),
      ]),
    );
    for (const shared of this.#shared()) shared.holders++;
    const edge = attemptEdge(this.wire, context.events);
    // Mirrored copies and health checks are not attempts of a call, so they emit no events.
    const aside = attemptEdge(this.wire, silentEvents);
    const parts = [...this.policies.values()].map(({ part }) => part);
    this.#send = sendOf(compose(parts, edge, aside));
    this.#sendTimed = config.timeouts === false ? sendOf(this.#timed(config, deps, edge, aside)) : this.#send;
  }

  /** Sends a call through the stack; `timed`: it has timeouts of its own. */
  send(request: Request, receiver: OutcomeReceiver, timed: boolean): void {
    if (timed) this.#sendTimed(request, receiver);
    else this.#send(request, receiver);
  }

  /** The same parts in the same order plus `deadline` and `timeout`, which then apply only the call's own limits. */
  #timed(config: Config, { slots, context }: PipelineDeps, edge: Transport, aside: Transport): Transport {
    const stages = stagesOf({ ...config, timeouts: { total: false, attempt: false, connect: false } }, slots);
    return compose(
      stages.map((stage) => this.policies.get(stage.name)?.part ?? stage.create(context)),
      edge,
      aside,
    );
  }

  /** Stats of the identity; undefined where there is none. */
  identityStats(): IdentityStats | undefined {
    return this.identityStage?.part.core.stats();
  }

  /** Names of the policies, outermost first. */
  get names(): string[] {
    return [...this.policies.keys()];
  }

  /** Stats of each policy that has some, and of the wire. */
  stats(): HttpClientStats['policies'] {
    const told = [...this.policies].flatMap(([name, { part }]) => (part.stats ? [[name, part.stats()]] : []));
    return { ...Object.fromEntries(told), wire: this.wire.stats() } as HttpClientStats['policies'];
  }

  /** Forces the circuits into a state; returns false where there is no circuit breaker. */
  forceCircuit(state: ForcedCircuit, by?: string): boolean {
    const forcible = [...this.policies.values()].filter(({ part }) => part.force !== undefined);
    for (const { part } of forcible) part.force?.(state, by);
    return forcible.length > 0;
  }

  /** Starts background work, such as discovery, when the generation comes into force. */
  start(): void {
    for (const { part } of this.policies.values()) part.start?.();
  }

  /** Counts a call that begins; it finishes on this generation even if an update replaces it. */
  enter(): void {
    this.calls++;
  }

  leave(): void {
    this.calls--;
    if (this.retired && this.calls === 0) this.letGo();
  }

  /** Releases the parts once the last call of this generation has ended; parts of no other generation are closed. */
  retire(): void {
    this.retired = true;
    if (this.calls === 0) this.letGo();
  }

  private letGo(): void {
    for (const shared of this.#shared()) if (--shared.holders === 0) void shared.part.close?.();
  }

  #shared(): Shared<{ close?(): unknown }>[] {
    return [...this.policies.values(), this.wireStage, ...(this.identityStage ? [this.identityStage] : [])];
  }

  /** Closes all parts at once. */
  async destroy(): Promise<void> {
    for (const { part } of this.policies.values()) part.close?.();
    this.identityStage?.part.close();
    await this.wire.destroy();
  }
}

/** Keeps the old part if its options are unchanged, else makes a new one. */
function keepOr<T, Options>(
  old: Shared<T> | undefined,
  options: Options,
  make: (options: Options, old: T | undefined) => T,
): Shared<T> {
  if (old !== undefined && isDeepStrictEqual(old.options, options)) return old;
  return { options, part: make(options, old?.part), holders: 0 };
}

function checkEndpoints({ name, endpoints, baseURL }: Config, { discovery }: Slots): void {
  if (discovery === undefined || (endpoints === undefined && baseURL !== undefined)) return;
  const why =
    endpoints !== undefined
      ? 'endpoints and deps.discovery are both given; remove one of them'
      : 'deps.discovery needs a baseURL, whose host is the server name of the endpoints; set it';
  const faults = [{ path: 'deps.discovery', message: why }];
  throw new PillionError(ErrorCode.CONFIG, `Bad configuration of the HTTP client "${name}": ${why}.`, undefined, {
    faults,
  });
}

/** The files of the `tls` section, or the identity from `deps`; undefined where there is neither. */
function identitySourceOf(
  { tls, name }: Config,
  identity: Identity | undefined,
): MaterialOptions | Identity | undefined {
  const own = tls && partsOf(tls).material;
  if (own !== undefined && identity !== undefined) {
    const why = 'tls has cert, pfx or ca, and deps.identity is given too; remove one of them';
    const faults = [{ path: 'deps.identity', message: why }];
    throw new PillionError(ErrorCode.CONFIG, `Bad configuration of the HTTP client "${name}": ${why}.`, undefined, {
      faults,
    });
  }
  return own ?? identity;
}

function wireOptionsOf({ timeouts, connections, maxContentLength, tls, allowH2 }: Config): WireOptions {
  return {
    connectTimeout: timeouts === false ? false : timeouts.connect,
    ...connections,
    maxContentLength,
    peer: tls ? partsOf(tls).peer : undefined,
    allowH2,
    userAgent: `pillion/${version}`,
  };
}

/** Makes stages of the user's own policies, which have no options and are therefore kept across updates. */
export function userStages(slot: string, policies: readonly Policy[] = []): Stage[] {
  const names = policies.map(
    (policy, index) => (policy as Partial<StandingPolicy>).policyName ?? (policy.name || `${index + 1}`),
  );
  return policies.map((policy, index) => {
    const { stats } = policy as Partial<StandingPolicy>;
    // A second policy of the same name gets its position as a suffix, since names must be unique.
    const twin = names.indexOf(names[index] ?? '') < index;
    const policyName = `${slot}:${names[index]}${twin ? `#${index + 1}` : ''}`;
    const create = () => Object.assign((next: Transport) => policy(next), { policyName }, stats && { stats });
    return { name: policyName, options: policy, create };
  });
}
