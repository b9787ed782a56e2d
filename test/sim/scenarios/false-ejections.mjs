/** Endpoints that all fail equally often: none of them is to be ejected for bad luck. */
import { balance, compose, outlierDetection } from 'pillion';
import { seeded } from '../chance.mjs';
import { atMost } from '../claim.mjs';
import { simulate } from '../clock.mjs';
import { answer } from '../upstream.mjs';

const requestsEach = 100;
const interval = 10_000;

export const title = 'False ejections of equal endpoints';

/** Ejections in so many intervals. */
function ejections(hosts, failing, intervals, seed) {
  return simulate(Number.MAX_SAFE_INTEGER, async () => {
    const random = seeded(seed);
    const addresses = Array.from({ length: hosts }, (_, index) => ({ address: `10.0.0.${index + 1}:80` }));
    const detection = outlierDetection({ interval }, { random });
    const stack = compose(
      [balance({ endpoints: { static: addresses }, strategy: 'round-robin', slowStart: 0 }, { random }), detection],
      async (config) => answer(config, random() < failing ? 500 : 200),
    );
    const request = { url: 'http://api.test/', method: 'get', headers: {} };
    for (let round = 0; round < intervals; round++) {
      for (let i = 0; i < hosts * requestsEach - 1; i++) await stack(request).catch(() => {});
      // The last one ends the interval.
      await new Promise((resolve) => setTimeout(resolve, interval));
      await stack(request).catch(() => {});
    }
    return detection.stats().ejections;
  });
}

export async function run() {
  const claims = [];
  const series = [];
  for (const [failing, intervals] of [
    [0.01, 200],
    [0.03, 200],
    [0.05, 500],
  ]) {
    const points = [[0, 0]];
    for (const hosts of [5, 10, 20]) {
      const rate = (await ejections(hosts, failing, intervals, hosts * 100 + failing * 1000)) / intervals;
      points.push([hosts, rate]);
      claims.push(atMost(`${hosts} endpoints, ${failing * 100} % errors: ejections per interval`, rate, 1e-3));
    }
    series.push({ name: `${failing * 100} % errors`, points });
  }
  const plots = [{ name: 'false-ejections', title, x: 'endpoints', y: 'ejections per interval', bar: 1e-3, series }];
  return { claims, plots };
}
