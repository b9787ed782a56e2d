/** One client that calls many destinations once each, in a process of its own: what the first cost, what the last, and what stays. */
import { readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import { setImmediate } from 'node:timers/promises';
import axios from 'axios';
import * as pillion from 'pillion';
import { nowhere } from './axios-variants.mjs';
import { measured } from './load.mjs';

const { variant, port, count, edge } = JSON.parse(process.argv[2]);
const callers = 20;

const clients = {
  axios() {
    const httpAgent = new http.Agent({ keepAlive: true });
    const instance = axios.create({ adapter: 'http', proxy: false, httpAgent });
    return { get: (url) => instance.get(url), close: async () => httpAgent.destroy() };
  },
  adapter() {
    const adapter = pillion.createUndiciAdapter();
    const instance = axios.create({ adapter, proxy: false });
    return { get: (url) => instance.get(url), close: () => adapter.close() };
  },
  pillion() {
    const client = pillion.createHttpClient({ name: 'crawler', allowAbsoluteUrls: true }, { logger: nowhere() });
    return { get: (url) => client.get(url), close: () => client.close() };
  },
};

/** On Linux all of 127.0.0.0/8 is this machine: every number is an origin of its own. */
const urlOf = (number) => `http://127.${1 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}:${port}/json`;

/** Calls the destinations from `first` up to `end` once each; latencies are not asked for. */
async function visit({ get }, first, end) {
  let next = first;
  const latencies = [];
  const caller = async () => {
    while (next < end) {
      const startedAt = performance.now();
      await get(urlOf(next++));
      latencies.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return latencies;
}

/** What is in memory once the collector is done; twice, since finalizers run in between. */
async function settledMemory() {
  for (let times = 0; times < 2; times++) {
    global.gc();
    await setImmediate();
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

function openSockets() {
  const isSocket = (descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('socket:');
    } catch {
      return false; // the one that listed the folder
    }
  };
  return readdirSync('/proc/self/fd').filter(isSocket).length;
}

// Another client of the kind warms up the code, with destinations that the measured one never sees.
const other = clients[variant]();
await visit(other, count, count + 6 * edge);
await other.close();
const client = clients[variant]();
await client.get(urlOf(0));
const before = await settledMemory();
const socketsBefore = openSockets();
const first = await measured(() => visit(client, 1, edge + 1));
await visit(client, edge + 1, count - edge);
const last = await measured(() => visit(client, count - edge, count));
const after = await settledMemory();
process.send(
  {
    first: first.cpu,
    last: last.cpu,
    heap: after.heap - before.heap,
    rss: after.rss - before.rss,
    sockets: openSockets() - socketsBefore,
  },
  () => process.exit(),
);
