/** Reads the endpoints of an Envoy cluster, and how they are found. */
import { isIP, isIPv6 } from 'node:net';
import { type Draft, given, type Reader } from './reader.js';
import type { TlsPart } from './upstream-tls.js';

/** An endpoint as `endpoints.static` and `endpoints.dns.names` have it. */
interface Endpoint {
  address: string;
  weight?: number;
  zone?: string;
  priority?: number;
  health?: string;
  serverName?: string;
}

interface FoundEndpoint extends Endpoint {
  /** The part of the file that has the address. */
  readonly place: Reader;
  /** Its name in the file, in place of the host of its address. */
  readonly hostname: Reader | undefined;
}

/** The endpoints of a cluster. */
export interface EndpointsPart {
  readonly found: readonly FoundEndpoint[];
  /** The parts of the file that describe any endpoint, also those without an address. */
  readonly entries: readonly Reader[];
  /** Options of `endpoints.dns` besides the names; undefined where endpoints are not looked up. */
  readonly dns: Record<string, unknown> | undefined;
  /** True where there is something to choose from. */
  readonly several: boolean;
  /** For `balance.overprovisioningFactor`. */
  readonly factor: number | undefined;
  /** Why there never is an address, where there is none. */
  readonly nowhere: string | undefined;
}

/** Reads the endpoints; `discovered` has those that a dump lists outside of the clusters. */
export function readEndpoints(
  cluster: Reader,
  draft: Draft,
  discovered: ReadonlyMap<string, Reader>,
  byLocality: boolean,
): EndpointsPart {
  const hosts = cluster.list('hosts');
  if (hosts.length > 0) cluster.file.isOld = true;
  const discovery = readDiscovery(cluster);
  const service = discovery.service ?? cluster.name('name') ?? '';
  const assignment = cluster.get('load_assignment') ?? discovered.get(service);
  assignment?.structure().get('cluster_name')?.structure();
  assignment?.type();
  const localities = (assignment?.list('endpoints') ?? []).map((each) => readLocality(each.structure(), draft));
  const all = [...spread(localities, byLocality, draft), ...hosts.map((address) => entryOf(address, address, draft))];
  const found = unique(
    all.flatMap(({ endpoint }) => endpoint ?? []),
    draft,
  );
  const dns = discovery.expands && found.some(({ address }) => isIP(hostOf(address)) === 0);
  const several = dns || found.length > 1;
  const option = dns ? 'endpoints.dns' : several ? 'endpoints.static' : 'baseURL';
  for (const { zone, says } of localities) {
    if (several) zone?.differs(draft, option, "used only if balance.zone names the client's own zone");
    else zone?.unused(draft, alone);
    for (const each of says)
      if (several) each.exact(draft, option);
      else each.unused(draft, alone);
  }
  for (const { place, endpoint } of all) if (endpoint !== undefined) place.exact(draft, option);
  return {
    found,
    entries: all.map(({ entry }) => entry),
    several,
    dns: dns ? readLookups(discovery, draft) : keepResolving(discovery, draft, option, found),
    factor: readFactor(assignment?.get('policy')?.structure(), found, draft),
    nowhere: all.length === 0 ? discovery.nowhere : undefined,
  };
}

/**
 * The `endpoints` section, the base URL, and the server name of the only endpoint. With TLS each endpoint is verified by
 * its own name, unless `sni` names them all.
 */
export function endpointsOf({ found, dns, several }: EndpointsPart, draft: Draft, tls: TlsPart | undefined) {
  const option = several ? 'endpoints' : 'tls.serverName';
  const sni = tls?.options.serverName as string | undefined;
  const named = tls !== undefined && (sni === undefined || tls.hostSni);
  const names = found.map(({ address, hostname }) => hostname?.text() || nameIn(address));
  for (const { hostname } of found)
    if (named)
      hostname?.differs(draft, option, 'the name of the endpoint is sent as SNI, and its certificate has to have it');
    else hostname?.structure();
  // An endpoint without a name is verified by its address, where that of baseURL is an address too.
  const nameless = named && sni === undefined ? names.indexOf(undefined) : -1;
  const main = found[Math.max(0, nameless)]?.address;
  const standard = sni ?? (main && nameIn(main));
  const differ = named && names.some((name) => name !== undefined && name !== standard);
  const list = found.map(({ place: _, hostname: __, ...endpoint }, index) => ({
    ...endpoint,
    ...(differ && names[index] !== undefined && { serverName: names[index] }),
  }));
  const looked = list.length === 1 ? given('address', list[0]?.address) : { names: list };
  const section = dns === undefined ? { static: list } : { dns: { ...looked, ...dns } };
  return {
    main,
    names: [...new Set(names)],
    sections: several ? { endpoints: section } : {},
    serverName: !several && differ ? names[0] : undefined,
  };
}

const alone = 'there is only one endpoint';

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** The host of an address if it is a name. */
function nameIn(address: string): string | undefined {
  const host = hostOf(address);
  return isIP(host) === 0 ? host : undefined;
}

/** Endpoints of one address are one, whose weights add up. */
function unique(all: readonly FoundEndpoint[], draft: Draft): FoundEndpoint[] {
  const endpoints: FoundEndpoint[] = [];
  for (const each of all) {
    const same = endpoints.find(({ address }) => address === each.address);
    if (same === undefined) endpoints.push(each);
    else if (same.zone === each.zone && same.priority === each.priority) {
      if (same.weight !== undefined || each.weight !== undefined) same.weight = (same.weight ?? 1) + (each.weight ?? 1);
    } else each.place.remark(draft, 'endpoints', 'the address is listed before, and counts only once');
  }
  return endpoints;
}

interface Entry {
  readonly entry: Reader;
  readonly place: Reader;
  readonly endpoint: FoundEndpoint | undefined;
}

interface Locality {
  readonly reader: Reader;
  readonly weight: Reader | undefined;
  readonly zone: Reader | undefined;
  /** The parts that tell its endpoints from others. */
  readonly says: readonly Reader[];
  readonly entries: readonly Entry[];
}

/** The names of Envoy's health of endpoints, by their numbers. */
const statuses = ['UNKNOWN', 'HEALTHY', 'UNHEALTHY', 'DRAINING', 'TIMEOUT', 'DEGRADED'] as const;

const healths = new Map<string, string>(
  Object.entries({ UNHEALTHY: 'unhealthy', TIMEOUT: 'unhealthy', DRAINING: 'draining', DEGRADED: 'degraded' }),
);

function readLocality(locality: Reader, draft: Draft): Locality {
  const zone = locality.get('locality')?.structure().get('zone');
  for (const name of ['region', 'sub_zone'])
    locality.at('locality', name)?.unmapped('only the zone of a locality is kept');
  locality.get('metadata')?.whole().structure();
  const priority = locality.get('priority');
  const number = Math.min(128, priority?.count() ?? 0);
  const says = [priority];
  const weight = locality.get('load_balancing_weight');
  const entries = locality.list('lb_endpoints').map((entry) => {
    entry.structure().get('metadata')?.whole().structure();
    const weighed = entry.get('load_balancing_weight');
    const status = entry.get('health_status');
    const health = status?.enum(statuses);
    says.push(weighed, status);
    const endpoint = entry.get('endpoint')?.structure();
    return entryOf(
      entry,
      endpoint?.get('address') ?? entry,
      draft,
      {
        ...given('weight', weighed?.bounded(draft, 'endpoints', 1)),
        ...given('zone', zone?.text()),
        ...(number > 0 && { priority: number }),
        ...given('health', healths.get(health ?? '')),
      },
      endpoint?.get('hostname'),
    );
  });
  return { reader: locality, weight, zone, says: says.filter((each) => each !== undefined), entries };
}

/**
 * The endpoints with the weights of their localities: a locality's share is divided among its endpoints by their own
 * weights.
 */
function spread(localities: readonly Locality[], byLocality: boolean, draft: Draft): Entry[] {
  const weights = localities.map(({ weight }) => weight?.count() ?? 0);
  if (!byLocality || weights.every((weight) => weight === 0)) {
    for (const { weight } of localities)
      weight?.unused(draft, 'without locality_weighted_lb_config a locality has no weight');
    return localities.flatMap(({ entries }) => entries);
  }
  const totals = localities.map(({ entries }) => sum(entries.map(({ endpoint }) => endpoint?.weight ?? 1)));
  const scale = totals.reduce((product, total) => leastMultiple(product, Math.max(1, total)), 1);
  const shares = localities.map(({ entries }, index) =>
    entries.map(({ endpoint }) => ((endpoint?.weight ?? 1) * (weights[index] ?? 0) * scale) / (totals[index] || 1)),
  );
  const largest = Math.max(...shares.flat());
  const divisor = largest > 4_294_967_295 ? largest / 1e6 : shares.flat().reduce(commonDivisor, 0);
  const all = localities.flatMap(({ entries }) => entries);
  if (all.length === 1) for (const { weight } of localities) weight?.unused(draft, alone);
  return localities.flatMap(({ reader, weight, entries }, index) => {
    if (all.length > 1)
      weight?.differs(
        draft,
        'endpoints',
        'divided among the weights of its endpoints; a locality with unusable endpoints loses their shares, which Envoy makes up for with the others of it, up to 40 %',
      );
    if (weights[index] === 0) {
      reader.remark(draft, 'endpoints', 'without a load_balancing_weight Envoy sends nothing to this locality');
      return entries.map(({ entry, place }) => ({ entry, place, endpoint: undefined }));
    }
    return entries.map((each, at) => ({
      ...each,
      endpoint: each.endpoint && {
        ...each.endpoint,
        weight: Math.max(1, Math.round((shares[index]?.[at] ?? 1) / divisor)),
      },
    }));
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function leastMultiple(a: number, b: number): number {
  return Math.min(1e9, (a / commonDivisor(a, b)) * b);
}

/** Priorities and degraded endpoints share the traffic by this factor, which is in percent in Envoy. */
function readFactor(policy: Reader | undefined, found: readonly FoundEndpoint[], draft: Draft): number | undefined {
  const factor = policy?.get('overprovisioning_factor');
  policy?.get('drop_overloads')?.unmapped('no share of the calls is dropped; fault.abort can do so');
  policy
    ?.get('weighted_priority_health')
    ?.unmapped('the health of a priority is that of its endpoints by their number');
  policy?.get('endpoint_stale_after')?.unmapped('endpoints stay in use until a new list comes');
  const used =
    new Set(found.map(({ priority }) => priority)).size > 1 || found.some(({ health }) => health === 'degraded');
  const percent = factor?.bounded(draft, 'balance.overprovisioningFactor', 1, 100_000);
  if (!used) {
    factor?.unused(draft, 'all endpoints are of one priority, and none is degraded');
    return undefined;
  }
  factor?.exact(draft, 'balance.overprovisioningFactor');
  return percent === undefined ? undefined : percent / 100;
}

function notHost(host: string): string {
  return host.includes('${')
    ? 'its address is a placeholder: fill it in first (`envsubst < FILE > rendered.yaml`) and import the result'
    : 'its address is not a host name';
}

/** Well-known names of ports; others would need a resolver that knows them. */
const ports = new Map<string, number>(Object.entries({ http: 80, https: 443 }));

function entryOf(entry: Reader, address: Reader, draft: Draft, options?: object, hostname?: Reader): Entry {
  address.get('pipe')?.whole().unmapped("for a unix socket, set axios's socketPath on the call");
  address.get('envoy_internal_address')?.whole().unmapped('there are no internal listeners');
  const place = address.structure().get('socket_address')?.structure();
  hostname?.structure();
  if (place === undefined) return { entry, place: address, endpoint: undefined };
  const host = (place.get('address')?.text() ?? '').trim();
  const protocol = place.get('protocol')?.structure();
  if (protocol?.enum(['TCP', 'UDP']) === 'UDP') protocol.fault('only TCP is supported');
  const both = place.get('ipv4_compat');
  if (both?.boolean() === true) both.unmapped('Node decides whether a socket for IPv6 connects to IPv4 addresses too');
  else both?.structure();
  place.get('resolver_name')?.unmapped('Node resolves names; a Discovery of your own may ask another server');
  const named = place.get('named_port');
  const port = place.get('port_value')?.count() ?? ports.get(named?.text() ?? '');
  named?.differs(draft, 'baseURL', 'the name stands for its well-known port here');
  if (port === undefined || port > 65_535)
    return { entry, place, endpoint: place.fault('it has no port that is a number') };
  if (!/^[\w.-]+$/.test(host) && !isIPv6(host)) return { entry, place, endpoint: place.fault(notHost(host)) };
  const spelt = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  // A URL reads `010.0.0.1` as octal and `1` as an address, so that another machine would be called.
  const url = `http://${spelt}`;
  if (!isIPv6(host) && (!URL.canParse(url) || new URL(url).hostname !== host.toLowerCase()))
    return { entry, place, endpoint: place.fault('a URL would read its address as another one: write it in full') };
  return { entry, place, endpoint: { address: spelt, ...options, place, hostname } };
}

const kinds = ['STATIC', 'STRICT_DNS', 'LOGICAL_DNS', 'EDS', 'ORIGINAL_DST'] as const;

const resolved =
  'Node resolves the name for each new connection, and connections.maxConnectionAge (10 minutes) closes old ones; with endpoints.dns each address becomes an endpoint';

/** Why a cluster has no address, if Envoy answers for it. */
export const noEndpoints = 'the cluster has no endpoints, so Envoy answers each call with 503';

interface Found {
  /** The parts that say how endpoints are found. */
  readonly says: readonly Reader[];
  readonly isStatic: boolean;
  readonly nowhere: string | undefined;
  /** The part that has the details of lookups, where there are any. */
  readonly lookups: Reader;
  /** True where each address becomes an endpoint. */
  readonly expands: boolean;
  /** The name under which EDS delivers the endpoints, if it is another than the cluster's. */
  readonly service: string | undefined;
}

/** What to do in place of a `cluster_type`, by its name. */
const kindsOfCluster = new Map<string, string>(
  Object.entries({
    aggregate: 'list the endpoints of its clusters in endpoints, with a priority for each cluster in their order',
    dynamic_forward_proxy:
      'Envoy looks up the host that the service called: take baseURL out of the client, and give the whole URL with each call',
  }),
);

/** Whatever tells one address of a cluster from another. */
const tellsApart = ['outlier_detection', 'health_checks', 'lb_policy', 'load_balancing_policy'];

function readDiscovery(cluster: Reader): Found {
  const type = cluster.get('type');
  const kind = type?.enum(kinds);
  const atRunTime = 'endpoints are found at run time: list them in endpoints, or set baseURL to a host name';
  const custom = cluster.get('cluster_type')?.structure();
  const name = custom?.name('name') ?? '';
  const { type: extension, fields } = custom?.extension() ?? {};
  const isDns = extension === 'DnsCluster' || /(strict|logical)_dns$|clusters?\.dns$/.test(name);
  if (custom !== undefined && !isDns && !name.endsWith('.static'))
    custom.unmapped(`${name}: ${kindsOfCluster.get(name.replace(/^envoy\.clusters?\./, '')) ?? atRunTime}`);
  if (kind === 'EDS') type?.unmapped(`EDS: ${atRunTime}`);
  const nowhere =
    kind === 'STATIC'
      ? noEndpoints
      : kind === 'ORIGINAL_DST'
        ? 'Envoy calls the address that the service called'
        : undefined;
  if (kind === 'ORIGINAL_DST') type?.structure();
  const single = fields?.get('all_addresses_in_single_endpoint')?.structure().boolean() === true;
  const strict = kind === 'STRICT_DNS' || (isDns && !single && !name.endsWith('logical_dns'));
  const eds = cluster.get('eds_cluster_config');
  const service = eds?.get('service_name')?.text();
  eds?.unmapped('there is no xDS; a ConfigSource can deliver whole configurations');
  const entries = (cluster.get('load_assignment')?.list('endpoints') ?? []).flatMap((each) =>
    each.list('lb_endpoints'),
  );
  const matters =
    entries.length > 1 ||
    cluster.list('hosts').length > 1 ||
    cluster.at('common_lb_config', 'healthy_panic_threshold') !== undefined ||
    tellsApart.some((each) => cluster.get(each) !== undefined);
  const isNamed = kind === 'STRICT_DNS' || kind === 'LOGICAL_DNS';
  return {
    says: [...(kind === 'STATIC' || isNamed ? [type] : []), ...(isDns ? [fields?.structure() ?? custom] : [])].filter(
      (each) => each !== undefined,
    ),
    isStatic: kind === 'STATIC',
    nowhere,
    lookups: isDns && fields !== undefined ? fields : cluster,
    expands: strict && matters,
    service,
  };
}

/** Names of the details of lookups that have no counterpart, with or without `endpoints.dns`. */
const ofResolvers = ['dns_resolvers', 'dns_resolution_config', 'typed_dns_resolver_config'];

function keepResolving(
  { says, isStatic, lookups }: Found,
  draft: Draft,
  option: string,
  found: readonly FoundEndpoint[],
): undefined {
  const unresolved = isStatic || (found.length > 0 && found.every(({ address }) => isIP(hostOf(address)) !== 0));
  for (const each of says)
    if (unresolved) each.exact(draft, option);
    else each.differs(draft, option, resolved);
  const rates = ['dns_refresh_rate', 'respect_dns_ttl', 'dns_failure_refresh_rate', 'dns_jitter'];
  if (unresolved) {
    for (const each of [...rates, ...ofResolvers, 'dns_lookup_family', 'use_tcp_for_dns_lookups'])
      lookups.get(each)?.unused(draft, 'no name is looked up');
    return;
  }
  // The line on `type` says what becomes of lookups; a file in which it is the default has none.
  for (const each of rates)
    lookups
      .get(each)
      ?.whole()
      .differs(draft, 'connections.maxConnectionAge', 'names are resolved for each new connection');
  lookups
    .get('dns_lookup_family')
    ?.differs(draft, 'baseURL', 'Node tries IPv6 and IPv4 addresses in turn, 250 ms apart');
  for (const each of [...ofResolvers, 'use_tcp_for_dns_lookups'])
    lookups.get(each)?.whole().unmapped("the system's resolver is used");
}

const families = ['AUTO', 'V4_ONLY', 'V6_ONLY', 'V4_PREFERRED', 'ALL'] as const;

/** The options of `endpoints.dns` besides its names. */
function readLookups({ says, lookups }: Found, draft: Draft): Record<string, unknown> {
  for (const each of says)
    each.differs(
      draft,
      'endpoints.dns',
      'each address of a name is an endpoint; connections.maxConnections and circuits are those of each',
    );
  const ttl = lookups.get('respect_dns_ttl');
  ttl?.exact(draft, 'endpoints.dns.refresh');
  const rate = lookups.get('dns_refresh_rate');
  const refresh = rate?.spelled(draft, 'endpoints.dns.refresh', { least: 100 }) ?? '5s';
  const byTtl = ttl?.boolean() === true;
  if (byTtl)
    rate?.differs(
      draft,
      'endpoints.dns.refresh',
      'not used: respect_dns_ttl is true, so the time of the record counts',
    );
  else rate?.exact(draft, 'endpoints.dns.refresh');
  lookups
    .get('dns_failure_refresh_rate')
    ?.whole()
    .differs(draft, 'endpoints.dns', 'a lookup that fails is repeated after 1s, 2s, 4s and so on, up to 30s');
  lookups
    .get('dns_jitter')
    ?.differs(draft, 'endpoints.dns.refresh', 'lookups are repeated up to 10 % earlier, at random');
  for (const each of ofResolvers) lookups.get(each)?.whole().unmapped('name the DNS servers in endpoints.dns.servers');
  lookups.get('use_tcp_for_dns_lookups')?.unmapped('DNS is asked over UDP, and over TCP for long answers');
  const family = lookups.get('dns_lookup_family');
  const wanted = family?.enum(families) ?? 'AUTO';
  if (wanted === 'V4_ONLY' || wanted === 'V6_ONLY' || wanted === 'ALL') family?.exact(draft, 'endpoints.dns.family');
  else
    (family ?? says[0])?.differs(
      draft,
      'endpoints.dns.family',
      'addresses of both families are endpoints; Envoy uses IPv4 ones only if there is no IPv6 one, or the other way round',
    );
  return {
    refresh: byTtl ? 'ttl' : refresh,
    ...(wanted === 'V4_ONLY' && { family: 'ipv4' }),
    ...(wanted === 'V6_ONLY' && { family: 'ipv6' }),
  };
}
