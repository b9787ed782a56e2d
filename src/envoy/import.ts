/** Makes a configuration file of clients from Envoy's configuration, with a report on each part. */
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { ErrorCode, PillionError } from '../call/errors.js';
import { ConfigDocument } from '../registry/file/document.js';
import { ParsedClients } from '../registry/file/named-clients.js';
import { type ClusterPart, readCluster } from './cluster.js';
import { clustersIn, isOpen, outbound, readListeners } from './listeners.js';
import { type Draft, environmentName, type Reader } from './reader.js';
import type { ReportLine } from './report.js';
import { type RouteDraft, timeoutsOf } from './route.js';
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
  if (sources.bootstrap !== undefined) readBootstrap(sources.bootstrap);
  const config = {
    clients: Object.fromEntries(new Clients(clusters, file, new Set([...notHttp].map(escaped))).of(routes, only)),
  };
  const title = `# Made by \`pillion import-envoy ${file.replace(/[\r\n]/g, ' ')}\`; its report lists what differs.\n`;
  const yaml = title + stringify(config, { lineWidth: 0, aliasDuplicateObjects: false });
  const [tooLong] = yaml.length > 60_000 ? new ConfigDocument(yaml).faults : [];
  if (tooLong !== undefined)
    envoy.root.refuse(
      `the result ${tooLong.message}, which a configuration file must not be: name the clients that the service calls after the file, as in \`import-envoy FILE NAME…\``,
    );
  return { config, yaml, report: envoy.report() };
}

interface Cluster {
  readonly reader: Reader;
  readonly draft: Draft;
  /** Undefined for a cluster with an error. */
  readonly part: ClusterPart | undefined;
}

/** A name as `Reader.text` returns it. */
function escaped(name: string): string {
  return name.replaceAll('${', () => '$${');
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

/** The clients made of the routes and clusters of a file. */
class Clients {
  readonly #clusters: ReadonlyMap<string, Cluster>;
  readonly #file: string;
  readonly #notHttp: ReadonlySet<string>;
  readonly #clients = new Map<string, Record<string, unknown>>();
  readonly #done = new Set<Cluster>();
  readonly #drafts: Draft[] = [];

  constructor(clusters: ReadonlyMap<string, Cluster>, file: string, notHttp: ReadonlySet<string>) {
    this.#clusters = clusters;
    this.#file = file;
    this.#notHttp = notHttp;
  }

  /** One client for each route, in the order of the routes; then one for each cluster that no route made a client of. */
  of(routes: readonly RouteDraft[], only?: readonly string[]): ReadonlyMap<string, Record<string, unknown>> {
    const refused = new Set<Cluster>();
    for (const route of routes) {
      const main = mainCluster(route, this.#clusters);
      if (main === undefined) {
        route.dropped = true;
        route.readers[0]?.unmapped('no client was made of this route, because the file does not have its cluster');
      } else if (main.part === undefined || route.readers.some((reader) => reader.isFaulty())) {
        route.dropped = true;
        route.readers[0]?.refuse('no client was made of this route, because it or its cluster has an error');
        refused.add(main);
      } else if (this.#keep(route, clientOf(route, main, this.#clusters), route.readers[0])) {
        if (!this.#done.has(main)) main.draft.name = route.name;
        this.#done.add(main);
      } else refused.add(main);
    }
    const targets = new Set(routes.flatMap((route) => route.clusters.map(({ name }) => name)));
    for (const [name, cluster] of this.#clusters)
      if (!this.#done.has(cluster)) this.#keepAlone(cluster, targets.has(name), refused.has(cluster));
    if (only === undefined) return this.#clients;
    const missing = only.find((name) => !this.#clients.has(name));
    if (missing !== undefined)
      throw new PillionError(
        ErrorCode.CONFIG,
        `${this.#file} makes no client "${missing}"; its clients are ${[...this.#clients.keys()].join(', ')}`,
      );
    for (const draft of this.#drafts) if (!only.includes(draft.name)) draft.dropped = true;
    return new Map([...this.#clients].filter(([name]) => only.includes(name)));
  }

  /** Adds a client for a cluster that is only a target of a weighted route, or of no route. */
  #keepAlone({ reader, draft, part }: Cluster, target: boolean, refused: boolean): void {
    if (part === undefined) reader.refuse('no client was made of this cluster, because a part of it has an error');
    else if (refused) reader.unmapped('no client was made of its route');
    else if (!target && this.#notHttp.has(reader.name('name') ?? ''))
      reader.unmapped('only filters that are not HTTP use this cluster');
    else if (part.baseURL === undefined)
      reader.unmapped('no route uses this cluster, and the file has no address of it');
    else {
      const { baseURL, connect, sections } = part;
      reader.remark(
        draft,
        '',
        target
          ? 'also made a client of its own: a split uses only the address of the cluster'
          : 'no route uses this cluster',
      );
      const timeouts = { connect, attempt: false, total: '15s' };
      this.#keep(draft, { baseURL, timeouts, retry: false, ...sections }, reader);
      return;
    }
    draft.dropped = true;
  }

  /**
   * Adds a client, unless it would not load; returns whether it did. Routes with equal options share a client; further
   * clients of the same name are numbered.
   */
  #keep(draft: Draft, options: Record<string, unknown>, reader: Reader | undefined): boolean {
    const plain = draft.name.replace(/[^\w./-]/g, '-').slice(0, 90) || 'client';
    let name = plain === '__proto__' ? 'proto' : plain;
    for (let number = 2; this.#clients.has(name) && !isDeepStrictEqual(this.#clients.get(name), options); number++)
      name = `${plain}-${number}`;
    const { faults } = new ParsedClients({ clients: { [name]: options } }, this.#file, anywhere);
    for (const { path, message } of faults)
      reader?.refuse(`no client was made, because it would not load: ${path} ${message}`);
    draft.dropped = faults.length > 0;
    if (draft.dropped) return false;
    this.#clients.set(name, options);
    draft.name = name;
    this.#drafts.push(draft);
    return true;
  }
}

/** A client is checked without the environment and the files of the machine on which it will run. */
const anywhere = { env: {}, withoutEnv: true, files: false } as const;

/**
 * The cluster of a route with the greatest weight; clusters that are missing in the file are reported as unmapped. A
 * client has one `tls` section, so all its clusters need the same.
 */
function mainCluster(route: RouteDraft, clusters: ReadonlyMap<string, Cluster>): Cluster | undefined {
  for (const { name, reader } of route.clusters)
    if (!clusters.has(name)) reader.unmapped(`the file has no cluster "${name.replaceAll('$${', '${')}"`);
  const known = route.clusters.filter(({ name }) => clusters.has(name));
  const [heaviest] = [...known].sort((a, b) => b.weight - a.weight);
  const main = clusters.get(heaviest?.name ?? '');
  for (const { name, reader } of known) {
    const part = clusters.get(name)?.part;
    if (part === undefined) reader.fault('this cluster has an error');
    else if (part.scheme === 'https' && !isDeepStrictEqual(part.sections.tls, main?.part?.sections.tls))
      reader.fault(
        'this cluster has another TLS context than the others, and a client has one: write a client for each',
      );
  }
  return main;
}

function clientOf(route: RouteDraft, main: Cluster, clusters: ReadonlyMap<string, Cluster>): Record<string, unknown> {
  const { connect, sections, retries } = main.part as ClusterPart;
  const { retry } = route.retry;
  const remark = (option: string, note: string) => main.reader.remark(route, option, note);
  if (retry && retries.budget === undefined)
    remark(
      'retry.budget',
      'Envoy has no budget without retry_budget; here retries are limited to 20 % of the calls plus one a second (false: no budget)',
    );
  return {
    baseURL: addressOf(route, main),
    timeouts: timeoutsOf(route, connect, (note) => remark('timeouts.attempt', `per_try_timeout is ${note}`)),
    retry: retry && { ...retry, ...retries },
    ...sections,
    ...(route.clusters.some(
      ({ headers, removeHeaders }, index) => index > 0 || Object.keys(headers).length + removeHeaders.length > 0,
    ) && {
      split: splitOf(route, clusters),
    }),
    ...route.sections,
  };
}

/** For a cluster without an address an environment variable; a URL with TLS keeps its scheme. */
function addressOf(route: RouteDraft, { draft, part, reader }: Cluster): string {
  if (part?.baseURL !== undefined) return part.baseURL + route.path;
  const secure = part?.scheme === 'https';
  const variable = `${environmentName(draft.name)}_${secure ? 'HOST' : 'URL'}`;
  reader.remark(
    route,
    'baseURL',
    `the file has no address of this cluster: set the environment variable ${variable} to its ${secure ? 'host, with a port if it is not 443' : 'URL'}`,
  );
  return `${secure ? 'https://' : ''}\${${variable}}${route.path}`;
}

/** A cluster that stands in the route twice with the same headers is one target with both weights. */
function splitOf(route: RouteDraft, clusters: ReadonlyMap<string, Cluster>) {
  const targets: { name: string; baseURL: string; weight: number; headers?: object; removeHeaders?: string[] }[] = [];
  for (const { name, weight, headers, removeHeaders } of route.clusters) {
    const cluster = clusters.get(name);
    if (cluster === undefined) continue;
    cluster.reader.remark(route, 'split', 'this target gets a share of the calls');
    const extra = {
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(removeHeaders.length > 0 && { removeHeaders }),
    };
    const baseURL = addressOf(route, cluster);
    const same = targets.find(
      (each) =>
        each.baseURL === baseURL &&
        isDeepStrictEqual([each.headers, each.removeHeaders], [extra.headers, extra.removeHeaders]),
    );
    if (same !== undefined) same.weight = Math.min(4_294_967_295, same.weight + weight);
    else {
      const number = targets.filter((each) => each.name === name || each.name.startsWith(`${name}-`)).length;
      targets.push({ name: number === 0 ? name : `${name}-${number + 1}`, baseURL, weight, ...extra });
    }
  }
  return [{ targets }];
}

function readBootstrap(root: Reader): void {
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
  for (const name of ['node', 'stats_flush_interval', 'cluster_manager', 'flags_path'])
    root.get(name)?.whole().structure();
  root.get('dynamic_resources')?.unmapped('there is no xDS; a ConfigSource can deliver whole configurations');
  root
    .get('layered_runtime')
    ?.unmapped('there is no runtime layer: change the configuration file, which is reloaded when it is watched');
  const secrets = root.get('static_resources')?.structure().list('secrets') ?? [];
  for (const each of secrets) if (!each.isRead()) each.unmapped('no cluster uses this secret');
  for (const name of ['stats_sinks', 'stats_config'])
    root.get(name)?.unmapped('use recordMetrics (OpenTelemetry) or createPrometheus in the service');
  root.get('tracing')?.whole().differs(undefined, '', 'spans are exported by the OpenTelemetry SDK of the service');
  root.get('overload_manager')?.unmapped('the limits of each client bound the requests in flight and in the queue');
}
