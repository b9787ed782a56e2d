/** Calls at a steady rate for minutes, and what of the process grows meanwhile. In a process of its own, with a server in another. */
import { readdirSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { createHttpClient } from 'pillion';
import { nowhere } from './axios-variants.mjs';

const { port, seconds, rate, samples } = JSON.parse(process.argv[2]);
const client = createHttpClient(
  { name: 'billing', baseURL: `http://127.0.0.1:${port}`, connections: { maxConnectionAge: '10s' } },
  { logger: nowhere() },
);
const step = 20;
const running = new Set();
const counts = { succeeded: 0, failed: 0, aborted: 0 };

/** One in fifty is given up while it is under way, one in fifty fails with 404. */
async function call(number) {
  const controller = number % 50 === 0 ? new AbortController() : undefined;
  const answer = client.get(number % 50 === 1 ? '/plan/404/soak' : '/json', { signal: controller?.signal });
  globalThis.setImmediate(() => controller?.abort());
  await answer.then(
    () => counts.succeeded++,
    ({ code }) => (code === 'ERR_CANCELED' ? counts.aborted++ : counts.failed++),
  );
}

function openDescriptors() {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : Number.NaN;
}

/** Nothing is under way at that moment, or what a few calls hold would count as growth. */
async function sample() {
  await Promise.all(running);
  // The connections of given-up calls are closed in the next phases of the event loop.
  await setTimeout(step);
  for (let times = 0; times < 3; times++) {
    global.gc();
    await setImmediate();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((name) => name === 'Timeout').length;
  return {
    ...{ heap: heapUsed, external, rss, descriptors: openDescriptors() },
    ...{ handles: resources.length - timers, timers },
  };
}

const warmUp = Math.min(10, seconds / 4);
let startedAt = performance.now();
const taken = [];
let sent = 0;
for (;;) {
  const elapsed = (performance.now() - startedAt) / 1000;
  // The first seconds fill what is bounded: pools, code, the circuit's window.
  if (elapsed >= warmUp + (taken.length * (seconds - warmUp)) / (samples - 1)) {
    const pausedAt = performance.now();
    taken.push({ at: elapsed, ...(await sample()) });
    // No burst makes up for the pause.
    startedAt += performance.now() - pausedAt;
  }
  if (taken.length === samples) break;
  while (sent < elapsed * rate) {
    const promise = call(sent++);
    running.add(promise);
    void promise.then(() => running.delete(promise));
  }
  await setTimeout(step);
}
await client.close();
process.send({ taken, counts }, () => process.exit());
