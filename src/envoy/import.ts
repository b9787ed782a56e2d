/** Makes a configuration file of clients from a static Envoy bootstrap, with a report on each part. */
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { ErrorCode, PillionError } from '../call/errors.js';
import { isPlain } from '../call/own.js';
import { spelled, textFaults } from '../registry/file/config-faults.js';
import { ConfigDocument } from '../registry/file/document.js';
import { type ClusterPart, readCluster } from './cluster.js';
import { isOpen, readListeners } from './listeners.js';
import { type Draft, EnvoyFile, type Reader } from './reader.js';
import type { ReportLine } from './report.js';
import { type RouteDraft, timeoutsOf } from './route.js';

/** The result of an import: the configuration, and a report on each part of Envoy's file. */
export interface EnvoyImport {
  readonly config: { readonly clients: Record<string, Record<string, unknown>> };
  /** The same configuration as YAML text, to be written to a file. */
  readonly yaml: string;
  readonly report: readonly ReportLine[];
}

/**
 * Maps the clusters and routes of an Envoy bootstrap (YAML or JSON) to clients.
 * @throws PillionError `ERR_CONFIG` for text that is not YAML or not an Envoy bootstrap
 */
export function importEnvoy(text: string, file: string): EnvoyImport {
  const envoy = open(text, file);
  const clusters = new Map<string, Cluster>();
  for (const reader of envoy.root.get('static_resources')?.list('clusters') ?? []) {
    if (!isPlain(reader.value)) continue;
    const name = reader.name('name') ?? `cluster-${clusters.size + 1}`;
    const draft: Draft = { name };
    clusters.set(name, { reader, draft, part: readCluster(reader, draft) });
  }
  const urlOf = (cluster: string) => clusters.get(cluster)?.part.baseURL;
  const routes = readListeners(envoy.root, urlOf);
  readBootstrap(envoy.root);
  const config = { clients: Object.fromEntries(clientsOf(routes, clusters)) };
  const title = `# Made by \`pillion import-envoy ${file}\`; its report lists what differs.\n`;
  const yaml = title + stringify(config, { lineWidth: 0, aliasDuplicateObjects: false });
  return { config, yaml, report: envoy.report() };
}

interface Cluster {
  readonly reader: Reader;
  readonly draft: Draft;
  readonly part: ClusterPart;
}

function open(text: string, file: string): EnvoyFile {
  const document = new ConfigDocument(text);
  const faults = textFaults(document, file).map(spelled);
  const known = isPlain(document.value) ? Object.keys(document.value) : [];
  if (faults.length === 0 && !known.some((key) => bootstrapKeys.includes(key)))
    faults.push(`${file}:1:1 is not an Envoy bootstrap: it has none of the keys ${bootstrapKeys.join(', ')}`);
  if (faults.length > 0) throw new PillionError(ErrorCode.CONFIG, faults.join('\n'));
  return new EnvoyFile(document);
}

const bootstrapKeys = ['static_resources', 'staticResources', 'dynamic_resources', 'dynamicResources', 'admin'];

/** One client for each route, in the order of the routes; then one for each cluster that no route made a client of. */
function clientsOf(
  routes: readonly RouteDraft[],
  clusters: ReadonlyMap<string, Cluster>,
): Map<string, Record<string, unknown>> {
  const clients = new Map<string, Record<string, unknown>>();
  const done = new Set<Cluster>();
  for (const route of routes) {
    const main = mainCluster(route, clusters);
    if (main === undefined) continue;
    keep(clients, route, clientOf(route, main, clusters));
    if (!done.has(main)) main.draft.name = route.name;
    done.add(main);
  }
  const targets = new Set(routes.flatMap((route) => route.clusters.map(({ name }) => name)));
  for (const [name, cluster] of clusters) if (!done.has(cluster)) keepAlone(clients, cluster, targets.has(name));
  return clients;
}

/** Adds a client for a cluster that is only a target of a weighted route, or of no route. */
function keepAlone(
  clients: Map<string, Record<string, unknown>>,
  { reader, draft, part }: Cluster,
  target: boolean,
): void {
  const { baseURL, connect, sections } = part;
  if (baseURL === undefined) {
    draft.dropped = true;
    reader.unmapped('no route uses this cluster, and the file has no address of it');
    return;
  }
  reader.remark(
    draft,
    '',
    target
      ? 'also made a client of its own: a split uses only the address of the cluster'
      : 'no route uses this cluster',
  );
  keep(clients, draft, { baseURL, timeouts: { connect, attempt: false, total: '15s' }, retry: false, ...sections });
}

/** The cluster of a route with the greatest weight; clusters that are missing in the file are reported as unmapped. */
function mainCluster(route: RouteDraft, clusters: ReadonlyMap<string, Cluster>): Cluster | undefined {
  for (const { name, reader } of route.clusters)
    if (!clusters.has(name)) reader.unmapped(`the file has no cluster "${name}"`);
  const known = route.clusters.filter(({ name }) => clusters.has(name));
  const [heaviest] = [...known].sort((a, b) => b.weight - a.weight);
  return clusters.get(heaviest?.name ?? '');
}

/** Adds a client. Routes with equal options share a client; further clients of the same name are numbered. */
function keep(clients: Map<string, Record<string, unknown>>, draft: Draft, options: Record<string, unknown>): void {
  const plain = draft.name.replace(/[^\w./-]/g, '-').slice(0, 90) || 'client';
  let name = plain;
  for (let number = 2; clients.has(name) && !isDeepStrictEqual(clients.get(name), options); number++)
    name = `${plain}-${number}`;
  clients.set(name, options);
  draft.name = name;
}

function clientOf(route: RouteDraft, main: Cluster, clusters: ReadonlyMap<string, Cluster>): Record<string, unknown> {
  const { connect, sections, retries } = main.part;
  const { retry } = route.retry;
  const remark = (option: string, note: string) => main.reader.remark(route, option, note);
  if (retry && retries.budget === undefined)
    remark(
      'retry.budget',
      'Envoy has no budget without retry_budget; here retries are limited to 20 % of the calls plus one a second (false: no budget)',
    );
  return {
    baseURL: addressOf(route, main, remark),
    timeouts: timeoutsOf(route, connect, (note) => remark('timeouts.attempt', `per_try_timeout is ${note}`)),
    retry: retry && { ...retry, ...retries },
    ...sections,
    ...(route.clusters.length > 1 && { split: splitOf(route, clusters) }),
    ...route.sections,
  };
}

function addressOf(route: RouteDraft, { part }: Cluster, remark: (option: string, note: string) => void): string {
  if (part.baseURL !== undefined) return part.baseURL + route.path;
  const variable = `${route.name.replace(/\W/g, '_').toUpperCase()}_URL`;
  remark('baseURL', `the file has no address of this cluster: set the environment variable ${variable} to its URL`);
  return `\${${variable}}`;
}

function splitOf(route: RouteDraft, clusters: ReadonlyMap<string, Cluster>) {
  const targets = route.clusters.flatMap(({ name, weight, headers }) => {
    const cluster = clusters.get(name);
    if (cluster?.part.baseURL === undefined) return [];
    cluster.reader.remark(route, 'split', 'this target gets a share of the calls');
    const baseURL = cluster.part.baseURL + route.path;
    return [{ name, baseURL, weight, ...(Object.keys(headers).length > 0 && { headers }) }];
  });
  return [{ targets }];
}

/** Reports on the parts of a bootstrap other than clusters and listeners. */
function readBootstrap(root: Reader): void {
  const admin = root.get('admin');
  const host = admin?.at('address', 'socket_address', 'address')?.text();
  if (host !== undefined && isOpen(host))
    admin?.warn('the admin interface was open to the pod network: any process that reached it could stop the sidecar');
  admin?.differs(
    undefined,
    '',
    'createAdmin, clients.stats() and client.stats() show the configuration and the statistics',
  );
  root.get('node')?.structure();
  root.get('dynamic_resources')?.unmapped('there is no xDS; a ConfigSource can deliver whole configurations');
  root
    .get('layered_runtime')
    ?.unmapped('there is no runtime layer: change the configuration file, which is reloaded when it is watched');
  root.get('static_resources')?.get('secrets')?.unmapped('set certificates and keys as file paths in tls');
  for (const name of ['stats_sinks', 'stats_config', 'stats_flush_interval'])
    root.get(name)?.unmapped('use recordMetrics (OpenTelemetry) or createPrometheus in the service');
  root.get('tracing')?.differs(undefined, '', 'spans are exported by the OpenTelemetry SDK of the service');
  root.get('overload_manager')?.unmapped('the limits of each client bound the requests in flight and in the queue');
}
