/** Reads an Envoy cluster: its endpoints, connect timeout, circuit breaker thresholds, protocol and load balancing. */

import { isIPv6 } from 'node:net';
import { isPlain } from '../call/own.js';
import { given, readHealthChecks, readOutlierDetection } from './cluster-traffic.js';
import type { Draft, Reader } from './reader.js';
import { readTransport } from './transport-socket.js';

/** The options of a client that come from a cluster. */
export interface ClusterPart {
  /** `https` for a cluster with TLS. */
  readonly scheme: 'http' | 'https';
  /** Undefined when the file has no address of the cluster, such as with EDS. */
  readonly baseURL: string | undefined;
  /** The connect timeout, such as `5s`. */
  readonly connect: string;
  /** Options of the client other than `baseURL`, `timeouts` and `retry`. */
  readonly sections: Record<string, unknown>;
  /** For the `retry` section: retries at once and, if the cluster sets a `retry_budget`, the budget. */
  readonly retries: { readonly maxConcurrentRetries: number; readonly budget?: Record<string, unknown> };
  /** A retry policy of the cluster, which replaces that of the route. */
  readonly retryPolicy: Reader | undefined;
}

/** The parts of the configuration outside of a cluster that belong to it. */
export interface ClusterContext {
  readonly secrets: ReadonlyMap<string, Reader>;
  /** Endpoints that a dump lists outside of the clusters, by the name of the cluster. */
  readonly endpoints: ReadonlyMap<string, Reader>;
}

/** Undefined for a cluster that cannot be read without a loss of protection; the report then has an error on it. */
export function readCluster(cluster: Reader, draft: Draft, context: ClusterContext): ClusterPart | undefined {
  if (isPlain(cluster.value) && cluster.get('name') === undefined) cluster.fault('it has no name');
  cluster.type();
  cluster.get('alt_stat_name')?.structure().text();
  for (const name of ['metadata', 'track_cluster_stats', 'track_timeout_budgets'])
    cluster.get(name)?.whole().structure();
  const { endpoints, entries } = readEndpoints(cluster, draft, context);
  const protocol = readProtocol(cluster, draft);
  const { limits, connections, retries } = readLimits(cluster, draft);
  const balance = readBalance(cluster, draft, endpoints.length);
  const outliers = readOutlierDetection(cluster, draft);
  const healthCheck = readHealthChecks(cluster, draft);
  const connect = readConnect(cluster, draft);
  const transport = readTransport(cluster, entries, draft, context.secrets);
  if (transport === undefined) return undefined;
  const { tls } = transport;
  if (tls === undefined) protocol.h2?.exact(draft, 'allowH2');
  else protocol.h2?.differs(draft, 'allowH2', 'HTTP/2 is offered in the TLS handshake, and HTTP/1.1 too');
  // Without TLS there is no handshake in which `auto_config` could choose: Envoy speaks HTTP/1.1 then.
  const priorKnowledge = tls === undefined && protocol.h2 !== undefined && !protocol.auto;
  const sections = {
    ...(tls !== undefined && (protocol.h2 !== undefined || tls.h2) && { allowH2: true }),
    ...(priorKnowledge && { allowH2: 'prior-knowledge' }),
    limits,
    connections: { ...connections, ...protocol.connections },
    ...(tls && Object.keys(tls.options).length > 0 && { tls: tls.options }),
    ...(endpoints.length > 1 && { endpoints: { static: endpoints } }),
    ...balance,
    ...outliers,
    ...healthCheck,
  };
  return {
    scheme: tls === undefined ? 'http' : 'https',
    baseURL: endpoints[0] && urlOf(endpoints[0].address, tls !== undefined),
    connect,
    sections,
    retries,
    retryPolicy: protocol.retryPolicy,
  };
}

/** The address is that of the endpoint even if `sni` names another host: `tls.serverName` has that name. */
function urlOf(address: string, secure: boolean): string {
  const url = `${secure ? 'https' : 'http'}://${address}`;
  return url.replace(secure ? /:443$/ : /:80$/, '');
}

function readConnect(cluster: Reader, draft: Draft): string {
  const timeout = cluster.get('connect_timeout');
  timeout?.exact(draft, 'timeouts.connect');
  return timeout?.spelled(draft, 'timeouts.connect') ?? '5s';
}

interface Endpoint {
  address: string;
  weight?: number;
  zone?: string;
}

/** The endpoints with an address, and the parts of the file that describe any endpoint. */
function readEndpoints(cluster: Reader, draft: Draft, context: ClusterContext) {
  const service = readDiscovery(cluster, draft) ?? cluster.name('name') ?? '';
  const assignment = cluster.get('load_assignment') ?? context.endpoints.get(service);
  assignment?.structure().get('cluster_name')?.structure();
  assignment?.type();
  // Its one field matters only with priorities, which have lines of their own.
  assignment?.get('policy')?.structure().get('overprovisioning_factor')?.structure();
  const localities = assignment?.list('endpoints') ?? [];
  const hosts = cluster.list('hosts');
  if (hosts.length > 0) cluster.file.isOld = true;
  const all = [
    ...localities.flatMap((locality) => localityOf(locality.structure(), draft)),
    ...hosts.map((address) => entryOf(address, address, undefined, draft)),
  ];
  const found = all.flatMap(({ endpoint }) => endpoint ?? []);
  const several = found.length > 1;
  for (const { place, endpoint } of all)
    if (endpoint !== undefined) place.exact(draft, several ? 'endpoints.static' : 'baseURL');
  const endpoints: Endpoint[] = [];
  for (const each of found) {
    const same = endpoints.find(({ address, zone }) => address === each.address && zone === each.zone);
    if (same === undefined) endpoints.push(each);
    else if (same.weight !== undefined || each.weight !== undefined)
      same.weight = (same.weight ?? 1) + (each.weight ?? 1);
  }
  return { endpoints, entries: all.map(({ entry }) => entry) };
}

function localityOf(locality: Reader, draft: Draft) {
  const zone = locality.get('locality')?.structure().get('zone');
  zone?.differs(draft, 'endpoints.static', "used only if balance.zone names the client's own zone");
  for (const name of ['region', 'sub_zone'])
    locality.at('locality', name)?.unmapped('only the zone of a locality is kept');
  for (const name of ['priority', 'load_balancing_weight'])
    locality.get(name)?.unmapped('localities have no priority and no weight here; only their zone is kept');
  return locality.list('lb_endpoints').map((entry) => {
    const weight = entry.structure().get('load_balancing_weight');
    weight?.exact(draft, 'endpoints.static');
    entry
      .get('health_status')
      ?.unmapped('every endpoint starts as healthy, until a health check or outlier detection excludes it');
    const endpoint = entry.get('endpoint')?.structure();
    endpoint?.get('hostname')?.structure();
    const address = endpoint?.get('address') ?? entry;
    const options = { ...given('weight', weight?.count()), ...given('zone', zone?.text()) };
    const found = entryOf(entry, address, options, draft);
    entry.get('metadata')?.whole().structure();
    return found;
  });
}

function notHost(host: string): string {
  return host.includes('${')
    ? 'its address is a placeholder: fill it in first (`envsubst < FILE > rendered.yaml`) and import the result'
    : 'its address is not a host name';
}

/** Well-known names of ports; others would need a resolver that knows them. */
const ports = new Map<string, number>(Object.entries({ http: 80, https: 443 }));

function entryOf(entry: Reader, address: Reader, options: object | undefined, draft: Draft) {
  address.get('pipe')?.whole().unmapped("for a unix socket, set axios's socketPath on the call");
  address.get('envoy_internal_address')?.whole().unmapped('there are no internal listeners');
  const socket = address.structure().get('socket_address')?.structure();
  if (socket === undefined) return { entry, place: address, endpoint: undefined };
  const host = (socket.get('address')?.text() ?? '').trim();
  socket.get('protocol')?.structure();
  for (const name of ['ipv4_compat', 'resolver_name']) socket.get(name)?.unmapped('Node resolves names');
  const named = socket.get('named_port');
  const port = socket.get('port_value')?.count() ?? ports.get(named?.text() ?? '');
  named?.differs(draft, 'baseURL', 'the name stands for its well-known port here');
  if (port === undefined || port > 65_535)
    return { entry, place: socket, endpoint: socket.fault('it has no port that is a number') };
  if (!/^[\w.-]+$/.test(host) && !isIPv6(host)) return { entry, place: socket, endpoint: socket.fault(notHost(host)) };
  const spelt = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return { entry, place: socket, endpoint: { address: spelt, ...options } as Endpoint };
}

const kinds = ['STATIC', 'STRICT_DNS', 'LOGICAL_DNS', 'EDS', 'ORIGINAL_DST'] as const;

/** Reports how endpoints are found; returns the name under which EDS delivers them, if it is another than the cluster's. */
function readDiscovery(cluster: Reader, draft: Draft): string | undefined {
  const resolved =
    'Node resolves the name for each new connection, and connections.maxConnectionAge (10 minutes) closes old ones; with endpoints.dns each address becomes an endpoint';
  const type = cluster.get('type');
  const kind = type?.enum(kinds);
  const atRunTime = 'endpoints are found at run time: list them in endpoints, or set baseURL to a host name';
  if (kind === 'STATIC') type?.exact(draft, 'baseURL');
  else if (kind === 'STRICT_DNS' || kind === 'LOGICAL_DNS') type?.differs(draft, 'baseURL', resolved);
  else if (kind !== undefined) type?.unmapped(`${kind}: ${atRunTime}`);
  const custom = cluster.get('cluster_type')?.structure();
  const name = custom?.name('name') ?? '';
  const { type: extension, fields } = custom?.extension() ?? {};
  if (extension === 'DnsCluster' || /(strict|logical)_dns$|clusters?\.dns$/.test(name))
    (fields ?? custom)?.differs(draft, 'baseURL', resolved);
  else if (custom !== undefined && !name.endsWith('.static')) custom.unmapped(`${extension ?? name}: ${atRunTime}`);
  for (const each of ['dns_refresh_rate', 'respect_dns_ttl', 'dns_failure_refresh_rate', 'dns_jitter'])
    cluster.get(each)?.whole().differs(draft, 'connections.maxConnectionAge', resolved);
  cluster
    .get('dns_lookup_family')
    ?.differs(draft, 'baseURL', 'Node tries IPv6 and IPv4 addresses in turn, 250 ms apart');
  const eds = cluster.get('eds_cluster_config');
  const service = eds?.get('service_name')?.text();
  eds?.unmapped('there is no xDS; a ConfigSource can deliver whole configurations');
  return service;
}

/** Envoy's caps are always on; the defaults are 1024 connections, 1024 pending requests and 3 retries at once. */
function readLimits(cluster: Reader, draft: Draft) {
  const breakers = cluster.get('circuit_breakers');
  const thresholds = breakers?.list('thresholds') ?? [];
  const isDefault = (each: Reader) => each.get('priority')?.enum(['DEFAULT', 'HIGH']) !== 'HIGH';
  const ours = thresholds.find(isDefault);
  breakers?.structure();
  ours?.structure().get('priority')?.exact(draft, 'limits');
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
  const value = cap?.count() ?? standard;
  const within = Math.min(allowed.to, Math.max(allowed.from, value));
  if (within === value) cap?.exact(draft, option);
  else cap?.differs(draft, option, `${within} is the nearest value allowed here`);
  return within;
}

function readBudget(thresholds: Reader | undefined, draft: Draft): Record<string, unknown> | undefined {
  const budget = thresholds?.get('retry_budget');
  if (budget === undefined) return undefined;
  const percent = Math.max(0, budget.get('budget_percent')?.number() ?? 20);
  budget.differs(
    draft,
    'retry.budget',
    'here a share of the calls of the last 10 s, in Envoy of the requests in flight; min_retry_concurrency became minPerSecond',
  );
  return { ratio: Math.min(10, percent / 100), minPerSecond: budget.get('min_retry_concurrency')?.count() ?? 3 };
}

interface Protocol {
  /** The part of the file that asks for HTTP/2. */
  h2: Reader | undefined;
  /** The protocol is chosen in the TLS handshake. */
  auto: boolean;
  connections: Record<string, string>;
  retryPolicy: Reader | undefined;
}

function readProtocol(cluster: Reader, draft: Draft): Protocol {
  const extensions = cluster.get('typed_extension_protocol_options')?.structure().entries() ?? [];
  const options = extensions.find(([name, each]) => {
    const type = isPlain(each.value) && Object.hasOwn(each.value, '@type') ? each.type() : undefined;
    return type === 'HttpProtocolOptions' || name.endsWith('http.v3.HttpProtocolOptions');
  })?.[1];
  for (const [, each] of extensions) if (each !== options) each.unmapped('there is no counterpart of this extension');
  options?.structure().type();
  const explicit = options?.get('explicit_http_config')?.structure();
  const auto = options?.get('auto_config')?.structure();
  const h2 = [
    cluster.get('http2_protocol_options'),
    explicit?.get('http2_protocol_options'),
    auto?.get('http2_protocol_options') ?? auto,
  ].find(Boolean);
  options
    ?.get('use_downstream_protocol_config')
    ?.whole()
    .differs(
      draft,
      'allowH2',
      'there is no connection to the sidecar whose protocol could be followed: HTTP/1.1 is used',
    );
  (auto ?? explicit)?.get('http_protocol_options')?.exact(draft, 'allowH2');
  const names = options?.get('upstream_http_protocol_options')?.structure();
  names
    ?.get('auto_sni')
    ?.differs(draft, 'tls.serverName', 'the name is the host of baseURL, not the Host header of the call');
  names?.get('auto_san_validation')?.differs(draft, 'tls.serverName', 'the name is always verified');
  const common = options?.get('common_http_protocol_options') ?? cluster.get('common_http_protocol_options');
  common?.structure();
  const connections: Record<string, string> = {};
  const idle = common?.get('idle_timeout');
  const time = idle?.duration() === 0 ? undefined : idle?.spelled(draft, 'connections.keepAliveTimeout');
  if (time !== undefined) connections.keepAliveTimeout = time;
  idle?.differs(
    draft,
    'connections.keepAliveTimeout',
    "a shorter time in the server's Keep-Alive header is respected, which Envoy does not read",
  );
  const age = common?.get('max_connection_duration');
  const oldest = age?.duration() ? age.spelled(draft, 'connections.maxConnectionAge', { least: 1000 }) : undefined;
  if (oldest !== undefined) connections.maxConnectionAge = oldest;
  age?.differs(draft, 'connections.maxConnectionAge', 'each connection is closed up to a fifth earlier, at random');
  for (const each of [common, cluster])
    each
      ?.get('max_requests_per_connection')
      ?.unmapped('connections are closed by age (connections.maxConnectionAge), not by their number of requests');
  return { h2, auto: auto !== undefined, connections, retryPolicy: options?.get('retry_policy') };
}

const policyNames = [
  'ROUND_ROBIN',
  'LEAST_REQUEST',
  'RING_HASH',
  'RANDOM',
  'ORIGINAL_DST_LB',
  'MAGLEV',
  'CLUSTER_PROVIDED',
  'LOAD_BALANCING_POLICY_CONFIG',
] as const;

const policies = new Map<string, string>(
  Object.entries({
    ROUND_ROBIN: 'round-robin',
    LEAST_REQUEST: 'least-pending',
    RANDOM: 'random',
    RING_HASH: 'hash',
    MAGLEV: 'hash',
  }),
);

function readBalance(cluster: Reader, draft: Draft, count: number): Record<string, unknown> {
  const options = { ...readPolicy(cluster, draft, count), ...readPanic(cluster, draft, count) };
  for (const name of ['least_request_lb_config', 'ring_hash_lb_config', 'round_robin_lb_config', 'maglev_lb_config'])
    cluster.get(name)?.unmapped('the details of load balancing are not configurable here');
  return Object.keys(options).length > 0 ? { balance: options } : {};
}

function readPolicy(cluster: Reader, draft: Draft, count: number): { strategy?: string } {
  const extension = cluster.get('load_balancing_policy')?.structure().list('policies')[0]?.structure();
  const typed = extension?.get('typed_extension_config')?.structure();
  typed?.name('name');
  const type = typed?.extension().type;
  const fields = typed?.get('typed_config');
  const policy = fields ?? cluster.get('lb_policy');
  if (policy === undefined) return {};
  const name =
    fields === undefined ? policy.enum(policyNames) : type?.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  const ours = policies.get(name ?? '');
  if (count < 2) policy.differs(draft, 'baseURL', 'not used: there is only one endpoint');
  else if (ours === undefined) policy.unmapped('there is no such load balancing here');
  else if (ours === 'hash')
    policy.differs(draft, 'balance.strategy', 'rendezvous hashing is used; name the header in balance.hashHeader');
  else policy.exact(draft, 'balance.strategy');
  return count < 2 || ours === undefined ? {} : { strategy: ours };
}

function readPanic(cluster: Reader, draft: Draft, count: number): { panicThresholdPercent?: number } {
  const common = cluster.get('common_lb_config')?.structure();
  const threshold = common?.get('healthy_panic_threshold');
  const value = threshold?.number();
  if (threshold === undefined || value === undefined) return {};
  if (count < 2) {
    threshold.differs(draft, 'baseURL', 'not used: there is only one endpoint');
    return {};
  }
  threshold.exact(draft, 'balance.panicThresholdPercent');
  return { panicThresholdPercent: Math.min(100, Math.max(0, value)) };
}
