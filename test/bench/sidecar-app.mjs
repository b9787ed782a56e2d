/** A service that calls billing in one of three forms, in a process of its own. */

import axios from 'axios';
import { loadHttpClients } from 'pillion';
import { serveSidecar } from 'pillion/sidecar';
import { keepAliveAgents, nowhere, sentByAxios } from './axios-variants.mjs';
import { cases } from './cases.mjs';
import { exchange } from './exchange.mjs';
import { closedLoop, measured, steadyRate } from './load.mjs';
import { throughMishaps } from './mishaps.mjs';
import { cpuMicroseconds } from './processes.mjs';

const { form, origin, clients, rate, callers, seconds, proxyPid } = JSON.parse(process.argv[2]);

/** Seconds until V8 has compiled what a form runs; that with most code takes six. */
const warmth = 8;

/** As the service was written, with the address of its sidecar. */
const plainAxios = (baseURL) => axios.create({ baseURL, adapter: 'http', proxy: false, ...keepAliveAgents() });

const imported = () => loadHttpClients(clients, { logger: nowhere() }).get('billing_upstream');

const instances = {
  envoy: () => plainAxios(origin),
  listener: async () => plainAxios((await serveSidecar(imported())).url),
  direct: imported,
};

/** With what the proxy took in the same time, for each request. */
async function withProxy(drive) {
  const before = proxyPid === undefined ? 0 : cpuMicroseconds(proxyPid);
  const result = await measured(drive);
  const spent = proxyPid === undefined ? 0 : cpuMicroseconds(proxyPid) - before;
  return { ...result, proxyCpu: spent / result.requests };
}

const instance = await instances[form]();
const { request } = cases.find(({ name }) => name === 'get-50');
const once = exchange(sentByAxios((config) => instance.request(config))(request), request);
const tasks = {
  mishaps: () => throughMishaps((config) => instance.request(config)),
  warmUp: () => measured(() => closedLoop(once, callers, warmth)),
  steady: () => withProxy(() => steadyRate(once, rate, seconds)),
  closed: () => withProxy(() => closedLoop(once, callers, seconds)),
};

process.on('message', async (task) => process.send(await tasks[task]()));
process.once('disconnect', () => process.exit());
process.send('ready');
