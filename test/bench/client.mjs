/** One variant with one case, once, in a process of its own: warms up, sends, tells what it took. */
import { allocatedBy } from './allocation.mjs';
import { cases, isSmall } from './cases.mjs';
import { exchange } from './exchange.mjs';
import { closedLoop, measured, openLoop, warmUp } from './load.mjs';
import { variants } from './variants.mjs';

const { variant, name, port, tlsPort, tls, seconds, warmth } = JSON.parse(process.argv[2]);
const { request, callers, mtls, rate, longer = 1 } = cases.find((one) => one.name === name);
const target = mtls ? { origin: `https://localhost:${tlsPort}`, tls } : { origin: `http://127.0.0.1:${port}` };
const prepare = await variants[variant].make(target);
const once = exchange(prepare(request), request);

await warmUp(once, callers, seconds, isSmall(request) ? warmth : 0);
const result = await measured(() =>
  rate ? openLoop(once, rate, seconds * longer) : closedLoop(once, callers, seconds),
);
let requests;
const allocated = await allocatedBy(async () => {
  requests = (await closedLoop(once, callers, seconds / 4)).length;
});
process.send({ ...result, heap: allocated / requests }, () => process.exit());
