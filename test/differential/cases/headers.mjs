/** Headers that a configuration adds, changes and takes away, on every level. */
import { typed } from '../bootstrap.mjs';

const set = (key, value, append_action) => ({ header: { key, value }, ...(append_action && { append_action }) });
const add = (...all) => ({ request_headers_to_add: all });
const watch = ['x-a'];
const own = [{ headers: { 'x-a': 'caller' } }];

const list = [
  { id: 'route', title: 'added by the route', routeLevel: add(set('x-a', 'route')) },
  { id: 'vhost', title: 'added by the virtual host', vhost: add(set('x-a', 'vhost')) },
  { id: 'table', title: 'added by the route configuration', listener: { table: add(set('x-a', 'table')) } },
  {
    id: 'three',
    title: 'the same header on three levels, appended',
    listener: { table: add(set('x-a', 'table')) },
    vhost: add(set('x-a', 'vhost')),
    routeLevel: add(set('x-a', 'route')),
  },
  {
    id: 'three-overwritten',
    title: 'the same header on three levels, overwritten',
    listener: { table: add(set('x-a', 'table', 'OVERWRITE_IF_EXISTS_OR_ADD')) },
    vhost: add(set('x-a', 'vhost', 'OVERWRITE_IF_EXISTS_OR_ADD')),
    routeLevel: add(set('x-a', 'route', 'OVERWRITE_IF_EXISTS_OR_ADD')),
  },
  {
    id: 'most-specific',
    title: '`most_specific_header_mutations_wins`',
    listener: {
      table: { most_specific_header_mutations_wins: true, ...add(set('x-a', 'table', 'OVERWRITE_IF_EXISTS_OR_ADD')) },
    },
    routeLevel: add(set('x-a', 'route', 'OVERWRITE_IF_EXISTS_OR_ADD')),
  },
  {
    id: 'append',
    title: 'append is the default: the caller sets it too',
    routeLevel: add(set('x-a', 'route')),
    requests: own,
  },
  {
    id: 'overwrite',
    title: '`OVERWRITE_IF_EXISTS_OR_ADD`, the caller sets it too',
    routeLevel: add(set('x-a', 'route', 'OVERWRITE_IF_EXISTS_OR_ADD')),
    requests: own,
  },
  {
    id: 'overwrite-absent',
    title: '`OVERWRITE_IF_EXISTS_OR_ADD`, the caller does not',
    routeLevel: add(set('x-a', 'route', 'OVERWRITE_IF_EXISTS_OR_ADD')),
  },
  {
    id: 'if-absent',
    title: '`ADD_IF_ABSENT`, the caller sets it too',
    routeLevel: add(set('x-a', 'route', 'ADD_IF_ABSENT')),
    requests: own,
  },
  {
    id: 'if-absent-absent',
    title: '`ADD_IF_ABSENT`, the caller does not',
    routeLevel: add(set('x-a', 'route', 'ADD_IF_ABSENT')),
  },
  {
    id: 'if-exists',
    title: '`OVERWRITE_IF_EXISTS`, the caller sets it too',
    routeLevel: add(set('x-a', 'route', 'OVERWRITE_IF_EXISTS')),
    requests: own,
  },
  {
    id: 'if-exists-absent',
    title: '`OVERWRITE_IF_EXISTS`, the caller does not',
    routeLevel: add(set('x-a', 'route', 'OVERWRITE_IF_EXISTS')),
  },
  {
    id: 'append-false',
    title: '`append: false`, the caller sets it too',
    routeLevel: { request_headers_to_add: [{ ...set('x-a', 'route'), append: false }] },
    requests: own,
  },
  { id: 'twice', title: 'the same header twice on one level', routeLevel: add(set('x-a', 'one'), set('x-a', 'two')) },
  {
    id: 'object',
    title: '`request_headers_to_add` as one object',
    routeLevel: { request_headers_to_add: set('x-a', 'route') },
  },
  {
    id: 'remove',
    title: '`request_headers_to_remove` of the route',
    routeLevel: { request_headers_to_remove: ['x-a'] },
    requests: own,
  },
  {
    id: 'remove-vhost',
    title: '`request_headers_to_remove` of the virtual host',
    vhost: { request_headers_to_remove: ['x-a', 'x-b'] },
    requests: own,
  },
  {
    id: 'remove-and-add',
    title: 'removed and added',
    routeLevel: { request_headers_to_remove: ['x-a'], ...add(set('x-a', 'route')) },
    requests: own,
  },
  { id: 'percent', title: '`100%%` is a percent sign', routeLevel: add(set('x-a', '100%%')) },
  { id: 'dollar', title: '`${GREETING}` in a value stands for itself', routeLevel: add(set('x-a', '${GREETING}')) },
  {
    id: 'operator',
    title: '`%REQ(x-b)%` in a value',
    routeLevel: add(set('x-a', '%REQ(x-b)%')),
    requests: [{ headers: { 'x-b': 'b' } }],
  },
  { id: 'upper', title: 'a name in capitals', routeLevel: add(set('X-A', 'Route')) },
  { id: 'empty', title: 'an empty value is left out', routeLevel: add(set('x-a', '')) },
  {
    id: 'keep-empty',
    title: '`keep_empty_value`',
    routeLevel: { request_headers_to_add: [{ ...set('x-a', ''), keep_empty_value: true }] },
  },
  {
    id: 'answer-added',
    title: '`response_headers_to_add`',
    routeLevel: { response_headers_to_add: [set('x-a', 'answer')] },
    watchAnswer: ['x-a'],
  },
  {
    id: 'answer-removed',
    title: '`response_headers_to_remove`',
    routeLevel: { response_headers_to_remove: ['x-a'] },
    script: [{ headers: { 'x-a': 'secret' } }],
    watchAnswer: ['x-a'],
  },
  {
    id: 'request-id',
    title: '`x-request-id` is sent',
    summary: ({ seen }) => ({ sent: /^[0-9a-f-]{36}$/.test(seen[0]?.headers['x-request-id']) }),
  },
  {
    id: 'request-id-caller',
    title: "the caller's `x-request-id` is kept",
    watch: ['x-request-id'],
    requests: [{ headers: { 'x-request-id': 'abc-1' } }],
    listener: { manager: { preserve_external_request_id: true } },
  },
  { id: 'proto', title: '`x-forwarded-proto` to the upstream', watch: ['x-forwarded-proto'] },
  {
    id: 'authorization',
    title: "the caller's credentials reach the upstream",
    watch: ['authorization', 'cookie'],
    requests: [{ headers: { authorization: 'Bearer abc', cookie: 'a=1; b=2' } }],
  },
  {
    id: 'hop',
    title: 'hop-by-hop headers of the caller stay behind',
    watch: ['proxy-connection', 'keep-alive', 'te', 'upgrade'],
    requests: [{ headers: { 'proxy-connection': 'keep-alive', 'keep-alive': 'timeout=5', te: 'gzip' } }],
  },
  {
    id: 'content-type',
    title: 'a body of JSON',
    watch: ['content-type', 'content-length'],
    requests: [{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }],
  },
  {
    id: 'service-time',
    title: '`x-envoy-upstream-service-time` in the answer',
    summary: ({ answers }) => ({ told: answers[0].headers['x-envoy-upstream-service-time'] !== undefined }),
  },
  {
    id: 'traceparent',
    title: "the caller's `traceparent` reaches the upstream",
    watch: ['traceparent'],
    requests: [{ headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } }],
  },
];

const values = (...all) => ({ request_headers_to_add: all.map((each) => ({ keep_empty_value: true, ...each })) });
const mutating = (...request_mutations) => ({
  name: 'envoy.filters.http.header_mutation',
  typed_config: typed('extensions.filters.http.header_mutation.v3.HeaderMutation', {
    mutations: { request_mutations },
  }),
});
const overwrite = 'OVERWRITE_IF_EXISTS_OR_ADD';
const ifExists = 'OVERWRITE_IF_EXISTS';
const ifAbsent = 'ADD_IF_ABSENT';
/** With and without the header of the caller, since a mutation may depend on it. */
const twoCallers = [{ headers: { 'x-a': 'caller' } }, {}];
const mixed = (id, title, more) => ({ id, title, requests: twoCallers, ...more });

const mixes = [
  mixed('overwrite-and-append', 'one level: appended, then overwritten', {
    routeLevel: add(set('x-a', 'more'), set('x-a', 'first', overwrite)),
  }),
  mixed('absent-twice', 'one level: `ADD_IF_ABSENT` twice', {
    routeLevel: add(set('x-a', 'one', ifAbsent), set('x-a', 'two', ifAbsent)),
  }),
  mixed('exists-and-append', 'one level: `OVERWRITE_IF_EXISTS` and appended', {
    routeLevel: add(set('x-a', 'new', ifExists), set('x-a', 'more')),
  }),
  mixed('absent-and-append', 'one level: `ADD_IF_ABSENT` and appended', {
    routeLevel: add(set('x-a', 'default', ifAbsent), set('x-a', 'more')),
  }),
  mixed('absent-and-exists', 'one level: `ADD_IF_ABSENT` and `OVERWRITE_IF_EXISTS`', {
    routeLevel: add(set('x-a', 'default', ifAbsent), set('x-a', 'new', ifExists)),
  }),
  mixed('removed-outside', 'added by the route, removed by the virtual host', {
    routeLevel: add(set('x-a', 'route')),
    vhost: { request_headers_to_remove: ['X-A'] },
  }),
  mixed('removed-inside', 'removed by the route, added by the virtual host if absent', {
    routeLevel: { request_headers_to_remove: ['x-a'] },
    vhost: add(set('x-a', 'vhost', ifAbsent)),
  }),
  mixed('specific-removed', '`most_specific_header_mutations_wins`: added by the virtual host, removed by the route', {
    listener: { table: { most_specific_header_mutations_wins: true } },
    routeLevel: { request_headers_to_remove: ['x-a'] },
    vhost: add(set('x-a', 'vhost')),
  }),
  mixed('specific-three', '`most_specific_header_mutations_wins`: appended on three levels', {
    listener: { table: { most_specific_header_mutations_wins: true, ...add(set('x-a', 'table')) } },
    routeLevel: add(set('x-a', 'route')),
    vhost: add(set('x-a', 'vhost')),
  }),
  mixed('numbers', 'actions by their numbers', {
    routeLevel: add(set('x-a', 'a', 3), set('x-b', 'b', 2), set('x-c', 'c', 1)),
    watch: ['x-a', 'x-b', 'x-c'],
  }),
  mixed('camel', 'camelCase', {
    routeLevel: {
      requestHeadersToRemove: ['x-b'],
      requestHeadersToAdd: [{ header: { key: 'x-a', value: 'route' }, appendAction: overwrite }],
    },
  }),
  mixed('append-object', '`append: { value: false }`', {
    routeLevel: { request_headers_to_add: [{ ...set('x-a', 'route'), append: { value: false } }] },
  }),
  mixed('empty-overwritten', 'an empty value overwrites with `keep_empty_value`', {
    routeLevel: values(set('x-a', '', overwrite)),
  }),
  mixed('empty-ignored', 'an empty value overwrites nothing', { routeLevel: add(set('x-a', '', overwrite)) }),
  mixed('raw', '`raw_value`', { routeLevel: add({ header: { key: 'x-a', raw_value: 'aGV5' } }) }),
  mixed('removed-list', 'several headers are removed, in any case', {
    routeLevel: { request_headers_to_remove: ['X-A', 'x-b'] },
    requests: [{ headers: { 'x-a': 'caller', 'X-B': 'caller', 'x-c': 'caller' } }],
    watch: ['x-a', 'x-b', 'x-c'],
  }),
  mixed('auth-removed', 'credentials are removed', {
    vhost: { request_headers_to_remove: ['authorization', 'cookie'] },
    requests: [{ headers: { authorization: 'Bearer abc', cookie: 'a=1' } }],
    watch: ['authorization', 'cookie'],
  }),
  mixed('filter', 'a filter removes and appends, then the route appends', {
    listener: {
      filters: [
        mutating({ remove: 'x-a' }, { append: set('x-a', 'filter') }, { append: set('x-b', 'filter', overwrite) }),
      ],
    },
    routeLevel: add(set('x-a', 'route')),
    watch: ['x-a', 'x-b'],
  }),
  mixed('filter-order', 'a filter adds a header and takes it away again', {
    listener: { filters: [mutating({ append: set('x-a', 'filter') }, { remove: 'x-a' })] },
  }),
  mixed('utf8', 'a value beyond ASCII', { routeLevel: add(set('x-a', 'Grüße', overwrite)) }),
  mixed('one-weighted', 'one weighted cluster adds, the route overwrites if it exists', {
    routes: (name) => [
      {
        match: { prefix: '/' },
        route: { weighted_clusters: { clusters: [{ name, weight: 1, ...add(set('x-a', 'target')) }] } },
        ...add(set('x-a', 'route', ifExists)),
      },
    ],
  }),
  mixed('internal-only', '`internal_only_headers` of callers that are not trusted', {
    listener: { table: { internal_only_headers: ['x-a'] } },
  }),
  {
    id: 'user-agent',
    title: 'the user agent is removed',
    routeLevel: { request_headers_to_remove: ['user-agent', 'accept-encoding'] },
    requests: [{ headers: { 'user-agent': 'me' } }],
    watch: ['user-agent'],
  },
  {
    id: 'original',
    title: 'headers about what was rewritten',
    route: { prefix_rewrite: '/v1/', host_rewrite_literal: 'billing.example', append_x_forwarded_host: true },
    watch: ['x-envoy-original-path', 'x-envoy-original-host', 'x-forwarded-host'],
  },
  {
    id: 'request-id-removed',
    title: '`x-request-id` is removed',
    routeLevel: { request_headers_to_remove: ['x-request-id'] },
    watch: ['x-request-id'],
  },
  {
    id: 'request-id-if-absent',
    title: '`x-request-id` with `ADD_IF_ABSENT`',
    routeLevel: add(set('x-request-id', 'fixed', ifAbsent)),
    summary: ({ seen }) => ({ own: seen.map(({ headers }) => headers['x-request-id'] !== 'fixed') }),
  },
  {
    id: 'no-request-id',
    title: '`generate_request_id: false`',
    listener: { manager: { generate_request_id: false } },
    watch: ['x-request-id'],
    requests: [{}, { headers: { 'x-request-id': 'abc-1' } }],
  },
  {
    id: 'proto-caller',
    title: "the caller's `x-forwarded-proto`",
    watch: ['x-forwarded-proto'],
    requests: [{ headers: { 'x-forwarded-proto': 'https' } }, {}],
  },
  {
    id: 'proto-remote',
    title: "the caller's `x-forwarded-proto` with `use_remote_address`",
    listener: { manager: { use_remote_address: true } },
    watch: ['x-forwarded-proto'],
    requests: [{ headers: { 'x-forwarded-proto': 'https' } }, {}],
  },
  {
    id: 'proto-overwritten',
    title: '`scheme_header_transformation`',
    listener: { manager: { scheme_header_transformation: { scheme_to_overwrite: 'https' } } },
    watch: ['x-forwarded-proto'],
    requests: [{ headers: { 'x-forwarded-proto': 'http' } }, {}],
  },
  {
    id: 'proto-added',
    title: '`x-forwarded-proto` overwritten by the route',
    routeLevel: add(set('x-forwarded-proto', 'https', overwrite)),
    watch: ['x-forwarded-proto'],
  },
  {
    id: 'proto-if-absent',
    title: '`x-forwarded-proto` with `ADD_IF_ABSENT`',
    routeLevel: add(set('x-forwarded-proto', 'https', ifAbsent)),
    watch: ['x-forwarded-proto'],
  },
];

/** A listener that takes callers on this machine for internal, so that it obeys their control headers. */
const internal = {
  manager: {
    use_remote_address: true,
    internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.1', prefix_len: 32 }] },
  },
};
const quick = { retry_back_off: { base_interval: '0.001s', max_interval: '0.001s' } };
const control = (id, title, sent, more) => ({
  ...{ id: `control-${id}`, title, requests: [{ headers: sent }], watch: Object.keys(sent), listener: internal },
  ...more,
});

const controls = [
  control(
    'retry-on',
    'a caller sets `x-envoy-retry-on`',
    { 'x-envoy-retry-on': '5xx' },
    { script: [503, 200], route: { retry_policy: quick } },
  ),
  control(
    'max-retries',
    'a caller sets `x-envoy-max-retries`',
    { 'x-envoy-max-retries': '3' },
    { script: [503, 503, 503, 200], route: { retry_policy: { retry_on: '5xx', ...quick } } },
  ),
  control(
    'timeout',
    'a caller sets `x-envoy-upstream-rq-timeout-ms`',
    { 'x-envoy-upstream-rq-timeout-ms': '400' },
    { script: [{ delay: 1200 }] },
  ),
  control(
    'try-timeout',
    'a caller sets `x-envoy-upstream-rq-per-try-timeout-ms`',
    { 'x-envoy-upstream-rq-per-try-timeout-ms': '400' },
    { script: [{ delay: 1500 }, 200], route: { retry_policy: { retry_on: '5xx', ...quick } } },
  ),
  control(
    'codes',
    'a caller sets `x-envoy-retriable-status-codes`',
    { 'x-envoy-retriable-status-codes': '429' },
    { script: [429, 200], route: { retry_policy: { retry_on: 'retriable-status-codes', ...quick } } },
  ),
  control('internal', 'the upstream sees `x-envoy-internal`', {}, { watch: ['x-envoy-internal'] }),
  control(
    'not-internal',
    'the caller sets `x-envoy-internal`',
    { 'x-envoy-internal': 'true' },
    { listener: undefined },
  ),
  control(
    'not-internal-remote',
    'the caller sets `x-envoy-internal`, with `use_remote_address`',
    { 'x-envoy-internal': 'true' },
    { listener: { manager: { use_remote_address: true } } },
  ),
  control(
    'no-remote',
    '`internal_address_config` without `use_remote_address`',
    { 'x-envoy-retry-on': '5xx' },
    {
      script: [503, 200],
      listener: {
        manager: { internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] } },
      },
    },
  ),
  control(
    'private',
    '`internal_address_config` of private addresses',
    { 'x-envoy-retry-on': '5xx' },
    {
      script: [503, 200],
      listener: {
        manager: {
          use_remote_address: true,
          internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
        },
      },
    },
  ),
  control(
    'all',
    '`internal_address_config` of every address',
    { 'x-envoy-retry-on': '5xx' },
    {
      script: [503, 200],
      listener: {
        manager: {
          use_remote_address: true,
          internal_address_config: { cidr_ranges: [{ address_prefix: '0.0.0.0', prefix_len: 0 }] },
        },
      },
      route: { retry_policy: { retry_on: 'reset', ...quick } },
    },
  ),
  control(
    'untrusted',
    'a caller that is not trusted sets `x-envoy-retry-on`',
    { 'x-envoy-retry-on': '5xx' },
    { script: [503, 200], listener: undefined },
  ),
];

export const headers = [...list, ...mixes, ...controls].map((each) => ({
  watch,
  ...each,
  id: `header-${each.id}`,
  group: 'headers',
}));
