/** Reads Envoy's listeners, which accept the calls of the service, and the routes behind them. */

import { readFault } from './cluster-traffic.js';
import type { Draft, Reader } from './reader.js';
import { type RouteContext, type RouteDraft, readRoute } from './route.js';

/** Every route that uses a cluster; `urlOf` returns the base URL of a cluster. */
export function readListeners(root: Reader, urlOf: RouteContext['urlOf']): RouteDraft[] {
  return (root.get('static_resources')?.list('listeners') ?? []).flatMap((listener) => {
    listener.name('name');
    readAddress(listener);
    return listener.list('filter_chains').flatMap((chain) => {
      chain
        .get('transport_socket')
        ?.unmapped("the service's own server terminates TLS: see createIdentity().serverOptions()");
      chain.get('filter_chain_match')?.unmapped('there is no listener that could match connections');
      return chain.list('filters').flatMap((filter) => readFilter(filter, urlOf));
    });
  });
}

function readAddress(listener: Reader): void {
  const address = listener.get('address');
  const host = address?.at('socket_address', 'address')?.text();
  if (host !== undefined && isOpen(host))
    address?.warn('the listener was open to the pod network: every process that reached it called with this identity');
  address?.differs(
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

function readFilter(filter: Reader, urlOf: RouteContext['urlOf']): RouteDraft[] {
  const name = filter.name('name');
  const manager = filter.get('typed_config');
  const type = manager?.type();
  if (type !== 'HttpConnectionManager' || manager === undefined) {
    filter.unmapped(`${type ?? name ?? 'this filter'} is not HTTP, and only HTTP calls are supported`);
    return [];
  }
  manager.name('stat_prefix');
  const drafts = readRouteConfig(manager, urlOf);
  const everyone: Draft = drafts[0] ?? { name: '*' };
  const fault = readHttpFilters(manager, everyone);
  for (const draft of drafts) Object.assign(draft.sections, fault);
  readManager(manager, everyone);
  return drafts;
}

function readRouteConfig(manager: Reader, urlOf: RouteContext['urlOf']): RouteDraft[] {
  manager.get('rds')?.unmapped('there is no xDS; a ConfigSource can deliver whole configurations');
  const config = manager.get('route_config');
  config?.name('name');
  return (config?.list('virtual_hosts') ?? []).flatMap((host) => {
    host.name('name');
    const drafts = host
      .list('routes')
      .flatMap((route) => readRoute(route, { host, config: config as Reader, urlOf }) ?? []);
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
  for (const filter of manager.list('http_filters')) {
    const name = filter.name('name') ?? '';
    const config = filter.get('typed_config');
    const type = config?.type();
    if (type === 'Router' || name === 'envoy.filters.http.router') filter.structure();
    else if (type === 'HTTPFault' && config !== undefined) fault = readFault(config, draft);
    else filter.unmapped(filters[type ?? ''] ?? 'there is no counterpart of this filter');
  }
  return fault;
}

const filters: Record<string, string> = {
  LocalRateLimit: 'set rateLimit in each client',
  RateLimit: 'rateLimit limits each process separately; there is no shared rate limit service',
  AdaptiveConcurrency: 'set adaptiveConcurrency in each client',
  AdmissionControl: 'circuitBreaker is the nearest counterpart: it rejects calls to a destination that keeps failing',
  Lua: 'write a perCall or perAttempt policy in TypeScript instead of the script',
  ExtAuthz: 'an HTTP client does not authorize inbound requests',
  JwtAuthn: 'an HTTP client does not check tokens of inbound requests',
  Cors: 'CORS is configured in the server',
  GrpcWeb: 'gRPC is not supported',
};

function readManager(manager: Reader, draft: Draft): void {
  manager
    .get('access_log')
    ?.differs(
      draft,
      'logging',
      "one line a call goes to the service's logger; its fields are those of logging.profile",
    );
  manager.get('tracing')?.differs(draft, 'tracing', 'spans are exported by the OpenTelemetry SDK of the service');
  manager.get('generate_request_id')?.exact(draft, 'tracing.requestIdHeader');
  manager.get('request_timeout')?.differs(draft, 'timeouts.total', 'timeouts.total limits the whole call');
  manager
    .get('stream_idle_timeout')
    ?.unmapped('there is no idle timeout between two bytes; timeouts.attempt limits the attempt');
  for (const name of [
    'codec_type',
    'use_remote_address',
    'server_name',
    'http_protocol_options',
    'http2_protocol_options',
    'normalize_path',
    'merge_slashes',
    'upgrade_configs',
    'common_http_protocol_options',
    'skip_xff_append',
    'xff_num_trusted_hops',
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
