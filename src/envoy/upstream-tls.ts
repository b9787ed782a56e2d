/** Maps Envoy's upstream TLS context to the `tls` section. */
import type { Draft, Reader } from './reader.js';

export interface TlsPart {
  readonly options: Record<string, unknown>;
  /** True when `alpn_protocols` contains `h2`. */
  readonly h2: boolean;
}

/** The `tls` section of a cluster; undefined for a cluster without TLS. */
export function readTls(cluster: Reader, draft: Draft): TlsPart | undefined {
  const socket = cluster.get('transport_socket');
  if (socket === undefined) return undefined;
  socket.name('name');
  const context = socket.get('typed_config');
  const type = context?.type() ?? 'a transport socket without typed_config';
  if (type !== 'UpstreamTlsContext') {
    socket.unmapped(`the transport ${type} is not supported`);
    return undefined;
  }
  const common = context?.get('common_tls_context');
  const options = {
    ...readCertificate(common, draft),
    ...readValidation(common, socket, draft),
    ...readNames(context, draft),
    ...readVersions(common, draft),
  };
  const alpn = common?.get('alpn_protocols');
  const h2 = alpn?.items().some((each) => each.text() === 'h2') === true;
  alpn?.exact(draft, 'allowH2');
  return { options, h2 };
}

function readCertificate(common: Reader | undefined, draft: Draft): Record<string, unknown> {
  common
    ?.get('tls_certificate_sds_secret_configs')
    ?.unmapped(
      'there is no SDS: set tls.cert and tls.key to file paths; the files are watched, so an agent or a mounted secret may renew them',
    );
  const [certificate, ...more] = common?.list('tls_certificates') ?? [];
  for (const each of more) each.unmapped('a client uses one certificate');
  if (certificate === undefined) return {};
  const chain = sourceOf(
    certificate.get('certificate_chain'),
    draft,
    'tls.cert',
    'Envoy loads the file once; here it is watched, and a new certificate is used without a restart',
  );
  const key = sourceOf(certificate.get('private_key'), draft, 'tls.key', 'the file is watched like the certificate');
  const password = certificate.get('password');
  password?.differs(
    draft,
    'tls.passphrase',
    'written as a reference: put the passphrase into the file or environment variable it names',
  );
  certificate.get('watched_directory')?.differs(draft, 'tls.reload', 'the folders of the files themselves are watched');
  certificate.get('pkcs12')?.differs(draft, 'tls.pfx', 'the file is watched');
  const pfx = certificate.at('pkcs12', 'filename')?.text();
  return {
    ...(chain !== undefined && { cert: chain }),
    ...(key !== undefined && { key }),
    ...(pfx !== undefined && { pfx }),
    ...(password !== undefined && { passphrase: referenceTo(password) }),
  };
}

/** A password in a file stays in that file; for an inline password an environment variable is used. */
function referenceTo(password: Reader): string {
  const file = password.get('filename')?.text();
  return file === undefined ? '${TLS_PASSPHRASE}' : `\${file:${file}}`;
}

/** Reads an Envoy data source: a file, an environment variable, or inline contents. */
function sourceOf(source: Reader | undefined, draft: Draft, option: string, note: string): string | undefined {
  if (source === undefined) return undefined;
  const file = source.get('filename')?.text();
  if (file !== undefined) {
    source.differs(draft, option, note);
    return file;
  }
  const variable = source.get('environment_variable')?.text();
  if (variable !== undefined) {
    source.exact(draft, option);
    return `\${${variable}}`;
  }
  const name = option.replace('.', '_').toUpperCase();
  source.differs(draft, option, `the PEM text is inline in Envoy's file: put it into the environment variable ${name}`);
  return `\${${name}}`;
}

function readValidation(common: Reader | undefined, socket: Reader, draft: Draft): Record<string, unknown> {
  const combined = common?.get('combined_validation_context');
  const delivered = [common, combined].flatMap((each) => each?.get('validation_context_sds_secret_config') ?? []);
  for (const each of delivered) each.unmapped('there is no SDS: set tls.ca to a file path');
  const context = common?.get('validation_context') ?? combined?.get('default_validation_context');
  const ca = context?.get('trusted_ca');
  const pins = context?.get('verify_certificate_spki');
  const hashes = context?.get('verify_certificate_hash');
  hashes?.unmapped('tls.pins has hashes of public keys, not of certificates');
  const checks = [ca, pins, hashes, context?.get('trust_chain_verification'), ...delivered];
  if (checks.every((each) => each === undefined))
    socket.warn(
      "the server was never verified: without a trusted CA Envoy accepts any certificate. Here it is verified against Node's certificate authorities; set tls.ca to use your own",
    );
  const names = readSubjectNames(context, draft);
  const source = sourceOf(
    ca,
    draft,
    'tls.ca',
    names === undefined ? 'Envoy did not check the host name; here it is checked' : 'the file is watched',
  );
  pins?.exact(draft, 'tls.pins');
  readChecks(context);
  return {
    ...(source !== undefined && { ca: source }),
    ...(names !== undefined && { subjectAltNames: names }),
    ...(pins !== undefined && { pins: pins.items().map((pin) => pin.text() ?? '') }),
  };
}

function readSubjectNames(context: Reader | undefined, draft: Draft): string[] | undefined {
  const list = context?.get('match_typed_subject_alt_names') ?? context?.get('match_subject_alt_names');
  if (list === undefined) return undefined;
  const names: string[] = [];
  for (const item of list.items()) {
    const type = item.name('san_type');
    const exact = (item.at('matcher', 'exact') ?? item.get('exact'))?.text();
    if (exact !== undefined && [undefined, 'DNS', 'URI'].includes(type)) {
      names.push(exact);
      item.exact(draft, 'tls.subjectAltNames');
    } else item.unmapped('only exact DNS names and URIs are supported');
  }
  return names.length > 0 ? names : undefined;
}

function readChecks(context: Reader | undefined): void {
  context?.get('watched_directory')?.structure();
  context?.get('crl')?.unmapped('certificate revocation lists are not supported');
  const accepted = context?.get('trust_chain_verification');
  if (accepted?.text() === 'ACCEPT_UNTRUSTED')
    accepted.warn('certificates of unknown authorities were accepted; here they are rejected');
  accepted?.structure();
  const expired = context?.get('allow_expired_certificate');
  if (expired?.value === true) expired.warn('expired certificates were accepted; here they are rejected');
  expired?.structure();
}

function readNames(context: Reader | undefined, draft: Draft): Record<string, unknown> {
  const sni = context?.get('sni');
  sni?.differs(draft, 'tls.serverName', "the server's certificate is checked against this name too");
  context?.get('auto_host_sni')?.exact(draft, 'tls.serverName', 'the default is the host of baseURL');
  context?.get('auto_sni_san_validation')?.exact(draft, 'tls.serverName', 'the name is always verified');
  context?.get('allow_renegotiation')?.unmapped("Node's default is used");
  context
    ?.get('max_session_keys')
    ?.differs(draft, 'tls', 'TLS sessions are resumed until the client certificate is replaced');
  const name = sni?.text();
  return name === undefined ? {} : { serverName: name };
}

function readVersions(common: Reader | undefined, draft: Draft): Record<string, unknown> {
  const parameters = common?.get('tls_params');
  const least = parameters?.get('tls_minimum_protocol_version');
  const version = least?.text()?.replace('_', '.');
  const known = version === 'TLSv1.2' || version === 'TLSv1.3';
  if (known) least?.exact(draft, 'tls.minVersion');
  else least?.differs(draft, 'tls.minVersion', 'TLS 1.2 is the oldest supported version');
  const most = parameters?.get('tls_maximum_protocol_version');
  most?.differs(draft, 'tls.minVersion', 'there is no upper bound: TLS 1.3 is used with servers that support it');
  for (const name of ['cipher_suites', 'ecdh_curves', 'signature_algorithms'])
    parameters?.get(name)?.unmapped("Node's list is used");
  if (most === undefined && common !== undefined && least === undefined)
    common.remark(draft, 'tls.minVersion', 'without tls_params Envoy uses TLS 1.2 at most; here 1.2 or 1.3 is used');
  return known ? { minVersion: version } : {};
}
