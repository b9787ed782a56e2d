/**
 * Puts the name of each option on `Object.prototype`, enumerable and not, makes calls by every way in, and tells what has
 * changed: what the server saw, what the caller got, or a function that was called.
 */
import { Worker } from 'node:worker_threads';
import axios from 'axios';
import { createHttpClient, createUndiciAdapter, usePolicies } from 'pillion';
import { hostile, ofNode } from './pollution-names.mjs';

/** In a realm of its own: what is put on Object.prototype here is not there. It answers with what it was sent. */
const worker = new Worker(
  `
import http from 'node:http';
import zlib from 'node:zlib';
import { parentPort } from 'node:worker_threads';
const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const { method, url, headers } = request;
    if (url.startsWith('/moved')) return response.writeHead(302, { location: '/there' }).end();
    const told = JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(zlib.gzipSync(told));
  });
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`,
  { eval: true, execArgv: ['--input-type=module'] },
);
const port = await new Promise((resolve) => worker.once('message', resolve));
const baseURL = `http://127.0.0.1:${port}`;

let called = 0;
const names = Object.entries(
  hostile(() => {
    called++;
    return 'evil';
  }),
);

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const config = { tracing: { requestIdHeader: false } };
const open = (more) => createHttpClient({ baseURL, ...config, ...more }, { logger: silent });
const client = open();
const routed = open({
  routes: [{ match: { methods: ['DELETE'] } }, { timeouts: { attempt: '9s' } }],
  requestHeaders: { set: { 'x-b': '1' } },
  pathRewrite: { '^/none': '/' },
  timeouts: { idle: '9s' },
  connections: { maxConnections: 5 },
});
const redirecting = open({ maxRedirects: 3 });
const adapter = createUndiciAdapter();
const bare = axios.create({ adapter, baseURL, proxy: false });
const instance = axios.create({ baseURL, proxy: false });
usePolicies(instance, config, { logger: silent });
const intercepted = open();
intercepted.interceptors.request.use((request) => request);
/** Options whose own fields leave much unsaid. */
const partial = {
  auth: { username: 'u' },
  timeouts: { total: '9s' },
  retry: { maxRetries: 0 },
  transitional: { silentJSONParsing: true, forcedJSONParsing: true },
  paramsSerializer: { indexes: false },
  params: { a: [1, 2], b: { c: 1 } },
};
const direct = { url: '/a', baseURL, headers: {}, method: 'get' };

const withoutDate = (headers) => [...headers].filter(([name]) => name !== 'date').sort();
const told = ({ status, statusText, data, headers }) => [
  status,
  statusText,
  data,
  withoutDate(Object.entries(headers)),
];
const toldFetch = async (response) => [
  response.status,
  response.url,
  await response.json(),
  withoutDate(response.headers),
];

const ways = {
  get: async () => told(await client.get('/a', { params: { q: 1 } })),
  post: async () => told(await client.post('/a', { n: 1 }, { headers: { 'x-a': '1' } })),
  request: async () => told(await client.request({ url: '/a' })),
  'with routes': async () => told(await routed.post('/a', { n: 1 }, { timeouts: { total: '9s' } })),
  callable: async () => told(await client('/a')),
  'partial options': async () => told(await client.post('/a', { n: 1 }, partial)),
  'with an interceptor': async () => told(await intercepted.post('/a', { n: 1 })),
  fetch: async () => toldFetch(await client.fetch('/a')),
  'fetch of a URL': async () =>
    toldFetch(await client.fetch(new URL(`${baseURL}/a`), { method: 'POST', body: 'x', headers: { 'x-a': '1' } })),
  redirect: async () => told(await redirecting.get('/moved')),
  'fetch with a redirect': async () => toldFetch(await client.fetch('/moved')),
  'the http lane': async () => told(await client.post('/a', { n: 1 }, { ...partial, family: 4 })),
  'the bare adapter': async () => told(await bare.post('/a', { n: 1 })),
  'the bare adapter, called': async () => told(await adapter({ ...direct, timeout: 9000 })),
  'the stack, called': async () => told(await client.defaults.adapter({ ...direct })),
  usePolicies: async () => told(await instance.get('/a', { params: { q: 1 } })),
  'a new connection': async () => told(await unused({ ...direct })),
  'a new client': async () => {
    made = open();
    return told(await made.get('/a'));
  },
};

let unused;
let made;

async function outcomeOf(way) {
  try {
    return JSON.stringify(await ways[way]());
  } catch (error) {
    return `${error.name} ${error.code} ${error.message}`;
  }
}

async function outcomes(chosen, [name, value, enumerable] = []) {
  unused = createUndiciAdapter();
  // Node's own socket of a connection takes what it finds: these connect beforehand.
  if (ofNode.connecting.has(name)) await unused({ ...direct });
  called = 0;
  if (name !== undefined)
    Object.defineProperty(Object.prototype, name, { value, enumerable, configurable: true, writable: true });
  try {
    return await Promise.all(chosen.map(outcomeOf));
  } finally {
    delete Object.prototype[name];
    await Promise.all([unused.close(), made?.close({ grace: 0 })]);
  }
}

const all = Object.keys(ways);
/** Each way of reading options once: what is not enumerable is only ever read by its name. */
const reading = [
  'get',
  'with routes',
  'partial options',
  'fetch',
  'the bare adapter, called',
  'the stack, called',
  'usePolicies',
];
const expected = await outcomes(all);
for (const [at, outcome] of expected.entries())
  if (!outcome.startsWith('[200')) console.log(JSON.stringify({ broken: all[at], outcome }));
for (const [name, value] of names) {
  for (const enumerable of [true, false]) {
    const chosen = (enumerable ? all : reading).filter(
      (way) => !ofNode[way]?.has(name) && !(way === 'a new client' && ofNode.connecting.has(name)),
    );
    const got = await outcomes(chosen, [name, value, enumerable]);
    for (const [at, way] of chosen.entries())
      if (got[at] !== expected[all.indexOf(way)]) console.log(JSON.stringify({ name, enumerable, way, got: got[at] }));
    if (called > 0) console.log(JSON.stringify({ name, enumerable, called }));
  }
}
console.log(JSON.stringify({ names: names.length, ways: all.length }));
process.exit(0);
