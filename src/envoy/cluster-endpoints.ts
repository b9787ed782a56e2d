/** Reads the endpoints of an Envoy cluster, and how they are found. */
import { isIPv6 } from 'node:net';
import { type Draft, given, type Reader } from './reader.js';

interface Endpoint {
  address: string;
  weight?: number;
  zone?: string;
}

/**
 * The endpoints with an address, and the parts of the file that describe any endpoint; `discovered` has those that a dump
 * lists outside of the clusters.
 */
export function readEndpoints(cluster: Reader, draft: Draft, discovered: ReadonlyMap<string, Reader>) {
  const service = readDiscovery(cluster, draft) ?? cluster.name('name') ?? '';
  const assignment = cluster.get('load_assignment') ?? discovered.get(service);
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
