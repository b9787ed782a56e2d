import { describe, expect, it } from 'vitest';
import { answer, dribble, hang, reset } from '../support/behaviours.js';
import { runChild } from '../support/child.js';
import { type Behaviour, closedPort, startHttp } from '../support/upstream.js';

/** What a program does with a client, and with what kind of upstream. */
interface Use {
  readonly upstream?: Behaviour;
  readonly config?: object;
  /** JavaScript, with `client`, `code(promise)` and in `lanes` the options that choose each lane. */
  readonly run: string;
}

const failing = 'for (const lane of lanes) await code(client.get("/", lane));';

const uses: Record<string, Use> = {
  'nothing at all': { run: '' },
  successes: { run: 'for (const lane of lanes) await client.get("/", lane);' },
  'many at once': { run: 'await Promise.all(Array.from({ length: 50 }, (_, i) => client.get("/", lanes[i % 2])));' },
  'failures and retries': { upstream: answer(503), run: failing },
  'lost connections': { upstream: reset, run: failing },
  timeouts: { upstream: hang, config: { timeouts: { attempt: 50, total: 120 } }, run: failing },
  'an open circuit': {
    upstream: answer(500),
    config: { circuitBreaker: { volumeThreshold: 1, resetTimeout: '60s' } },
    run: `await code(client.get('/')); if ((await code(client.get('/'))) !== 'ERR_CIRCUIT_OPEN') throw new Error('closed');`,
  },
  'a stream that is read': {
    run: `for (const lane of lanes) for await (const _ of (await client.get('/', { ...lane, responseType: 'stream' })).data);`,
  },
  'a stream that is destroyed': {
    upstream: dribble,
    run: `for (const lane of lanes) (await client.get('/', { ...lane, responseType: 'stream' })).data.destroy();`,
  },
  'a caller who gives up': {
    upstream: hang,
    run: `
      const controller = new AbortController();
      const calls = lanes.map((lane) => code(client.get('/', { ...lane, signal: controller.signal })));
      setTimeout(() => controller.abort(), 30);
      await Promise.all(calls);`,
  },
  'refused connections': { config: { baseURL: 'refused' }, run: failing },
};

const prologue = `
import { createHttpClient } from 'pillion';
const lanes = [{}, { maxRedirects: 1 }];
const code = (promise) => promise.then(() => 'none', (error) => error.code);
`;

/** One program that goes through all uses, each with a client and an upstream of its own. */
async function program(ending: (name: string) => string): Promise<string> {
  const refused = `http://127.0.0.1:${await closedPort()}`;
  const parts = Object.entries(uses).map(async ([name, { upstream = answer(), config, run }]) => {
    const { origin } = await startHttp(upstream);
    const options = { ...config, baseURL: config && 'baseURL' in config ? refused : origin };
    return `{ const client = createHttpClient(${JSON.stringify(options)}); ${run}\n${ending(name)} }`;
  });
  return prologue + (await Promise.all(parts)).join('\n');
}

describe('a process', () => {
  it('has nothing left of any client that it closed, and ends by itself', async () => {
    const closing = (name: string) => `await client.close(); report({ name: '${name}', left: await leftovers() });`;
    const { reports, code, stderr, lingered } = await runChild(await program(closing));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(reports).toEqual(Object.keys(uses).map((name) => ({ name, left: [] })));
    expect(lingered).toBeLessThan(2000);
  });

  it('ends by itself although none of its clients is closed', async () => {
    const { reports, code, stderr, lingered } = await runChild(await program((name) => `report({ name: '${name}' });`));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(reports).toEqual(Object.keys(uses).map((name) => ({ name })));
    expect(lingered).toBeLessThan(2000);
  });

  it('that closes a client while calls hang sees them end with ERR_CLOSED after the grace, and ends', async () => {
    const { origin } = await startHttp(hang);
    const { reports, code, lingered } = await runChild(`${prologue}
      const client = createHttpClient({ baseURL: '${origin}' });
      const endless = { attempt: false, total: false };
      const calls = lanes.map((lane) => code(client.get('/', { ...lane, timeouts: endless })));
      await pause(100);
      const from = performance.now();
      await client.close({ grace: 200 });
      const took = performance.now() - from;
      report({ codes: await Promise.all(calls), took, left: await leftovers() });`);
    expect(code).toBe(0);
    expect(reports).toEqual([{ codes: ['ERR_CLOSED', 'ERR_CLOSED'], took: expect.any(Number), left: [] }]);
    expect(reports[0]?.took).toBeGreaterThanOrEqual(195);
    expect(reports[0]?.took).toBeLessThan(1000);
    expect(lingered).toBeLessThan(2000);
  });

  it('that closes a client while a retry waits, a stream is unread and another call begins, ends as well', async () => {
    const { origin } = await startHttp(answer(503, '', { 'retry-after': '5' }), dribble);
    const { reports, code, stderr, lingered } = await runChild(`${prologue}
      const client = createHttpClient({ baseURL: '${origin}' });
      const calls = [code(client.get('/'))];
      await pause(100);
      await client.get('/', { responseType: 'stream' });
      calls.push(code(client.get('/', { timeouts: { attempt: '9s' } })));
      await client.close({ grace: 0 });
      report({ codes: await Promise.all(calls), left: await leftovers() });`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(reports).toEqual([{ codes: ['ERR_CLOSED', 'ERR_CLOSED'], left: [] }]);
    expect(lingered).toBeLessThan(2000);
  });
});
