/** TLS to the upstream: what is verified, which name is sent, client certificates. */
import { clusterOf, typed } from '../bootstrap.mjs';

export const socket = (fields) => ({
  transport_socket: {
    name: 'envoy.transport_sockets.tls',
    typed_config: typed('extensions.transport_sockets.tls.v3.UpstreamTlsContext', fields),
  },
});
const trusted = ({ files }) => ({ trusted_ca: { filename: files.ca } });
const client = ({ files }) => ({ certificate_chain: { filename: files.cert }, private_key: { filename: files.key } });
const san = (exact, san_type = 'DNS') => ({ san_type, matcher: { exact } });
const server = (tls, more = {}) => [{ kind: 'https', tls: { ...tls.server, ...more } }];

const verified = (tls) => socket({ common_tls_context: { validation_context: trusted(tls) } });
const named = (tls) => socket({ sni: 'billing.test', common_tls_context: { validation_context: trusted(tls) } });
/** Nobody answers: what counts is whether the credentials were readable on the wire. */
const readable = (id, title, cluster) => ({
  ...{ id, title, cluster, upstreams: () => [{ kind: 'silent' }], route: { timeout: '0.5s' } },
  requests: [{ headers: { authorization: 'Bearer abc' } }],
  summary: ({ heard }) => ({ readable: heard.includes('Bearer abc') }),
});
const around =
  (name, type, fields = {}) =>
  (tls) => ({
    transport_socket: {
      name,
      typed_config: typed(type, { transport_socket: verified(tls).transport_socket, ...fields }),
    },
  });

const list = [
  {
    id: 'ca',
    title: 'the server is of the authority',
    cluster: (tls) => socket({ common_tls_context: { validation_context: trusted(tls) } }),
  },
  {
    id: 'stranger',
    title: 'the server is of another authority',
    upstreams: (tls) => [{ kind: 'https', tls: tls.stranger }],
    cluster: (tls) => socket({ common_tls_context: { validation_context: trusted(tls) } }),
  },
  { id: 'no-ca', title: 'without `trusted_ca` no server is verified by Envoy', cluster: () => socket({}) },
  {
    id: 'other-name',
    title: 'a certificate for another name, no name is demanded',
    upstreams: (tls) => [{ kind: 'https', tls: tls.other }],
    cluster: (tls) => socket({ common_tls_context: { validation_context: trusted(tls) } }),
  },
  {
    id: 'san',
    title: 'a subject alternative name that the certificate has',
    cluster: (tls) =>
      socket({
        common_tls_context: {
          validation_context: { ...trusted(tls), match_typed_subject_alt_names: [san('billing.test')] },
        },
      }),
  },
  {
    id: 'san-other',
    title: 'a subject alternative name that the certificate lacks',
    cluster: (tls) =>
      socket({
        common_tls_context: {
          validation_context: { ...trusted(tls), match_typed_subject_alt_names: [san('payroll.test')] },
        },
      }),
  },
  {
    id: 'san-of-other',
    title: 'a certificate for `other.test`, and `other.test` is demanded',
    upstreams: (tls) => [{ kind: 'https', tls: tls.other }],
    cluster: (tls) =>
      socket({
        common_tls_context: {
          validation_context: { ...trusted(tls), match_typed_subject_alt_names: [san('other.test')] },
        },
      }),
  },
  {
    id: 'sni',
    title: '`sni` with a static address',
    cluster: (tls) => socket({ sni: 'billing.test', common_tls_context: { validation_context: trusted(tls) } }),
  },
  {
    id: 'sni-san',
    title: '`sni` and a subject alternative name of the same name',
    cluster: (tls) =>
      socket({
        sni: 'billing.test',
        common_tls_context: {
          validation_context: { ...trusted(tls), match_typed_subject_alt_names: [san('billing.test')] },
        },
      }),
  },
  {
    id: 'host-literal',
    title: '`host_rewrite_literal` is not the name that is verified',
    cluster: named,
    route: { host_rewrite_literal: 'else.example' },
    watch: ['host'],
  },
  {
    id: 'mirror',
    title: 'a copy over TLS has the suffix in its Host header alone',
    upstreams: (tls) => [...server(tls), ...server(tls)],
    clusters: (ports, tls) => ports.map((port, index) => clusterOf(`tls-mirror-${'ab'[index]}`, [port], named(tls))),
    routes: (id) => [
      {
        match: { prefix: '/' },
        route: {
          cluster: `${id}-a`,
          host_rewrite_literal: 'billing.test',
          request_mirror_policies: [{ cluster: `${id}-b` }],
        },
      },
    ],
    settle: 200,
    summary: ({ seen }) => ({
      copies: seen.filter(({ endpoint }) => endpoint === 1).map(({ headers }) => headers.host),
    }),
  },
  {
    id: 'mutual',
    title: 'the server demands a client certificate and gets one',
    upstreams: (tls) => server(tls, { requestCert: true, ca: tls.ca }),
    cluster: (tls) =>
      socket({ common_tls_context: { tls_certificates: [client(tls)], validation_context: trusted(tls) } }),
  },
  {
    id: 'mutual-object',
    title: '`tls_certificates` as one object in place of a list',
    upstreams: (tls) => server(tls, { requestCert: true, ca: tls.ca }),
    cluster: (tls) =>
      socket({ common_tls_context: { tls_certificates: client(tls), validation_context: trusted(tls) } }),
  },
  {
    id: 'mutual-missing',
    title: 'the server demands a client certificate and gets none',
    upstreams: (tls) => server(tls, { requestCert: true, ca: tls.ca }),
    cluster: (tls) => socket({ common_tls_context: { validation_context: trusted(tls) } }),
  },
  {
    id: 'plain-server',
    title: 'TLS to a server without TLS',
    upstreams: () => [{}],
    cluster: (tls) => socket({ common_tls_context: { validation_context: trusted(tls) } }),
  },
  { id: 'plain-client', title: 'no TLS to a server with TLS', cluster: {} },
  {
    id: 'version-13',
    title: 'TLS 1.3 at least, the server has 1.2 only',
    upstreams: (tls) => server(tls, { maxVersion: 'TLSv1.2' }),
    cluster: (tls) =>
      socket({
        common_tls_context: {
          tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
          validation_context: trusted(tls),
        },
      }),
  },
  {
    id: 'version-only-13',
    title: 'no `tls_params`, the server has TLS 1.3 only',
    upstreams: (tls) => server(tls, { minVersion: 'TLSv1.3' }),
    cluster: (tls) => socket({ common_tls_context: { validation_context: trusted(tls) } }),
  },
  {
    id: 'raw-buffer',
    title: 'the transport socket RawBuffer',
    upstreams: () => [{}],
    cluster: () => ({
      transport_socket: {
        name: 'envoy.transport_sockets.raw_buffer',
        typed_config: typed('extensions.transport_sockets.raw_buffer.v3.RawBuffer'),
      },
    }),
  },
  {
    id: 'transport-socket-matches',
    title: '`transport_socket_matches` with TLS for every endpoint',
    cluster: (tls) => ({
      transport_socket_matches: [
        { name: 'all', match: {}, ...socket({ common_tls_context: { validation_context: trusted(tls) } }) },
      ],
    }),
  },
  readable('clear-tls', 'credentials over TLS are not readable', verified),
  readable('clear-matches', 'credentials with `transport_socket_matches` are not readable', (tls) => ({
    transport_socket_matches: [{ name: 'all', match: {}, ...verified(tls) }],
  })),
  readable(
    'clear-proxy-protocol',
    'credentials with the PROXY protocol around TLS are not readable',
    around(
      'envoy.transport_sockets.upstream_proxy_protocol',
      'extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
      { config: {} },
    ),
  ),
  readable(
    'clear-http-proxy',
    'credentials with Http11Proxy around TLS are not readable',
    around(
      'envoy.transport_sockets.http_11_proxy',
      'extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport',
    ),
  ),
  readable('clear-none', 'credentials without TLS are readable', {}),
  {
    id: 'retried-plain-server',
    title: '`connect-failure` retries a POST to a server without TLS',
    upstreams: () => [{}],
    cluster: verified,
    route: { retry_policy: { retry_on: 'connect-failure' } },
    requests: [{ method: 'POST', body: 'pay' }],
    summary: ({ answers, connections }) => ({ status: answers[0].what, connections }),
  },
  {
    id: 'retried-stranger',
    title: '`connect-failure` retries a handshake that fails',
    upstreams: (tls) => [{ kind: 'https', tls: tls.stranger }],
    cluster: (tls) => socket({ common_tls_context: { validation_context: trusted(tls) } }),
    route: { retry_policy: { retry_on: 'connect-failure', num_retries: 2 } },
  },
  {
    id: 'inline-bytes',
    title: 'the authority as `inline_bytes`',
    cluster: (tls) =>
      socket({
        common_tls_context: {
          validation_context: { trusted_ca: { inline_bytes: Buffer.from(tls.ca).toString('base64') } },
        },
      }),
  },
  {
    id: 'inline-ca',
    title: 'the authority as `inline_string`',
    cluster: (tls) => socket({ common_tls_context: { validation_context: { trusted_ca: { inline_string: tls.ca } } } }),
  },
];

export const tls = list.map((each) => ({
  upstreams: (tls) => server(tls),
  ...each,
  id: `tls-${each.id}`,
  group: 'TLS',
}));
