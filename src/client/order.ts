/** THE ORDER: the path of a request, outermost first, one line a policy. */

import { once } from '../call/once.js';
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
import { idleTimeout } from '../policies/timeouts/idle-timeout.js';
import { timeout } from '../policies/timeouts/timeout.js';
import { directResponse } from '../policies/traffic/direct-response.js';
import { fault, isFaultAllowed } from '../policies/traffic/fault.js';
import { mirror } from '../policies/traffic/mirror.js';
import { pathRewrite } from '../policies/traffic/path-rewrite.js';
import { requestHeaders } from '../policies/traffic/request-headers.js';
import { routes } from '../policies/traffic/routing.js';
import { split } from '../policies/traffic/split.js';
import type { Config } from './config/config.js';
import { routesFor } from './config/route-section.js';

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
  const some = (name: keyof NonNullable<Config['routes']>[number]) =>
    config.routes?.some((route) => route[name]) === true;
  // Headers and routes may ask for retries and time limits where the client has none.
  const timeouts = config.timeouts || ((obeys || some('timeouts')) && noTimeouts);
  const idles = config.routes?.some((route) => route.timeouts?.idle) === true;
  const retries = config.retry ? { ...config.retry, ...slots.retry } : (obeys || some('retry')) && noRetries();
  const balancing = balancingOf(config, slots);
  const eachAttempt = config.rateLimit?.countRetries !== false;
  return [
    // once per call
    stage(routes, config.routes !== undefined && routesFor(config.routes, planOf(config, slots))),
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
    stage(directResponse, some('directResponse') && {}),
    ...slots.perCall,
    stage(deadline, timeouts && { total: timeouts.total, isDefault: isDefault(timeouts, 'total') }),
    stage(rateLimit, !eachAttempt && (config.rateLimit ?? false)),
    stage(split, config.split ?? false),
    stage(pathRewrite, config.pathRewrite ?? (some('pathRewrite') && {})),
    stage(requestHeaders, config.requestHeaders ?? (some('requestHeaders') && {})),
    stage(mirror, config.mirror ?? false),
    // the hinge
    stage(retry, retries),
    stage(hedging, config.hedging ?? false),
    // once per attempt
    stage(rateLimit, eachAttempt && (config.rateLimit ?? false)),
    stage(balance, balancing),
    stage(outlierDetection, (balancing && config.outlierDetection) ?? false),
    stage(healthCheck, (balancing && config.healthCheck) ?? false),
    // Outside the circuit: who has waited asks it last, so that an open one empties the queue.
    stage(limits, config.limits),
    stage(circuitBreaker, config.circuitBreaker),
    stage(adaptiveConcurrency, config.adaptiveConcurrency ?? false),
    stage(idleTimeout, timeouts && (timeouts.idle !== undefined || idles) && { idle: timeouts.idle ?? false }),
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
  return { ...(balance ?? standardBalance()), endpoints, discovery, origin };
}

const standardBalance = once(() => balanceOptions.parse({}));

const noTimeouts: Exclude<Config['timeouts'], false> = { total: false, attempt: false, connect: false };

/** What completes the retries of a route: those of the client, or the defaults where the client has none. */
function planOf({ retry }: Config, { retry: functions }: Slots) {
  return { ...(retry || standardRetries()), ...functions };
}

const standardRetries = once(() => parseOptions(retryPolicyOptions, {}, 'retry'));

/** Retries nothing until a header or a route asks for it. The numbers are Envoy's for a call that asks by a header. */
const noRetries = once(() =>
  parseOptions(retryPolicyOptions, { maxRetries: 1, on: [], backoff: { base: 25, max: 250 } }, 'retry'),
);

function stage<Input, Options>(factory: PolicyFactory<Input, Options>, options: Options | false): Stage | undefined {
  if (options === false) return undefined;
  return { name: factory.policyName, options, create: (context, before) => factory.create(options, context, before) };
}
