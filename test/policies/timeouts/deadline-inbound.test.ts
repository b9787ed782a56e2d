/** deadlineHeader and runWithDeadline: which hosts are internal, how time is rounded, and odd deadlines. */
import fc from 'fast-check';
import { deadlineHeader, runWithDeadline } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, outcomeOf } from '../alone.js';

fakeTimers();

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const name = 'x-request-timeout-ms';
const internal = 'http://billing.internal';
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('the header', () => {
  it('is rounded down: a fraction of a millisecond is not promised', async () => {
    const { client, transport } = scripted([{ reply: 200 }], { baseURL: internal, deadlineHeader: {} });
    await ended(client.get('/', { timeout: 250.9 }));
    expect(transport.requests[0]?.headers[name]).toBe('250');
  });

  it('counts waits between attempts too', async () => {
    const config = {
      ...{ baseURL: internal, deadlineHeader: {}, timeouts: { total: '10s' } },
      retry: { maxRetries: 2, backoff: { base: 1000, max: 1000 } },
    };
    const { client, transport } = scripted([503, 503, 200], config as object, { random: () => 0.5 });
    await ended(client.get('/'));
    const left = transport.requests.map(({ headers }) => Number(headers[name]));
    expect(left).toEqual([10_000, 9500, 9000]);
  });

  it('replaces one the caller set, in whatever case, and leaves the caller’s headers alone', async () => {
    const config = { baseURL: internal, deadlineHeader: {}, timeouts: { total: 4000 } };
    const { client, transport } = scripted([{ reply: 200 }], config);
    const headers = { 'X-Request-Timeout-Ms': '999999' };
    await ended(client.get('/', { headers }));
    expect(transport.requests[0]?.headers[name]).toBe('4000');
    expect(headers).toEqual({ 'X-Request-Timeout-Ms': '999999' });
  });

  it('of a client without timeouts states what runWithDeadline leaves', async () => {
    const config = { baseURL: internal, deadlineHeader: {}, timeouts: false } as const;
    const { client, transport } = scripted([{ reply: 200 }], config);
    await runWithDeadline(700, () => ended(client.get('/')));
    expect(transport.requests[0]?.headers[name]).toBe('700');
  });

  it('is not sent by the policy alone, where no call has a deadline', async () => {
    const { next, wire } = alone(200);
    await outcomeOf(deadlineHeader()(next)(aRequest({ baseURL: internal })));
    expect(wire.requests[0]?.headers).not.toHaveProperty(name);
  });

  it.each([
    ['http://127.255.255.254', true],
    ['http://128.0.0.1', false],
    ['http://11.0.0.1', false],
    ['http://172.15.255.255', false],
    ['http://172.31.255.255', true],
    ['http://192.169.0.1', false],
    ['http://169.254.169.254', true],
    ['http://[fe80::1]', true],
    ['http://[fcff::1]', true],
    ['http://[fec0::1]', false],
    ['http://[fd1::1]', false],
    ['http://[::2]', false],
    ['http://localhost:3000', true],
    ['http://BILLING', true],
    ['http://API.INTERNAL', true],
    ['http://printer.local', true],
    ['http://nas.lan', true],
    ['http://app.localhost', true],
    ['http://svc.example.com', false],
    ['http://notinternal', true],
    ['http://api.notinternal', false],
    ['http://10.example.com', false],
    ['http://127.0.0.1.example.com', false],
    ['http://2130706433', true],
    ['https://api.internal:8443', true],
  ])('goes to %s: %s', async (baseURL, sent) => {
    const { client, transport } = scripted([{ reply: 200 }], { baseURL, deadlineHeader: {} });
    await ended(client.get('/'));
    expect(name in (transport.requests[0]?.headers ?? {})).toBe(sent);
  });
});

describe('a deadline that came in', () => {
  const hanging = (config: object = {}) => scripted([{ reply: 'hang' }], { retry: false, ...config });

  it.each([0, '0'])('of %j refuses the call at once, and nothing is sent', async (ms) => {
    for (const timeouts of [{}, false]) {
      const { client, transport } = hanging({ timeouts });
      expect(await runWithDeadline(ms, () => ended(client.get('/')))).toMatchObject({
        ...{ code: 'ERR_DEADLINE', ms: 0, error: { attempts: 0 } },
      });
      expect(transport.requests).toHaveLength(0);
    }
  });

  it.each(['250ms', '2.5e2', '0x10', '1 000', '+5', '∞', 'null', '12,5', ' '])(
    'as the header %j is none',
    async (header) => {
      const { client } = scripted([{ reply: { delay: 300 } }], { timeouts: false });
      expect(await runWithDeadline(header, () => ended(client.get('/')))).toMatchObject({ status: 200, ms: 300 });
    },
  );

  it.each([99_999_999_999, '99999999999', '9'.repeat(400), Number.POSITIVE_INFINITY])(
    'that is further away than timers go (%j) ends nothing early',
    async (ms) => {
      const { client } = scripted([{ reply: { delay: 300 } }], { timeouts: false });
      expect(await runWithDeadline(ms, () => ended(client.get('/')))).toMatchObject({ status: 200, ms: 300 });
    },
  );

  it('shortens a call that has a longer timeout of its own, and leaves a shorter one', async () => {
    const { client } = hanging({ timeouts: { attempt: false, total: '10s' } });
    const call = (timeout: number) => runWithDeadline(250, () => ended(client.get('/', { timeout })));
    expect(await call(5000)).toMatchObject({ code: 'ERR_DEADLINE', ms: 250 });
    expect(await call(100)).toMatchObject({ code: 'ECONNABORTED', ms: 100 });
  });

  it('ends retries, and the waits between them', async () => {
    const config = { retry: { maxRetries: 5, backoff: { base: 1000, max: 1000 } } };
    const { client } = scripted([{ reply: 503 }], config as object, { random: () => 0.9 });
    const { ms, error } = await runWithDeadline(1500, () => ended(client.get('/')));
    expect(ms).toBeLessThanOrEqual(1500);
    expect(error).toBeDefined();
  });

  it('holds for every call made in it, one after the other, and not after it', async () => {
    const { client } = scripted([{ reply: { delay: 100 } }], { retry: false });
    const inside = runWithDeadline(250, async () => {
      const codes: unknown[] = [];
      for (let i = 0; i < 4; i++) codes.push((await outcomeOf(client.get('/'))).code);
      return codes;
    });
    await pass(400);
    expect(await inside).toEqual([undefined, undefined, 'ERR_DEADLINE', 'ERR_DEADLINE']);
    expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: 100 });
  });

  it('is not undone by work inside that sets none', async () => {
    const { client } = hanging();
    const call = runWithDeadline(80, () => runWithDeadline(undefined, () => ended(client.get('/'))));
    expect(await call).toMatchObject({ code: 'ERR_DEADLINE', ms: 80 });
  });

  it('is over for the outer work when the inner, shorter one has ended', async () => {
    const { client } = scripted([{ reply: { delay: 100 } }], { retry: false });
    const both = runWithDeadline(1000, async () => {
      const inner = await runWithDeadline(50, () => outcomeOf(client.get('/')));
      return [inner.code, (await outcomeOf(client.get('/'))).status];
    });
    await pass(200);
    expect(await both).toEqual(['ERR_DEADLINE', 200]);
  });

  it('hands on what the work returns or throws', () => {
    expect(runWithDeadline(10, () => 'done')).toBe('done');
    expect(() =>
      runWithDeadline(10, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
  });

  it('does not mix with a hundred others that run at the same time', async () => {
    const { client } = hanging({ timeouts: { attempt: false }, limits: false });
    const all = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) + 1);
    const ends = all.map((ms) =>
      runWithDeadline(ms, async () => {
        await Promise.resolve();
        return (await outcomeOf(client.get('/'))).ms;
      }),
    );
    await pass(100);
    expect(await Promise.all(ends)).toEqual(all);
  });

  it('is never later for a child than for its parent, however they are nested and whenever they begin', async () => {
    const config = { baseURL: internal, deadlineHeader: {}, timeouts: false } as const;
    const step = fc.record({ ms: fc.integer({ min: 1, max: 5000 }), after: fc.integer({ min: 0, max: 400 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const { client, transport } = scripted([{ reply: 200 }], config);
        const startedAt = performance.now();
        let parent = Number.POSITIVE_INFINITY;
        let expected = Number.POSITIVE_INFINITY;
        const nest = async (rest: typeof steps): Promise<void> => {
          const [first, ...others] = rest;
          if (first === undefined) return;
          await sleep(first.after);
          const now = performance.now() - startedAt;
          expected = Math.min(expected, now + first.ms);
          await runWithDeadline(first.ms, async () => {
            await outcomeOf(client.get('/'));
            const left = transport.requests.at(-1)?.headers[name];
            const end = expected > now ? now + Number(left) : expected;
            expect(end).toBeLessThanOrEqual(parent);
            expect(end).toBe(expected);
            parent = end;
            await nest(others);
          });
        };
        const work = nest(steps);
        await Promise.all([pass(400 * 6 + 1), work]);
      }),
      { seed: 2, numRuns: 60 },
    );
  });
});
