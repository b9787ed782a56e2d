/** Maps Envoy's upstream TLS context to the `tls` section. */
import { type Draft, environmentName, type Reader } from './reader.js';

export interface TlsPart {
  readonly options: Record<string, unknown>;
  /** True when `alpn_protocols` contains `h2`. */
  readonly h2: boolean;
  /** True where the name of each endpoint goes before `sni`. */
  readonly hostSni: boolean;
}

type Secrets = ReadonlyMap<string, Reader>;

/** Versions of TLS by their numbers in Envoy's API. */
const versions = ['TLS_AUTO', 'TLSv1_0', 'TLSv1_1', 'TLSv1_2', 'TLSv1_3'] as const;

/** The `tls` section for an UpstreamTlsContext of `socket`. */
export function readTls(context: Reader, socket: Reader, draft: Draft, secrets: Secrets): TlsPart {
  context.structure().type();
  const common = context.get('common_tls_context');
  const options = {
    ...readCertificate(common, draft, secrets),
    ...readValidation(common, socket, draft, secrets),
    ...readNames(context, draft),
    ...readVersions(common, draft),
  };
  const alpn = common?.get('alpn_protocols');
  const protocols = alpn?.items().map((each) => each.text() ?? '') ?? [];
  const h2 = protocols.includes('h2');
  if (protocols.every((each) => each === 'h2' || each === 'http/1.1')) alpn?.exact(draft, 'allowH2');
  else alpn?.differs(draft, 'allowH2', 'only h2 and http/1.1 are ever offered');
  for (const name of ['custom_handshaker', 'custom_tls_certificate_selector'])
    common?.get(name)?.fault('an extension of the handshake is not supported, so no client was made');
  common?.get('key_log')?.whole().unmapped('session keys are never written to a file');
  common?.structure();
  return { options, h2, hostSni: context.get('auto_host_sni')?.boolean() === true };
}

/** A reference to an environment variable of its own for each cluster, such as `${BILLING_TLS_KEY}`. */
function variableOf(draft: Draft, suffix: string): string {
  return `\${${environmentName(draft.name)}_TLS_${suffix}}`;
}

/** A static secret of the file; undefined for one that is delivered at run time. */
function secretOf(config: Reader, kind: string, secrets: Secrets): Reader | undefined {
  const source = config.get('sds_config');
  const secret = source === undefined ? secrets.get(config.name('name') ?? '')?.get(kind) : undefined;
  if (secret === undefined) config.whole();
  else config.structure();
  return secret;
}

function readCertificate(common: Reader | undefined, draft: Draft, secrets: Secrets): Record<string, unknown> {
  const [delivered, ...others] = common?.list('tls_certificate_sds_secret_configs') ?? [];
  const provided = [
    'tls_certificate_provider_instance',
    'tls_certificate_certificate_provider',
    'tls_certificate_certificate_provider_instance',
  ].flatMap((name) => common?.get(name) ?? []);
  const stored = delivered && secretOf(delivered, 'tls_certificate', secrets);
  const [certificate = stored, ...more] = common?.list('tls_certificates') ?? [];
  for (const each of [...more, ...others]) each.unmapped('a client uses one certificate');
  const [absent] = [...(delivered && !stored ? [delivered] : []), ...provided];
  absent
    ?.whole()
    .differs(
      draft,
      'tls.cert',
      'the certificate is not in the file: set tls.cert and tls.key to file paths, or the environment variables that they name; files are watched, so an agent or a mounted secret may renew them',
    );
  if (certificate === undefined)
    return absent === undefined ? {} : { cert: variableOf(draft, 'CERT'), key: variableOf(draft, 'KEY') };
  certificate.structure();
  const chain = sourceOf(
    certificate.get('certificate_chain'),
    draft,
    'cert',
    'Envoy loads the file once; here it is watched, and a new certificate is used without a restart',
  );
  certificate
    .get('private_key_provider')
    ?.whole()
    .differs(
      draft,
      'tls.key',
      'private key providers are not supported: put the key into the file or environment variable that tls.key names',
    );
  const key = sourceOf(certificate.get('private_key'), draft, 'key', 'the file is watched like the certificate');
  const password = certificate.get('password');
  for (const name of ['inline_string', 'inline_bytes', 'environment_variable']) password?.get(name);
  password?.differs(
    draft,
    'tls.passphrase',
    'written as a reference: put the passphrase into the file or environment variable it names',
  );
  certificate
    .get('watched_directory')
    ?.whole()
    .differs(draft, 'tls.reload', 'the folders of the files themselves are watched');
  for (const name of ['ocsp_staple', 'signed_certificate_timestamp'])
    certificate.get(name)?.whole().unmapped('a client does not send it');
  const bundle = certificate.get('pkcs12');
  const pfx = sourceOf(bundle, draft, 'pfx', 'the file is watched');
  return {
    ...(pfx === undefined && { cert: chain ?? variableOf(draft, 'CERT'), key: key ?? variableOf(draft, 'KEY') }),
    ...(pfx !== undefined && { pfx }),
    ...(password !== undefined && { passphrase: referenceTo(password, draft) }),
  };
}

/** A password in a file stays in that file; for an inline password an environment variable is used. */
function referenceTo(password: Reader, draft: Draft): string {
  const file = password.get('filename')?.text();
  return file === undefined || /[{}$]/.test(file) ? variableOf(draft, 'PASSPHRASE') : `\${file:${file}}`;
}

/**
 * Reads an Envoy data source: a file, an environment variable, or inline contents. Certificates that are not secret are
 * kept in the file.
 */
function sourceOf(
  source: Reader | undefined,
  draft: Draft,
  name: 'cert' | 'key' | 'ca' | 'pfx',
  note: string,
): string | undefined {
  if (source === undefined) return undefined;
  const option = `tls.${name}`;
  const file = source.get('filename')?.text();
  if (file !== undefined) {
    source.get('watched_directory')?.whole().structure();
    source.differs(draft, option, note);
    return file;
  }
  const variable = source.get('environment_variable')?.text();
  if (variable !== undefined && /^[A-Za-z_]\w*$/.test(variable)) {
    source.exact(draft, option);
    return `\${${variable}}`;
  }
  const bytes = source.get('inline_bytes')?.text();
  const text = bytes === undefined ? source.get('inline_string')?.text() : Buffer.from(bytes, 'base64').toString();
  if (text === undefined) return source.fault('it has neither a file nor contents, so no client was made');
  if (text.includes('-----BEGIN CERTIFICATE-----') && !text.includes('PRIVATE KEY') && !text.includes('${')) {
    source.exact(draft, option);
    return text;
  }
  const reference = variableOf(draft, name.toUpperCase());
  source.differs(
    draft,
    option,
    `it is inline in Envoy's file: put ${name === 'pfx' ? 'it into a file, and the path' : 'the PEM text'} into the environment variable ${reference.slice(2, -1)}`,
  );
  return reference;
}

function readValidation(
  common: Reader | undefined,
  socket: Reader,
  draft: Draft,
  secrets: Secrets,
): Record<string, unknown> {
  const combined = common?.get('combined_validation_context')?.structure();
  const delivered = [common, combined].flatMap((each) => each?.get('validation_context_sds_secret_config') ?? []);
  const provided = [common, combined].flatMap((each) =>
    ['validation_context_certificate_provider', 'validation_context_certificate_provider_instance'].flatMap(
      (name) => each?.get(name) ?? [],
    ),
  );
  const stored = delivered.flatMap((each) => secretOf(each, 'validation_context', secrets) ?? []);
  const given = [common?.get('validation_context'), combined?.get('default_validation_context')];
  const contexts = [...given, ...stored].filter((each) => each !== undefined);
  for (const each of contexts) each.structure();
  const get = (name: string) => contexts.flatMap((each) => each.get(name) ?? []);
  const absent = [
    ...(delivered.length > stored.length ? delivered : []),
    ...provided,
    ...get('ca_certificate_provider_instance'),
  ];
  for (const each of absent)
    each
      .whole()
      .differs(
        draft,
        'tls.ca',
        'the authorities are not in the file: set tls.ca to a file path, or the environment variable that it names',
      );
  const [ca] = get('trusted_ca');
  const [pins] = get('verify_certificate_spki');
  const system = get('system_root_certs');
  for (const each of system) each.whole().differs(draft, 'tls.ca', "Node's certificate authorities are used");
  for (const each of get('verify_certificate_hash'))
    if (pins !== undefined)
      each.unmapped('Envoy accepts a key of verify_certificate_spki or this; here only such a key');
    else
      each.fault(
        'tls.pins has hashes of public keys, not of certificates: write the client with tls.pins, so none was made',
      );
  for (const each of get('custom_validator_config'))
    each.whole().fault('a custom validator such as SPIFFE is not supported, so no client was made');
  const checks = [ca, pins, ...system, ...get('trust_chain_verification'), ...absent];
  if (checks.every((each) => each === undefined))
    socket.warn(
      "the server was never verified: without a trusted CA Envoy accepts any certificate. Here it is verified against Node's certificate authorities; set tls.ca to use your own",
      draft,
    );
  const { names, others } = readSubjectNames(contexts, draft);
  // The host name alone would admit servers that Envoy refuses.
  for (const each of others)
    if (names.length === 0)
      each.fault(
        'only exact DNS names and URIs can be verified, so no client was made: write it with tls.subjectAltNames',
      );
    else each.unmapped('only exact DNS names and URIs are supported; the server needs one of the others');
  const source = sourceOf(
    ca,
    draft,
    'ca',
    names.length === 0 ? 'Envoy did not check the host name; here it is checked' : 'the file is watched',
  );
  pins?.exact(draft, 'tls.pins');
  for (const each of contexts) readChecks(each, draft);
  const authority = source ?? (absent.length > 0 ? variableOf(draft, 'CA') : undefined);
  return {
    ...(authority !== undefined && { ca: authority }),
    ...(names.length > 0 && { subjectAltNames: names }),
    ...(pins !== undefined && { pins: pins.items().map((pin) => pin.text() ?? '') }),
  };
}

const nameTypes = ['SAN_TYPE_UNSPECIFIED', 'EMAIL', 'DNS', 'URI', 'IP_ADDRESS', 'OTHER_NAME'] as const;

/** The names that a server may have, one of which suffices, and the matchers that no option can stand for. */
function readSubjectNames(contexts: readonly Reader[], draft: Draft): { names: string[]; others: Reader[] } {
  const lists = ['match_typed_subject_alt_names', 'match_subject_alt_names', 'verify_subject_alt_name'];
  const others: Reader[] = [];
  const nameOf = (item: Reader, list: string) => {
    if (list === 'verify_subject_alt_name') {
      item.exact(draft, 'tls.subjectAltNames');
      return item.text() ?? [];
    }
    const type = item.get('san_type')?.structure().enum(nameTypes);
    const matcher = item.get('matcher')?.structure() ?? item;
    const exact = matcher.get('exact')?.text();
    matcher.get('ignore_case')?.structure();
    if (exact !== undefined && exact !== '' && (type === undefined || type === 'DNS' || type === 'URI')) {
      item.exact(draft, 'tls.subjectAltNames');
      return exact;
    }
    others.push(item.whole());
    return [];
  };
  const names = contexts.flatMap((each) =>
    lists.flatMap((list) => each.list(list).flatMap((item) => nameOf(item, list))),
  );
  return { names, others };
}

function readChecks(context: Reader, draft: Draft): void {
  context.get('watched_directory')?.whole().structure();
  context.get('crl')?.whole().fault('certificate revocation lists are not supported, so no client was made');
  context.get('only_verify_leaf_cert_crl')?.structure();
  const accepted = context.get('trust_chain_verification');
  if (accepted?.enum(['VERIFY_TRUST_CHAIN', 'ACCEPT_UNTRUSTED']) === 'ACCEPT_UNTRUSTED')
    accepted.warn('certificates of unknown authorities were accepted; here they are rejected', draft);
  accepted?.structure();
  const expired = context.get('allow_expired_certificate');
  if (expired?.boolean() === true) expired.warn('expired certificates were accepted; here they are rejected', draft);
  expired?.structure();
  for (const name of ['max_verify_depth', 'require_signed_certificate_timestamp'])
    context.get(name)?.unmapped("Node's default is used");
}

function readNames(context: Reader | undefined, draft: Draft): Record<string, unknown> {
  const sni = context?.get('sni');
  sni?.differs(draft, 'tls.serverName', "the server's certificate is checked against this name too");
  const [automatic, verified] = [context?.get('auto_host_sni'), context?.get('auto_sni_san_validation')];
  if (automatic?.boolean() === true)
    automatic.exact(draft, 'tls.serverName', 'the default is the name of the endpoint, or the host of baseURL');
  else if (sni !== undefined) automatic?.structure();
  else automatic?.differs(draft, 'tls.serverName', 'without sni the host of baseURL is sent as the name');
  if (verified?.boolean() === true) verified.exact(draft, 'tls.serverName', 'the name is always verified');
  else verified?.differs(draft, 'tls.serverName', 'the name is always verified');
  for (const name of ['allow_renegotiation', 'enforce_rsa_key_usage'])
    context?.get(name)?.unmapped("Node's default is used");
  context
    ?.get('max_session_keys')
    ?.differs(draft, 'tls', 'TLS sessions are resumed until the client certificate is replaced');
  const name = sni?.text();
  return !name ? {} : { serverName: name };
}

function readVersions(common: Reader | undefined, draft: Draft): Record<string, unknown> {
  const parameters = common?.get('tls_params');
  const least = parameters?.get('tls_minimum_protocol_version');
  const version = least?.enum(versions)?.replace('_', '.');
  const known = version === 'TLSv1.2' || version === 'TLSv1.3';
  parameters?.structure();
  if (known) least?.exact(draft, 'tls.minVersion');
  else least?.differs(draft, 'tls.minVersion', 'TLS 1.2 is the oldest supported version');
  const most = parameters?.get('tls_maximum_protocol_version');
  if (most?.enum(versions) === 'TLSv1_3') most.structure();
  else most?.differs(draft, 'tls.minVersion', 'there is no upper bound: TLS 1.3 is used with servers that support it');
  for (const name of ['cipher_suites', 'ecdh_curves', 'signature_algorithms'])
    parameters?.get(name)?.unmapped("Node's list is used");
  parameters?.get('compliance_policies')?.fault('compliance policies are not supported, so no client was made');
  if (most === undefined && common !== undefined && least === undefined)
    common.remark(draft, 'tls.minVersion', 'without tls_params Envoy uses TLS 1.2 at most; here 1.2 or 1.3 is used');
  return known ? { minVersion: version } : {};
}
