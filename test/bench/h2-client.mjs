/** One client over HTTP/2, once, in a process of its own: warms up, sends, and reports what it took. */
import { allocatedBy } from './allocation.mjs';
import { cases, isSmall } from './cases.mjs';
import { exchange } from './exchange.mjs';
import { h2Variants } from './h2-variants.mjs';
import { closedLoop, measured, warmUp } from './load.mjs';

const { variant, name, callers, port, tls, seconds, warmth } = JSON.parse(process.argv[2]);
const { request } = cases.find((one) => one.name === name);
const once = exchange(h2Variants[variant].make({ origin: `https://localhost:${port}`, tls })(request), request);
await once();
await warmUp(once, callers, seconds, isSmall(request) ? warmth : 0);
const result = await measured(() => closedLoop(once, callers, seconds));
let requests;
const allocated = await allocatedBy(async () => {
  requests = (await closedLoop(once, callers, seconds / 4)).length;
});
process.send({ ...result, heap: allocated / requests }, () => process.exit());
