/** One answer in a hundred stalls: a second attempt cuts the tail, for hardly any load; and a step of latency starts no flood. */
import { lognormal, percentile, seeded } from '../chance.mjs';
import { atLeast, atMost } from '../claim.mjs';
import { clientOver, outcome } from '../client.mjs';
import { elapsed, evenly, simulate } from '../clock.mjs';
import { delayed } from '../upstream.mjs';

const perSecond = 1000;
const seconds = 60;

export const title = 'Hedging: lognormal latency with 1 % stalls';

function tail(hedging) {
  return simulate(seconds * 1000 + 10_000, async () => {
    const random = seeded(99);
    const upstream = delayed(() => (random() < 0.01 ? 200 + 1600 * random() : lognormal(random, 10, 0.4)));
    const limits = { maxRequests: 10_000 };
    const client = clientOver(upstream, random, { hedging, limits, retry: { maxConcurrentRetries: 10_000 } });
    const latencies = [];
    evenly(perSecond, seconds * 1000, async () => latencies.push((await outcome(client)).ms));
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 9000));
    return { latencies, extra: upstream.requests / latencies.length - 1 };
  });
}

/** From the thirtieth second on everything takes ten times as long: hedges in each second. */
function step(hedging) {
  const rate = 200;
  return simulate(90_000, async () => {
    const random = seeded(5);
    const upstream = delayed(() => (elapsed() > 30_000 ? 10 : 1) * lognormal(random, 10, 0.4));
    const client = clientOver(upstream, random, {
      hedging,
      limits: { maxRequests: 10_000 },
      retry: { maxConcurrentRetries: 10_000 },
    });
    const hedges = new Array(90).fill(0);
    client.on('hedge.started', () => hedges[Math.floor(elapsed() / 1000)]++);
    evenly(rate, 85_000, () => outcome(client));
    await new Promise((resolve) => setTimeout(resolve, 89_000));
    let most = 0;
    for (let second = 10; second < 85; second++)
      most = Math.max(
        most,
        hedges.slice(second - 10, second).reduce((sum, each) => sum + each, 0),
      );
    return { most, allowed: hedging.budget * rate * 10 + 10 };
  });
}

export async function run() {
  const hedging = { percentile: 99, budget: 0.02 };
  const without = await tail(undefined);
  const with_ = await tail(hedging);
  const { most, allowed } = await step(hedging);
  const fixed = await step({ delay: 30, budget: 0.02 });
  const [before, after] = [without, with_].map(({ latencies }) => percentile(latencies, 99.9));
  const curve = ({ latencies }) => [50, 75, 90, 95, 98, 99, 99.5, 99.9].map((p) => [p, percentile(latencies, p)]);
  return {
    claims: [
      atLeast('p99.9 is lower by, in percent', 100 * (1 - after / before), 90),
      atMost('extra load, in percent', 100 * with_.extra, 2),
      atMost('latency times ten, live percentile: hedges in any 10 s', most, allowed),
      atMost('latency times ten, fixed delay: hedges in any 10 s', fixed.most, fixed.allowed),
    ],
    plots: [
      {
        name: 'hedging',
        title,
        x: 'percentile',
        y: 'ms',
        series: [
          { name: 'without', points: curve(without) },
          { name: 'with', points: curve(with_) },
        ],
      },
    ],
  };
}
