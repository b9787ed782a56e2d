import { describe, expect, it } from 'vitest';
import { answer } from '../support/behaviours.js';
import { runChild } from '../support/child.js';
import { startHttp } from '../support/upstream.js';

/** Three times a full collection in the midst of calls, and what the calls after it leave in the old generation. */
const script = (origin: string) => `
import { getHeapSpaceStatistics } from 'node:v8';
import { createHttpClient } from 'pillion';
const ignore = () => {};
const deps = { logger: { debug: ignore, info: ignore, warn: ignore, error: ignore } };
const client = createHttpClient({ baseURL: '${origin}' }, deps);
const calls = 4000;
const use = async () => {
  let left = calls;
  await Promise.all(Array.from({ length: 20 }, async () => {
    while (left-- > 0) await client.get('/');
  }));
};
const old = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space').space_used_size;
await use();
const bytes = [];
for (let round = 0; round < 3; round++) {
  const used = use();
  await pause(20);
  globalThis.gc();
  const before = old();
  await used;
  bytes.push(Math.round((old() - before) / calls));
}
report({ bytes: bytes.sort((a, b) => a - b) });
await client.close();
`;

describe('calls after a full collection', () => {
  // A list of calls that the collector cannot let go of, as a Set is, would leave 300 to 400 bytes of each.
  it('leave next to nothing in the old generation, so they are collected young and need no further full one', async () => {
    const { origin } = await startHttp(answer(200, '{"ok":true}'));
    const { reports, code, stderr } = await runChild(script(origin), ['--expose-gc'], 55_000);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const bytes = reports[0]?.bytes as number[] | undefined;
    console.log(`bytes of each call in the old generation: ${bytes}`);
    expect(bytes?.[1]).toBeLessThan(200);
  }, 60_000);
});
