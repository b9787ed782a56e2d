/** Certificate authorities and what they issue, made on the spot: nothing here outlives the test run. */
import 'reflect-metadata';
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A certificate with its private key, all of it PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  /** The same key, opened by `passphrase`. */
  readonly encryptedKey: string;
  /** SHA-256 of the public key, as in `tls.pins`. */
  readonly pin: string;
}

/** What a certificate says; subject alternative names only where they are given. */
export interface Subject {
  /** Empty: no subject at all, as in certificates that have only a SPIFFE name. */
  readonly name: string;
  readonly dns?: readonly string[];
  readonly uris?: readonly string[];
  /** Milliseconds from now; negative: expired already. */
  readonly expiresIn?: number;
}

export interface Authority {
  readonly cert: string;
  issue(subject: Subject): Promise<Identity>;
}

export const passphrase = 'open sesame';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 86_400_000;

const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

function validity(expiresIn = day) {
  return { notBefore: new Date(Date.now() - 2 * day), notAfter: new Date(Date.now() + expiresIn) };
}

export async function authority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const issue = async (subject: Subject): Promise<Identity> => {
    const own = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: subject.name === '' ? '' : `CN=${subject.name}`,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(subject.expiresIn),
      extensions: alternativeNames(subject),
    });
    return identityOf(certificate.toString('pem'), own);
  };
  return { cert: root.toString('pem'), issue };
}

function alternativeNames({ dns = [], uris = [] }: Subject): x509.Extension[] {
  const names: x509.JsonGeneralNames = [
    ...dns.map((value) => ({ type: 'dns' as const, value })),
    ...uris.map((value) => ({ type: 'url' as const, value })),
  ];
  return names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)];
}

async function identityOf(cert: string, { privateKey }: webcrypto.CryptoKeyPair): Promise<Identity> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  let encrypted: string | undefined;
  return {
    cert,
    key: key.export({ format: 'pem', type: 'pkcs8' }) as string,
    // Deriving its key takes longer than all the rest, and few tests ask for it. Each export has another salt.
    get encryptedKey() {
      encrypted ??= key.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase }) as string;
      return encrypted;
    },
    pin: createHash('sha256').update(spki).digest('base64'),
  };
}
