/** An upstream that fails every time gets at most a quarter more than was asked, over 10,000 calls. */
import type { AxiosError } from 'axios';
import { createHttpClient, type HttpClient, type HttpClientConfig } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, silent } from '../support/client.js';
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

/** Counts what calls come to. */
class Tally {
  readonly ends: Record<string, number> = {};

  async #call(client: HttpClient, method: string): Promise<void> {
    const end = await client.request({ url: '/', method }).then(
      () => 'succeeded',
      ({ status, code }: AxiosError) => String(status ?? code),
    );
    this.ends[end] = (this.ends[end] ?? 0) + 1;
  }

  async allAtOnce(client: HttpClient, method = 'get'): Promise<void> {
    await finish(Promise.all(Array.from({ length: calls }, () => this.#call(client, method))));
  }

  async atAThousandASecond(client: HttpClient): Promise<void> {
    const all: Promise<void>[] = [];
    for (let i = 0; i < calls / 10; i++) {
      for (let j = 0; j < 10; j++) all.push(this.#call(client, 'get'));
      await pass(10);
    }
    await finish(Promise.all(all));
  }
}

/** Nothing but the budget stands between 10,000 failures and 20,000 retries. */
const anyNumber = 1_000_000;
const bare: HttpClientConfig = {
  ...{ circuitBreaker: false, limits: false, logging: false },
  retry: { maxConcurrentRetries: anyNumber },
};

const busy: Step = { what: 503, delay: 0 };

describe.each<[string, Step]>([
  ['a 503', busy],
  ['a slow 503 that asks to come back at once', { what: 503, delay: 20, retryAfter: '0' }],
])('10,000 calls at 1,000 a second that all end with %s', (_, step) => {
  it('make at most 12,500 requests, and the caller gets the real failure', async () => {
    const load = failing(bare, step);
    const tally = new Tally();
    await tally.atAThousandASecond(load.client);
    expect(tally.ends).toEqual({ 503: calls });
    expect(load.sent).toBeLessThanOrEqual(1.25 * calls);
    // The budget is used too, or this would hold for a client that never retries.
    expect(load.sent).toBeGreaterThan(1.15 * calls);
    // It holds for each second, not only on the whole.
    for (const inOneSecond of load.perSecond.slice(0, 10)) expect(inOneSecond).toBeLessThanOrEqual(1250);
  });
});

describe('10,000 calls all at once that all fail', () => {
  it.each<[string, string, Step, HttpClientConfig]>([
    ['with a 503', 'get', busy, {}],
    [
      'without a connection',
      'post',
      { what: 'ECONNREFUSED', delay: 0 },
      { retry: { maxRetries: 10, maxConcurrentRetries: anyNumber } },
    ],
  ])('%s make at most 12,500 requests', async (_, method, step, config) => {
    const load = failing({ ...bare, ...config }, step);
    const tally = new Tally();
    await tally.allAtOnce(load.client, method);
    expect(tally.ends).toEqual({ [step.what]: calls });
    expect(load.sent).toBeLessThanOrEqual(1.25 * calls);
    expect(load.sent).toBeGreaterThan(1.15 * calls);
  });
});

describe('with the whole stack on 10,000 calls that all fail', () => {
  it('at 1,000 a second make hardly more requests than the circuit lets through', async () => {
    const load = failing({}, busy);
    const tally = new Tally();
    await tally.atAThousandASecond(load.client);
    const { ERR_CIRCUIT_OPEN: turnedAway = 0, 503: failed = 0, ...others } = tally.ends;
    expect(others).toEqual({});
    expect(turnedAway + failed).toBe(calls);
    // 20 samples open it; in ten seconds there is one trial, at least four seconds later, and a second one at most.
    expect(load.sent).toBeGreaterThanOrEqual(21);
    expect(load.sent).toBeLessThanOrEqual(40);
  });

  it('all at once make at most 12,500 requests, and leave nothing behind', async () => {
    const load = failing({}, { what: 503, delay: 50 });
    const tally = new Tally();
    await tally.allAtOnce(load.client);
    expect(Object.values(tally.ends).reduce((sum, count) => sum + count, 0)).toBe(calls);
    expect(load.sent).toBeLessThanOrEqual(1.25 * calls);
    expect(load.client.stats()).toMatchObject({
      calls: { active: 0, failed: calls },
      policies: { retry: { active: 0 } },
    });
    await load.client.close();
    await turn();
    expect(vi.getTimerCount()).toBe(0);
  });
});
