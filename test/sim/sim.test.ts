/** The simulations hold what they claim; `npm run sim` prints and draws the same, and like it this runs the built package. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { node } from '../package/run.js';
import { type Claim, scenarios } from './scenarios.mjs';

const program = fileURLToPath(new URL('run.mjs', import.meta.url));

describe.each(scenarios.map(({ title }) => title))('%s', (title) => {
  it('shows what it is to show', { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await node(program, '--json', title);
    expect(stderr).toBe('');
    const { claims } = JSON.parse(stdout) as { claims: Claim[] };
    expect(claims.length).toBeGreaterThan(0);
    expect(claims.filter(({ holds }) => !holds).map(({ what, text }) => `${what}: ${text}`)).toEqual([]);
  });
});
