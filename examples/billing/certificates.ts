/** A certificate authority, a server and a client certificate, made on the spot and written to files as in production. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

/** Paths of PEM files, as a mounted secret would hold them. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const hour = 3_600_000;

/** What each certificate says of its owner, beside the key. */
interface Subject {
  readonly name: string;
  readonly extensions: x509.Extension[];
}

interface Issuer {
  readonly name: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

/** The files are gone when the process ends. */
export async function makeCertificates(serverName: string): Promise<Certificates> {
  const folder = mkdtempSync(join(tmpdir(), 'pillion-billing-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, pem: string) => {
    const path = join(folder, name);
    writeFileSync(path, pem, { mode: 0o600 });
    return path;
  };
  const issue = async (file: string, subject: Subject, issuer?: Issuer) => {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await sign(subject, keys, issuer ?? { name: subject.name, keys });
    const cert = write(`${file}.crt`, certificate.toString('pem'));
    return { keys, cert, key: issuer && write(`${file}.key`, await privatePem(keys)) };
  };

  const authority = await issue('ca', {
    name: 'CN=Demo CA',
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const issuer = { name: 'CN=Demo CA', keys: authority.keys };
  const names = new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: serverName }]);
  const server = await issue('server', { name: `CN=${serverName}`, extensions: [names] }, issuer);
  const client = await issue('tls', { name: 'CN=shop', extensions: [] }, issuer);
  return {
    ca: authority.cert,
    server: { cert: server.cert, key: server.key ?? '' },
    client: { cert: client.cert, key: client.key ?? '' },
  };
}

function sign({ name, extensions }: Subject, keys: webcrypto.CryptoKeyPair, issuer: Issuer) {
  return x509.X509CertificateGenerator.create({
    subject: name,
    issuer: issuer.name,
    // A clock that is a little behind must not find a certificate from the future.
    notBefore: new Date(Date.now() - hour),
    notAfter: new Date(Date.now() + hour),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    extensions,
  });
}

async function privatePem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY');
}
