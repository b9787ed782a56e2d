/** Connections to the upstream, in HTTP/1.1 and HTTP/2. */
import { typed } from '../bootstrap.mjs';
import { counted } from './limits.mjs';
import { socket } from './tls.mjs';

const calls = (count) => Array(count).fill({});
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Two calls with a pause between them. */
const twice = (ms) => async (send) => {
  const first = await send({});
  await pause(ms);
  return [first, await send({})];
};
const used = ({ answers, connections }) => ({ results: counted(answers), connections });
const options = (fields) => ({
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'extensions.upstreams.http.v3.HttpProtocolOptions',
      fields,
    ),
  },
});
const http1 = (common) =>
  options({ common_http_protocol_options: common, explicit_http_config: { http_protocol_options: {} } });
const http2 = (more = {}, fields = {}) =>
  options({ explicit_http_config: { http2_protocol_options: fields }, ...more });
const trusted = ({ files }, more = {}) =>
  socket({ common_tls_context: { validation_context: { trusted_ca: { filename: files.ca } }, ...more } });
const secure = (tls) => [{ kind: 'h2', tls: tls.server }];
const h2 = (more) => (tls) => ({ ...trusted(tls), ...http2(), ...more });
const together = (count) => (send) => Promise.all(Array.from({ length: count }, () => send({})));
const versions = ({ answers, seen, connections }) => ({
  results: counted(answers),
  versions: [...new Set(seen.map(({ version }) => version))],
  connections,
});

const connectionCases = [
  {
    id: 'reused',
    title: 'ten calls one after the other use one connection',
    requests: calls(10),
    summary: used,
  },
  {
    id: 'two-at-once',
    title: 'two calls at once use two connections',
    drive: together(2),
    script: [{ delay: 200 }],
    summary: used,
  },
  {
    id: 'per-connection-1',
    title: '`max_requests_per_connection: 1`: four calls',
    cluster: http1({ max_requests_per_connection: 1 }),
    requests: calls(4),
    summary: used,
  },
  {
    id: 'per-connection-2',
    title: '`max_requests_per_connection: 2`: four calls',
    cluster: http1({ max_requests_per_connection: 2 }),
    requests: calls(4),
    summary: used,
  },
  {
    id: 'per-connection-0',
    title: '`max_requests_per_connection: 0` is no limit',
    cluster: http1({ max_requests_per_connection: 0 }),
    requests: calls(4),
    summary: used,
  },
  {
    id: 'per-connection-of-cluster',
    title: '`max_requests_per_connection: 2` of the cluster itself',
    cluster: { max_requests_per_connection: 2 },
    requests: calls(5),
    summary: used,
  },
  {
    id: 'per-connection-retried',
    title: '`max_requests_per_connection: 1`: each attempt has a connection',
    cluster: http1({ max_requests_per_connection: 1 }),
    script: [503, 200, 503, 200],
    route: { retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '0.001s', max_interval: '0.001s' } } },
    requests: calls(2),
    summary: used,
  },
  {
    id: 'per-connection-together',
    title: '`max_requests_per_connection: 1` and `max_connections: 1`: three calls at once',
    cluster: {
      ...http1({ max_requests_per_connection: 1 }),
      circuit_breakers: { thresholds: [{ max_connections: 1 }] },
    },
    drive: together(3),
    script: [{ delay: 100 }],
    summary: used,
  },
  {
    id: 'idle',
    title: '`idle_timeout: 0.3s`: a second connection after a pause',
    cluster: http1({ idle_timeout: '0.3s' }),
    drive: twice(800),
    summary: used,
  },
  {
    id: 'idle-kept',
    title: '`idle_timeout: 5s`: one connection after a pause',
    cluster: http1({ idle_timeout: '5s' }),
    drive: twice(800),
    summary: used,
  },
  {
    id: 'age',
    title: '`max_connection_duration: 1s`: a second connection after it',
    cluster: http1({ max_connection_duration: '1s' }),
    drive: twice(1500),
    summary: used,
  },
  {
    id: 'closed-by-server',
    title: '`Connection: close` of the server: a connection for each call',
    script: [{ headers: { connection: 'close' } }],
    requests: calls(3),
    summary: used,
  },
  {
    id: 'failed-kept',
    title: 'a connection that answered 503 is used again',
    script: [503],
    requests: calls(3),
    summary: used,
  },
  {
    id: 'reset-new',
    title: 'a reset connection is replaced',
    script: [{ reset: 'now' }, 200],
    requests: calls(2),
    summary: used,
  },
  {
    id: 'timeout-new',
    title: 'a connection whose call timed out is not used again',
    script: [{ hang: true }, 200],
    route: { timeout: '0.4s' },
    requests: calls(2),
    summary: used,
  },
].map((each) => ({ ...each, id: `connection-${each.id}`, group: 'connections' }));

const again = { retry_back_off: { base_interval: '0.001s', max_interval: '0.001s' } };
const http2Cases = [
  { id: 'tls', title: 'HTTP/2 over TLS', cluster: h2(), summary: versions },
  {
    id: 'alpn',
    title: 'HTTP/2 by `alpn_protocols: [h2]` and `http2_protocol_options`',
    cluster: (tls) => ({ ...trusted(tls, { alpn_protocols: ['h2'] }), ...http2() }),
    summary: versions,
  },
  {
    id: 'auto',
    title: '`auto_config`: the server has HTTP/2',
    cluster: (tls) => ({ ...trusted(tls), ...options({ auto_config: {} }) }),
    summary: versions,
  },
  {
    id: 'auto-http1',
    title: '`auto_config`: the server has HTTP/1.1 only',
    upstreams: (tls) => [{ kind: 'https', tls: tls.server }],
    cluster: (tls) => ({ ...trusted(tls), ...options({ auto_config: {} }) }),
    summary: versions,
  },
  {
    id: 'many',
    title: 'twenty calls at once on one connection',
    cluster: h2(),
    drive: together(20),
    script: [{ delay: 300 }],
    summary: (o) => ({ ...versions(o), quick: Math.max(...o.answers.map(({ took }) => took)) < 1200 }),
  },
  {
    id: 'max-connections-1',
    title: '`max_connections: 1`: twenty calls at once',
    cluster: h2({ circuit_breakers: { thresholds: [{ max_connections: 1 }] } }),
    drive: together(20),
    script: [{ delay: 300 }],
    summary: (o) => ({ ...versions(o), quick: Math.max(...o.answers.map(({ took }) => took)) < 1200 }),
  },
  {
    id: 'max-requests-2',
    title: '`max_requests: 2`: five calls at once',
    cluster: h2({ circuit_breakers: { thresholds: [{ max_requests: 2 }] } }),
    drive: together(5),
    script: [{ delay: 300 }],
    summary: ({ answers }) => ({ results: counted(answers) }),
  },
  {
    id: 'streams-2',
    title: '`max_concurrent_streams: 2`: four calls at once',
    cluster: (tls) => ({ ...trusted(tls), ...http2({}, { max_concurrent_streams: 2 }) }),
    drive: together(4),
    script: [{ delay: 300 }],
    summary: used,
  },
  {
    id: 'both-caps',
    title: '`max_connections: 1` and `max_requests: 3`: five calls at once',
    cluster: h2({ circuit_breakers: { thresholds: [{ max_connections: 1, max_requests: 3 }] } }),
    drive: together(5),
    script: [{ delay: 300 }],
    summary: used,
  },
  {
    id: 'streams-pending',
    title: '`max_concurrent_streams: 2`, one connection, one call waits: five calls',
    cluster: (tls) => ({
      ...trusted(tls),
      ...http2({}, { max_concurrent_streams: 2 }),
      circuit_breakers: { thresholds: [{ max_connections: 1, max_pending_requests: 1 }] },
    }),
    drive: async (send) => [await send({}), ...(await together(5)(send))],
    script: [{ delay: 300 }],
    summary: used,
  },
  {
    id: 'streams-1-waits',
    title: '`max_concurrent_streams: 1`, one connection: four calls one after the other',
    cluster: (tls) => ({
      ...trusted(tls),
      ...http2({}, { max_concurrent_streams: 1 }),
      circuit_breakers: { thresholds: [{ max_connections: 1 }] },
    }),
    drive: together(4),
    script: [{ delay: 100 }],
    summary: used,
  },
  {
    id: 'streams-h2c',
    title: '`max_concurrent_streams: 2` without TLS: four calls at once',
    upstreams: [{ kind: 'h2c' }],
    cluster: http2({}, { max_concurrent_streams: 2 }),
    drive: together(4),
    script: [{ delay: 300 }],
    summary: used,
  },
  {
    id: 'per-connection-together',
    title: '`max_requests_per_connection: 2`: four calls at once',
    cluster: (tls) => ({
      ...trusted(tls),
      ...http2({ common_http_protocol_options: { max_requests_per_connection: 2 } }),
    }),
    drive: together(4),
    script: [{ delay: 300 }],
    summary: used,
  },
  {
    id: 'per-connection-capped',
    title: '`max_requests_per_connection: 1` and `max_connections: 2` without TLS: six calls at once',
    upstreams: [{ kind: 'h2c' }],
    cluster: {
      ...http2({ common_http_protocol_options: { max_requests_per_connection: 1 } }),
      circuit_breakers: { thresholds: [{ max_connections: 2 }] },
    },
    drive: together(6),
    script: [{ delay: 200 }],
    summary: ({ answers }) => ({
      waves: answers
        .map(({ took }) => Math.round(took / 200))
        .sort()
        .join(' '),
    }),
  },
  {
    id: 'per-connection-1',
    title: '`max_requests_per_connection: 1` without TLS: three calls',
    upstreams: [{ kind: 'h2c' }],
    cluster: http2({ common_http_protocol_options: { max_requests_per_connection: 1 } }),
    requests: calls(3),
    summary: used,
  },
  {
    id: 'sequence',
    title: 'ten calls one after the other use one connection',
    cluster: h2(),
    requests: calls(10),
    summary: versions,
  },
  {
    id: 'retried',
    title: '503 first, `retry_on: 5xx`',
    cluster: h2(),
    script: [503, 200],
    route: { retry_policy: { retry_on: '5xx', ...again } },
  },
  {
    id: 'refused-stream',
    title: '`refused-stream` retries a refused stream',
    cluster: h2(),
    script: [{ refuse: true }, 200],
    route: { retry_policy: { retry_on: 'refused-stream', ...again } },
  },
  {
    id: 'refused-stream-post',
    title: '`refused-stream`, POST',
    cluster: h2(),
    script: [{ refuse: true }, 200],
    route: { retry_policy: { retry_on: 'refused-stream', ...again } },
    requests: [{ method: 'POST', body: 'pay' }],
  },
  {
    id: 'refused-stream-none',
    title: 'a refused stream without retries',
    cluster: h2(),
    script: [{ refuse: true }, 200],
  },
  { id: 'reset', title: 'a reset stream', cluster: h2(), script: [{ reset: 'now' }] },
  {
    id: 'reset-retried',
    title: 'a reset stream, `retry_on: reset`',
    cluster: h2(),
    script: [{ reset: 'now' }, 200],
    route: { retry_policy: { retry_on: 'reset', ...again } },
  },
  {
    id: 'timeout',
    title: '`timeout: 0.5s` over HTTP/2; the connection is used again',
    cluster: h2(),
    script: [{ hang: true }, 200],
    route: { timeout: '0.5s' },
    requests: calls(2),
    summary: used,
  },
  {
    id: 'per-connection-2',
    title: '`max_requests_per_connection: 2`: four calls',
    cluster: (tls) => ({
      ...trusted(tls),
      ...http2({ common_http_protocol_options: { max_requests_per_connection: 2 } }),
    }),
    requests: calls(4),
    summary: used,
  },
  { id: 'post', title: 'a POST with a body', cluster: h2(), requests: [{ method: 'POST', body: 'pay' }] },
  {
    id: 'host-literal',
    title: '`host_rewrite_literal` is `:authority`',
    cluster: h2(),
    route: { host_rewrite_literal: 'else.example' },
    watch: ['host'],
  },
  {
    id: 'header-mutations',
    title: 'headers are appended, overwritten and removed',
    cluster: h2(),
    routeLevel: {
      request_headers_to_add: [
        { header: { key: 'x-a', value: 'one' } },
        { header: { key: 'x-a', value: 'two' } },
        { header: { key: 'x-b', value: 'ours' }, append_action: 'OVERWRITE_IF_EXISTS' },
      ],
      request_headers_to_remove: ['x-c'],
    },
    requests: [{ headers: { 'x-a': 'caller', 'x-b': 'caller', 'x-c': 'caller' } }],
    watch: ['x-a', 'x-b', 'x-c'],
  },
  {
    id: 'h2c',
    title: 'HTTP/2 without TLS (prior knowledge)',
    upstreams: [{ kind: 'h2c' }],
    cluster: http2(),
    summary: versions,
  },
  {
    id: 'h2c-legacy',
    title: '`http2_protocol_options` of the cluster itself, without TLS',
    upstreams: [{ kind: 'h2c' }],
    cluster: { http2_protocol_options: {} },
    summary: versions,
  },
].map((each) => ({ upstreams: secure, ...each, id: `http2-${each.id}`, group: 'HTTP/2' }));

export const connections = [...connectionCases, ...http2Cases];
