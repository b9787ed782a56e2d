import { describe, expect, it } from 'vitest';
import { answer } from '../support/behaviours.js';
import { runChild } from '../support/child.js';
import { startHttp } from '../support/upstream.js';

/** Every client makes a call; of twenty, one takes the other lane too and one fails after its retries. */
const script = (origin: string) => `
import { createHttpClient } from 'pillion';
const ignore = () => {};
const deps = { logger: { debug: ignore, info: ignore, warn: ignore, error: ignore }, random: () => 0 };
const use = async (count) => {
  for (let i = 0; i < count; i++) {
    const client = createHttpClient({ baseURL: '${origin}' }, deps);
    await client.get('/');
    if (i % 20 === 1) await client.get('/', { maxRedirects: 1 });
    if (i % 20 === 3) await client.get('/503').catch(ignore);
    await client.close();
  }
};
await use(1000);
const before = await heap();
await use(1000);
report({ kibibytes: Math.round(((await heap()) - before) / 1024), left: await leftovers() });
`;

/** Work, not waiting: seconds on an idle machine, and more on a busy one. */
describe('a thousand clients, used and closed', () => {
  it('leave nothing on the heap', async () => {
    const { origin } = await startHttp((request, response) => {
      answer(request.url === '/503' ? 503 : 200)(request, response);
    });
    const { reports, code, stderr } = await runChild(script(origin), ['--expose-gc'], 55_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    console.log(`heap growth over 1,000 clients: ${reports[0]?.kibibytes} KiB`);
    expect(reports).toEqual([{ kibibytes: expect.any(Number), left: [] }]);
    // A client that is kept costs about 50 KiB; a few hundred KiB in all are the noise of the collector.
    expect(reports[0]?.kibibytes).toBeLessThan(1024);
  }, 60_000);
});
