/** Several endpoints of one cluster: how calls are spread, and which endpoints are left out. */
import { socket } from './tls.mjs';

const three = [{}, {}, {}];
const perEndpoint = ({ seen }) =>
  [0, 1, 2].map((index) => seen.filter(({ endpoint, url }) => endpoint === index && url !== '/health').length);
const spread = (observed) => ({
  failed: observed.answers.filter(({ what }) => what !== 200).length,
  calls: perEndpoint(observed),
});
/** Whether the first endpoint, which ought to be left out, was called. */
const avoided = (observed) => ({ first: perEndpoint(observed)[0] > 0 ? 'called' : 'left out' });
const all = (observed) => ({
  failed: observed.answers.filter(({ what }) => what !== 200).length,
  used: perEndpoint(observed).filter((count) => count > 0).length,
});
const calls = (count, request = {}) => Array(count).fill(request);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const bad = [{ script: [503] }, {}, {}];
/** No panic: with it, Envoy uses every endpoint once half of them are left out. */
const calm = { common_lb_config: { healthy_panic_threshold: { value: 0 } } };
const outlier = (fields) => ({
  outlier_detection: {
    interval: '0.1s',
    base_ejection_time: '30s',
    max_ejection_percent: 100,
    enforcing_success_rate: 0,
    ...fields,
  },
  ...calm,
});
const onlyGatewayFailures = outlier({
  consecutive_5xx: 2,
  enforcing_consecutive_5xx: 0,
  consecutive_gateway_failure: 2,
  enforcing_consecutive_gateway_failure: 100,
});
const failures = ({ answers }) => ({ failed: answers.filter(({ what }) => what !== 200).length });
const checks = (fields = {}) => ({
  health_checks: [
    {
      timeout: '0.3s',
      interval: '0.2s',
      no_traffic_interval: '0.2s',
      unhealthy_threshold: 1,
      healthy_threshold: 1,
      http_health_check: { path: '/health' },
      ...fields,
    },
  ],
  ...calm,
});

/** One call, so that checks begin, then time for two checks, then twelve calls that count. */
const afterChecks = async (send, upstream) => {
  await send({});
  await pause(900);
  upstream.seen = [];
  const answers = [];
  for (let call = 0; call < 12; call++) answers.push(await send({}));
  return answers;
};

const about = (count, expected, tolerance) =>
  Math.abs(count - expected) <= tolerance ? `about ${expected}` : `${count} instead of ${expected}`;
/** Splits the endpoints into priorities of these sizes; `fields` are those of the first endpoints. */
const levels =
  (first, ...fields) =>
  (cluster) => {
    const hosts = cluster.load_assignment.endpoints[0].lb_endpoints.map((host, i) => ({ ...host, ...fields[i] }));
    cluster.load_assignment.endpoints = [
      { lb_endpoints: hosts.slice(0, first) },
      { priority: 1, lb_endpoints: hosts.slice(first) },
    ];
  };
/** Splits the endpoints into localities, each with its fields and its number of endpoints. */
const localities =
  (...parts) =>
  (cluster) => {
    const hosts = [...cluster.load_assignment.endpoints[0].lb_endpoints];
    cluster.load_assignment.endpoints = parts.map(([fields, count], index) => ({
      locality: { zone: `zone-${index}` },
      ...fields,
      lb_endpoints: hosts.splice(0, count),
    }));
  };
const named = (name) => (cluster) => {
  for (const { endpoint } of cluster.load_assignment.endpoints[0].lb_endpoints)
    endpoint.address.socket_address.address = name;
};
const extension = (name, type, fields = {}) => ({
  policies: [
    {
      typed_extension_config: {
        name: `envoy.load_balancing_policies.${name}`,
        typed_config: {
          '@type': `type.googleapis.com/envoy.extensions.load_balancing_policies.${name}.v3.${type}`,
          ...fields,
        },
      },
    },
  ],
});
const hashed = (id, hash_policy, headers = {}, path = '/') => [
  {
    id: `hash-${id}`,
    title: `\`hash_policy\` by ${id}: one endpoint`,
    cluster: { lb_policy: 'RING_HASH' },
    route: { hash_policy },
    requests: calls(12, { headers, path }),
    summary: (o) => ({ endpoints: perEndpoint(o).filter((count) => count > 0).length }),
  },
];
/** As `afterChecks`, but what was asked before counts too. */
const afterChecksSeen = async (send) => {
  const answers = [await send({})];
  await pause(300);
  return answers;
};

const list = [
  {
    id: 'round-robin',
    title: '`ROUND_ROBIN`: 30 calls over three endpoints',
    cluster: { lb_policy: 'ROUND_ROBIN' },
    requests: calls(30),
    summary: spread,
  },
  {
    id: 'default',
    title: 'no `lb_policy`: a slow endpoint gets as many of 30 calls as the others',
    upstreams: [{ script: [{ delay: 40 }] }, {}, {}],
    requests: calls(30),
    summary: (observed) => ({ even: perEndpoint(observed).every((count) => count === 10) }),
  },
  ...[0, 'round_robin'].map((lb_policy) => ({
    id: `policy-${lb_policy}`,
    title: `\`lb_policy: ${lb_policy}\`: a slow endpoint gets as many of 30 calls as the others`,
    upstreams: [{ script: [{ delay: 40 }] }, {}, {}],
    cluster: { lb_policy },
    requests: calls(30),
    summary: (observed) => ({ even: perEndpoint(observed).every((count) => count === 10) }),
  })),
  {
    id: 'check-object',
    title: '`health_checks` as one object',
    upstreams: [{ script: [503] }, { script: [200] }, { script: [200] }],
    cluster: { lb_policy: 'ROUND_ROBIN', ...checks(), health_checks: checks().health_checks[0] },
    drive: afterChecks,
    summary: avoided,
  },
  {
    id: 'outlier-split',
    title: '`split_external_local_origin_errors`: a lost connection is no bad answer',
    upstreams: [{ script: [{ reset: 'now' }] }, {}, {}],
    cluster: { lb_policy: 'ROUND_ROBIN', ...outlier({ consecutive_5xx: 2, split_external_local_origin_errors: true }) },
    requests: calls(15),
    summary: (observed) => ({ first: perEndpoint(observed)[0] > 3 ? 'called' : 'left out' }),
  },
  {
    id: 'panic-levels',
    title: 'nothing is healthy in two priorities: each gets as much as it has endpoints, whatever their weights',
    upstreams: three,
    cluster: {
      lb_policy: 'RANDOM',
      hosts: [{ health_status: 'UNHEALTHY' }, { health_status: 'UNHEALTHY' }, { health_status: 'UNHEALTHY' }],
    },
    clusterChange: levels(2, {}, {}, { load_balancing_weight: 10 }),
    requests: calls(200),
    summary: (o) => ({ standby: about(perEndpoint(o)[2], 67, 22) }),
  },
  {
    id: 'random',
    title: '`RANDOM`: every endpoint gets some of 60 calls',
    cluster: { lb_policy: 'RANDOM' },
    requests: calls(60),
    summary: all,
  },
  {
    id: 'least',
    title: '`LEAST_REQUEST`: every endpoint gets some of 60 calls',
    cluster: { lb_policy: 'LEAST_REQUEST' },
    requests: calls(60),
    summary: all,
  },
  {
    id: 'weights',
    title: '`load_balancing_weight` of 2, 1 and 1: 40 calls',
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      hosts: [{ load_balancing_weight: 2 }, { load_balancing_weight: 1 }, { load_balancing_weight: 1 }],
    },
    requests: calls(40),
    summary: spread,
  },
  {
    id: 'unhealthy',
    title: '`health_status: UNHEALTHY` gets no call',
    cluster: { hosts: [{ health_status: 'UNHEALTHY' }], ...calm },
    requests: calls(12),
    summary: avoided,
  },
  {
    id: 'draining',
    title: '`health_status: DRAINING` gets no call',
    cluster: { hosts: [{ health_status: 'DRAINING' }], ...calm },
    requests: calls(12),
    summary: avoided,
  },
  {
    id: 'priority',
    title: 'a standby of priority 1 gets no call',
    clusterChange: (cluster) => {
      const [locality] = cluster.load_assignment.endpoints;
      const [first, ...others] = locality.lb_endpoints;
      cluster.load_assignment.endpoints = [{ lb_endpoints: others }, { priority: 1, lb_endpoints: [first] }];
    },
    requests: calls(12),
    summary: avoided,
  },
  {
    id: 'locality-weights',
    title: 'localities with weights of 3 and 1 (`locality_weighted_lb_config`)',
    cluster: { common_lb_config: { locality_weighted_lb_config: {} } },
    clusterChange: (cluster) => {
      const [{ lb_endpoints: hosts }] = cluster.load_assignment.endpoints;
      cluster.load_assignment.endpoints = [
        { locality: { zone: 'a' }, load_balancing_weight: 3, lb_endpoints: hosts.slice(0, 1) },
        { locality: { zone: 'b' }, load_balancing_weight: 1, lb_endpoints: hosts.slice(1) },
      ];
    },
    requests: calls(40),
    summary: (observed) => {
      const [first] = perEndpoint(observed);
      return { first: first >= 26 && first <= 34 ? 'about 30 of 40' : first };
    },
  },
  {
    id: 'hash',
    title: '`RING_HASH` by a header: one user, one endpoint',
    cluster: { lb_policy: 'RING_HASH' },
    route: { hash_policy: [{ header: { header_name: 'x-user' } }] },
    requests: calls(12, { headers: { 'x-user': 'ada' } }),
    summary: (o) => ({ endpoints: perEndpoint(o).filter((count) => count > 0).length }),
  },
  {
    id: 'hash-many',
    title: '`MAGLEV` by a header: many users, every endpoint',
    cluster: { lb_policy: 'MAGLEV' },
    route: { hash_policy: [{ header: { header_name: 'x-user' } }] },
    requests: Array.from({ length: 60 }, (_, user) => ({ headers: { 'x-user': `u${user}` } })),
    summary: all,
  },
  {
    id: 'refused-one',
    title: 'one endpoint refuses, no retries: a third of the calls fails',
    upstreams: [{ kind: 'refused' }, {}, {}],
    cluster: { lb_policy: 'ROUND_ROBIN' },
    requests: calls(12),
    summary: spread,
  },
  {
    id: 'refused-retried',
    title: 'one endpoint refuses, `retry_on: connect-failure`: no call fails',
    upstreams: [{ kind: 'refused' }, {}, {}],
    cluster: { lb_policy: 'ROUND_ROBIN' },
    route: {
      retry_policy: {
        retry_on: 'connect-failure',
        retry_back_off: { base_interval: '0.001s', max_interval: '0.001s' },
      },
    },
    requests: calls(12),
    summary: ({ answers }) => ({ failed: answers.filter(({ what }) => what !== 200).length }),
  },
  {
    id: 'outlier',
    title: '`consecutive_5xx: 2` ejects a failing endpoint',
    upstreams: bad,
    cluster: { lb_policy: 'ROUND_ROBIN', ...outlier({ consecutive_5xx: 2 }) },
    requests: calls(30),
    summary: failures,
  },
  {
    id: 'outlier-off',
    title: '`enforcing_consecutive_5xx: 0` ejects nothing',
    upstreams: bad,
    cluster: { lb_policy: 'ROUND_ROBIN', ...outlier({ consecutive_5xx: 2, enforcing_consecutive_5xx: 0 }) },
    requests: calls(30),
    summary: failures,
  },
  {
    id: 'outlier-gateway',
    title: 'only gateway failures eject: an endpoint that answers 500 stays',
    upstreams: [{ script: [500] }, {}, {}],
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      ...onlyGatewayFailures,
    },
    requests: calls(30),
    summary: failures,
  },
  {
    id: 'outlier-gateway-503',
    title: 'only gateway failures eject: an endpoint that answers 503 goes',
    upstreams: bad,
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      ...onlyGatewayFailures,
    },
    requests: calls(30),
    summary: failures,
  },
  {
    id: 'outlier-4xx',
    title: 'answers of 404 eject nothing',
    upstreams: [{ script: [404] }, {}, {}],
    cluster: { lb_policy: 'ROUND_ROBIN', ...outlier({ consecutive_5xx: 2 }) },
    requests: calls(30),
    summary: spread,
  },
  {
    id: 'outlier-all',
    title: 'every endpoint fails, all are ejected: no endpoint is left',
    upstreams: [{ script: [503] }, { script: [503] }, { script: [503] }],
    cluster: { lb_policy: 'ROUND_ROBIN', ...outlier({ consecutive_5xx: 2 }) },
    // Envoy collects changes of health for a second before it applies them.
    drive: async (send) => {
      for (let call = 0; call < 20; call++) await send({});
      await pause(1600);
      return [await send({})];
    },
    summary: ({ answers }) => ({ last: answers.at(-1).what }),
  },
  {
    id: 'outlier-back',
    title: 'an ejected endpoint is back after `base_ejection_time: 0.4s`',
    upstreams: [{ script: [503, 503, 200] }, {}, {}],
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      ...outlier({ consecutive_5xx: 2, base_ejection_time: '0.4s', max_ejection_time: '0.4s' }),
    },
    drive: async (send, upstream) => {
      const answers = [];
      for (let call = 0; call < 12; call++) answers.push(await send({}));
      await pause(1600);
      upstream.seen = [];
      for (let call = 0; call < 12; call++) answers.push(await send({}));
      return answers;
    },
    summary: ({ answers, seen }) => ({
      failed: answers.filter(({ what }) => what !== 200).length,
      back: seen.some(({ endpoint }) => endpoint === 0),
    }),
  },
  {
    id: 'check',
    title: 'an endpoint that fails its health check gets no call',
    upstreams: [{ script: [503] }, { script: [200] }, { script: [200] }],
    cluster: { lb_policy: 'ROUND_ROBIN', ...checks() },
    drive: afterChecks,
    summary: spread,
  },
  {
    id: 'check-refused',
    title: 'an endpoint that refuses fails its health check',
    upstreams: [{ kind: 'refused' }, {}, {}],
    cluster: { lb_policy: 'ROUND_ROBIN', ...checks() },
    drive: afterChecks,
    summary: spread,
  },
  {
    id: 'check-statuses',
    title: '`expected_statuses` of 404',
    upstreams: [{ script: [404] }, {}, {}],
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      ...checks({
        http_health_check: {
          path: '/health',
          expected_statuses: [
            { start: 200, end: 201 },
            { start: 404, end: 405 },
          ],
        },
      }),
    },
    drive: afterChecks,
    summary: (o) => ({ used: perEndpoint(o).filter((count) => count > 0).length }),
  },
  {
    id: 'panic',
    title: 'panic: with two of three left out, all are used',
    upstreams: [{ script: [503] }, { script: [503] }, { script: [200] }],
    cluster: { lb_policy: 'ROUND_ROBIN', ...checks(), common_lb_config: { healthy_panic_threshold: { value: 50 } } },
    drive: afterChecks,
    summary: (o) => ({ used: perEndpoint(o).filter((count) => count > 0).length }),
  },
  {
    id: 'two-draining',
    title: 'two of three are `DRAINING`: the third gets all calls',
    cluster: { hosts: [{ health_status: 'DRAINING' }, { health_status: 'DRAINING' }] },
    requests: calls(12),
    summary: all,
  },
  ...[
    ['two-unhealthy', ['UNHEALTHY', 'UNHEALTHY']],
    ['two-timeout', ['TIMEOUT', 'TIMEOUT']],
    ['all-draining', ['DRAINING', 'DRAINING', 'DRAINING']],
    ['draining-and-unhealthy', ['DRAINING', 'UNHEALTHY']],
    ['draining-and-panic', ['DRAINING', 'UNHEALTHY', 'UNHEALTHY']],
  ].map(([id, healths]) => ({
    id,
    title: `endpoints with \`health_status\` ${healths.join(', ')}: how many of three get calls`,
    cluster: { hosts: healths.map((health_status) => ({ health_status })) },
    requests: calls(12),
    summary: (observed) => ({ calls: perEndpoint(observed).map((count) => count > 0) }),
  })),
  ...[['UNHEALTHY'], ['DRAINING']].map(([health_status]) => ({
    id: `priority-half-${health_status.toLowerCase()}`,
    title: `a priority with one \`${health_status}\` of two, and a standby`,
    clusterChange: levels(2, { health_status }),
    requests: calls(200),
    summary: (observed) => ({
      standby: perEndpoint(observed)[2] > 30 ? 'some' : perEndpoint(observed)[2],
      first: perEndpoint(observed)[0],
    }),
  })),
  {
    id: 'all-unhealthy-calm',
    title: 'all are `UNHEALTHY`, panic threshold of 0',
    cluster: { hosts: Array(3).fill({ health_status: 'UNHEALTHY' }), ...calm },
    requests: [{}],
    summary: ({ answers }) => ({ answer: answers[0].what }),
  },
  {
    id: 'all-unhealthy',
    title: 'all are `UNHEALTHY`: panic, all get calls',
    cluster: { hosts: Array(3).fill({ health_status: 'UNHEALTHY' }) },
    requests: calls(12),
    summary: all,
  },
  ...[3, 'draining', 'TIMEOUT', 4].map((health_status) => ({
    id: `health-${health_status}`,
    title: `\`health_status: ${health_status}\` gets no call`,
    cluster: { hosts: [{ health_status }] },
    requests: calls(12),
    summary: avoided,
  })),
  ...['DEGRADED', 5].map((health_status) => ({
    id: `health-${health_status}`,
    title: `\`health_status: ${health_status}\` gets no call while the others suffice`,
    cluster: { hosts: [{ health_status }, {}, {}, {}] },
    upstreams: [{}, {}, {}, {}],
    requests: calls(12),
    summary: avoided,
  })),
  {
    id: 'degraded-needed',
    title: '`DEGRADED` gets the rest where the healthy ones do not suffice',
    cluster: { lb_policy: 'RANDOM', hosts: [{ health_status: 'DEGRADED' }, { healthStatus: 'UNHEALTHY' }] },
    requests: calls(200),
    summary: (observed) => ({ degraded: about(perEndpoint(observed)[0], 106, 30), down: perEndpoint(observed)[1] }),
  },
  {
    id: 'priority-spill',
    title: 'half of the first priority is usable: it gets 70 % of 200 calls, the standby the rest',
    clusterChange: levels(2, { health_status: 'UNHEALTHY' }),
    requests: calls(200),
    summary: (observed) => ({ calls: perEndpoint(observed).map((count, i) => about(count, [0, 140, 60][i], 25)) }),
  },
  {
    id: 'priority-factor',
    title: 'the same with `overprovisioning_factor: 100`: half and half',
    clusterChange: (cluster) => {
      levels(2, { health_status: 'UNHEALTHY' })(cluster);
      cluster.load_assignment.policy = { overprovisioning_factor: 100 };
    },
    requests: calls(200),
    summary: (observed) => ({ calls: perEndpoint(observed).map((count, i) => about(count, [0, 100, 100][i], 28)) }),
  },
  {
    id: 'priority-down',
    title: 'the whole first priority is down: the standby gets every call',
    clusterChange: levels(2, { health_status: 'UNHEALTHY' }, { health_status: 'DRAINING' }),
    requests: calls(12),
    summary: spread,
  },
  {
    id: 'priority-failover',
    title: 'the first priority is ejected: the standby takes over',
    upstreams: [{ script: [503] }, {}, {}],
    clusterChange: levels(1),
    cluster: outlier({ consecutive_5xx: 2 }),
    drive: async (send, upstream) => {
      for (let call = 0; call < 4; call++) await send({});
      await pause(1300);
      upstream.seen = [];
      const answers = [];
      for (let call = 0; call < 12; call++) answers.push(await send({}));
      return answers;
    },
    summary: spread,
  },
  {
    id: 'locality-weights-extension',
    title: 'weights of localities and of endpoints, in an extension policy',
    cluster: {
      load_balancing_policy: extension('round_robin', 'RoundRobin', {
        locality_lb_config: { locality_weighted_lb_config: {} },
      }),
    },
    clusterChange: localities([{ load_balancing_weight: 1 }, 1], [{ loadBalancingWeight: 3 }, 2]),
    requests: calls(80),
    summary: (observed) => ({ calls: perEndpoint(observed).map((count, i) => about(count, [20, 30, 30][i], 5)) }),
  },
  {
    id: 'locality-weights-off',
    title: 'weights of localities without `locality_weighted_lb_config` are not used',
    clusterChange: localities([{ load_balancing_weight: 9 }, 1], [{ load_balancing_weight: 1 }, 2]),
    requests: calls(30),
    summary: spread,
  },
  ...[
    ['least_request', 'LeastRequest', { choice_count: 3 }],
    ['random', 'Random', {}],
    [
      'wrr_locality',
      'WrrLocality',
      {
        endpoint_picking_policy: extension('client_side_weighted_round_robin', 'ClientSideWeightedRoundRobin'),
      },
    ],
  ].map(([name, type, fields]) => ({
    id: `extension-${name}`,
    title: `the extension \`${type}\`: every endpoint gets some of 60 calls`,
    cluster: { load_balancing_policy: extension(name, type, fields) },
    clusterChange: localities([{ load_balancing_weight: 1 }, 1], [{ load_balancing_weight: 2 }, 2]),
    requests: calls(60),
    summary: all,
  })),
  {
    id: 'dns',
    title: '`STRICT_DNS` with three ports of `localhost`, in turns',
    cluster: { type: 'STRICT_DNS', dns_lookup_family: 'V4_ONLY', lb_policy: 'ROUND_ROBIN' },
    clusterChange: named('localhost'),
    requests: calls(30),
    summary: spread,
  },
  {
    id: 'dns-outlier',
    title: '`STRICT_DNS` in camelCase: a failing endpoint is ejected',
    upstreams: bad,
    cluster: {
      ...{ type: 'strict_dns', dnsLookupFamily: 'V4_ONLY', ...outlier({ consecutive5xx: 2 }) },
      // Otherwise Envoy applies the ejection only a second after the names were looked up.
      common_lb_config: { ...calm.common_lb_config, update_merge_window: '0s' },
    },
    clusterChange: named('localhost'),
    requests: calls(30),
    summary: failures,
  },
  ...[
    ['hostname', {}],
    ['auto-host-sni', { sni: 'billing.test', auto_host_sni: true }],
  ].map(([id, fields]) => ({
    id: `names-${id}`,
    title: `TLS, endpoints with a \`hostname\` each${id === 'hostname' ? '' : ' and `auto_host_sni`'}: all are called`,
    upstreams: (tls) => [
      { kind: 'https', tls: tls.server },
      { kind: 'https', tls: tls.other },
    ],
    cluster: (tls) => ({
      ...socket({ common_tls_context: { validation_context: { trusted_ca: { filename: tls.files.ca } } }, ...fields }),
      hosts: [{}, {}],
    }),
    clusterChange: (cluster) => {
      const names = ['billing.test', 'other.test'];
      for (const [i, { endpoint }] of cluster.load_assignment.endpoints[0].lb_endpoints.entries())
        endpoint.hostname = names[i];
    },
    requests: calls(10),
    summary: spread,
  })),
  ...hashed('cookie', [{ cookie: { name: 'session' } }], { cookie: 'theme=dark; session=ada' }),
  ...hashed('header-number', [{ header: { headerName: 'X-User' }, terminal: true }], { 'x-user': 'ada' }),
  ...hashed('query', [{ query_parameter: { name: 'tenant' } }], {}, '/?tenant=ada&page=1'),
  ...hashed('source', [{ connection_properties: { source_ip: true } }]),
  ...hashed(
    'terminal',
    [{ header: { header_name: 'x-user' }, terminal: true }, { connection_properties: { source_ip: true } }],
    { 'x-user': 'ada' },
  ),
  {
    id: 'hash-none',
    title: '`RING_HASH` without `hash_policy`: every endpoint',
    cluster: { lb_policy: 'RING_HASH' },
    requests: calls(60),
    summary: all,
  },
  {
    id: 'hash-round-robin',
    title: '`hash_policy` is not used with `ROUND_ROBIN`',
    route: { hash_policy: [{ header: { header_name: 'x-user' } }] },
    requests: calls(30, { headers: { 'x-user': 'ada' } }),
    summary: spread,
  },
  {
    id: 'hash-cluster',
    title: '`hash_policy` of the extension `Maglev`: one user, one endpoint',
    cluster: {
      load_balancing_policy: extension('maglev', 'Maglev', {
        consistent_hashing_lb_config: { hash_policy: [{ header: { header_name: 'x-user' } }] },
      }),
    },
    requests: calls(12, { headers: { 'x-user': 'ada' } }),
    summary: (o) => ({ endpoints: perEndpoint(o).filter((count) => count > 0).length }),
  },
  {
    id: 'outlier-percentage',
    title: 'the default `max_ejection_percent` of 10, with three endpoints',
    upstreams: bad,
    cluster: { lb_policy: 'ROUND_ROBIN', outlier_detection: { consecutive_5xx: 2 }, ...calm },
    requests: calls(30),
    summary: failures,
  },
  {
    id: 'outlier-one-host',
    title: '`always_eject_one_host` with the default percentage',
    upstreams: bad,
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      outlier_detection: { consecutive_5xx: 2, always_eject_one_host: true },
      ...calm,
    },
    requests: calls(30),
    summary: failures,
  },
  {
    id: 'outlier-gateway-both',
    title: 'gateway failures eject at 2, others at 4',
    upstreams: bad,
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      ...outlier({
        consecutive_5xx: 4,
        consecutive_gateway_failure: 2,
        enforcing_consecutive_gateway_failure: 100,
      }),
    },
    requests: calls(30),
    summary: failures,
  },
  {
    id: 'outlier-gateway-off',
    title: 'gateway failures alone do not eject by default',
    upstreams: bad,
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      ...outlier({ enforcing_consecutive_5xx: 0, consecutive_gateway_failure: 2 }),
    },
    requests: calls(30),
    summary: failures,
  },
  {
    id: 'check-at-once',
    title: 'an unexpected status makes an endpoint unhealthy at once, whatever `unhealthy_threshold` is',
    upstreams: [{ script: [503] }, { script: [200] }, { script: [200] }],
    cluster: { lb_policy: 'ROUND_ROBIN', ...checks({ unhealthy_threshold: 50 }) },
    drive: afterChecks,
    summary: avoided,
  },
  {
    id: 'check-before',
    title: 'an endpoint that fails its health check gets no call, from the first one on',
    upstreams: [{ script: [503] }, { script: [200] }, { script: [200] }],
    cluster: { lb_policy: 'ROUND_ROBIN', ...checks() },
    requests: calls(3),
    summary: avoided,
  },
  {
    id: 'check-retriable',
    title: '`retriable_statuses` of 503 count towards `unhealthy_threshold`',
    upstreams: [{ script: [503] }, { script: [200] }, { script: [200] }],
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      ...checks({
        unhealthy_threshold: 2,
        http_health_check: { path: '/health', retriable_statuses: [{ start: 503, end: 504 }] },
      }),
    },
    drive: afterChecks,
    summary: avoided,
  },
  {
    id: 'check-hostname',
    title: 'the `hostname` of `health_check_config` goes before `host`, and `port_value` is asked',
    cluster: checks({ http_health_check: { path: '/health', host: 'checks.test' } }),
    clusterChange: (cluster) => {
      const [, ...others] = cluster.load_assignment.endpoints[0].lb_endpoints;
      const port_value = others[1].endpoint.address.socket_address.port_value;
      for (const { endpoint } of cluster.load_assignment.endpoints[0].lb_endpoints)
        endpoint.health_check_config = { hostname: 'own.test', port_value };
    },
    drive: afterChecksSeen,
    summary: ({ seen }) => {
      const asked = seen.filter(({ url }) => url === '/health');
      return {
        host: asked[0]?.headers.host,
        endpoints: [...new Set(asked.map(({ endpoint }) => endpoint))].join(' '),
      };
    },
  },
  {
    id: 'check-ends-ejection',
    title: 'a successful check returns an ejected endpoint to use',
    upstreams: [{ script: [200, 503, 503, 503, 503, 503, 503, 503, 503, 200] }, {}, {}],
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      ...checks(),
      ...outlier({ consecutive_5xx: 2 }),
      ...calm,
    },
    drive: async (send, upstream) => {
      const answers = [];
      for (let call = 0; call < 12; call++) answers.push(await send({}));
      await pause(2500);
      upstream.seen = [];
      for (let call = 0; call < 12; call++) answers.push(await send({}));
      return answers;
    },
    summary: ({ seen }) => ({ back: seen.some(({ endpoint, url }) => endpoint === 0 && url !== '/health') }),
  },
  {
    id: 'check-request',
    title: 'method, `host` and headers of a check',
    cluster: checks({
      http_health_check: {
        path: '/health',
        method: 'HEAD',
        host: 'checks.test',
        request_headers_to_add: [{ header: { key: 'x-probe', value: '100%%' } }],
      },
    }),
    drive: afterChecksSeen,
    summary: ({ seen }) => {
      const { method, headers = {} } = seen.find(({ url }) => url === '/health') ?? {};
      return { method, host: headers.host, probe: headers['x-probe'] };
    },
  },
];

export const balancing = list.map((each) => ({
  upstreams: three,
  ...each,
  id: `balance-${each.id}`,
  group: 'balancing',
}));
