/** Maps the outlier detection and the health checks of an Envoy cluster. */
import { type Draft, given, type Reader } from './reader.js';

export function readOutlierDetection(cluster: Reader, draft: Draft): Record<string, unknown> {
  const outlier = cluster.get('outlier_detection');
  if (outlier === undefined) return {};
  const options = readEjection(outlier, draft);
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
  else outlier.structure();
  return { outlierDetection: options };
}

function readEjection(outlier: Reader, draft: Draft): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  const failures = outlier.get('consecutive_5xx');
  const count = failures?.count();
  if (count !== undefined) options.consecutiveFailures = count === 0 ? false : count;
  failures?.exact(draft, 'outlierDetection.consecutiveFailures');
  const enforced = outlier.get('enforcing_consecutive_5xx');
  if (enforced?.number() === 0) options.consecutiveFailures = false;
  enforced?.differs(
    draft,
    'outlierDetection.consecutiveFailures',
    'either on or off, not enforced for a percentage of cases',
  );
  for (const [name, option, least] of [
    ['interval', 'interval', 100],
    ['base_ejection_time', 'baseEjectionTime', 1],
    ['max_ejection_time', 'maxEjectionTime', 1],
  ] as const) {
    const part = outlier.get(name);
    const value = part?.spelled(draft, `outlierDetection.${option}`, { least });
    if (value !== undefined) options[option] = value;
    part?.exact(draft, `outlierDetection.${option}`);
  }
  const base = outlier.get('base_ejection_time');
  const [shortest, longest] = [base?.duration() ?? 30_000, outlier.get('max_ejection_time')?.duration() ?? 300_000];
  if (longest < shortest) {
    options.maxEjectionTime = options.baseEjectionTime ?? '30s';
    (base ?? outlier).remark(draft, 'outlierDetection.maxEjectionTime', 'as long as the first ejection, as in Envoy');
  }
  const percent = outlier.get('max_ejection_percent');
  const most = percent?.bounded(draft, 'outlierDetection.maxEjectionPercent', 0, 100);
  if (most !== undefined) options.maxEjectionPercent = most;
  percent?.differs(draft, 'outlierDetection.maxEjectionPercent', 'one endpoint may be ejected whatever the percentage');
  return options;
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
  const parts: [string, string, number, number][] = [
    ['success_rate_minimum_hosts', 'minimumHosts', 1, 1],
    ['success_rate_request_volume', 'requestVolume', 1, 1],
    ['success_rate_stdev_factor', 'stdevFactor', 1000, 0],
  ];
  const options: Record<string, number> = {};
  for (const [name, option, divisor, least] of parts) {
    const part = outlier.get(name);
    part?.differs(
      draft,
      `outlierDetection.successRate.${option}`,
      'an endpoint must also be 10 percentage points below the mean (`margin`)',
    );
    const value = part?.bounded(draft, `outlierDetection.successRate.${option}`, least);
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
  if (path === undefined || !path.startsWith('/')) {
    check.unmapped('only HTTP health checks of a path that begins with / are supported');
    return {};
  }
  check.differs(
    draft,
    'healthCheck',
    'checks start with the first call; an unexpected status counts as one failure, like any other',
  );
  const expected = http?.list('expected_statuses') ?? [];
  const statuses = expected.flatMap((range) => {
    const [start, end] = [range.get('start')?.count() ?? 200, range.get('end')?.count() ?? 201];
    const [least, most] = [Math.max(100, start), Math.min(end, 600)];
    return Array.from({ length: Math.max(0, most - least) }, (_, index) => least + index);
  });
  const option = (name: string) => `healthCheck.${name}`;
  return {
    healthCheck: {
      path,
      ...given('interval', check.get('interval')?.spelled(draft, option('interval'), { least: 100 })),
      ...given('timeout', check.get('timeout')?.spelled(draft, option('timeout'))),
      ...given('unhealthyThreshold', check.get('unhealthy_threshold')?.bounded(draft, option('unhealthyThreshold'), 1)),
      ...given('healthyThreshold', check.get('healthy_threshold')?.bounded(draft, option('healthyThreshold'), 1)),
      ...(statuses.length > 0 && { expectedStatuses: [...new Set(statuses)] }),
    },
  };
}
