/**
 * `npm run bench:guard`: six ratios in about a minute, and code 1 where one is worse than 0.8 of what is claimed. All of it is
 * CPU time, allocations and bytes alive, measured in one process and in turns, so that a busy machine disturbs both sides alike.
 *
 * The bytes alive are those over a wire in the same process, which needs no sockets and gives the same number each time. How far
 * the ratios of many runs spread is told in README.md.
 *
 * To renew the claims on purpose: run it five times on a quiet machine, and write the medians of `is` to `claimed` below.
 */
import axios from 'axios';
import { createHttpClient } from 'pillion';
import { bytesAlive, heldWire } from './alive.mjs';
import { allocatedBy } from './allocation.mjs';
import { bareAxios, nowhere } from './axios-variants.mjs';
import { cases } from './cases.mjs';
import { exchange } from './exchange.mjs';
import { burst, cpuOfBurst } from './load.mjs';
import { bareUndici } from './other-variants.mjs';
import { fullStack, many } from './pillion-variants.mjs';
import { align, median } from './report.mjs';
import { start } from './start.mjs';
import { answering, cpuOf, inTurns } from './stub.mjs';

/** The most that the standard stack takes, as a share of what it is compared with. */
const claimed = {
  'CPU of a call, 50 callers, to bare axios': 0.32,
  'CPU of a call, 50 callers, to undici.request': 1.35,
  'CPU of a call, 500 callers, to undici.request': 1.28,
  'bytes allocated for a call, to undici.request': 1.9,
  'bytes alive for a call in flight, to bare axios': 2.67,
  'CPU of a call that an open circuit turns away, to a call that succeeds': 0.95,
};
/** Performance may fall to this share of a claim. */
const tolerance = 0.8;

const { request } = cases.find(({ name }) => name === 'get-50');
const baseURL = 'http://billing.test';

/** The median over the rounds of what `own` took to what `other` took in the same round. */
const ratio = (taken, own, other) => median(taken[own].map((value, round) => value / taken[other][round]));

async function overSockets(port) {
  const origin = `http://127.0.0.1:${port}`;
  const forms = {};
  for (const [name, make] of Object.entries({ axios: bareAxios, undici: bareUndici, pillion: fullStack }))
    forms[name] = exchange((await make({ origin }))(request), request);
  for (const once of Object.values(forms)) await burst(once, 50, 6000);
  const at50 = await inTurns(forms, cpuOfBurst(50, 2000), { rounds: 11 });
  const { undici, pillion } = forms;
  const at500 = await inTurns({ undici, pillion }, cpuOfBurst(500, 4000), { rounds: 11 });
  const allocated = await inTurns({ undici, pillion }, (once) => allocatedBy(() => burst(once, 50, 5000)), {
    rounds: 3,
  });
  return [
    ratio(at50, 'pillion', 'axios'),
    ratio(at50, 'pillion', 'undici'),
    ratio(at500, 'pillion', 'undici'),
    ratio(allocated, 'pillion', 'undici'),
  ];
}

async function alive() {
  const bytesOf = async (make) => {
    const wire = heldWire();
    const instance = make(wire.transport);
    return (await bytesAlive(() => instance.get('/held'), 2000, wire)).bytes;
  };
  const own = await bytesOf((transport) =>
    createHttpClient({ name: 'billing', baseURL, ...many }, { logger: nowhere(), transport }),
  );
  return own / (await bytesOf((adapter) => axios.create({ baseURL, adapter })));
}

async function turnedAway() {
  const clientOver = (status) =>
    createHttpClient({ name: 'billing', baseURL, retry: false }, { logger: nowhere(), transport: answering(status) });
  const plain = clientOver(200);
  const refusing = clientOver(503);
  let code;
  const forms = {
    plain: () => plain.get('/json'),
    refused: () =>
      refusing.get('/json').catch((error) => {
        code = error.code;
      }),
  };
  const taken = await inTurns(forms, (once) => cpuOf(once, 2000), { rounds: 15, warmUp: 4 });
  if (code !== 'ERR_CIRCUIT_OPEN') throw new Error(`The circuit is not open: ${code}.`);
  return ratio(taken, 'refused', 'plain');
}

const startedAt = performance.now();
const upstream = await start('upstream.mjs', {}, { role: 'upstream' });
const found = [...(await overSockets(upstream.message.port)), await alive(), await turnedAway()];
upstream.child.disconnect();

const worse = [];
const rows = Object.entries(claimed).map(([name, claim], index) => {
  const most = claim / tolerance;
  if (!(found[index] <= most)) worse.push(name);
  return [name, ...[found[index], claim, most].map((value) => `${value.toFixed(2)}x`)];
});
console.log(`Node ${process.version}, ${Math.round((performance.now() - startedAt) / 1000)} s; the standard stack`);
console.log(align([['', 'is', 'claimed', 'at most'], ...rows]));
for (const name of worse) console.log(`Worse than ${tolerance} of what is claimed: ${name}.`);
process.exit(worse.length === 0 ? 0 : 1);
