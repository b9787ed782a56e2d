/** Certificates change while calls run: mutual TLS on both sides, no proxy, no restart, no failed call. */
import { once } from 'node:events';
import { copyFileSync, renameSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createHttpClient, createIdentity, type HttpClient, type HttpClientDeps } from 'pillion';
import { type Certificates, makeCertificates } from './billing/certificates.js';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  const [first, second] = [await makeCertificates('localhost'), await makeCertificates('localhost')];

  // The server's side: the certificate for new connections is always the one that is in force.
  const serverSide = createIdentity({ ...first.server, ca: [first.ca, second.ca] }, deps);
  const options = { ...serverSide.serverOptions(), requestCert: true };
  const server = createServer(options, (request, response) => {
    response.end((request.socket as TLSSocket).getPeerCertificate().issuer.CN);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;

  const tls = { ...first.client, ca: [first.ca, second.ca] };
  const client = createHttpClient({ name: 'billing', baseURL: `https://localhost:${port}`, tls }, deps);
  const told: string[] = [];
  client.on('identity.rotated', ({ generation, subject }) => told.push(`generation ${generation} is ${subject}`));
  client.on('identity.rejected', ({ message }) => told.push(`refused: ${message.replaceAll(/[^\s(]*\//g, '')}`));

  const stopCalling = callAllTheTime(client);
  // A new certificate without its key is refused, and calls go on with the pair before.
  const refused = next(client, 'identity.rejected');
  replace(first, second, ['cert']);
  await refused;
  const rotated = next(client, 'identity.rotated');
  replace(first, second, ['key']);
  await rotated;
  const { made, failed } = await stopCalling();

  told.push(`${failed} of ${made > 0 ? 'all' : 'no'} calls failed`);
  await client.close();
  serverSide.close();
  server.close();
  return told;
}

/** As a mounted secret or an agent does it: the new file takes the place of the old one. */
function replace({ client }: Certificates, other: Certificates, names: readonly ('cert' | 'key')[]): void {
  for (const name of names) {
    copyFileSync(other.client[name], `${client[name]}.new`);
    renameSync(`${client[name]}.new`, client[name]);
  }
}

const next = (client: HttpClient, event: 'identity.rotated' | 'identity.rejected') =>
  new Promise<void>((resolve) => {
    const stop = client.on(event, () => resolve(stop()));
  });

/** Ten callers; the function returned ends them and says what they saw. */
function callAllTheTime(client: HttpClient): () => Promise<{ made: number; failed: number }> {
  let stopped = false;
  const seen = { made: 0, failed: 0 };
  const caller = async () => {
    while (!stopped) {
      seen.made++;
      await client.get('/').catch(() => seen.failed++);
    }
  };
  const callers = Array.from({ length: 10 }, caller);
  return async () => {
    stopped = true;
    await Promise.all(callers);
    return seen;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const ignore = () => {};
  console.log((await main({ logger: { debug: ignore, info: ignore, warn: ignore, error: ignore } })).join('\n'));
}
