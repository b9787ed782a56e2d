/** A service that calls billing in one of four forms, in a process of its own. */

import axios from 'axios';
import { loadHttpClients } from 'pillion';
import { serveSidecar } from 'pillion/sidecar';
import { keepAliveAgents, nowhere, sentByAxios } from './axios-variants.mjs';
import { cases } from './cases.mjs';
import { exchange } from './exchange.mjs';
import { closedLoop, measured, steadyRate } from './load.mjs';
import { throughMishaps } from './mishaps.mjs';
import { cpuMicroseconds } from './processes.mjs';

const { form, origin, clients, callers, seconds, proxyPid } = JSON.parse(process.argv[2]);

/** Seconds until V8 has compiled what a form runs; that with most code takes six. */
const warmth = 8;

/** As the service was written, with the address of its sidecar. */
const plainAxios = (baseURL) => axios.create({ baseURL, adapter: 'http', proxy: false, ...keepAliveAgents() });

const imported = () => loadHttpClients(clients, { logger: nowhere() }).get('billing_upstream');

const instances = {
  envoy: () => plainAxios(origin),
  haproxy: () => plainAxios(origin),
  listener: async () => plainAxios((await serveSidecar(imported())).url),
  direct: imported,
};

/** With what the proxy took in the same time, for each request. */
async function withProxy(drive) {
  const before = proxyPid === undefined ? 0 : cpuMicroseconds(proxyPid);
  const result = await measured(drive);
  const spent = proxyPid === undefined ? 0 : cpuMicroseconds(proxyPid) - before;
  return { ...result, proxyCpu: spent / result.requests, failed: failures.splice(0).length };
}

const instance = await instances[form]();
const { request } = cases.find(({ name }) => name === 'get-50');
const exchanged = exchange(sentByAxios((config) => instance.request(config))(request), request);
/** On a busy machine a call may fail, as the pod's time limits are short; such calls are told of and not hidden. */
const failures = [];
const once = () => exchanged().catch((error) => failures.push(error));
const tasks = {
  mishaps: () => throughMishaps((config) => instance.request(config)),
  // Some callers at first, so that not all connections are opened at once by code that is cold.
  warmUp: async () => {
    for (const some of [5, 15, 30]) await closedLoop(once, some, 0.5);
    await closedLoop(once, callers, warmth);
    failures.length = 0;
  },
  steady: (rate) => withProxy(() => steadyRate(once, rate, seconds)),
  closed: () => withProxy(() => closedLoop(once, callers, seconds)),
};

process.on('message', async (message) => {
  const [task, rate] = message.split(' ');
  process.send((await tasks[task](Number(rate))) ?? 'done');
});
process.once('disconnect', () => process.exit());
process.send('ready');
