/** Which request goes where: prefixes, paths, rewrites, hosts, and answers that Envoy gives itself. */
import { clusterOf } from '../bootstrap.mjs';

const main = (match, route = {}, more = {}) => ({
  routes: (id) => [{ match, route: { cluster: id, ...route }, ...more }],
});
const two = (ports, id) => ports.map((port, index) => clusterOf(`${id}-${'ab'[index]}`, [port]));
const pair = (id, routes) => ({ id, upstreams: [{}, {}], clusters: (ports) => two(ports, `route-${id}`), routes });
const quick = { retry_back_off: { base_interval: '0.02s', max_interval: '0.02s' } };
const where = ({ answers, seen }) => ({
  status: answers.map(({ what }) => what),
  seen: seen.map(({ endpoint, url }) => `${endpoint} ${url}`),
});

const list = [
  {
    id: 'prefix',
    title: 'a prefix stays in the path',
    ...main({ prefix: '/api' }),
    requests: [{ path: '/api/x?y=1' }],
  },
  { id: 'path', title: 'an exact path', ...main({ path: '/exact' }), requests: [{ path: '/exact?y=1' }] },
  {
    id: 'regex',
    title: 'a path by regular expression',
    ...main({ safe_regex: { regex: '/v[0-9]+/.*' } }),
    requests: [{ path: '/v2/x' }],
  },
  {
    id: 'separated',
    title: '`path_separated_prefix`',
    ...main({ path_separated_prefix: '/api' }),
    requests: [{ path: '/api/x' }],
  },
  {
    id: 'rewrite',
    title: '`prefix_rewrite: /v1/` for the prefix `/api/`',
    ...main({ prefix: '/api/' }, { prefix_rewrite: '/v1/' }),
    requests: [{ path: '/api/x?y=1' }],
  },
  {
    id: 'rewrite-slash',
    title: '`prefix_rewrite: /` for the prefix `/api/`',
    ...main({ prefix: '/api/' }, { prefix_rewrite: '/' }),
    requests: [{ path: '/api/x' }],
  },
  {
    id: 'rewrite-add',
    title: '`prefix_rewrite: /base/` for the prefix `/`',
    ...main({ prefix: '/' }, { prefix_rewrite: '/base/' }),
    requests: [{ path: '/x' }],
  },
  {
    id: 'rewrite-path',
    title: '`prefix_rewrite` of an exact path',
    ...main({ path: '/old' }, { prefix_rewrite: '/new' }),
    requests: [{ path: '/old?y=1' }],
  },
  {
    id: 'regex-rewrite',
    title: '`regex_rewrite`',
    ...main({ prefix: '/' }, { regex_rewrite: { pattern: { regex: '^/user/(.*)' }, substitution: '/people/\\1' } }),
    requests: [{ path: '/user/7' }],
  },
  {
    ...pair('two-prefixes', (id) => [
      { match: { prefix: '/a' }, route: { cluster: `${id}-a` } },
      { match: { prefix: '/b' }, route: { cluster: `${id}-b` } },
    ]),
    title: 'two prefixes to two clusters',
    requests: [
      { path: '/a/1', client: 0 },
      { path: '/b/1', client: 1 },
    ],
    summary: where,
  },
  {
    id: 'two-timeouts',
    title: 'two routes of one cluster with timeouts of their own',
    routes: (id) =>
      ['0.4s', '5s'].map((timeout, index) => ({ match: { prefix: `/${index}` }, route: { cluster: id, timeout } })),
    script: [{ delay: 900 }],
    requests: [{ path: '/0' }, { path: '/1' }],
  },
  {
    id: 'first-wins',
    title: 'a method match: only POST has the short timeout',
    routes: (id) => [
      {
        match: { prefix: '/', headers: [{ name: ':method', string_match: { exact: 'POST' } }] },
        route: { cluster: id, timeout: '0.3s' },
      },
      { match: { prefix: '/' }, route: { cluster: id, timeout: '5s' } },
    ],
    script: [{ delay: 900 }],
    requests: [{ method: 'POST', body: 'x' }, {}],
  },
  {
    ...pair('fraction', (id) => [
      {
        match: { prefix: '/', runtime_fraction: { default_value: { numerator: 50, denominator: 'HUNDRED' } } },
        route: { cluster: `${id}-a` },
      },
      { match: { prefix: '/' }, route: { cluster: `${id}-b` } },
    ]),
    title: '`runtime_fraction` of 50 % shifts half of the calls',
    requests: Array(60).fill({}),
    summary: ({ answers, seen }) => {
      const share = seen.filter(({ endpoint }) => endpoint === 0).length / answers.length;
      return { shifted: share > 0.2 && share < 0.8 ? 'about half' : share };
    },
  },
  {
    id: 'direct',
    title: '`direct_response` of 418',
    routes: () => [{ match: { prefix: '/' }, direct_response: { status: 418, body: { inline_string: 'tea' } } }],
  },
  {
    id: 'direct-before',
    title: '`direct_response` of 403 for one path, before the route of the others',
    routes: (id) => [
      { match: { prefix: '/admin' }, direct_response: { status: 403, body: { inline_string: 'closed' } } },
      { match: { prefix: '/' }, route: { cluster: id } },
    ],
    requests: [{ path: '/admin/x' }, { path: '/admin/x', method: 'HEAD' }, { path: '/other' }],
  },
  {
    id: 'three-retries',
    title: 'three routes of one cluster: two with retries of their own',
    routes: (id) => [
      { match: { path: '/never' }, route: { cluster: id } },
      {
        match: { prefix: '/often/' },
        route: { cluster: id, retry_policy: { retry_on: '5xx', num_retries: 3, ...quick } },
      },
      { match: { prefix: '/' }, route: { cluster: id, retry_policy: { retry_on: '5xx', ...quick } } },
    ],
    script: [503],
    requests: [{ path: '/never' }, { path: '/often/x' }, { path: '/never/x' }],
  },
  {
    id: 'rewrite-of-one',
    title: 'of two routes of one cluster one rewrites the path',
    routes: (id) => [
      { match: { path_separated_prefix: '/old' }, route: { cluster: id, prefix_rewrite: '/new' } },
      { match: { prefix: '/' }, route: { cluster: id } },
    ],
    requests: [{ path: '/old/x?y=/old' }, { path: '/older' }, { path: '/old' }],
  },
  {
    id: 'rewrite-case',
    title: '`prefix_rewrite` of a prefix that ignores case',
    ...main({ prefix: '/api/', case_sensitive: false }, { prefix_rewrite: '/v1/' }),
    requests: [{ path: '/API/x' }],
  },
  {
    id: 'rewrite-regex-route',
    title: '`prefix_rewrite` of a route by regular expression replaces the whole path',
    ...main({ safe_regex: { regex: '/v[0-9]+/.*' } }, { prefix_rewrite: '/all' }),
    requests: [{ path: '/v2/x?y=1' }],
  },
  {
    id: 'regex-rewrite-all',
    title: '`regex_rewrite` replaces every match and knows two groups',
    ...main(
      { prefix: '/' },
      { regex_rewrite: { pattern: { regex: '([a-z]+)-([0-9]+)' }, substitution: '\\2$\\1\\0' } },
    ),
    requests: [{ path: '/ab-1/cd-2?q=ef-3' }],
  },
  {
    id: 'rewrite-double-slash',
    title: 'a path that begins with two slashes after the rewrite stays on its server',
    ...main({ prefix: '/api' }, { prefix_rewrite: '/' }),
    requests: [{ path: '/api/example.com/x' }, { path: '/api//example.com/x' }],
  },
  {
    id: 'by-header',
    title: 'a route by header with a timeout of its own',
    routes: (id) => [
      {
        match: { prefix: '/', headers: [{ name: 'x-slow', string_match: { exact: 'slow' } }] },
        route: { cluster: id, timeout: '5s' },
      },
      { match: { prefix: '/' }, route: { cluster: id, timeout: '0.3s' } },
    ],
    script: [{ delay: 900 }],
    requests: [{ headers: { 'x-slow': 'slow' } }, {}],
  },
  {
    ...pair('fraction-of-prefix', (id) => [
      {
        match: { prefix: '/a', runtime_fraction: { default_value: { numerator: 300000, denominator: 'MILLION' } } },
        route: { cluster: `${id}-a` },
      },
      {
        match: { prefix: '/a' },
        route: {
          weighted_clusters: {
            clusters: [
              { name: `${id}-a`, weight: 3 },
              { name: `${id}-b`, weight: 7 },
            ],
          },
        },
      },
    ]),
    title: '`runtime_fraction` of 30 % before a weighted route',
    requests: Array(80).fill({ path: '/a/x' }),
    summary: ({ answers, seen }) => {
      const share = seen.filter(({ endpoint }) => endpoint === 0).length / answers.length;
      return { shifted: share > 0.35 && share < 0.67 ? 'about half' : share };
    },
  },
  {
    ...pair('fraction-0', (id) => [
      {
        match: { prefix: '/', runtime_fraction: { default_value: { numerator: 0 } } },
        route: { cluster: `${id}-a` },
      },
      { match: { prefix: '/' }, route: { cluster: `${id}-b` } },
    ]),
    title: '`runtime_fraction` of 0',
    requests: Array(10).fill({}),
    summary: where,
  },
  {
    id: 'redirect',
    title: 'a redirect by the route',
    routes: () => [{ match: { prefix: '/' }, redirect: { path_redirect: '/elsewhere' } }],
    watchAnswer: ['location'],
  },
  { id: 'no-match', title: 'a path that no route has', ...main({ prefix: '/api' }), requests: [{ path: '/other' }] },
  {
    id: 'host-literal',
    title: '`host_rewrite_literal`',
    route: { host_rewrite_literal: 'billing.example' },
    watch: ['host'],
  },
  {
    id: 'auto-host',
    title: '`auto_host_rewrite` with the name of an endpoint',
    cluster: { type: 'STRICT_DNS', dns_lookup_family: 'V4_ONLY' },
    named: 'localhost',
    route: { auto_host_rewrite: true },
    watch: ['host'],
    summary: ({ answers, seen }) => ({ status: answers[0].what, host: seen[0]?.headers.host.replace(/:\d+$/, '') }),
  },
  {
    id: 'caller-host',
    title: "the caller's own Host header",
    requests: [{ headers: {} }],
    summary: ({ answers, seen }) => ({ status: answers[0].what, host: seen[0]?.headers.host.replace(/:\d+$/, '') }),
  },
  {
    id: 'dns',
    title: '`STRICT_DNS` with the name `localhost`',
    cluster: { type: 'STRICT_DNS', dns_lookup_family: 'V4_ONLY' },
    named: 'localhost',
  },
  {
    id: 'lower-dns',
    title: '`type: strict_dns` in small letters',
    cluster: { type: 'strict_dns', dns_lookup_family: 'v4_only' },
    named: 'localhost',
  },
  {
    id: 'logical-dns',
    title: '`LOGICAL_DNS` with the name `localhost`',
    cluster: { type: 'LOGICAL_DNS', dns_lookup_family: 'V4_ONLY' },
    named: 'localhost',
  },
  {
    id: 'case-insensitive',
    title: '`case_sensitive: false`',
    ...main({ prefix: '/api', case_sensitive: false }),
    requests: [{ path: '/API/x' }],
  },
];

export const routes = list.map(({ named, ...each }) => ({
  ...each,
  id: `route-${each.id}`,
  group: 'routes',
  ...(named && { clusters: (ports) => [byName(clusterOf(`route-${each.id}`, ports, each.cluster), named)] }),
}));

function byName(cluster, name) {
  cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address = name;
  return cluster;
}
