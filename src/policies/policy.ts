/** The idea of the library: a transport turns one request into a response, and a policy wraps a transport. */
import type { z } from 'zod';
import { type Emitter, type ForcedCircuit, silentEvents } from '../call/events.js';
import type { Logger } from '../call/logger.js';
import type { Transport } from '../call/message.js';
import { type Send, sendOf, transportOf } from '../call/receiver.js';
import { parseOptions } from '../options/options.js';

/**
 * Wraps a transport: a policy may delay, race, repeat or reject a request. `wire` is for requests that are not part of
 * the call, such as mirrored copies and health checks: it bypasses the policies further down.
 */
export type Policy = (next: Transport, wire?: Transport) => Transport;

/** A policy with state. The state outlives `policy(next)`, so a new stack can be composed around it on an update. */
export interface StandingPolicy extends Policy {
  /** The name shown in `client.pipeline`. */
  readonly policyName: string;
  /** The state as plain JSON, shown in `client.stats()`. */
  stats?(): unknown;
  /** Runs when a stack with this policy comes into force; it may run more than once. */
  start?(): void;
  /** Releases timers and other resources when the policy leaves the stack. */
  close?(): void;
  /** Circuit breakers only: forces every circuit into a state; `by` says who or what did it. */
  force?(state: ForcedCircuit, by?: string): void;
  /** State that the replacement policy inherits when the options change. */
  readonly state?: unknown;
}

/** The context that a client gives to each of its policies. */
export interface PolicyContext {
  /** The client's name, for messages, spans and log lines. */
  readonly client: string;
  /** Emits the client's events. */
  readonly events: Emitter;
  /** The user's logger; undefined where none was given. */
  readonly logger: Logger | undefined;
  /** Returns a number in [0, 1), like `Math.random`. */
  readonly random: () => number;
}

/** The wrapper of a policy: of transports or, where every call goes through it, of their quick form. */
type Wrapper =
  | { wrap: (next: Transport, wire: Transport) => Transport; pass?: never }
  | { pass: (next: Send) => Send; wrap?: never };

/**
 * The parts that `build` returns: the wrapper and, for a policy with state, how to show, release and hand over that
 * state.
 */
export type PolicyParts<State = unknown> = Wrapper & {
  stats?: () => unknown;
  start?: () => void;
  close?: () => void;
  force?: (state: ForcedCircuit, by?: string) => void;
  state?: State;
};

/** Makes a policy that also works without a client: `timeout({ attempt: '1s' })(transport)`. */
export interface PolicyFactory<Input, Options> {
  (options?: Input, context?: Partial<PolicyContext>): StandingPolicy;
  readonly policyName: string;
  /** Makes a policy from options that are already parsed; `before` is the policy that it replaces. */
  create(options: Options, context: PolicyContext, before?: StandingPolicy): StandingPolicy;
}

/**
 * Defines a policy by its name, the zod schema of its options and a `build` function. When an update changes the
 * options, `build` receives the state of the policy that is replaced.
 */
export function definePolicy<Schema extends z.ZodType, State = unknown>(
  policyName: string,
  schema: Schema,
  build: (options: z.output<Schema>, context: PolicyContext, before: State | undefined) => PolicyParts<State>,
): PolicyFactory<z.input<Schema>, z.output<Schema>> {
  const create = (
    options: z.output<Schema>,
    context: PolicyContext,
    before?: { readonly state?: unknown },
  ): StandingPolicy => {
    const { wrap, pass, ...parts } = build(options, context, before?.state as State | undefined);
    const policy: Policy = (next, wire = next) => (pass ? transportOf(pass(sendOf(next))) : wrap(next, wire));
    return Object.assign(policy, { policyName }, parts);
  };
  const factory = (options?: z.input<Schema>, context?: Partial<PolicyContext>): StandingPolicy =>
    create(parseOptions(schema, options ?? {}, policyName), { ...standalone, ...context });
  return Object.assign(factory, { policyName, create });
}

const standalone: PolicyContext = {
  client: 'pillion',
  events: silentEvents,
  logger: undefined,
  random: () => Math.random(),
};

/** Wraps a transport in policies, outermost first; `wire` carries the requests that bypass them. */
export function compose(policies: readonly Policy[], transport: Transport, wire: Transport = transport): Transport {
  return policies.reduceRight((next, policy) => policy(next, wire), transport);
}
