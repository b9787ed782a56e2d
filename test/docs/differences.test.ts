/** README: what differs from axios is what the contract shows, no more and no less. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { differences } from '../contract/differences.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8').toLowerCase();

describe('the README', () => {
  it.each(differences().map(({ reason, cases }) => [reason, cases[0]]))('says: %s (%s)', (reason) => {
    expect(readme).toContain(reason.replace(/\.$/, '').toLowerCase());
  });

  it('says how many cases the contract has', async () => {
    const { everything } = await import('../contract/cases/index.js');
    const count = Object.values(everything).flat().length;
    expect(readme).toContain(`runs ${count} cases`);
  });
});
