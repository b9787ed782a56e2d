/** What is left when everything was closed, held against what was there before. */
import { getEventListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
export const gc = runInNewContext('gc');

/** Bytes that a run may add for good: what the engine compiled and what grew to the size that it needs. */
const heapSlack = 6 * 1024 * 1024;
/** Patience for what is gone only after some turns of the event loop, and for collections. */
const patience = 5000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function descriptors() {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    // Only Linux tells.
    return 0;
  }
}

/** Handles and timers by name. */
function resources() {
  const counts = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Without compiled code, which grows for as long as the engine finds something to compile anew: 4 of 4.2 MiB in 17,000 calls. */
async function heap() {
  for (let turn = 0; turn < 4; turn++) {
    await pause(10);
    gc();
  }
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('code_'));
  return spaces.reduce((sum, { space_used_size: size }) => sum + size, 0);
}

export const before = async () => ({ resources: resources(), descriptors: descriptors(), heap: await heap() });

function left(then, signals) {
  const found = [];
  const now = resources();
  for (const [name, count] of Object.entries(now))
    if (count > (then.resources[name] ?? 0)) found.push(`${count - (then.resources[name] ?? 0)} ${name}`);
  const opened = descriptors() - then.descriptors;
  if (opened > 0) found.push(`${opened} file descriptors`);
  for (const [name, signal] of Object.entries(signals)) {
    const listeners = getEventListeners(signal, 'abort').length;
    if (listeners > 0) found.push(`${listeners} abort listeners on the ${name} signal`);
  }
  return found;
}

/** Waits for what goes by itself; each line of the answer is a leak. */
export async function leftovers(then, signals, ms = patience) {
  const until = performance.now() + ms;
  while (left(then, signals).length > 0 && performance.now() < until) {
    gc();
    await pause(50);
  }
  const found = left(then, signals);
  const grown = (await heap()) - then.heap;
  if (grown > heapSlack) found.push(`${(grown / 1024 / 1024).toFixed(1)} MiB of heap`);
  return { found, grown };
}
