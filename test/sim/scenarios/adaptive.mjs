/** Ten workers of 10 ms each under twice and five times the load they can take, and half of them lost. */
import { exponential, percentile, seeded } from '../chance.mjs';
import { atLeast, atMost } from '../claim.mjs';
import { clientOver, outcome } from '../client.mjs';
import { elapsed, poisson, simulate } from '../clock.mjs';
import { Station } from '../upstream.mjs';

const workers = 10;
const service = 10;
const capacity = (workers * 1000) / service;
/** Until the limit is found. */
const warmUp = 10;

export const title = 'Adaptive concurrency: goodput under overload';

function overload(factor, seconds, halvedAt = Number.POSITIVE_INFINITY) {
  return simulate(seconds * 1000 + 5000, async () => {
    const random = seeded(factor);
    const station = new Station({ workers, service: () => exponential(random, service) });
    const client = clientOver(station.send, random, {
      adaptiveConcurrency: {},
      retry: false,
      circuitBreaker: false,
      limits: { maxRequests: 65_535 },
    });
    const good = new Array(seconds + 5).fill(0);
    const latencies = [];
    const limit = [];
    poisson(factor * capacity, seconds * 1000, random, async () => {
      const { ok, ms } = await outcome(client);
      if (!ok) return;
      good[Math.floor(elapsed() / 1000)]++;
      if (elapsed() > warmUp * 1000) latencies.push(ms);
    });
    const watch = () => {
      const stats = client.stats().policies.adaptiveConcurrency['http://api.test'];
      if (stats !== undefined) limit.push([Math.round(elapsed() / 1000), stats.limit]);
      if (elapsed() < (seconds - 1) * 1000) setTimeout(watch, 1000);
    };
    setTimeout(watch, 500);
    setTimeout(() => {
      station.workers = workers / 2;
    }, halvedAt * 1000);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 4000));
    const steady = good.slice(warmUp, seconds);
    return { goodput: steady.reduce((sum, each) => sum + each, 0) / steady.length / capacity, latencies, limit, good };
  });
}

export async function run() {
  const twice = await overload(2, 40);
  const five = await overload(5, 25);
  const halved = await overload(3, 45, 20);
  const mean = (list) => list.reduce((sum, each) => sum + each, 0) / list.length;
  const after = mean(halved.good.slice(40, 45)) / (capacity / 2);
  return {
    claims: [
      atLeast('2x load: goodput, of capacity', twice.goodput, 0.97),
      atLeast('5x load: goodput, of capacity', five.goodput, 0.97),
      atMost('2x load: p99, in service times', percentile(twice.latencies, 99) / service, 12),
      atMost('5x load: p99, in service times', percentile(five.latencies, 99) / service, 12),
      atLeast('20 s after half of the capacity is lost: goodput, of what is left', after, 0.97),
    ],
    plots: [
      {
        name: 'adaptive',
        title,
        x: 'seconds',
        y: 'limit',
        series: [
          { name: '2x load', points: twice.limit },
          { name: '5x load', points: five.limit },
          { name: '3x, halved at 20 s', points: halved.limit },
        ],
      },
    ],
  };
}
