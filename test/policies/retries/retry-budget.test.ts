import type { HttpClient, HttpClientConfig } from 'pillion';
import { holdReply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

type Budget = NonNullable<Exclude<HttpClientConfig['retry'], false | undefined>['budget']>;

fakeTimers();

/** A client whose upstream fails every time. The circuit would step in first, so it is off. */
function failing(budget: Budget | undefined, rest: HttpClientConfig = {}) {
  const made = scripted([{ reply: 503 }], {
    circuitBreaker: false,
    retry: budget === undefined ? {} : { budget },
    ...rest,
  });
  const refused: string[] = [];
  made.client.on('retry.refused', ({ reason }) => refused.push(reason));
  return { ...made, refused };
}

/** So many calls, one after the other, within a few milliseconds. */
async function calls(client: HttpClient, count: number): Promise<void> {
  const all = (async () => {
    for (let i = 0; i < count; i++) await rejection(client.get('/'));
  })();
  await vi.advanceTimersByTimeAsync(900);
  await all;
}

/** Retries among the requests that reached the wire. */
const retriesIn = ({ requests }: { requests: readonly { attempt: number }[] }) =>
  requests.filter(({ attempt }) => attempt > 1).length;

describe('the budget', () => {
  it('lets a quiet client make ten retries by its floor, and a fifth of the calls on top', async () => {
    const { client, transport } = failing(undefined);
    await calls(client, 100);
    expect(retriesIn(transport)).toBe(30);
  });

  it('that is spent leaves the real last failure and emits retry.refused', async () => {
    const { client, refused } = failing({ ratio: 0, minPerSecond: 0 });
    const error = await rejection(client.get('/'));
    expect(error).toMatchObject({ status: 503, attempts: 1, response: { status: 503 } });
    expect(refused).toEqual(['budget']);
  });

  it.each<[Budget, number, number]>([
    [{ ratio: 0, minPerSecond: 0 }, 50, 0],
    [{ ratio: 0, minPerSecond: 0.5 }, 50, 5],
    [{ ratio: 0.1, minPerSecond: 0 }, 50, 5],
    [{ ratio: 1, minPerSecond: 0 }, 20, 20],
    [{ ratio: 10, minPerSecond: 0 }, 20, 40],
    [false, 50, 100],
  ])('%j allows after %i failed calls %i retries', async (budget, count, retries) => {
    const { client, transport } = failing(budget);
    await calls(client, count);
    expect(retriesIn(transport)).toBe(retries);
  });

  it('is shared by all calls of a client: many at once get no more than one after the other', async () => {
    const { client, transport } = failing({ ratio: 0.2, minPerSecond: 0 });
    const all = Promise.allSettled(Array.from({ length: 100 }, () => client.get('/')));
    await vi.advanceTimersByTimeAsync(100);
    await all;
    expect(retriesIn(transport)).toBe(20);
  });

  it('is each client its own', async () => {
    const first = failing({ ratio: 0, minPerSecond: 0.1 });
    const second = failing({ ratio: 0, minPerSecond: 0.1 });
    await calls(first.client, 5);
    await calls(second.client, 5);
    expect([retriesIn(first.transport), retriesIn(second.transport)]).toEqual([1, 1]);
  });

  it('is filled by calls that succeed as well', async () => {
    const script = [...new Array(50).fill(200), { reply: 503, path: '/broken' }];
    const { client, transport } = scripted(script, {
      circuitBreaker: false,
      retry: { budget: { ratio: 0.1, minPerSecond: 0 } },
    });
    for (let i = 0; i < 50; i++) await client.get('/');
    const all = Promise.allSettled(Array.from({ length: 10 }, () => client.get('/broken')));
    await vi.advanceTimersByTimeAsync(100);
    await all;
    expect(retriesIn(transport)).toBe(6);
  });

  it('is not filled by calls that are never retried', async () => {
    const { client, transport } = failing({ ratio: 1, minPerSecond: 0 });
    for (let i = 0; i < 20; i++) await rejection(client.get('/', { retry: false }));
    await calls(client, 1);
    expect(retriesIn(transport)).toBe(1);
  });

  it('forgets calls and retries after ten seconds', async () => {
    const { client, transport } = failing({ ratio: 0.1, minPerSecond: 0.1 });
    await calls(client, 20);
    expect(retriesIn(transport)).toBe(3);
    await calls(client, 1);
    expect(retriesIn(transport)).toBe(3);
    await vi.advanceTimersByTimeAsync(10_000);
    await calls(client, 20);
    expect(retriesIn(transport)).toBe(6);
  });

  it('remembers what is not ten seconds old: no two bursts at the edge of a window', async () => {
    const { client, transport } = failing({ ratio: 0, minPerSecond: 0.5 });
    await calls(client, 20);
    await vi.advanceTimersByTimeAsync(7000);
    await calls(client, 20);
    expect(retriesIn(transport)).toBe(5);
  });

  it('does not care for the wall clock', async () => {
    const { client, transport } = failing({ ratio: 0, minPerSecond: 0.5 });
    await calls(client, 20);
    vi.setSystemTime(Date.now() + 3_600_000);
    await calls(client, 20);
    vi.setSystemTime(Date.now() - 7_200_000);
    await calls(client, 20);
    expect(retriesIn(transport)).toBe(5);
  });

  it('cannot be changed by a call', async () => {
    const { client, transport } = failing(undefined);
    const own = { retry: { budget: false } } as object;
    expect(await rejection(client.get('/', own))).toMatchObject({ code: 'ERR_CONFIG' });
    expect(transport.requests).toHaveLength(0);
  });

  it('is not touched by failures that are not retried', async () => {
    const { client } = scripted([{ reply: 404 }], { circuitBreaker: false });
    await calls(client, 20);
    expect(client.stats().policies.retry).toEqual({ calls: 20, retries: 0, active: 0, remaining: 14 });
  });

  it('shows in stats what it has seen and what is left', async () => {
    const { client } = failing({ ratio: 0.5, minPerSecond: 0.2 });
    expect(client.stats().policies.retry).toEqual({ calls: 0, retries: 0, active: 0, remaining: 2 });
    await calls(client, 2);
    expect(client.stats().policies.retry).toEqual({ calls: 2, retries: 3, active: 0, remaining: 0 });
    const unlimited = failing(false);
    expect(unlimited.client.stats().policies.retry).toMatchObject({ remaining: null });
  });
});

describe('retry.maxConcurrentRetries', () => {
  const maxConcurrentRetries = 2;

  it('caps the retries that run at once; the others get their real failure', async () => {
    const held = [holdReply(), holdReply()];
    const first = { match: ({ attempt }: { attempt: number }) => attempt === 1, reply: 503 };
    const { client, transport } = scripted([first, ...held], {
      retry: { maxConcurrentRetries },
      circuitBreaker: false,
    });
    const reasons: string[] = [];
    client.on('retry.refused', ({ reason }) => reasons.push(reason));
    const all = Promise.allSettled(Array.from({ length: 5 }, () => client.get('/')));
    await vi.advanceTimersByTimeAsync(100);
    expect(reasons).toEqual(['concurrency', 'concurrency', 'concurrency']);
    expect(client.stats().policies.retry).toMatchObject({ active: 2 });
    for (const each of held) each.reply(200);
    const results = await all;
    expect(results.map(({ status }) => status).sort()).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
    ]);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ status: 503, attempts: 1 });
    expect(retriesIn(transport)).toBe(2);
    expect(client.stats().policies.retry).toMatchObject({ active: 0 });
  });

  it('counts a retry from the beginning of its wait', async () => {
    const retry = { maxConcurrentRetries, backoff: { base: 5000, max: 5000 } };
    const { client } = scripted([{ reply: 503 }], { retry }, { random: () => 0.5 });
    const reasons: string[] = [];
    client.on('retry.refused', ({ reason }) => reasons.push(reason));
    const all = Promise.allSettled([1, 2, 3].map(() => client.get('/')));
    await vi.advanceTimersByTimeAsync(1000);
    expect(client.stats().policies.retry).toMatchObject({ active: 2 });
    expect(reasons).toEqual(['concurrency']);
    await vi.advanceTimersByTimeAsync(20_000);
    await all;
    expect(client.stats().policies.retry).toMatchObject({ active: 0 });
  });

  it('0 makes no retries at all', async () => {
    const { client, transport, refused } = failing(undefined, { retry: { maxConcurrentRetries: 0 } });
    await calls(client, 3);
    expect(transport.requests).toHaveLength(3);
    expect(refused).toEqual(['concurrency', 'concurrency', 'concurrency']);
  });

  it('is free again after retries that succeeded, failed, timed out and were cancelled', async () => {
    const { client } = scripted([503, 200, 503, 404, 503, 'hang', 503, 'hang'], {
      retry: { maxRetries: 1, budget: false, maxConcurrentRetries },
      timeouts: { attempt: 100 },
    });
    const controller = new AbortController();
    const all = (async () => {
      await client.get('/');
      await rejection(client.get('/'));
      await rejection(client.get('/'));
      const cancelled = rejection(client.get('/', { signal: controller.signal }));
      setTimeout(() => controller.abort(), 50);
      await cancelled;
    })();
    await vi.advanceTimersByTimeAsync(1000);
    await all;
    expect(client.stats().policies.retry).toMatchObject({ active: 0, retries: 4 });
  });
});

describe('a cap on retries at once', () => {
  /** So many calls at once, each of which fails twice. */
  async function together(count: number, maxConcurrentRetries: NonNullable<HttpClientConfig['retry']>) {
    const held = Array.from({ length: count }, () => holdReply());
    const retry = { budget: false as const, on: ['5xx' as const], ...(maxConcurrentRetries as object) };
    const made = scripted([...held, ...new Array(count).fill('hang')], {
      circuitBreaker: false,
      retry,
      timeouts: false,
    });
    const refused: string[] = [];
    made.client.on('retry.refused', ({ reason }) => refused.push(reason));
    for (let i = 0; i < count; i++) made.client.get('/').catch(() => {});
    await vi.advanceTimersByTimeAsync(0);
    for (const each of held) {
      each.reply(503);
      await vi.advanceTimersByTimeAsync(10);
    }
    return { retries: retriesIn(made.transport), refused };
  }

  it.each([
    [10, { ratio: 0.5, min: 0 }, 5],
    [10, { ratio: 0.5, min: 7 }, 7],
    [10, { ratio: 0, min: 0 }, 0],
    [10, { ratio: 0.29, min: 0 }, 2],
    [10, { ratio: 10, min: 0 }, 10],
    [2, {}, 2],
    [10, {}, 3],
  ])('of %i calls that fail, a share of %j lets %i be retried', async (count, maxConcurrentRetries, retried) => {
    const { retries, refused } = await together(count, { maxConcurrentRetries } as never);
    expect(retries).toBe(retried);
    expect(refused).toEqual(new Array(count - retried).fill('concurrency'));
  });

  it('frees the share of a call that has ended', async () => {
    const retry = { budget: false as const, maxConcurrentRetries: { ratio: 1, min: 0 } };
    const { client, transport } = scripted([503, 200, 503, 200, 503, 200], { retry });
    for (let call = 0; call < 3; call++) {
      const answer = client.get('/');
      await vi.advanceTimersByTimeAsync(1000);
      expect(await answer).toMatchObject({ status: 200 });
    }
    expect(retriesIn(transport)).toBe(3);
  });
});
