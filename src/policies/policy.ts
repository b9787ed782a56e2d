/** The idea: a transport carries one request to an answer, a policy stands around a transport. */
import type { z } from 'zod';
import { type Emitter, type ForcedCircuit, silentEvents } from '../call/events.js';
import type { Logger } from '../call/logger.js';
import type { Transport } from '../call/message.js';
import { parseOptions } from '../options/options.js';

/**
 * Stands around a transport: may wait, race, repeat, refuse. `wire` carries requests that are not part of the call and so
 * go past the policies further down: copies, health checks.
 */
export type Policy = (next: Transport, wire?: Transport) => Transport;

/** A policy with its state. The state outlives `policy(next)`, so a stack can be recomposed around it. */
export interface StandingPolicy extends Policy {
  /** The name shown in `client.pipeline`. */
  readonly policyName: string;
  /** Plain JSON about the state, shown in `client.stats()`. */
  stats?(): unknown;
  /** The stack it is in is put in force; may be called again. */
  start?(): void;
  /** Lets go of timers and other resources when the policy leaves the stack. */
  close?(): void;
  /** Of a circuit breaker: decides by hand. */
  force?(state: ForcedCircuit): void;
  /** What its successor takes over when the options change. */
  readonly state?: unknown;
}

/** What a policy gets from the client it works for. */
export interface PolicyContext {
  /** The client's name, for messages, spans and log lines. */
  readonly client: string;
  /** Where what happens is told, once. */
  readonly events: Emitter;
  /** The one that was given; undefined: none was. */
  readonly logger: Logger | undefined;
  /** A number in [0, 1), as `Math.random`. */
  readonly random: () => number;
}

/** What `create` returns: the wrapping itself and, where there is state, how to show it, drop it and hand it on. */
export interface PolicyParts<State = unknown> {
  wrap: (next: Transport, wire: Transport) => Transport;
  stats?: () => unknown;
  start?: () => void;
  close?: () => void;
  force?: (state: ForcedCircuit) => void;
  state?: State;
}

/** Makes a policy that works alone: `timeout({ attempt: '1s' })(transport)`. */
export interface PolicyFactory<Input, Options> {
  (options?: Input, context?: Partial<PolicyContext>): StandingPolicy;
  readonly policyName: string;
  /** The same with options that a schema has parsed already; `before` is the policy whose place it takes. */
  create(options: Options, context: PolicyContext, before?: StandingPolicy): StandingPolicy;
}

/**
 * Defines a policy by its name, the zod schema of its options and the function that makes it. That function is given the
 * state of the policy whose place the new one takes, where the options have changed.
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
    const { wrap, ...parts } = build(options, context, before?.state as State | undefined);
    const policy: Policy = (next, wire = next) => wrap(next, wire);
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

/** Puts policies, outermost first, around a transport; `wire` carries what goes past them. */
export function compose(policies: readonly Policy[], transport: Transport, wire: Transport = transport): Transport {
  return policies.reduceRight((next, policy) => policy(next, wire), transport);
}
