/** THE ORDER: the path of a request, outermost first, one line a policy. */
import type { Config } from '../config/schema.js';
import type { Discovery } from '../endpoints/discovery.js';
import type { PolicyContext, PolicyFactory, StandingPolicy } from '../policy.js';
import { adaptiveConcurrency } from './adaptive-concurrency.js';
import { balance, balanceOptions } from './balance.js';
import { circuitBreaker } from './circuit-breaker.js';
import { deadline } from './deadline.js';
import { deadlineHeader } from './deadline-header.js';
import { fault, isFaultAllowed } from './fault.js';
import { healthCheck } from './health-check.js';
import { hedging } from './hedging.js';
import { limits } from './limits.js';
import { logging } from './logging.js';
import { mirror } from './mirror.js';
import { outlierDetection } from './outlier-detection.js';
import { rateLimit } from './rate-limit.js';
import { retry } from './retry.js';
import { split } from './split.js';
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

/** What code brings along. */
export interface Slots {
  readonly perCall: readonly Stage[];
  readonly perAttempt: readonly Stage[];
  /** In place of the `endpoints` section. */
  readonly discovery: Discovery | undefined;
}

/** The stages that a configuration asks for; a section that is `false` is not in the stack. */
export function stagesOf(config: Config, slots: Slots): Stage[] {
  const { timeouts, limits: caps } = config;
  const maxConcurrent = caps === false ? Number.MAX_SAFE_INTEGER : caps.maxRetries;
  const balancing = balancingOf(config, slots);
  return [
    // once per call
    stage(callTracing, config.tracing),
    stage(logging, config.logging),
    ...slots.perCall,
    stage(deadline, timeouts && { total: timeouts.total }),
    stage(split, config.split ?? false),
    stage(mirror, config.mirror ?? false),
    // the hinge
    stage(retry, config.retry && { ...config.retry, maxConcurrent }),
    stage(hedging, config.hedging ?? false),
    // once per attempt
    stage(rateLimit, config.rateLimit ?? false),
    stage(balance, balancing),
    stage(outlierDetection, (balancing && config.outlierDetection) ?? false),
    stage(healthCheck, (balancing && config.healthCheck) ?? false),
    // Outside the circuit: who has waited asks it last, so that an open one empties the queue.
    stage(limits, caps && gates(caps)),
    stage(circuitBreaker, config.circuitBreaker),
    stage(adaptiveConcurrency, config.adaptiveConcurrency ?? false),
    stage(timeout, timeouts && { attempt: timeouts.attempt }),
    stage(deadlineHeader, config.deadlineHeader ?? false),
    ...slots.perAttempt,
    stage(attemptTracing, config.tracing),
    stage(fault, config.fault !== undefined && isFaultAllowed(config.fault) && config.fault),
  ].filter((each) => each !== undefined);
}

/** Where there are endpoints: which, and how one is chosen. */
function balancingOf({ endpoints, balance, baseURL }: Config, { discovery }: Slots) {
  if (endpoints === undefined && discovery === undefined) return false;
  const origin = baseURL === undefined ? undefined : new URL(baseURL).origin;
  return { ...(balance ?? standardBalance), endpoints, discovery, origin };
}

const standardBalance = balanceOptions.parse({});

/** The part of the section that the policy reads: what else is in it may change without emptying its queues. */
function gates({ maxConnections, maxPendingRequests }: Exclude<Config['limits'], false>) {
  return { maxConnections, maxPendingRequests };
}

function stage<Input, Options>(factory: PolicyFactory<Input, Options>, options: Options | false): Stage | undefined {
  if (options === false) return undefined;
  return { name: factory.policyName, options, create: (context, before) => factory.create(options, context, before) };
}
