/** Maps request mirroring and fault injection, which belong to Envoy's routes and listeners. */
import { noRuntime, shareOf } from './fraction.js';
import { readMutations } from './header-mutation.js';
import { type Draft, given, type Reader } from './reader.js';
import { giveTo, type TargetHeaders } from './route-headers.js';

/** What a copy needs to know of the client. */
interface MirrorContext {
  /** The base URL of a cluster, with the path that the route puts in front; `several`: it is only its first address. */
  copyTo(cluster: string): { baseURL: string; several: boolean } | string;
  /** The Host header of the call, unless it sets one itself; undefined where the file does not say. */
  readonly host: string | undefined;
  /** The router counts the attempts of a call in a header. */
  readonly counted: boolean;
}

/** The `mirror` section: `levels` are the route, its virtual host and its route configuration; the first that has policies counts. */
export function readMirrors(levels: readonly Reader[], draft: Draft, context: MirrorContext): Record<string, unknown> {
  // In v2 a route has one policy.
  const names = ['request_mirror_policies', 'request_mirror_policy'];
  const [used, ...others] = levels.flatMap((level) => names.flatMap((name) => level.get(name) ?? []));
  for (const each of others) each.unused(draft, 'a more specific part of the file has mirror policies');
  const mirror = used?.items().flatMap((policy) => readMirror(policy, draft, context)) ?? [];
  return mirror.length > 0 ? { mirror } : {};
}

function readMirror(policy: Reader, draft: Draft, { copyTo, host, counted }: MirrorContext): Record<string, unknown>[] {
  policy.structure();
  const header = policy.get('cluster_header');
  header?.unmapped('a copy goes to one target: write a mirror with match.headers for each value of the header');
  if (header !== undefined) return [];
  const cluster = policy.get('cluster')?.structure();
  const copy = copyTo(cluster?.text() ?? '');
  if (typeof copy === 'string') {
    policy.unmapped(`no copies are sent: ${copy}`);
    return [];
  }
  if (copy.several) cluster?.differs(draft, 'mirror', 'all copies go to the first address of the cluster');
  policy.differs(
    draft,
    'mirror',
    'credentials and unsafe methods such as POST are copied only if options of mirror allow it',
  );
  policy.get('trace_sampled')?.structure();
  const target: TargetHeaders = { reader: policy, headers: {}, removeHeaders: [] };
  if (counted) target.headers['x-envoy-attempt-count'] = '1';
  changeCopy(policy, draft, target);
  const suffix = readSuffix(policy, draft, target, host);
  const { headers, removeHeaders } = target;
  return [
    {
      baseURL: copy.baseURL,
      fraction: shareOfMirror(policy, draft),
      ...(!suffix && { hostSuffix: false }),
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(removeHeaders.length > 0 && { removeHeaders }),
    },
  ];
}

/** Whether the Host header of a copy has the suffix; where it has not, its value is among the headers of the copy. */
function readSuffix(policy: Reader, draft: Draft, { headers }: TargetHeaders, host: string | undefined): boolean {
  const literal = policy.get('host_rewrite_literal');
  literal?.exact(draft, 'mirror');
  const plain = policy.get('disable_shadow_host_suffix_append');
  const name = literal?.text() || (plain?.boolean() === true ? host : undefined);
  if (plain?.boolean() === true && literal === undefined && name === undefined)
    plain.differs(
      draft,
      'mirror',
      'the Host header of a copy is that of its own baseURL: set it in headers of the mirror',
    );
  else plain?.exact(draft, 'mirror');
  if (name !== undefined) headers.host = name;
  return name === undefined && plain?.boolean() !== true;
}

/** The headers that Envoy changes in a copy alone. */
function changeCopy(policy: Reader, draft: Draft, target: TargetHeaders): void {
  const levels = readMutations(policy.list('request_headers_mutations'), draft);
  for (const name of new Set(levels.flatMap((level) => [...level.keys()])))
    giveTo(target, name, levels, draft, 'mirror');
}

function shareOfMirror(policy: Reader, draft: Draft): number {
  const runtime = policy.get('runtime_fraction')?.structure();
  runtime?.get('runtime_key')?.unmapped(noRuntime);
  const old = policy.get('runtime_key');
  if (old !== undefined) policy.file.isOld = true;
  old?.differs(
    draft,
    'mirror',
    'the share is in the runtime, and 0 without an entry there: set fraction of the mirror',
  );
  return old === undefined ? shareOf(runtime?.get('default_value')) : 0;
}

/** A client of the listener, to which a filter adds a section. */
interface Affected {
  readonly clusters: readonly { readonly name: string }[];
  readonly sections: Record<string, unknown>;
}

/** Adds the `fault` section of the fault filter to the clients of its listener. */
export function readFault(config: Reader, draft: Draft, drafts: readonly Affected[]): void {
  const match = matchOf(config, draft);
  if (typeof match === 'string') {
    config.unmapped(`no fault is injected: ${match}`);
    return;
  }
  const fault: Record<string, unknown> = {};
  const [delay, abort] = [config.structure().get('delay'), config.get('abort')];
  const duration = delay?.get('fixed_delay');
  const time = duration?.duration() ? duration.spelled(draft, 'fault.delay.duration') : undefined;
  if (time !== undefined) fault.delay = { duration: time, fraction: percentageOf(delay) };
  const status = abort?.get('http_status')?.bounded(draft, 'fault.abort.status', 200, 599);
  if (status !== undefined) fault.abort = { status, fraction: percentageOf(abort) };
  abort?.get('grpc_status')?.unmapped('gRPC is not supported');
  const parts = [
    [delay, fault.delay],
    [abort, fault.abort],
  ] as const;
  for (const [part, made] of parts)
    if (made === undefined && (part?.get('header_delay') || part?.get('header_abort')))
      part.unmapped('headers of a call inject no faults: fault.match chooses calls by their headers');
    else if (made === undefined) part?.structure().get('percentage')?.whole().structure();
    else
      part?.differs(
        draft,
        'fault',
        'injected in place of the upstream, so it is retried and counted like a real failure; off in production without allowInProduction',
      );
  for (const [name, note] of faultNotes) config.get(name)?.whole().unmapped(note);
  const cluster = config.get('upstream_cluster');
  cluster?.exact(draft, 'fault', 'only clients of this cluster inject faults');
  const only = cluster?.text();
  if (Object.keys(fault).length === 0) return;
  for (const each of drafts)
    if (!only || (each.clusters.length === 1 && each.clusters[0]?.name === only))
      Object.assign(each.sections, { fault: { ...fault, ...match } });
}

const faultNotes = new Map<string, string>(
  Object.entries({
    max_active_faults: 'nothing but their fraction limits the faults',
    response_rate_limit: 'bodies are not slowed down; fault.delay delays the whole answer',
    ...Object.fromEntries(
      ['delay_percent', 'abort_percent', 'delay_duration', 'abort_http_status', 'max_active_faults']
        .concat('response_rate_limit_percent', 'abort_grpc_status')
        .map((name) => [`${name}_runtime`, noRuntime]),
    ),
    disable_downstream_cluster_stats: 'client.stats() counts the injected faults in any case',
  }),
);

/** The `match` of the faults; where calls cannot be told apart as in Envoy, why. */
function matchOf(config: Reader, draft: Draft): { match?: { headers: Record<string, string | boolean> } } | string {
  if (config.get('downstream_nodes') !== undefined)
    return 'downstream_nodes is set, so write fault into the clients of the services that are meant';
  const headers: Record<string, string | boolean> = {};
  for (const matcher of config.list('headers')) {
    const name = matcher.get('name')?.structure().text();
    const value = headerConditionOf(matcher);
    if (name === undefined || value === undefined || name.startsWith(':') || Object.hasOwn(headers, name))
      return 'fault.match knows only the presence and the exact value of headers';
    matcher.exact(draft, 'fault.match.headers');
    headers[name] = value;
  }
  return Object.keys(headers).length > 0 ? { match: { headers } } : {};
}

/** The exact value that a header must have, or whether it must be there; undefined for any other condition. */
function headerConditionOf(matcher: Reader): string | boolean | undefined {
  const inverted = matcher.get('invert_match')?.boolean() === true;
  const text = matcher.get('string_match');
  const exact = matcher.get('exact_match') ?? text?.get('exact');
  if (exact !== undefined) return inverted || text?.get('ignore_case')?.boolean() === true ? undefined : exact.text();
  const conditions = ['range_match', 'prefix_match', 'suffix_match', 'contains_match', 'safe_regex_match'];
  if (text !== undefined || conditions.some((name) => matcher.get(name) !== undefined)) return undefined;
  if (matcher.get('treat_missing_header_as_empty')?.boolean() === true) return undefined;
  // Without any condition presence is asked for.
  return (matcher.get('present_match')?.boolean() ?? true) !== inverted;
}

/** The `rateLimit` section from the local rate limit filter; its bucket is that of all clients of the listener. */
export function readLocalRateLimit(config: Reader, draft: Draft): Record<string, unknown> {
  config.structure().get('stat_prefix')?.structure();
  for (const [name, note] of rateLimitNotes) config.get(name)?.whole().unmapped(note);
  const bucket = config.get('token_bucket');
  const shares = ['filter_enabled', 'filter_enforced'].map((name) => config.get(name));
  for (const each of shares) each?.structure().get('runtime_key')?.unmapped(noRuntime);
  const [enabled = 0, enforced = 0] = shares.map((each) => each && shareOf(each.get('default_value')));
  const share = enabled * enforced;
  if (share < 1 || bucket === undefined) {
    const why =
      share === 0
        ? 'filter_enabled and filter_enforced are not both set, so no request is rejected'
        : 'no call is limited: the filter is enforced for a part of the requests, which rateLimit cannot do; set rateLimit in each client for all of them';
    if (share > 0) bucket?.whole().unmapped(why);
    else bucket?.unused(draft, why);
    for (const each of shares) each?.structure();
    return {};
  }
  for (const each of shares) each?.exact(draft, 'rateLimit');
  const [most, perFill, interval] = ['max_tokens', 'tokens_per_fill', 'fill_interval'].map((name) => bucket.get(name));
  const requests = perFill?.bounded(draft, 'rateLimit.requests', 1, 1_000_000) ?? 1;
  const burst = most?.bounded(draft, 'rateLimit.burst', 1, 1_000_000);
  const per = interval?.spelled(draft, 'rateLimit.per');
  bucket.differs(
    draft,
    'rateLimit',
    'a call above it fails with ERR_RATE_LIMITED in place of a 429; each client has a bucket of its own',
  );
  return {
    rateLimit: {
      ...{ requests, ...given('per', per), ...given('burst', burst) },
      ...{ countRetries: false, maxPending: 0, serverHeaders: false },
    },
  };
}

const rateLimitNotes = new Map<string, string>(
  Object.entries({
    ...Object.fromEntries(
      ['descriptors', 'rate_limits', 'stage', 'vh_rate_limits', 'always_consume_default_token_bucket'].map((name) => [
        name,
        'there are no descriptors: rateLimit.keyHeader gives each value of one header a limit of its own',
      ]),
    ),
    local_rate_limit_per_downstream_connection:
      'there is no connection to the sidecar: the limit is that of the client',
    local_cluster_rate_limit: 'each process has a limit of its own: divide the limit by the number of processes',
    ...Object.fromEntries(
      ['status', 'response_headers_to_add', 'enable_x_ratelimit_headers', 'rate_limited_as_resource_exhausted'].map(
        (name) => [name, 'a rejected call has no response: its error has the code ERR_RATE_LIMITED, and retryAfter'],
      ),
    ),
    request_headers_to_add_when_not_enforced: 'each call that is above the limit is rejected, so there is none to mark',
  }),
);

function percentageOf(part: Reader | undefined): number {
  const percentage = part?.get('percentage');
  return percentage === undefined ? 0 : shareOf(percentage);
}
