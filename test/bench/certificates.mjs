/** An authority, a server and a client certificate, made on the spot, as files: proxies take nothing else. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 86_400_000;
const validity = () => ({ notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) });
const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

/** An authority of its own; `issue(name, alternatives)` makes a certificate of it. */
export async function authority() {
  const keys = await newKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=bench authority',
    keys,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const issue = async (name, alternatives) => {
    const own = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [new x509.SubjectAlternativeNameExtension(alternatives)],
    });
    const der = await webcrypto.subtle.exportKey('pkcs8', own.privateKey);
    return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(der, 'PRIVATE KEY') };
  };
  return { cert: root.toString('pem'), issue };
}

/** Writes the files to a folder of their own; `remove()` takes it away again. */
export async function writeCertificates() {
  const { cert: ca, issue } = await authority();
  const server = await issue('upstream', [
    { type: 'dns', value: 'localhost' },
    { type: 'ip', value: '127.0.0.1' },
  ]);
  const client = await issue('billing', [{ type: 'dns', value: 'billing' }]);
  const folder = mkdtempSync(join(tmpdir(), 'pillion-bench-'));
  const write = (name, text) => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return {
    folder,
    ca: write('ca.pem', ca),
    serverCert: write('server.pem', server.cert),
    serverKey: write('server-key.pem', server.key),
    cert: write('client.pem', client.cert),
    key: write('client-key.pem', client.key),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
