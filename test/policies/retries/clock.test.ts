/** Clocks of walls: a server's may be an hour off, and ours may be set while calls are running. */
import { createHttpClient, type HttpClientConfig } from 'pillion';
import type { Reply } from 'pillion/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RetryBudget } from '../../../src/policies/retries/budget.js';
import { scripted, silent } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { type Behaviour, startHttp } from '../../support/upstream.js';
import { ended, outcomeOf } from '../alone.js';
import { addresses, fleet, inState, listOf } from '../endpoints/fleet.js';

const hour = 3_600_000;

describe('over sockets, from a server whose clock is off', () => {
  /** Answers with 429 first, to be asked again in `seconds` of its own clock. */
  async function openTo(off: number, headersOf: (theirs: number) => Record<string, string>, config: HttpClientConfig) {
    const refuse: Behaviour = (_, response) => {
      const theirs = Math.floor((Date.now() + off) / 1000) * 1000;
      response.writeHead(429, { date: new Date(theirs).toUTCString(), ...headersOf(theirs) }).end();
    };
    const upstream = await startHttp(refuse, (_, response) => void response.end('ok'));
    const client = createHttpClient({ baseURL: upstream.origin, ...config }, { logger: silent, random: () => 0 });
    onTestFinished(() => client.close());
    return { client, upstream };
  }

  it.each([hour, -hour])('Retry-After as a date is waited for as long as it means: %d ms', async (off) => {
    const inASecond = (theirs: number) => ({ 'retry-after': new Date(theirs + 1000).toUTCString() });
    const { client, upstream } = await openTo(off, inASecond, {});
    const { status, ms } = await outcomeOf(client.get('/'));
    expect({ status, requests: upstream.requests.length }).toEqual({ status: 200, requests: 2 });
    expect(ms).toBeGreaterThan(950);
  });

  it.each([hour, -hour])('a quota refuses calls no longer than it says: %d ms', async (off) => {
    const inTwo = (theirs: number) => ({
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(theirs / 1000 + 2),
    });
    const { client } = await openTo(off, inTwo, { rateLimit: { maxPending: 0 }, retry: false });
    await outcomeOf(client.get('/'));
    const { error } = await outcomeOf(client.get('/'));
    expect(error).toMatchObject({ code: 'ERR_RATE_LIMITED' });
    expect(error?.retryAfter).toBeGreaterThan(1000);
    expect(error?.retryAfter).toBeLessThanOrEqual(2000);
  });
});

describe.each([
  ['put on by an hour', hour],
  ['put back by an hour', -hour],
  ['put back by ten years', -87_600 * hour],
])('our clock, %s in the middle', (_, step) => {
  fakeTimers();

  const set = () => vi.setSystemTime(Date.now() + step);
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  it('moves no deadline', async () => {
    const { client } = scripted(Array<Reply>(6).fill('hang'), {
      timeouts: { total: '2s', attempt: '1s' },
      retry: { maxRetries: 5 },
    });
    const call = outcomeOf(client.get('/'));
    await pass(500);
    set();
    await pass(499);
    set();
    await pass(1001);
    expect(await call).toMatchObject({ code: 'ERR_DEADLINE', ms: 2000 });
  });

  it('moves no wait before a retry', async () => {
    const { client } = scripted([{ status: 503, headers: { 'retry-after': '3' } }, 200]);
    const call = outcomeOf(client.get('/'));
    await pass(1000);
    set();
    await pass(1999);
    expect(client.stats().calls.active).toBe(1);
    await pass(1);
    expect(await call).toMatchObject({ status: 200, ms: 3000 });
  });

  it('opens and closes no circuit', async () => {
    const breaker = { volumeThreshold: 4, rollingWindow: '10s', resetTimeout: '5s' } as const;
    const replies: Reply[] = [503, 503, 503, 503, 200, 200];
    const { client } = scripted(replies, { circuitBreaker: breaker, retry: false });
    const state = () => {
      const { circuitBreaker } = client.stats().policies as { circuitBreaker: Record<string, { state: string }> };
      return Object.values(circuitBreaker)[0]?.state;
    };
    for (let i = 0; i < 3; i++) await ended(client.get('/'));
    // Outcomes of before count still.
    set();
    await ended(client.get('/'));
    expect(state()).toBe('open');
    set();
    expect(await ended(client.get('/'))).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', error: { retryAfter: 5000 } });
    await pass(4999);
    expect(state()).toBe('open');
    await pass(1);
    expect(state()).toBe('half_open');
    for (let trial = 0; trial < 2; trial++) expect(await ended(client.get('/'))).toMatchObject({ status: 200 });
    expect(state()).toBe('closed');
  });

  it('fills no bucket of a rate limit, and empties none', async () => {
    const { client, transport } = scripted(Array<Reply>(8).fill(200), { rateLimit: { requests: 2, per: '2s' } });
    const start = performance.now();
    const calls = Promise.all(Array.from({ length: 4 }, () => client.get('/')));
    await pass(500);
    set();
    await pass(499);
    expect(transport.requests).toHaveLength(2);
    await pass(1);
    expect(transport.requests).toHaveLength(3);
    await pass(1000);
    await calls;
    expect(performance.now() - start).toBe(2000);
  });

  it('ends no pause that a server asked for', async () => {
    const busy = { status: 429, headers: { 'retry-after': '4' } };
    const { client, transport } = scripted([busy, 200], { rateLimit: {}, retry: false });
    await ended(client.get('/'));
    const call = outcomeOf(client.get('/'));
    await pass(1000);
    set();
    await pass(2999);
    expect(transport.requests).toHaveLength(1);
    await pass(1);
    expect((await call).status).toBe(200);
  });

  it('forgets no call of a retry budget, and adds none', async () => {
    const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0 }, 100);
    for (let i = 0; i < 4; i++) budget.deposit();
    set();
    expect([1, 2, 3].map(() => budget.acquire())).toEqual(['granted', 'granted', 'budget']);
    await pass(11_000);
    expect(budget.acquire()).toBe('budget');
  });

  it('lets no endpoint that was ejected come back, and keeps none', async () => {
    const [one = '', two = ''] = addresses(2);
    const { client } = fleet(
      { [one]: 503 },
      {
        endpoints: { static: listOf([one, two]) },
        balance: { strategy: 'round-robin', slowStart: 0 },
        outlierDetection: { consecutiveFailures: 1, baseEjectionTime: '10s', interval: '1s', maxEjectionPercent: 50 },
      },
    );
    await ended(client.get('/'));
    await ended(client.get('/'));
    expect(inState(client, 'ejected')).toEqual([one]);
    set();
    await pass(9000);
    await ended(client.get('/'));
    expect(inState(client, 'ejected')).toEqual([one]);
    set();
    await pass(2000);
    await ended(client.get('/'));
    expect(inState(client, 'ejected')).toEqual([]);
  });

  it('measures the duration of a call by no clock on a wall', async () => {
    const { client } = scripted([{ status: 200, delay: 300 }]);
    const durations: number[] = [];
    client.on('call.ended', ({ durationMs }) => durations.push(durationMs));
    const call = client.get('/');
    await pass(100);
    set();
    await pass(200);
    await call;
    expect(durations).toEqual([300]);
  });
});
