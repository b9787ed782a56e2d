/** docs/axios.md: what differs from axios is what the contract shows, no more and no less. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { differences } from '../contract/differences.js';

const page = readFileSync(new URL('../../docs/axios.md', import.meta.url), 'utf8').toLowerCase();

describe('the list of differences', () => {
  it.each(differences().map(({ reason, cases }) => [reason, cases[0]]))('says: %s (%s)', (reason) => {
    expect(page).toContain(reason.replace(/\.$/, '').toLowerCase());
  });

  it('says how many cases the contract has', async () => {
    const { everything } = await import('../contract/cases/index.js');
    const count = Object.values(everything).flat().length;
    expect(page).toContain(`runs ${count} cases`);
  });
});
