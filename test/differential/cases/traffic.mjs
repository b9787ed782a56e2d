/** Calls that are shared out over clusters, and copies of calls. */
import { clusterOf } from '../bootstrap.mjs';

const both = (id) => (ports) => ports.map((port, index) => clusterOf(`traffic-${id}-${'abc'[index]}`, [port]));
const action = (fields) => (id) => [{ match: { prefix: '/' }, route: fields(id) }];
const calls = (count, request = {}) => Array(count).fill(request);

const weighted = (id, title, weights, check, more = {}) => ({
  ...{ id, title, upstreams: weights.map(() => ({})), clusters: both(id), requests: calls(100) },
  routes: action((name) => ({
    weighted_clusters: { clusters: weights.map((weight, index) => ({ name: `${name}-${'abc'[index]}`, weight })) },
  })),
  summary: ({ answers, seen }) => ({
    failed: answers.filter(({ what }) => what !== 200).length,
    shares: check(weights.map((_, index) => seen.filter(({ endpoint }) => endpoint === index).length / seen.length)),
  }),
  ...more,
});
const near = (expected) => (shares) =>
  shares.every((share, index) => Math.abs(share - expected[index]) < 0.2) || shares;

/** The first upstream is the main one, the second gets the copies. */
const mirrored = (id, title, policy, more = {}) => ({
  ...{ id, title, upstreams: [{}, more.shadow ?? { script: [200] }], clusters: both(id), settle: 150, requests: [{}] },
  routes: action((name) => ({
    cluster: `${name}-a`,
    request_mirror_policies: [{ cluster: `${name}-b`, ...policy }],
    ...more.route,
  })),
  summary: ({ answers, seen }) => ({
    status: answers.map(({ what }) => what),
    quick: answers.every(({ took }) => took < 400),
    copies: seen
      .filter(({ endpoint }) => endpoint === 1)
      .map(({ method, url, body, headers }) =>
        [method, url, body, ...(more.watch ?? []).map((name) => `${name} ${headers[name] ?? '-'}`)].join(' ').trim(),
      ),
  }),
  ...more.fields,
});
const hundred = (numerator) => ({ runtime_fraction: { default_value: { numerator, denominator: 'HUNDRED' } } });

const list = [
  weighted('even', 'two clusters, 50 and 50', [50, 50], near([0.5, 0.5])),
  weighted('uneven', 'two clusters, 90 and 10', [90, 10], near([0.9, 0.1])),
  weighted('three', 'three clusters, 1, 1 and 2', [1, 1, 2], near([0.25, 0.25, 0.5])),
  weighted('zero', 'two clusters, 100 and 0', [100, 0], (shares) => shares),
  {
    ...weighted('headers', 'headers of a weighted cluster', [100, 0], (shares) => shares),
    routes: action((id) => ({
      weighted_clusters: {
        clusters: [
          { name: `${id}-a`, weight: 100, request_headers_to_add: [{ header: { key: 'x-side', value: 'a' } }] },
          { name: `${id}-b`, weight: 0 },
        ],
      },
    })),
    requests: [{}],
    summary: undefined,
    watch: ['x-side'],
  },
  {
    ...weighted('retried', 'a retry stays with the cluster that was chosen', [50, 50], () => true),
    script: [200],
    upstreams: [{ script: [503] }, { script: [503] }],
    requests: calls(8),
    routes: action((id) => ({
      weighted_clusters: {
        clusters: [
          { name: `${id}-a`, weight: 50 },
          { name: `${id}-b`, weight: 50 },
        ],
      },
      retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '0.001s', max_interval: '0.001s' } },
    })),
    summary: ({ seen }) => ({
      stayed: seen
        .filter((_, index) => index % 2 === 0)
        .every(({ endpoint }, index) => seen[index * 2 + 1]?.endpoint === endpoint),
    }),
  },
  {
    ...weighted('same-twice', 'the same cluster twice', [50, 50], () => true),
    upstreams: [{}],
    requests: [{}],
    routes: action((id) => ({
      weighted_clusters: {
        clusters: [
          { name: `${id}-a`, weight: 50 },
          { name: `${id}-a`, weight: 50 },
        ],
      },
    })),
    summary: ({ answers }) => ({ status: answers[0].what }),
  },
  mirrored('copy', 'a GET is copied', {}, { fields: { requests: [{ path: '/x?y=1' }] } }),
  mirrored('none', 'a fraction of 0 %', hundred(0)),
  mirrored('slow', 'a copy that hangs delays nothing', {}, { shadow: { script: [{ hang: true }] } }),
  mirrored('failing', 'a copy that fails changes nothing', {}, { shadow: { script: [503] } }),
  mirrored('refused', 'a copy that reaches nobody changes nothing', {}, { shadow: { kind: 'refused' } }),
  mirrored('post', 'a POST is copied', {}, { fields: { requests: [{ method: 'POST', body: 'pay' }] } }),
  mirrored(
    'credentials',
    'credentials are copied',
    {},
    { watch: ['authorization'], fields: { requests: [{ headers: { authorization: 'Bearer abc' } }] } },
  ),
  mirrored(
    'host',
    'the host of a copy has the suffix `-shadow`',
    {},
    {
      route: { host_rewrite_literal: 'billing.example' },
      watch: ['host'],
    },
  ),
  mirrored(
    'host-plain',
    '`disable_shadow_host_suffix_append`',
    { disable_shadow_host_suffix_append: true },
    {
      route: { host_rewrite_literal: 'billing.example' },
      watch: ['host'],
    },
  ),
  mirrored(
    'rewritten',
    'a copy has the rewritten path',
    {},
    { route: { prefix_rewrite: '/v1/' }, fields: { requests: [{ path: '/x' }] } },
  ),
  mirrored(
    'literal',
    '`host_rewrite_literal` of a mirror',
    { host_rewrite_literal: 'copy.example' },
    { watch: ['host'] },
  ),
  mirrored(
    'removed',
    '`request_headers_mutations` of a mirror take the credentials away',
    { request_headers_mutations: [{ remove: 'x-token' }] },
    {
      watch: ['x-token'],
      fields: { requests: [{ headers: { 'x-token': 'abc' } }] },
    },
  ),
  mirrored(
    'once',
    'a call that is retried is copied once',
    {},
    {
      route: { retry_policy: { retry_on: '5xx', num_retries: 2 } },
      fields: { upstreams: [{ script: [503, 503, 200] }, { script: [200] }] },
    },
  ),
  mirrored(
    'attempts',
    'a copy has `x-envoy-attempt-count`',
    {},
    { watch: ['x-envoy-attempt-count'], fields: { vhost: { include_request_attempt_count: true } } },
  ),
  {
    ...mirrored('vhost', 'a mirror of the virtual host', {}),
    routes: action((id) => ({ cluster: `${id}-a` })),
    vhost: { request_mirror_policies: [{ cluster: 'traffic-vhost-b' }] },
  },
];

const header = (key, value, append_action) => ({ header: { key, value }, ...(append_action && { append_action }) });
/** All calls go to the first of two weighted clusters; `target` and `other` are fields of the two, `level` of the route. */
const chosen = (id, title, { target, other, level, ...more }) => ({
  ...weighted(id, title, [100, 0], (shares) => shares),
  routes: (name) => [
    {
      match: { prefix: '/' },
      route: {
        weighted_clusters: {
          clusters: [
            { name: `${name}-a`, weight: 100, ...target },
            { name: `${name}-b`, weight: 0, ...other },
          ],
        },
      },
      ...level,
    },
  ],
  requests: [{}, { headers: { 'x-a': 'caller', 'x-b': 'caller' } }],
  summary: undefined,
  watch: ['x-a', 'x-b', 'host'],
  ...more,
});
const overwritten = 'OVERWRITE_IF_EXISTS_OR_ADD';

const variants = [
  chosen('target-first', 'a weighted cluster overwrites, then the route appends', {
    target: { request_headers_to_add: [header('x-a', 'target', overwritten)] },
    level: { request_headers_to_add: [header('x-a', 'route')] },
    watch: ['x-a'],
  }),
  chosen('target-last', '`most_specific_header_mutations_wins` with a weighted cluster', {
    target: { request_headers_to_add: [header('x-a', 'target', overwritten)] },
    level: { request_headers_to_add: [header('x-a', 'route', overwritten)] },
    listener: { table: { most_specific_header_mutations_wins: true } },
    watch: ['x-a'],
  }),
  chosen('target-and-levels', '`most_specific_header_mutations_wins`: a weighted cluster and three levels append', {
    target: { request_headers_to_add: [header('x-a', 'target')] },
    other: { request_headers_to_add: [header('x-a', 'target')] },
    level: { request_headers_to_add: [header('x-a', 'route')] },
    vhost: { request_headers_to_add: [header('x-a', 'vhost')] },
    listener: {
      table: { most_specific_header_mutations_wins: true, request_headers_to_add: [header('x-a', 'table')] },
    },
    watch: ['x-a'],
  }),
  chosen('target-adds', 'a weighted cluster appends, and the call sets the header itself', {
    target: { request_headers_to_add: [header('x-a', 'target')] },
    requests: [{ headers: { 'x-a': 'caller' } }],
    watch: ['x-a'],
  }),
  chosen('target-removes', 'a weighted cluster removes headers', {
    target: { request_headers_to_remove: ['x-a'] },
    other: { request_headers_to_remove: ['x-b'] },
    watch: ['x-a', 'x-b'],
  }),
  chosen('target-removes-and-route-adds', 'a weighted cluster removes, then the route adds', {
    target: { request_headers_to_remove: ['x-a'] },
    level: { request_headers_to_add: [header('x-a', 'route', 'ADD_IF_ABSENT')] },
    watch: ['x-a'],
  }),
  chosen('target-both', 'both weighted clusters append the same', {
    target: { request_headers_to_add: [header('x-a', 'target')] },
    other: { request_headers_to_add: [header('x-a', 'target')] },
    watch: ['x-a'],
  }),
  chosen('target-host', '`host_rewrite_literal` of a weighted cluster', {
    target: { host_rewrite_literal: 'a.example' },
    watch: ['host'],
    requests: [{}],
  }),
  chosen('target-and-route-host', '`host_rewrite_literal` of a weighted cluster and of its route', {
    routes: (name) => [
      {
        match: { prefix: '/' },
        route: {
          host_rewrite_literal: 'route.example',
          weighted_clusters: {
            clusters: [
              { name: `${name}-a`, weight: 100, host_rewrite_literal: 'a.example' },
              { name: `${name}-b`, weight: 0 },
            ],
          },
        },
      },
    ],
    watch: ['host'],
    requests: [{}],
  }),
  mirrored(
    'route-removes',
    'a copy has the headers as the route has changed them',
    {},
    {
      watch: ['x-token', 'x-a'],
      fields: {
        routes: (id) => [
          {
            match: { prefix: '/' },
            route: { cluster: `${id}-a`, request_mirror_policies: [{ cluster: `${id}-b` }] },
            request_headers_to_remove: ['x-token'],
            request_headers_to_add: [header('x-a', 'route')],
          },
        ],
        requests: [{ headers: { 'x-token': 'abc', 'x-a': 'caller' } }],
      },
    },
  ),
  mirrored(
    'mutated',
    '`request_headers_mutations` overwrite and take away what was added',
    {
      request_headers_mutations: [
        { append: header('x-a', 'copy', overwritten) },
        { append: header('x-b', 'copy') },
        { remove: 'X-B' },
      ],
    },
    { watch: ['x-a', 'x-b'], fields: { requests: [{ headers: { 'x-a': 'caller', 'x-b': 'caller' } }] } },
  ),
  mirrored(
    'literal-plain',
    '`host_rewrite_literal` of a mirror and of its route',
    { host_rewrite_literal: 'copy.example', disable_shadow_host_suffix_append: true },
    { route: { host_rewrite_literal: 'billing.example' }, watch: ['host'] },
  ),
  mirrored('half', 'a fraction of 100 % in ten thousandths', {
    runtime_fraction: { runtime_key: 'none', default_value: { numerator: 10_000, denominator: 'TEN_THOUSAND' } },
  }),
  {
    ...mirrored('both-levels', 'mirrors of the route and of the virtual host', {}, { watch: ['host'] }),
    vhost: { request_mirror_policies: [{ cluster: 'traffic-both-levels-b', host_rewrite_literal: 'vhost.example' }] },
    routes: (id) => [
      {
        match: { prefix: '/' },
        route: {
          cluster: `${id}-a`,
          request_mirror_policies: [{ cluster: `${id}-b`, host_rewrite_literal: 'route.example' }],
        },
      },
    ],
  },
  {
    ...mirrored('table', 'a mirror of the route configuration', {}),
    routes: action((id) => ({ cluster: `${id}-a` })),
    listener: { table: { request_mirror_policies: [{ cluster: 'traffic-table-b' }] } },
  },
  mirrored(
    'twice',
    'two mirrors to one cluster',
    {},
    { route: { request_mirror_policies: [{ cluster: 'traffic-twice-b' }, { cluster: 'traffic-twice-b' }] } },
  ),
];

export const traffic = [...list, ...variants].map((each) => ({ ...each, id: `traffic-${each.id}`, group: 'traffic' }));
