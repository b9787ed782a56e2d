/** rateLimit: how many go in a time, who waits, who is turned away, and what servers say. */
import fc from 'fast-check';
import { rateLimit } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, outcomeOf } from '../alone.js';

fakeTimers();

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A client whose upstream always answers 200, or as told, and when its requests were sent. */
function limited(rateLimitOptions: object, reply: object = { status: 200 }, more: object = {}) {
  const { client, transport } = scripted([{ reply }], { rateLimit: rateLimitOptions, ...more });
  const startedAt = Date.now();
  return { client, transport, times: () => transport.requests.map(({ at }) => at - startedAt) };
}

describe('the bucket', () => {
  it('lets so many go at once and the others in order, as tokens come', async () => {
    const { client, transport, times } = limited({ requests: 4, per: '1s', burst: 2 });
    const calls = ['a', 'b', 'c', 'd'].map((path) => client.get(path));
    await pass(1000);
    await Promise.all(calls);
    expect(times()).toEqual([0, 0, 250, 500]);
    expect(transport.requests.map(({ path }) => path)).toEqual(['/a', '/b', '/c', '/d']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('with `countRetries: false` counts a call once, however often it is sent', async () => {
    const { client, transport } = scripted([503, 503, 200, 200], {
      rateLimit: { requests: 1, per: '10s', countRetries: false, maxPending: 0 },
      retry: { backoff: { base: '1ms' } },
    });
    const first = client.get('/');
    await pass(10);
    expect((await first).status).toBe(200);
    expect(transport.requests).toHaveLength(3);
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'ERR_RATE_LIMITED' });
    await pass(10_000);
    expect((await client.get('/')).status).toBe(200);
  });

  it('counts retries too', async () => {
    const { client, transport } = scripted([503, 200, 200], { rateLimit: { requests: 2, per: '10s' } });
    const first = client.get('/');
    await pass(0);
    await first;
    const next = client.get('/');
    await pass(4999);
    expect(transport.requests).toHaveLength(2);
    await pass(1);
    expect((await next).status).toBe(200);
  });

  it('of a key is its own; keys are evicted beyond 16,384, and no event names one', async () => {
    const { client, times } = limited({ requests: 1, per: '1h', keyHeader: 'x-tenant', maxPending: 0 });
    for (let tenant = 0; tenant < 16_500; tenant++)
      await client.get('/', { headers: { 'x-tenant': `secret-${tenant}` } });
    expect(times()).toHaveLength(16_500);
    const error = await rejection(client.get('/', { headers: { 'x-tenant': 'secret-16499' } }));
    expect(error.code).toBe('ERR_RATE_LIMITED');
    expect(client.stats().policies.rateLimit).toMatchObject({ keys: 16_384 });
    expect(JSON.stringify(client.stats())).not.toContain('secret');
  });

  it('never lets more go than burst and rate allow, whatever the schedule', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 5, maxLength: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 10 }),
        async (pauses, requests, burst) => {
          const { next, wire } = alone({ reply: 200 });
          const stack = rateLimit({ requests, per: 1000, burst })(next);
          const calls: Promise<unknown>[] = [];
          for (const ms of pauses) {
            calls.push(stack(aRequest()));
            await pass(ms);
          }
          await pass(60_000);
          await Promise.all(calls);
          const times = wire.requests.map(({ at }) => at);
          for (let from = 0; from < times.length; from++)
            for (let to = from; to < times.length; to++) {
              const span = (times[to] ?? 0) - (times[from] ?? 0);
              expect(to - from + 1).toBeLessThanOrEqual(burst + (requests * span) / 1000 + 1e-6);
            }
        },
      ),
      { numRuns: 50, seed: 1 },
    );
  });
});

describe('a call that would have to wait', () => {
  it('is rejected with maxPending 0: nothing is sent or retried, and the error says why', async () => {
    const { client, times } = limited({ requests: 1, per: '10s', maxPending: 0 });
    const told: number[] = [];
    client.on('rate_limit.rejected', ({ waitMs }) => told.push(waitMs));
    const flags: string[] = [];
    client.on('call.ended', ({ call }) => flags.push(...call.flags));
    await client.get('/');
    const error = await rejection(client.get('/'));
    expect(error).toMatchObject({ code: 'ERR_RATE_LIMITED', retryAfter: 10_000, attempts: 0 });
    expect(times()).toEqual([0]);
    expect(told).toEqual([10_000]);
    expect(flags).toEqual(['rate_limited']);
  });

  it('longer than its deadline allows is rejected at once', async () => {
    const { client } = limited({ requests: 1, per: '1m' });
    await client.get('/');
    const startedAt = performance.now();
    expect((await rejection(client.get('/'))).code).toBe('ERR_RATE_LIMITED');
    expect(performance.now() - startedAt).toBe(0);
  });

  it('leaves the queue when it is aborted, and the next one moves up', async () => {
    const { client, transport } = limited({ requests: 1, per: '1s' });
    await client.get('/first');
    const controller = new AbortController();
    const given = rejection(client.get('/given-up', { signal: controller.signal }));
    const next = client.get('/next');
    await pass(500);
    controller.abort();
    expect((await given).code).toBe('ERR_CANCELED');
    await pass(500);
    await next;
    expect(transport.requests.map(({ path }) => path)).toEqual(['/first', '/next']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('what the server says', () => {
  it('of its quota holds: no more than r requests before t', async () => {
    let left = 2;
    const reply = () => {
      left = Math.max(0, left - 1);
      return { status: 200, headers: { ratelimit: `"a";r=${left};t=5` } };
    };
    const { client, times } = limited({}, reply as never);
    const calls = Array.from({ length: 4 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * 100));
      return client.get('/');
    });
    await pass(4000);
    expect(times()).toHaveLength(2);
    left = 10;
    await pass(5000);
    await Promise.all(calls);
    expect(times()[2]).toBeGreaterThanOrEqual(5000);
  });

  it.each([
    [{ 'retry-after': '3' }, 429],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '3' }, 200],
  ])('by %j holds back the next call', async (headers, status) => {
    const { client, times } = limited({}, { status, headers }, { retry: false });
    await client.get('/').catch(() => {});
    const next = client.get('/').catch(() => {});
    await pass(2999);
    expect(times()).toHaveLength(1);
    await pass(1);
    await next;
    expect(times()).toHaveLength(2);
  });

  it('holds for maxServerWait at the most, and not at all without serverHeaders', async () => {
    const forever = { status: 200, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '86400' } };
    const capped = limited({ maxServerWait: '1s' }, forever);
    await capped.client.get('/');
    const next = capped.client.get('/');
    await pass(1000);
    await next;
    const deaf = limited({ serverHeaders: false }, forever);
    await deaf.client.get('/');
    await deaf.client.get('/');
    expect(deaf.times()).toEqual([0, 0]);
  });
});

it('alone rejects like the rest', async () => {
  const { next } = alone({ reply: 200 });
  const stack = rateLimit({ requests: 1, per: '1h', maxPending: 0 })(next);
  expect((await outcomeOf(stack(aRequest()))).status).toBe(200);
  expect((await outcomeOf(stack(aRequest()))).code).toBe('ERR_RATE_LIMITED');
});
