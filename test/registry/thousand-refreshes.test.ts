import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HttpClient, loadHttpClients } from 'pillion';
import { expect, it, onTestFinished } from 'vitest';
import { files } from '../support/files.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Answers after a moment, so that calls are in flight whenever the configuration changes; remembers what it got. */
async function startUpstream() {
  const got = new Map<string, number>();
  const sockets = new Set<unknown>();
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    sockets.add(request.socket);
    const id = String(request.url);
    got.set(id, (got.get(id) ?? 0) + 1);
    setTimeout(() => response.end(id), 5);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { got, sockets, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function callUntil(stop: () => boolean, client: HttpClient, name: string, faults: string[]): Promise<number> {
  let calls = 0;
  for (; !stop(); calls++) {
    const url = `/${name}/${calls}`;
    const { data } = await client.post<string>(url, { n: calls }).catch(({ code }) => ({ data: code }));
    if (data !== url) faults.push(`${url}: ${data}`);
  }
  return calls;
}

/** What is wrong changes with the number, and so does what is right. */
const faulty = [
  () => 'clients:\n  users: { timeouts: { total: soon } }\n  billing: {}\n',
  () => 'clients:\n  users: { baseURL: http://127.0.0.1:1 }\n  billing: { retires: 1 }\n',
  () => '',
  () => 'clients: { users: {',
  () => 'clients:\n  users: { tls: { ca: /nowhere } }\n  billing: {}\n',
];

it('1,000 refreshes under load, one in three bad: no call fails or is sent twice, every good one is applied', async () => {
  const steady = await startUpstream();
  const changing = await startUpstream();
  const version = (n: number) =>
    [
      'clients:',
      `  users: { baseURL: "${changing.origin}", timeouts: { total: ${5000 + n}ms }, limits: { maxPendingRequests: ${1000 + n} } }`,
      `  billing: { baseURL: "${steady.origin}" }`,
    ].join('\n');
  const path = files({ 'clients.yaml': version(0) })['clients.yaml'];
  const registry = loadHttpClients(path, { logger: silent });
  onTestFinished(() => registry.close());
  const seen = { applied: 0, rejected: 0 };
  registry.on('config.applied', () => seen.applied++);
  registry.on('config.rejected', () => seen.rejected++);
  const [users, billing] = [registry.get('users'), registry.get('billing')];
  await billing.get('/warm');

  const faults: string[] = [];
  let done = false;
  const callers = Array.from({ length: 40 }, (_, index) =>
    callUntil(() => done, index % 2 ? users : billing, `${index}`, faults),
  );
  for (let n = 1; n <= 1000; n++) {
    const bad = n % 3 === 0;
    writeFileSync(path, bad ? (faulty[n % faulty.length]?.() ?? '') : version(n));
    if ((await registry.refresh()) === bad) faults.push(`refresh ${n}: ${bad ? 'applied' : 'not applied'}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  done = true;
  const calls = (await Promise.all(callers)).reduce((sum, each) => sum + each, 0);

  expect(faults).toEqual([]);
  expect(seen).toEqual({ applied: 667, rejected: 333 });
  for (const { got } of [steady, changing]) expect([...got.values()].filter((count) => count !== 1)).toEqual([]);
  console.log(`1,000 refreshes: ${calls} calls`);
  const { config, clients } = registry.stats();
  expect(config).toMatchObject({ version: 668, rejected: 333, changes: expect.any(Array) });
  // Their wires did not change, so they kept their connections through all 667 versions.
  expect(steady.sockets.size).toBeLessThanOrEqual(20);
  expect(changing.sockets.size).toBeLessThanOrEqual(20);
  expect((clients.users?.calls.succeeded ?? 0) + (clients.billing?.calls.succeeded ?? 0)).toBe(calls + 1);
}, 60_000);
