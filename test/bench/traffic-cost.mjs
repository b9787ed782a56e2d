/** What a policy of traffic adds to a call of the standard stack: both in one process, in turns, over a wire that answers at once. */
import { setImmediate } from 'node:timers/promises';
import { AxiosHeaders } from 'axios';
import { createHttpClient } from 'pillion';
import { nowhere } from './axios-variants.mjs';
import { answer } from './cases.mjs';

const { section, rounds, calls } = JSON.parse(process.argv[2]);

const baseURL = 'http://billing.test';
const addresses = (count) =>
  Array.from({ length: count }, (_, index) => ({ address: `10.0.${index >> 8}.${index % 256}:80` }));
const target = (name, weight) => ({ name, baseURL: `http://${name}.test`, weight });

const sections = {
  'nothing (noise)': {},
  'endpoints: 10': { endpoints: { static: addresses(10) } },
  'endpoints: 100': { endpoints: { static: addresses(100) } },
  outlierDetection: { endpoints: { static: addresses(10) }, outlierDetection: {} },
  split: { split: [{ targets: [target('stable', 95), target('canary', 5)] }] },
  'mirror, not this call': { mirror: [{ baseURL: 'http://shadow.test', fraction: 0 }] },
  hedging: { hedging: { delay: '1s' } },
  'hedging by percentile': { hedging: { percentile: 99 } },
  rateLimit: { rateLimit: { requests: 1_000_000 } },
  adaptiveConcurrency: { adaptiveConcurrency: {} },
  deadlineHeader: { deadlineHeader: { external: true } },
  'fault, not this call': { fault: { abort: { status: 503, fraction: 0 } } },
};
/** Those that need another one are measured against it. */
const bases = { outlierDetection: sections['endpoints: 10'] };

async function wire(config) {
  const headers = new AxiosHeaders({ 'content-type': 'application/json' });
  return { data: answer, status: 200, statusText: '', headers, config, request: {} };
}

const clientWith = (config) =>
  createHttpClient({ name: 'billing', baseURL, ...config }, { logger: nowhere(), transport: wire });

async function microseconds(client) {
  const before = process.cpuUsage();
  for (let call = 1; call <= calls; call++) {
    await client.get('/json');
    if (call % 100 === 0) await setImmediate();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

const base = clientWith(bases[section] ?? {});
const with_ = clientWith(sections[section]);
const differences = [];
const costs = [];
for (let round = 0; round < rounds + 2; round++) {
  // Each goes first as often as the other.
  const [first, second] = round % 2 === 0 ? [base, with_] : [with_, base];
  const one = await microseconds(first);
  const two = await microseconds(second);
  const [without, cost] = round % 2 === 0 ? [one, two] : [two, one];
  // Two to warm up.
  if (round < 2) continue;
  costs.push(without);
  differences.push(cost - without);
}
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
process.send({ base: median(costs), added: median(differences) }, () => process.exit());
