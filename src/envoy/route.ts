/** Reads an Envoy route: its clusters, timeout, retries and headers. */

import { isDeepStrictEqual } from 'node:util';
import type { Caller } from './caller.js';
import type { ClusterPart } from './cluster.js';
import { readHashPolicy } from './cluster-balance.js';
import { shareOf } from './fraction.js';
import { type Draft, given, longest, type Reader, spelledDuration } from './reader.js';
import { type RetryPart, readRetry } from './retry-policy.js';
import { readHeaders, readHost } from './route-headers.js';
import { idleOf, type RouteLimits, readHedge, readRouteLimits, totalOf } from './route-limits.js';
import { type RouteMatch, readMatch, readRewrites } from './route-path.js';
import { readMirrors } from './route-traffic.js';

/** A cluster of a route and its share of the calls. */
export interface WeightedCluster {
  readonly name: string;
  /** The part of the route that names the cluster. */
  readonly reader: Reader;
  readonly weight: number;
  readonly headers: Record<string, string>;
  /** Names of headers of the call that this cluster does not get. */
  readonly removeHeaders: string[];
}

/** The options of a client that come from a route, without those of its cluster. */
export interface RouteDraft extends Draft {
  /** One cluster, or several with weights. */
  clusters: readonly WeightedCluster[];
  /** The route, and other parts of the file without which there is no client. */
  readers: readonly Reader[];
  /** `timeouts.total` in milliseconds; false for no limit. */
  total: number | false;
  /** Its other limits of time. */
  limits: RouteLimits;
  retry: RetryPart;
  readonly match: RouteMatch;
  /** The virtual host of the route: its routes to one cluster become one client. */
  readonly host: Reader;
  /** The share of the calls that the route takes, from `runtime_fraction`. */
  readonly share: number;
  /** The answer that Envoy gives itself on a route without a cluster, and the part of the file that describes it. */
  readonly direct?: { readonly answer: { readonly status: number; readonly body?: string }; readonly reader: Reader };
  /** The caps of the cluster are those for `priority: HIGH`. */
  isHigh?: boolean;
  sections: Record<string, unknown>;
}

/** The virtual host and route configuration of a route, which add retries and headers to it. */
export interface RouteContext {
  readonly host: Reader;
  readonly config: Reader;
  cluster(name: string): ClusterPart | undefined;
  /** How Envoy treats the service that calls. */
  readonly caller: Caller;
}

/** Reads a route; undefined for a route that neither calls a cluster nor answers itself, such as a redirect. */
export function readRoute(route: Reader, context: RouteContext): RouteDraft | undefined {
  const { host, config, cluster, caller } = context;
  const action = route.structure().get('route')?.structure();
  const clusters = action && readClusters(action);
  if (action === undefined || clusters === undefined || clusters.length === 0) {
    const direct = readDirectResponse(route, context);
    if (direct === undefined) route.unmapped('the route has no cluster, so there is nothing to call');
    return direct;
  }
  const [first] = clusters;
  const routeName = route.name('name') ?? host.name('name');
  const match = readMatch(route);
  const draft: RouteDraft = {
    name: clusters.length === 1 ? (first?.name ?? '') : `${routeName ?? 'split'}`,
    clusters,
    readers: [route, host.get('retry_policy'), ...[host, config].flatMap(headersOf)].filter(
      (each) => each !== undefined,
    ),
    total: false,
    limits: { duration: undefined, idle: undefined },
    retry: { retry: false, attempt: undefined },
    match,
    host,
    share: shareIn(match.reader),
    sections: {},
  };
  draft.total = readTotal(action, draft);
  draft.limits = readRouteLimits(action, draft);
  const [policy, ...unused] = [
    cluster(first?.name ?? '')?.retryPolicy,
    action.get('retry_policy'),
    host.get('retry_policy'),
  ].filter((each) => each !== undefined);
  for (const each of unused) each.whole().differs(draft, 'retry', 'not used: a more specific retry policy replaces it');
  draft.retry = readRetry(policy, draft);
  if (policy === undefined)
    action.remark(
      draft,
      'retry',
      "no retry_policy: as in Envoy nothing is retried; remove this option to get pillion's default retries",
    );
  const pathRewrite = readRewrites(action, match, draft);
  const attempts = host.get('include_request_attempt_count');
  attempts?.exact(draft, 'tracing.attemptCountHeader');
  const weighted = action.get('weighted_clusters') !== undefined ? clusters : [];
  const main = cluster(first?.name ?? '');
  const hostName = readHost(action, weighted, main?.baseURL, draft);
  draft.sections = {
    ...given('pathRewrite', pathRewrite),
    ...readHeaders({ targets: weighted, levels: [route, host, config], caller, host: hostName }, draft),
    ...readHashPolicy(action, cluster(heaviest(clusters))?.sections.balance, draft),
    ...readMirrors([action, host, config], draft, {
      copyTo: (name) => copyTo(main, cluster(name)),
      host: hostName ?? (URL.canParse(main?.baseURL ?? '') ? new URL(main?.baseURL ?? '').host : undefined),
      counted: attempts?.boolean() === true,
    }),
    ...readHedge(action.get('hedge_policy') ?? host.get('hedge_policy'), draft.retry, draft),
    ...(attempts?.boolean() === true && { tracing: { attemptCountHeader: 'x-envoy-attempt-count' } }),
  };
  const priority = action.get('priority');
  priority?.exact(draft, 'limits', 'the caps of the cluster for this priority');
  draft.isHigh = priority?.enum(['DEFAULT', 'HIGH']) === 'HIGH';
  readRest(route, action, host);
  return draft;
}

/** A route that answers by itself is one for the clients of its virtual host, which then block the calls that it matches. */
function readDirectResponse(route: Reader, { host }: RouteContext): RouteDraft | undefined {
  const response = route.get('direct_response');
  const status = response?.get('status')?.structure().count();
  if (response === undefined || status === undefined) return undefined;
  const match = readMatch(route);
  route.get('name')?.structure();
  const text = response.get('body')?.structure().get('inline_string')?.structure().text();
  const answer = { status: Math.min(599, Math.max(200, status)), ...given('body', text || undefined) };
  return {
    name: '',
    clusters: [],
    readers: [route],
    total: false,
    limits: { duration: undefined, idle: undefined },
    retry: { retry: false, attempt: undefined },
    match,
    host,
    share: shareIn(match.reader),
    direct: { answer, reader: response },
    sections: {},
  };
}

/** The share of the calls that a route takes, of those that it matches. */
function shareIn(match: Reader | undefined): number {
  const fraction = match?.get('runtime_fraction')?.structure();
  fraction
    ?.get('runtime_key')
    ?.unmapped('change the weights in the configuration file, which is reloaded when it is watched');
  return fraction === undefined ? 1 : shareOf(fraction.get('default_value')?.structure());
}

/** The name of the cluster whose options the client has. */
function heaviest(clusters: readonly WeightedCluster[]): string {
  return [...clusters].sort((a, b) => b.weight - a.weight)[0]?.name ?? '';
}

/** The parts of a level without which the calls of its routes would be others. */
function headersOf(level: Reader): (Reader | undefined)[] {
  const names = ['request_headers_to_add', 'request_headers_to_remove', 'request_mirror_policies'];
  return names.map((name) => level.get(name));
}

/** A copy is sent over the connections of the client, so its cluster needs the same TLS, or none, and the same HTTP. */
function copyTo(main: ClusterPart | undefined, target: ClusterPart | undefined) {
  if (target?.baseURL === undefined) return undefined;
  if (target.scheme === 'https' && !isDeepStrictEqual(target.sections.tls, main?.sections.tls)) return undefined;
  const prior = [main, target].map((part) => part?.scheme === 'http' && part.sections.allowH2 === 'prior-knowledge');
  if (target.scheme === 'http' && prior[0] !== prior[1]) return undefined;
  return { baseURL: target.baseURL, several: target.sections.endpoints !== undefined };
}

function readClusters(action: Reader): WeightedCluster[] | undefined {
  const single = action.get('cluster')?.structure();
  if (single !== undefined && single.text() !== undefined)
    return [{ name: single.text() ?? '', reader: single, weight: 1, headers: {}, removeHeaders: [] }];
  const header = action.get('cluster_header');
  header?.unmapped('the caller picks the client by its name, not by a header');
  const weighted = action.get('weighted_clusters')?.structure();
  weighted?.get('total_weight')?.structure();
  weighted
    ?.get('runtime_key_prefix')
    ?.unmapped('change weights in the configuration file, which is reloaded when it is watched');
  return weighted?.list('clusters').map((cluster) => ({
    name: cluster.structure().name('name') ?? '',
    reader: cluster,
    weight: Math.min(4_294_967_295, cluster.get('weight')?.structure().count() ?? 0),
    headers: {},
    removeHeaders: [],
  }));
}

/** Envoy's default is 15 s, and 0 means no limit. */
function readTotal(action: Reader, draft: Draft): number | false {
  const timeout = action.get('timeout');
  const ms = timeout?.duration();
  if (timeout === undefined)
    action.remark(draft, 'timeouts.total', "timeout is not set: Envoy's default of 15 s is written out");
  else if (ms === 0) {
    timeout.exact(draft, 'timeouts.total');
    if (action.at('max_stream_duration', 'max_stream_duration') === undefined)
      timeout.warn(
        'timeout: 0 is no limit: a call may last for ever, and a hanging one keeps its caller, memory and connection until an idle timeout ends it',
      );
  } else {
    timeout.spelled(draft, 'timeouts.total');
    timeout.differs(
      draft,
      'timeouts.total',
      'the time starts with the call; Envoy starts it once it has received the whole request',
    );
  }
  if (ms === 0) return false;
  return Math.min(longest, Math.max(1, ms ?? 15_000));
}

function readRest(route: Reader, action: Reader, host: Reader): void {
  route.get('decorator')?.unmapped('set routeName on the call to name its span');
  action.get('rate_limits')?.unmapped('set rateLimit in each client');
  host
    .get('include_attempt_count_in_response')
    ?.unmapped('error.attempts and the log line have the number of attempts');
  for (const level of [route, host]) {
    level.get('metadata')?.whole().structure();
    for (const name of ['typed_per_filter_config', 'per_filter_config'])
      level.get(name)?.unmapped('there are no filters here');
  }
}

/**
 * The `timeouts` section; a `per_try_timeout` not below the total is left out, as Envoy ignores it, and reported by
 * `tell`.
 */
export function timeoutsOf(
  { total: timeout, retry, limits, sections }: RouteDraft,
  { connect, maxStreamDuration }: ClusterPart,
  tell: (option: string, note: string) => void,
) {
  const total = totalOf(timeout, limits);
  // A hedged attempt goes on after `per_try_timeout`.
  const own = sections.hedging === undefined ? retry.attempt : undefined;
  const attempt = own && maxStreamDuration ? Math.min(own, maxStreamDuration) : own || maxStreamDuration;
  const fits = attempt !== undefined && attempt > 0 && (total === false || attempt < total);
  if (attempt !== undefined && attempt > 0 && !fits)
    tell('timeouts.attempt', 'per_try_timeout is as long as the whole timeout or longer, so Envoy ignores it');
  const idle = idleOf(limits, retry.idle, total);
  if ('idle' in idle && limits.idle === undefined && !retry.idle)
    tell('timeouts.idle', "stream_idle_timeout is not set: Envoy's default of 5 minutes is written out");
  return {
    connect,
    attempt: fits ? spelledDuration(Math.min(longest, Math.max(1, attempt))) : (false as const),
    total: total === false ? (false as const) : spelledDuration(Math.min(longest, Math.max(1, total))),
    ...idle,
  };
}
