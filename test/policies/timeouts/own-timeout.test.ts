/** axios's own `timeout`, of a call or of its instance: which limits it replaces, and the error that it ends a call with. */
import axios, { AxiosError, type AxiosRequestConfig, type CreateAxiosDefaults, isAxiosError } from 'axios';
import { type HttpClientConfig, timeout, usePolicies } from 'pillion';
import { createMockTransport, type Script } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, collecting, rejection, scripted, silent } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, times } from '../alone.js';

fakeTimers();

type Timeouts = HttpClientConfig['timeouts'];
type Asked = Pick<AxiosRequestConfig, 'timeout' | 'timeouts'>;

const hour = 3_600_000;
const late: Script = [{ reply: { status: 200, delay: hour } }];
const own = 'ECONNABORTED';

/** The code by which a call ends that gets no answer within an hour, after which time, and after how many attempts. */
const table: [Timeouts | undefined, Asked, string | number, number, number][] = [
  // Nothing is configured: the timeout takes the place of both defaults.
  [undefined, { timeout: 30_000 }, own, 30_000, 1],
  [undefined, { timeout: 5000 }, own, 5000, 1],
  [undefined, { timeout: 700 }, own, 700, 1],
  [undefined, { timeout: Number.POSITIVE_INFINITY }, 200, hour, 1],
  [undefined, { timeout: 0 }, 'ERR_ATTEMPT_TIMEOUT', 7500, 3],
  [{ connect: 500 }, { timeout: 30_000 }, own, 30_000, 1],
  // The configuration sets one: it holds, and the other gives way.
  [{ attempt: 4000 }, { timeout: 30_000 }, 'ERR_ATTEMPT_TIMEOUT', 12_000, 3],
  [{ attempt: 4000 }, { timeout: 9000 }, own, 9000, 3],
  [{ total: 20_000 }, { timeout: 30_000 }, 'ERR_DEADLINE', 20_000, 1],
  [{ total: 20_000 }, { timeout: 15_000 }, own, 15_000, 1],
  [{ total: false }, { timeout: 30_000 }, own, 30_000, 1],
  [{ attempt: false }, { timeout: 30_000 }, own, 30_000, 1],
  [{ total: '10s', attempt: '2.5s' }, { timeout: 30_000 }, 'ERR_ATTEMPT_TIMEOUT', 7500, 3],
  [{ total: 20_000, attempt: 9000 }, { timeout: 30_000 }, 'ERR_DEADLINE', 20_000, 3],
  // So does what the call itself sets.
  [undefined, { timeout: 30_000, timeouts: { attempt: 3000 } }, 'ERR_ATTEMPT_TIMEOUT', 9000, 3],
  [undefined, { timeout: 30_000, timeouts: { total: 4000 } }, 'ERR_DEADLINE', 4000, 1],
  [{ total: 20_000 }, { timeout: 30_000, timeouts: { total: 25_000 } }, 'ERR_DEADLINE', 25_000, 1],
  [{ total: 20_000 }, { timeout: 30_000, timeouts: { total: false } }, own, 30_000, 1],
  [false, { timeout: 30_000 }, own, 30_000, 1],
];

/** A client, and an instance with the stack behind it: the timeout is said by the call or by the instance. */
const ways: [string, typeof clientEnding][] = [
  ['a call of a client', clientEnding],
  ['the defaults of a client', (config, asked) => clientEnding(config, asked, true)],
  ['a call of an instance under usePolicies', (config, asked) => instanceEnding(config, asked)],
  [
    'an instance under usePolicies',
    (config, { timeout, ...asked }) => instanceEnding(config, asked, { timeout: timeout ?? 0 }),
  ],
];

async function endingOf(call: Promise<{ status: number }>): Promise<unknown[]> {
  const begun = performance.now();
  const end = call.then(
    ({ status }) => [status, performance.now() - begun],
    ({ code }) => [code, performance.now() - begun],
  );
  await vi.runAllTimersAsync();
  return end;
}

async function clientEnding(timeouts: Timeouts | undefined, asked: Asked, byDefault = false): Promise<unknown[]> {
  const { timeout: ms, ...rest } = asked;
  const { client, transport } = scripted(late, timeouts === undefined ? {} : { timeouts }, {
    ...(byDefault && { axios: { timeout: ms ?? 0 } }),
  });
  return [...(await endingOf(client.get('/', byDefault ? rest : asked))), transport.requests.length];
}

async function instanceEnding(
  timeouts: Timeouts | undefined,
  asked: Asked,
  defaults: CreateAxiosDefaults = {},
): Promise<unknown[]> {
  const transport = createMockTransport(late);
  const instance = axios.create({ baseURL, ...defaults });
  usePolicies(instance, timeouts === undefined ? {} : { timeouts }, { transport, logger: silent, random: () => 0 });
  return [...(await endingOf(instance.get('/', asked))), transport.requests.length];
}

describe.each(ways)('a timeout that is set by %s', (_, ending) => {
  it.each(table)('with timeouts %j configured, and %j: ends with %s after %d ms and %d attempts', async (...row) => {
    const [timeouts, asked, code, ms, attempts] = row;
    expect(await ending(timeouts, asked)).toEqual([code, ms, attempts]);
  });
});

describe("a call's own timeout", () => {
  it('of 30 s waits for a slow endpoint in one attempt, as in axios', async () => {
    const { client, transport } = scripted([{ status: 200, delay: 4000 }]);
    expect(await ended(client.post('/', {}, { timeout: 30_000 }))).toMatchObject({ status: 200, ms: 4000 });
    expect(transport.requests).toHaveLength(1);
  });

  it('leaves the whole rest of its time to the attempt after a failure', async () => {
    const { client, transport } = scripted([
      { status: 503, delay: 1000 },
      { status: 200, delay: 20_000 },
    ]);
    expect(await ended(client.get('/', { timeout: 30_000 }))).toMatchObject({ status: 200, ms: 21_000 });
    expect(times(transport)).toEqual([0, 1000]);
  });

  it('of 0 lifts the timeout of the instance, and the defaults stay out of it', async () => {
    for (const by of ['the client', 'usePolicies'] as const) {
      const asked = { timeout: 0 } as const;
      const { client } = scripted(late, {}, { axios: { timeout: 5000 } });
      const instance = axios.create({ baseURL, timeout: 5000 });
      usePolicies(instance, {}, { transport: createMockTransport(late), logger: silent });
      expect(await ended((by === 'usePolicies' ? instance : client).get('/', asked)), by).toMatchObject({ ms: hour });
    }
  });

  it('of 0 lifts no limit that the configuration sets', async () => {
    const { client } = scripted(late, { timeouts: { total: '8s', attempt: false } }, { axios: { timeout: 5000 } });
    expect(await ended(client.get('/', { timeout: 0 }))).toMatchObject({ code: 'ERR_DEADLINE', ms: 8000 });
  });

  it('follows the defaults of an instance that are changed later', async () => {
    const instance = axios.create({ baseURL });
    usePolicies(instance, {}, { transport: createMockTransport(late), logger: silent, random: () => 0 });
    instance.defaults.timeout = 60_000;
    expect(await ended(instance.get('/'))).toMatchObject({ code: own, ms: 60_000 });
  });

  it('gives way to limits that an update sets, and replaces the defaults that come back with the next', async () => {
    const { client } = scripted(late, { retry: false });
    const ms = async () => (await ended(client.get('/', { timeout: 30_000 }))).ms;
    client.update({ baseURL, retry: false, timeouts: { attempt: 2500 } });
    expect(await ms()).toBe(2500);
    client.update({ baseURL, retry: false });
    expect(await ms()).toBe(30_000);
  });

  it('is what a deadlineHeader tells the upstream', async () => {
    const { client, transport } = scripted([200], { baseURL: 'http://api', deadlineHeader: {} });
    await client.get('/', { timeout: 30_000 });
    expect(transport.requests[0]?.headers).toMatchObject({ 'x-request-timeout-ms': '30000' });
  });

  it('is left to the adapter by a timeout policy that works alone', async () => {
    const { next } = alone({ status: 200, delay: 4000 });
    expect(await ended(timeout()(next)(aRequest({ timeout: 30_000 })))).toMatchObject({ status: 200, ms: 4000 });
  });
});

describe('a call that its own timeout has ended', () => {
  const failing = async (options: AxiosRequestConfig = {}, defaults = {}) => {
    const { logger, lines } = collecting();
    const { client } = scripted([{ reply: 'hang' }], {}, { logger, axios: defaults });
    const error = rejection(client.get('/', { timeout: 30_000, ...options }));
    await vi.advanceTimersByTimeAsync(30_000);
    return { error: await error, line: lines.find(({ level }) => level === 'error'), client };
  };

  it.each<[string, AxiosRequestConfig, object]>([
    ['code and message', {}, { code: 'ECONNABORTED', message: 'timeout of 30000ms exceeded' }],
    ['code with clarifyTimeoutError', { transitional: { clarifyTimeoutError: true } }, { code: 'ETIMEDOUT' }],
    ['message of timeoutErrorMessage', { timeoutErrorMessage: 'too slow' }, { message: 'too slow' }],
  ])('fails as in axios: %s, said by the call or by its instance', async (_, options, expected) => {
    for (const { error } of [await failing(options), await failing({}, options)]) {
      expect(error).toMatchObject({ name: 'AxiosError', attempts: 1, config: { timeout: 30_000 }, ...expected });
      expect(error).toBeInstanceOf(AxiosError);
      expect(isAxiosError(error)).toBe(true);
    }
  });

  it('is told by its log line, flags and counters like any call past its deadline', async () => {
    const { line, client } = await failing();
    expect(line).toMatchObject({
      message: 'GET ECONNABORTED',
      fields: { 'error.type': 'ECONNABORTED', flags: ['deadline'], attempts: 1 },
    });
    expect(client.stats().policies.circuitBreaker).toMatchObject({ [baseURL]: { failures: 1 } });
  });

  it('is not retried, however many attempts are left', async () => {
    const { client, transport } = scripted([{ reply: 'hang' }], { retry: { on: ['5xx', 'reset'], maxRetries: 5 } });
    expect(await ended(client.get('/', { timeout: 300 }))).toMatchObject({ code: own, ms: 300 });
    expect(transport.requests).toHaveLength(1);
  });

  it('is a TypeError of client.fetch whose cause is the error of axios', async () => {
    const { client } = scripted(['hang']);
    const error = rejection(client.fetch('/', { timeout: 300 }));
    await vi.advanceTimersByTimeAsync(300);
    const cause = { code: own, message: 'timeout of 300ms exceeded' };
    expect(await error).toMatchObject({ name: 'TypeError', cause });
  });
});

describe('the error of a limit', () => {
  const message = async (config: HttpClientConfig, options: AxiosRequestConfig = {}) => {
    const { client } = scripted([{ reply: 'hang' }], { name: 'billing', retry: false, ...config });
    const error = rejection(client.get('/', options));
    await vi.runAllTimersAsync();
    return (await error).message;
  };

  it.each<[string, HttpClientConfig, AxiosRequestConfig]>([
    ['attempt did not end within 2500 ms, the default of timeouts.attempt.', {}, {}],
    ['attempt did not end within 800 ms, timeouts.attempt.', { timeouts: { attempt: 800 } }, {}],
    ["attempt did not end within 800 ms, the call's timeouts.attempt.", {}, { timeouts: { attempt: 800 } }],
    [
      'call did not end within 10000 ms, the default of timeouts.total (1 attempt).',
      { timeouts: { attempt: false } },
      {},
    ],
    ['call did not end within 900 ms, timeouts.total (1 attempt).', { timeouts: { total: 900, attempt: false } }, {}],
    ["call did not end within 900 ms, the call's timeouts.total (1 attempt).", {}, { timeouts: { total: 900 } }],
  ])('names the option that was reached: the %s', async (text, config, options) => {
    expect(await message(config, options)).toBe(`billing: the ${text}`);
  });
});
