/** One variant, once, in a process of its own: warms up, sends a fixed number of requests, tells what it took. */
import assert from 'node:assert/strict';
import { answer, cases } from './cases.mjs';
import { variants } from './variants.mjs';

/** Sends `count` requests by `callers` callers that each wait for their answer. */
async function drive(send, request, count, callers) {
  const latencies = new Float64Array(count);
  let begun = 0;
  const caller = async () => {
    while (begun < count) {
      const index = begun++;
      const startedAt = performance.now();
      const body = await send(request);
      latencies[index] = performance.now() - startedAt;
      if (body.id !== answer.id) assert.fail(`The wrong answer: ${JSON.stringify(body)}`);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return latencies.sort();
}

async function measure(send, request, { requests, callers }) {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const latencies = await drive(send, request, requests, callers);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const at = (share) => latencies[Math.ceil(requests * share) - 1];
  return { throughput: requests / seconds, cpu: (user + system) / requests, p50: at(0.5), p99: at(0.99) };
}

const { variant, port, ...load } = JSON.parse(process.argv[2]);
const send = variants[variant].make(`http://127.0.0.1:${port}`);
// All warm-up first, so that no case is measured on code that the one before has warmed and the other way round. It takes
// axios some 8,000 requests to come up to its speed; cold, it would look half as fast as it is.
for (const { request } of cases) await drive(send, request, load.requests, load.callers);
const results = {};
for (const { name, request } of cases) results[name] = await measure(send, request, load);
process.send(results, () => process.exit());
