/** One client that downloads 10 MiB over a far link, in a process of its own: how many round trips the body took. */
import { cases } from './cases.mjs';
import { exchange } from './exchange.mjs';
import { roundTrip } from './far-link.mjs';
import { h2Variants } from './h2-variants.mjs';

const { variant, port, tls } = JSON.parse(process.argv[2]);
const prepare = h2Variants[variant].make({ origin: `https://localhost:${port}`, tls, standardWindows: true });
const [small, large] = ['get-1', 'download-10m'].map((name) => cases.find((one) => one.name === name).request);
const timed = async (request) => {
  const once = exchange(prepare(request), request);
  const startedAt = performance.now();
  await once();
  return (performance.now() - startedAt) / roundTrip;
};
const cold = await timed(small);
const warm = await timed(small);
process.send({ cold, warm, download: await timed(large) }, () => process.exit());
