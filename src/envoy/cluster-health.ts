/** Maps the outlier detection and the health checks of an Envoy cluster. */
import { type Draft, given, type Reader } from './reader.js';

interface Checked {
  /** True for a cluster with one endpoint, which nothing can replace. */
  readonly isAlone: boolean;
  /** The parts of the file that describe endpoints. */
  readonly entries: readonly Reader[];
  /** The number of endpoints, where the file has them all. */
  readonly count: number | undefined;
}

const alone =
  'not used: there is only one endpoint, which gets all calls whatever its state, as in Envoy unless the panic threshold is 0';

export function readOutlierDetection(
  cluster: Reader,
  draft: Draft,
  { isAlone, count }: Checked,
): Record<string, unknown> {
  const outlier = cluster.get('outlier_detection');
  if (outlier === undefined) return {};
  if (isAlone) {
    outlier.whole().differs(draft, 'baseURL', alone);
    return {};
  }
  const options = { ...readFailures(outlier, draft), ...readEjection(outlier, draft), ...readRates(outlier, draft) };
  const { maxEjectionPercent = 10, alwaysEjectOneHost } = options as {
    maxEjectionPercent?: number;
    alwaysEjectOneHost: boolean;
  };
  if (count !== undefined && !alwaysEjectOneHost && count * maxEjectionPercent < 100)
    outlier.warn(
      `no endpoint was ever ejected: ${maxEjectionPercent} % of ${count} endpoints (max_ejection_percent) is less than one. It stays so here; raise outlierDetection.maxEjectionPercent, or set alwaysEjectOneHost to true`,
      draft,
    );
  outlier.remark(draft, 'outlierDetection', 'the last usable endpoint is never ejected');
  outlier.structure();
  return { outlierDetection: options };
}

/** Whether a kind of ejection is enforced. Envoy draws by the percentage each time. */
function isEnforced(outlier: Reader, name: string, draft: Draft, option: string, standard: boolean): boolean {
  const part = outlier.get(name);
  const percent = part?.number();
  if (part === undefined || percent === undefined) return standard;
  if (percent === 0 || percent >= 100) part.exact(draft, option);
  else part.differs(draft, option, `enforced in all cases, not in ${percent} % of them`);
  return percent > 0;
}

const together = 'failures of the connection and bad answers are counted together';

function readFailures(outlier: Reader, draft: Draft): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [field, name, standard] of [
    ['consecutive_5xx', 'consecutiveFailures', true],
    ['consecutive_gateway_failure', 'consecutiveGatewayFailures', false],
  ] as const) {
    const option = `outlierDetection.${name}`;
    const enforced = isEnforced(outlier, `enforcing_${field}`, draft, option, standard);
    const part = outlier.get(field);
    const count = part?.count();
    if (enforced) part?.exact(draft, option);
    else part?.unused(draft, `enforcing_${field} is 0${standard ? '' : ', its default'}`);
    // In Envoy a count that starts at 1 never equals 0.
    const value = enforced && count !== 0 ? (count ?? 5) : false;
    if (value !== (standard ? 5 : false) || (enforced && part !== undefined)) options[name] = value;
  }
  const split = outlier.get('split_external_local_origin_errors');
  if (split?.boolean() === true) split.differs(draft, 'outlierDetection', together);
  else split?.structure();
  for (const name of [
    'consecutive_local_origin_failure',
    'enforcing_consecutive_local_origin_failure',
    'enforcing_local_origin_success_rate',
    'enforcing_failure_percentage_local_origin',
  ])
    if (split?.boolean() === true) outlier.get(name)?.differs(draft, 'outlierDetection', together);
    else
      outlier
        .get(name)
        ?.unused(draft, 'failures of connections are counted apart only with split_external_local_origin_errors');
  outlier.get('monitors')?.unmapped('only the kinds of failures that outlierDetection has are counted');
  return options;
}

function readEjection(outlier: Reader, draft: Draft): Record<string, unknown> {
  const options: Record<string, unknown> = {};
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
  const shortest = base?.duration() ?? 30_000;
  const longest = outlier.get('max_ejection_time');
  if (longest === undefined && shortest > 300_000) {
    options.maxEjectionTime = options.baseEjectionTime;
    base?.exact(draft, 'outlierDetection.maxEjectionTime', 'as long as the first ejection, as in Envoy');
  }
  if ((longest?.duration() ?? shortest) < shortest)
    longest?.fault('Envoy refuses a time that is shorter than base_ejection_time, which is 30s by default');
  outlier.get('max_ejection_time_jitter')?.unmapped('an ejection ends at its time, for all endpoints alike');
  const percent = outlier.get('max_ejection_percent');
  const most = percent?.bounded(draft, 'outlierDetection.maxEjectionPercent', 0, 100);
  if (most !== undefined) options.maxEjectionPercent = most;
  percent?.exact(draft, 'outlierDetection.maxEjectionPercent');
  const always = outlier.get('always_eject_one_host');
  always?.exact(draft, 'outlierDetection.alwaysEjectOneHost');
  options.alwaysEjectOneHost = always?.boolean() ?? false;
  return options;
}

/** Both kinds of ejection at the end of an interval. */
function readRates(outlier: Reader, draft: Draft): Record<string, unknown> {
  const rate = isEnforced(outlier, 'enforcing_success_rate', draft, 'outlierDetection.successRate', true);
  const rates = readNumbers(outlier, draft, rate ? 'successRate' : undefined, 'enforcing_success_rate is 0', [
    ['success_rate_minimum_hosts', 'minimumHosts', 1, 1],
    ['success_rate_request_volume', 'requestVolume', 1, 1],
    ['success_rate_stdev_factor', 'stdevFactor', 1000, 0],
  ]);
  if (rate)
    outlier.remark(
      draft,
      'outlierDetection.successRate',
      'an endpoint must also be 10 percentage points below the mean (`margin`)',
    );
  const share = isEnforced(outlier, 'enforcing_failure_percentage', draft, 'outlierDetection.failurePercentage', false);
  const shares = readNumbers(
    outlier,
    draft,
    share ? 'failurePercentage' : undefined,
    'enforcing_failure_percentage is 0, its default',
    [
      ['failure_percentage_threshold', 'threshold', 1, 0],
      ['failure_percentage_minimum_hosts', 'minimumHosts', 1, 0],
      ['failure_percentage_request_volume', 'requestVolume', 1, 1],
    ],
  );
  return {
    ...(rate ? Object.keys(rates).length > 0 && { successRate: rates } : { successRate: false }),
    ...(share && { failurePercentage: shares }),
  };
}

/** Numbers of a section of `outlierDetection`; undefined for one that is off, because of `why`. */
function readNumbers(
  outlier: Reader,
  draft: Draft,
  section: string | undefined,
  why: string,
  parts: readonly (readonly [field: string, option: string, divisor: number, least: number])[],
): Record<string, number> {
  const options: Record<string, number> = {};
  for (const [field, name, divisor, least] of parts) {
    const part = outlier.get(field);
    if (section === undefined) {
      part?.unused(draft, why);
      continue;
    }
    const option = `outlierDetection.${section}.${name}`;
    const value = part?.bounded(draft, option, least);
    if (value !== undefined) options[name] = name === 'threshold' ? Math.min(100, value) : value / divisor;
    part?.exact(draft, option);
  }
  return options;
}

export function readHealthChecks(
  cluster: Reader,
  draft: Draft,
  { isAlone, entries }: Checked,
): Record<string, unknown> {
  const [check, ...more] = cluster.list('health_checks');
  for (const each of more) each.unmapped('only one health check is supported; the first is used');
  const configs = entries.flatMap((each) => each.at('endpoint', 'health_check_config') ?? []);
  if (check === undefined) {
    for (const each of configs) each.unused(draft, 'the cluster has no health checks');
    return {};
  }
  const http = check.get('http_health_check');
  const path = http?.get('path')?.structure().text();
  if (isAlone || path === undefined || !path.startsWith('/')) {
    for (const each of configs)
      if (isAlone) each.unused(draft, 'there is only one endpoint');
      else each.unmapped('the checks of the cluster are not mapped');
    if (isAlone) check.whole().differs(draft, 'baseURL', alone);
    else check.unmapped('only HTTP health checks of a path that begins with / are supported');
    return {};
  }
  check.differs(
    draft,
    'healthCheck',
    'checks start with the first call, and until its checks have failed an endpoint counts as healthy; Envoy asks each endpoint once before its first call',
  );
  http?.structure();
  const uneject = cluster.at('outlier_detection', 'successful_active_health_check_uneject_host');
  uneject?.exact(draft, 'healthCheck.endsEjection');
  const endsEjection = cluster.get('outlier_detection') !== undefined && uneject?.boolean() !== false;
  return {
    healthCheck: {
      path,
      ...readRequest(http, configs, draft),
      ...readPace(check, draft),
      ...readStatuses(http, draft),
      ...(endsEjection && { endsEjection }),
    },
  };
}

const methods = ['METHOD_UNSPECIFIED', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/** What is asked: method, headers and port. */
function readRequest(http: Reader | undefined, configs: readonly Reader[], draft: Draft): Record<string, unknown> {
  const method = http?.get('method');
  const named = method?.enum(methods);
  const known = named !== 'TRACE' && named !== 'CONNECT' && named !== 'METHOD_UNSPECIFIED' && named !== undefined;
  if (known || named === 'METHOD_UNSPECIFIED') method?.exact(draft, 'healthCheck.method');
  else method?.unmapped('checks are sent with GET');
  const headers: Record<string, string> = {};
  for (const each of http?.list('request_headers_to_add') ?? []) {
    const header = each.structure().get('header')?.structure();
    const name = header?.get('key')?.structure().text() ?? '';
    const value = (header?.get('value')?.structure().text() ?? '').replaceAll('%%', '%');
    for (const field of ['append', 'append_action', 'keep_empty_value']) each.get(field)?.structure();
    if (/^[\w!#$&'*+.^`|~-]+$/.test(name) && header?.get('raw_value') === undefined && !/%[A-Z]/.test(value)) {
      each.exact(draft, 'healthCheck.headers');
      headers[name] = value;
    } else each.whole().unmapped('only headers with a fixed value are sent: write it into healthCheck.headers');
  }
  http
    ?.get('request_headers_to_remove')
    ?.whole()
    .differs(draft, 'healthCheck.headers', "none of Envoy's own headers is sent");
  const host = http?.get('host');
  const hosts = configs.flatMap((each) => each.structure().get('hostname') ?? []);
  const [hostname] = hosts;
  const chosen = hostname ?? host;
  for (const each of hosts)
    if (each.value === hostname?.value) each.exact(draft, 'healthCheck.headers');
    else each.unmapped('checks of all endpoints have the same Host header');
  if (chosen === host) host?.exact(draft, 'healthCheck.headers');
  else host?.differs(draft, 'healthCheck.headers', 'the hostname of the endpoints replaces it');
  const text = chosen?.text();
  if (text) headers.host = text;
  else http?.remark(draft, 'healthCheck', 'the Host header is that of baseURL; Envoy sends the name of the cluster');
  const ports = configs.flatMap((each) => each.get('port_value') ?? []);
  const [port] = ports;
  for (const each of ports)
    if (each.value === port?.value) each.exact(draft, 'healthCheck.port');
    else each.unmapped('checks of all endpoints go to the same port');
  for (const each of configs) {
    each.get('address')?.whole().unmapped('the address of the endpoint is asked, at healthCheck.port');
    each.get('disable_active_health_check')?.unmapped('this endpoint is checked like the others');
  }
  const number = port?.bounded(draft, 'healthCheck.port', 1, 65_535);
  return {
    ...(known && named !== 'GET' && { method: named }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...given('port', number),
  };
}

/** When it is asked, and how often. */
function readPace(check: Reader, draft: Draft): Record<string, unknown> {
  const option = (name: string) => `healthCheck.${name}`;
  const parts = {
    interval: check.get('interval'),
    timeout: check.get('timeout'),
    unhealthyThreshold: check.get('unhealthy_threshold'),
    healthyThreshold: check.get('healthy_threshold'),
  };
  for (const [name, part] of Object.entries(parts)) part?.exact(draft, option(name));
  for (const name of ['unhealthy_interval', 'unhealthy_edge_interval', 'healthy_edge_interval'])
    check
      .get(name)
      ?.differs(draft, option('interval'), 'all endpoints are checked at the same interval, whatever their state');
  for (const name of ['no_traffic_interval', 'no_traffic_healthy_interval'])
    check
      .get(name)
      ?.differs(draft, option('interval'), 'without a call there are no checks; after the first one they go on');
  for (const name of ['initial_jitter', 'interval_jitter', 'interval_jitter_percent'])
    check.get(name)?.differs(draft, option('interval'), 'each round begins up to 10 % earlier, at random');
  check.get('reuse_connection')?.differs(draft, 'healthCheck', 'checks use the connections of calls');
  check.get('alt_port')?.structure();
  check
    .get('tls_options')
    ?.whole()
    .differs(draft, 'healthCheck', 'checks use the connections of calls, with the same ALPN protocols');
  check
    .get('transport_socket_match_criteria')
    ?.whole()
    .differs(draft, 'healthCheck', 'checks use the TLS context of calls');
  for (const name of [
    'event_log_path',
    'event_logger',
    'event_service',
    'always_log_health_check_failures',
    'always_log_health_check_success',
  ])
    check.get(name)?.whole().unmapped("listen to the client's event endpoint.health_changed");
  return {
    ...given('interval', parts.interval?.spelled(draft, option('interval'), { least: 100 })),
    ...given('timeout', parts.timeout?.spelled(draft, option('timeout'))),
    ...given('unhealthyThreshold', parts.unhealthyThreshold?.bounded(draft, option('unhealthyThreshold'), 1)),
    ...given('healthyThreshold', parts.healthyThreshold?.bounded(draft, option('healthyThreshold'), 1)),
  };
}

/** Which answers are good, and which make an endpoint unhealthy at once. */
function readStatuses(http: Reader | undefined, draft: Draft): Record<string, unknown> {
  const expected = statusesIn(http?.list('expected_statuses') ?? [], draft, 'healthCheck.expectedStatuses');
  const retriable = statusesIn(http?.list('retriable_statuses') ?? [], draft, 'healthCheck.retriableStatuses');
  http?.get('codec_client_type')?.differs(draft, 'healthCheck', 'checks use the connections of calls');
  http?.get('service_name_matcher')?.whole().unmapped('the answer to a check is judged by its status alone');
  for (const name of ['send', 'receive', 'response_buffer_size'])
    http?.get(name)?.whole().unmapped('checks have no body, and are judged by the status alone');
  return { ...(expected.length > 0 && { expectedStatuses: expected }), retriableStatuses: retriable };
}

function statusesIn(ranges: readonly Reader[], draft: Draft, option: string): number[] {
  const statuses = ranges.flatMap((range) => {
    range.exact(draft, option);
    const [start, end] = [range.get('start')?.structure().count() ?? 0, range.get('end')?.structure().count() ?? 0];
    const [least, most] = [Math.max(100, start), Math.min(end, 600)];
    return Array.from({ length: Math.max(0, most - least) }, (_, index) => least + index);
  });
  return [...new Set(statuses)];
}
