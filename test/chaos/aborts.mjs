/**
 * Some ten thousand calls, each given up by its caller at some moment, in a process that catches nothing for them:
 * `node aborts.mjs [calls] [seed]`. It says how far it came and ends by itself; whatever is wrong ends it before, or is on stderr.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ledger } from './ledger.mjs';
import { openMaterial } from './material.mjs';
import { nonceOf, pattern } from './pattern.mjs';
import { season } from './season.mjs';
import { startServers } from './servers/start.mjs';

const [calls = 10_000, seed = 1] = process.argv.slice(2).map(Number);
const ledger = new Ledger();
const material = await openMaterial();
const servers = startServers();
const ports = await servers.open(material.server);
const uploadFile = join(material.folder, 'upload.txt');
writeFileSync(uploadFile, pattern(nonceOf(0xeeeeeee), 40_000));
const patient = new AbortController().signal;
const world = { seed, profile: 'aborts', servers, ports, material, ledger, patient, uploadFile };
// However it ends.
process.once('exit', () => {
  const failures = ledger.failures.map(({ kind, detail, count, first }) => ({ kind, detail, count, first }));
  console.log(JSON.stringify({ calls: ledger.calls, failures }));
});
await season({ ...world, goesOn: (made) => made < calls });
await servers.stop();
material.remove();
