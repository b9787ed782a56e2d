/** How long importing takes, against importing axios alone: the best of several processes, so that a busy machine does not count. */
import { it } from 'vitest';
import { expectRecorded } from './recorded.js';
import { node } from './run.js';

/** Milliseconds, in a process of its own. */
async function timeOf(module: string): Promise<number> {
  const code = `const start = performance.now(); await import('${module}'); console.log(performance.now() - start);`;
  return Number((await node('--input-type=module', '-e', code)).stdout);
}

/** The best of rounds in turns. */
async function best(modules: readonly string[]): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (let round = 0; round < 5; round++)
    for (const module of modules)
      times.set(module, Math.min(times.get(module) ?? Number.POSITIVE_INFINITY, await timeOf(module)));
  return times;
}

const entries = ['pillion', 'pillion/testing', 'pillion/metrics', 'pillion/admin', 'pillion/nestjs'];

it('takes at the most twice as long as recorded, in times of axios, which is part of each', async () => {
  const times = await best(['axios', ...entries]);
  const axios = times.get('axios') ?? 0;
  const now = entries.map((name) => [name, Math.round(((times.get(name) ?? 0) / axios) * 10) / 10]);
  // Faster is no fault: other machines read files at another speed.
  expectRecorded('import-time', Object.fromEntries(now), { from: 0, to: 2 });
}, 120_000);
