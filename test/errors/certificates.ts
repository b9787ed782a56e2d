/** Certificates made on the spot, and what of them must never be printed. */
import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export interface Identity {
  readonly cert: string;
  readonly key: string;
  /** The same key, opened by `passphrase`. */
  readonly encryptedKey: string;
  readonly passphrase: string;
  /** Each line of both keys: what a printed key would show. */
  readonly secretLines: readonly string[];
}

export interface Authority {
  readonly cert: string;
  issue(name: string): Promise<Identity>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const passphrase = 'planted-passphrase';
const day = 86_400_000;

const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
const validity = () => ({ notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) });

async function pkcs8({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  }) as string;
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
  const issue = async (subject: string): Promise<Identity> => {
    const own = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${subject}`,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: subject }])],
    });
    const key = await pkcs8(own);
    const encryptedKey = createPrivateKey(key).export({
      format: 'pem',
      type: 'pkcs8',
      cipher: 'aes-256-cbc',
      passphrase,
    }) as string;
    const secretLines = [key, encryptedKey].flatMap((pem) =>
      pem.split('\n').filter((line) => /^[\w+/=]{20,}$/.test(line)),
    );
    return { cert: certificate.toString('pem'), key, encryptedKey, passphrase, secretLines };
  };
  return { cert: root.toString('pem'), issue };
}
