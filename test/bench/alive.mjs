/**
 * Bytes of heap that a call in flight keeps alive: what the collector of the young generation copies again and again where
 * many calls are in flight at once. Heap after a full collection with `count` calls in flight, less the heap with the same
 * connections idle, for each call.
 */
import { setImmediate } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';
import { AxiosHeaders } from 'axios';
import { median } from './report.mjs';

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');

/** Some turns of the loop and collections: finalizers run in between, and what they let go of is collected then. */
async function settledHeap() {
  for (let times = 0; times < 2; times++) {
    await setImmediate();
    collect();
  }
  return process.memoryUsage().heapUsed;
}

/** A function of its own, so that no register of a loop keeps the calls of the round before. */
async function round(send, count, { arrived, release }) {
  const idle = await settledHeap();
  const calls = Array.from({ length: count }, () => send());
  await arrived(count);
  const busy = await settledHeap();
  release();
  await Promise.all(calls);
  return { idle, busy };
}

/**
 * `send` starts one call. `arrived(count)` resolves once so many are held, and `release()` has all of them answered: those of
 * `heldWire`, or of an upstream. `idle` are the bytes of what stays for each when it is answered: its connection, where it has one.
 */
export async function bytesAlive(send, count, held, times = 5) {
  const before = await settledHeap();
  // The first two open connections and warm up the code.
  for (let warm = 0; warm < 2; warm++) await round(send, count, held);
  const rounds = [];
  while (rounds.length < times) rounds.push(await round(send, count, held));
  return {
    bytes: median(rounds.map(({ idle, busy }) => (busy - idle) / count)),
    idle: median(rounds.map(({ idle }) => (idle - before) / count)),
  };
}

/** A transport, or adapter of axios, that answers no request until `release`. */
export function heldWire(data = {}) {
  let held = [];
  let waiting;
  const check = () => {
    if (waiting?.count === held.length) waiting.resolve();
  };
  return {
    transport: (config) =>
      new Promise((resolve) => {
        held.push({ config, resolve });
        check();
      }),
    arrived: (count) =>
      new Promise((resolve) => {
        waiting = { count, resolve };
        check();
      }),
    release() {
      const all = held;
      held = [];
      waiting = undefined;
      for (const { config, resolve } of all)
        resolve({ data, status: 200, statusText: '', headers: new AxiosHeaders(), config, request: {} });
    },
  };
}
