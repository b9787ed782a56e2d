/** Maps Envoy's outlier detection, health checks, request mirroring and fault injection. */
import { type Draft, type Reader, spelledDuration } from './reader.js';

export function readOutlierDetection(cluster: Reader, draft: Draft): Record<string, unknown> {
  const outlier = cluster.get('outlier_detection');
  if (outlier === undefined) return {};
  const options: Record<string, unknown> = {};
  const take = (name: string, option: string, value: unknown) => {
    if (value !== undefined) options[option] = value;
    const part = outlier.get(name);
    if (option === 'maxEjectionPercent')
      part?.differs(draft, `outlierDetection.${option}`, 'one endpoint may be ejected whatever the percentage');
    else part?.exact(draft, `outlierDetection.${option}`);
  };
  const ms = (name: string) => optional(outlier.get(name)?.duration(), spelledDuration);
  take('consecutive_5xx', 'consecutiveFailures', outlier.get('consecutive_5xx')?.number());
  take('interval', 'interval', ms('interval'));
  take('base_ejection_time', 'baseEjectionTime', ms('base_ejection_time'));
  take('max_ejection_time', 'maxEjectionTime', ms('max_ejection_time'));
  take('max_ejection_percent', 'maxEjectionPercent', outlier.get('max_ejection_percent')?.number());
  const successRate = readSuccessRate(outlier, draft);
  if (successRate !== undefined) options.successRate = successRate;
  for (const name of [
    'consecutive_gateway_failure',
    'enforcing_consecutive_gateway_failure',
    'split_external_local_origin_errors',
  ])
    outlier.get(name)?.differs(draft, 'outlierDetection.consecutiveFailures', 'every kind of failure counts the same');
  outlier
    .get('always_eject_one_host')
    ?.differs(draft, 'outlierDetection', 'one endpoint may always be ejected, but never the last one');
  if (Object.keys(options).length === 0)
    outlier.differs(
      draft,
      'outlierDetection',
      'the defaults are the same, but one endpoint may be ejected whatever the percentage',
    );
  return { outlierDetection: options };
}

function readSuccessRate(outlier: Reader, draft: Draft): false | Record<string, number> | undefined {
  const enforced = outlier.get('enforcing_success_rate');
  enforced?.differs(draft, 'outlierDetection.successRate', 'either on or off, not enforced for a percentage of cases');
  if (enforced?.number() === 0) {
    for (const name of ['success_rate_minimum_hosts', 'success_rate_request_volume', 'success_rate_stdev_factor'])
      outlier
        .get(name)
        ?.differs(draft, 'outlierDetection.successRate', 'not used, because enforcing_success_rate is 0');
    return false;
  }
  const parts: [string, string, number][] = [
    ['success_rate_minimum_hosts', 'minimumHosts', 1],
    ['success_rate_request_volume', 'requestVolume', 1],
    ['success_rate_stdev_factor', 'stdevFactor', 1000],
  ];
  const options: Record<string, number> = {};
  for (const [name, option, divisor] of parts) {
    const part = outlier.get(name);
    part?.differs(
      draft,
      `outlierDetection.successRate.${option}`,
      'an endpoint must also be 10 percentage points below the mean (`margin`)',
    );
    const value = part?.number();
    if (value !== undefined) options[option] = value / divisor;
  }
  return Object.keys(options).length > 0 ? options : undefined;
}

export function readHealthChecks(cluster: Reader, draft: Draft): Record<string, unknown> {
  const [check, ...more] = cluster.list('health_checks');
  for (const each of more) each.unmapped('only one health check is supported; the first is used');
  if (check === undefined) return {};
  const http = check.get('http_health_check');
  const path = http?.get('path')?.text();
  if (path === undefined) {
    check.unmapped('only HTTP health checks are supported');
    return {};
  }
  check.differs(
    draft,
    'healthCheck',
    'checks start with the first call; an unexpected status counts as one failure, like any other',
  );
  const statuses = http?.list('expected_statuses').flatMap((range) => {
    const [start, end] = [range.get('start')?.number() ?? 200, range.get('end')?.number() ?? 201];
    return Array.from({ length: Math.max(0, Math.min(end, 600) - start) }, (_, index) => start + index);
  });
  return {
    healthCheck: {
      path,
      ...given('interval', optional(check.get('interval')?.duration(), spelledDuration)),
      ...given('timeout', optional(check.get('timeout')?.duration(), spelledDuration)),
      ...given('unhealthyThreshold', check.get('unhealthy_threshold')?.number()),
      ...given('healthyThreshold', check.get('healthy_threshold')?.number()),
      ...(statuses !== undefined && statuses.length > 0 && { expectedStatuses: statuses }),
    },
  };
}

/** A share of calls, from 0 to 1, from `{ numerator, denominator }` or `{ value }` in percent; 1 if it is not set. */
export function shareOf(fraction: Reader | undefined): number {
  if (fraction === undefined) return 1;
  const percent = fraction.get('value')?.number();
  if (percent !== undefined) return within(percent / 100);
  const of =
    { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 }[fraction.get('denominator')?.text() ?? 'HUNDRED'] ?? 100;
  return within((fraction.get('numerator')?.number() ?? 0) / of);
}

function within(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/** The `mirror` section of a route; `urlOf` returns the base URL of a cluster. */
export function readMirrors(
  route: Reader,
  draft: Draft,
  urlOf: (cluster: string) => string | undefined,
): Record<string, unknown> {
  const policies = route.get('request_mirror_policies');
  if (policies === undefined) return {};
  const mirror = policies.items().flatMap((policy) => {
    const baseURL = urlOf(policy.get('cluster')?.text() ?? '');
    if (baseURL === undefined) {
      policy.unmapped('the file has no address for its cluster');
      return [];
    }
    policy.differs(
      draft,
      'mirror',
      'credentials and unsafe methods such as POST are copied only if options of mirror allow it',
    );
    const suffix = policy.get('disable_shadow_host_suffix_append')?.value === true;
    const fraction = policy.at('runtime_fraction', 'default_value') ?? undefined;
    return [{ baseURL, fraction: shareOf(fraction), ...(suffix && { hostSuffix: false }) }];
  });
  return mirror.length > 0 ? { mirror } : {};
}

/** The `fault` section from the fault filter, for all clients of its listener. */
export function readFault(config: Reader, draft: Draft): Record<string, unknown> {
  const fault: Record<string, unknown> = {};
  const [delay, abort] = [config.get('delay'), config.get('abort')];
  const duration = delay?.get('fixed_delay')?.duration();
  if (duration) fault.delay = { duration: spelledDuration(duration), fraction: percentageOf(delay) };
  const status = abort?.get('http_status')?.number();
  if (status !== undefined) fault.abort = { status, fraction: percentageOf(abort) };
  for (const part of [delay, abort])
    part?.differs(
      draft,
      'fault',
      'injected in place of the upstream, so it is retried and counted like a real failure; off in production without allowInProduction',
    );
  return Object.keys(fault).length > 0 ? { fault } : {};
}

function percentageOf(part: Reader | undefined): number {
  const percentage = part?.get('percentage');
  return percentage === undefined ? 0 : shareOf(percentage);
}

export function given(name: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [name]: value };
}

export function optional<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}
