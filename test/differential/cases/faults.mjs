/** Answers and failures of the upstream without retries, and the fault filter. */
import { typed } from '../bootstrap.mjs';

const statuses = [200, 201, 204, 304, 400, 401, 404, 409, 429, 500, 501, 502, 503, 504].map((status) => ({
  id: `status-${status}`,
  title: `the upstream answers ${status}`,
  script: [status],
}));

const failures = [
  { id: 'refused', title: 'connection refused', upstreams: [{ kind: 'refused' }] },
  { id: 'reset', title: 'reset before the headers', script: [{ reset: 'now' }] },
  { id: 'reset-late', title: 'reset before the headers, after 0.4 s', script: [{ reset: 'now', delay: 400 }] },
  { id: 'cut', title: 'reset within the body', script: [{ reset: 'body', body: 'whole answer' }] },
  { id: 'big', title: 'an answer of 2 MB', script: [{ body: 'y'.repeat(2_000_000) }] },
  {
    id: 'big-request',
    title: 'a request body of 2 MB',
    script: [{ body: ({ body }) => `${body.length}` }],
    requests: [{ method: 'POST', body: 'z'.repeat(2_000_000) }],
  },
  {
    id: 'redirect',
    title: 'a redirect is passed on',
    script: [{ status: 302, headers: { location: '/other' } }],
    watchAnswer: ['location'],
  },
  {
    id: 'early',
    title: 'an answer before the request was read',
    script: [{ status: 413, early: true }],
    requests: [{ method: 'POST', body: 'z'.repeat(500) }],
  },
  {
    id: 'headers-back',
    title: 'headers of the answer',
    script: [{ headers: { 'x-one': '1', 'cache-control': 'no-store' } }],
    watchAnswer: ['x-one', 'cache-control'],
  },
  ...['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => ({
    id: `method-${method.toLowerCase()}`,
    title: `${method} reaches the upstream`,
    requests: [{ method, ...(method.startsWith('P') && { body: 'text' }) }],
  })),
  {
    id: 'query',
    title: 'path and query reach the upstream as they are',
    requests: [{ path: '/a%20b/c?x=1&y=%2F&z=' }, { path: '/a//b' }],
  },
  { id: 'dots', title: 'a path with dots', requests: [{ path: '/a/./b/../c' }] },
];

const all = { numerator: 100, denominator: 'HUNDRED' };
const filter = (fields) => ({
  filters: [
    { name: 'envoy.filters.http.fault', typed_config: typed('extensions.filters.http.fault.v3.HTTPFault', fields) },
  ],
});
const limited = (token_bucket, more = {}) => ({
  filters: [
    {
      name: 'envoy.filters.http.local_ratelimit',
      typed_config: typed('extensions.filters.http.local_ratelimit.v3.LocalRateLimit', {
        stat_prefix: 'limit',
        token_bucket,
        filter_enabled: { default_value: all },
        filter_enforced: { default_value: all },
        ...more,
      }),
    },
  ],
});
const injected = [
  {
    id: 'abort',
    title: 'fault filter: abort with 503',
    listener: filter({ abort: { http_status: 503, percentage: all } }),
  },
  {
    id: 'abort-404',
    title: 'fault filter: abort with 404',
    listener: filter({ abort: { http_status: 404, percentage: all } }),
  },
  {
    id: 'abort-retried',
    title: 'fault filter: abort with 503, `retry_on: 5xx`',
    listener: filter({ abort: { http_status: 503, percentage: all } }),
    route: { retry_policy: { retry_on: '5xx' } },
  },
  {
    id: 'abort-none',
    title: 'fault filter: abort of 0 %',
    listener: filter({ abort: { http_status: 503, percentage: { numerator: 0 } } }),
  },
  {
    id: 'delay',
    title: 'fault filter: a delay of 0.6 s',
    listener: filter({ delay: { fixed_delay: '0.6s', percentage: all } }),
  },
  {
    id: 'delay-and-abort',
    title: 'fault filter: a delay of 0.6 s, then abort with 500',
    listener: filter({ delay: { fixed_delay: '0.6s', percentage: all }, abort: { http_status: 500, percentage: all } }),
  },
  {
    id: 'delay-and-timeout',
    title: 'fault filter: a delay of 0.8 s and `timeout: 0.4s`',
    listener: filter({ delay: { fixed_delay: '0.8s', percentage: all } }),
    route: { timeout: '0.4s' },
  },
  {
    id: 'abort-headers',
    title: 'fault filter: only for requests with a header',
    listener: filter({
      abort: { http_status: 503, percentage: all },
      headers: [{ name: 'x-chaos', present_match: true }],
    }),
  },
  ...[
    ['exact', { name: 'x-chaos', string_match: { exact: 'full' } }],
    ['absent', { name: 'x-calm', present_match: false }],
    ['inverted', { name: 'x-calm', present_match: true, invert_match: true }],
    ['name-only', { name: 'x-chaos' }],
  ].map(([kind, matcher]) => ({
    id: `headers-${kind}`,
    title: `fault filter: \`headers\`, ${JSON.stringify(matcher)}`,
    listener: filter({ abort: { http_status: 503, percentage: all }, headers: [matcher] }),
    requests: [{ headers: { 'x-chaos': 'full' } }, {}, { headers: { 'x-chaos': 'off', 'x-calm': 'yes' } }],
  })),
  {
    id: 'other-cluster',
    title: 'fault filter: only for another cluster',
    listener: filter({ abort: { http_status: 503, percentage: all }, upstream_cluster: 'other' }),
  },
  {
    id: 'disabled',
    title: 'fault filter that is disabled',
    listener: {
      filters: [{ ...filter({ abort: { http_status: 503, percentage: all } }).filters[0], disabled: true }],
    },
  },
  {
    id: 'per-header',
    title: 'fault filter: `header_abort` and a call without the header',
    listener: filter({ abort: { header_abort: {}, percentage: all } }),
  },
  {
    id: 'million',
    title: 'fault filter: abort of 1,000,000 in a million',
    listener: filter({ abort: { http_status: 503, percentage: { numerator: 1_000_000, denominator: 'MILLION' } } }),
  },
  {
    id: 'rate-limit',
    title: 'local rate limit: two requests, then 429',
    listener: limited({ max_tokens: 2, tokens_per_fill: 2, fill_interval: '60s' }),
    requests: [{}, {}, {}],
  },
  {
    id: 'rate-limit-refilled',
    title: 'local rate limit: a token comes back after 0.5 s',
    listener: limited({ max_tokens: 1, fill_interval: '0.5s' }),
    drive: async (send) => {
      const first = [await send({}), await send({})];
      await new Promise((resolve) => setTimeout(resolve, 700));
      return [...first, await send({})];
    },
    summary: ({ seen }) => ({ attempts: seen.length }),
  },
  {
    id: 'rate-limit-not-enforced',
    title: 'local rate limit that is enabled but not enforced',
    listener: limited({ max_tokens: 1, fill_interval: '60s' }, { filter_enforced: undefined }),
    requests: [{}, {}, {}],
  },
  {
    id: 'rate-limit-not-enabled',
    title: 'local rate limit without `filter_enabled`',
    listener: limited({ max_tokens: 1, fill_interval: '60s' }, { filter_enabled: undefined }),
    requests: [{}, {}, {}],
  },
  {
    id: 'rate-limit-retried',
    title: 'local rate limit: what it rejects is not retried',
    listener: limited({ max_tokens: 1, fill_interval: '60s' }),
    route: { retry_policy: { retry_on: '5xx,retriable-status-codes', retriable_status_codes: [429] } },
    requests: [{}, {}],
    summary: ({ seen }) => ({ attempts: seen.length }),
  },
  {
    id: 'rate-limit-counts-calls',
    title: 'local rate limit: retries need no token',
    listener: limited({ max_tokens: 1, fill_interval: '60s' }),
    script: [503, 503, 200],
    route: { retry_policy: { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.01s' } } },
  },
];

export const faults = [...statuses, ...failures, ...injected].map((each) => ({
  ...each,
  id: `fault-${each.id}`,
  group: 'faults',
}));
