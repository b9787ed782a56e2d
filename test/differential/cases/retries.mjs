/** Which failures are retried, for each word of `retry_on`, and how often. */

/** A quick backoff, since its time is not the point here. */
const quick = { base_interval: '0.001s', max_interval: '0.001s' };
const policy = (retry_on, more = {}) => ({ retry_policy: { retry_on, retry_back_off: quick, ...more } });

const words = ['5xx', 'gateway-error', 'reset', 'connect-failure', 'retriable-4xx'];
const failures = {
  500: { script: [500, 200] },
  502: { script: [502, 200] },
  503: { script: [503, 200] },
  504: { script: [504, 200] },
  409: { script: [409, 200] },
  429: { script: [429, 200] },
  404: { script: [404, 200] },
  reset: { script: [{ reset: 'now' }, 200] },
  refused: {
    upstreams: [{ kind: 'refused' }, {}],
    cluster: { lb_policy: 'ROUND_ROBIN' },
    summary: ({ answers }) => ({ failed: answers.filter(({ what }) => what !== 200).map(({ what }) => what) }),
  },
};

const one = (word, method, failure) => ({
  id: `retry-${word}-${method.toLowerCase()}-${failure}`,
  group: 'retry_on',
  title: `\`${word}\`, ${method}, ${failure === 'reset' || failure === 'refused' ? failure : `${failure} first`}`,
  ...failures[failure],
  route: policy(word),
  // Of two endpoints in turn the first refuses: without a retry one of two calls fails.
  requests: Array(failure === 'refused' ? 2 : 1).fill({ method, ...(method === 'POST' && { body: 'pay' }) }),
});

const matrix = words.flatMap((word) => [
  ...Object.keys(failures).map((failure) => one(word, 'GET', failure)),
  ...['503', 'reset', 'refused', '409'].map((failure) => one(word, 'POST', failure)),
]);

const methods = ['PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'].map((method) => one('5xx', method, '503'));

const more = [
  { id: 'none', title: 'no `retry_policy`, 503', script: [503, 200], route: {} },
  {
    id: 'no-words',
    title: '`retry_policy` without `retry_on`, 503',
    script: [503, 200],
    route: { retry_policy: { num_retries: 3 } },
  },
  { id: 'count-0', title: '`num_retries: 0`', script: [503, 200], route: policy('5xx', { num_retries: 0 }) },
  { id: 'count-1', title: 'one retry by default', script: [503, 503, 200], route: policy('5xx') },
  {
    id: 'count-3',
    title: '`num_retries: 3`, the fourth answer is good',
    script: [503, 502, 500, 200],
    route: policy('5xx', { num_retries: 3 }),
  },
  {
    id: 'count-3-spent',
    title: '`num_retries: 3`, all fail: the last answer is passed on',
    script: [503, 503, 503, { status: 502, body: 'last' }, 200],
    route: policy('5xx', { num_retries: 3 }),
  },
  { id: 'count-12', title: '`num_retries: 12`', script: [503], route: policy('5xx', { num_retries: 12 }) },
  {
    id: 'two-words',
    title: '`gateway-error, retriable-4xx`: 409, then 502',
    script: [409, 502, 200],
    route: policy('gateway-error, retriable-4xx', { num_retries: 2 }),
  },
  {
    id: 'status-codes',
    title: '`retriable-status-codes` of 429 and 404',
    script: [429, 404, 200],
    route: policy('retriable-status-codes', { num_retries: 2, retriable_status_codes: [429, 404] }),
  },
  {
    id: 'status-codes-other',
    title: '`retriable-status-codes` of 429, answer 503',
    script: [503, 200],
    route: policy('retriable-status-codes', { retriable_status_codes: [429] }),
  },
  {
    id: 'status-codes-without-word',
    title: '`retriable_status_codes` without the word',
    script: [429, 200],
    route: policy('5xx', { retriable_status_codes: [429] }),
  },
  {
    id: 'status-200',
    title: '`retriable_status_codes` of 202',
    script: [202, 200],
    route: policy('retriable-status-codes', { retriable_status_codes: [202] }),
  },
  {
    id: 'rate-limited',
    title: '`envoy-ratelimited`, 429 with `x-envoy-ratelimited`',
    script: [{ status: 429, headers: { 'x-envoy-ratelimited': 'true' } }, 200],
    route: policy('envoy-ratelimited'),
  },
  {
    id: 'rate-limited-plain',
    title: '`envoy-ratelimited`, 429 without the header',
    script: [429, 200],
    route: policy('envoy-ratelimited'),
  },
  {
    id: 'rate-limited-5xx',
    title: '`5xx`, 503 with `x-envoy-ratelimited`',
    script: [{ status: 503, headers: { 'x-envoy-ratelimited': 'true' } }, 200],
    route: policy('5xx'),
  },
  {
    id: 'retriable-headers',
    title: '`retriable-headers`, an answer with the header',
    script: [{ status: 200, headers: { 'x-again': '1' } }, 200],
    route: policy('retriable-headers', { retriable_headers: [{ name: 'x-again', present_match: true }] }),
  },
  {
    id: 'request-headers-no',
    title: '`retriable_request_headers` that the request lacks',
    script: [503, 200],
    route: policy('5xx', { retriable_request_headers: [{ name: 'x-safe', present_match: true }] }),
  },
  {
    id: 'request-headers-yes',
    title: '`retriable_request_headers` that the request has',
    script: [503, 200],
    route: policy('5xx', { retriable_request_headers: [{ name: 'x-safe', present_match: true }] }),
    requests: [{ headers: { 'x-safe': '1' } }],
  },
  {
    id: 'vhost-policy',
    title: '`retry_policy` of the virtual host',
    script: [503, 503, 200],
    vhost: policy('5xx', { num_retries: 2 }),
  },
  {
    id: 'vhost-and-route',
    title: 'the route policy replaces that of the virtual host',
    script: [503, 503, 200],
    vhost: policy('5xx', { num_retries: 2 }),
    route: policy('5xx'),
  },
  {
    id: 'retry-after',
    title: '`5xx`, 503 with `Retry-After: 1` and no `rate_limited_retry_back_off`',
    script: [{ status: 503, headers: { 'retry-after': '1' } }, 200],
    route: policy('5xx'),
  },
  {
    id: 'rate-limited-back-off',
    title: '`rate_limited_retry_back_off` by `Retry-After: 1`',
    script: [{ status: 503, headers: { 'retry-after': '1' } }, 200],
    route: policy('5xx', {
      rate_limited_retry_back_off: { reset_headers: [{ name: 'Retry-After', format: 'SECONDS' }] },
    }),
    summary: ({ answers, seen }) => ({ status: answers[0].what, attempts: seen.length, waited: answers[0].took > 950 }),
  },
  {
    id: 'previous-hosts',
    title: 'a retry goes to another endpoint (`previous_hosts`)',
    upstreams: [{ script: [503] }, { script: [503] }, { script: [503] }],
    route: policy('5xx', {
      num_retries: 2,
      host_selection_retry_max_attempts: 10,
      retry_host_predicate: [
        {
          name: 'envoy.retry_host_predicates.previous_hosts',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
          },
        },
      ],
    }),
    summary: ({ answers, seen }) => ({
      status: answers[0].what,
      endpoints: new Set(seen.map(({ endpoint }) => endpoint)).size,
    }),
  },
  {
    id: 'max-retries-0',
    title: '`max_retries: 0` in the thresholds',
    script: [503, 200],
    route: policy('5xx'),
    cluster: { circuit_breakers: { thresholds: [{ max_retries: 0 }] } },
  },
  {
    id: 'budget-over-max-retries',
    title: '`retry_budget` overrides `max_retries: 0`',
    script: [503, 200],
    route: policy('5xx'),
    cluster: {
      circuit_breakers: {
        thresholds: [{ max_retries: 0, retry_budget: { budget_percent: { value: 100 }, min_retry_concurrency: 5 } }],
      },
    },
  },
  {
    id: 'reset-body',
    title: '`5xx,reset`, the answer is cut after its headers',
    script: [{ reset: 'body', body: 'whole answer' }, 200],
    route: policy('5xx,reset'),
  },
  {
    id: 'body-repeated',
    title: 'a PUT is repeated with its whole body',
    script: [503, { status: 200, body: ({ body }) => `got ${body}` }],
    route: policy('5xx'),
    requests: [{ method: 'PUT', body: 'x'.repeat(2000) }],
  },
  {
    id: 'attempt-count',
    title: '`include_request_attempt_count`',
    script: [503, 503, 200],
    route: policy('5xx', { num_retries: 2 }),
    vhost: { include_request_attempt_count: true },
    watch: ['x-envoy-attempt-count'],
  },
  {
    id: 'attempt-count-answer',
    title: '`include_attempt_count_in_response`',
    script: [503, 200],
    route: policy('5xx'),
    vhost: { include_attempt_count_in_response: true },
    watchAnswer: ['x-envoy-attempt-count'],
  },
  {
    id: 'back-off',
    title: '`retry_back_off` of 400 ms: no retry later than that',
    script: [503, 200],
    route: { retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '0.4s', max_interval: '0.4s' } } },
    summary: ({ answers, seen }) => ({ status: answers[0].what, attempts: seen.length, late: answers[0].took > 700 }),
  },
].map((each) => ({ ...each, id: `retry-${each.id}`, group: 'retry_on' }));

export const retries = [...matrix, ...methods, ...more];
