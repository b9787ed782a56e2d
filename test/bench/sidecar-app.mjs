/** A service that calls billing, once by way of a sidecar and once by itself, in a process of its own. */
import axios from 'axios';
import * as pillion from 'pillion';
import { bareAxios, nowhere, sentByAxios } from './axios-variants.mjs';
import { cases } from './cases.mjs';
import { exchange } from './exchange.mjs';
import { closedLoop, measured, steadyRate } from './load.mjs';
import { cpuMicroseconds, residentBytes } from './processes.mjs';

const { kind, origin, tls, policy, rate, callers, seconds, proxyPid } = JSON.parse(process.argv[2]);

/** What the sidecar does, in the words of this library. */
function configOf() {
  return {
    name: 'billing',
    baseURL: origin,
    timeouts: { connect: policy.connectTimeout, attempt: policy.attemptTimeout, total: policy.totalTimeout },
    retry: {
      maxRetries: policy.maxRetries,
      maxConcurrentRetries: policy.maxConcurrentRetries,
      on: policy.retryOn,
      backoff: { base: policy.backoffBase, max: policy.backoffMax },
    },
    limits: { maxRequests: policy.maxConnections, maxPendingRequests: policy.maxPending },
    connections: { maxConnections: policy.maxConnections },
    tls: { cert: tls.cert, key: tls.key, ca: tls.ca },
  };
}

const kinds = {
  axios: () => bareAxios({ origin }),
  adapter: () => {
    const instance = axios.create({ baseURL: origin, adapter: pillion.createUndiciAdapter(), proxy: false });
    return sentByAxios((config) => instance.request(config));
  },
  inProcess: () => {
    const client = pillion.createHttpClient(configOf(), { logger: nowhere() });
    return sentByAxios((config) => client.request(config));
  },
};

const { request } = cases.find(({ name }) => name === 'get-50');
const once = exchange(kinds[kind]()(request), request);

/** With what the proxy took in the same time, for each request. */
async function withProxy(drive) {
  const before = proxyPid === undefined ? 0 : cpuMicroseconds(proxyPid);
  const result = await measured(drive);
  const spent = proxyPid === undefined ? 0 : cpuMicroseconds(proxyPid) - before;
  return { ...result, proxyCpu: spent / result.requests };
}

await closedLoop(once, callers, seconds);
const steady = await withProxy(() => steadyRate(once, rate, seconds));
const closed = await withProxy(() => closedLoop(once, callers, seconds));
const memory = { app: residentBytes(process.pid), proxy: proxyPid === undefined ? 0 : residentBytes(proxyPid) };
process.send({ steady, closed, memory }, () => process.exit());
