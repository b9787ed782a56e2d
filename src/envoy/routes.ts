/** An Envoy route: which cluster, how long, what is repeated, which headers. */
import { type Draft, type Reader, spelledDuration } from './reader.js';
import { type RetryPart, readRetry } from './retry.js';
import { given, readMirrors } from './traffic.js';

/** A cluster with a share of a route. */
export interface WeightedCluster {
  readonly name: string;
  /** Where the route names it. */
  readonly reader: Reader;
  readonly weight: number;
  readonly headers: Record<string, string>;
}

/** A route as options of a client, without what its cluster says. */
export interface RouteDraft extends Draft {
  /** One, or several with weights. */
  readonly clusters: readonly WeightedCluster[];
  /** Milliseconds, or false for no limit. */
  total: number | false;
  retry: RetryPart;
  /** Appended to the base URL. */
  path: string;
  sections: Record<string, unknown>;
}

/** Where a route stands: what its virtual host and configuration add to it. */
export interface RouteContext {
  readonly host: Reader;
  readonly config: Reader;
  urlOf(cluster: string): string | undefined;
}

/** Undefined for a route that leads to no cluster. */
export function readRoute(route: Reader, { host, config, urlOf }: RouteContext): RouteDraft | undefined {
  const action = route.get('route');
  const clusters = action && readClusters(action);
  if (action === undefined || clusters === undefined || clusters.length === 0) {
    route.unmapped('it leads to no cluster: nothing is to be called');
    return undefined;
  }
  const [first] = clusters;
  const routeName = route.name('name') ?? host.name('name');
  const draft: RouteDraft = {
    name: clusters.length === 1 ? (first?.name ?? '') : `${routeName ?? 'split'}`,
    clusters,
    total: false,
    retry: { retry: false, attempt: undefined },
    path: '',
    sections: {},
  };
  draft.total = readTotal(action, draft);
  draft.retry = readRetry(action.get('retry_policy') ?? host.get('retry_policy'), draft);
  if (draft.retry.retry === false && action.get('retry_policy') === undefined && host.get('retry_policy') === undefined)
    action.remark(
      draft,
      'retry',
      'no retry_policy: nothing was retried, and nothing is; leave the section out for the defaults of pillion',
    );
  const prefix = readMatch(route, draft);
  draft.path = readRewrites(action, prefix, draft);
  const attempts = host.get('include_request_attempt_count');
  attempts?.exact(draft, 'tracing.attemptCountHeader');
  for (const target of clusters) Object.assign(target.headers, readHeaders([target.reader], draft, 'split'));
  draft.sections = {
    ...given('headers', readHeaders([route, host, config], draft, 'headers')),
    ...readMirrors(action, draft, urlOf),
    ...(attempts?.value === true && { tracing: { attemptCountHeader: 'x-envoy-attempt-count' } }),
  };
  readRest(route, action, host);
  return draft;
}

function readClusters(action: Reader): WeightedCluster[] | undefined {
  const single = action.get('cluster')?.structure();
  if (single !== undefined) return [{ name: single.text() ?? '', reader: single, weight: 1, headers: {} }];
  const header = action.get('cluster_header');
  header?.unmapped('a header does not choose the client: the caller does, by its name');
  const weighted = action.get('weighted_clusters');
  weighted?.get('total_weight')?.structure();
  weighted
    ?.get('runtime_key_prefix')
    ?.unmapped('weights are changed in the configuration, which is read again when it changes');
  return weighted?.list('clusters').map((cluster) => ({
    name: cluster.name('name') ?? '',
    reader: cluster,
    weight: cluster.get('weight')?.structure().number() ?? 0,
    headers: {},
  }));
}

/** 15 s where nothing is said; 0 is no limit. */
function readTotal(action: Reader, draft: Draft): number | false {
  const timeout = action.get('timeout');
  const ms = timeout?.duration();
  if (timeout === undefined)
    action.remark(draft, 'timeouts.total', "timeout is not set: Envoy's own 15 s are written out");
  else if (ms === 0) {
    timeout.exact(draft, 'timeouts.total');
    timeout.warn('timeout: 0 waits for ever: a call that hangs keeps its caller, its memory and its connection');
  } else
    timeout.differs(
      draft,
      'timeouts.total',
      "the clock starts with the call; Envoy's starts once it has the whole request",
    );
  if (ms === 0) return false;
  return ms ?? 15_000;
}

/** The prefix that a route asks for; the rest of what it matches is the caller's to decide. */
function readMatch(route: Reader, draft: Draft): string {
  const match = route.get('match');
  if (match === undefined) return '/';
  const prefix = match.get('prefix')?.text();
  const all = prefix === '/' && Object.keys((match.value ?? {}) as object).length === 1;
  if (all) match.exact(draft, 'baseURL');
  else match.differs(draft, '', 'the caller chooses the client by its name; nothing is matched');
  return prefix ?? match.get('path_separated_prefix')?.text() ?? '/';
}

function readRewrites(action: Reader, prefix: string, draft: Draft): string {
  action
    .get('host_rewrite_literal')
    ?.differs(
      draft,
      'baseURL',
      'the Host header is that of baseURL: give the name there, or a host header with the call',
    );
  for (const name of ['auto_host_rewrite', 'host_rewrite_header', 'host_rewrite_path_regex'])
    action.get(name)?.differs(draft, 'baseURL', 'the Host header is that of baseURL');
  action.get('regex_rewrite')?.unmapped('the caller writes the path that the server knows');
  const rewrite = action.get('prefix_rewrite');
  if (rewrite === undefined) return '';
  const path = (rewrite.text() ?? '').replace(/\/$/, '');
  rewrite.differs(draft, 'baseURL', `the caller leaves out the prefix ${prefix}`);
  return path;
}

/** The most specific one wins. */
function readHeaders(levels: readonly Reader[], draft: Draft, option: string): Record<string, string> | undefined {
  const headers = new Map<string, string>();
  for (const level of [...levels].reverse()) {
    for (const added of level.list('request_headers_to_add')) {
      const name = added.at('header', 'key')?.text() ?? '';
      const value = added.at('header', 'value')?.text() ?? '';
      if (value.includes('%')) added.unmapped('there are no command operators: a perCall policy can set such a header');
      else {
        headers.set(name.toLowerCase(), value);
        added.differs(draft, option, 'a call that sets the header itself keeps its own value');
      }
    }
    level.get('request_headers_to_remove')?.unmapped('headers are what the caller sets; do not set them');
    for (const name of ['response_headers_to_add', 'response_headers_to_remove'])
      level.get(name)?.unmapped('an interceptor of axios can change the headers of an answer');
  }
  return headers.size > 0 ? Object.fromEntries(headers) : undefined;
}

function readRest(route: Reader, action: Reader, host: Reader): void {
  route.get('decorator')?.unmapped('the routeName of a call names its span');
  action.get('idle_timeout')?.unmapped('timeouts.attempt bounds an attempt');
  action.get('hash_policy')?.unmapped('balance.hashHeader is the counterpart, for one header');
  action
    .get('hedge_policy')
    ?.unmapped('hedging is the counterpart: by a delay or a percentile in place of the timeout');
  action.get('priority')?.unmapped('there is one priority');
  action.get('rate_limits')?.unmapped('rateLimit is the counterpart, for each client');
  host.get('include_attempt_count_in_response')?.unmapped('error.attempts and the log line tell it');
  for (const level of [route, host])
    for (const name of ['typed_per_filter_config', 'metadata']) level.get(name)?.unmapped('there are no filters');
}

export function timeoutsOf({ total, retry }: RouteDraft, connect: string, tell: (note: string) => void) {
  const { attempt } = retry;
  const fits = attempt !== undefined && attempt > 0 && (total === false || attempt < total);
  if (attempt !== undefined && attempt > 0 && !fits)
    tell('as long as the whole timeout or longer, so Envoy ignores it');
  return {
    connect,
    attempt: fits ? spelledDuration(attempt) : (false as const),
    total: total === false ? (false as const) : spelledDuration(total),
  };
}
