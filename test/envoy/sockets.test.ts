import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importEnvoy } from '../../src/envoy/import.js';

const api = 'type.googleapis.com/envoy.extensions.transport_sockets';

const tls = (fields: object = {}) => ({
  name: 'tls',
  typed_config: { '@type': `${api}.tls.v3.UpstreamTlsContext`, ...fields },
});
const raw = { name: 'raw', typed_config: { '@type': `${api}.raw_buffer.v3.RawBuffer` } };
const around = (type: string, inner: object | undefined, more: object = {}) => ({
  name: 'outer',
  typed_config: { '@type': `${api}.${type}`, ...(inner && { transport_socket: inner }), ...more },
});

const certificate = {
  common_tls_context: {
    tls_certificates: [{ certificate_chain: { filename: '/c.crt' }, private_key: { filename: '/c.key' } }],
    validation_context: { trusted_ca: { filename: '/ca.crt' } },
  },
};

function cluster(fields: object, endpoint: object = {}, host = 'api.internal') {
  const address = { socket_address: { address: host, port_value: 8443 } };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address }, ...endpoint }] }];
  return { name: 'api', type: 'STRICT_DNS', load_assignment: { cluster_name: 'api', endpoints }, ...fields };
}

function imported(fields: object, endpoint?: object, more: object = {}, host?: string) {
  const bootstrap = { static_resources: { clusters: [cluster(fields, endpoint, host)], ...more } };
  const { config, yaml, report } = importEnvoy(JSON.stringify(bootstrap), 'envoy.json');
  return { client: config.clients.api, yaml, report, errors: report.filter(({ status }) => status === 'error') };
}

describe('the transport of a cluster', () => {
  it.each([
    ['PROXY protocol', around('proxy_protocol.v3.ProxyProtocolUpstreamTransport', tls(certificate))],
    ['an HTTP/1.1 proxy', around('http_11_proxy.v3.Http11ProxyUpstreamTransport', tls(certificate))],
    ['a tap', around('tap.v3.Tap', tls(certificate), { common_config: {} })],
    ['two others', around('tap.v3.Tap', around('tcp_stats.v3.Config', tls(certificate)))],
    ['StartTLS', around('starttls.v3.UpstreamStartTlsConfig', undefined, { tls_socket_config: certificate })],
    ['QUIC', around('quic.v3.QuicUpstreamTransport', undefined, { upstream_tls_context: certificate })],
  ])('is TLS with the certificate of the context within %s, and the report names what is left out', (_, socket) => {
    const { client, report, errors } = imported({ transport_socket: socket });
    expect(client).toMatchObject({
      baseURL: 'https://api.internal:8443',
      tls: { cert: '/c.crt', key: '/c.key', ca: '/ca.crt' },
    });
    expect(errors).toEqual([]);
    expect(report.filter(({ note }) => /not supported|from the start/.test(note ?? ''))).not.toEqual([]);
  });

  it.each([
    ['by its type', tls(certificate)],
    [
      'by its type in a TypedStruct',
      {
        name: 'x',
        typed_config: {
          '@type': 'type.googleapis.com/xds.type.v3.TypedStruct',
          type_url: `${api}.tls.v3.UpstreamTlsContext`,
          value: certificate,
        },
      },
    ],
    ['by its name in the API of 2020', { name: 'envoy.transport_sockets.tls', config: certificate }],
    [
      'with keys in the spelling of JSON',
      {
        name: 'x',
        typedConfig: {
          '@type': `${api}.tls.v3.UpstreamTlsContext`,
          commonTlsContext: {
            tlsCertificates: { certificateChain: { filename: '/c.crt' }, privateKey: { filename: '/c.key' } },
            validationContext: { trustedCa: { filename: '/ca.crt' } },
          },
        },
      },
    ],
  ])('is TLS for a socket that is known %s', (_, socket) => {
    expect(imported({ transport_socket: socket }).client).toMatchObject({
      baseURL: 'https://api.internal:8443',
      tls: { cert: '/c.crt', key: '/c.key', ca: '/ca.crt' },
    });
  });

  it('is TLS for the tls_context of the API of 2020, which the report names', () => {
    const { client, report } = imported({ tls_context: { sni: 'api', ...certificate } });
    expect(client).toMatchObject({ baseURL: 'https://api.internal:8443', tls: { cert: '/c.crt', serverName: 'api' } });
    expect(report).toContainEqual(
      expect.objectContaining({ status: 'warning', note: expect.stringContaining('2020') }),
    );
  });

  it.each([
    ['ALTS', around('alts.v3.Alts', undefined, { handshaker_service: 'x' })],
    ['a type that is not known', around('secret.v9.Handshake', undefined)],
    ['a wrapper without a socket', around('tap.v3.Tap', undefined)],
    ['a name without typed_config', { name: 'envoy.transport_sockets.tls' }],
    ['an empty socket', {}],
    ['text', 'tls'],
    ['a list', [tls()]],
    ['the context of a server', { name: 'x', typed_config: { '@type': `${api}.tls.v3.DownstreamTlsContext` } }],
    ['a certificate hash', tls({ common_tls_context: { validation_context: { verify_certificate_hash: ['ab'] } } })],
    ['a revocation list', tls({ common_tls_context: { validation_context: { crl: { filename: '/crl' } } } })],
    ...[
      { san_type: 'DNS', matcher: { suffix: '.corp' } },
      { san_type: 'URI', matcher: { prefix: 'spiffe://' } },
      { san_type: 'DNS', matcher: { safe_regex: { regex: '.*' } } },
      { san_type: 'EMAIL', matcher: { exact: 'a@b.test' } },
    ].map((name): [string, object] => [
      `a name like ${JSON.stringify(name.matcher)} alone`,
      tls({ common_tls_context: { validation_context: { match_typed_subject_alt_names: [name] } } }),
    ]),
    ['a custom validator', tls({ common_tls_context: { validation_context: { custom_validator_config: {} } } })],
    ['a field that is not known', tls({ common_tls_context: { validation_kontext: { trusted_ca: {} } } })],
  ])('is refused for %s: there is no client, and an error', (_, socket) => {
    const { client, yaml, errors } = imported({ transport_socket: socket });
    expect(client).toBeUndefined();
    expect(yaml).not.toContain('http://');
    expect(errors).not.toEqual([]);
  });

  it('is refused with the option to write where a name is given by its end alone', () => {
    const match_typed_subject_alt_names = [{ san_type: 'DNS', matcher: { suffix: '.corp' } }];
    const { errors } = imported({
      transport_socket: tls({ common_tls_context: { validation_context: { match_typed_subject_alt_names } } }),
    });
    expect(JSON.stringify(errors)).toContain(
      'only exact DNS names and URIs can be verified, so no client was made: write it with tls.subjectAltNames',
    );
  });

  it.each(['transport_sockets', 'tls_contexts'])(
    'is refused if TLS stands in %s, a field that does not exist',
    (name) => {
      const { client, errors } = imported({ [name]: tls(certificate) });
      expect(client).toBeUndefined();
      expect(errors).not.toEqual([]);
    },
  );

  it('is cleartext for a raw buffer alone', () => {
    expect(imported({ transport_socket: raw }).client).toMatchObject({ baseURL: 'http://api.internal:8443' });
    expect(imported({}).client).toMatchObject({ baseURL: 'http://api.internal:8443' });
  });

  it('is that of the first of transport_socket_matches that fits the metadata of the endpoint', () => {
    const matches = [
      { name: 'mesh', match: { mode: 'mesh' }, transport_socket: tls(certificate) },
      { name: 'other', match: {}, transport_socket: tls() },
    ];
    const metadata = { filter_metadata: { 'envoy.transport_socket_match': { mode: 'mesh', zone: 'a' } } };
    const fields = { transport_socket_matches: matches };
    expect(imported(fields, { metadata }).client).toMatchObject({ tls: { cert: '/c.crt' } });
    expect(imported(fields).client).toMatchObject({ baseURL: 'https://api.internal:8443' });
    expect(imported(fields).client).not.toHaveProperty('tls');
  });

  it('is refused if transport_socket_matches protects some endpoints and not others', () => {
    const match = { name: 'mesh', match: { mode: 'mesh' }, transport_socket: tls() };
    expect(imported({ transport_socket_matches: match }).client).toBeUndefined();
    expect(imported({ transport_socket_matches: match, transport_socket: raw }).errors).not.toEqual([]);
  });

  it('is refused for a socket of transport_socket_matches under a name that is misspelt', () => {
    const matches = [
      { name: 'mesh', match: { mode: 'mesh' }, transport_sockets: tls() },
      { name: 'plain', match: {}, transport_socket: raw },
    ];
    const metadata = { filter_metadata: { 'envoy.transport_socket_match': { mode: 'mesh' } } };
    const { client, errors } = imported({ transport_socket_matches: matches }, { metadata });
    expect(client).toBeUndefined();
    expect(errors).not.toEqual([]);
  });

  it('is never cleartext for any socket but a raw buffer, however deep it is nested and however it is spelt', () => {
    const leaf = fc.oneof(
      fc.constant(tls(certificate)),
      fc
        .oneof(fc.string(), fc.constantFrom('toString', '__proto__', 'constructor'))
        // A text that looks like a template is refused before it is read.
        .filter((type) => !/[{<]/.test(type))
        .map((type) => around(`x.${type}`, undefined)),
      fc.constantFrom<object>({}, { name: 'tls' }, { name: 'a', typed_config: null }, { name: 'a', config: {} }),
    );
    const types = ['proxy_protocol.v3.P', 'http_11_proxy.v3.H', 'tap.v3.Tap', 'unknown.v3.X'];
    const socket = fc
      .tuple(leaf, fc.array(fc.constantFrom(...types), { maxLength: 3 }))
      .map(([inner, outer]) => outer.reduce<object>((each, type) => around(type, each), inner));
    const field = socket.chain((each) =>
      fc.constantFrom<object>(
        { transport_socket: each },
        { transportSocket: each },
        { transport_socket_matches: [{ match: {}, transport_socket: each }] },
        { transport_socket_matches: [{ match: {}, transport_sockets: each }] },
        { transport_socket_matches: { match: { a: 1 }, transport_socket: each }, transport_socket: raw },
        { transport_socket: [each] },
      ),
    );
    fc.assert(
      fc.property(field, (fields) => {
        expect(imported(fields).yaml).not.toContain('http://');
      }),
      { numRuns: 300 },
    );
  });
});

describe('certificates that are not in the cluster', () => {
  const sds = (more: object = {}) =>
    tls({
      common_tls_context: {
        tls_certificate_sds_secret_configs: [{ name: 'own', ...more }],
        validation_context_sds_secret_config: { name: 'ca', ...more },
      },
    });

  it('come from the secrets of the file', () => {
    const secrets = [
      { name: 'own', tls_certificate: certificate.common_tls_context.tls_certificates[0] },
      { name: 'ca', validation_context: certificate.common_tls_context.validation_context },
    ];
    const { client, errors } = imported({ transport_socket: sds() }, {}, { secrets });
    expect(client).toMatchObject({ tls: { cert: '/c.crt', key: '/c.key', ca: '/ca.crt' } });
    expect(errors).toEqual([]);
  });

  it('are references to the environment otherwise, so that the client does not start without them', () => {
    const { client } = imported({ transport_socket: sds({ sds_config: { ads: {} } }) });
    expect(client?.tls).toEqual({ cert: '${API_TLS_CERT}', key: '${API_TLS_KEY}', ca: '${API_TLS_CA}' });
  });

  it('are kept if they are inline, as text or in base64, but never a key', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';
    const inline = {
      tls_certificates: { certificate_chain: { inline_string: pem }, private_key: { inline_string: 'PRIVATE KEY' } },
      validation_context: { trusted_ca: { inline_bytes: Buffer.from(pem).toString('base64') } },
    };
    const { client, yaml } = imported({ transport_socket: tls({ common_tls_context: inline }) });
    expect(client?.tls).toEqual({ cert: pem, key: '${API_TLS_KEY}', ca: pem });
    expect(yaml).not.toContain('PRIVATE KEY');
  });
});

describe('an address with a name for TLS', () => {
  it.each([
    ['127.0.0.1', 'https://127.0.0.1:8443'],
    ['fd00::1', 'https://[fd00::1]:8443'],
  ])('is kept as the address of the client, and the name is what is verified: %s', (host, baseURL) => {
    const { client } = imported({ transport_socket: tls({ sni: 'billing.internal' }) }, {}, {}, host);
    expect(client).toMatchObject({ baseURL, tls: { serverName: 'billing.internal' } });
  });
});
