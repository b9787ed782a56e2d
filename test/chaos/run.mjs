/**
 * Drives the client against servers that break every rule, and counts what must not happen:
 * `npm run chaos [-- --seconds N --calls N --seed S]`. What each call does follows from the seed; when bytes arrive does not.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { positive, readArguments } from '../bench/arguments.mjs';
import { callOf } from './call.mjs';
import { before, leftovers } from './leaks.mjs';
import { Ledger } from './ledger.mjs';
import { openMaterial } from './material.mjs';
import { nonceOf, pattern } from './pattern.mjs';
import { planOf } from './plan.mjs';
import { report } from './report.mjs';
import { season } from './season.mjs';
import { startServers } from './servers/start.mjs';
import { countUncaught } from './uncaught.mjs';

const options = Object.fromEntries(['seconds', 'calls', 'seed'].map((name) => [name, { type: 'string' }]));
const { seconds, calls, seed } = readArguments(options, (given) => ({
  seconds: positive('seconds', given.seconds ?? '60', { whole: false }),
  calls: positive('calls', given.calls ?? (given.seconds === undefined ? '50000' : '1'), { whole: true }),
  seed: positive('seed', given.seed ?? String(1 + Math.floor(Math.random() * 1e6)), { whole: true }),
}));

const ledger = new Ledger();
countUncaught(ledger);
const material = await openMaterial();
const servers = startServers();
const ports = await servers.open(material.server);
const patient = new AbortController().signal;
const uploadFile = join(material.folder, 'upload.txt');
writeFileSync(uploadFile, pattern(nonceOf(0xeeeeeee), 40_000));
const world = { seed, servers, ports, material, ledger, patient, uploadFile };

// What is loaded and grown once is no leak.
await season({ ...world, from: 0xf00000, ledger: new Ledger(), goesOn: (made, ms) => made < 1000 && ms < 4000 });
await leftovers({ resources: {}, descriptors: Infinity, heap: Infinity }, {});
const then = await before();
const counted = await season({ ...world, goesOn: (made, ms) => ms < seconds * 1000 || made < calls });
const { found, grown } = await leftovers(then, { patient });
for (const leak of found) ledger.count('leaked', undefined, leak);
for (const key of await servers.doubled())
  ledger.count('doubled', callOf(planOf(seed, Number.parseInt(key.slice(1), 16)), world), 'served twice');
await servers.stop();
material.remove();
console.log(report({ seed, ledger, season: counted, grown, crashed: servers.crashed }));
process.exitCode = ledger.total > 0 ? 1 : 0;
