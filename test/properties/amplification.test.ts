/** An upstream that fails every time gets at most a quarter more than was asked, over 10,000 calls. */
import type { AxiosError } from 'axios';
import { createHttpClient, type HttpClient, type HttpClientConfig } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, silent } from '../client/scripted.js';
import { chance, finish, pass, play, type Step, turn, virtualTime } from './world.js';

virtualTime();

const calls = 10_000;

interface Load {
  readonly client: HttpClient;
  sent: number;
  /** Requests in each second. */
  readonly perSecond: number[];
}

function failing(config: HttpClientConfig, step: Step): Load {
  const perSecond: number[] = [];
  const startedAt = performance.now();
  const load: Load = {
    sent: 0,
    perSecond,
    client: createHttpClient(
      { baseURL, tracing: false, ...config },
      {
        logger: silent,
        random: chance(1),
        transport: (request) => {
          load.sent++;
          const second = Math.floor((performance.now() - startedAt) / 1000);
          perSecond[second] = (perSecond[second] ?? 0) + 1;
          return play(step, request);
        },
      },
    ),
  };
  return load;
}

/** Counts codes and statuses of calls, none of which succeeds. */
class Tally {
  readonly ends: Record<string, number> = {};
  readonly call = async (client: HttpClient, method = 'get'): Promise<void> => {
    const end = await client.request({ url: '/', method }).then(
      () => 'succeeded',
      ({ status, code }: AxiosError) => String(status ?? code),
    );
    this.ends[end] = (this.ends[end] ?? 0) + 1;
  };
}

/** Nothing but the budget stands between 10,000 failures and 20,000 retries. */
const bare: HttpClientConfig = { circuitBreaker: false, limits: false };

const failures: [string, Step][] = [
  ['a 503', { what: 503, delay: 0 }],
  ['a slow 503', { what: 503, delay: 200 }],
  ['a 503 that asks to come back at once', { what: 503, delay: 0, retryAfter: '0' }],
  ['a refused connection', { what: 'ECONNREFUSED', delay: 0 }],
];

describe.each(failures)('10,000 calls that all end with %s', (_, step) => {
  const end = String(step.what);

  it('at 1,000 a second make at most 12,500 requests, and the caller gets the real failure', async () => {
    const load = failing(bare, step);
    const tally = new Tally();
    const all: Promise<void>[] = [];
    for (let i = 0; i < calls / 10; i++) {
      for (let j = 0; j < 10; j++) all.push(tally.call(load.client));
      await pass(10);
    }
    await finish(Promise.all(all));
    expect(tally.ends).toEqual({ [end]: calls });
    expect(load.sent).toBeLessThanOrEqual(1.25 * calls);
    // The budget is used too, or this would hold for a client that never retries.
    expect(load.sent).toBeGreaterThan(1.15 * calls);
    // It holds for each second, not only on the whole: the floor, and the calls of a window that has just begun.
    for (const inOneSecond of load.perSecond.slice(1, 10)) expect(inOneSecond).toBeLessThanOrEqual(1250);
  });

  it('all at once make at most 12,500 requests', async () => {
    const load = failing(bare, step);
    const tally = new Tally();
    await finish(Promise.all(Array.from({ length: calls }, () => tally.call(load.client))));
    expect(tally.ends).toEqual({ [end]: calls });
    expect(load.sent).toBeLessThanOrEqual(1.25 * calls);
    expect(load.sent).toBeGreaterThan(1.15 * calls);
  });
});

describe('10,000 calls that all fail', () => {
  it('make no more than 1.25 requests each with ten retries a call', async () => {
    const load = failing({ ...bare, retry: { maxRetries: 10 } }, { what: 503, delay: 0 });
    const tally = new Tally();
    await finish(Promise.all(Array.from({ length: calls }, () => tally.call(load.client))));
    expect(load.sent).toBeLessThanOrEqual(1.25 * calls);
  });

  it('make hardly more requests than a circuit lets through, with the whole stack on', async () => {
    const load = failing({}, { what: 503, delay: 0 });
    const tally = new Tally();
    const all: Promise<void>[] = [];
    for (let i = 0; i < calls / 10; i++) {
      for (let j = 0; j < 10; j++) all.push(tally.call(load.client));
      await pass(10);
    }
    await finish(Promise.all(all));
    const { ERR_CIRCUIT_OPEN: turnedAway = 0, 503: failed = 0, ...others } = tally.ends;
    expect(others).toEqual({});
    expect(turnedAway + failed).toBe(calls);
    // 20 samples open it; in ten seconds there is one trial, at least four seconds later, and a second one at most.
    expect(load.sent).toBeGreaterThanOrEqual(21);
    expect(load.sent).toBeLessThanOrEqual(40);
  });

  it('all at once with the whole stack on make no more than 1.25 requests each, and leave nothing behind', async () => {
    const load = failing({}, { what: 503, delay: 50 });
    const tally = new Tally();
    await finish(Promise.all(Array.from({ length: calls }, () => tally.call(load.client))));
    expect(Object.values(tally.ends).reduce((sum, count) => sum + count, 0)).toBe(calls);
    expect(load.sent).toBeLessThanOrEqual(1.25 * calls);
    expect(load.client.stats()).toMatchObject({ calls: { active: 0, failed: calls }, policies: { retry: { active: 0 } } });
    await load.client.close();
    await turn();
    expect(vi.getTimerCount()).toBe(0);
  });
});
