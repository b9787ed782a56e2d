import type { AxiosRequestConfig } from 'axios';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, collecting, rejection, scripted } from '../support/client.js';
import { fakeTimers } from '../support/clock.js';

const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

fakeTimers();

/** A POST whose retries, if any, are over. */
async function posted(made: ReturnType<typeof scripted>, options: AxiosRequestConfig = {}) {
  const settled = Promise.allSettled([made.client.post('/', { a: 1 }, options)]);
  await vi.runAllTimersAsync();
  await settled;
  return made.transport.requests.map(({ headers }) => headers['idempotency-key']);
}

describe('idempotencyKey', () => {
  it('as a string is sent on every attempt of a POST, which may then be repeated', async () => {
    expect(await posted(scripted([503, 503, 200]), { idempotencyKey: 'order-7' })).toEqual([
      'order-7',
      'order-7',
      'order-7',
    ]);
  });

  it('as true is a new UUID for each call, the same on its attempts', async () => {
    const made = scripted([503, 200, 503, 200]);
    await posted(made, { idempotencyKey: true });
    const [first, again, second] = await posted(made, { idempotencyKey: true });
    expect(first).toMatch(uuid);
    expect(again).toBe(first);
    expect(second).toMatch(uuid);
    expect(second).not.toBe(first);
  });

  it('is absent from a call that has none, and such a POST is not repeated after a 503', async () => {
    expect(await posted(scripted([503, 200]))).toEqual([undefined]);
  });

  it('takes the place of a header of that name, whatever its case', async () => {
    const made = scripted([200]);
    await posted(made, { idempotencyKey: 'mine', headers: { 'IDEMPOTENCY-KEY': 'other' } });
    expect(made.transport.requests[0]?.headers['idempotency-key']).toBe('mine');
    expect(Object.keys(made.transport.requests[0]?.headers ?? {}).filter((name) => /idem/i.test(name))).toHaveLength(1);
  });

  it('that is empty is refused: every call would share it', async () => {
    const { client, transport } = scripted([503, 200]);
    const error = rejection(client.post('/', {}, { idempotencyKey: '' }));
    await vi.runAllTimersAsync();
    expect((await error).code).toBe('ERR_CONFIG');
    expect(transport.requests).toEqual([]);
  });
});

describe('retry of a call', () => {
  it('false sends the request once', async () => {
    const { client, transport } = scripted([503, 200]);
    expect(await rejection(client.get('/', { retry: false }))).toMatchObject({ status: 503, attempts: 1 });
    expect(transport.requests).toHaveLength(1);
  });

  it('changes what it names and leaves the rest of the section', async () => {
    const { client, transport } = scripted([{ reply: 503 }]);
    const failed = rejection(client.get('/', { retry: { maxRetries: 4 } }));
    await vi.runAllTimersAsync();
    expect(await failed).toMatchObject({ status: 503, attempts: 5 });
    expect(transport.requests).toHaveLength(5);
  });

  it('may retry other statuses, and only those', async () => {
    const { client } = scripted([418, 503]);
    const failed = rejection(client.get('/', { retry: { on: [418] } }));
    await vi.runAllTimersAsync();
    expect(await failed).toMatchObject({ status: 503, attempts: 2 });
  });

  it('may wait otherwise', async () => {
    const { client, transport } = scripted([503, 200], {}, { random: () => 0.5 });
    const response = client.get('/', { retry: { backoff: { base: '4s', max: '4s' } } });
    await vi.advanceTimersByTimeAsync(1999);
    expect(transport.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await response).status).toBe(200);
  });

  it('is over with its call', async () => {
    const { client, transport } = scripted([{ reply: 503 }]);
    await rejection(client.get('/', { retry: false }));
    const failed = rejection(client.get('/'));
    await vi.runAllTimersAsync();
    await failed;
    expect(transport.requests).toHaveLength(4);
  });
});

describe('timeouts of a call', () => {
  const ending = async (options: AxiosRequestConfig, config = {}) => {
    const { client } = scripted([{ reply: 'hang' }], { retry: false, ...config });
    const begun = performance.now();
    const ended = rejection(client.get('/', options)).then(({ code }) => [code, performance.now() - begun]);
    await vi.runAllTimersAsync();
    return ended;
  };

  it.each<[AxiosRequestConfig, string, number]>([
    [{}, 'ERR_ATTEMPT_TIMEOUT', 2500],
    [{ timeouts: { attempt: '100ms' } }, 'ERR_ATTEMPT_TIMEOUT', 100],
    [{ timeouts: { attempt: 4000 } }, 'ERR_ATTEMPT_TIMEOUT', 4000],
    [{ timeouts: { attempt: false } }, 'ERR_DEADLINE', 10_000],
    [{ timeouts: { total: '1s' } }, 'ERR_DEADLINE', 1000],
    [{ timeouts: { total: false, attempt: '20s' } }, 'ERR_ATTEMPT_TIMEOUT', 20_000],
    [{ timeout: 300 }, 'ECONNABORTED', 300],
    [{ timeout: 300, timeouts: { total: '5s' } }, 'ECONNABORTED', 300],
    [{ timeout: 60_000, timeouts: { attempt: false } }, 'ECONNABORTED', 60_000],
    [{ timeout: 0 }, 'ERR_ATTEMPT_TIMEOUT', 2500],
  ])('%o end it with %s after %d ms', async (options, code, ms) => {
    expect(await ending(options)).toEqual([code, ms]);
  });

  it('of client.defaults bound the whole call too', async () => {
    const { client } = scripted(['hang']);
    client.defaults.timeout = 70;
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(70);
    expect(await failed).toMatchObject({ code: 'ECONNABORTED' });
  });
});

describe('options of a call that make no sense', () => {
  it.each<[string, object]>([
    ['an unknown key of retry', { retry: { maxRetrys: 1 } }],
    ['a negative number of retries', { retry: { maxRetries: -1 } }],
    ['an unknown condition', { retry: { on: ['sometimes'] } }],
    ['a backoff without unit', { retry: { backoff: { base: '5' } } }],
    ['a backoff whose max is below its base', { retry: { backoff: { base: '5s', max: '1s' } } }],
    ['the budget, which all calls share', { retry: { budget: false } }],
    ['an attempt timeout without unit', { timeouts: { attempt: '5' } }],
    ['an attempt timeout of another type', { timeouts: { attempt: null } }],
    ['a total timeout that is no number', { timeouts: { total: Number.NaN } }],
    ['a negative total timeout', { timeouts: { total: -1 } }],
    ['a total timeout beyond what a timer can hold', { timeouts: { total: 2 ** 31 } }],
    ['an unknown key of timeouts', { timeouts: { totl: '1s' } }],
  ])('are ERR_CONFIG before anything is sent: %s', async (_, options) => {
    const { client, transport } = scripted([{ reply: 200 }]);
    const failed = rejection(client.get('/', options));
    await vi.advanceTimersByTimeAsync(0);
    expect(await failed).toMatchObject({ code: 'ERR_CONFIG', isAxiosError: true });
    expect(transport.requests).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('name the nearest known one', async () => {
    const { client } = scripted([]);
    const error = await rejection(client.get('/', { retry: { maxRetrys: 1 } as object }));
    expect(error.message).toContain('maxRetrys: unknown option, did you mean "maxRetries"?');
  });

  it('end their call like any other failure', async () => {
    const { client } = scripted([]);
    const events: string[] = [];
    client.on('call.started', () => events.push('start'));
    client.on('call.ended', ({ code }) => events.push(`end ${code}`));
    await rejection(client.get('/', { retry: { maxRetries: -1 } }));
    expect(events.slice(0, 2)).toEqual(['start', 'end ERR_CONFIG']);
    expect(client.stats().calls).toMatchObject({ started: 1, failed: 1, active: 0 });
  });
});

describe('routeName', () => {
  it('labels the log line of the call', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([200], {}, { logger });
    await client.get('/invoices/7', { routeName: '/invoices/{id}' });
    const line = lines.find(({ level }) => level === 'info');
    expect(line?.fields).toMatchObject({ 'url.template': '/invoices/{id}', 'url.full': `${baseURL}/invoices/7` });
  });
});
