/** Envoy's listeners: where the service reached its sidecar, and the routes behind. */
import type { Draft, Reader } from './reader.js';
import { type RouteContext, type RouteDraft, readRoute } from './routes.js';
import { readFault } from './traffic.js';

/** Every route that leads to a cluster. */
export function readListeners(root: Reader, urlOf: RouteContext['urlOf']): RouteDraft[] {
  return (root.get('static_resources')?.list('listeners') ?? []).flatMap((listener) => {
    listener.name('name');
    readAddress(listener);
    return listener.list('filter_chains').flatMap((chain) => {
      chain
        .get('transport_socket')
        ?.unmapped("the service's own server ends TLS: see createIdentity().serverOptions()");
      chain.get('filter_chain_match')?.unmapped('no connection is matched');
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
    "there is no listener: the service calls by the client's name, in place of this address",
  );
  listener.get('listener_filters')?.unmapped('no connection is taken over');
  listener.get('traffic_direction')?.structure();
}

export function isOpen(host: string): boolean {
  return !/^(127\.|::1$|localhost$)/.test(host);
}

function readFilter(filter: Reader, urlOf: RouteContext['urlOf']): RouteDraft[] {
  const name = filter.name('name');
  const manager = filter.get('typed_config');
  const type = manager?.type();
  if (type !== 'HttpConnectionManager' || manager === undefined) {
    filter.unmapped(`${type ?? name ?? 'this filter'} is not HTTP: only HTTP calls are made here`);
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
    else domains?.differs(drafts[0], '', 'the caller chooses the client by its name, not by a Host header');
    return drafts;
  });
}

/** What the chain of filters says of every call. */
function readHttpFilters(manager: Reader, draft: Draft): Record<string, unknown> {
  let fault = {};
  for (const filter of manager.list('http_filters')) {
    const name = filter.name('name') ?? '';
    const config = filter.get('typed_config');
    const type = config?.type();
    if (type === 'Router' || name === 'envoy.filters.http.router') filter.structure();
    else if (type === 'HTTPFault' && config !== undefined) fault = readFault(config, draft);
    else filter.unmapped(filters[type ?? ''] ?? 'there is no such filter');
  }
  return fault;
}

const filters: Record<string, string> = {
  LocalRateLimit: 'rateLimit is the counterpart, for each client',
  RateLimit: 'rateLimit limits each process by itself; there is no service for all of them',
  AdaptiveConcurrency: 'adaptiveConcurrency is the counterpart, for each client',
  AdmissionControl: 'the circuit breaker is the nearest: it stops calls to a destination that fails',
  Lua: 'a perCall or perAttempt policy in TypeScript does what the script did',
  ExtAuthz: 'authorization of inbound calls is not a matter of a client',
  JwtAuthn: 'tokens of inbound calls are not a matter of a client',
  Cors: 'CORS is a matter of the server',
  GrpcWeb: 'gRPC is not spoken here',
};

function readManager(manager: Reader, draft: Draft): void {
  manager
    .get('access_log')
    ?.differs(
      draft,
      'logging',
      'one line for each call, to the logger of the service; its fields are those of logging.profile',
    );
  manager.get('tracing')?.differs(draft, 'tracing', 'by the OpenTelemetry SDK of the service');
  manager.get('generate_request_id')?.exact(draft, 'tracing.requestIdHeader');
  manager.get('request_timeout')?.differs(draft, 'timeouts.total', 'timeouts.total bounds the whole call');
  manager
    .get('stream_idle_timeout')
    ?.unmapped('there is no timeout between two bytes; timeouts.attempt bounds the attempt');
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
    manager.get(name)?.unmapped('it is about the connection between service and sidecar, which is gone');
}
