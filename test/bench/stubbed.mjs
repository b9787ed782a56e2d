/** One client over a wire that answers at once, in a process of its own: what is measured is everything but the wire. */
import { setImmediate } from 'node:timers/promises';
import axios from 'axios';
import { createHttpClient } from 'pillion';
import { nowhere } from './axios-variants.mjs';
import { closedLoop, measured } from './load.mjs';
import { nothing } from './pillion-variants.mjs';
import { answering } from './stub.mjs';

const { scenario, section, seconds } = JSON.parse(process.argv[2]);

const wire = answering(200);

const configs = {
  off: () => nothing,
  // One section of the configuration with its defaults.
  only: () => ({ ...nothing, [section]: undefined }),
  full: () => ({}),
};

function instanceOf() {
  const baseURL = 'http://billing.test';
  if (scenario === 'axios') return axios.create({ baseURL, adapter: wire });
  return createHttpClient({ name: 'billing', baseURL, ...configs[scenario]() }, { logger: nowhere(), transport: wire });
}

const instance = instanceOf();
let calls = 0;
async function once() {
  await instance.get('/json');
  // A wire that answers at once never lets timers and the logger's file have their turn.
  if (++calls % 100 === 0) await setImmediate();
}

await closedLoop(once, 1, seconds);
const { cpu, p50, p99 } = await measured(() => closedLoop(once, 1, seconds));
process.send({ cpu, p50, p99 }, () => process.exit());
