/** Many calls of one kind, in a process of its own, with a snapshot of the heap before and after them. */
import { once } from 'node:events';
import net from 'node:net';
import { join } from 'node:path';
import { setImmediate, setTimeout as wait } from 'node:timers/promises';
import v8 from 'node:v8';
import { createHttpClient } from 'pillion';
import { nowhere } from './axios-variants.mjs';

const { kind, port, h2, tls, count, folder } = JSON.parse(process.argv[2]);
const callers = 20;

/** A port on which nothing listens. */
async function closedPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address();
  server.close();
  return free;
}

const plain = `http://127.0.0.1:${port.port}`;
const files = { cert: tls.cert, key: tls.key, ca: tls.ca, reload: false };
const secure = { baseURL: `https://localhost:${port.tlsPort}`, tls: files };
const overH2 = { baseURL: `https://localhost:${h2.smallPort}`, tls: files, allowH2: true };
const bodiesOverH2 = { ...overH2, baseURL: `https://localhost:${h2.bodyPort}` };
const alwaysClosed = { circuitBreaker: { volumeThreshold: 1_000_000 } };
const repeated = { retry: { budget: false, maxConcurrentRetries: 1000, backoff: { base: '1ms', max: '1ms' } } };
const short = { timeouts: { attempt: 2, connect: '1s' }, retry: false, ...alwaysClosed };

const get = (path, options) => (client) => client.get(path, options);

/** Given up once `moment` has passed. */
const aborted = (path, moment, options) => (client) => {
  const controller = new AbortController();
  const answer = client.get(path, { ...options, signal: controller.signal });
  moment(() => controller.abort());
  return answer;
};

const shared = new AbortController();
const atOnce = (abort) => abort();
const nextTurn = (abort) => globalThis.setImmediate(abort);
const soon = (abort) => globalThis.setTimeout(abort, 2);

/** Reads one chunk of a stream and gives up. */
async function partly(client, path) {
  const { data } = await client.get(path, { responseType: 'stream' });
  data.on('error', () => {});
  await once(data, 'readable');
  data.read();
  data.destroy();
  await once(data, 'close');
}

/** What the client is given, and one call. `share` is the part of `count` that is made, where connections are opened anew. */
const kinds = {
  succeeds: [{}, get('/json')],
  'a stream, read': [
    {},
    async (client) => {
      const { data } = await client.get('/100k', { responseType: 'stream' });
      for await (const _ of data);
    },
    0.25,
  ],
  'one signal for all': [{}, get('/json', { signal: shared.signal })],
  'another path each': [{}, (client, number) => client.get(`/json?page=${number}`)],
  'a POST': [{}, (client, number) => client.post('/json', { number })],
  'fails with 503': [{ ...alwaysClosed, retry: false }, get('/unavailable')],
  'is retried': [{ ...alwaysClosed, ...repeated }, get('/flaky')],
  'fails after retries': [{ ...alwaysClosed, ...repeated }, get('/unavailable'), 0.25],
  'is refused a connection': [
    { ...alwaysClosed, retry: false, baseURL: `http://127.0.0.1:${await closedPort()}` },
    get('/json'),
    0.5,
  ],
  'loses its connection': [{ ...alwaysClosed, retry: false }, get('/reset'), 0.5],
  'times out': [short, get('/never'), 0.25],
  'times out in its body': [short, get('/begun'), 0.25],
  'runs out of time as a whole': [{ ...alwaysClosed, timeouts: { total: 2 } }, get('/never'), 0.25],
  'is given up at once': [{}, aborted('/json', atOnce)],
  'is given up while it is sent': [{}, aborted('/never', nextTurn), 0.25],
  'is given up while it waits': [{}, aborted('/never', soon), 0.25],
  'is given up in its body': [{}, aborted('/begun', soon), 0.25],
  'is given up in the queue': [{ limits: { maxRequests: 1 } }, aborted('/json', nextTurn), 0.25],
  'is turned away by a circuit': [
    { circuitBreaker: { volumeThreshold: 1, errorThresholdPercentage: 1, resetTimeout: '1h' }, retry: false },
    get('/unavailable'),
  ],
  'exceeds the limit': [{ limits: { maxRequests: 1, maxPendingRequests: 0 } }, get('/json')],
  'exceeds the limit of the pool': [{ connections: { maxConnections: 1, maxPendingRequests: 0 } }, get('/json')],
  'runs out of time in the queue': [
    { ...alwaysClosed, limits: { maxRequests: 1 }, timeouts: { total: 3 } },
    get('/never'),
    0.1,
  ],
  'a stream, read in part': [{}, (client) => partly(client, '/begun'), 0.25],
  'a stream, not read': [
    {},
    async (client) => (await client.get('/begun', { responseType: 'stream' })).data.on('error', () => {}).destroy(),
    0.25,
  ],
  'is redirected': [{}, get('/moved', { maxRedirects: 5 }), 0.5],
  'is redirected, axios http adapter': [{}, get('/moved', { maxRedirects: 5, beforeRedirect() {} }), 0.1],
  'is hedged': [{ hedging: { delay: 1, budget: 5 }, ...repeated }, get('/json'), 0.5],
  'client.fetch': [{}, async (client) => (await client.fetch('/json')).json()],
  'a connection each': [{ connections: { maxRequestsPerConnection: 1 } }, get('/json'), 0.25],
  'connections of a second': [{ connections: { maxConnectionAge: '1s' } }, get('/json')],
  TLS: [secure, get('/json')],
  'TLS, a connection each': [{ ...secure, connections: { maxRequestsPerConnection: 1 } }, get('/json'), 0.05],
  'TLS, connections of a second': [{ ...secure, connections: { maxConnectionAge: '1s' } }, get('/json')],
  'HTTP/2': [overH2, get('/json')],
  'HTTP/2, given up while it is sent': [{ ...alwaysClosed, ...bodiesOverH2 }, aborted('/never', nextTurn), 0.25],
  'HTTP/2, given up while it waits': [bodiesOverH2, aborted('/never', soon), 0.25],
  'HTTP/2, times out': [{ ...short, ...bodiesOverH2 }, get('/never'), 0.25],
  'HTTP/2, a stream read in part': [bodiesOverH2, (client) => partly(client, '/100k'), 0.25],
  'HTTP/2, a connection each': [{ ...overH2, connections: { maxRequestsPerConnection: 1 } }, get('/json'), 0.05],
  'HTTP/2, connections of a second': [{ ...overH2, connections: { maxConnectionAge: '1s' } }, get('/json')],
};

if (kind === undefined) process.send(Object.keys(kinds), () => process.exit());
else {
  const [config, call, share = 1] = kinds[kind];
  // Idle connections are gone when the heap is looked at: their number would count as growth.
  const connections = { keepAliveTimeout: 200, ...config.connections };
  const client = createHttpClient({ name: 'billing', baseURL: plain, ...config, connections }, { logger: nowhere() });
  const codes = {};
  let number = 0;

  const make = async (times) => {
    const caller = async () => {
      for (let left = times / callers; left > 0; left--)
        await call(client, number++).then(
          () => {
            codes.ok = (codes.ok ?? 0) + 1;
          },
          (error) => {
            const code = error.response?.status ?? error.code;
            codes[code] = (codes[code] ?? 0) + 1;
          },
        );
    };
    await Promise.all(Array.from({ length: callers }, caller));
  };

  const snapshot = async (name) => {
    await wait(600);
    global.gc();
    await setImmediate();
    v8.writeHeapSnapshot(join(folder, name));
  };

  const calls = Math.max(callers, count * share);
  await make(calls);
  for (const outcome of Object.keys(codes)) delete codes[outcome];
  await snapshot('before');
  await make(2 * calls);
  await snapshot('after');
  process.send({ calls: 2 * calls, codes }, () => process.exit());
}
