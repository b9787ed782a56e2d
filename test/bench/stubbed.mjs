/** One client over a wire that answers at once, in a process of its own: what is measured is everything but the wire. */
import { setImmediate } from 'node:timers/promises';
import axios, { AxiosError, AxiosHeaders } from 'axios';
import { createHttpClient } from 'pillion';
import { nowhere } from './axios-variants.mjs';
import { answer } from './cases.mjs';
import { closedLoop, measured } from './load.mjs';
import { nothing } from './pillion-variants.mjs';

const { scenario, section, status = 200, samples = 0, expected, seconds } = JSON.parse(process.argv[2]);

/** Rejects as axios's adapters do, unless it is told not to: the stack judges for itself. */
async function wire(config) {
  const headers = new AxiosHeaders({ 'content-type': 'application/json' });
  const response = { data: answer, status, statusText: '', headers, config, request: {} };
  if (!config.validateStatus || config.validateStatus(status)) return response;
  const message = `Request failed with status code ${status}`;
  throw new AxiosError(message, AxiosError.ERR_BAD_RESPONSE, config, {}, response);
}

/** Retries are refused at once, so that no call waits; what is refused is part of what a failure costs. */
const retry = { budget: { ratio: 0, minPerSecond: 0 } };
const never = { volumeThreshold: 1_000_000, rollingWindow: '10m' };

const configs = {
  off: () => nothing,
  // One section of the configuration with its defaults.
  only: () => ({ ...nothing, [section]: undefined }),
  full: () => ({}),
  // The window keeps every outcome and the circuit stays closed.
  window: () => ({ retry, circuitBreaker: never }),
  open: () => ({ retry, circuitBreaker: { resetTimeout: '10m' } }),
};

function instanceOf() {
  const baseURL = 'http://billing.test';
  if (scenario === 'axios') return axios.create({ baseURL, adapter: wire });
  return createHttpClient({ name: 'billing', baseURL, ...configs[scenario]() }, { logger: nowhere(), transport: wire });
}

const instance = instanceOf();
let calls = 0;
async function once() {
  const error = await instance.get('/json').then(
    () => undefined,
    (reason) => reason,
  );
  // The circuit has yet to open while the window fills.
  if (calls >= samples && error?.code !== expected) throw new Error(`Expected ${expected}, had ${error}`);
  // A wire that answers at once never lets timers and the logger's file have their turn.
  if (++calls % 100 === 0) await setImmediate();
}

while (calls < samples) await once();
await closedLoop(once, 1, seconds);
const { cpu, p50, p99 } = await measured(() => closedLoop(once, 1, seconds));
process.send({ cpu, p50, p99 }, () => process.exit());
