/** Servers in a process of their own: `node process.mjs` with a channel to its parent, told the certificates first. */
import { readFileSync } from 'node:fs';
import { Reception } from './asked.mjs';
import { openAll } from './listening.mjs';

// Gone when the program is, however that ended.
process.once('disconnect', () => process.exit());

const reception = new Reception();
let servers;

const answers = {
  async open({ cert, key, ca, ports }) {
    const material = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca), requestCert: true };
    servers = await openAll(material, reception, ports);
    return Object.fromEntries(Object.entries(servers).map(([name, { port }]) => [name, port]));
  },
  restart: async ({ name, pause }) => void (await servers[name].restart(pause)),
  doubled: () => reception.doubled(),
};

process.on('message', async ({ id, what, ...options }) => process.send({ id, result: await answers[what](options) }));
