/** Callers that send and wait, and what they found. */
import { setTimeout as wait } from 'node:timers/promises';

/** Callers that each send again as soon as they have their answer, for so many seconds; resolves to the latencies. */
export async function closedLoop(send, callers, seconds) {
  const latencies = [];
  const end = performance.now() + seconds * 1000;
  const caller = async () => {
    do {
      const startedAt = performance.now();
      await send();
      latencies.push(performance.now() - startedAt);
    } while (performance.now() < end);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return latencies;
}

/** So many calls by so many callers. */
export const burst = (once, callers, calls) => {
  let left = calls;
  const caller = async () => {
    while (left-- > 0) await once();
  };
  return Promise.all(Array.from({ length: callers }, caller));
};

/**
 * For so many seconds, and until so many calls were made: on a slow machine a time alone would measure axios cold, at half of its
 * speed, and the others while V8 compiles them. Connections are opened by code that is warm, some hundreds at once: one for each
 * caller, whatever the client.
 */
export async function warmUp(send, callers, seconds, calls) {
  let sent = 0;
  for (const some of [50, 500, 2000]) if (some < callers) sent += (await closedLoop(send, some, seconds / 2)).length;
  sent += (await closedLoop(send, callers, seconds)).length;
  await burst(send, callers, calls - sent);
}

/** CPU microseconds of this process for each call of a burst. */
export const cpuOfBurst = (callers, calls) => async (once) => {
  const before = process.cpuUsage();
  await burst(once, callers, calls);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
};

/** A timer is late by less than this as long as the process does not stall. */
const slack = 2;

/**
 * So many requests per second, whether or not earlier ones are answered. What was sent late, since the process had stalled,
 * counts from when it was due: else a stall would hide itself.
 */
export async function steadyRate(send, rate, seconds) {
  const latencies = [];
  const running = [];
  const startedAt = performance.now();
  const total = Math.max(1, Math.round(rate * seconds));
  const dueAt = (number) => startedAt + (number / rate) * 1000;
  for (let sent = 0; sent < total; ) {
    const now = performance.now();
    for (; sent < total && dueAt(sent) <= now; sent++) {
      const from = now - dueAt(sent) > slack ? dueAt(sent) : now;
      running.push(send().then(() => latencies.push(performance.now() - from)));
    }
    await wait(Math.ceil(dueAt(sent) - performance.now()));
  }
  await Promise.all(running);
  return latencies;
}

/**
 * So many calls begun per second, with latencies from when each was due, whatever kept it from being sent. The loop never sleeps, as
 * a timer would be late by up to a millisecond, which is more than a call takes: CPU time says nothing here.
 */
export async function openLoop(send, rate, seconds) {
  const latencies = [];
  const running = [];
  const startedAt = performance.now();
  const total = Math.max(1, Math.round(rate * seconds));
  const dueAt = (number) => startedAt + (number / rate) * 1000;
  const begin = (due) => running.push(send().then(() => latencies.push(performance.now() - due)));
  await new Promise((resolve) => {
    const turn = () => {
      for (const now = performance.now(); running.length < total && dueAt(running.length) <= now; )
        begin(dueAt(running.length));
      if (running.length < total) setImmediate(turn);
      else resolve();
    };
    turn();
  });
  await Promise.all(running);
  return latencies;
}

/** Throughput, CPU microseconds of this process per request, and percentiles of the latencies, over one turn or more. */
export class Measurement {
  #latencies = [];
  #cpu = 0;
  #seconds = 0;

  /** Measures what `drive` does; it resolves to the latencies. */
  async add(drive) {
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    const latencies = await drive();
    this.#seconds += (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    this.#cpu += user + system;
    for (const each of latencies) this.#latencies.push(each);
  }

  result() {
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share) => sorted[Math.ceil(sorted.length * share) - 1];
    return {
      requests: sorted.length,
      throughput: sorted.length / this.#seconds,
      cpu: this.#cpu / sorted.length,
      p50: at(0.5),
      p99: at(0.99),
      p999: at(0.999),
    };
  }
}

/** The same over one turn. */
export async function measured(drive) {
  const measurement = new Measurement();
  await measurement.add(drive);
  return measurement.result();
}
