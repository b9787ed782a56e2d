/** Endpoints, balancing, outliers and checks of Envoy's clusters: what becomes of each shape of a file. */
import { describe, expect, it } from 'vitest';
import { checkText } from '../../src/cli/checks/configuration.js';
import { importEnvoy } from '../../src/envoy/import.js';

const host = (address: string, more: object = {}, endpoint: object = {}) => ({
  endpoint: { address: { socket_address: { address, port_value: 443 } }, ...endpoint },
  ...more,
});
const typed = (type: string, fields: object = {}) => ({
  '@type': `type.googleapis.com/envoy.extensions.${type}`,
  ...fields,
});
const tls = (fields: object = {}) => ({
  transport_socket: {
    name: 'tls',
    typed_config: typed('transport_sockets.tls.v3.UpstreamTlsContext', {
      common_tls_context: { validation_context: { trusted_ca: { filename: '/ca.pem' } } },
      ...fields,
    }),
  },
});
const policy = (type: string, fields: object = {}) => ({
  policies: [{ typed_extension_config: { name: 'p', typed_config: typed(`load_balancing_policies.${type}`, fields) } }],
});

/** The client made of a cluster with these localities; `root` goes beside the clusters. */
function imported(
  fields: object,
  localities: object[] = [{ lb_endpoints: [host('10.0.0.1'), host('10.0.0.2')] }],
  root = {},
  route = {},
) {
  const cluster = { name: 'up', type: 'STATIC', load_assignment: { endpoints: localities }, ...fields };
  const manager = typed('filters.network.http_connection_manager.v3.HttpConnectionManager', {
    route_config: {
      virtual_hosts: [
        { name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'up', ...route } }] },
      ],
    },
  });
  const address = { socket_address: { address: '127.0.0.1', port_value: 1 } };
  const listeners = [{ name: 'l', address, filter_chains: [{ filters: [{ name: 'h', typed_config: manager }] }] }];
  const text = JSON.stringify({ ...root, static_resources: { listeners, clusters: [cluster] } });
  const { config, report, yaml } = importEnvoy(text, 'envoy.json');
  expect(checkText(yaml, 'clients.yaml', { env: {}, files: false }).errors).toEqual([]);
  const notes = (field: string) =>
    report.filter(({ from }) => from.includes(field)).map(({ status, note = '' }) => `${status} ${note}`.trim());
  return { client: config.clients.up ?? {}, notes, report };
}

const one = [{ lb_endpoints: [host('api.internal')] }];

describe('STRICT_DNS', () => {
  const dns = (fields: object, localities: object[] = one) =>
    imported({ type: 'STRICT_DNS', ...fields }, localities).client;

  it.each<[string, object]>([
    ['outlier detection', { outlier_detection: {} }],
    ['health checks', { health_checks: [{ http_health_check: { path: '/' } }] }],
    ['a policy', { lb_policy: 'LEAST_REQUEST' }],
    ['an extension policy', { load_balancing_policy: policy('random.v3.Random') }],
    ['a panic threshold', { common_lb_config: { healthy_panic_threshold: { value: 20 } } }],
  ])('with %s makes each address an endpoint', (_, fields) => {
    expect(dns(fields)).toMatchObject({
      baseURL: 'http://api.internal:443',
      endpoints: { dns: { address: 'api.internal:443', refresh: '5s' } },
      balance: { slowStart: '0s' },
    });
  });

  it('without any of these stays one host, and so does LOGICAL_DNS, and an address', () => {
    expect(dns({})).not.toHaveProperty('endpoints');
    expect(dns({ type: 'LOGICAL_DNS', outlier_detection: {} })).not.toHaveProperty('endpoints');
    expect(dns({ outlier_detection: {} }, [{ lb_endpoints: [host('10.0.0.1')] }])).not.toHaveProperty('endpoints');
  });

  it('by cluster_type is read like that by type', () => {
    const cluster_type = (fields: object) => ({
      type: undefined,
      outlier_detection: {},
      cluster_type: { name: 'envoy.clusters.dns', typed_config: typed('clusters.dns.v3.DnsCluster', fields) },
    });
    const details = { respect_dns_ttl: true, dns_lookup_family: 'V4_ONLY' };
    expect(dns(cluster_type(details))).toMatchObject({ endpoints: { dns: { refresh: 'ttl', family: 'ipv4' } } });
    expect(dns(cluster_type({ all_addresses_in_single_endpoint: true }))).not.toHaveProperty('endpoints');
    const old = { type: undefined, outlier_detection: {} };
    expect(dns({ ...old, cluster_type: { name: 'envoy.cluster.strict_dns' } })).toHaveProperty('endpoints');
    expect(dns({ ...old, cluster_type: { name: 'envoy.cluster.logical_dns' } })).not.toHaveProperty('endpoints');
  });

  it('with several names has each with its own weight, priority and name, and a server name with TLS', () => {
    const names = [
      { lb_endpoints: [host('a.internal', { load_balancing_weight: 3 }), host('10.0.0.1')] },
      { priority: 1, lb_endpoints: [host('b.internal')] },
    ];
    expect(dns({ dns_refresh_rate: { seconds: 30 } }, names).endpoints).toEqual({
      dns: {
        names: [
          { address: 'a.internal:443', weight: 3 },
          { address: '10.0.0.1:443' },
          { address: 'b.internal:443', priority: 1 },
        ],
        refresh: '30s',
      },
    });
    expect(dns(tls(), [{ lb_endpoints: [host('a.internal'), host('b.internal')] }])).toMatchObject({
      baseURL: 'https://a.internal',
      endpoints: {
        dns: {
          names: [
            { address: 'a.internal:443', serverName: 'a.internal' },
            { address: 'b.internal:443', serverName: 'b.internal' },
          ],
        },
      },
    });
  });
});

describe('names of endpoints with TLS', () => {
  const hosts = (...all: object[]) => [{ lb_endpoints: all }];

  it('are each verified by their own, and an address without a name by the address', () => {
    const { client } = imported(
      tls(),
      hosts(
        host('10.0.0.1', {}, { hostname: 'a.test' }),
        host('10.0.0.2'),
        host('10.0.0.3', {}, { hostname: 'b.test' }),
      ),
    );
    expect(client).toMatchObject({
      baseURL: 'https://10.0.0.2',
      endpoints: { static: [{ serverName: 'a.test' }, { address: '10.0.0.2:443' }, { serverName: 'b.test' }] },
    });
    expect((client.endpoints as { static: object[] }).static[1]).not.toHaveProperty('serverName');
  });

  it('are replaced by sni, unless auto_host_sni is true', () => {
    const named = hosts(host('10.0.0.1', {}, { hostname: 'a.test' }), host('10.0.0.2', {}, { hostname: 'b.test' }));
    const plain = imported(tls({ sni: 'all.test' }), named).client;
    expect(plain).toMatchObject({ tls: { serverName: 'all.test' } });
    expect(JSON.stringify(plain)).not.toContain('a.test');
    expect(imported(tls({ sni: 'all.test', auto_host_sni: true }), named).client).toMatchObject({
      tls: { serverName: 'all.test' },
      endpoints: { static: [{ serverName: 'a.test' }, { serverName: 'b.test' }] },
    });
  });

  it('of one endpoint is the server name of the client', () => {
    expect(imported(tls(), hosts(host('10.0.0.1', {}, { hostname: 'a.test' }))).client).toMatchObject({
      baseURL: 'https://10.0.0.1',
      tls: { serverName: 'a.test' },
    });
    expect(imported({}, hosts(host('10.0.0.1', {}, { hostname: 'a.test' }))).client).not.toHaveProperty('tls');
  });
});

describe('priorities and health', () => {
  it('are kept, by any spelling, with the factor in percent', () => {
    const localities = [
      { lb_endpoints: [host('10.0.0.1', { healthStatus: 2 }), host('10.0.0.2', { health_status: 'Draining' })] },
      {
        priority: '1',
        lb_endpoints: [host('10.0.0.3', { health_status: 'DEGRADED' }), host('10.0.0.4', { health_status: 1 })],
      },
    ];
    const load_assignment = { endpoints: localities, policy: { overprovisioningFactor: { value: 120 } } };
    const { client } = imported({ load_assignment });
    expect(client.endpoints).toEqual({
      static: [
        { address: '10.0.0.1:443', health: 'unhealthy' },
        { address: '10.0.0.2:443', health: 'draining' },
        { address: '10.0.0.3:443', priority: 1, health: 'degraded' },
        { address: '10.0.0.4:443', priority: 1 },
      ],
    });
    expect(client.balance).toMatchObject({ overprovisioningFactor: 1.2 });
  });

  it('need no factor where there is one priority', () => {
    const load_assignment = {
      endpoints: [{ lb_endpoints: [host('10.0.0.1'), host('10.0.0.2')] }],
      policy: { overprovisioning_factor: 120, drop_overloads: [{ category: 'x', drop_percentage: { numerator: 5 } }] },
    };
    const { client, notes } = imported({ load_assignment });
    expect(client.balance).toEqual({ strategy: 'round-robin', slowStart: '0s' });
    expect(notes('overprovisioning')).toEqual([
      'exact not used, as in Envoy: all endpoints are of one priority, and none is degraded',
    ]);
    expect(notes('drop_overloads')).toEqual([expect.stringMatching(/^unmapped/)]);
  });
});

describe('weights of localities', () => {
  const localities = [
    {
      locality: { zone: 'a' },
      load_balancing_weight: 2,
      lb_endpoints: [host('10.0.0.1', { load_balancing_weight: 3 }), host('10.0.0.2')],
    },
    {
      locality: { zone: 'b' },
      load_balancing_weight: { value: 1 },
      lb_endpoints: [host('10.0.0.3'), host('10.0.0.4'), host('10.0.0.5')],
    },
    { locality: { zone: 'c' }, lb_endpoints: [host('10.0.0.6')] },
  ];
  const weights = (fields: object) =>
    (imported(fields, localities).client.endpoints as { static: { weight?: number }[] }).static.map(
      ({ weight }) => weight,
    );

  it.each<[string, object]>([
    ['common_lb_config', { common_lb_config: { locality_weighted_lb_config: {} } }],
    [
      'an extension',
      {
        load_balancing_policy: policy('round_robin.v3.RoundRobin', {
          locality_lb_config: { localityWeightedLbConfig: {} },
        }),
      },
    ],
    ['a ring', { load_balancing_policy: policy('ring_hash.v3.RingHash', { locality_weighted_lb_config: {} }) }],
    [
      'WrrLocality',
      {
        load_balancing_policy: policy('wrr_locality.v3.WrrLocality', {
          endpoint_picking_policy: policy('client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin'),
        }),
      },
    ],
  ])('are divided among their endpoints by %s; one without a weight gets nothing', (_, fields) => {
    expect(weights(fields)).toEqual([9, 3, 2, 2, 2]);
  });

  it('are not used without it', () => {
    expect(weights({})).toEqual([3, undefined, undefined, undefined, undefined, undefined]);
  });

  it('of any size become weights that load', () => {
    const large = [1, 4_294_967_295].map((weight, zone) => ({
      load_balancing_weight: weight,
      lb_endpoints: [host(`10.0.${zone}.1`, { load_balancing_weight: 4_000_000_007 }), host(`10.0.${zone}.2`)],
    }));
    const { client } = imported({ common_lb_config: { locality_weighted_lb_config: {} } }, large);
    for (const { weight } of (client.endpoints as { static: { weight: number }[] }).static) {
      expect(weight).toBeGreaterThanOrEqual(1);
      expect(weight).toBeLessThanOrEqual(4_294_967_295);
    }
  });
});

describe('the zone of the service', () => {
  const zones = ['a', 'b', 'a'].map((zone, i) => ({
    locality: { zone },
    lb_endpoints: [host(`10.0.0.${i}`), host(`10.0.1.${i}`)],
  }));
  const aware = (fields = {}) => ({ common_lb_config: { zone_aware_lb_config: fields } });

  it('is preferred where Envoy would prefer it', () => {
    const node = { node: { locality: { zone: 'a' } }, cluster_manager: { local_cluster_name: 'mine' } };
    expect(imported(aware(), zones, node).client.balance).toMatchObject({ zone: 'a' });
    expect(imported(aware({ min_cluster_size: 7 }), zones, node).client.balance).not.toHaveProperty('zone');
    expect(imported(aware({ routing_enabled: { value: 0 } }), zones, node).client.balance).not.toHaveProperty('zone');
    const { cluster_manager: _, ...alone } = node;
    expect(imported(aware(), zones, alone).client.balance).not.toHaveProperty('zone');
    expect(imported(aware(), zones).notes('zone_aware')).toEqual([expect.stringMatching(/^unmapped/)]);
  });
});

describe('a policy', () => {
  it.each<[object, object]>([
    [{}, { strategy: 'round-robin', slowStart: '0s' }],
    [{ lb_policy: 3 }, { strategy: 'random', slowStart: '0s' }],
    [{ lbPolicy: 'maglev' }, { strategy: 'hash', slowStart: '0s' }],
    [
      { lb_policy: 'ROUND_ROBIN', round_robin_lb_config: { slow_start_config: { slow_start_window: '60s' } } },
      { strategy: 'round-robin', slowStart: '60s' },
    ],
    [
      {
        load_balancing_policy: policy('least_request.v3.LeastRequest', {
          slow_start_config: { slow_start_window: '5s' },
        }),
      },
      { strategy: 'least-pending', slowStart: '5s' },
    ],
    [
      {
        load_balancing_policy: {
          policies: [...policy('cycle.v3.Cycle').policies, ...policy('random.v3.Random').policies],
        },
      },
      { strategy: 'random', slowStart: '0s' },
    ],
    [{ lb_policy: 'CLUSTER_PROVIDED' }, { strategy: 'round-robin', slowStart: '0s' }],
  ])('%j', (fields, balance) => {
    expect(imported(fields).client.balance).toEqual(balance);
  });

  it('is that of load_balancing_policy, and details of others are not used', () => {
    const { client, notes } = imported({
      lb_policy: 'LOAD_BALANCING_POLICY_CONFIG',
      load_balancing_policy: policy('random.v3.Random'),
      round_robin_lb_config: { slow_start_config: { slow_start_window: '60s' } },
    });
    expect(client.balance).toEqual({ strategy: 'random', slowStart: '0s' });
    expect([...notes('lb_policy'), ...notes('round_robin')]).toEqual(
      Array(2).fill('exact not used, as in Envoy: the policy is RANDOM'),
    );
    const byName = imported({ least_request_lb_config: { slow_start_config: { slow_start_window: '60s' } } });
    expect(byName.client.balance).toEqual({ strategy: 'round-robin', slowStart: '0s' });
  });

  it('of one endpoint, its weight, priority and health are not used', () => {
    const only = [
      { priority: 0, lb_endpoints: [host('10.0.0.1', { load_balancing_weight: 2, health_status: 'UNHEALTHY' })] },
    ];
    const { client, report } = imported({ lb_policy: 'RANDOM' }, only);
    expect(client).not.toHaveProperty('balance');
    const lines = report.filter(({ from }) => /lb_policy|priority|weight|health/.test(from)).map(({ note }) => note);
    expect(lines).toEqual(Array(4).fill('not used, as in Envoy: there is only one endpoint'));
  });

  it('has a line for each of its details', () => {
    const { report } = imported({
      lb_policy: 'LEAST_REQUEST',
      least_request_lb_config: {
        choice_count: 3,
        active_request_bias: { default_value: 1 },
        slow_start_config: {
          slow_start_window: '5s',
          aggression: { default_value: 2 },
          min_weight_percent: { value: 20 },
        },
      },
      common_lb_config: { close_connections_on_host_set_change: true, ignore_new_hosts_until_first_hc: true },
      lb_subset_config: { fallback_policy: 'ANY_ENDPOINT' },
    });
    expect(report.map(({ note }) => note)).not.toContain('not taken over: the import does not know this field');
    for (const name of ['choice_count', 'active_request_bias', 'aggression', 'min_weight_percent', 'lb_subset_config'])
      expect(report.find(({ from }) => from.endsWith(name))?.note, name).toBeDefined();
  });
});

describe('hash_policy', () => {
  const hashed = (hash_policy: unknown, fields: object = { lb_policy: 'RING_HASH' }) =>
    imported(fields, undefined, {}, { hash_policy });

  it.each<[unknown, object]>([
    [[{ header: { header_name: 'x-user' } }], { hashHeader: 'x-user' }],
    [{ header: { headerName: 'x-user' }, terminal: true }, { hashHeader: 'x-user' }],
    [[{ cookie: { name: 'session', ttl: '0s' } }], { hashOn: [{ cookie: 'session' }] }],
    [[{ query_parameter: { name: 'tenant' } }], { hashOn: [{ query: 'tenant' }] }],
    [[{ connection_properties: { source_ip: true } }], { hashOn: [{ value: '127.0.0.1' }] }],
    [
      [{ header: { header_name: 'x-user' }, terminal: true }, { connectionProperties: { sourceIp: true } }],
      { hashOn: [{ header: 'x-user', terminal: true }, { value: '127.0.0.1' }] },
    ],
  ])('%j', (hash_policy, expected) => {
    const { client } = hashed(hash_policy);
    expect(client.balance).toMatchObject({ strategy: 'hash', ...expected });
  });

  it('is not used where the cluster does not hash, or has one of its own', () => {
    const byUser = [{ header: { header_name: 'x-user' } }];
    expect(hashed(byUser, {}).client.balance).toEqual({ strategy: 'round-robin', slowStart: '0s' });
    const own = { consistent_hashing_lb_config: { hash_policy: [{ header: { header_name: 'x-own' } }] } };
    const { client, notes } = hashed(byUser, { load_balancing_policy: policy('maglev.v3.Maglev', own) });
    expect(client.balance).toMatchObject({ hashHeader: 'x-own' });
    expect(notes('route.hash_policy')).toEqual([
      'exact not used, as in Envoy: the cluster has a hash_policy of its own',
    ]);
  });
});

describe('outlier detection', () => {
  it.each<[object, object]>([
    [{}, { alwaysEjectOneHost: false }],
    [
      {
        consecutive_5xx: 3,
        enforcing_consecutive_5xx: 0,
        consecutive_gateway_failure: 2,
        enforcing_consecutive_gateway_failure: 100,
      },
      { consecutiveFailures: false, consecutiveGatewayFailures: 2, alwaysEjectOneHost: false },
    ],
    [{ enforcing_consecutive_gateway_failure: '50' }, { consecutiveGatewayFailures: 5, alwaysEjectOneHost: false }],
    [{ consecutive_gateway_failure: 2 }, { alwaysEjectOneHost: false }],
    [
      {
        enforcing_success_rate: 0,
        enforcing_failure_percentage: 100,
        failure_percentage_threshold: 60,
        failurePercentageMinimumHosts: 2,
      },
      { successRate: false, failurePercentage: { threshold: 60, minimumHosts: 2 }, alwaysEjectOneHost: false },
    ],
    [{ always_eject_one_host: true }, { alwaysEjectOneHost: true }],
  ])('%j', (outlier_detection, expected) => {
    expect(imported({ outlier_detection }).client.outlierDetection).toEqual(expected);
  });

  it('says of a percentage between 0 and 100 that it is enforced in all cases', () => {
    const { notes } = imported({ outlier_detection: { enforcing_consecutive_5xx: 30 } });
    expect(notes('enforcing_consecutive_5xx')).toEqual(['difference enforced in all cases, not in 30 % of them']);
  });

  it('has a warning where the percentage allows no ejection at all', () => {
    const warnings = (outlier_detection: object) =>
      imported({ outlier_detection })
        .report.filter(({ status }) => status === 'warning')
        .map(({ note }) => note);
    expect(warnings({})).toEqual([expect.stringMatching(/^no endpoint was ever ejected: 10 % of 2 endpoints/)]);
    for (const enough of [{ max_ejection_percent: 50 }, { always_eject_one_host: true }])
      expect(warnings(enough)).toEqual([]);
  });

  it('of one endpoint is left out with a line', () => {
    const { client, notes } = imported({ outlier_detection: { consecutive_5xx: 1 } }, [
      { lb_endpoints: [host('10.0.0.1')] },
    ]);
    expect(client).not.toHaveProperty('outlierDetection');
    expect(notes('outlier_detection')).toEqual([expect.stringMatching(/only one endpoint/)]);
  });
});

describe('health checks', () => {
  const checked = (http: object, more: object = {}, config: object = {}) =>
    imported(
      {
        health_checks: [
          {
            timeout: '1s',
            interval: '5s',
            unhealthy_threshold: 2,
            healthy_threshold: 1,
            http_health_check: { path: '/up', ...http },
            ...more,
          },
        ],
      },
      [{ lb_endpoints: ['10.0.0.1', '10.0.0.2'].map((ip) => host(ip, {}, { health_check_config: config })) }],
    );

  it('keep method, host, headers, port and statuses', () => {
    const http = {
      method: 'head',
      host: 'checks.test',
      request_headers_to_add: [
        { header: { key: 'x-probe', value: '100%%' } },
        { header: { key: 'x-op', value: '%PROTOCOL%' } },
      ],
      request_headers_to_remove: ['user-agent'],
      expected_statuses: { start: 200, end: 202 },
      retriableStatuses: [{ start: '503', end: '504' }],
    };
    const { client, notes } = checked(http, {}, { port_value: 9000 });
    expect(client.healthCheck).toEqual({
      path: '/up',
      method: 'HEAD',
      headers: { host: 'checks.test', 'x-probe': '100%' },
      port: 9000,
      interval: '5s',
      timeout: '1s',
      unhealthyThreshold: 2,
      healthyThreshold: 1,
      expectedStatuses: [200, 201],
      retriableStatuses: [503],
    });
    expect(notes('request_headers_to_add[1]')).toEqual([expect.stringMatching(/^unmapped/)]);
  });

  it('take the hostname of endpoints before the host', () => {
    expect(checked({ host: 'checks.test' }, {}, { hostname: 'own.test' }).client.healthCheck).toMatchObject({
      headers: { host: 'own.test' },
    });
  });

  it('have a line for each field that has no counterpart', () => {
    const { report } = checked(
      { codec_client_type: 'HTTP2', service_name_matcher: { prefix: 'up' }, receive: [{ text: '6f6b' }] },
      {
        ...{
          unhealthy_interval: '1s',
          unhealthy_edge_interval: '1s',
          healthy_edge_interval: '1s',
          no_traffic_interval: '1s',
        },
        ...{ initial_jitter: '1s', interval_jitter: '1s', interval_jitter_percent: 5, reuse_connection: false },
        ...{
          tls_options: { alpn_protocols: ['h2'] },
          transport_socket_match_criteria: { a: 'b' },
          event_log_path: '/log',
        },
      },
      { disable_active_health_check: true },
    );
    expect(report.map(({ note }) => note)).not.toContain('not taken over: the import does not know this field');
    expect(
      report.filter(({ status, from }) => status !== 'exact' && from.includes('health_check')).length,
    ).toBeGreaterThan(14);
  });

  it('of TCP or gRPC have a line that says so', () => {
    for (const kind of ['tcp_health_check', 'grpc_health_check'])
      expect(imported({ health_checks: [{ [kind]: {} }] }).notes('health_checks[0]')).toEqual([
        expect.stringMatching(/^unmapped only HTTP/),
      ]);
  });
});

describe('rare fields', () => {
  it('have lines', () => {
    const { notes } = imported({ outlier_detection: { monitors: [{ name: 'errors' }] } });
    expect(notes('monitors')).toEqual(['unmapped only the kinds of failures that outlierDetection has are counted']);
  });

  it('of retries have lines', () => {
    const { notes } = imported({}, one, {}, { retry_policy: { retry_on: '5xx', retry_options_predicates: [{}] } });
    expect(notes('retry_options_predicates')).toEqual([
      'unmapped each attempt has the options of the call: a perAttempt policy may change them',
    ]);
  });

  it('of a virtual host without a list of routes have lines', () => {
    const hosts = [{ name: 'v', domains: ['*'], matcher: { matcher_tree: {} } }];
    const typed_config = typed('filters.network.http_connection_manager.v3.HttpConnectionManager', {
      route_config: { virtual_hosts: hosts },
    });
    const listeners = [{ filter_chains: [{ filters: [{ name: 'h', typed_config }] }] }];
    const { report } = importEnvoy(JSON.stringify({ static_resources: { listeners } }), 'envoy.json');
    expect(report.map(({ note }) => note)).toEqual([
      'routes of a matcher are not read: write them into routes of the client',
    ]);
  });
});
