/** Builds the stack; on update keeps every part whose options did not change. */
import { isDeepStrictEqual } from 'node:util';
import type { AxiosAdapter } from 'axios';
import type { Config } from './config/schema.js';
import { type Slots, type Stage, stagesOf } from './policies/index.js';
import { compose, type Policy, type PolicyContext, type StandingPolicy, type Transport } from './policy.js';
import { attemptEdge } from './transport/edge.js';
import { createWire, injectedWire, type Wire, type WireOptions } from './transport/wire.js';
import { version } from './version.js';

/** A part of the stack; generations share it, the last one to let go closes it. */
interface Shared<T> {
  readonly options: unknown;
  readonly part: T;
  holders: number;
}

/** One generation of the stack. */
export class Pipeline {
  readonly transport: Transport;
  /** For calls that set timeouts of their own; another stack only where `timeouts` is false. */
  readonly timedTransport: Transport;
  readonly wire: Wire;
  private readonly policies: Map<string, Shared<StandingPolicy>>;
  private readonly wireStage: Shared<Wire>;
  private calls = 0;
  private retired = false;

  constructor(config: Config, slots: Slots, context: PolicyContext, injected?: AxiosAdapter, previous?: Pipeline) {
    const wireOptions = wireOptionsOf(config);
    const oldWire = previous?.wireStage;
    // The wire first: bad TLS material throws before anything was made.
    this.wireStage =
      oldWire !== undefined && isDeepStrictEqual(oldWire.options, wireOptions)
        ? oldWire
        : {
            options: wireOptions,
            holders: 0,
            part: injected === undefined ? createWire(wireOptions) : injectedWire(injected),
          };
    this.wire = this.wireStage.part;
    this.policies = new Map(
      stagesOf(config, slots).map((stage) => [
        stage.name,
        keepOrCreate(stage, context, previous?.policies.get(stage.name)),
      ]),
    );
    for (const shared of [...this.policies.values(), this.wireStage]) shared.holders++;
    const edge = attemptEdge(this.wire, context.events);
    const parts = [...this.policies.values()].map(({ part }) => part);
    this.transport = compose(parts, edge);
    this.timedTransport = config.timeouts === false ? this.#timed(config, slots, context, edge) : this.transport;
  }

  /** The same parts in the same order, and the two that keep time, which only do what the call itself says. */
  #timed(config: Config, slots: Slots, context: PolicyContext, edge: Transport): Transport {
    const stages = stagesOf({ ...config, timeouts: { total: false, attempt: false, connect: false } }, slots);
    return compose(
      stages.map((stage) => this.policies.get(stage.name)?.part ?? stage.create(context)),
      edge,
    );
  }

  /** Names of the policies, outermost first. */
  get names(): string[] {
    return [...this.policies.keys()];
  }

  /** What each policy and the wire tell of themselves. */
  stats(): Record<string, unknown> {
    const told = [...this.policies].flatMap(([name, { part }]) => (part.stats ? [[name, part.stats()]] : []));
    return { ...Object.fromEntries(told), wire: this.wire.stats() };
  }

  /** A call begins on this generation; it ends on it too, whatever is put in force meanwhile. */
  enter(): void {
    this.calls++;
  }

  leave(): void {
    this.calls--;
    if (this.retired && this.calls === 0) this.letGo();
  }

  /** Lets go of everything that no other generation holds, once the last call on this one has ended. */
  retire(): void {
    this.retired = true;
    if (this.calls === 0) this.letGo();
  }

  private letGo(): void {
    for (const shared of this.policies.values()) if (--shared.holders === 0) shared.part.close?.();
    if (--this.wireStage.holders === 0) void this.wire.close();
  }

  /** Lets go of everything at once. */
  async destroy(): Promise<void> {
    for (const { part } of this.policies.values()) part.close?.();
    await this.wire.destroy();
  }
}

function keepOrCreate(
  stage: Stage,
  context: PolicyContext,
  old: Shared<StandingPolicy> | undefined,
): Shared<StandingPolicy> {
  if (old !== undefined && isDeepStrictEqual(old.options, stage.options)) return old;
  return { options: stage.options, part: stage.create(context), holders: 0 };
}

function wireOptionsOf({ timeouts, limits, tls, allowH2 }: Config): WireOptions {
  return {
    connectTimeout: timeouts === false ? false : timeouts.connect,
    ...(limits === false ? unlimited : connectionsOf(limits)),
    tls,
    allowH2,
    userAgent: `pillion/${version}`,
  };
}

type Limits = Exclude<Config['limits'], false>;

function connectionsOf(limits: Limits) {
  const { maxConnections, maxContentLength, maxConnectionAge, keepAliveTimeout, maxOrigins } = limits;
  return { maxConnections, maxContentLength, maxConnectionAge, keepAliveTimeout, maxOrigins };
}

/** Without the section: what keeps the process healthy all the same. */
const unlimited = {
  maxConnections: 1024,
  maxContentLength: -1,
  maxConnectionAge: 600_000,
  keepAliveTimeout: 4000,
  maxOrigins: 1024,
} satisfies ReturnType<typeof connectionsOf>;

/** The user's own policies as stages; they carry no options, so they are kept across updates. */
export function userStages(slot: string, policies: readonly Policy[] = []): Stage[] {
  const names = policies.map(
    (policy, index) => (policy as Partial<StandingPolicy>).policyName ?? (policy.name || `${index + 1}`),
  );
  return policies.map((policy, index) => {
    const { stats } = policy as Partial<StandingPolicy>;
    // Two of the same name are told apart by their place.
    const twin = names.indexOf(names[index] ?? '') < index;
    const policyName = `${slot}:${names[index]}${twin ? `#${index + 1}` : ''}`;
    const create = () => Object.assign((next: Transport) => policy(next), { policyName }, stats && { stats });
    return { name: policyName, options: policy, create };
  });
}
