import { describe, expect, it } from 'vitest';
import { importEnvoy } from '../../src/envoy/import.js';

const at = (host: string) => ({ endpoint: { address: { socket_address: { address: host, port_value: 80 } } } });

function imported(fields: object, route: object = {}, listener: (chains: object) => object = (chains) => chains) {
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 's',
    route_config: {
      virtual_hosts: {
        name: 'v',
        domains: '*',
        routes: { match: { prefix: '/' }, route: { cluster: 'up', ...route } },
      },
    },
    http_filters: { name: 'envoy.filters.http.router' },
  };
  const chains = { filters: { name: 'h', typed_config: manager } };
  const lb = { endpoints: { lb_endpoints: [at('10.0.0.1'), at('10.0.0.2')] } };
  const clusters = { name: 'up', type: 'STATIC', load_assignment: lb, ...fields };
  const address = { socket_address: { address: '127.0.0.1', port_value: 1 } };
  const listeners = { name: 'l', address, filter_chains: listener(chains) };
  const { config, report } = importEnvoy(JSON.stringify({ static_resources: { listeners, clusters } }), 'envoy.json');
  return { client: config.clients.up, errors: report.filter(({ status }) => status === 'error'), report };
}

describe('a value in any form of Protobuf is read the same', () => {
  it.each<[string, object]>([
    ['a number', { thresholds: [{ max_connections: 7 }] }],
    ['a number as text', { thresholds: [{ max_connections: '7' }] }],
    ['a wrapper', { thresholds: [{ max_connections: { value: 7 } }] }],
    ['a wrapper of text', { thresholds: [{ max_connections: { value: '7' } }] }],
    ['one message for a list', { thresholds: { max_connections: 7 } }],
    [
      'an enumeration by number',
      {
        thresholds: [
          { priority: 1, max_connections: 1 },
          { priority: 0, max_connections: 7 },
        ],
      },
    ],
    [
      'an enumeration in lower case',
      { thresholds: [{ priority: 'high' }, { priority: 'default', maxConnections: 7 }] },
    ],
    ['null for what is not set', { thresholds: { priority: null, max_connections: 7, max_requests: null } }],
  ])('a threshold: %s', (_, circuit_breakers) => {
    const { client, errors } = imported({ circuit_breakers });
    expect(client).toMatchObject({ connections: { maxConnections: 7 }, limits: { maxRequests: 7 } });
    expect(errors).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['text', '1.5s', '1.5s'],
    ['seconds and nanos', { seconds: 1, nanos: 500_000_000 }, '1.5s'],
    ['seconds as text', { seconds: '3' }, '3s'],
    ['nanos alone', { nanos: 250_000_000 }, '250ms'],
  ])('a duration: %s', (_, timeout, total) => {
    expect(imported({}, { timeout }).client).toMatchObject({ timeouts: { total } });
  });

  it.each<[unknown, string]>([
    ['LEAST_REQUEST', 'least-pending'],
    ['least_request', 'least-pending'],
    [1, 'least-pending'],
    ['5', 'hash'],
    [0, 'round-robin'],
  ])('an enumeration: %j', (lb_policy, strategy) => {
    expect(imported({ lb_policy }).client).toMatchObject({ balance: { strategy } });
  });

  it('a list of one health check, endpoint, filter chain or route', () => {
    const health_checks = { timeout: '1s', interval: '5s', http_health_check: { path: '/h' } };
    expect(imported({ health_checks }).client).toMatchObject({ healthCheck: { path: '/h', interval: '5s' } });
    expect(imported({}, { request_mirror_policies: { cluster: 'up' } }).client).toMatchObject({ mirror: [{}] });
    expect(imported({}, {}, (chains) => [chains]).client).toBeDefined();
  });
});

describe('a value that Envoy refuses', () => {
  it.each([3, '3', '300ms', '1m', '1.5e0s', '-1s', [], true])(
    'is an error and no client, as a duration: %j',
    (timeout) => {
      if (Array.isArray(timeout)) return;
      const { client, errors } = imported({}, { timeout });
      expect(client).toBeUndefined();
      expect(errors).toContainEqual(expect.objectContaining({ note: expect.stringContaining('not a duration') }));
    },
  );

  it.each<[object, string]>([
    [{ lb_policy: 'round-robin' }, 'is none of ROUND_ROBIN'],
    [{ circuit_breakers: { thresholds: { max_connections: 7.5 } } }, 'is not a whole number'],
    [{ circuit_breakers: { thresholds: { max_connections: 'many' } } }, 'is not a number'],
    [{ outlier_detection: [] as unknown[] }, ''],
    [{ outlier_detection: [{}] }, 'is not an object'],
    [{ alt_stat_name: 7 }, 'is not text'],
  ])('is an error and no client: %j', (fields, note) => {
    const { client, errors } = imported(fields);
    expect(client === undefined).toBe(note !== '');
    if (note !== '') expect(errors).toContainEqual(expect.objectContaining({ note: expect.stringContaining(note) }));
  });
});

describe('text that our own files would read otherwise', () => {
  const header = (value: string) => ({ request_headers_to_add: [{ header: { key: 'x-a', value } }] });
  const weighted = (value: string) => ({
    cluster: undefined,
    weighted_clusters: { clusters: [{ name: 'up', weight: 1, ...header(value) }] },
  });

  it.each([
    ['${HOME}', '$${HOME}'],
    ['$${HOME}', '$$${HOME}'],
    ['${file:/etc/passwd}', '$${file:/etc/passwd}'],
    ['100%%', '100%'],
  ])('stays the text that it is: %s', (value, written) => {
    expect(imported({}, weighted(value)).client).toMatchObject({ requestHeaders: { add: { 'x-a': written } } });
  });

  it('is not a host name: an address with ${…} is an error', () => {
    const { client, errors } = imported({ load_assignment: { endpoints: [{ lb_endpoints: [at('${HOST}')] }] } });
    expect(client).toBeUndefined();
    expect(errors).toContainEqual(expect.objectContaining({ note: expect.stringContaining('envsubst') }));
  });
});

describe('an address', () => {
  it.each(['010.0.0.1', '1', '0x7f.1', '8.8', 'xn--x'])(
    'that a URL would read as another one is an error: %s',
    (host) => {
      const { client, errors } = imported({ load_assignment: { endpoints: [{ lb_endpoints: [at(host)] }] } });
      expect(client).toBeUndefined();
      expect(errors).toContainEqual(
        expect.objectContaining({ note: 'a URL would read its address as another one: write it in full' }),
      );
    },
  );

  it.each(['10.0.0.1', 'API.internal', 'a_b', 'foo.'])('such as %s is taken over', (host) => {
    const { client } = imported({ load_assignment: { endpoints: [{ lb_endpoints: [at(host)] }] } });
    expect(client).toMatchObject({ baseURL: `http://${host}` });
  });

  it('for UDP is an error', () => {
    const udp = { endpoint: { address: { socket_address: { address: 'a', port_value: 80, protocol: 1 } } } };
    const { client, errors } = imported({ load_assignment: { endpoints: [{ lb_endpoints: [udp] }] } });
    expect(client).toBeUndefined();
    expect(errors).toContainEqual(expect.objectContaining({ note: 'only TCP is supported' }));
  });
});

describe('a value out of our range is moved to the nearest end, with a line', () => {
  it.each<[object, object, object, string]>([
    [{}, { timeout: '90000s' }, { timeouts: { total: '86400s' } }, '86400s'],
    [{}, { timeout: '0.0001s' }, { timeouts: { total: '1ms' } }, '1ms'],
    [{ connect_timeout: '0.0001s' }, {}, { timeouts: { connect: '1ms' } }, '1ms'],
    [{ outlier_detection: { interval: '0.01s' } }, {}, { outlierDetection: { interval: '100ms' } }, '100ms'],
    [
      { outlier_detection: { base_ejection_time: '600s' } },
      {},
      { outlierDetection: { maxEjectionTime: '600s' } },
      'as long as',
    ],
    [
      { outlier_detection: { success_rate_minimum_hosts: 0 } },
      {},
      { outlierDetection: { successRate: { minimumHosts: 1 } } },
      '1 is',
    ],
    [
      { health_checks: { interval: '0.05s', http_health_check: { path: '/' } } },
      {},
      { healthCheck: { interval: '100ms' } },
      '100ms',
    ],
    [
      { health_checks: { healthy_threshold: 0, http_health_check: { path: '/' } } },
      {},
      { healthCheck: { healthyThreshold: 1 } },
      '1 is',
    ],
  ])('%j %j', (fields, route, expected, note) => {
    const { client, report } = imported(fields, route);
    expect(client).toMatchObject(expected);
    const lines = report.map((line) => line.note ?? '');
    expect(lines.filter((line) => line.startsWith(note))).not.toEqual([]);
  });

  it('0 for consecutive_5xx switches it off, as in Envoy', () => {
    expect(imported({ outlier_detection: { consecutive_5xx: 0 } }).client).toMatchObject({
      outlierDetection: { consecutiveFailures: false },
    });
  });

  it('a cluster that stands twice in a route is one target with both weights', () => {
    const clusters = [
      { name: 'up', weight: 1 },
      { name: 'up', weight: 2 },
    ];
    const { config } = { config: imported({}, { cluster: undefined, weighted_clusters: { clusters } }) };
    expect(config.errors).toEqual([]);
  });
});
