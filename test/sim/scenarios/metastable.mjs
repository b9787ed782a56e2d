/**
 * An upstream for 300 requests a second under a load of 280 stands still for ten seconds. With plain retries the queue it
 * comes back with never empties (HotOS '21, "Metastable failures"); with the standard stack it does.
 */
import { seeded } from '../chance.mjs';
import { atMost } from '../claim.mjs';
import { clientOver, outcome } from '../client.mjs';
import { elapsed, poisson, simulate } from '../clock.mjs';
import { Station } from '../upstream.mjs';

const capacity = 300;
const load = 280;
const outage = [10, 20];
const seconds = 60;

export const title = 'A metastable failure: 300/s of capacity, 280/s of load, 10 s without service';

const timeouts = { total: '10s', attempt: '1s', connect: '1s' };
const plain = {
  timeouts,
  retry: { maxRetries: 1, budget: false, maxConcurrentRetries: 1_000_000 },
  circuitBreaker: false,
  limits: { maxRequests: 65_535, maxPendingRequests: 1_000_000 },
};
const standard = { timeouts, retry: { maxRetries: 1 } };

/** Calls that succeeded, by the second in which they did. */
function goodput(config, noticesAborts, seed = 1) {
  return simulate(seconds * 1000, async () => {
    const random = seeded(seed);
    const station = new Station({ workers: 1, service: () => 1000 / capacity, noticesAborts });
    const client = clientOver(station.send, random, config);
    const good = new Array(seconds).fill(0);
    poisson(load, seconds * 1000 - 2000, random, async () => {
      const { ok } = await outcome(client);
      if (ok) good[Math.floor(elapsed() / 1000)]++;
    });
    setTimeout(() => {
      station.workers = 0;
    }, outage[0] * 1000);
    setTimeout(() => {
      station.workers = 1;
      station.pump();
    }, outage[1] * 1000);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000 - 1));
    return { good };
  });
}

/** Seconds after the outage until it serves nearly everything again, and goes on so; over three seconds, as arrivals vary. */
function recovery({ good }) {
  const enough = 3 * 0.9 * load;
  let last = outage[1] - 1;
  for (let second = outage[1]; second < seconds - 5; second++)
    if (good[second] + good[second + 1] + good[second + 2] < enough) last = second;
  return last + 1 - outage[1];
}

const seeds = [1, 2, 3];

export async function run() {
  const unaware = [];
  const aware = [];
  for (const seed of seeds) {
    unaware.push(await goodput(standard, false, seed));
    aware.push(await goodput(standard, true, seed));
  }
  const bare = await goodput(plain, false);
  const slowest = (runs) => Math.max(...runs.map(recovery));
  const points = (good) => good.slice(0, seconds - 3).map((count, second) => [second, count]);
  return {
    claims: [
      atMost('standard stack, a server that works on what was aborted: seconds to recover', slowest(unaware), 10),
      atMost('standard stack, a server that sees aborts: seconds to recover', slowest(aware), 2),
      atMost('plain retries never recover: calls served in the last seconds', bare.good[seconds - 5], 0.2 * load),
    ],
    plots: [
      {
        name: 'metastable',
        title,
        x: 'seconds',
        y: 'calls served per second',
        series: [
          { name: 'standard', points: points(unaware[0].good) },
          { name: 'aborts seen', points: points(aware[0].good) },
          { name: 'plain retries', points: points(bare.good) },
        ],
      },
    ],
  };
}
