/** THE ORDER: the path of a request, outermost first, one line a policy. */

import { DEFAULTED } from '../call/own.js';
import { parseOptions } from '../options/options.js';
import { adaptiveConcurrency } from '../policies/admission/adaptive-concurrency.js';
import { circuitBreaker } from '../policies/admission/circuit-breaker.js';
import { limits } from '../policies/admission/limits.js';
import { rateLimit } from '../policies/admission/rate-limit.js';
import { balance, balanceOptions } from '../policies/endpoints/balance.js';
import type { Discovery } from '../policies/endpoints/discovery.js';
import { healthCheck } from '../policies/endpoints/health-check.js';
import { outlierDetection } from '../policies/endpoints/outlier-detection.js';
import type { PolicyContext, PolicyFactory, StandingPolicy } from '../policies/policy.js';
import { envoyHeaders } from '../policies/retries/envoy-headers.js';
import { hedging } from '../policies/retries/hedging.js';
import { retry } from '../policies/retries/retry.js';
import type { RetryFunctions } from '../policies/retries/retry-functions.js';
import { retryPolicyOptions } from '../policies/retries/retry-plan.js';
import { logging } from '../policies/telemetry/logging.js';
import { attemptTracing, callTracing } from '../policies/telemetry/tracing.js';
import { deadline } from '../policies/timeouts/deadline.js';
import { deadlineHeader } from '../policies/timeouts/deadline-header.js';
import { timeout } from '../policies/timeouts/timeout.js';
import { fault, isFaultAllowed } from '../policies/traffic/fault.js';
import { mirror } from '../policies/traffic/mirror.js';
import { requestHeaders } from '../policies/traffic/request-headers.js';
import { split } from '../policies/traffic/split.js';
import type { Config } from './config/config.js';

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
  /** Functions that take part in retries. */
  readonly retry: RetryFunctions;
}

/** The stages that a configuration asks for; a section that is `false` is not in the stack. */
export function stagesOf(config: Config, slots: Slots): Stage[] {
  const obeys = config.envoyHeaders === true;
  // Headers may ask for retries and time limits where the configuration has none.
  const timeouts = config.timeouts || (obeys && noTimeouts);
  const retries = config.retry ? { ...config.retry, ...slots.retry } : obeys && retriesByHeaders;
  const balancing = balancingOf(config, slots);
  return [
    // once per call
    stage(
      envoyHeaders,
      config.envoyHeaders !== false && {
        obey: obeys,
        on: retries ? retries.on : [],
        total: timeouts ? timeouts.total : false,
        standardAttempt: timeouts && isDefault(timeouts, 'attempt'),
      },
    ),
    stage(callTracing, config.tracing),
    stage(logging, config.logging),
    ...slots.perCall,
    stage(deadline, timeouts && { total: timeouts.total, isDefault: isDefault(timeouts, 'total') }),
    stage(split, config.split ?? false),
    stage(requestHeaders, config.requestHeaders ?? false),
    stage(mirror, config.mirror ?? false),
    // the hinge
    stage(retry, retries),
    stage(hedging, config.hedging ?? false),
    // once per attempt
    stage(rateLimit, config.rateLimit ?? false),
    stage(balance, balancing),
    stage(outlierDetection, (balancing && config.outlierDetection) ?? false),
    stage(healthCheck, (balancing && config.healthCheck) ?? false),
    // Outside the circuit: who has waited asks it last, so that an open one empties the queue.
    stage(limits, config.limits),
    stage(circuitBreaker, config.circuitBreaker),
    stage(adaptiveConcurrency, config.adaptiveConcurrency ?? false),
    stage(timeout, timeouts && { attempt: timeouts.attempt, isDefault: isDefault(timeouts, 'attempt') }),
    stage(deadlineHeader, config.deadlineHeader ?? false),
    ...slots.perAttempt,
    stage(attemptTracing, config.tracing),
    stage(fault, config.fault !== undefined && isFaultAllowed(config.fault) && config.fault),
  ].filter((each) => each !== undefined);
}

function isDefault(timeouts: Exclude<Config['timeouts'], false>, name: 'total' | 'attempt'): boolean {
  return timeouts[DEFAULTED]?.includes(name) ?? false;
}

/** Where there are endpoints: which, and how one is chosen. */
function balancingOf({ endpoints, balance, baseURL }: Config, { discovery }: Slots) {
  if (endpoints === undefined && discovery === undefined) return false;
  const origin = baseURL === undefined ? undefined : new URL(baseURL).origin;
  return { ...(balance ?? standardBalance), endpoints, discovery, origin };
}

const standardBalance = balanceOptions.parse({});

const noTimeouts: Exclude<Config['timeouts'], false> = { total: false, attempt: false, connect: false };

/** Envoy's own numbers for a call that asks for retries by a header, on a route without a policy for them. */
const retriesByHeaders = parseOptions(
  retryPolicyOptions,
  { maxRetries: 1, on: [], backoff: { base: 25, max: 250 } },
  'retry',
);

function stage<Input, Options>(factory: PolicyFactory<Input, Options>, options: Options | false): Stage | undefined {
  if (options === false) return undefined;
  return { name: factory.policyName, options, create: (context, before) => factory.create(options, context, before) };
}
