/** What retries add to the load of an upstream that fails: the budget bounds it, in one layer and in three. */

import { seeded } from '../chance.mjs';
import { atMost } from '../claim.mjs';
import { clientOver, outcome } from '../client.mjs';
import { evenly, simulate } from '../clock.mjs';
import { answer } from '../upstream.mjs';

const perSecond = 300;
const seconds = 20;
const failures = [0, 0.1, 0.2, 0.35, 0.6, 1];

export const title = 'Retry amplification';

/** Requests at the bottom for each call at the top. */
function amplification(layers, failing, seed) {
  return simulate(seconds * 1000 + 60_000, async () => {
    const random = seeded(seed);
    let requests = 0;
    let transport = async (config) => {
      requests++;
      return answer(config, random() < failing ? 503 : 200);
    };
    let client;
    for (let layer = 0; layer < layers; layer++) {
      const below = client;
      if (below !== undefined) transport = async (config) => answer(config, (await outcome(below)).ok ? 200 : 503);
      // The circuit would hide what the budget does.
      client = clientOver(transport, random, { circuitBreaker: false });
    }
    const calls = [];
    evenly(perSecond, seconds * 1000, () => calls.push(outcome(client)));
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 30_000));
    await Promise.all(calls);
    return requests / calls.length;
  });
}

export async function run() {
  const series = [];
  const claims = [];
  for (const [layers, bar] of [
    [1, 1.25],
    [3, 1.75],
  ]) {
    const points = [];
    for (const failing of failures) points.push([failing * 100, await amplification(layers, failing, 1)]);
    const most = Math.max(...points.map(([, value]) => value));
    const total = points.at(-1)[1];
    series.push({ name: `${layers} layer${layers > 1 ? 's' : ''}`, points });
    claims.push(atMost(`${layers} layer(s), 100 % failures: requests for each call`, total, bar));
    claims.push(atMost(`${layers} layer(s), at any share of failures`, most, bar));
  }
  const unprotected = failures.map((p) => [p * 100, (1 - p ** 3) / (1 - p) || 3]);
  series.push({ name: 'no budget (1 layer)', points: unprotected });
  const plots = [{ name: 'amplification', title, x: 'failures in percent', y: 'requests per call', series }];
  return { claims, plots };
}
