/** The simulations hold what they claim; `npm run sim` prints and draws the same. */
import { describe, expect, it } from 'vitest';
import { scenarios } from './scenarios.mjs';

describe.each(scenarios.map(({ title, run }) => ({ title, run })))('$title', ({ run }) => {
  it('shows what it is to show', { timeout: 60_000 }, async () => {
    const { claims } = await run();
    expect(claims.length).toBeGreaterThan(0);
    expect(claims.filter(({ holds }) => !holds).map(({ what, text }) => `${what}: ${text}`)).toEqual([]);
  });
});
