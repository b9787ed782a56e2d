/** Reads Envoy's listeners, which accept the calls of the service, and the routes behind them. */

import { isPlain } from '../call/own.js';
import { type Caller, readCaller } from './caller.js';
import { type Draft, given, type Reader } from './reader.js';
import { type RouteContext, type RouteDraft, readRoute } from './route.js';
import { completed, readManagerLimits } from './route-limits.js';
import { readFault, readLocalRateLimit } from './route-traffic.js';

/** What a listener needs to know of the rest of the configuration. */
export interface ListenerContext {
  cluster: RouteContext['cluster'];
  /** Route configurations outside of listeners, by name. */
  readonly routes: ReadonlyMap<string, Reader>;
  /** Receives the names of the clusters that filters other than HTTP call. */
  readonly notHttp: Set<string>;
}

/** Every route of the outbound listeners that uses a cluster. */
export function readListeners(listeners: readonly Reader[], context: ListenerContext): RouteDraft[] {
  return listeners.flatMap((listener) => {
    listener.structure().type();
    for (const name of ['name', 'stat_prefix', 'metadata', ...socketFields]) listener.get(name)?.whole().structure();
    readAddress(listener);
    const chains = [...listener.list('filter_chains'), ...(listener.get('default_filter_chain')?.items() ?? [])];
    return chains.flatMap((chain) => {
      chain
        .structure()
        .get('transport_socket')
        ?.unmapped("the service's own server terminates TLS: see createIdentity().serverOptions()");
      chain.get('name')?.structure();
      chain.get('filter_chain_match')?.unmapped('there is no listener that could match connections');
      const place = {
        host: listener.at('address', 'socket_address', 'address')?.text(),
        secure: /DownstreamTlsContext/.test(JSON.stringify(chain.value)),
      };
      return chain.list('filters').flatMap((filter) => readFilter(filter, context, place));
    });
  });
}

/** Settings of the listening socket: a line about each would only repeat the one about its address. */
const socketFields = [
  'bind_to_port',
  'bypass_overload_manager',
  'connection_balance_config',
  'continue_on_listener_filters_timeout',
  'deprecated_v1',
  'drain_type',
  'enable_mptcp',
  'enable_reuse_port',
  'freebind',
  'ignore_global_conn_limit',
  'listener_filters_timeout',
  'max_connections_to_accept_per_socket_event',
  'per_connection_buffer_limit_bytes',
  'reuse_port',
  'socket_options',
  'tcp_backlog_size',
  'tcp_fast_open_queue_length',
  'transparent',
] as const;

const directions = ['UNSPECIFIED', 'INBOUND', 'OUTBOUND'] as const;

/**
 * Leaves out the listeners that accept calls from other services, and returns the rest. `isLocal` says of a cluster
 * whether it is the service in the same pod.
 */
export function outbound(listeners: readonly Reader[], isLocal: (cluster: string) => boolean): Reader[] {
  return listeners.filter((listener) => {
    const direction = listener.get('traffic_direction')?.structure().enum(directions);
    const host = listener.at('address', 'socket_address', 'address')?.text();
    const targets = clustersIn(listener.value);
    const serves = host !== undefined && isOpen(host) && targets.length > 0 && targets.every(isLocal);
    const inbound = direction === 'INBOUND' || (direction !== 'OUTBOUND' && serves);
    if (inbound)
      listener.unmapped('it accepts calls from other services, and the library only makes calls: it is left out');
    return !inbound;
  });
}

/** Parts of a listener that call clusters for the sidecar itself, such as one that authorizes requests. */
const ownParts = /^(access_?log|tracing|http_?filters|(typed_?)?per_?filter_?config)$/i;

/** The names of the clusters that the routes and TCP proxies in a part of the file call. */
export function clustersIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(clustersIn);
  if (!isPlain(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'cluster' && typeof inner === 'string') return [inner];
    if (ownParts.test(key)) return [];
    if (!/^weighted_?clusters$/i.test(key) || !isPlain(inner)) return clustersIn(inner);
    const names = [inner.clusters].flat().map((each) => (isPlain(each) ? each.name : undefined));
    return names.filter((name) => typeof name === 'string');
  });
}

/**
 * The names of the clusters that the sidecar calls for itself: for its configuration and secrets, for tracing, statistics
 * and filters.
 */
export function ownClustersIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(ownClustersIn);
  if (!isPlain(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (/^(collector_?cluster|tcp_?cluster_?name)$/i.test(key) && typeof inner === 'string') return [inner];
    if (/^cluster_?names$/i.test(key)) return [inner].flat().filter((name) => typeof name === 'string');
    if (!isPlain(inner)) return ownClustersIn(inner);
    // A gRPC service, or an HttpUri such as that of the keys of tokens.
    const name = /^envoy_?grpc$/i.test(key)
      ? (inner.cluster_name ?? inner.clusterName)
      : typeof inner.uri === 'string' && inner.cluster;
    return typeof name === 'string' ? [name] : ownClustersIn(inner);
  });
}

/** The names of the clusters that get copies of calls. */
export function mirrorsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(mirrorsIn);
  if (!isPlain(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    /^request_?mirror_?polic(y|ies)$/i.test(key) ? clustersIn(inner) : mirrorsIn(inner),
  );
}

function readAddress(listener: Reader): void {
  const bound = listener.get('bind_to_port') ?? listener.get('deprecated_v1')?.get('bind_to_port');
  const more = listener.list('additional_addresses');
  for (const address of [listener.get('address'), ...more.map((each) => each.structure().get('address'))]) {
    const host = address?.at('socket_address', 'address')?.text();
    if (host !== undefined && isOpen(host) && bound?.boolean() !== false)
      address?.warn(
        'the listener was open to the pod network: every process that reached it called with this identity',
      );
    address
      ?.whole()
      .differs(
        undefined,
        '',
        'there is no listener: the service picks the client by its name instead of calling this address',
      );
  }
  for (const each of more) each.get('socket_options')?.whole().structure();
  for (const name of ['listener_filters', 'use_original_dst'])
    listener.get(name)?.unmapped('there is no listener that could intercept connections');
  listener.get('access_log')?.whole().differs(undefined, '', logged);
  listener.get('traffic_direction')?.structure();
}

const logged = "one line a call goes to the service's logger; its fields are those of logging.profile";

/** True for an address that other machines can reach. */
export function isOpen(host: string): boolean {
  return !/^(127\.|::1$|localhost$)/.test(host);
}

interface ListenerPlace {
  readonly host: string | undefined;
  readonly secure: boolean;
}

function readFilter(filter: Reader, context: ListenerContext, place: ListenerPlace): RouteDraft[] {
  const name = filter.structure().name('name') ?? '';
  const { type, fields } = filter.extension();
  const isHttp = type === 'HttpConnectionManager' || (type === undefined && name.endsWith('http_connection_manager'));
  if (!isHttp || fields === undefined) {
    for (const each of clustersIn(filter.value)) context.notHttp.add(each);
    filter.unmapped(`${type ?? (name || 'this filter')} is not HTTP, and only HTTP calls are supported`);
    return [];
  }
  fields.structure().get('stat_prefix')?.structure();
  let first: Draft = { name: '*' };
  // Lines about the listener name its first client, which is known last.
  const everyone: Draft = {
    name: '*',
    get within() {
      return first;
    },
  };
  const caller = readCaller(fields, place, everyone);
  const drafts = readRouteConfig(fields, { ...context, caller });
  [first = first] = drafts;
  const limits = readManagerLimits(fields, everyone);
  const { tracing, ...sections } = { tracing: {}, ...caller.sections, ...readHttpFilters(fields, everyone, drafts) };
  const sent = ['x-forwarded-proto', ...('deadlineHeader' in sections ? [expectedTimeout.name] : [])].join(' and ');
  if (drafts.length > 0)
    filter.exact(
      everyone,
      'envoyHeaders',
      `what Envoy does unasked: ${sent} for the upstream, and none of the headers by which callers steer Envoy`,
    );
  for (const draft of drafts) {
    draft.limits = completed(draft.limits, limits);
    const own = { ...tracing, ...(draft.sections.tracing as object) };
    Object.assign(draft.sections, sections, Object.keys(own).length > 0 && { tracing: own });
  }
  readManager(fields, everyone);
  return drafts;
}

function readRouteConfig(
  manager: Reader,
  { cluster, routes, caller }: ListenerContext & { caller: Caller },
): RouteDraft[] {
  const rds = manager.get('rds');
  const delivered = routes.get(rds?.get('route_config_name')?.text() ?? '');
  if (delivered === undefined) rds?.unmapped('there is no xDS; a ConfigSource can deliver whole configurations');
  else rds?.whole().structure();
  manager.get('scoped_routes')?.unmapped('there is no xDS; a ConfigSource can deliver whole configurations');
  const config = manager.get('route_config') ?? delivered;
  config?.structure().type();
  for (const name of ['name', 'validate_clusters', 'metadata']) config?.get(name)?.whole().structure();
  return (config?.list('virtual_hosts') ?? []).flatMap((host) => {
    host.structure().get('name')?.structure();
    host.get('matcher')?.unmapped('routes of a matcher are not read: write them into routes of the client');
    const drafts = host
      .list('routes')
      .flatMap((route) => readRoute(route, { host, config: config as Reader, cluster, caller }) ?? []);
    const domains = host.get('domains');
    const any = domains?.items().some((domain) => domain.text() === '*') === true;
    if (any) domains?.structure();
    else domains?.differs(drafts[0], '', 'the caller picks the client by its name, not by a Host header');
    return drafts;
  });
}

/** Reads the HTTP filters, which add sections to every client of the listener; returns those that all have alike. */
function readHttpFilters(manager: Reader, draft: Draft, drafts: readonly RouteDraft[]): Record<string, unknown> {
  let deadlineHeader: object | undefined = expectedTimeout;
  for (const filter of manager.list('http_filters')) {
    const name = filter.structure().name('name') ?? '';
    const { type, fields } = filter.extension();
    filter.get('is_optional')?.structure();
    if (filter.get('disabled')?.boolean() === true)
      filter
        .whole()
        .unmapped('it is disabled; where a route enables it, write its section into the client of that route');
    else if (type === 'Router' || /(^|\.)router$/.test(name)) {
      if (readRouter(fields, draft)) deadlineHeader = undefined;
    } else if ((type === 'HTTPFault' || (type === undefined && /(^|\.)fault$/.test(name))) && fields !== undefined)
      readFault(fields, draft, drafts);
    else if (type === 'LocalRateLimit' && fields !== undefined)
      for (const each of drafts) Object.assign(each.sections, readLocalRateLimit(fields, draft));
    else if (type !== 'HeaderMutation')
      filter.unmapped(filters.get(type ?? '') ?? 'there is no counterpart of this filter');
  }
  return given('deadlineHeader', deadlineHeader);
}

/** As Envoy's router tells the upstream. */
const expectedTimeout = { name: 'x-envoy-expected-rq-timeout-ms', ofAttempt: true, external: true };

/** True where the router makes no headers of its own. */
function readRouter(router: Reader | undefined, draft: Draft): boolean {
  router?.structure();
  const suppressed = router?.get('suppress_envoy_headers');
  suppressed?.exact(draft, 'deadlineHeader');
  router
    ?.get('respect_expected_rq_timeout')
    ?.unmapped(
      'the time limit of a call is set by timeouts, and by runWithDeadline for calls made for an inbound request',
    );
  for (const name of ['dynamic_stats', 'start_child_span', 'upstream_log', 'upstream_log_options'])
    router?.get(name)?.unmapped('log lines, spans and metrics are those of the service');
  return suppressed?.boolean() === true;
}

const filters = new Map<string, string>(
  Object.entries({
    RateLimit: 'rateLimit limits each process separately; there is no shared rate limit service',
    AdaptiveConcurrency: 'set adaptiveConcurrency in each client',
    AdmissionControl: 'circuitBreaker is the nearest counterpart: it rejects calls to a destination that keeps failing',
    Lua: 'write a perCall or perAttempt policy in TypeScript instead of the script',
    Wasm: 'write a perCall or perAttempt policy in TypeScript instead of the module',
    ExternalProcessor: 'write a perCall or perAttempt policy in TypeScript instead of the service',
    AwsRequestSigning: 'sign the request in a perAttempt policy',
    CredentialInjector: 'set the header in headers, or in a perAttempt policy if it changes',
    ExtAuthz: 'an HTTP client does not authorize inbound requests',
    RBAC: 'an HTTP client does not authorize inbound requests',
    JwtAuthentication: 'an HTTP client does not check tokens of inbound requests',
    OAuth2: 'an HTTP client does not check tokens of inbound requests',
    Cors: 'CORS is configured in the server',
    CsrfPolicy: 'it is configured in the server',
    HealthCheck: 'the service itself answers its probes',
    Compressor: 'requests are sent as the caller gives them',
    Decompressor: 'axios decompresses responses itself',
    Buffer: "axios's maxBodyLength limits the body of a request",
    GrpcWeb: 'gRPC is not supported',
    GrpcJsonTranscoder: 'gRPC is not supported',
  }),
);

const betweenBoth = 'it concerns the connection between service and sidecar, which no longer exists';

/** Settings of a connection manager that are not options of a client, by what to know instead. */
const managerFields: readonly (readonly [string, readonly string[]])[] = [
  [
    betweenBoth,
    [
      'codec_type',
      'server_name',
      'server_header_transformation',
      'http_protocol_options',
      'http2_protocol_options',
      'http3_protocol_options',
      'max_request_headers_kb',
      'delayed_close_timeout',
      'drain_timeout',
      'request_headers_timeout',
      'always_set_request_id_in_response',
      'proxy_100_continue',
      'stream_error_on_invalid_http_message',
    ],
  ],
  [
    'the path and the host of a call are sent as its URL has them',
    [
      'normalize_path',
      'merge_slashes',
      'path_with_escaped_slashes_action',
      'path_normalization_options',
      'strip_any_host_port',
      'strip_matching_host_port',
      'strip_trailing_host_dot',
    ],
  ],
  [
    'the service itself makes the call: no header says who called it (x-forwarded-for and the like)',
    [
      'xff_num_trusted_hops',
      'skip_xff_append',
      'forward_client_cert_details',
      'set_current_client_cert_details',
      'original_ip_detection_extensions',
      'append_x_forwarded_port',
      'add_user_agent',
      'via',
    ],
  ],
  ['a WebSocket or a tunnel is not an HTTP call: use a client for it', ['upgrade_configs']],
  ['a call that fails rejects with an error: there is no answer of a sidecar to rewrite', ['local_reply_config']],
];

function readManager(manager: Reader, draft: Draft): void {
  manager.get('access_log')?.whole().differs(draft, 'logging', logged);
  manager
    .get('tracing')
    ?.whole()
    .differs(draft, 'tracing', 'spans are exported by the OpenTelemetry SDK of the service');
  manager
    .get('preserve_external_request_id')
    ?.differs(draft, 'tracing.requestIdHeader', 'a request id that the call sets itself is always kept');
  manager.get('request_timeout')?.differs(draft, 'timeouts.total', 'timeouts.total limits the whole call');
  for (const [note, names] of managerFields) for (const name of names) manager.get(name)?.unmapped(note);
  for (const name of ['access_log_flush_interval', 'access_log_options']) manager.get(name)?.whole().structure();
}
