/** What loading takes of a processor, against loading axios alone: the best of several processes, so that a busy machine does not count. */
import { it } from 'vitest';
import { expectRecorded } from './recorded.js';
import { node } from './run.js';

/** As an ES module and as CommonJS. */
const ways = {
  import: (name: string) => ['--input-type=module', '-e', timed(`await import('${name}')`)],
  require: (name: string) => ['--input-type=commonjs', '-e', timed(`require('${name}')`)],
};

const timed = (load: string) =>
  `const start = process.cpuUsage(); ${load}; const { user, system } = process.cpuUsage(start); console.log(user + system);`;

const entries = {
  import: ['pillion', 'pillion/testing', 'pillion/metrics', 'pillion/admin', 'pillion/nestjs', 'pillion/sidecar'],
  require: ['pillion', 'pillion/testing'],
};

it('takes at the most 1.6 times what is recorded, in times of axios, which is part of each', async () => {
  const times: Record<string, number> = {};
  // A machine that changes its speed within seconds has to be met in its quick moments by each of them.
  for (let round = 0; round < 6; round++) {
    for (const way of ['import', 'require'] as const) {
      for (const name of ['axios', ...entries[way]]) {
        const us = Number((await node(...ways[way](name))).stdout);
        times[`${way} ${name}`] = Math.min(times[`${way} ${name}`] ?? Number.POSITIVE_INFINITY, us);
      }
    }
  }
  const now = (['import', 'require'] as const).flatMap((way) =>
    entries[way].map((name) => {
      const inAxios = (times[`${way} ${name}`] ?? 0) / (times[`${way} axios`] ?? 0);
      return [`${way} ${name}`, Math.round(inAxios * 10) / 10];
    }),
  );
  // Faster is no fault: other machines read files at another speed.
  expectRecorded('import-time', Object.fromEntries(now), { from: 0, to: 1.6 });
}, 120_000);
