/** Reads an Envoy route: its clusters, timeout, retries and headers. */

import { isDeepStrictEqual } from 'node:util';
import { isPlain } from '../call/own.js';
import type { Caller } from './caller.js';
import type { ClusterPart } from './cluster.js';
import { readHashPolicy } from './cluster-balance.js';
import { noEndpoints } from './cluster-endpoints.js';
import { noRuntime, shareOf } from './fraction.js';
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
  readonly direct?: {
    readonly answer: { readonly status: number; readonly body?: string };
    readonly reader: Reader;
    readonly note?: string;
  };
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
  const main = cluster(first?.name ?? '');
  if (clusters.length === 1 && main?.nowhere === noEndpoints) {
    route.whole();
    const answer = { status: 503, body: 'no healthy upstream' };
    return directRoute(route, host, answer, first?.reader ?? route, noEndpoints);
  }
  const routeName = route.name('name') ?? host.name('name');
  const draft: RouteDraft = {
    ...emptyDraft(route, host),
    name: clusters.length === 1 ? (first?.name ?? '') : `${routeName ?? 'split'}`,
    clusters,
    readers: [route, host.get('retry_policy'), ...[host, config].flatMap(headersOf)].filter(
      (each) => each !== undefined,
    ),
  };
  draft.total = readTotal(action, draft);
  draft.limits = readRouteLimits(action, draft);
  const [policy, ...unused] = [main?.retryPolicy, action.get('retry_policy'), host.get('retry_policy')].filter(
    (each) => each !== undefined,
  );
  for (const each of unused) each.unused(draft, 'a more specific retry policy replaces it');
  draft.retry = readRetry(policy, draft);
  if (policy === undefined)
    action.remark(
      draft,
      'retry',
      "no retry_policy: as in Envoy nothing is retried; remove this option to get pillion's default retries",
    );
  const pathRewrite = readRewrites(action, draft.match, draft);
  const attempts = host.get('include_request_attempt_count');
  attempts?.exact(draft, 'tracing.attemptCountHeader');
  const weighted = action.get('weighted_clusters') !== undefined ? clusters : [];
  const hostName = readHost(action, weighted, main, draft);
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
  readRest(route, action, host, config);
  return draft;
}

/** A route that answers by itself is one for the clients of its virtual host, which then block the calls that it matches. */
function readDirectResponse(route: Reader, { host }: RouteContext): RouteDraft | undefined {
  const response = route.get('direct_response');
  const status = response?.get('status')?.structure().count();
  if (response === undefined || status === undefined) return undefined;
  const text = response.get('body')?.structure().get('inline_string')?.structure().text();
  const answer = { status: Math.min(599, Math.max(200, status)), ...given('body', text || undefined) };
  return directRoute(route, host, answer, response);
}

function directRoute(
  route: Reader,
  host: Reader,
  answer: { status: number; body?: string },
  reader: Reader,
  note?: string,
): RouteDraft {
  route.get('name')?.structure();
  return { ...emptyDraft(route, host), direct: { answer, reader, ...given('note', note) } };
}

/** A route of which nothing but its condition was read. */
function emptyDraft(route: Reader, host: Reader): RouteDraft {
  const match = readMatch(route);
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
    sections: {},
  };
}

/** The share of the calls that a route takes, of those that it matches. */
function shareIn(match: Reader | undefined): number {
  const fraction = match?.get('runtime_fraction')?.structure();
  fraction?.get('runtime_key')?.unmapped(noRuntime);
  return fraction === undefined ? 1 : shareOf(fraction.get('default_value')?.structure());
}

/** The name of the cluster whose options the client has. */
export function heaviest(clusters: readonly WeightedCluster[]): string {
  return [...clusters].sort((a, b) => b.weight - a.weight)[0]?.name ?? '';
}

/** The parts of a level without which the calls of its routes would be others. */
function headersOf(level: Reader): (Reader | undefined)[] {
  const names = ['request_headers_to_add', 'request_headers_to_remove', 'request_mirror_policies'];
  return names.map((name) => level.get(name));
}

/**
 * A copy is sent over the connections of the client, so its cluster needs the same TLS, or none, and the same HTTP. Returns
 * why there is no copy otherwise.
 */
function copyTo(main: ClusterPart | undefined, target: ClusterPart | undefined) {
  if (target?.baseURL === undefined)
    return 'the file has no address of its cluster, so write the mirror with a baseURL';
  if (target.scheme === 'https' && !isDeepStrictEqual(target.sections.tls, main?.sections.tls))
    return 'its cluster has another TLS context than the cluster of the route, so send them from a client of their own';
  const prior = [main, target].map((part) => part?.scheme === 'http' && part.sections.allowH2 === 'prior-knowledge');
  if (target.scheme === 'http' && prior[0] !== prior[1])
    return 'its cluster has another version of HTTP than the cluster of the route, so send them from a client of their own';
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
  weighted?.get('runtime_key_prefix')?.unmapped(noRuntime);
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

function readRest(route: Reader, action: Reader, host: Reader, config: Reader): void {
  for (const [reader, notes] of [
    [route, routeNotes],
    [action, actionNotes],
    [host, hostNotes],
    [config, configNotes],
  ] as const)
    for (const [name, note] of notes) reader.get(name)?.whole().unmapped(note);
  action.get('cluster_not_found_response_code')?.structure();
  for (const level of [route, host, config]) {
    level.get('metadata')?.whole().structure();
    for (const name of ['typed_per_filter_config', 'per_filter_config'])
      for (const [filter, each] of level.get(name)?.structure().entries() ?? [])
        each
          .whole()
          .unmapped(
            filterNote(filter, isPlain(each.value) && Object.hasOwn(each.value, '@type') ? each.type() : undefined),
          );
  }
}

const notes = (record: Record<string, string>) => new Map(Object.entries(record));

const rateLimited = 'rateLimit of each client limits its calls, and with keyHeader those of each value of a header';
const buffered = 'bodies are streamed: maxBodyLength of axios limits the body of a request';

/** Fields of a route, of its action and of its virtual host that have no counterpart, and what to do instead. */
const routeNotes = notes({
  decorator: 'set routeName on the call to name its span',
  tracing: 'the OpenTelemetry SDK of the service decides which calls are traced, and with which attributes',
  per_request_buffer_limit_bytes: buffered,
  request_body_buffer_limit: buffered,
});
const actionNotes = notes({
  rate_limits: rateLimited,
  include_vh_rate_limits: rateLimited,
  max_grpc_timeout: 'gRPC is not supported; other calls have no such limit',
  grpc_timeout_offset: 'gRPC is not supported; other calls have no such limit',
  upgrade_configs: 'a WebSocket or a tunnel is not an HTTP call: use a client for it',
  internal_redirect_policy: 'set maxRedirects to follow redirects',
  internal_redirect_action: 'set maxRedirects to follow redirects',
  max_internal_redirects: 'set maxRedirects to follow redirects',
  cors: 'CORS is configured in the server',
  metadata_match: 'there are no subsets of endpoints: write a client for each',
  early_data_policy: 'no call is sent as early data of TLS',
  flush_timeout: 'timeouts.idle ends an attempt in which no byte moves',
});
const hostNotes = notes({
  include_attempt_count_in_response: 'error.attempts and the log line have the number of attempts',
  include_is_timeout_retry_header: 'no header says that a retry follows a timeout',
  rate_limits: rateLimited,
  require_tls: 'the service calls the client directly: there is no connection that could be redirected to TLS',
  cors: 'CORS is configured in the server',
  virtual_clusters: 'set routeName on the call to tell its metrics and spans from others',
  per_request_buffer_limit_bytes: buffered,
  request_body_buffer_limit: buffered,
});
const configNotes = notes({
  vhds: 'there is no xDS; a ConfigSource can deliver whole configurations',
});

/** What to do for the settings of a filter on one route, by the type of the settings or the name of the filter. */
function filterNote(filter: string, type: string | undefined): string {
  const words = `${type ?? ''} ${filter}`;
  if (/fault/i.test(words)) return 'write fault into a client of its own for these calls';
  if (/local_?ratelimit|LocalRateLimit/i.test(words)) return 'write rateLimit into a client of its own for these calls';
  if (/header_?mutation/i.test(words)) return 'set requestHeaders in the entry of routes, or in the client';
  if (/cors|csrf|ext_?authz|rbac|jwt|oauth/i.test(words))
    return 'nothing to do: it concerns calls that a server receives';
  if (/buffer/i.test(words)) return buffered;
  if (/lua|wasm|ext_?proc/i.test(words)) return 'write a perCall or perAttempt policy in TypeScript instead';
  return 'there are no filters here: a perCall policy may look at the URL of the call';
}

/**
 * The `timeouts` section, and the line on `per_try_timeout`, which is left out where it is not below the total, as Envoy
 * ignores it.
 */
export function timeoutsOf(route: RouteDraft, { connect, maxStreamDuration }: ClusterPart) {
  const { total: timeout, retry, limits, sections } = route;
  const total = totalOf(timeout, limits);
  // A hedged attempt goes on after `per_try_timeout`.
  const hedged = sections.hedging !== undefined;
  const own = hedged ? undefined : retry.attempt;
  const attempt = own && maxStreamDuration ? Math.min(own, maxStreamDuration) : own || maxStreamDuration;
  const fits = attempt !== undefined && attempt > 0 && (total === false || attempt < total);
  if (hedged) retry.limit?.exact(route, 'hedging.delay');
  else if (own && total !== false && own >= total)
    retry.limit?.unused(route, 'it is as long as the timeout of the whole call, or longer');
  else if (own) {
    retry.limit?.spelled(route, 'timeouts.attempt');
    retry.limit?.differs(
      route,
      'timeouts.attempt',
      'Envoy starts the timer once it is connected and stops it at the headers; here it includes connecting and the body',
    );
  } else retry.limit?.exact(route, 'timeouts.attempt');
  const idle = idleOf(limits, retry.idle, total);
  if ('idle' in idle && limits.idle === undefined && !retry.idle)
    route.readers[0]?.remark(
      route,
      'timeouts.idle',
      "stream_idle_timeout is not set: Envoy's default of 5 minutes is written out",
    );
  return {
    connect,
    attempt: fits ? spelledDuration(Math.min(longest, Math.max(1, attempt))) : (false as const),
    total: total === false ? (false as const) : spelledDuration(Math.min(longest, Math.max(1, total))),
    ...idle,
  };
}
