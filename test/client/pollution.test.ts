import { describe, expect, it } from 'vitest';
import { runChild } from '../support/child.js';

describe('a polluted Object.prototype', () => {
  it('changes nothing that a server sees and nothing that a caller gets, by any name and any way in', async () => {
    const { code, reports, stderr } = await runChild("await import('./test/client/pollution.mjs')", [], 60_000);
    expect({ changed: reports.slice(0, -1), code, stderr }).toEqual({ changed: [], code: 0, stderr: '' });
    expect(reports.at(-1)?.names).toBeGreaterThan(150);
  }, 60_000);
});
