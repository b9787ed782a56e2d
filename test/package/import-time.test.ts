/** How long importing takes, against importing axios alone: the best of several processes, so that a busy machine does not count. */
import { describe, expect, it } from 'vitest';
import { node } from './run.js';

/** Milliseconds, in a process of its own. */
async function timeOf(module: string): Promise<number> {
  const code = `const start = performance.now(); await import('${module}'); console.log(performance.now() - start);`;
  return Number((await node('--input-type=module', '-e', code)).stdout);
}

/** The best of rounds in turns. */
async function best(modules: readonly string[]): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  for (let round = 0; round < 5; round++)
    for (const module of modules)
      times[module] = Math.min(times[module] ?? Number.POSITIVE_INFINITY, await timeOf(module));
  return times;
}

/** Recorded on 2026-11-23, Node 20.20: times axios's own; axios is part of each. */
const recorded: Record<string, number> = {
  pillion: 3.2,
  'pillion/testing': 3.2,
  'pillion/metrics': 3.2,
  'pillion/admin': 3.2,
};

describe('importing', () => {
  it('takes no more than half as long again as was recorded', async () => {
    const times = await best(['axios', ...Object.keys(recorded)]);
    const ratios = Object.fromEntries(
      Object.keys(recorded).map((name) => [name, (times[name] ?? 0) / (times.axios ?? 0)]),
    );
    for (const [name, ratio] of Object.entries(ratios))
      expect(ratio, `${name}: ${JSON.stringify(ratios)}`).toBeLessThan((recorded[name] ?? 0) * 1.5);
  }, 60_000);
});
