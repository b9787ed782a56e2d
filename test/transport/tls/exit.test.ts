import { describe, expect, it } from 'vitest';
import { authority } from '../../support/certificates.js';
import { runChild } from '../../support/child.js';
import { inPlace } from './stores.js';

async function program(ending: string): Promise<string> {
  const { cert, key } = inPlace(await (await authority('our CA')).issue({ name: 'client' }));
  return `
    import { createHttpClient, createIdentity, createUndiciAdapter } from 'pillion';
    const silent = { debug() {}, info() {}, warn() {}, error() {} };
    for (const interval of ['20ms', '1h']) {
      const tls = { cert: '${cert}', key: '${key}', reload: { interval } };
      const identity = createIdentity(tls, { logger: silent });
      const own = createHttpClient({ tls }, { logger: silent });
      const sharing = createHttpClient({}, { identity, logger: silent });
      const adapter = createUndiciAdapter({ tls });
      // Long enough for files to have been compared: everything that could hold the process is under way.
      await pause(200);
      ${ending}
    }`;
}

describe('a process that watches certificate files', () => {
  it('ends by itself although nothing is closed', async () => {
    const { reports, code, stderr, lingered } = await runChild(await program('report({ interval });'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(reports).toEqual([{ interval: '20ms' }, { interval: '1h' }]);
    expect(lingered).toBeLessThan(2000);
  });

  it('has nothing left once everything is closed', async () => {
    const closing = `
      identity.close();
      for (const each of [own, sharing, adapter]) await each.close();
      report({ interval, left: await leftovers() });`;
    const { reports, code, stderr, lingered } = await runChild(await program(closing));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(reports).toEqual([
      { interval: '20ms', left: [] },
      { interval: '1h', left: [] },
    ]);
    expect(lingered).toBeLessThan(2000);
  });
});
