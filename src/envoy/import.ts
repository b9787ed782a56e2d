/** Makes a configuration file of clients from Envoy's configuration, with a report on each part. */

import { ConfigDocument } from '../registry/file/document.js';
import { yamlLibrary } from '../registry/file/yaml-on-demand.cjs';
import { Clients, type Cluster, type OtherUses } from './clients.js';
import { readCluster } from './cluster.js';
import { noRuntime } from './fraction.js';
import { clustersIn, isOpen, mirrorsIn, outbound, ownClustersIn, readListeners } from './listeners.js';
import { type Draft, escaped, type Reader } from './reader.js';
import type { ReportLine } from './report.js';
import { openSources } from './sources.js';

/** The result of an import: the configuration, and a report on each part of Envoy's file. */
export interface EnvoyImport {
  readonly config: { readonly clients: Record<string, Record<string, unknown>> };
  /** The same configuration as YAML text, to be written to a file. */
  readonly yaml: string;
  readonly report: readonly ReportLine[];
}

/**
 * Maps the clusters and routes of Envoy's configuration to clients: a bootstrap, a dump of `/config_dump`, a file of
 * resources, or a ConfigMap that holds one (YAML or JSON). Clients that would not load, or would be less protected than
 * in Envoy, are left out, and the report has an error for each. With `only`, the clients of other names are left out.
 * @throws PillionError `ERR_CONFIG` for any other text, and for a name in `only` that no client has
 */
export function importEnvoy(text: string, file: string, only?: readonly string[]): EnvoyImport {
  const sources = openSources(text, file);
  const { file: envoy, listeners } = sources;
  const readers = namedClusters(sources.clusters);
  const open = outbound(listeners, (name) => isLocal(readers.get(name)?.value));
  const called = new Set(open.flatMap((each) => clustersIn(each.value)).map(escaped));
  const served = new Set(listeners.flatMap((each) => clustersIn(each.value)).map(escaped));
  for (const { value } of sources.routes.values()) for (const name of clustersIn(value)) called.add(escaped(name));
  const clusters = new Map<string, Cluster>();
  for (const [name, reader] of readers) {
    const draft: Draft = { name };
    if (served.has(name) && !called.has(name)) reader.unmapped('only an inbound listener uses this cluster');
    else clusters.set(name, { reader, draft, part: readCluster(reader, draft, sources) });
  }
  const notHttp = new Set<string>();
  const routes = readListeners(open, { cluster: (name) => clusters.get(name)?.part, routes: sources.routes, notHttp });
  for (const each of sources.routes.values())
    if (!each.isRead()) each.unmapped('no listener of the file uses these routes');
  for (const each of sources.secrets.values())
    if (!each.isRead()) each.unmapped('not taken over: a client that needs it names its files in tls');
  const others = otherUses(envoy.root.value, notHttp);
  const clients = new Clients(clusters, file, others).of(routes, only);
  const config = { clients: Object.fromEntries(clients) };
  const made = [...clients.values()];
  if (made.length > 0) tellOfAll(envoy.root, made);
  if (sources.bootstrap !== undefined)
    readBootstrap(
      sources.bootstrap,
      made.some(({ balance }) => (balance as { zone?: string } | undefined)?.zone !== undefined),
    );
  const title = `# Made by \`pillion import-envoy ${file.replace(/[\r\n]/g, ' ')}\`; its report lists what differs.\n`;
  const yaml = title + yamlLibrary().stringify(config, { lineWidth: 0, aliasDuplicateObjects: false });
  const [tooLong] = yaml.length > 60_000 ? new ConfigDocument(yaml).faults : [];
  if (tooLong !== undefined)
    envoy.root.refuse(
      `the result ${tooLong.message}, which a configuration file must not be: name the clients that the service calls after the file, as in \`import-envoy FILE NAME…\``,
    );
  return { config, yaml, report: envoy.report() };
}

/** What is true of each client, whatever the file says. */
function tellOfAll(root: Reader, clients: readonly Record<string, unknown>[]): void {
  const all: Draft = { name: '*' };
  root.remark(
    all,
    'circuitBreaker',
    'on by default, and Envoy has no such thing: calls to a destination that keeps failing are rejected for a while; circuitBreaker: false switches it off',
  );
  if (clients.some(({ retry }) => retry !== false))
    root.remark(
      all,
      'retry.budget',
      "false as in Envoy, which limits only the retries at once; remove this option to get pillion's budget: retries for 20 % of the calls plus one a second",
    );
}

function otherUses(file: unknown, notHttp: ReadonlySet<string>): OtherUses {
  const own = 'only the sidecar itself calls this cluster: for its configuration, tracing, statistics or a filter';
  const notes = new Map(ownClustersIn(file).map((name) => [escaped(name), own]));
  for (const name of notHttp) notes.set(escaped(name), 'only filters that are not HTTP use this cluster');
  return { notes, mirrors: new Set(mirrorsIn(file).map(escaped)) };
}

function namedClusters(readers: readonly Reader[]): Map<string, Reader> {
  const found = new Map<string, Reader>();
  for (const reader of readers) {
    const name = reader.structure().name('name') ?? `cluster-${found.size + 1}`;
    if (found.has(name)) reader.refuse('another cluster has the same name');
    else found.set(name, reader);
  }
  return found;
}

/** True for a cluster whose endpoints are all on this machine: the service itself. */
function isLocal(cluster: unknown): boolean {
  const hosts = [...(JSON.stringify(cluster) ?? '').matchAll(/"address":"([^"]*)"/g)].map(([, host = '']) => host);
  return hosts.length > 0 && hosts.every((host) => !isOpen(host) || host === '0.0.0.0');
}

/** Settings of Envoy's process that change no call. */
const processFields = [
  'application_log_config',
  'default_config_source',
  'default_regex_engine',
  'enable_dispatcher_stats',
  'fatal_actions',
  'flags_path',
  'stats_eviction_interval',
  'stats_flush_interval',
  'stats_flush_on_admin',
  'watchdog',
  'watchdogs',
];

/** `zoned`: the zone of the node is in a client. */
function readBootstrap(root: Reader, zoned: boolean): void {
  const admin = root.get('admin');
  const host = admin?.at('address', 'socket_address', 'address')?.text();
  if (host !== undefined && isOpen(host))
    admin?.warn('the admin interface was open to the pod network: any process that reached it could stop the sidecar');
  admin
    ?.whole()
    .differs(
      undefined,
      '',
      'createAdmin, clients.stats() and client.stats() show the configuration and the statistics',
    );
  for (const name of processFields) root.get(name)?.whole().structure();
  root.get('static_resources')?.structure();
  const locality = root.get('node')?.get('locality');
  if (zoned) locality?.whole().structure();
  else
    locality?.unmapped(
      'set balance.zone of each client to the zone of the service, such as from an environment variable',
    );
  root.get('node')?.whole().structure();
  const manager = root.get('cluster_manager')?.structure();
  manager?.get('local_cluster_name')?.structure();
  manager?.get('outlier_detection')?.unmapped('subscribe to the events of the client to log ejections');
  root.get('dynamic_resources')?.unmapped('there is no xDS; a ConfigSource can deliver whole configurations');
  root.get('layered_runtime')?.unmapped(noRuntime);
  for (const name of ['stats_sinks', 'stats_config'])
    root.get(name)?.unmapped('use recordMetrics (OpenTelemetry) or createPrometheus in the service');
  root.get('tracing')?.whole().differs(undefined, '', 'spans are exported by the OpenTelemetry SDK of the service');
  for (const name of ['dns_resolution_config', 'typed_dns_resolver_config', 'use_tcp_for_dns_lookups'])
    root.get(name)?.unmapped('Node resolves names; a Discovery of your own may ask another server');
  root.get('overload_manager')?.unmapped('the limits of each client bound the requests in flight and in the queue');
}
