/** TLS material: certificates and keys from files or inline PEM, read and checked before they are used. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { ErrorCode, PillionError } from '../../call/errors.js';
import type { OptionFault } from '../../options/options.js';
import { isoTime } from './certificate.js';
import type { MaterialOptions } from './material-options.js';

/** The options that material is read from. */
type Sources = { readonly [Name in 'cert' | 'key' | 'pfx' | 'ca' | 'passphrase']?: MaterialOptions[Name] };

/** Material whose parts belong together and that is valid now. */
export interface Material {
  readonly cert?: string;
  readonly key?: string;
  readonly pfx?: Buffer;
  readonly passphrase?: string;
  readonly ca?: readonly string[];
}

/** Material that was checked, and its certificate. */
export interface Loaded {
  readonly material: Material;
  readonly certificate: X509Certificate | undefined;
}

/** The paths of files among the options. */
export function pathsOf({ cert, key, pfx, ca }: MaterialOptions): string[] {
  return [cert, key, ...[ca].flat(), pfx].filter((source) => source !== undefined && !isPem(source)) as string[];
}

/**
 * Reads the material as it is now.
 * @throws PillionError ERR_CONFIG that names each faulty option, its file and the reason.
 */
export function readMaterial({ cert, key, pfx, ca, passphrase }: Sources): Material {
  const found = new Findings();
  const material = {
    ...(cert !== undefined && { cert: found.of(() => readPem('cert', cert)) }),
    ...(key !== undefined && { key: found.of(() => readPem('key', key)) }),
    ...(pfx !== undefined && { pfx: found.of(() => readSource('pfx', pfx)) }),
    ...(passphrase !== undefined && { passphrase }),
    ...(ca !== undefined && { ca: [ca].flat().map((source) => found.of(() => readPem('ca', source))) }),
  };
  found.tell();
  return material as Material;
}

/** Collects the faults of several sources for one error. */
class Findings {
  readonly #errors: PillionError[] = [];

  get none(): boolean {
    return this.#errors.length === 0;
  }

  of<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#errors.push(error as PillionError);
      return undefined;
    }
  }

  tell(): void {
    const [first, ...others] = this.#errors;
    if (first === undefined) return;
    if (others.length === 0) throw first;
    const faults = this.#errors.flatMap((error) => error.faults ?? []);
    const message = `Bad configuration: ${faults.map(({ path, message }) => `${path} ${message}`).join('; ')}.`;
    throw new PillionError(ErrorCode.CONFIG, message, undefined, { faults, cause: first.cause });
  }
}

/**
 * Checks that certificate and key belong together, are valid at this time, and that every authority can be read.
 * @throws PillionError ERR_CONFIG that names the option, the file and the reason.
 */
export function checkMaterial(options: MaterialOptions, material: Material): Loaded {
  const { ca, ...own } = material;
  const { cert, key, pfx } = own;
  const found = new Findings();
  for (const [index, text] of (ca ?? []).entries())
    found.of(() => parseBundle('ca', [options.ca].flat()[index] ?? '', text));
  // Authorities that cannot be read are reported above, so the bundle is checked without them.
  const bundle = pfx && found.of(() => contextOf(options, found.none ? material : own));
  const certificate = found.of(() => {
    const mine =
      cert !== undefined && key !== undefined ? checkPair(options, cert, key) : bundle && certificateIn(bundle);
    if (mine !== undefined) checkValidity(options, mine);
    return mine;
  });
  found.tell();
  if (bundle === undefined) contextOf(options, material);
  return { material, certificate };
}

/** The property of an error about a certificate that is not valid yet: when it will be, in milliseconds since 1970. */
export const startsAt = Symbol('startsAt');

function checkValidity(options: MaterialOptions, certificate: X509Certificate): void {
  const [option, source] = options.cert === undefined ? ['pfx', options.pfx ?? ''] : ['cert', options.cert];
  const now = Date.now();
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  if (to < now) throw fault(option, source, `it expired on ${isoTime(to)}`);
  if (from > now) {
    const error = fault(option, source, `it is not valid before ${isoTime(from)}`);
    throw Object.defineProperty(error, startsAt, { value: from });
  }
}

function contextOf(options: MaterialOptions, material: Material): SecureContext {
  try {
    return createSecureContext(material as Parameters<typeof createSecureContext>[0]);
  } catch (cause) {
    const option = material.pfx === undefined ? 'cert' : 'pfx';
    throw fault(option, options.pfx ?? options.cert ?? '', (cause as Error).message, cause);
  }
}

/**
 * The certificate in a PKCS#12 bundle. Node has no public way to read it; where this private one is missing, its dates
 * are not checked.
 */
function certificateIn(bundle: SecureContext): X509Certificate | undefined {
  const { context } = bundle as { context?: { getCertificate?(): Buffer | undefined } };
  const der = context?.getCertificate?.();
  return der && new X509Certificate(der);
}

const isPem = (source: string) => source.includes('-----BEGIN ');

function readPem(option: string, source: string): string {
  const text = isPem(source) ? source : readSource(option, source).toString('utf8');
  if (!isPem(text)) throw fault(option, source, 'it holds no PEM block ("-----BEGIN …-----")');
  return text;
}

function readSource(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    // Node's error quotes the path, so it becomes the cause only where the value is a path, not a secret.
    throw fault(option, path, why, isPathLike(path) ? cause : undefined);
  }
}

/**
 * Checks every certificate: OpenSSL reads a bundle up to the first block that it cannot read, and silently ignores the
 * rest.
 */
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
  { cert: certSource = '', key: keySource = '', passphrase }: MaterialOptions,
  cert: string,
  key: string,
): X509Certificate {
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
  return certificate;
}

/**
 * The error for a fault of one option. OpenSSL's own error may be its cause; the message never quotes what was read.
 */
function fault(option: string, source: string, reason: string, cause?: unknown): PillionError {
  const message = `Bad configuration: tls.${option} (${shown(source)}): ${reason}.`;
  const faults = [{ path: `tls.${option}`, message: `(${shown(source)}): ${reason}` }];
  return new PillionError(ErrorCode.CONFIG, message, undefined, { cause, faults });
}

/** The faults that an error about certificates and keys holds, each with the path of its option. */
export function faultsOfMaterial(error: unknown): OptionFault[] {
  const { message, faults = [{ path: '', message }] } = error as PillionError;
  return faults.map(({ path, message }) => ({
    path: path === '' ? [] : path.split('.'),
    message: message.replace(/\.$/, ''),
  }));
}

function shown(source: string): string {
  if (isPem(source)) return 'inline PEM';
  return isPathLike(source) ? source : `a value of ${source.length} characters that is neither PEM nor a path`;
}

/** True for a value that looks like a path: a key or a password must not be quoted in a message as if it were one. */
function isPathLike(source: string): boolean {
  return (
    source.length <= 255 &&
    /[./\\]/.test(source) &&
    !/\s/.test(source) &&
    !/^[A-Za-z0-9+=][A-Za-z0-9+/=]{39,}$/.test(source)
  );
}

/**
 * True where connections under `next` may resume the sessions of those under `before`: the client shows the same
 * certificate, and every authority that a server was verified by is still trusted. Not where an authority was removed, nor
 * for a renewed certificate, as a server goes on with the one that it saw when the session was made.
 */
export function mayResume(before: Material, next: Material): boolean {
  if (before.cert !== next.cert || !isDeepStrictEqual(before.pfx, next.pfx)) return false;
  if (before.ca === undefined || next.ca === undefined) return before.ca === next.ca;
  const trusted = new Set(certificatesIn(next.ca));
  return certificatesIn(before.ca).every((each) => trusted.has(each));
}

/** Each certificate of the bundles, as its base64 without white space. */
function certificatesIn(bundles: readonly string[]): string[] {
  const blocks = bundles.join('\n').matchAll(/-----BEGIN ([A-Z0-9 ]*)CERTIFICATE-----([^-]*)/g);
  return [...blocks].map(([, kind, base64]) => `${kind}${base64?.replace(/\s/g, '')}`);
}
