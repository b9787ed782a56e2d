/** What import-envoy makes of caps, limits of time, hedging, rate limits and faults. */
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { importEnvoy } from '../../src/envoy/import.js';

interface Parts {
  readonly cluster?: object;
  readonly route?: object;
  readonly manager?: object;
  readonly filters?: readonly object[];
  readonly endpoints?: number;
}

/** Imports a bootstrap with one cluster and one route; `lines` are the report as `end of path -> option: note`. */
function imported({ cluster = {}, route = {}, manager = {}, filters = [], endpoints = 1 }: Parts) {
  const lb_endpoints = Array.from({ length: endpoints }, (_, index) => ({
    endpoint: { address: { socket_address: { address: `10.0.0.${index + 1}`, port_value: 80 } } },
  }));
  const typed_config = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'out',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'up', ...route } }] },
      ],
    },
    http_filters: filters,
    ...manager,
  };
  const text = stringify({
    static_resources: {
      listeners: [{ filter_chains: [{ filters: [{ name: 'http', typed_config }] }] }],
      clusters: [{ name: 'up', load_assignment: { endpoints: [{ lb_endpoints }] }, ...cluster }],
    },
  });
  const { config, report } = importEnvoy(text, 'envoy.yaml');
  expect(report.filter(({ status }) => status === 'error')).toEqual([]);
  expect(report.filter(({ note }) => note?.includes('does not know this field'))).toEqual([]);
  const client = config.clients.up as Record<string, Record<string, unknown>>;
  const noteOf = (name: string) => {
    const { status, note } = report.find(({ from }) => from.endsWith(name)) ?? {};
    return note === undefined ? status : `${status}: ${note}`;
  };
  return { client, noteOf };
}

const caps = (thresholds: object, more: object = {}) => ({ circuit_breakers: { thresholds: [thresholds] }, ...more });
const h2 = { http2_protocol_options: {} };

describe('the caps of a cluster', () => {
  it.each<[string, object, object]>([
    ['are 1024 each where nothing is set', {}, { maxRequests: 1024, maxPendingRequests: 1024 }],
    [
      'over HTTP/1.1 are those of connections where these are fewer',
      caps({ max_connections: 100, max_requests: 200, max_pending_requests: 5 }),
      { maxRequests: 100, maxPendingRequests: 5 },
    ],
    [
      'over HTTP/1.1 let nobody wait where max_requests is lower',
      caps({ max_connections: 100, max_requests: 10, max_pending_requests: 5 }),
      { maxRequests: 10, maxPendingRequests: 0 },
    ],
    ['are at least 1', caps({ max_connections: 0, max_requests: 0 }), { maxRequests: 1, maxPendingRequests: 1024 }],
    [
      'over HTTP/2 are two',
      caps({ max_connections: 1, max_requests: 20, max_pending_requests: 7 }, h2),
      { maxRequests: 20, maxPendingRequests: 0 },
    ],
    [
      'are those of the first thresholds of the default priority',
      {
        circuit_breakers: {
          thresholds: [{ priority: 'HIGH', max_requests: 1 }, { max_requests: 2 }, { max_requests: 3 }],
        },
      },
      { maxRequests: 2, maxPendingRequests: 0 },
    ],
  ])('%s', (_, cluster, limits) => {
    expect(imported({ cluster }).client.limits).toEqual(limits);
  });

  it('of a route with priority HIGH are those of that priority', () => {
    const thresholds = [{ priority: 'HIGH', max_requests: 7, max_connections: 9, max_retries: 1 }, { max_requests: 2 }];
    const { client, noteOf } = imported({
      cluster: { circuit_breakers: { thresholds, per_host_thresholds: [{ max_connections: 1 }] } },
      route: { priority: 'HIGH', retry_policy: { retry_on: '5xx' } },
    });
    expect(client.limits).toEqual({ maxRequests: 7, maxPendingRequests: 0 });
    expect(client.connections).toEqual({ maxConnections: 9 });
    expect(client.retry?.maxConcurrentRetries).toBe(1);
    expect(noteOf('thresholds[0].max_requests')).toBe('exact');
    const other = imported({ cluster: { circuit_breakers: { thresholds } } });
    expect(other.noteOf('thresholds[0]')).toBe('unmapped: no route with priority HIGH calls this cluster');
  });

  it('over HTTP/2 give the queue of the connections its length', () => {
    const { client } = imported({ cluster: caps({ max_connections: 1, max_pending_requests: 7 }, h2) });
    expect(client.connections).toEqual({ maxConnections: 1, maxPendingRequests: 7 });
  });

  it.each([
    [1, { max_connections: 5 }, {}, { maxRequests: 5, maxPendingRequests: 1024 }],
    [3, { max_connections: 5 }, {}, { maxRequests: 5, maxPendingRequests: 1024, per: 'origin' }],
    [3, { max_connections: 1 }, {}, { maxRequests: 3, maxPendingRequests: 1024, per: 'origin' }],
    [3, {}, { max_connections: 2 }, { maxRequests: 6, maxPendingRequests: 1024, per: 'origin' }],
    [1, { max_connections: 5 }, { max_connections: 2 }, { maxRequests: 2, maxPendingRequests: 1024 }],
  ])('count for all of %i endpoints: %j, for each %j', (endpoints, thresholds, each, limits) => {
    const cluster = { circuit_breakers: { thresholds: [thresholds], per_host_thresholds: [each] } };
    expect(imported({ cluster, endpoints }).client.limits).toEqual(limits);
  });
});

describe('retries at once', () => {
  const route = { retry_policy: { retry_on: '5xx' } };

  it.each<[object, unknown]>([
    [{}, 3],
    [{ max_retries: 0 }, 0],
    [{ max_retries: 9 }, 9],
    [{ retry_budget: {} }, { ratio: 0.2, min: 3 }],
    [{ retry_budget: { min_retry_concurrency: 8 } }, { ratio: 0.2, min: 8 }],
    [{ retry_budget: { budget_percent: { value: 50 } } }, { ratio: 0.5, min: 3 }],
    [
      { max_retries: 9, retry_budget: { budget_percent: { value: 0 }, min_retry_concurrency: 0 } },
      { ratio: 0, min: 0 },
    ],
  ])('%j', (thresholds, maxConcurrentRetries) => {
    const { client } = imported({ cluster: caps(thresholds), route });
    expect(client.retry).toMatchObject({ maxConcurrentRetries, budget: false });
  });
});

describe('connections', () => {
  const options = (fields: object) => ({
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        ...fields,
      },
    },
  });

  it.each<[object, unknown]>([
    [{ max_requests_per_connection: 3 }, 3],
    [{ max_requests_per_connection: 0 }, undefined],
    [options({ common_http_protocol_options: { max_requests_per_connection: '4' } }), 4],
    [{}, undefined],
  ])('carry as many requests as in Envoy: %j', (cluster, most) => {
    expect(imported({ cluster }).client.connections?.maxRequestsPerConnection).toBe(most);
  });

  it('carry as many streams as in Envoy; each other field of http2_protocol_options has a line', () => {
    const http2_protocol_options = {
      max_concurrent_streams: 5,
      initial_stream_window_size: 65_536,
      connection_keepalive: { interval: '30s', timeout: '5s' },
    };
    const { client, noteOf } = imported({ cluster: { http2_protocol_options } });
    expect(client.connections?.maxConcurrentStreams).toBe(5);
    expect(noteOf('initial_stream_window_size')).toMatch(/^unmapped: /);
    expect(noteOf('connection_keepalive')).toMatch(/^unmapped: /);
  });

  it('have attempts of at most max_stream_duration', () => {
    const cluster = options({ common_http_protocol_options: { max_stream_duration: '2s' } });
    expect(imported({ cluster }).client.timeouts).toMatchObject({ attempt: '2s', total: '15s' });
    const route = { retry_policy: { retry_on: '5xx', per_try_timeout: '1s' } };
    expect(imported({ cluster, route }).client.timeouts).toMatchObject({ attempt: '1s' });
  });
});

describe('limits of time', () => {
  it.each<[string, Parts, object]>([
    ['nothing', {}, { total: '15s' }],
    ['timeout: 0', { route: { timeout: '0s' } }, { total: false, idle: '300s' }],
    ['no timeout and no idle timeout', { route: { timeout: '0s', idle_timeout: '0s' } }, { total: false }],
    [
      'max_stream_duration replaces timeout',
      { route: { timeout: '1s', max_stream_duration: { max_stream_duration: '5s' } } },
      { total: '5s' },
    ],
    [
      'max_stream_duration of 0 is no limit',
      { route: { timeout: '1s', max_stream_duration: { max_stream_duration: '0s' } } },
      { total: false, idle: '300s' },
    ],
    [
      'max_stream_duration of the manager stands beside timeout',
      { route: { timeout: '9s' }, manager: { common_http_protocol_options: { max_stream_duration: '5s' } } },
      { total: '5s' },
    ],
    ['an idle timeout above the total is never reached', { route: { idle_timeout: '20s' } }, { total: '15s' }],
    ['an idle timeout of the manager', { manager: { stream_idle_timeout: '5s' } }, { total: '15s', idle: '5s' }],
    [
      'an idle timeout of the route goes first',
      { route: { idle_timeout: '2s' }, manager: { stream_idle_timeout: '1s' } },
      { total: '15s', idle: '2s' },
    ],
    [
      'the shorter of two idle timeouts',
      { route: { idle_timeout: '2s', retry_policy: { retry_on: '5xx', per_try_idle_timeout: '1s' } } },
      { total: '15s', idle: '1s' },
    ],
  ])('%s', (_, parts, timeouts) => {
    expect(imported(parts).client.timeouts).toEqual({ connect: '5s', attempt: false, ...timeouts });
  });
});

describe('hedge_on_per_try_timeout', () => {
  const hedge_policy = { hedge_on_per_try_timeout: true };
  const retry_policy = { retry_on: '5xx', per_try_timeout: '0.4s', num_retries: 2 };

  it('becomes a hedge after per_try_timeout, which ends no attempt', () => {
    const { client } = imported({ route: { hedge_policy, retry_policy } });
    expect(client.hedging).toEqual({ delay: '400ms', maxHedges: 2, budget: 2 });
    expect(client.timeouts?.attempt).toBe(false);
  });

  it.each<object>([
    { hedge_policy },
    { hedge_policy, retry_policy: { ...retry_policy, num_retries: 0 } },
    { hedge_policy, retry_policy: { retry_on: '5xx' } },
    { hedge_policy: { hedge_on_per_try_timeout: false }, retry_policy },
    { hedge_policy: { initial_requests: 3 }, retry_policy },
  ])('has no effect in %j', (route) => {
    expect(imported({ route }).client.hedging).toBeUndefined();
  });
});

const always = { default_value: { numerator: 100 } };
const limiter = (fields: object) => ({
  name: 'envoy.filters.http.local_ratelimit',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
    stat_prefix: 'limit',
    ...fields,
  },
});

describe('the local rate limit', () => {
  const token_bucket = { max_tokens: 20, tokens_per_fill: 5, fill_interval: '0.5s' };

  it('rejects at once what is above it', () => {
    const filters = [limiter({ token_bucket, filter_enabled: always, filter_enforced: always })];
    expect(imported({ filters }).client.rateLimit).toEqual({
      requests: 5,
      per: '500ms',
      burst: 20,
      countRetries: false,
      maxPending: 0,
      serverHeaders: false,
    });
  });

  it.each<object>([
    { token_bucket },
    { token_bucket, filter_enabled: always },
    { token_bucket, filter_enforced: always },
    { token_bucket, filter_enabled: always, filter_enforced: { default_value: { numerator: 50 } } },
    { filter_enabled: always, filter_enforced: always },
  ])('is not taken over in %j', (fields) => {
    expect(imported({ filters: [limiter(fields)] }).client.rateLimit).toBeUndefined();
  });
});

describe('faults', () => {
  const filter = (fields: object) => ({
    name: 'envoy.filters.http.fault',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault',
      abort: { http_status: 503, percentage: { numerator: 100 } },
      ...fields,
    },
  });

  it.each<[object, unknown]>([
    [{ name: 'x-a' }, true],
    [{ name: 'x-a', present_match: true }, true],
    [{ name: 'x-a', present_match: false }, false],
    [{ name: 'x-a', present_match: true, invert_match: true }, false],
    [{ name: 'x-a', exact_match: 'on' }, 'on'],
    [{ name: 'x-a', string_match: { exact: 'on' } }, 'on'],
  ])('match %j', (matcher, value) => {
    const { client } = imported({ filters: [filter({ headers: [matcher] })] });
    expect(client.fault).toEqual({ abort: { status: 503, fraction: 1 }, match: { headers: { 'x-a': value } } });
  });

  it.each<object>([
    { headers: [{ name: 'x-a', string_match: { prefix: 'o' } }] },
    { headers: [{ name: 'x-a', string_match: { exact: 'on' }, invert_match: true }] },
    { headers: [{ name: 'x-a', string_match: { exact: 'on', ignore_case: true } }] },
    { headers: [{ name: 'x-a', range_match: { start: 1, end: 2 } }] },
    { headers: [{ name: ':path', exact_match: '/' }] },
    { headers: [{ name: 'x-a' }, { name: 'x-a', exact_match: 'on' }] },
    { downstream_nodes: ['one'] },
    { upstream_cluster: 'other' },
    { abort: { header_abort: {}, percentage: { numerator: 100 } } },
  ])('are never injected more often than in Envoy: %j', (fields) => {
    expect(imported({ filters: [filter(fields)] }).client.fault).toBeUndefined();
  });
});
