import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createHttpClient, type HttpClient } from 'pillion';
import { expect, it, onTestFinished } from 'vitest';
import { type Authority, authority, type Identity } from '../../support/certificates.js';
import { type Store, stores } from './stores.js';

const rotations = 250;
const callers = [13, 13, 12, 12];
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Answers each call with the name in the client's certificate, and counts its connections. */
async function startUpstream(ca: Authority, own: Identity) {
  const seen = { open: 0, made: 0, resumed: 0 };
  const options = { cert: own.cert, key: own.key, ca: ca.cert, requestCert: true, keepAliveTimeout: 60_000 };
  const names = new WeakMap<Socket, string>();
  const server = https.createServer(options, ({ socket }, response) => void response.end(names.get(socket)));
  server.on('secureConnection', (socket: TLSSocket) => {
    names.set(socket, `${socket.getPeerCertificate().subject.CN}`);
    seen.open++;
    seen.made++;
    if (socket.isSessionReused()) seen.resumed++;
    socket.once('close', () => seen.open--);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { seen, origin: `https://localhost:${(server.address() as AddressInfo).port}` };
}

/** Milliseconds between two calls of a caller; without a pause the calls would take both cores from the rotations. */
const pause = 5;

/** The generation in force, counted by its event: stats would read the certificate anew before each of thousands of calls. */
function generationOf(client: HttpClient): () => number {
  let known = 1;
  client.on('identity.rotated', () => {
    known++;
  });
  return () => known;
}

/** What a caller saw: a call begun under one generation must not show an older certificate. */
async function callUntil(
  stop: () => boolean,
  client: HttpClient,
  current: () => number,
  faults: string[],
): Promise<number> {
  let calls = 0;
  for (; !stop(); calls++) {
    const generation = current();
    const { data } = await client.get<string>('/').catch(({ code }) => ({ data: `failed with ${code}` }));
    if (!(Number(data) >= generation)) faults.push(`generation ${generation}: ${data}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return calls;
}

/** The identity of a generation, which is its name. Issued once for all stores: that takes as long as a rotation. */
type Identities = (generation: number) => Promise<Identity>;

function identitiesOf(ca: Authority): Identities {
  const issued: Promise<Identity>[] = [];
  return (generation) => (issued[generation] ??= ca.issue({ name: `${generation}` }));
}

async function rotate(client: HttpClient, store: Store, identities: Identities, faults: string[]): Promise<void> {
  for (let generation = 2; generation <= rotations + 1; generation++) {
    const next = await identities(generation);
    const rotated = new Promise<void>((resolve) => {
      const stop = client.on('identity.rotated', () => resolve(stop()));
    });
    store.put(next);
    await rotated;
    const { data } = await client.get<number>('/');
    if (String(data) !== `${generation}`) faults.push(`the first call after rotation ${generation} showed ${data}`);
  }
}

it('1,000 rotations under 50 callers, all four ways at once: no call fails, none shows an old certificate', async () => {
  const ca = await authority('our CA');
  const { origin, seen } = await startUpstream(ca, await ca.issue({ name: 'server', dns: ['localhost'] }));
  const identities = identitiesOf(ca);
  const first = await identities(1);
  const faults: string[] = [];
  let calls = 0;
  await Promise.all(
    stores.map(async ([, open], index) => {
      const store = open(first);
      const tls = { cert: store.cert, key: store.key, ca: ca.cert };
      // Without timeouts: on a busy machine a handshake may take longer than the second that is the default.
      const client = createHttpClient(
        { baseURL: origin, retry: false, timeouts: false, connections: { maxConnections: 2 }, tls },
        { logger: silent },
      );
      const current = generationOf(client);
      let done = false;
      const running = Array.from({ length: callers[index] ?? 0 }, () => callUntil(() => done, client, current, faults));
      await rotate(client, store, identities, faults);
      done = true;
      calls += (await Promise.all(running)).reduce((sum, each) => sum + each, 0);
      const { calls: counts, policies, identity } = client.stats();
      expect(counts.failed).toBe(0);
      expect(identity).toMatchObject({ generation: rotations + 1, subject: `CN=${rotations + 1}` });
      expect(policies.wire).toMatchObject({ draining: 0 });
      await client.close();
    }),
  );
  expect(faults).toEqual([]);
  console.log(`1,000 rotations: ${calls} calls, ${seen.made} connections made`);
  expect(seen.resumed).toBe(0);
  // Sockets of closed clients need a turn of the event loop to be gone on this side too.
  while (seen.open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}, 120_000);
