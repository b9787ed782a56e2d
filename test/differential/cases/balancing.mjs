/** Several endpoints of one cluster: how calls are spread, and which endpoints are left out. */
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
];

export const balancing = list.map((each) => ({
  upstreams: three,
  ...each,
  id: `balance-${each.id}`,
  group: 'balancing',
}));
