/** Identity: TLS material from files or inline PEM, checked when the client is created. */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import tls, { type ConnectionOptions, type PeerCertificate } from 'node:tls';
import { z } from 'zod';
import { ErrorCode, PillionError } from '../errors.js';
import { assumed } from '../options.js';

const material = 'A file path, or PEM text.';
const oneOrMore = z
  .string()
  .min(1)
  .or(z.array(z.string().min(1)).min(1));

export const tlsOptions = z
  .strictObject({
    cert: z.string().min(1).optional().describe(`Client certificate with its chain. ${material}`),
    key: z.string().min(1).optional().describe(`Private key of \`cert\`. ${material}`),
    passphrase: z.string().optional().describe('Opens an encrypted `key` or `pfx`.'),
    pfx: z.string().min(1).optional().describe('Path of a PKCS#12 bundle, in place of `cert` and `key`.'),
    ca: oneOrMore.optional().describe(`Trusted certificate authorities, in place of Node's own. ${material}`),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe('SNI and the name the certificate is checked for, in place of the host.'),
    minVersion: z
      .enum(['TLSv1.2', 'TLSv1.3'])
      .optional()
      .meta({ [assumed]: 'TLSv1.2' })
      .describe('Oldest TLS version spoken.'),
    subjectAltNames: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe(
        'The server certificate must have one of these: DNS names or URIs such as `spiffe://…`; in place of the host name.',
      ),
    pins: z
      .array(
        z.string().regex(/^(sha256\/)?[A-Za-z0-9+/]{43}=$/, { error: 'expected the base64 SHA-256 of a public key' }),
      )
      .min(1)
      .optional()
      .describe("The server certificate's public key must have one of these: base64 SHA-256 of its SPKI."),
    rejectUnauthorized: z
      .boolean()
      .default(true)
      .describe('`false` accepts any server; refused together with any other of these options.'),
  })
  .check((context) => {
    const { cert, key, pfx, rejectUnauthorized, ...others } = context.value;
    const fault = (path: string, message: string) =>
      context.issues.push({ code: 'custom', path: [path], message, input: context.value });
    if ((cert === undefined) !== (key === undefined))
      fault(cert === undefined ? 'cert' : 'key', 'cert and key go together');
    if (pfx !== undefined && cert !== undefined) fault('pfx', 'give either pfx or cert and key');
    if (!rejectUnauthorized && [cert, pfx, ...Object.values(others)].some((each) => each !== undefined))
      fault('rejectUnauthorized', 'false would switch off the checks that the other tls options ask for; remove it');
  })
  .transform(({ minVersion = 'TLSv1.2', ...rest }) => ({ ...rest, minVersion }));

export type TlsOptions = z.output<typeof tlsOptions>;

/**
 * Reads and checks TLS material and gives the options for `tls.connect`.
 * @throws PillionError ERR_CONFIG that names the option, the file and the reason.
 */
export function loadIdentity(options: TlsOptions): ConnectionOptions {
  const { passphrase, serverName, minVersion, subjectAltNames, pins, rejectUnauthorized } = options;
  const cert = options.cert === undefined ? undefined : readPem('cert', options.cert);
  const key = options.key === undefined ? undefined : readPem('key', options.key);
  const pfx = options.pfx === undefined ? undefined : readMaterial('pfx', options.pfx);
  const ca = options.ca === undefined ? undefined : [options.ca].flat().map((source) => readPem('ca', source));
  if (cert !== undefined && key !== undefined) checkPair(options, cert, key);
  for (const [index, text] of (ca ?? []).entries()) parseBundle('ca', [options.ca].flat()[index] ?? '', text);

  const connect: ConnectionOptions = { minVersion, rejectUnauthorized };
  if (cert !== undefined) Object.assign(connect, { cert, key });
  if (pfx !== undefined) connect.pfx = pfx;
  if (passphrase !== undefined) connect.passphrase = passphrase;
  if (ca !== undefined) connect.ca = ca;
  if (serverName !== undefined) connect.servername = serverName;
  if (subjectAltNames !== undefined || pins !== undefined) {
    connect.checkServerIdentity = (host, peer) => checkServer(host, peer, subjectAltNames, pins);
  }
  try {
    tls.createSecureContext(connect);
  } catch (cause) {
    throw fault(pfx === undefined ? 'cert' : 'pfx', options.pfx ?? options.cert ?? '', (cause as Error).message, cause);
  }
  return connect;
}

const isPem = (source: string) => source.includes('-----BEGIN ');

function readPem(option: string, source: string): string {
  const text = isPem(source) ? source : readMaterial(option, source).toString('utf8');
  if (!isPem(text)) throw fault(option, source, 'it holds no PEM block ("-----BEGIN …-----")');
  return text;
}

function readMaterial(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    // Node's error quotes the path, so it goes along only where that is one.
    throw fault(option, path, why, isPathLike(path) ? cause : undefined);
  }
}

/** OpenSSL reads a bundle up to the first block it cannot read, and says nothing of the rest. */
function parseBundle(option: string, source: string, pem: string): void {
  for (const block of pem.split(/(?=-----BEGIN [A-Z ]*CERTIFICATE-----)/).filter(isPem)) {
    parseCertificate(option, source, block);
  }
}

function parseCertificate(option: string, source: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw fault(option, source, 'it is not a certificate', cause);
  }
}

function checkPair(
  { cert: certSource = '', key: keySource = '', passphrase }: TlsOptions,
  cert: string,
  key: string,
): void {
  const certificate = parseCertificate('cert', certSource, cert);
  let privateKey: ReturnType<typeof createPrivateKey>;
  try {
    privateKey = createPrivateKey(passphrase === undefined ? key : { key, passphrase });
  } catch (cause) {
    const encrypted = key.includes('ENCRYPTED');
    throw fault(
      'key',
      keySource,
      encrypted ? 'it is encrypted and tls.passphrase does not open it' : 'it is not a private key',
      cause,
    );
  }
  if (!certificate.checkPrivateKey(privateKey))
    throw fault('key', keySource, `it does not belong to the certificate in ${shown(certSource)}`);
}

/** OpenSSL's own messages may go along as `cause`; the text never quotes what it read. */
function fault(option: string, source: string, reason: string, cause?: unknown): PillionError {
  return new PillionError(
    ErrorCode.CONFIG,
    `Bad configuration: tls.${option} (${shown(source)}): ${reason}.`,
    undefined,
    { cause },
  );
}

function shown(source: string): string {
  if (isPem(source)) return 'inline PEM';
  return isPathLike(source) ? source : `a value of ${source.length} characters that is neither PEM nor a path`;
}

/** A key pasted without its PEM lines must not be quoted in a message as if it were a path. */
function isPathLike(source: string): boolean {
  return source.length <= 255 && !/\s/.test(source) && !/^[A-Za-z0-9+=][A-Za-z0-9+/=]{39,}$/.test(source);
}

/** Runs once Node has verified the chain. Returns the error, as `tls.connect` wants it. */
function checkServer(
  host: string,
  peer: PeerCertificate,
  names: string[] | undefined,
  pins: string[] | undefined,
): Error | undefined {
  const certificate = new X509Certificate(peer.raw);
  if (names === undefined) {
    const mismatch = tls.checkServerIdentity(host, peer);
    if (mismatch !== undefined) return mismatch;
  } else if (!names.some((name) => hasName(certificate, name))) {
    return identityError(`its certificate has none of tls.subjectAltNames (${names.join(', ')})`);
  }
  if (pins !== undefined && !pins.some((pin) => pin.replace('sha256/', '') === publicKeyPin(certificate))) {
    return identityError('its public key is none of tls.pins');
  }
  return undefined;
}

function identityError(why: string): Error {
  return Object.assign(new Error(`The server was refused: ${why}.`), { code: ErrorCode.TLS_IDENTITY });
}

/** DNS names by RFC 6125 with wildcards, as OpenSSL matches them; URIs letter for letter. */
function hasName(certificate: X509Certificate, name: string): boolean {
  if (!name.includes('://')) return certificate.checkHost(name, { subject: 'never' }) !== undefined;
  return subjectUris(certificate).includes(name);
}

/**
 * The URIs among the subject alternative names. Node prints the list with `, ` between and puts a name that holds a comma
 * or a quote in JSON quotes: taken apart by that rule, since a plain split can be spoofed by a crafted name.
 */
function subjectUris(certificate: X509Certificate): string[] {
  const entries = (certificate.subjectAltName ?? '').match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  return entries
    .map((entry) => entry.trim())
    .filter((entry) => entry.startsWith('URI:'))
    .map((entry) => (entry.startsWith('URI:"') ? (JSON.parse(entry.slice(4)) as string) : entry.slice(4)));
}

/** As in HPKP and Envoy's `verify_certificate_spki`: base64 of the SHA-256 of the DER SubjectPublicKeyInfo. */
export function publicKeyPin(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64');
}
