/** Loads one module in a fresh process, or pillion part by part, and tells what that took. */
import { createRequire } from 'node:module';

const { way, name, owners } = JSON.parse(process.argv[2]);
const require = createRequire(import.meta.url);

const load = way === 'require' ? (path) => require(path) : (path) => import(path);
const { rss: before } = process.memoryUsage();

async function timed(work) {
  const { user, system } = process.cpuUsage();
  const start = performance.now();
  await work();
  const ms = performance.now() - start;
  const after = process.cpuUsage();
  return { ms, cpu: (after.user + after.system - user - system) / 1000 };
}

/** In the order in which they need each other, so that none counts what another has loaded. */
async function byOwner() {
  const code = new URL('../../dist/esm/code/', import.meta.url);
  const rows = { axios: await timed(() => import('axios')) };
  rows['zod, packed'] = await timed(() => import(new URL('zod.js', code)));
  rows['opossum and axios-retry'] = await timed(() => Promise.all([import('opossum'), import('axios-retry')]));
  rows['the rest of pillion'] = await timed(() => import('pillion'));
  const { undiciClient, pinoLibrary, openTelemetry } = await import(new URL('on-demand.cjs', code));
  rows['on demand: undici, with the first client'] = await timed(undiciClient);
  const { createHttpClient } = await import('pillion');
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const client = (more) => timed(() => createHttpClient({ baseURL: 'http://127.0.0.1:9', ...more }, { logger }));
  rows['the first client: schemas of usual sections'] = await client();
  rows['the second client'] = await client();
  const all = { ...sections(), baseURL: 'http://127.0.0.1:9' };
  rows['a client with every section: their schemas'] = await client(all);
  rows['a second one of these'] = await client(all);
  const { yamlLibrary } = await import(new URL('yaml-on-demand.cjs', code));
  rows['on demand: pino, first line of the default logger'] = await timed(pinoLibrary);
  rows['on demand: yaml, first file'] = await timed(yamlLibrary);
  rows['on demand: @opentelemetry/api, where an SDK is registered'] = await timed(openTelemetry);
  return rows;
}

function sections() {
  return {
    endpoints: { static: [{ address: '127.0.0.1:9' }] },
    ...{ balance: {}, outlierDetection: {}, healthCheck: { path: '/' }, rateLimit: { requests: 10, per: '1s' } },
    ...{ hedging: { delay: '1s' }, adaptiveConcurrency: {}, deadlineHeader: {}, fault: {}, tls: {} },
    split: [{ targets: [{ name: 'a', baseURL: 'http://127.0.0.1:9', weight: 1 }] }],
    mirror: [{ baseURL: 'http://127.0.0.1:9' }],
    routes: [{ match: { path: { prefix: '/' } }, timeouts: { total: '1s' } }],
  };
}

if (owners) {
  process.send(await byOwner());
} else {
  const took = await timed(() => load(name));
  process.send({ ...took, rss: process.memoryUsage().rss - before, whole: process.memoryUsage().rss });
}
process.disconnect();
