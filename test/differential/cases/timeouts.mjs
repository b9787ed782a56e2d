/** Limits of time: of the whole call, of an attempt, of connecting. */
import { typed } from '../bootstrap.mjs';

const slow = (delay) => [{ delay }];
const again = { base_interval: '0.001s', max_interval: '0.001s' };
const retried = (per_try_timeout, more = {}) => ({ retry_on: '5xx', retry_back_off: again, per_try_timeout, ...more });

/** The time is sent as it is left, so it is a few milliseconds less than Envoy's. */
const expected = (id, title, more) => ({
  ...{ id, title, ...more },
  summary: ({ seen }) => ({
    expected: seen.map(({ headers }) => Math.ceil(headers['x-envoy-expected-rq-timeout-ms'] / 100) * 100),
  }),
});

const list = [
  { id: 'route', title: '`timeout: 0.6s`, the answer takes 3 s', script: slow(3000), route: { timeout: '0.6s' } },
  { id: 'route-enough', title: '`timeout: 2s`, the answer takes 0.5 s', script: slow(500), route: { timeout: '2s' } },
  { id: 'route-off', title: '`timeout: 0s`, the answer takes 1 s', script: slow(1000), route: { timeout: '0s' } },
  { id: 'default', title: 'no `timeout`, the answer takes 1 s', script: slow(1000) },
  {
    id: 'post',
    title: '`timeout: 0.6s`, POST',
    script: slow(3000),
    route: { timeout: '0.6s' },
    requests: [{ method: 'POST', body: 'pay' }],
  },
  {
    id: 'route-and-body',
    title: '`timeout: 0.8s`, headers at once, the rest of the body after 2 s',
    script: [{ bodyDelay: 2000, body: 'long body' }],
    route: { timeout: '0.8s' },
  },
  {
    id: 'no-timeout-slow-body',
    title: 'no timeout, the rest of the body after 1 s',
    script: [{ bodyDelay: 1000, body: 'long body' }],
    route: { timeout: '0s' },
  },
  {
    id: 'try',
    title: '`per_try_timeout: 0.5s`, the second answer is quick',
    script: [{ delay: 3000 }, 200],
    route: { retry_policy: retried('0.5s') },
  },
  {
    id: 'try-twice',
    title: '`per_try_timeout: 0.4s`, three attempts hang',
    script: [{ hang: true }],
    route: { retry_policy: retried('0.4s', { num_retries: 2 }) },
  },
  {
    id: 'try-and-route',
    title: '`per_try_timeout: 0.4s` within `timeout: 1s`',
    script: [{ hang: true }],
    route: { timeout: '1s', retry_policy: retried('0.4s', { num_retries: 9 }) },
  },
  {
    id: 'try-above-route',
    title: '`per_try_timeout: 2s` above `timeout: 0.6s`',
    script: [{ hang: true }],
    route: { timeout: '0.6s', retry_policy: retried('2s') },
  },
  {
    id: 'try-route-off',
    title: '`per_try_timeout: 0.5s` with `timeout: 0s`',
    script: [{ hang: true }, 200],
    route: { timeout: '0s', retry_policy: retried('0.5s') },
  },
  {
    id: 'try-unset',
    title: 'no `per_try_timeout`: a hanging attempt is not retried',
    script: [{ hang: true }, 200],
    route: { timeout: '0.8s', retry_policy: retried(undefined) },
  },
  {
    id: 'try-zero',
    title: '`per_try_timeout: 0s`',
    script: [{ delay: 700 }, 200],
    route: { retry_policy: retried('0s') },
  },
  {
    id: 'try-post',
    title: '`per_try_timeout: 0.5s`, POST',
    script: [{ hang: true }, 200],
    route: { retry_policy: retried('0.5s') },
    requests: [{ method: 'POST', body: 'pay' }],
  },
  {
    id: 'try-body',
    title: '`per_try_timeout: 0.5s`, headers at once, the rest of the body after 1 s',
    script: [{ bodyDelay: 1000, body: 'long body' }, 200],
    route: { retry_policy: retried('0.5s') },
  },
  {
    id: 'try-connect-failure-word',
    title: '`per_try_timeout: 0.5s` with `retry_on: connect-failure`',
    script: [{ hang: true }, 200],
    route: { retry_policy: { ...retried('0.5s'), retry_on: 'connect-failure' } },
  },
  ...['reset', 'gateway-error'].map((retry_on) => ({
    id: `try-${retry_on}`,
    title: `\`per_try_timeout: 0.5s\` with \`retry_on: ${retry_on}\``,
    script: [{ hang: true }, 200],
    route: { retry_policy: { ...retried('0.5s'), retry_on } },
  })),
  {
    id: 'back-off-beyond',
    title: 'failures until `timeout: 1s` is over',
    script: [{ status: 503, delay: 300 }],
    route: { timeout: '1s', retry_policy: retried(undefined, { num_retries: 9 }) },
  },
  {
    id: 'connect-tls',
    title: '`connect_timeout: 0.5s`, the server never answers the TLS handshake',
    upstreams: [{ kind: 'silent' }],
    cluster: ({ files }) => ({
      connect_timeout: '0.5s',
      transport_socket: {
        name: 'envoy.transport_sockets.tls',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
          common_tls_context: { validation_context: { trusted_ca: { filename: files.ca } } },
        },
      },
    }),
  },
  {
    id: 'max-stream-duration',
    title: '`max_stream_duration` of the route, 0.6 s',
    script: slow(3000),
    route: { timeout: '0s', max_stream_duration: { max_stream_duration: '0.6s' } },
  },
  {
    id: 'idle-timeout',
    title: '`idle_timeout` of the route, 0.6 s',
    script: slow(3000),
    route: { timeout: '0s', idle_timeout: '0.6s' },
  },
  {
    id: 'try-idle',
    title: '`per_try_idle_timeout: 0.5s`, the second answer is quick',
    script: [{ delay: 3000 }, 200],
    route: { retry_policy: { ...retried(undefined), per_try_idle_timeout: '0.5s' } },
  },
  {
    id: 'stream-duration-longer',
    title: '`timeout: 0.5s` below `max_stream_duration: 2s`',
    script: slow(3000),
    route: { timeout: '0.5s', max_stream_duration: { max_stream_duration: '2s' } },
  },
  {
    id: 'stream-duration-retried',
    title: '`max_stream_duration: 0.7s` bounds all attempts together',
    script: [{ status: 503, delay: 300 }],
    route: {
      timeout: '0s',
      max_stream_duration: { max_stream_duration: '0.7s' },
      retry_policy: retried(undefined, { num_retries: 9 }),
    },
  },
  {
    id: 'stream-duration-manager',
    title: '`max_stream_duration` of the connection manager, 0.6 s',
    listener: { manager: { common_http_protocol_options: { max_stream_duration: '0.6s' } } },
    script: slow(3000),
    route: { timeout: '0s' },
  },
  {
    id: 'stream-duration-cluster',
    title: '`max_stream_duration` of the cluster, 0.5 s, bounds an attempt',
    script: [{ hang: true }, 200],
    cluster: {
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
          '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
          common_http_protocol_options: { max_stream_duration: '0.5s' },
          explicit_http_config: { http_protocol_options: {} },
        },
      },
    },
    route: { retry_policy: retried(undefined) },
  },
  {
    id: 'idle-manager',
    title: '`stream_idle_timeout` of the connection manager, 0.6 s',
    listener: { manager: { stream_idle_timeout: '0.6s' } },
    script: slow(3000),
    route: { timeout: '0s' },
  },
  {
    id: 'idle-route-off',
    title: '`idle_timeout: 0s` of the route switches that of the connection manager off',
    listener: { manager: { stream_idle_timeout: '0.4s' } },
    script: slow(900),
    route: { timeout: '0s', idle_timeout: '0s' },
  },
  {
    id: 'idle-body',
    title: '`idle_timeout: 0.5s`, the rest of the body comes after 1.5 s',
    script: [{ bodyDelay: 1500, body: 'long body' }],
    route: { timeout: '0s', idle_timeout: '0.5s' },
  },
  {
    id: 'idle-moving',
    title: '`idle_timeout: 0.6s`, headers after 0.4 s and the rest of the body after another 0.4 s',
    script: [{ delay: 400, bodyDelay: 400, body: 'long body' }],
    route: { timeout: '0s', idle_timeout: '0.6s' },
  },
  {
    id: 'try-idle-moving',
    title: '`per_try_idle_timeout: 0.6s`, headers after 0.4 s and the rest of the body after another 0.4 s',
    script: [{ delay: 400, bodyDelay: 400, body: 'long body' }],
    route: { retry_policy: { ...retried(undefined), per_try_idle_timeout: '0.6s' } },
  },
  {
    id: 'try-idle-post',
    title: '`per_try_idle_timeout: 0.5s`, POST',
    script: [{ delay: 3000 }, 200],
    route: { retry_policy: { ...retried(undefined), per_try_idle_timeout: '0.5s' } },
    requests: [{ method: 'POST', body: 'pay' }],
  },
  {
    id: 'try-idle-connect-failure',
    title: '`per_try_idle_timeout: 0.5s` with `retry_on: connect-failure`',
    script: [{ delay: 3000 }, 200],
    route: { retry_policy: { ...retried(undefined), retry_on: 'connect-failure', per_try_idle_timeout: '0.5s' } },
  },
  expected('expected', '`x-envoy-expected-rq-timeout-ms` to the upstream', { route: { timeout: '2s' } }),
  expected('expected-default', '`x-envoy-expected-rq-timeout-ms` without a timeout in the file', {}),
  expected('expected-none', '`x-envoy-expected-rq-timeout-ms` with `timeout: 0s`', { route: { timeout: '0s' } }),
  expected('expected-try', '`x-envoy-expected-rq-timeout-ms` with `per_try_timeout`', {
    script: [503, 200],
    route: {
      timeout: '3s',
      retry_policy: { retry_on: '5xx', per_try_timeout: '1s', retry_back_off: { base_interval: '0.001s' } },
    },
  }),
  expected('expected-suppressed', '`suppress_envoy_headers`', {
    route: { timeout: '2s' },
    listener: {
      manager: {
        http_filters: [
          {
            name: 'envoy.filters.http.router',
            typed_config: typed('extensions.filters.http.router.v3.Router', { suppress_envoy_headers: true }),
          },
        ],
      },
    },
  }),
  {
    id: 'silent-upstream',
    title: 'the upstream accepts and says nothing, `timeout: 0.6s`',
    upstreams: [{ kind: 'silent' }],
    route: { timeout: '0.6s' },
  },
  {
    id: 'hedge',
    title: '`hedge_on_per_try_timeout`: the first attempt goes on and is the first to answer',
    script: [
      { delay: 900, body: 'first' },
      { delay: 2500, body: 'second' },
    ],
    route: { retry_policy: retried('0.4s'), hedge_policy: { hedge_on_per_try_timeout: true } },
  },
  {
    id: 'hedge-second',
    title: '`hedge_on_per_try_timeout`: the second attempt is the first to answer',
    script: [
      { delay: 2500, body: 'first' },
      { delay: 100, body: 'second' },
    ],
    route: { retry_policy: retried('0.4s'), hedge_policy: { hedge_on_per_try_timeout: true } },
  },
  {
    id: 'hedge-twice',
    title: '`hedge_on_per_try_timeout` with `num_retries: 2`: three attempts run at once',
    script: [{ hang: true }, { hang: true }, { delay: 100, body: 'third' }],
    route: { retry_policy: retried('0.4s', { num_retries: 2 }), hedge_policy: { hedge_on_per_try_timeout: true } },
  },
  {
    id: 'hedge-no-retry',
    title: '`hedge_on_per_try_timeout` without a retry policy',
    script: [{ delay: 900, body: 'first' }],
    route: { hedge_policy: { hedge_on_per_try_timeout: true } },
  },
  {
    id: 'hedge-other-word',
    title: '`hedge_on_per_try_timeout` hedges whatever `retry_on` says',
    script: [{ hang: true }, { delay: 100, body: 'second' }],
    route: {
      retry_policy: { ...retried('0.4s'), retry_on: 'connect-failure' },
      hedge_policy: { hedge_on_per_try_timeout: true },
    },
  },
  {
    id: 'hedge-post',
    title: '`hedge_on_per_try_timeout`, POST',
    script: [
      { delay: 900, body: 'first' },
      { delay: 2500, body: 'second' },
    ],
    route: { retry_policy: retried('0.4s'), hedge_policy: { hedge_on_per_try_timeout: true } },
    requests: [{ method: 'POST', body: 'pay' }],
  },
  {
    id: 'hedge-host',
    title: '`hedge_policy` of the virtual host',
    script: [
      { delay: 900, body: 'first' },
      { delay: 2500, body: 'second' },
    ],
    route: { retry_policy: retried('0.4s') },
    vhost: { hedge_policy: { hedge_on_per_try_timeout: true } },
  },
  {
    id: 'object-duration',
    title: '`timeout: { nanos: 500000000 }`',
    script: slow(2000),
    route: { timeout: { nanos: 500_000_000 } },
  },
  {
    id: 'camel',
    title: '`retryPolicy`, `retryOn` and `perTryTimeout` in camel case',
    script: [{ hang: true }, 200],
    route: { retryPolicy: { retryOn: '5xx', perTryTimeout: '0.5s', retryBackOff: { baseInterval: '0.001s' } } },
  },
];

export const timeouts = list.map((each) => ({ ...each, id: `time-${each.id}`, group: 'timeouts' }));
