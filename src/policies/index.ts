/** THE ORDER: the path of a request, outermost first, one line a policy. */
import type { Config } from '../config/schema.js';
import type { PolicyContext, PolicyFactory, StandingPolicy } from '../policy.js';
import { circuitBreaker } from './circuit-breaker.js';
import { deadline } from './deadline.js';
import { limits } from './limits.js';
import { logging } from './logging.js';
import { retry } from './retry.js';
import { timeout } from './timeout.js';
import { attemptTracing, callTracing } from './tracing.js';

/** A place in the stack: a policy with its options, or one the user brought. */
export interface Stage {
  readonly name: string;
  /** Compared on update: a stage whose options are the same is kept with its state. */
  readonly options: unknown;
  /** `before` is the policy whose place it takes. */
  create(context: PolicyContext, before?: StandingPolicy): StandingPolicy;
}

export interface Slots {
  readonly perCall: readonly Stage[];
  readonly perAttempt: readonly Stage[];
}

/** The stages that a configuration asks for; a section that is `false` is not in the stack. */
export function stagesOf(config: Config, slots: Slots): Stage[] {
  const { timeouts, limits: caps } = config;
  const maxConcurrent = caps === false ? Number.MAX_SAFE_INTEGER : caps.maxRetries;
  return [
    // once per call
    stage(callTracing, config.tracing),
    stage(logging, config.logging),
    ...slots.perCall,
    stage(deadline, timeouts && { total: timeouts.total }),
    // the hinge
    stage(retry, config.retry && { ...config.retry, maxConcurrent }),
    // once per attempt
    stage(circuitBreaker, config.circuitBreaker),
    stage(limits, caps && gates(caps)),
    stage(timeout, timeouts && { attempt: timeouts.attempt }),
    ...slots.perAttempt,
    stage(attemptTracing, config.tracing),
  ].filter((each) => each !== undefined);
}

/** The part of the section that the policy reads: what else is in it may change without emptying its queues. */
function gates({ maxConnections, maxPendingRequests }: Exclude<Config['limits'], false>) {
  return { maxConnections, maxPendingRequests };
}

function stage<Input, Options>(factory: PolicyFactory<Input, Options>, options: Options | false): Stage | undefined {
  if (options === false) return undefined;
  return { name: factory.policyName, options, create: (context, before) => factory.create(options, context, before) };
}
