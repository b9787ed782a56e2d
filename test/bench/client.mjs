/** One variant with one case, in a process of its own: warms up, sends in turns when it is told to, and says what they took. */
import { once } from 'node:events';
import { allocatedBy } from './allocation.mjs';
import { cases, isSmall } from './cases.mjs';
import { exchange } from './exchange.mjs';
import { closedLoop, Measurement, openLoop, warmUp } from './load.mjs';
import { variants } from './variants.mjs';

const { variant, name, port, tlsPort, tls, seconds, warmth } = JSON.parse(process.argv[2]);
const { request, callers, mtls, rate } = cases.find((one) => one.name === name);
const target = mtls ? { origin: `https://localhost:${tlsPort}`, tls } : { origin: `http://127.0.0.1:${port}` };
const prepare = await variants[variant].make(target);
const send = exchange(prepare(request), request);
let measurement = new Measurement();

const words = {
  async lead(length) {
    await closedLoop(send, callers, length);
  },
  async turn(length) {
    // The processor's caches are the other process's.
    await closedLoop(send, callers, length / 5);
    await measurement.add(() => (rate ? openLoop(send, rate, length) : closedLoop(send, callers, length)));
  },
  async result(length) {
    let requests;
    const allocated = await allocatedBy(async () => {
      requests = (await closedLoop(send, callers, length)).length;
    });
    const result = { ...measurement.result(), heap: allocated / requests };
    measurement = new Measurement();
    return result;
  },
};

await warmUp(send, callers, seconds, isSmall(request) ? warmth : 0);
process.send('ready');
process.once('disconnect', () => process.exit());
for (;;) {
  const [[word, length]] = await once(process, 'message');
  process.send((await words[word](length)) ?? 'done');
}
