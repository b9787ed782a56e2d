/** Reads an Envoy cluster: its endpoints, connect timeout, circuit breaker thresholds, protocol and load balancing. */

import { readHealthChecks, readOutlierDetection } from './cluster-traffic.js';
import { type Draft, type Reader, spelledDuration } from './reader.js';
import { readTls } from './upstream-tls.js';

/** The options of a client that come from a cluster. */
export interface ClusterPart {
  /** Undefined when the file has no address of the cluster, such as with EDS. */
  readonly baseURL: string | undefined;
  /** The connect timeout, such as `5s`. */
  readonly connect: string;
  /** Options of the client other than `baseURL`, `timeouts` and `retry`. */
  readonly sections: Record<string, unknown>;
  /** For the `retry` section: retries at once and, if the cluster sets a `retry_budget`, the budget. */
  readonly retries: { readonly maxConcurrentRetries: number; readonly budget?: Record<string, unknown> };
}

export function readCluster(cluster: Reader, draft: Draft): ClusterPart {
  cluster.name('name');
  for (const name of ['alt_stat_name', 'cluster_name']) cluster.get(name)?.structure();
  const tls = readTls(cluster, draft);
  const endpoints = readEndpoints(cluster, draft);
  const [first] = endpoints;
  const protocol = readProtocol(cluster, draft);
  const { limits, connections, retries } = readLimits(cluster, draft);
  if (tls?.h2 && protocol.h2 === undefined) protocol.h2 = true;
  const sections = {
    ...(protocol.h2 && { allowH2: true }),
    limits,
    connections: { ...connections, ...protocol.connections },
    ...(tls && Object.keys(tls.options).length > 0 && { tls: tls.options }),
    ...(endpoints.length > 1 && { endpoints: { static: endpoints } }),
    ...readBalance(cluster, draft, endpoints.length),
    ...readOutlierDetection(cluster, draft),
    ...readHealthChecks(cluster, draft),
  };
  return {
    baseURL: first && urlOf(first.address, tls),
    connect: readConnect(cluster, draft),
    sections,
    retries,
  };
}

function urlOf(address: string, tls: ReturnType<typeof readTls>): string {
  const scheme = tls === undefined ? 'http' : 'https';
  const at = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, at), address.slice(at + 1)];
  const named =
    tls?.options.serverName !== undefined && /^[\d.]+$|^\[/.test(host) ? String(tls.options.serverName) : host;
  return `${scheme}://${named}${port === (tls ? '443' : '80') ? '' : `:${port}`}`;
}

function readConnect(cluster: Reader, draft: Draft): string {
  const timeout = cluster.get('connect_timeout');
  timeout?.exact(draft, 'timeouts.connect');
  return spelledDuration(timeout?.duration() ?? 5000);
}

interface Endpoint {
  address: string;
  weight?: number;
  zone?: string;
}

function readEndpoints(cluster: Reader, draft: Draft): Endpoint[] {
  const found = cluster.at('load_assignment')?.list('endpoints') ?? cluster.list('hosts');
  cluster.at('load_assignment', 'cluster_name')?.structure();
  const all = found.flatMap((locality) => localityOf(locality, draft));
  const several = all.length > 1;
  for (const { reader, endpoint } of all) {
    if (several) reader.exact(draft, 'endpoints.static');
    else if (endpoint.port === undefined) reader.differs(draft, 'baseURL', 'the port is not given as a number');
    else reader.exact(draft, 'baseURL');
  }
  readDiscovery(cluster, draft, several);
  return all.map(({ endpoint: { host, port, weight, zone } }) => ({
    address: `${host.includes(':') ? `[${host}]` : host}:${port ?? 80}`,
    ...(weight !== undefined && { weight }),
    ...(zone !== undefined && { zone }),
  }));
}

function localityOf(locality: Reader, draft: Draft) {
  const zone = locality.at('locality', 'zone');
  zone?.differs(draft, 'endpoints.static', "used only if balance.zone names the client's own zone");
  for (const name of ['region', 'sub_zone'])
    locality.at('locality', name)?.unmapped('only the zone of a locality is kept');
  for (const name of ['priority', 'load_balancing_weight'])
    locality.get(name)?.unmapped('localities have no priority and no weight here; only their zone is kept');
  return locality.list('lb_endpoints').flatMap((entry) => {
    const socket = entry.at('endpoint', 'address', 'socket_address');
    entry.at('endpoint', 'address', 'pipe')?.unmapped("for a unix socket, set axios's socketPath on the call");
    if (socket === undefined) return [];
    const weight = entry.get('load_balancing_weight');
    weight?.exact(draft, 'endpoints.static');
    entry.at('endpoint', 'hostname')?.structure();
    entry
      .get('health_status')
      ?.unmapped('every endpoint starts as healthy, until a health check or outlier detection excludes it');
    for (const name of ['address', 'port_value', 'protocol']) socket.get(name)?.structure();
    const host = socket.get('address')?.text() ?? '';
    const port = socket.get('port_value')?.number();
    return [{ reader: socket, endpoint: { host, port, weight: weight?.number(), zone: zone?.text() } }];
  });
}

function readDiscovery(cluster: Reader, draft: Draft, several: boolean): void {
  const type = cluster.get('type') ?? cluster.at('cluster_type');
  const resolved =
    'Node resolves the name for each new connection, and connections.maxConnectionAge (10 minutes) closes old ones; with endpoints.dns each address becomes an endpoint';
  const kind = type?.text();
  if (kind === 'STATIC') type?.exact(draft, several ? 'endpoints' : 'baseURL');
  else if (kind === 'STRICT_DNS' || kind === 'LOGICAL_DNS') type?.differs(draft, 'baseURL', resolved);
  else
    type?.unmapped(
      `${kind ?? 'this type of cluster'} gets its endpoints at run time: list them in endpoints, or set baseURL to a host name`,
    );
  for (const name of ['dns_refresh_rate', 'respect_dns_ttl', 'dns_failure_refresh_rate', 'dns_jitter'])
    cluster.get(name)?.differs(draft, 'connections.maxConnectionAge', resolved);
  cluster
    .get('dns_lookup_family')
    ?.differs(draft, 'baseURL', 'Node tries IPv6 and IPv4 addresses in turn, 250 ms apart');
  cluster.get('eds_cluster_config')?.unmapped('there is no xDS; a ConfigSource can deliver whole configurations');
}

/** Envoy's caps are always on; the defaults are 1024 connections, 1024 pending requests and 3 retries at once. */
function readLimits(cluster: Reader, draft: Draft) {
  const breakers = cluster.get('circuit_breakers');
  const thresholds = breakers?.list('thresholds') ?? [];
  const isDefault = (each: Reader) => [undefined, 'DEFAULT', 0].includes(each.get('priority')?.value as never);
  const ours = thresholds.find(isDefault);
  ours?.get('priority')?.exact(draft, 'limits');
  for (const other of thresholds)
    if (other !== ours)
      other.unmapped('there are no priorities here; the thresholds of the default priority are mapped');
  breakers?.get('per_host_thresholds')?.unmapped('limits count for each destination, not for each host of a cluster');
  const limits = {
    maxRequests: capOf(ours, 'max_requests', 1024, draft, 'limits.maxRequests', { from: 1, to: 1_000_000 }),
    maxPendingRequests: capOf(ours, 'max_pending_requests', 1024, draft, 'limits.maxPendingRequests', {
      from: 0,
      to: 1_000_000,
    }),
  };
  const connections = {
    maxConnections: capOf(ours, 'max_connections', 1024, draft, 'connections.maxConnections', { from: 1, to: 65_535 }),
  };
  const maxConcurrentRetries = capOf(ours, 'max_retries', 3, draft, 'retry.maxConcurrentRetries', {
    from: 0,
    to: 1_000_000,
  });
  ours?.get('track_remaining')?.exact(draft, '', 'client.stats() always has these numbers');
  if (breakers === undefined)
    cluster
      .get('name')
      ?.differs(
        draft,
        'limits',
        "circuit_breakers is not set: Envoy's defaults are written out (1024 connections, 1024 requests, 1024 pending requests, 3 retries at once)",
      );
  cluster
    .get('name')
    ?.differs(
      draft,
      'circuitBreaker',
      'on by default here, and Envoy has no such thing: calls to a destination that keeps failing are rejected for a while; false switches it off',
    );
  const budget = readBudget(ours, draft);
  return { limits, connections, retries: { maxConcurrentRetries, ...(budget && { budget }) } };
}

function capOf(
  thresholds: Reader | undefined,
  name: string,
  standard: number,
  draft: Draft,
  option: string,
  allowed: { readonly from: number; readonly to: number },
): number {
  const cap = thresholds?.get(name);
  const value = cap?.number() ?? standard;
  const within = Math.min(allowed.to, Math.max(allowed.from, value));
  if (within === value) cap?.exact(draft, option);
  else cap?.differs(draft, option, `${within} is the nearest value allowed here`);
  return within;
}

function readBudget(thresholds: Reader | undefined, draft: Draft): Record<string, unknown> | undefined {
  const budget = thresholds?.get('retry_budget');
  if (budget === undefined) return undefined;
  const percent = budget.at('budget_percent', 'value')?.number() ?? 20;
  budget.differs(
    draft,
    'retry.budget',
    'here a share of the calls of the last 10 s, in Envoy of the requests in flight; min_retry_concurrency became minPerSecond',
  );
  return { ratio: Math.min(10, percent / 100), minPerSecond: budget.get('min_retry_concurrency')?.number() ?? 3 };
}

function readProtocol(cluster: Reader, draft: Draft): { h2: boolean | undefined; connections: Record<string, string> } {
  const options = cluster.at(
    'typed_extension_protocol_options',
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  );
  options?.type();
  const h2 = [
    cluster.get('http2_protocol_options'),
    options?.at('explicit_http_config', 'http2_protocol_options'),
    options?.get('auto_config'),
  ].find(Boolean);
  h2?.differs(draft, 'allowH2', 'HTTP/2 is offered in the TLS handshake; without TLS, HTTP/1.1 is used');
  options?.at('explicit_http_config', 'http_protocol_options')?.exact(draft, 'allowH2');
  const common = options?.get('common_http_protocol_options') ?? cluster.get('common_http_protocol_options');
  const connections: Record<string, string> = {};
  const idle = common?.get('idle_timeout');
  if (idle?.duration()) connections.keepAliveTimeout = spelledDuration(Math.max(1, idle.duration() ?? 0));
  idle?.differs(
    draft,
    'connections.keepAliveTimeout',
    "a shorter time in the server's Keep-Alive header is respected, which Envoy does not read",
  );
  const age = common?.get('max_connection_duration');
  if (age?.duration()) connections.maxConnectionAge = spelledDuration(Math.max(1000, age.duration() ?? 0));
  age?.differs(draft, 'connections.maxConnectionAge', 'each connection is closed up to a fifth earlier, at random');
  common
    ?.get('max_requests_per_connection')
    ?.unmapped('connections are closed by age (connections.maxConnectionAge), not by their number of requests');
  return { h2: h2 === undefined ? undefined : true, connections };
}

const policies: Record<string, string> = {
  ROUND_ROBIN: 'round-robin',
  LEAST_REQUEST: 'least-pending',
  RANDOM: 'random',
  RING_HASH: 'hash',
  MAGLEV: 'hash',
};

function readBalance(cluster: Reader, draft: Draft, count: number): Record<string, unknown> {
  const options = { ...readPolicy(cluster, draft, count), ...readPanic(cluster, draft, count) };
  for (const name of ['least_request_lb_config', 'ring_hash_lb_config', 'round_robin_lb_config'])
    cluster.get(name)?.unmapped('the details of load balancing are not configurable here');
  return Object.keys(options).length > 0 ? { balance: options } : {};
}

function readPolicy(cluster: Reader, draft: Draft, count: number): { strategy?: string } {
  const policy = cluster.get('lb_policy');
  if (policy === undefined) return {};
  const ours = policies[policy.text() ?? ''];
  if (count < 2) policy.differs(draft, 'baseURL', 'not used: there is only one endpoint');
  else if (ours === undefined) policy.unmapped('there is no such load balancing here');
  else if (ours === 'hash')
    policy.differs(draft, 'balance.strategy', 'rendezvous hashing is used; name the header in balance.hashHeader');
  else policy.exact(draft, 'balance.strategy');
  return count < 2 || ours === undefined ? {} : { strategy: ours };
}

function readPanic(cluster: Reader, draft: Draft, count: number): { panicThresholdPercent?: number } {
  const threshold = cluster.at('common_lb_config', 'healthy_panic_threshold');
  const value = threshold?.get('value')?.number();
  if (threshold === undefined || value === undefined || count < 2) {
    cluster.get('common_lb_config')?.unmapped('the details of load balancing are not configurable here');
    return {};
  }
  threshold.exact(draft, 'balance.panicThresholdPercent');
  return { panicThresholdPercent: value };
}
