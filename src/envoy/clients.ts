/** Makes the clients of an Envoy configuration from its clusters and routes. */
import { isDeepStrictEqual } from 'node:util';
import { ErrorCode, PillionError } from '../call/errors.js';
import { ParsedClients } from '../registry/file/named-clients.js';
import { fitTogether, merged, type Place } from './client-routes.js';
import type { ClusterPart } from './cluster.js';
import { type Draft, environmentName, plain, type Reader } from './reader.js';
import { heaviest, type RouteDraft, timeoutsOf, type WeightedCluster } from './route.js';

export interface Cluster {
  readonly reader: Reader;
  readonly draft: Draft;
  /** Undefined for a cluster with an error. */
  readonly part: ClusterPart | undefined;
}

/** What clusters are used for other than as the cluster of a route, by name. */
export interface OtherUses {
  /** Notes on clusters that get no client unless a route uses them. */
  readonly notes: ReadonlyMap<string, string>;
  readonly mirrors: ReadonlySet<string>;
}

/** Why a cluster has a client of its own, by what else uses it. */
const notesAlone = {
  split: 'also made a client of its own: a split uses only the address of the cluster',
  mirror: 'also made a client of its own: a mirror uses only the address of the cluster',
  route: 'no client was made of its route: this one is of the cluster alone',
  none: 'no route uses this cluster',
};

/** The clients made of the routes and clusters of a file. */
export class Clients {
  readonly #clusters: ReadonlyMap<string, Cluster>;
  readonly #file: string;
  readonly #others: OtherUses;
  readonly #clients = new Map<string, Record<string, unknown>>();
  readonly #done = new Set<Cluster>();
  /** Virtual hosts with a client. */
  readonly #answering = new Set<Reader>();
  readonly #drafts: Draft[] = [];

  constructor(clusters: ReadonlyMap<string, Cluster>, file: string, others: OtherUses) {
    this.#clusters = clusters;
    this.#file = file;
    this.#others = others;
  }

  /**
   * One client for the routes of a virtual host to the same cluster, in the order of the routes; then one for each cluster
   * that no route made a client of.
   */
  of(all: readonly RouteDraft[], only?: readonly string[]): ReadonlyMap<string, Record<string, unknown>> {
    const refused = new Set<Cluster>();
    const routes = withShares(all);
    for (const group of grouped(routes.flatMap((route) => this.#read(route, refused) ?? []))) {
      const [{ main, route }] = group;
      const name = this.#keepGroup(group, routes);
      if (name === undefined) refused.add(main);
      else if (!this.#done.has(main)) main.draft.name = name;
      else if (name !== main.draft.name)
        main.reader.remark(
          route,
          'limits',
          `this cluster has the client ${main.draft.name} too, since its routes cannot stand in one client: each has the caps for itself`,
        );
      if (name !== undefined) this.#done.add(main);
    }
    for (const { direct, host, readers } of routes)
      if (direct !== undefined && !this.#answering.has(host))
        readers[0]?.unmapped('no client is made of its virtual host, so there is nothing that could answer');
    const namesIn = (some: readonly RouteDraft[]) => some.flatMap((route) => route.clusters.map(({ name }) => name));
    const targets = new Set(namesIn(routes));
    const split = new Set(namesIn(routes.filter(({ dropped }) => !dropped)));
    for (const [name, cluster] of this.#clusters) {
      const role = split.has(name) ? 'split' : targets.has(name) ? 'route' : undefined;
      if (!this.#done.has(cluster)) this.#keepAlone(cluster, role, refused.has(cluster));
    }
    for (const { part } of this.#clusters.values())
      if (part?.high.draft.within === undefined)
        for (const reader of part?.high.readers ?? [])
          reader.unmapped('no route with priority HIGH calls this cluster');
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

  /** The options of a client that had only this route; undefined for a route that no client can be made of. */
  #read(route: RouteDraft, refused: Set<Cluster>): Made | undefined {
    if (route.direct !== undefined) return undefined;
    const main = mainCluster(route, this.#clusters);
    if (main?.part?.nowhere !== undefined) {
      route.dropped = true;
      route.readers[0]?.unmapped(`no client was made of this route: ${main.part.nowhere}`);
      return undefined;
    }
    if (main !== undefined && main.part !== undefined && !route.readers.some((reader) => reader.isFaulty()))
      return { route, main, options: clientOf(route, main, this.#clusters) };
    route.dropped = true;
    if (main === undefined) {
      const names = route.clusters.map(({ name }) => `"${plain(name)}"`);
      route.readers[0]?.leave(
        `no client was made of this route, because the file has no cluster ${names.join(' or ')}`,
      );
    } else {
      route.readers[0]?.refuse(
        main.part === undefined
          ? 'no client was made of this route, because its cluster has an error'
          : 'no client was made of this route, because a part of it has an error',
      );
      refused.add(main);
    }
    return undefined;
  }

  /** Adds the client of a group of routes; returns its name, or undefined if it would not load. */
  #keepGroup(group: Group, routes: readonly RouteDraft[]): string | undefined {
    const [{ route: first }] = group;
    const answers = routes.filter(
      ({ direct, host, match }) => direct !== undefined && host === first.host && match.match !== null,
    );
    const members = [
      ...group.map(({ route, options }) => ({ route, options })),
      ...answers.map((route) => ({ route, options: {} })),
    ]
      .sort((a, b) => routes.indexOf(a.route) - routes.indexOf(b.route))
      // A route that answers by itself is part of each client of its virtual host.
      .map((each) => (each.route.direct === undefined ? each : { ...each, route: { ...each.route } }));
    const { options, places } = merged(
      members.map(({ route, options }) => ({
        match: route.match.match ?? undefined,
        options,
        direct: route.direct?.answer,
      })),
    );
    const kept = this.#keep(first, options, first.readers[0]);
    first.dropped = !kept;
    for (const [index, { route }] of members.entries()) {
      if (route !== first) route.within = first;
      tellPlace(route, places[index] ?? {}, options.routes !== undefined);
    }
    if (kept) this.#answering.add(first.host);
    return kept ? first.name : undefined;
  }

  /** Adds a client for a cluster that is only a target of a weighted route, or of no route. */
  #keepAlone({ reader, draft, part }: Cluster, role: 'split' | 'route' | undefined, refused: boolean): void {
    const clusterName = reader.name('name') ?? '';
    const note = role === undefined ? this.#others.notes.get(clusterName) : undefined;
    if (part === undefined) reader.refuse('no client was made of this cluster, because a part of it has an error');
    else if (part.nowhere !== undefined) reader.unmapped(`no client was made of this cluster: ${part.nowhere}`);
    else if (refused) reader.unmapped('no client was made of its route');
    else if (note !== undefined) reader.leave(note);
    else if (part.baseURL === undefined)
      reader.unmapped('no route uses this cluster, and the file has no address of it');
    else {
      const { baseURL, connect, sections } = part;
      const use = role ?? (this.#others.mirrors.has(clusterName) ? 'mirror' : 'none');
      reader.remark(draft, '', notesAlone[use]);
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
    this.#clients.set(name, inOrder(options));
    draft.name = name;
    this.#drafts.push(draft);
    return true;
  }
}

/** Sections in the order in which they are written: what is called, what is sent, how long and how often, over what. */
const sectionOrder = [
  ...['baseURL', 'routes', 'pathRewrite', 'headers', 'requestHeaders', 'envoyHeaders', 'deadlineHeader', 'tracing'],
  ...['timeouts', 'retry', 'hedging', 'rateLimit', 'limits', 'connections', 'allowH2', 'tls'],
  ...['endpoints', 'balance', 'outlierDetection', 'healthCheck', 'split', 'mirror', 'fault'],
];

function inOrder(options: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(options).sort((a, b) => sectionOrder.indexOf(a) - sectionOrder.indexOf(b));
  return Object.fromEntries(names.map((name) => [name, options[name]]));
}

/** A client is checked without the environment and the files of the machine on which it will run. */
const anywhere = { env: {}, withoutEnv: true, files: false } as const;

/**
 * The cluster of a route with the greatest weight; clusters that are missing in the file are reported as unmapped. A
 * client has one `tls` section, so all its clusters need the same.
 */
function mainCluster(route: RouteDraft, clusters: ReadonlyMap<string, Cluster>): Cluster | undefined {
  for (const { name, reader } of route.clusters)
    if (!clusters.has(name)) reader.unmapped(`the file has no cluster "${plain(name)}"`);
  const known = route.clusters.filter(({ name }) => clusters.has(name));
  const main = clusters.get(heaviest(known));
  for (const { name, reader } of known) {
    const part = clusters.get(name)?.part;
    // The route of a single cluster with an error has a line of its own.
    if (part === undefined && known.length === 1) continue;
    if (part === undefined) reader.fault('this cluster has an error');
    else if (part.scheme === 'https' && !isDeepStrictEqual(part.sections.tls, main?.part?.sections.tls))
      reader.fault(
        'this cluster has another TLS context than the others, and a client has one: write a client for each',
      );
  }
  return main;
}

function clientOf(route: RouteDraft, main: Cluster, clusters: ReadonlyMap<string, Cluster>): Record<string, unknown> {
  const part = main.part as ClusterPart;
  const { maxConcurrentRetries } = route.isHigh ? part.high : part;
  const { limits, connections, draft } = part.high;
  if (route.isHigh) Object.assign(draft, { dropped: false, within: route });
  const sections = route.isHigh ? { ...part.sections, limits, connections } : part.sections;
  const { retry } = route.retry;
  return {
    baseURL: addressOf(route, main),
    timeouts: timeoutsOf(route, part),
    retry: retry && { ...retry, maxConcurrentRetries, budget: false },
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
  if (part?.baseURL !== undefined) return part.baseURL;
  const secure = part?.scheme === 'https';
  const variable = `${environmentName(draft.name)}_${secure ? 'HOST' : 'URL'}`;
  reader.remark(
    route,
    'baseURL',
    `the file has no address of this cluster: set the environment variable ${variable} to its ${secure ? 'host, with a port if it is not 443' : 'URL'}`,
  );
  return `${secure ? 'https://' : ''}\${${variable}}`;
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

/** A route from which a client can be made. */
interface Made {
  readonly route: RouteDraft;
  readonly main: Cluster;
  readonly options: Record<string, unknown>;
}

/** Routes of one client, in the order of the file. */
type Group = readonly [Made, ...Made[]];

/** Routes of one virtual host to the same cluster make one client, which has one set of caps, circuits and connections. */
function grouped(made: readonly Made[]): Group[] {
  const groups: [Made, ...Made[]][] = [];
  for (const each of made) {
    const group = groups.find(([first]) => belongTogether(first, each));
    if (group === undefined) groups.push([each]);
    else group.push(each);
  }
  return groups;
}

function belongTogether(one: Made, other: Made): boolean {
  const routes = [one.route, other.route];
  return (
    one.main === other.main &&
    one.route.host === other.route.host &&
    routes.every(({ clusters, match }) => clusters.length === 1 && match.match !== null) &&
    fitTogether(one.options, other.options)
  );
}

function tellPlace(route: RouteDraft, { entry, isClient, isUnreachable }: Place, isRouted: boolean): void {
  const { reader, match } = route.match;
  const place = `routes.${entry}`;
  if (isUnreachable) {
    route.readers[0]?.unmapped('it is never reached: a route before it matches every request');
    return;
  }
  if (!isClient) route.place = place;
  if (route.direct !== undefined) {
    route.direct.reader.exact(route, 'directResponse', route.direct.note);
    reader?.exact(route, 'match');
  } else if (match === undefined) reader?.exact(route, 'baseURL');
  else if (!isRouted)
    reader?.whole().differs(route, '', 'the caller picks the client by its name; requests are not matched');
  else if (isClient)
    reader
      ?.whole()
      .differs(
        route,
        '',
        'calls that no entry of routes matches have these options, also where Envoy would answer 404',
      );
  else reader?.exact(route, 'match');
}

/**
 * A route with a `runtime_fraction` shares the calls with the next one of the same match: the two become one route with
 * weighted clusters.
 */
function withShares(all: readonly RouteDraft[]): RouteDraft[] {
  const routes = [...all];
  for (const route of [...all].reverse()) {
    if (route.share === 1) continue;
    const index = routes.indexOf(route);
    const next = routes.slice(index + 1).find((other) => hasSameMatch(route, other));
    const fraction = route.match.reader?.get('runtime_fraction');
    if (next === undefined) {
      fraction?.unmapped(
        `all calls have these options; in Envoy ${Number((100 * route.share).toFixed(4))} % of them, and the rest had no route like it`,
      );
      continue;
    }
    share(route, next);
    for (const part of [route.match.reader, fraction]) part?.exact(route, 'split');
    routes.splice(index, 1);
  }
  return routes;
}

function hasSameMatch(one: RouteDraft, other: RouteDraft): boolean {
  return (
    one.host === other.host &&
    one.direct === undefined &&
    other.direct === undefined &&
    one.match.match !== null &&
    isDeepStrictEqual(one.match.match, other.match.match)
  );
}

/** Makes `next` a route to the clusters of both. */
function share(route: RouteDraft, next: RouteDraft): void {
  const weights = (clusters: readonly WeightedCluster[], share: number) => {
    const sum = clusters.reduce((total, { weight }) => total + weight, 0) || 1;
    return clusters.map((each) => ({ ...each, weight: Math.round((1_000_000 * share * each.weight) / sum) }));
  };
  next.clusters = [...weights(route.clusters, route.share), ...weights(next.clusters, 1 - route.share)];
  next.name = next.readers[0]?.name('name') ?? next.host.name('name') ?? 'split';
  next.readers = [...next.readers, ...route.readers];
  route.within = next;
  const [own, others] = [route, next].map(({ total, retry, sections }) => ({ total, retry, sections }));
  if (!isDeepStrictEqual(own, others))
    route.match.reader?.remark(route, '', 'the other options of the next route apply to the calls of both');
}
