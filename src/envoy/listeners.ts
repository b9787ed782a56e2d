/** Reads Envoy's listeners, which accept the calls of the service, and the routes behind them. */

import { isPlain } from '../call/own.js';
import { type Caller, readCaller } from './caller.js';
import { type Draft, given, type Reader } from './reader.js';
import { type RouteContext, type RouteDraft, readRoute } from './route.js';
import { readFault } from './route-traffic.js';

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
    for (const name of ['name', 'stat_prefix', 'metadata']) listener.get(name)?.whole().structure();
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

/** The names of the clusters that a part of the file calls. */
export function clustersIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(clustersIn);
  if (!isPlain(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'cluster' && typeof inner === 'string') return [inner];
    if (!/^weighted_?clusters$/i.test(key) || !isPlain(inner)) return clustersIn(inner);
    const names = [inner.clusters].flat().map((each) => (isPlain(each) ? each.name : undefined));
    return names.filter((name) => typeof name === 'string');
  });
}

function readAddress(listener: Reader): void {
  const address = listener.get('address');
  const host = address?.at('socket_address', 'address')?.text();
  if (host !== undefined && isOpen(host))
    address?.warn('the listener was open to the pod network: every process that reached it called with this identity');
  address
    ?.whole()
    .differs(
      undefined,
      '',
      'there is no listener: the service picks the client by its name instead of calling this address',
    );
  listener.get('listener_filters')?.unmapped('there is no listener that could intercept connections');
  listener.get('traffic_direction')?.structure();
}

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
  // Lines about the listener name its first client, whose name is known last.
  const everyone: Draft = {
    get name() {
      return first.name;
    },
    get dropped() {
      return first.dropped ?? false;
    },
  };
  const caller = readCaller(fields, place, everyone);
  const drafts = readRouteConfig(fields, { ...context, caller });
  [first = first] = drafts;
  const { tracing, ...sections } = { tracing: {}, ...caller.sections, ...readHttpFilters(fields, everyone) };
  const sent = ['x-forwarded-proto', ...('deadlineHeader' in sections ? [expectedTimeout.name] : [])].join(' and ');
  if (drafts.length > 0)
    filter.exact(
      everyone,
      'envoyHeaders',
      `what Envoy does unasked: ${sent} for the upstream, and none of the headers by which callers steer Envoy`,
    );
  for (const draft of drafts) {
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

/** Reads the HTTP filters; returns the sections they add to every client of the listener. */
function readHttpFilters(manager: Reader, draft: Draft): Record<string, unknown> {
  let fault = {};
  let deadlineHeader: object | undefined = expectedTimeout;
  for (const filter of manager.list('http_filters')) {
    const name = filter.structure().name('name') ?? '';
    const { type, fields } = filter.extension();
    if (type === 'Router' || /(^|\.)router$/.test(name)) {
      if (readRouter(fields, draft)) deadlineHeader = undefined;
    } else if ((type === 'HTTPFault' || (type === undefined && /(^|\.)fault$/.test(name))) && fields !== undefined)
      fault = readFault(fields, draft);
    else if (type !== 'HeaderMutation')
      filter.unmapped(filters.get(type ?? '') ?? 'there is no counterpart of this filter');
  }
  return { ...fault, ...given('deadlineHeader', deadlineHeader) };
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
    LocalRateLimit: 'set rateLimit in each client',
    RateLimit: 'rateLimit limits each process separately; there is no shared rate limit service',
    AdaptiveConcurrency: 'set adaptiveConcurrency in each client',
    AdmissionControl: 'circuitBreaker is the nearest counterpart: it rejects calls to a destination that keeps failing',
    Lua: 'write a perCall or perAttempt policy in TypeScript instead of the script',
    ExtAuthz: 'an HTTP client does not authorize inbound requests',
    JwtAuthn: 'an HTTP client does not check tokens of inbound requests',
    Cors: 'CORS is configured in the server',
    GrpcWeb: 'gRPC is not supported',
  }),
);

function readManager(manager: Reader, draft: Draft): void {
  manager
    .get('access_log')
    ?.whole()
    .differs(draft, 'logging', "one line a call goes to the service's logger; its fields are those of logging.profile");
  manager
    .get('tracing')
    ?.whole()
    .differs(draft, 'tracing', 'spans are exported by the OpenTelemetry SDK of the service');
  manager.get('request_timeout')?.differs(draft, 'timeouts.total', 'timeouts.total limits the whole call');
  manager
    .get('stream_idle_timeout')
    ?.unmapped('there is no idle timeout between two bytes; timeouts.attempt limits the attempt');
  for (const name of [
    'codec_type',
    'server_name',
    'http_protocol_options',
    'http2_protocol_options',
    'normalize_path',
    'merge_slashes',
    'upgrade_configs',
    'common_http_protocol_options',
    'skip_xff_append',
    'local_reply_config',
    'strip_any_host_port',
    'delayed_close_timeout',
    'drain_timeout',
    'request_headers_timeout',
    'preserve_external_request_id',
    'always_set_request_id_in_response',
  ])
    manager.get(name)?.unmapped('it concerns the connection between service and sidecar, which no longer exists');
}
