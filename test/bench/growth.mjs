/** How the cost of one call, and what stays in memory, grow with the number of something: one subject in a process of its own. */
import { setImmediate } from 'node:timers/promises';
import { AxiosHeaders } from 'axios';
import { createHttpClient, loadHttpClients } from 'pillion';
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

/** The least microseconds that one of `count` took, of several rounds: what disturbs a round only makes it longer. */
async function least(count, work) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    await work(round);
    best = Math.min(best, ((performance.now() - startedAt) * 1000) / count);
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
  const before = await heapNow();
  const client = createHttpClient({ name: 'crawler', allowAbsoluteUrls: true }, { logger, transport: wire });
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

/** The time of a call with so many endpoints, without that of a call with none. */
async function chosen(list, balance, more) {
  const bare = clientWith(off);
  const { client } = await fleetOf(list, balance, more);
  let key = 0;
  const request = () => ({ method: 'get', url: '/json', hashKey: `user-${key++ % 1000}` });
  for (const each of [bare, client]) await callsOf(each, request)();
  // In turns, as the speed of a machine changes with time.
  const times = [];
  for (let turn = 0; turn < rounds; turn++) {
    const costs = [];
    for (const each of [bare, client]) {
      const startedAt = performance.now();
      await callsOf(each, request)();
      costs.push(((performance.now() - startedAt) * 1000) / calls);
    }
    times.push(costs[1] - costs[0]);
  }
  await client.close();
  return times.sort((a, b) => a - b)[rounds >> 1];
}

async function choice(size) {
  const row = {};
  for (const [name, [list, balance]] of Object.entries(choices))
    row[`${name}, us`] = await chosen(numbers(size).map(lists[list]), balance);
  const watched = { outlierDetection: {}, healthCheck: { path: '/healthz', interval: '1h' } };
  row['with health checks and outliers, us'] = await chosen(numbers(size).map(lists.even), {}, watched);
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

async function outage(size) {
  const down = (config) => Promise.reject(resetOf(config));
  const discovery = byHand();
  const circuitBreaker = { volumeThreshold: 1, resetTimeout: '1h' };
  const client = clientWith({ ...off, circuitBreaker }, { discovery, transport: down });
  discovery.tell(numbers(size).map(lists.even));
  const call = () => client.get('/json').catch((error) => error.code);
  const startedAt = performance.now();
  let last;
  for (let call_ = 0; call_ < size * 3; call_++) {
    last = await call();
    if (last === 'ERR_CIRCUIT_OPEN') break;
  }
  const opening = ((performance.now() - startedAt) * 1000) / size;
  const cost = await least(10, async () => {
    for (let index = 0; index < 10; index++) last = await call();
  });
  await client.close();
  return { 'until all circuits are open, us each': opening, [`a call then (${last}), us`]: cost };
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
  const startedAt = performance.now();
  let clients = loadHttpClients(source, deps);
  const load = performance.now() - startedAt;
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
    'load a client, us': (load * 1000) / order,
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

/** Begins calls that all wait, gives all of them up at once, and takes the time of both. */
async function queued(size, client, first) {
  const held = first();
  await setImmediate();
  const controllers = numbers(size).map(() => new AbortController());
  const startedAt = performance.now();
  const pending = controllers.map(({ signal }) => client.get('/json', { signal }).catch(({ code }) => code));
  await setImmediate();
  const queuedAt = performance.now();
  // From the middle outwards: neither the first nor the last of the queue.
  for (let index = 0; index < size; index++)
    controllers[(index % 2 === 0 ? size - index : size + index) >> 1 || 0]?.abort();
  for (const controller of controllers) controller.abort();
  const abortedAt = performance.now();
  await Promise.all(pending);
  const endedAt = performance.now();
  return {
    held,
    'to queue, us': ((queuedAt - startedAt) * 1000) / size,
    blocked: abortedAt - queuedAt,
    total: endedAt - queuedAt,
  };
}

async function waiting(size) {
  const row = {};
  const hanging = () => new Promise(() => {});
  const configs = {
    limits: { limits: { maxRequests: 1, maxPendingRequests: 1_000_000 } },
    rateLimit: { rateLimit: { requests: 1, per: '1h', maxPending: 1_000_000 } },
  };
  for (const [name, config] of Object.entries(configs)) {
    const client = clientWith({ ...off, ...config }, { transport: name === 'limits' ? hanging : wire });
    const result = await queued(size, client, () => void client.get('/json').catch(() => {}));
    row[`${name}: queue a call, us`] = result['to queue, us'];
    row[`${name}: give one up, us`] = (result.blocked * 1000) / size;
    row[`${name}: all given up, ms`] = result.blocked;
    await client.close({ grace: 0 });
  }
  return row;
}

const subjects = { destinations, choice, endpoints, outage, registry, rules, waiting };
const rows = {};
for (const size of sizes) rows[size] = await subjects[subject](size);
process.send(rows, () => process.exit());
