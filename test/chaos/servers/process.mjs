/** The servers, in a process of their own: `node process.mjs` with a channel to its parent, told the certificates first. */
import { readFileSync } from 'node:fs';
import { Reception } from './asked.mjs';
import { openAll } from './listening.mjs';

// Gone when the program is, however that ended.
process.once('disconnect', () => process.exit());

const reception = new Reception();
let calm;
let wild;

const answers = {
  async open({ cert, key, ca }) {
    const material = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca), requestCert: true };
    [calm, wild] = [await openAll(material, reception), await openAll(material, reception)];
    return { calm: portsOf(calm), wild: portsOf(wild) };
  },
  restart: async ({ name, pause }) => void (await wild[name].restart(pause)),
  doubled: () => reception.doubled(),
};

const portsOf = (all) => Object.fromEntries(Object.entries(all).map(([name, { port }]) => [name, port]));

process.on('message', async ({ id, what, ...options }) => process.send({ id, result: await answers[what](options) }));
