/** What becomes of calls between client and server: sections that are off until they are configured. */

import { once } from '../../call/once.js';
import { unbuilt } from '../../options/unbuilt.js';
import { adaptiveConcurrencyOptions } from '../../policies/admission/adaptive-concurrency.js';
import { rateLimitOptions } from '../../policies/admission/rate-limit.js';
import { balanceOptions } from '../../policies/endpoints/balance.js';
import { endpointsOptions } from '../../policies/endpoints/endpoints.js';
import { healthCheckOptions } from '../../policies/endpoints/health-check.js';
import { outlierDetectionOptions } from '../../policies/endpoints/outlier-detection.js';
import { hedgingOptions } from '../../policies/retries/hedging.js';
import { deadlineHeaderOptions } from '../../policies/timeouts/deadline-header.js';
import { faultOptions, isFaultAllowed } from '../../policies/traffic/fault.js';
import { mirrorOptions } from '../../policies/traffic/mirror.js';
import { pathRewriteOptions } from '../../policies/traffic/path-rewrite.js';
import { requestHeadersOptions } from '../../policies/traffic/request-headers.js';
import { splitOptions } from '../../policies/traffic/split.js';
import { routesSection } from './route-section.js';

export const trafficSections = once(() => ({
  endpoints: unbuilt(endpointsOptions).describe(
    'Many addresses behind `baseURL`, whose name stays that of the server.',
  ),
  balance: unbuilt(balanceOptions).describe('How one of the endpoints is chosen for each attempt.'),
  outlierDetection: unbuilt(outlierDetectionOptions).describe('When an endpoint is left out for a while.'),
  healthCheck: unbuilt(healthCheckOptions).describe('Asks each endpoint whether it is well.'),
  routes: unbuilt(routesSection).describe(
    'Options for some of the calls: the first route that matches; else the options of the client.',
  ),
  split: unbuilt(splitOptions).describe(
    'Shifts calls to other targets by weight: the first rule that matches; else `baseURL`.',
  ),
  pathRewrite: unbuilt(pathRewriteOptions).describe(
    'Changes the path of calls: regular expressions of the path as it is sent, without the query, and what replaces each match. The first expression that matches applies.',
  ),
  requestHeaders: unbuilt(requestHeadersOptions).describe(
    'Removes, replaces, sets and adds headers of every call, whatever the caller has set.',
  ),
  mirror: unbuilt(mirrorOptions).describe('Copies calls to another target; the answers are thrown away.'),
  hedging: unbuilt(hedgingOptions).describe('A second attempt beside one that is slow.'),
  rateLimit: unbuilt(rateLimitOptions).describe('How many requests are sent in a time.'),
  adaptiveConcurrency: unbuilt(adaptiveConcurrencyOptions).describe(
    'How many requests run at once, by what the destination takes without getting slower.',
  ),
  deadlineHeader: unbuilt(deadlineHeaderOptions).describe('Tells the upstream how much time a call has left.'),
  fault: unbuilt(faultOptions).describe('Delays and failures made on purpose.'),
}));

type Sections = Partial<Record<keyof ReturnType<typeof trafficSections>, unknown>> & {
  readonly fault?: Parameters<typeof isFaultAllowed>[0] | undefined;
};

/** The sections of a configuration that do nothing as things are, and why; `found`: endpoints come from elsewhere. */
export function sectionsWithoutEffect(config: Sections, found = false): { section: string; why: string }[] {
  const ofEndpoints = (['balance', 'outlierDetection', 'healthCheck'] as const)
    .filter((section) => config[section] !== undefined && config.endpoints === undefined && !found)
    .map((section) => ({ section, why: 'there are no endpoints' }));
  const off = config.fault !== undefined && !isFaultAllowed(config.fault);
  return [...ofEndpoints, ...(off ? [{ section: 'fault', why: 'NODE_ENV is production' }] : [])];
}
