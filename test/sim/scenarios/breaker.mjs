/** The circuit spares an upstream that fails altogether, and costs nothing where it fails in part. */
import { seeded } from '../chance.mjs';
import { atLeast, atMost } from '../claim.mjs';
import { clientOver, outcome } from '../client.mjs';
import { evenly, simulate } from '../clock.mjs';
import { delayed } from '../upstream.mjs';

const perSecond = 200;
const seconds = 60;

export const title = 'The circuit breaker';

function shares(failing, seed) {
  return simulate(seconds * 1000 + 5000, async () => {
    const random = seeded(seed);
    const upstream = delayed(
      () => 5,
      () => (random() < failing ? 503 : 200),
    );
    const client = clientOver(upstream, random, { retry: false });
    let calls = 0;
    let rejected = 0;
    evenly(perSecond, seconds * 1000, async () => {
      calls++;
      if ((await outcome(client)).code === 'ERR_CIRCUIT_OPEN') rejected++;
    });
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 4000));
    return rejected / calls;
  });
}

export async function run() {
  const points = [];
  for (const percent of [0, 10, 20, 30, 40, 50, 60, 80, 100])
    points.push([percent, 100 * (await shares(percent / 100, percent + 1))]);
  const at = (percent) => points.find(([x]) => x === percent)[1];
  return {
    claims: [
      atLeast('100 % failures: calls rejected locally, in percent', at(100), 98.9),
      ...[10, 20, 30].map((p) => atMost(`${p} % failures: calls lost to the circuit, in percent`, at(p), 0.1)),
    ],
    plots: [
      {
        name: 'breaker',
        title,
        x: 'failures in percent',
        y: 'rejected locally, percent',
        series: [{ name: 'standard', points }],
      },
    ],
  };
}
