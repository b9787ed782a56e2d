/** Runs cases through the real Envoy, and through clients that are imported from the same bootstrap and a listener before them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { loadHttpClients } from '../../dist/esm/index.js';
import { accountOf } from './accounts.mjs';
import { bootstrapOf, clusterOf } from './bootstrap.mjs';
import { writeCertificates } from './certificates.mjs';
import { differencesOf, verdictOf } from './compare.mjs';
import { freePorts, startEnvoy, written } from './envoy.mjs';
import { docs } from './page.mjs';
import { deps, overEnvoy, overListener, withClients } from './sides.mjs';
import { Upstream } from './upstream.mjs';

/** The importer takes no file above 64 KiB; a case is about 1.5 KiB. */
const casesInOneFile = 25;
const atOnce = 6;

/**
 * Two rows for each case, of the imported client and of the listener before it: `{ id, group, title, side, verdict, note,
 * found }`; `found` are the parts that differ from Envoy. `throughListener` says of an id whether the case goes through the listener.
 */
export async function differential(binary, cases, { keep, throughListener = () => true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'pillion-differential-'));
  const text = docs();
  const importer = startImporter();
  try {
    const tls = await writeCertificates(folder);
    const context = { binary, folder, tls, throughListener, imported: importer.imported };
    const observed = await runAll(cases, context, atOnce);
    // A busy machine makes answers late: what differs is looked at once more, with less beside it.
    const doubtful = cases.filter((each) =>
      rowsOf(each, observed.get(each.id), text).some(({ verdict }) => verdict === 'different'),
    );
    if (doubtful.length > 0 && doubtful.length <= 60)
      for (const [id, again] of await runAll(doubtful, context, 1)) observed.set(id, again);
    return cases.flatMap((each) => rowsOf(each, observed.get(each.id), text));
  } finally {
    await importer.stop();
    if (!keep) rmSync(folder, { recursive: true, force: true });
    else console.log(`Bootstraps and clients: ${folder}`);
  }
}

function rowsOf(each, { envoy, ...sides }, text) {
  const { id, group, title } = each;
  return Object.entries(sides).map(([side, seen]) => {
    const verdict = verdictOf(differencesOf(each, envoy, seen, side), accountOf(id, side), text);
    return { id, group, title, side, ...verdict };
  });
}

/** Two bootstraps at a time, since most of the time is spent waiting for starts and timeouts. */
async function runAll(cases, context, concurrent) {
  const observed = new Map();
  const starts = Array.from({ length: Math.ceil(cases.length / casesInOneFile) }, (_, index) => index * casesInOneFile);
  await inLanes(2, starts, async (from) => {
    const together = () => runTogether(cases.slice(from, from + casesInOneFile), context, concurrent);
    // Once more, because another program may take a free port before Envoy does.
    const some = await together().catch(together);
    for (const [id, one] of some) observed.set(id, one);
  });
  return observed;
}

/** Does the work for all items, so many at a time; after a failure no further item is begun. */
async function inLanes(lanes, items, work) {
  const waiting = [...items];
  const lane = async () => {
    while (waiting.length > 0) await work(waiting.shift());
  };
  const ended = await Promise.allSettled(
    Array.from({ length: lanes }, () =>
      lane().catch((error) => {
        waiting.length = 0;
        throw error;
      }),
    ),
  );
  for (const { reason } of ended) if (reason !== undefined) throw reason;
}

/** The cases of one bootstrap. */
async function runTogether(cases, { binary, folder, tls, throughListener, imported }, concurrent) {
  const upstreams = new Map();
  const observed = new Map();
  let envoy;
  try {
    const parts = [];
    for (const each of cases) {
      const upstream = new Upstream();
      upstreams.set(each.id, upstream);
      const specs = typeof each.upstreams === 'function' ? each.upstreams(tls) : (each.upstreams ?? [{}]);
      await upstream.open(specs, each.script ?? [200]);
      parts.push(partOf(each, upstream.ports, tls));
    }
    const alone = parts.filter(({ listener }) => listener !== undefined);
    const [admin, shared, ...others] = await freePorts(2 + alone.length);
    const own = new Map(alone.map(({ id }, index) => [id, others[index]]));
    const name = `${cases[0].id}.yaml`;
    const file = written(folder, name, bootstrapOf(parts, { admin, shared, own }));
    const starting = startEnvoy(binary, file, admin).then((started) => {
      envoy = started;
    });
    // Both are awaited also when one fails, so that Envoy is ended below.
    const [reading] = await Promise.allSettled([imported(file), starting]);
    await starting;
    if (reading.status === 'rejected') throw reading.reason;
    const config = reading.value;
    await inLanes(concurrent, cases, async (each) => {
      const { id } = each;
      const upstream = upstreams.get(id);
      const first = await observe(each, upstream, overEnvoy(own.get(id) ?? shared, id));
      upstream.reset();
      const found = { envoy: first };
      for (const [side, open] of Object.entries(ways)) {
        if (side === 'listener' && !throughListener(id)) continue;
        found[side] = await observeClients(each, upstream, config, folder, open);
        upstream.reset();
      }
      observed.set(id, found);
    });
  } finally {
    await envoy?.stop();
    await Promise.all([...upstreams.values()].map((upstream) => upstream.close()));
  }
  return observed;
}

/** Names and routes of a case; by default one cluster and one route of the case's own name. */
function partOf(each, ports, tls) {
  const { id, route = {}, routeLevel = {}, vhost, listener, cluster = {} } = each;
  const fields = typeof cluster === 'function' ? cluster(tls) : cluster;
  const clusters = each.clusters?.(ports, tls) ?? [clusterOf(id, ports, fields)];
  each.clusterChange?.(clusters[0]);
  const routes = each.routes?.(id) ?? [{ match: { prefix: '/' }, route: { cluster: id, ...route }, ...routeLevel }];
  return { id, routes, vhost, clusters, listener };
}

async function observe(each, upstream, { send, close }) {
  try {
    const answers =
      each.drive === undefined ? await inTurn(each.requests ?? [{}], send) : await each.drive(send, upstream);
    // Copies of a mirror may come after the answer.
    if (each.settle !== undefined) await new Promise((resolve) => setTimeout(resolve, each.settle));
    const { seen, connections, heard } = upstream;
    return { answers, seen, connections, heard };
  } finally {
    await close();
  }
}

async function inTurn(requests, send) {
  const answers = [];
  for (const request of requests) answers.push(await send(request));
  return answers;
}

/** The clients of a case are called like its clusters: its id, with a letter for one of several, and a number. */
export const clientNames = (id) => new RegExp(`^${id}(-[abc])?(-[2-9])?$`);

/** How the imported clients of a case are called. */
const ways = { client: withClients, listener: overListener };

async function observeClients(each, upstream, config, folder, open) {
  const own = clientNames(each.id);
  const named = Object.entries(config.clients).filter(([name]) => own.test(name));
  if (named.length === 0) return { refused: 'there is no client' };
  const file = written(folder, `${each.id}.json`, JSON.stringify({ clients: Object.fromEntries(named) }));
  let clients;
  try {
    clients = loadHttpClients(file, deps);
  } catch (error) {
    return { refused: `the file does not load: ${error.message.replaceAll(file, 'clients.json')}` };
  }
  const names = named.map(([name]) => name);
  return observe(each, upstream, await open(clients, names, each.id));
}

/** `imported(file)` is the configuration that the thread of `importer.mjs` makes of a bootstrap. */
function startImporter() {
  const thread = new Worker(new URL('importer.mjs', import.meta.url));
  const waiting = new Map();
  const broken = new Promise((_, reject) => thread.once('error', reject));
  // It may break while nobody waits for it.
  broken.catch(() => {});
  thread.on('message', ({ file, config, error }) => {
    const { resolve, reject } = waiting.get(file);
    if (error === undefined) resolve(config);
    else reject(error);
  });
  const imported = (file) => {
    const answer = new Promise((resolve, reject) => waiting.set(file, { resolve, reject }));
    thread.postMessage(file);
    return Promise.race([answer, broken]);
  };
  return { imported, stop: () => thread.terminate() };
}
