/** adaptiveConcurrency alone: what moves the limit, what does not, and whose slot it is. */
import { PassThrough } from 'node:stream';
import { adaptiveConcurrency, type Request, type Response } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, collecting, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, outcomeOf } from '../alone.js';

fakeTimers();

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const settle = () => pass(0);

interface Stats {
  limit: number;
  running: number;
  rejected: number;
  usualMs: number | null;
}

/** The policy over a destination that takes `upstream.ms` and fails with `upstream.error`, where there is one. */
function over(options: object) {
  const upstream: { ms: number; error?: Error | undefined } = { ms: 100 };
  const policy = adaptiveConcurrency(options);
  const stack = policy(async (config: Request): Promise<Response> => {
    const { ms, error } = upstream;
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (error !== undefined) throw error;
    return { status: 200, statusText: '', data: '', headers: {}, config };
  });
  const stats = () => (policy.stats?.() as Record<string, Stats> | undefined)?.[baseURL] as Stats;
  /** So many calls at once, one round after the other: each round takes as long as the destination does. */
  const rounds = async (count: number, width: number) => {
    for (let round = 0; round < count; round++) {
      const calls = Array.from({ length: width }, () => outcomeOf(stack(aRequest())));
      await pass(upstream.ms);
      await Promise.all(calls);
    }
  };
  return { upstream, stack, stats, rounds };
}

describe('the limit', () => {
  it('starts at initialLimit: 20 where nothing is said', async () => {
    const { stack, stats } = over({});
    const calls = Array.from({ length: 25 }, () => outcomeOf(stack(aRequest())));
    await pass(100);
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    expect(codes).toEqual([...Array(20).fill(undefined), ...Array(5).fill('ERR_LIMIT')]);
    expect(stats()).toEqual({ limit: 20, running: 0, rejected: 5, usualMs: null });
  });

  it('grows while latency stays, and never over maxLimit', async () => {
    const { stats, rounds } = over({ initialLimit: 10, minLimit: 5, maxLimit: 14 });
    const seen: number[] = [];
    for (let i = 0; i < 15; i++) {
      await rounds(10, 10);
      seen.push(stats().limit);
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(Math.max(...seen)).toBe(14);
    expect(stats().usualMs).toBe(100);
  });

  it('falls when latency rises, never under minLimit, and rises again when it is back', async () => {
    const { upstream, stats, rounds } = over({ initialLimit: 40, minLimit: 15, maxLimit: 60 });
    await rounds(21, 40);
    const before = stats().limit;
    upstream.ms = 500;
    await rounds(6, 60);
    const fallen = stats().limit;
    await rounds(36, 60);
    expect(stats().limit).toBe(15);
    upstream.ms = 100;
    await rounds(30, 15);
    expect(before).toBeGreaterThan(40);
    expect(fallen).toBeLessThan(before);
    expect(stats().limit).toBeGreaterThan(15);
  });

  it('stands what is within the tolerance, and falls for what is beyond it', async () => {
    const after = async (ms: number) => {
      const { upstream, stats, rounds } = over({ initialLimit: 50, minLimit: 1, tolerance: 2 });
      await rounds(11, 50);
      const before = stats().limit;
      upstream.ms = ms;
      await rounds(10, 50);
      return Math.sign(stats().limit - before);
    };
    expect(await after(200)).toBe(1);
    expect(await after(400)).toBe(-1);
  });

  it('does not grow where less than half of it runs, and does where more does', async () => {
    const idle = over({ initialLimit: 40 });
    await idle.rounds(100, 19);
    expect(idle.stats().limit).toBe(40);
    const busy = over({ initialLimit: 40 });
    await busy.rounds(100, 22);
    expect(busy.stats().limit).toBeGreaterThan(40);
  });

  it.each([
    ['a refused connection', { code: 'ECONNREFUSED' }],
    ['a reset', { code: 'ECONNRESET' }],
    ['a cancellation', { code: 'ERR_CANCELED' }],
    ['an error of a policy', {}],
  ])('learns nothing from %s', async (_, more) => {
    const { upstream, stats, rounds } = over({ initialLimit: 20 });
    Object.assign(upstream, { ms: 1, error: Object.assign(new Error('failed'), more) });
    await rounds(300, 20);
    expect(stats()).toEqual({ limit: 20, running: 0, rejected: 0, usualMs: null });
  });

  it('falls for attempts that time out', async () => {
    const { upstream, stats, rounds } = over({ initialLimit: 40, minLimit: 10 });
    await rounds(11, 40);
    Object.assign(upstream, { ms: 1000, error: Object.assign(new Error('late'), { code: 'ERR_ATTEMPT_TIMEOUT' }) });
    await rounds(10, 40);
    expect(stats().limit).toBeLessThan(30);
  });

  it('comes back from a probe: after many windows it is not stuck at a half', async () => {
    const { stats, rounds } = over({ initialLimit: 40, minLimit: 10, maxLimit: 40 });
    await rounds(11 * 40, 40);
    expect(stats().limit).toBe(40);
  });

  it.each([
    ['an initialLimit below minLimit', { initialLimit: 9, minLimit: 10 }],
    ['an initialLimit over maxLimit', { initialLimit: 11, maxLimit: 10, minLimit: 1 }],
    ['a minLimit over maxLimit', { initialLimit: 20, minLimit: 30, maxLimit: 10 }],
  ])('is refused with %s, in a client too', (_, options) => {
    expect(() => adaptiveConcurrency(options)).toThrow(/initialLimit/);
    expect(() => scripted([], { adaptiveConcurrency: options })).toThrow(/adaptiveConcurrency.*initialLimit/s);
  });

  it.each([{ initialLimit: 0 }, { initialLimit: 1.5 }, { minLimit: 0 }, { tolerance: 0.9 }, { maxLimit: 70_000 }])(
    'is refused with %j',
    (options) => {
      expect(() => adaptiveConcurrency(options)).toThrow(new RegExp(Object.keys(options)[0] as string));
    },
  );
});

describe('a slot', () => {
  const one = { initialLimit: 1, minLimit: 1 };

  it.each([
    ['an answer', 200],
    ['a failure with an answer', 503],
    ['a failure without one', { error: 'ECONNRESET' }],
  ])('is free again after %s', async (_, reply) => {
    const stack = adaptiveConcurrency(one)(alone({ reply }).next);
    for (let i = 0; i < 5; i++) expect((await outcomeOf(stack(aRequest()))).code).not.toBe('ERR_LIMIT');
  });

  it('is free again after an abort, at once', async () => {
    const policy = adaptiveConcurrency(one);
    const stack = policy(alone({ reply: 'hang' }).next);
    const controller = new AbortController();
    const call = outcomeOf(stack(aRequest({ signal: controller.signal })));
    await settle();
    controller.abort();
    expect(await call).toMatchObject({ code: 'ERR_CANCELED', ms: 0 });
    expect(policy.stats?.()).toMatchObject({ [baseURL]: { running: 0 } });
  });

  it.each([
    ['read to its end', 200, (body: PassThrough) => body.end().resume()],
    ['destroyed', 200, (body: PassThrough) => body.destroy()],
    ['broken off', 200, (body: PassThrough) => body.on('error', () => {}).destroy(new Error('broken'))],
    ['of a failure, and read', 503, (body: PassThrough) => body.end().resume()],
  ])('is taken until the stream is %s', async (_, status, end) => {
    const body = new PassThrough();
    const policy = adaptiveConcurrency(one);
    const stack = policy(alone({ status, data: body }, 200).next);
    await outcomeOf(stack(aRequest({ responseType: 'stream' })));
    expect(await outcomeOf(stack(aRequest()))).toMatchObject({ code: 'ERR_LIMIT' });
    end(body);
    await pass(1);
    expect(policy.stats?.()).toMatchObject({ [baseURL]: { running: 0, rejected: 1 } });
    expect(await outcomeOf(stack(aRequest()))).toMatchObject({ status: 200 });
  });

  it('is one of its destination: another scheme or port is another one, another path is not', async () => {
    const policy = adaptiveConcurrency(one);
    const stack = policy(alone({ reply: 'hang' }).next);
    const to = (origin: string) => outcomeOf(stack(aRequest({ baseURL: origin })));
    for (const origin of ['http://one.test', 'http://two.test', 'https://one.test', 'http://one.test:81']) to(origin);
    expect(await to('http://one.test:80/other')).toMatchObject({ code: 'ERR_LIMIT' });
    await settle();
    expect(policy.stats?.()).toEqual({
      'http://one.test': { limit: 1, running: 1, rejected: 1, usualMs: null },
      'http://two.test': { limit: 1, running: 1, rejected: 0, usualMs: null },
      'https://one.test': { limit: 1, running: 1, rejected: 0, usualMs: null },
      'http://one.test:81': { limit: 1, running: 1, rejected: 0, usualMs: null },
    });
  });

  it('is kept for 16,384 destinations, no more', async () => {
    const policy = adaptiveConcurrency();
    const stack = policy(alone({ reply: 200 }).next);
    for (let i = 0; i < 17_000; i++) await outcomeOf(stack(aRequest({ baseURL: `http://host-${i}.test` })));
    const known = Object.keys(policy.stats?.() as object);
    expect(known).toHaveLength(16_384);
    expect(known.at(-1)).toBe('http://host-16999.test');
  });
});

describe('in a client, a call over the limit', () => {
  const config = { adaptiveConcurrency: { initialLimit: 1, minLimit: 1 }, timeouts: false } as const;

  it('is rejected at once, sent nowhere and not retried, whatever is in `on`', async () => {
    const on = ['5xx', 'gateway-error', 'reset', 'connect-failure', 'refused-stream', 'rate-limited', 'retriable-4xx'];
    const { client, transport } = scripted([{ reply: 'hang' }], { ...config, retry: { on } } as object);
    client.get('/').catch(() => {});
    for (const method of ['get', 'post'])
      expect(await ended(client.request({ url: '/', method, idempotencyKey: 'a' }))).toMatchObject({
        ...{ code: 'ERR_LIMIT', ms: 0, error: { attempts: 0, reason: 'adaptive_concurrency' } },
      });
    expect(transport.requests).toHaveLength(1);
    expect(client.stats().policies.retry).toMatchObject({ retries: 0 });
  });

  it('emits an event and is flagged in its log line', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([{ reply: 'hang' }], config, { logger });
    const told: unknown[] = [];
    client.on('adaptive_concurrency.rejected', ({ call, ...rest }) => told.push([call.path, rest]));
    client.get('/first').catch(() => {});
    await ended(client.get('/second'));
    expect(told).toEqual([['/second', { destination: baseURL, limit: 1 }]]);
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { flags: ['concurrency_limited'] } },
    ]);
  });
});
