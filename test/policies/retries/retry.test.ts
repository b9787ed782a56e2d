/** retry: how often, after which wait, within which deadline, and what the caller gets in the end. */
import axios, { AxiosError, type AxiosRequestConfig, type InternalAxiosRequestConfig } from 'axios';
import { type HttpClientConfig, type Response, retry } from 'pillion';
import type { Reply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended } from '../alone.js';

type Conditions = NonNullable<Exclude<HttpClientConfig['retry'], false | undefined>['on']>;

fakeTimers();

describe('by default', () => {
  it('a call is tried three times', async () => {
    const { client, transport } = scripted([{ reply: 503 }]);
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failed).toMatchObject({ status: 503, attempts: 3 });
    expect(transport.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it('a call that succeeds in the end is a success', async () => {
    const { client } = scripted([503, { error: 'ECONNRESET' }, { data: { paid: true } }]);
    const answer = client.get('/');
    await vi.advanceTimersByTimeAsync(1000);
    expect((await answer).data).toEqual({ paid: true });
  });

  it.each([0, 1, 5, 10])('maxRetries %i makes so many retries and no more', async (maxRetries) => {
    const { client, transport } = scripted([{ reply: 503 }], { retry: { maxRetries, budget: false } });
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(1000);
    await failed;
    expect(transport.requests).toHaveLength(maxRetries + 1);
  });

  it('retry: false in the configuration makes one attempt', async () => {
    const { client, transport } = scripted([503, 200], { retry: false });
    expect(await rejection(client.get('/'))).toMatchObject({ status: 503, attempts: 1 });
    expect(transport.requests).toHaveLength(1);
  });

  it.each<[AxiosRequestConfig['retry'], number]>([
    [false, 1],
    [{ maxRetries: 1 }, 2],
    [{ on: ['reset'] }, 1],
    [{ backoff: { base: 10 } }, 3],
  ])('a call that says retry: %j is tried %i times', async (own, times) => {
    const { client, transport } = scripted([{ reply: 503 }]);
    const failed = rejection(client.get('/', own === undefined ? {} : { retry: own }));
    await vi.advanceTimersByTimeAsync(1000);
    await failed;
    expect(transport.requests).toHaveLength(times);
  });
});

describe('the wait before a retry', () => {
  async function waits(random: number, backoff: { base?: number; max?: number } = {}): Promise<number[]> {
    const retrySection = { maxRetries: 10, backoff, budget: false as const };
    const { client } = scripted(
      [{ reply: 503 }],
      { retry: retrySection, timeouts: { total: '10m' }, circuitBreaker: false },
      { random: () => random },
    );
    const seen: number[] = [];
    client.on('retry.scheduled', ({ waitMs }) => seen.push(waitMs));
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(600_000);
    await failed;
    return seen;
  }

  const rounded = (numbers: number[]) => numbers.map((number) => Math.round(number));

  it('is nothing at the lower end of the jitter', async () => {
    expect(await waits(0)).toEqual(new Array(10).fill(0));
  });

  it('doubles from 50 ms to 2 s at the upper end', async () => {
    const upper = [50, 100, 200, 400, 800, 1600, 2000, 2000, 2000, 2000];
    const seen = await waits(0.999);
    expect(rounded(seen)).toEqual(rounded(upper.map((ms) => ms * 0.999)));
    for (const [index, wait] of seen.entries()) expect(wait).toBeLessThan(upper[index] ?? 0);
  });

  it('is uniform: half the random number is half the wait', async () => {
    expect((await waits(0.5)).slice(0, 3)).toEqual([25, 50, 100]);
  });

  it('keeps to a base and a max of its own', async () => {
    expect((await waits(0.5, { base: 200, max: 300 })).slice(0, 3)).toEqual([100, 150, 150]);
    expect((await waits(0.5, { base: 3000 })).slice(0, 2)).toEqual([1500, 1500]);
  });

  it('passes before the next attempt reaches the wire', async () => {
    const { client, transport } = scripted([503, 503, 200], {}, { random: () => 0.5 });
    const start = Date.now();
    const answer = client.get('/');
    await vi.advanceTimersByTimeAsync(24);
    expect(transport.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    await answer;
    expect(transport.requests.map(({ at }) => at - start)).toEqual([0, 25, 75]);
  });
});

describe('the deadline', () => {
  const retrySection = { maxRetries: 10, backoff: { base: 400, max: 400 }, budget: false } as const;

  it('stands against a retry that could not finish its wait: the call fails at once with the real answer', async () => {
    const config = { retry: retrySection, timeouts: { total: 700 } };
    const { client, transport } = scripted([{ reply: { status: 503, data: { why: 'busy' } } }], config, {
      random: () => 0.75,
    });
    const reasons: string[] = [];
    client.on('retry.refused', ({ reason }) => reasons.push(reason));
    let endedAt = Number.NaN;
    const start = Date.now();
    const failed = rejection(client.get('/'));
    failed.then(() => {
      endedAt = Date.now() - start;
    });
    await vi.advanceTimersByTimeAsync(2000);
    expect(await failed).toMatchObject({ status: 503, attempts: 3, response: { data: { why: 'busy' } } });
    expect(endedAt).toBe(600);
    expect(reasons).toEqual(['deadline']);
    expect(transport.requests).toHaveLength(3);
  });

  it('is the timeout of a single call too', async () => {
    const { client, transport } = scripted([{ reply: 503 }], { retry: retrySection }, { random: () => 0.75 });
    const failed = rejection(client.get('/', { timeout: 200 }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failed).toMatchObject({ status: 503, attempts: 1 });
    expect(transport.requests).toHaveLength(1);
  });

  it('ends an attempt that is under way, and that is not retried', async () => {
    const { client, transport } = scripted([503, 'hang', 200], { timeouts: { total: 300, attempt: 300 } });
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(300);
    expect(await failed).toMatchObject({ code: 'ERR_DEADLINE', attempts: 2 });
    expect(transport.requests).toHaveLength(2);
  });
});

describe('an abort', () => {
  const backoff = { base: 5000, max: 5000 };

  function waiting() {
    return scripted([503, 200], { retry: { backoff } }, { random: () => 0.9 });
  }

  it('by signal ends the wait at once, sends nothing more and leaves no timer', async () => {
    const { client, transport } = waiting();
    const controller = new AbortController();
    const failed = rejection(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(100);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    controller.abort();
    expect(await failed).toMatchObject({ code: 'ERR_CANCELED', attempts: 1 });
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(transport.requests).toHaveLength(1);
  });

  it('by cancelToken ends the wait at once, sends nothing more and leaves no timer', async () => {
    const { client, transport } = waiting();
    const source = axios.CancelToken.source();
    const failed = rejection(client.get('/', { cancelToken: source.token }));
    await vi.advanceTimersByTimeAsync(100);
    source.cancel('unsubscribed');
    const error = await failed;
    expect(axios.isCancel(error)).toBe(true);
    expect(error.message).toBe('unsubscribed');
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(transport.requests).toHaveLength(1);
  });

  it('during an attempt is not retried, whatever is in `on`', async () => {
    const { client, transport } = scripted(['hang', 200], { retry: { on: ['5xx', 'reset', 499] } });
    const controller = new AbortController();
    const failed = rejection(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    await failed;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(transport.requests).toHaveLength(1);
  });

  it('in the wait gives the retry back to the cap on concurrent ones', async () => {
    const { client } = waiting();
    const controller = new AbortController();
    const failed = rejection(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(100);
    expect(client.stats().policies.retry).toMatchObject({ active: 1 });
    controller.abort();
    await failed;
    expect(client.stats().policies.retry).toMatchObject({ active: 0 });
  });
});

describe('when retries run out', () => {
  it('the caller gets the last failure itself: its status, its body, its headers', async () => {
    const last = { status: 504, data: { last: true }, headers: { 'X-Which': 'third' } };
    const { client } = scripted([503, 502, last]);
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(1000);
    const error = (await failed) as unknown as AxiosError;
    expect(error).toBeInstanceOf(AxiosError);
    expect(error.response).toMatchObject({ status: 504, data: { last: true }, headers: { 'x-which': 'third' } });
  });

  it('the caller gets the network error of the last attempt, not a wrapper', async () => {
    const { client } = scripted([503, 503, { error: 'ECONNRESET', message: 'socket hang up' }]);
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(1000);
    const error = await failed;
    expect(error).toMatchObject({ code: 'ECONNRESET', message: 'socket hang up', attempts: 3 });
    expect(error.response).toBeUndefined();
  });

  it('the caller gets ERR_ATTEMPT_TIMEOUT where the last attempt timed out', async () => {
    const { client } = scripted([{ reply: 'hang' }], { timeouts: { attempt: 50 }, retry: { maxRetries: 1 } });
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failed).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT', attempts: 2 });
  });
});

describe('events', () => {
  it('report each retry before its wait, with what was wrong', async () => {
    const { client } = scripted([503, { error: 'ECONNRESET' }, 200], {}, { random: () => 0.5 });
    const seen: unknown[] = [];
    client.on('retry.scheduled', ({ retry: number, waitMs, status, code }) =>
      seen.push({ number, waitMs, status, code }),
    );
    const answer = client.get('/');
    await vi.advanceTimersByTimeAsync(1000);
    await answer;
    expect(seen).toEqual([
      { number: 1, waitMs: 25, status: 503, code: 'ERR_BAD_RESPONSE' },
      { number: 2, waitMs: 50, status: undefined, code: 'ECONNRESET' },
    ]);
  });

  it.each<[string, Reply, Conditions]>([
    ['a failure that is none of `on`', 404, ['5xx']],
    ['a certificate', { error: 'CERT_HAS_EXPIRED' }, ['5xx']],
  ])('do not report a refused retry after %s', async (_, reply, on) => {
    const { client } = scripted([reply], { retry: { on, maxRetries: 0 } });
    const reasons: string[] = [];
    client.on('retry.refused', ({ reason }) => reasons.push(reason));
    await rejection(client.get('/'));
    expect(reasons).toEqual([]);
  });

  it('report that the retries ran out', async () => {
    const { client } = scripted([{ reply: 503 }]);
    const refused: unknown[] = [];
    client.on('retry.refused', ({ reason, status }) => refused.push({ reason, status }));
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(1000);
    await failed;
    expect(refused).toEqual([{ reason: 'limit', status: 503 }]);
  });
});

describe('a call that has ended', () => {
  it.each<[string, Reply[]]>([
    ['with success at once', [200]],
    ['with success after retries', [503, 503, 200]],
    ['with failure', [503, 503, 503]],
    ['with a failure that is not retried', [404]],
  ])('%s leaves no timer', async (_, script) => {
    const { client } = scripted(script, {}, { random: () => 0.5 });
    const ended = client.get('/').catch(() => {});
    await vi.advanceTimersByTimeAsync(1000);
    await ended;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('retry alone', () => {
  const request = () =>
    ({ url: '/', baseURL, method: 'get', headers: new axios.AxiosHeaders() }) as InternalAxiosRequestConfig;

  it('stands around any transport', async () => {
    let calls = 0;
    const transport = retry(
      { maxRetries: 1 },
      { random: () => 0 },
    )(async (config): Promise<Response> => {
      calls++;
      const response = { status: 503, statusText: '', data: calls, headers: {}, config };
      throw new AxiosError('busy', 'ERR_BAD_RESPONSE', config, {}, response);
    });
    const failed = rejection(transport(request()));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failed).toMatchObject({ message: 'busy', response: { data: 2 } });
    expect(calls).toBe(2);
  });

  it('lets a success through as it is', async () => {
    const answer = { status: 200 } as Response;
    expect(await retry()(async () => answer)(request())).toBe(answer);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('refuses options it does not know', () => {
    expect(() => retry({ maxRetry: 1 } as never)).toThrow(/maxRetry: unknown option/);
  });

  it('hands on the very error of the last attempt, never a wrapper', async () => {
    const failures = [new Error('first'), new Error('second')].map((each) =>
      Object.assign(each, { code: 'ECONNRESET' }),
    );
    const left = [...failures];
    const { error } = await ended(retry({ maxRetries: 1 })(() => Promise.reject(left.shift()))(aRequest()));
    expect(error).toBe(failures[1]);
  });

  it('counts afresh for each call', async () => {
    const { next, wire } = alone({ reply: 503 });
    const stack = retry({ maxRetries: 1 })(next);
    await ended(stack(aRequest()));
    await ended(stack(aRequest()));
    expect(wire.requests).toHaveLength(4);
  });

  it('gives each attempt headers of its own', async () => {
    const seen: unknown[] = [];
    const stack = retry()((request) => {
      seen.push(request.headers['x-once']);
      request.headers['x-once'] = 'set by a policy below';
      return Promise.reject(Object.assign(new Error('lost'), { code: 'ECONNRESET' }));
    });
    const request = aRequest();
    await ended(stack(request));
    expect(seen).toEqual([undefined, undefined, undefined]);
    expect(request.headers['x-once']).toBeUndefined();
  });
});
