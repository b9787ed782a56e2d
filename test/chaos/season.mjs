/** So many callers, one call after the other, until it is enough; then everything is closed and what is left is counted. */
import { makeCall } from './call.mjs';
import { Clients } from './clients.mjs';
import { gc } from './leaks.mjs';
import { planOf } from './plan.mjs';
import { weather } from './weather.mjs';

const callers = 96;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Calls from number `from` on while `goesOn(calls, milliseconds)`. */
export async function season({
  seed,
  from = 0,
  profile,
  servers,
  ports,
  material,
  ledger,
  patient,
  uploadFile,
  goesOn,
}) {
  const identity = material.openIdentity();
  const clients = new Clients(ports, identity);
  await clients.openWays();
  const openBodies = new Map();
  const sky = weather(seed, { clients, servers, material, identity });
  const startedAt = performance.now();
  let next = from;
  const call = async () => {
    while (goesOn(next - from, performance.now() - startedAt))
      await makeCall(planOf(seed, next++, profile), { ledger, clients, patient, uploadFile, openBodies });
  };
  await Promise.all(Array.from({ length: callers }, call));
  const took = performance.now() - startedAt;
  await sky.stop();
  await whenIdle(clients);
  for (const call of clients.underWay.values()) ledger.count('leaked', call, 'the place of a call that is over');
  await clients.close();
  identity.close();
  await pause(50);
  for (const call of openBodies.values()) ledger.count('leaked', call, 'the stream of its body was left open');
  return { calls: next - from, took, weather: sky.counts };
}

/** Bodies that nobody reads hold a place until they have come, or until they are collected. */
async function whenIdle({ underWay }) {
  const until = performance.now() + 5000;
  while (underWay.size > 0 && performance.now() < until) {
    gc();
    await pause(50);
  }
}
