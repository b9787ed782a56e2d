/** How the cost of one call, and what stays in memory, grow with the number of something: one subject in a process of its own. */
import { once } from 'node:events';
import net from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { AxiosHeaders } from 'axios';
import { balance, createHttpClient, loadHttpClients, outlierDetection } from 'pillion';
import { nowhere } from './axios-variants.mjs';
import { answer } from './cases.mjs';

const { subject, sizes, rounds, calls } = JSON.parse(process.argv[2]);
const headers = new AxiosHeaders({ 'content-type': 'application/json' });
const baseURL = 'http://billing.test';
const logger = nowhere();
const off = { retry: false, limits: false, circuitBreaker: false, timeouts: false, tracing: false, logging: false };

async function wire(config) {
  return { data: answer, status: 200, statusText: '', headers, config, request: {} };
}

const clientWith = (config, deps) =>
  createHttpClient({ name: 'billing', baseURL, ...config }, { logger, transport: wire, ...deps });

async function heapNow() {
  for (let times = 0; times < 2; times++) {
    global.gc();
    await setImmediate();
  }
  return process.memoryUsage().heapUsed;
}

const cpuNow = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** The least CPU microseconds that one of `count` took, of several rounds: what disturbs a round only makes it longer. */
async function least(count, work) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const startedAt = cpuNow();
    await work(round);
    best = Math.min(best, (cpuNow() - startedAt) / count);
    await setImmediate();
  }
  return best;
}

const callsOf = (client, requestOf) => async () => {
  for (let call = 0; call < calls; call++) await client.request(requestOf(call));
};

const numbers = (count) => Array.from({ length: count }, (_, index) => index);
const addressOf = (index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:80`;

async function destinations(size) {
  const crawler = () => createHttpClient({ name: 'crawler', allowAbsoluteUrls: true }, { logger, transport: wire });
  // Warms up the code, which would count as heap of the first destinations.
  const other = crawler();
  for (let call = 0; call < calls; call++) await other.get(`http://other-${call % 100}.test/json`);
  await other.close();
  const before = await heapNow();
  const client = crawler();
  const urls = numbers(size).map((index) => `http://host-${index}.test/json`);
  let next = 0;
  const request = () => ({ method: 'get', url: urls[next++ % size] });
  for (let call = 0; call < size; call++) await client.request(request());
  const cost = await least(calls, callsOf(client, request));
  const heap = (await heapNow()) - before;
  await client.close();
  return { 'a call, us': cost, 'heap a destination, KB': heap / size / 1000 };
}

/** Lists of endpoints: the second as it is after one of them has changed. */
const lists = {
  even: (index) => ({ address: addressOf(index) }),
  weights: (index) => ({ address: addressOf(index), weight: 1 + (index % 7) }),
  zones: (index) => ({
    ...{ address: addressOf(index), zone: index % 2 === 0 ? 'a' : 'b' },
    ...{ priority: index % 5 === 0 ? 1 : 0, weight: 1 + (index % 3) },
  }),
};
const choices = {
  'least-pending': ['even', { strategy: 'least-pending' }],
  'least-pending, weights': ['weights', { strategy: 'least-pending' }],
  'round-robin': ['even', { strategy: 'round-robin' }],
  'round-robin, weights': ['weights', { strategy: 'round-robin' }],
  random: ['even', { strategy: 'random' }],
  'random, weights': ['weights', { strategy: 'random' }],
  hash: ['even', { strategy: 'hash' }],
  'hash, weights': ['weights', { strategy: 'hash' }],
  'priorities, zones': ['zones', { strategy: 'least-pending', zone: 'a' }],
};

/** A discovery that says what it is told to. */
function byHand() {
  let tell;
  const watch = (update) => {
    tell = update;
    return () => {};
  };
  return { watch, tell: (list) => tell(list) };
}

async function fleetOf(list, balance, more = {}, deps = {}) {
  const discovery = byHand();
  const client = clientWith({ ...off, balance, ...more }, { ...deps, discovery });
  discovery.tell(list);
  await client.get('/json');
  return { client, discovery };
}

/** The cost of an attempt that passes `balance` alone, without a client around it. */
async function chosen(list, options, outer = (next) => next) {
  const answered = async () => ({ status: 200, headers });
  const stack = balance({ ...options, endpoints: { static: list } })(outer(answered));
  const request = (index) => ({
    ...{ method: 'get', url: '/json', baseURL, headers },
    ...(options.strategy === 'hash' && { hashKey: `user-${index % 1000}` }),
  });
  const work = async () => {
    for (let call = 0; call < calls; call++) await stack(request(call));
  };
  await work();
  const cost = await least(calls, work);
  return cost;
}

async function choice(size) {
  const row = {};
  for (const [name, [list, options]] of Object.entries(choices))
    row[`${name}, us`] = await chosen(numbers(size).map(lists[list]), options);
  // What a check or an ejection asks of a list: how many are usable.
  row['least-pending, outliers, us'] = await chosen(numbers(size).map(lists.even), {}, outlierDetection({}));
  return row;
}

async function endpoints(size) {
  const all = numbers(size).map(lists.weights);
  const row = {};
  for (const strategy of ['least-pending', 'round-robin', 'hash']) {
    const { client, discovery } = await fleetOf(all, { strategy });
    const changed = all.with(size >> 1, { address: addressOf(size + 1) });
    const request = { method: 'get', url: '/json', hashKey: 'user' };
    row[`update and call, ${strategy}, us`] = await least(1, async (round) => {
      discovery.tell(round % 2 === 0 ? changed : all);
      await client.request(request);
    });
    await client.close();
  }
  // One endpoint after another fails once: it is ejected and comes back while calls go on.
  const failing = (config) => (config.headers.get('fail') ? Promise.reject(resetOf(config)) : wire(config));
  const detection = { consecutiveFailures: 1, baseEjectionTime: 20, maxEjectionTime: 20, maxEjectionPercent: 40 };
  const flips = Math.max(1, Math.floor(size / 4));
  const more = { outlierDetection: { ...detection, successRate: false } };
  const { client } = await fleetOf(all, { strategy: 'round-robin' }, more, { transport: failing });
  row['ejection and return, us'] = await least(flips, async () => {
    for (let flip = 0; flip < flips; flip++) {
      await client.get('/json', { headers: { fail: '1' } }).catch(() => {});
      await client.get('/json');
    }
  });
  await client.close();
  return row;
}

function resetOf(config) {
  return Object.assign(new Error('reset'), { code: 'ECONNRESET', config, isAxiosError: true });
}

/** A call where all circuits are open: no endpoint is left to try. */
async function outage(size) {
  const discovery = byHand();
  const circuitBreaker = { volumeThreshold: 1, resetTimeout: '1h' };
  const down = (config) => Promise.reject(resetOf(config));
  const client = clientWith({ ...off, circuitBreaker }, { discovery, transport: down });
  discovery.tell(numbers(size).map(lists.even));
  const call = () => client.get('/json').catch(({ code }) => code);
  const startedAt = cpuNow();
  let opened = 0;
  for (let last; last !== 'ERR_CIRCUIT_OPEN' && opened < size * 20; opened++) last = await call();
  const opening = (cpuNow() - startedAt) / opened;
  const cost = await least(100, async () => {
    for (let index = 0; index < 100; index++) await call();
  });
  await client.close();
  return { 'a call while circuits open, us': opening, 'a call once all are open, us': cost };
}

async function registry(size) {
  const config = (changed) => ({
    defaults: { timeouts: { total: '5s' }, limits: { maxRequests: 64 } },
    clients: Object.fromEntries(
      numbers(size).map((index) => [
        `service-${index}`,
        { baseURL: `http://service-${index}.test`, retry: { maxRetries: index === changed ? 4 : 3 } },
      ]),
    ),
  });
  let loaded = config(-1);
  const source = { name: 'store', load: () => loaded };
  const deps = { logger, transport: wire };
  await loadHttpClients({ clients: { one: { baseURL } } }, deps).close();
  const before = await heapNow();
  const startedAt = cpuNow();
  let clients = loadHttpClients(source, deps);
  const load = cpuNow() - startedAt;
  const heap = (await heapNow()) - before;
  const reload = await least(1, async (round) => {
    loaded = config(round);
    await clients.refresh();
  });
  const same = await least(1, () => clients.refresh());
  const order = clients.names.length;
  await clients.close();
  clients = undefined;
  return {
    'load a client, us': load / order,
    'reload of one change, us a client': reload / order,
    'reload of no change, us a client': same / order,
    'heap a client, KB': heap / order / 1000,
  };
}

const ruleOf = (index) => ({ match: { path: { prefix: `/v1/resource-${index}/` }, methods: ['GET'] } });
const rulesOf = {
  routes: (size) => numbers(size).map((index) => ({ ...ruleOf(index), timeouts: { attempt: '1s' } })),
  split: (size) =>
    numbers(size).map((index) => ({
      ...ruleOf(index),
      targets: [{ name: 'other', baseURL: 'http://other.test', weight: 1 }],
    })),
  mirror: (size) =>
    numbers(size).map((index) => ({ ...ruleOf(index), baseURL: `http://shadow-${index}.test`, fraction: 0 })),
};

async function rules(size) {
  const row = {};
  for (const [section, make] of Object.entries(rulesOf)) {
    const client = clientWith({ ...off, [section]: make(size) });
    for (const [which, path] of Object.entries({
      first: '/v1/resource-0/x',
      last: `/v1/resource-${size - 1}/x`,
      none: '/other/x',
    })) {
      const work = callsOf(client, () => ({ method: 'get', url: path }));
      await work();
      row[`${section}, ${which}, us`] = await least(calls, work);
    }
    await client.close();
  }
  return row;
}

/** Begins calls that all wait, and gives all of them up at once: neither the first nor the last of the queue first. */
async function queued(size, client, shared) {
  await setImmediate();
  const controllers = numbers(shared ? 1 : size).map(() => new AbortController());
  const signalOf = (index) => controllers[shared ? 0 : index].signal;
  const startedAt = cpuNow();
  const pending = numbers(size).map((index) => client.get('/json', { signal: signalOf(index) }).catch(() => {}));
  await setImmediate();
  const queuedAt = cpuNow();
  const beganAt = performance.now();
  const middle = controllers.length >> 1;
  for (let index = middle; index < controllers.length; index++) controllers[index].abort();
  for (let index = 0; index < middle; index++) controllers[index].abort();
  const blocked = performance.now() - beganAt;
  await Promise.all(pending);
  return { queue: (queuedAt - startedAt) / size, giveUp: (cpuNow() - queuedAt) / size, blocked };
}

async function waiting(size) {
  const row = {};
  const hanging = () => new Promise(() => {});
  const many = 1_000_000;
  const server = net.createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const toServer = { baseURL: `http://127.0.0.1:${server.address().port}`, connections: { maxConnections: 1 } };
  const kinds = {
    limits: [{ limits: { maxRequests: 1, maxPendingRequests: many } }, hanging],
    'limits, one signal': [{ limits: { maxRequests: 1, maxPendingRequests: many } }, hanging],
    rateLimit: [{ rateLimit: { requests: 1, per: '1h', maxPending: many } }, wire],
    pool: [toServer, undefined],
  };
  for (const [name, [config, transport]] of Object.entries(kinds)) {
    const client = clientWith({ ...off, ...config }, { transport });
    void client.get('/json').catch(() => {});
    const best = { queue: Infinity, giveUp: Infinity, blocked: Infinity };
    for (let round = 0; round < Math.min(rounds, 3); round++) {
      const taken = await queued(size, client, name.endsWith('signal'));
      for (const part of Object.keys(best)) best[part] = Math.min(best[part], taken[part]);
    }
    row[`${name}: to wait, us`] = best.queue;
    row[`${name}: to give up, us`] = best.giveUp;
    row[`${name}: the loop is blocked, us a call`] = (best.blocked * 1000) / size;
    await client.close({ grace: 0 });
  }
  server.close();
  return row;
}

/** What a call costs with so many outcomes in the window of its circuit. */
async function outcomes(size) {
  const row = {};
  for (const [name, transport] of [
    ['succeeding', wire],
    ['failing', async (config) => ({ ...(await wire(config)), status: 503 })],
  ]) {
    const circuitBreaker = { rollingWindow: '1h', volumeThreshold: 1_000_000 };
    const client = clientWith({ ...off, circuitBreaker }, { transport });
    const call = () => client.get('/json').catch(() => {});
    for (let index = 0; index < size; index++) await call();
    row[`a ${name} call, us`] = await least(calls, async () => {
      for (let index = 0; index < calls; index++) await call();
    });
    await client.close();
  }
  return row;
}

const subjects = { destinations, choice, endpoints, outage, registry, rules, waiting, outcomes };
const rows = {};
for (const size of sizes) rows[size] = await subjects[subject](size);
process.send(rows, () => process.exit());
