/** One variant with one case, once, in a process of its own: warms up, sends, tells what it took. */
import { allocatedBy } from './allocation.mjs';
import { cases } from './cases.mjs';
import { exchange } from './exchange.mjs';
import { closedLoop, measured, openLoop } from './load.mjs';
import { variants } from './variants.mjs';

const { variant, name, port, tlsPort, tls, seconds } = JSON.parse(process.argv[2]);
const { request, callers, mtls, rate, longer = 1 } = cases.find((one) => one.name === name);
const target = mtls ? { origin: `https://localhost:${tlsPort}`, tls } : { origin: `http://127.0.0.1:${port}` };
const prepare = await variants[variant].make(target);
const once = exchange(prepare(request), request);

// It takes axios some 8,000 requests to come up to its speed; cold, it would look half as fast as it is. Connections are opened
// by code that is warm, some hundreds at once: one for each caller, whatever the variant.
for (const some of [50, 500, 2000]) if (some < callers) await closedLoop(once, some, seconds / 2);
await closedLoop(once, callers, seconds);
const result = await measured(() =>
  rate ? openLoop(once, rate, seconds * longer) : closedLoop(once, callers, seconds),
);
let requests;
const allocated = await allocatedBy(async () => {
  requests = (await closedLoop(once, callers, seconds / 4)).length;
});
process.send({ ...result, heap: allocated / requests }, () => process.exit());
