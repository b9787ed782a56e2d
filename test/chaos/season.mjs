/** So many callers, one call after the other, until it is enough; then everything is closed and what is left is counted. */
import { makeCall } from './call.mjs';
import { Clients } from './clients.mjs';
import { planOf } from './plan.mjs';
import { weather } from './weather.mjs';

const callers = 96;

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
  const sky = weather(seed, { clients, servers, material, identity });
  const startedAt = performance.now();
  let next = from;
  const call = async () => {
    while (goesOn(next - from, performance.now() - startedAt))
      await makeCall(planOf(seed, next++, profile), { ledger, clients, patient, uploadFile });
  };
  await Promise.all(Array.from({ length: callers }, call));
  const took = performance.now() - startedAt;
  await sky.stop();
  const held = await whenIdle(clients);
  await clients.close();
  identity.close();
  return { calls: next - from, took, held, weather: sky.counts };
}

/** Bodies that nobody reads hold a place until they have come, or until they are collected. */
async function whenIdle(clients) {
  const until = performance.now() + 3000;
  while (clients.active > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
  return clients.active;
}
