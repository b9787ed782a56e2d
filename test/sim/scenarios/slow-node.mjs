/** One endpoint of ten is ten times as slow as the others. */
import { endpointOf } from 'pillion';
import { exponential, percentile, seeded } from '../chance.mjs';
import { atMost } from '../claim.mjs';
import { clientOver, outcome } from '../client.mjs';
import { poisson, simulate } from '../clock.mjs';
import { Station } from '../upstream.mjs';

const nodes = 10;
const service = 10;
const perSecond = 0.7 * nodes * (1000 / service);
const seconds = 60;

export const title = 'One endpoint of ten is ten times as slow';

function share(policy) {
  return simulate(seconds * 1000 + 30_000, async () => {
    const random = seeded(12345);
    const stations = new Map(
      Array.from({ length: nodes }, (_, index) => {
        const mean = index === 0 ? 10 * service : service;
        return [`10.0.0.${index + 1}:80`, new Station({ workers: 1, service: () => exponential(random, mean) })];
      }),
    );
    const client = clientOver((config) => stations.get(endpointOf(config).address).send(config), random, {
      endpoints: { static: [...stations.keys()].map((address) => ({ address })) },
      balance: { strategy: policy },
      timeouts: false,
      retry: false,
      circuitBreaker: false,
      limits: false,
    });
    const latencies = [];
    poisson(perSecond, seconds * 1000, random, async () => latencies.push((await outcome(client)).ms));
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 29_000));
    const requests = [...stations.values()].map((station) => station.requests);
    const fair = requests.reduce((sum, each) => sum + each, 0) / nodes;
    return { latencies, requests, slow: requests[0] / fair };
  });
}

export async function run() {
  const least = await share('least-pending');
  const robin = await share('round-robin');
  const times = (latencies, percent) => percentile(latencies, percent) / service;
  const curve = ({ latencies }) => [50, 75, 90, 95, 99, 99.5, 99.9].map((p) => [p, Math.min(times(latencies, p), 100)]);
  return {
    claims: [
      atMost('share of the slow one, of a fair one', least.slow, 0.2),
      atMost('p99.9 in service times', times(least.latencies, 99.9), 30),
    ],
    plots: [
      {
        name: 'slow-node',
        title,
        x: 'percentile',
        y: 'service times (cut at 100)',
        bar: 30,
        series: [
          { name: 'least-pending', points: curve(least) },
          { name: 'round-robin', points: curve(robin) },
        ],
      },
    ],
  };
}
