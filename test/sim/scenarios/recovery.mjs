/** After an outage the circuit lets calls through again soon, and during it the trials of a fleet are few. */
import { seeded } from '../chance.mjs';
import { atMost } from '../claim.mjs';
import { clientOver, outcome } from '../client.mjs';
import { elapsed, poisson, simulate } from '../clock.mjs';
import { delayed } from '../upstream.mjs';

export const title = 'Recovery after an outage';

const startsAt = 5000;
const after = 20_000;

/**
 * Seconds from the return of the upstream until the last process has its calls answered again, and what the upstream saw in
 * the second half of the outage. `hangs`: it does not answer at all meanwhile, in place of a 503.
 */
function outage({ seconds, processes, perSecond, hangs = false, seed }) {
  const endsAt = startsAt + seconds * 1000;
  return simulate(endsAt + after, async () => {
    const random = seeded(seed);
    const isDown = () => elapsed() >= startsAt && elapsed() < endsAt;
    const upstream = delayed(
      () => (isDown() && hangs ? 30_000 : 5),
      () => (isDown() ? 503 : 200),
    );
    let trials = 0;
    const counted = (config) => {
      if (elapsed() > startsAt + (seconds * 1000) / 2 && elapsed() < endsAt) trials++;
      return upstream(config);
    };
    const back = [];
    for (let index = 0; index < processes; index++) {
      const client = clientOver(counted, random, { retry: false });
      poisson(perSecond, endsAt + after, random, async () => {
        const { ok } = await outcome(client);
        if (ok && elapsed() > endsAt) back[index] ??= elapsed() - endsAt;
      });
    }
    await new Promise((resolve) => setTimeout(resolve, endsAt + after - 100 - elapsed()));
    const slowest = back.length < processes ? Number.POSITIVE_INFINITY : Math.max(...back);
    return { recovery: slowest / 1000, trials: trials / ((seconds * 1000) / 2 / 1000) / processes };
  });
}

export async function run() {
  const points = [];
  const hanging = [];
  for (const seconds of [10, 60, 300, 600]) {
    points.push([seconds, (await outage({ seconds, processes: 1, perSecond: 20, seed: seconds })).recovery]);
    const hung = await outage({ seconds, processes: 1, perSecond: 20, hangs: true, seed: seconds + 1 });
    hanging.push([seconds, hung.recovery]);
  }
  const stuck = await outage({ seconds: 60, processes: 20, perSecond: 5, hangs: true, seed: 8 });
  const fleet = await outage({ seconds: 60, processes: 100, perSecond: 5, seed: 7 });
  const worst = (all) => Math.max(...all.map(([, recovery]) => recovery));
  return {
    claims: [
      atMost('outages up to ten minutes: seconds until calls are answered again', worst(points), 10),
      atMost('the same where the upstream hangs meanwhile', worst(hanging), 10),
      atMost('100 processes: seconds until the last one has its calls answered', fleet.recovery, 10),
      atMost('100 processes: trials a second and process during the outage', fleet.trials, 1),
      atMost('trials a second and process where the upstream hangs', stuck.trials, 2),
    ],
    plots: [
      {
        name: 'recovery',
        title,
        x: 'length of the outage in seconds',
        y: 'seconds until calls are answered',
        series: [
          { name: 'the upstream answers 503', points },
          { name: 'the upstream hangs', points: hanging },
        ],
      },
    ],
  };
}
