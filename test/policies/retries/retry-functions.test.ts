/** Functions in `deps.retry`, with axios-retry's names: what they are given, what they may decide, and how they may fail. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import axios, { AxiosError, AxiosHeaders, type AxiosRequestConfig, type InternalAxiosRequestConfig } from 'axios';
import axiosRetry from 'axios-retry';
import { createHttpClient, loadHttpClients, type RetryDeps, retry, usePolicies } from 'pillion';
import { createMockTransport, type Script } from 'pillion/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { baseURL, clientOver, collecting, rejection, type Scripted, scripted, silent } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended } from '../alone.js';

fakeTimers();

const unlimited = { retry: { budget: false as const } };

function withFunctions(script: Script, functions: RetryDeps, config: object = unlimited): Scripted {
  return scripted(script, config, { retry: functions });
}

function sent({ transport }: Scripted): unknown[] {
  return transport.requests.map(({ headers }) => headers.authorization);
}

/** The outcome of a call, with the clock moved on until it has ended. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  const settled = call.then(
    (response) => (response as { status: number }).status,
    (error: unknown) => error,
  );
  await vi.advanceTimersByTimeAsync(30_000);
  return settled;
}

describe('onRetry', () => {
  it('is awaited before each retry, with its number, the failure and the request', async () => {
    const seen: unknown[] = [];
    const { client, transport } = withFunctions([503, { error: 'ECONNRESET' }, 200], {
      async onRetry(count, { code, response }, { method, url }) {
        seen.push([count, code, response?.status, method, url, transport.requests.length]);
        await new Promise((resolve) => setTimeout(resolve, 100));
        seen.push(transport.requests.length);
      },
    });
    expect(await outcome(client.get('/invoices'))).toBe(200);
    expect(seen).toEqual([
      [1, 'ERR_BAD_RESPONSE', 503, 'get', '/invoices', 1],
      1,
      [2, 'ECONNRESET', undefined, 'get', '/invoices', 2],
      2,
    ]);
  });

  it('gives the attempts that follow another token, and leaves the config of the caller as it was', async () => {
    const made = withFunctions([401, 503, 200, 200], {
      retryCondition: () => true,
      onRetry(_, { response }, config) {
        if (response?.status === 401) config.headers.set('authorization', 'Bearer new');
      },
    });
    const options = { headers: { Authorization: 'Bearer old' } };
    expect(await outcome(made.client.get('/', options))).toBe(200);
    expect(await outcome(made.client.get('/', options))).toBe(200);
    expect(sent(made)).toEqual(['Bearer old', 'Bearer new', 'Bearer new', 'Bearer old']);
    expect(options.headers).toEqual({ Authorization: 'Bearer old' });
  });

  it.each<[string, (config: InternalAxiosRequestConfig) => void]>([
    ['assigned in another case', ({ headers }) => Object.assign(headers, { authorization: 'new' })],
    ['set', ({ headers }) => headers.setAuthorization?.('new')],
    [
      'given in a new AxiosHeaders',
      (config) => {
        config.headers = new AxiosHeaders({ authorization: 'new' });
      },
    ],
    [
      'given in a plain object',
      (config) => {
        config.headers = { ...config.headers, authorization: 'new' } as never;
      },
    ],
  ])('may replace a header that is %s: it is sent once', async (_, replace) => {
    const raw: object[] = [];
    const client = clientOver(
      async (config) => {
        raw.push({ ...config.headers });
        return { status: raw.length === 1 ? 503 : 200, statusText: '', data: '', headers: {}, config };
      },
      unlimited,
      { retry: { onRetry: (_count, _error, config) => replace(config) } },
    );
    await outcome(client.put('/', { a: 1 }, { headers: { Authorization: 'old' } }));
    const names = Object.keys(raw[1] ?? {}).filter((name) => /^authorization$/i.test(name));
    expect(names.map((name) => (raw[1] as Record<string, unknown>)[name])).toEqual(['new']);
    expect(raw[1]).toMatchObject({ 'Content-Type': 'application/json' });
  });

  it('cannot take the idempotency key off a POST', async () => {
    const { client, transport } = withFunctions([503, 503, 200], {
      onRetry(count, _, config) {
        if (count === 1) config.headers.delete('Idempotency-Key');
        else config.headers.set('idempotency-key', 'another');
      },
    });
    await outcome(client.post('/', {}, { idempotencyKey: 'order-42' }));
    expect(transport.requests.map(({ headers }) => headers['idempotency-key'])).toEqual(new Array(3).fill('order-42'));
  });

  it.each<Partial<AxiosRequestConfig>>([
    { url: '/elsewhere' },
    { baseURL: 'http://other.test' },
    { method: 'post' },
    { params: { a: 1 } },
    { data: 'other' },
    { timeout: 1 },
    { httpsAgent: {} },
  ])('fails the call with ERR_CONFIG where it replaces something else: %j', async (change) => {
    const { client, transport } = withFunctions([503, 200], {
      onRetry: (_, __, config) => void Object.assign(config, change),
    });
    const error = await outcome(client.get('/'));
    expect(error).toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining(`not ${Object.keys(change)[0]}`),
      attempts: 1,
    });
    expect(transport.requests).toHaveLength(1);
  });

  it('that throws fails the call with its message, and the error itself as the cause', async () => {
    const thrown = new Error('no new token');
    const { client, transport } = withFunctions([503, 200], {
      onRetry: async () => {
        throw thrown;
      },
    });
    const error = await outcome(client.get('/'));
    expect(error).toMatchObject({ message: 'no new token', attempts: 1, method: 'GET', url: `${baseURL}/` });
    expect(axios.isAxiosError(error) && error.cause).toBe(thrown);
    expect(transport.requests).toHaveLength(1);
    expect(client.stats().policies.retry).toMatchObject({ active: 0 });
  });

  it('that fails with the answer of a token endpoint does not make that answer the answer of the call', async () => {
    const refused = new AxiosError('no', 'ERR_BAD_REQUEST', undefined, undefined, {
      status: 401,
      data: 'of the token endpoint',
    } as never);
    const { client } = withFunctions([503, 200], { onRetry: () => Promise.reject(refused) });
    const error = (await outcome(client.get('/', { validateStatus: () => true }))) as AxiosError;
    expect([error.code, error.response, error.cause === refused]).toEqual(['ERR_BAD_REQUEST', undefined, true]);
  });

  it('that never settles ends with the deadline, and holds no retry then', async () => {
    const { client } = withFunctions([503, 200], { onRetry: () => new Promise(() => {}) });
    const error = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await error).toMatchObject({ code: 'ERR_DEADLINE', attempts: 1 });
    expect(client.stats().policies.retry).toMatchObject({ active: 0 });
  });

  it('that never settles ends when the caller aborts, and when the client is closed', async () => {
    const controller = new AbortController();
    const { client } = withFunctions([503, 503], { onRetry: () => new Promise(() => {}) });
    const cancelled = rejection(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    expect(await cancelled).toMatchObject({ code: 'ERR_CANCELED' });
    const closed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(10);
    const closing = client.close({ grace: 0 });
    await vi.advanceTimersByTimeAsync(10);
    expect(await closed).toMatchObject({ code: 'ERR_CLOSED' });
    await closing;
  });

  it('may abort its own call and fail: the call is cancelled, and no rejection is left unhandled', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    onTestFinished(() => void process.off('unhandledRejection', unhandled));
    const controller = new AbortController();
    const { client } = withFunctions([503, 200], {
      onRetry: async () => {
        controller.abort();
        throw new Error('of the hook');
      },
    });
    expect(await outcome(client.get('/', { signal: controller.signal }))).toMatchObject({ code: 'ERR_CANCELED' });
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('that takes so long that the wait would outlast the deadline leaves the call its failure', async () => {
    const refused: unknown[] = [];
    const { client, transport } = withFunctions([503, 200], {
      retryDelay: () => 5000,
      onRetry: () => new Promise((resolve) => setTimeout(resolve, 6000)),
    });
    client.on('retry.refused', ({ reason }) => refused.push(reason));
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(6000);
    expect(await failed).toMatchObject({ status: 503, attempts: 1 });
    expect([refused, transport.requests.length]).toEqual([['deadline'], 1]);
  });

  it('may make a call of the same client, though that has one place in flight', async () => {
    const { client } = scripted(
      [{ status: 503, data: Readable.from(['busy']) } as never, { data: 'token' }, { data: 'done' }],
      { ...unlimited, limits: { maxRequests: 1 } },
      {
        retry: {
          async onRetry(_, __, config) {
            const { data } = await client.get('/token');
            config.headers.set('Authorization', data);
          },
        },
      },
    );
    expect(await outcome(client.get('/', { responseType: 'stream' }))).toBe(200);
  });

  it('runs in the async context of its call', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const note = () => {
      seen.push(storage.getStore());
      return true;
    };
    const functions: RetryDeps = {
      retryCondition: note,
      retryDelay: () => Number(note()),
      onRetry: () => void note(),
      onMaxRetryTimesExceeded: () => void note(),
      validateResponse: () => !note(),
    };
    const { client } = withFunctions([{ reply: 503 }], functions, { retry: { maxRetries: 1, budget: false } });
    await Promise.all(['a', 'b'].map((name) => storage.run(name, () => outcome(client.get('/')))));
    expect(seen.toSorted()).toEqual([...new Array(6).fill('a'), ...new Array(6).fill('b')]);
  });

  it('gets an error of which no secret is printed', async () => {
    let printed = '';
    const client = clientOver(
      async (config) => {
        throw new AxiosError('broken', 'ECONNRESET', config, { secret: 's3cret' });
      },
      unlimited,
      {
        retry: {
          onRetry: (_, error) => {
            printed += inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
          },
        },
      },
    );
    await outcome(client.get('/', { headers: { Authorization: 'Bearer s3cret' }, params: { token: 's3cret' } }));
    expect(printed).toContain('broken');
    expect(printed).not.toContain('s3cret');
  });
});

describe('retryCondition', () => {
  const always: RetryDeps = { retryCondition: () => true };

  it('decides alone: what the options would retry is not retried, and what they would not is', async () => {
    const { client, transport } = withFunctions([503, 404, 200], {
      retryCondition: ({ response }) => response?.status === 404,
    });
    expect(await outcome(client.get('/'))).toMatchObject({ status: 503 });
    expect(await outcome(client.get('/'))).toBe(200);
    expect(transport.requests).toHaveLength(3);
  });

  it('is told what the client would decide without it', async () => {
    const seen: unknown[] = [];
    const { client, transport } = withFunctions([503, 401, 503, 200], {
      retryCondition: ({ config, response }, standard) => {
        seen.push([config?.method, response?.status, standard]);
        return standard || response?.status === 401;
      },
    });
    expect(await outcome(client.get('/'))).toMatchObject({ status: 503, attempts: 3 });
    expect(await outcome(client.post('/', {}))).toBe(200);
    expect(transport.requests).toHaveLength(4);
    expect(seen).toEqual([
      ['get', 503, true],
      ['get', 401, false],
    ]);
  });

  it('that says true repeats a POST', async () => {
    const { client, transport } = withFunctions([500, { error: 'ECONNRESET' }, 200], always);
    expect(await outcome(client.post('/', { a: 1 }))).toBe(200);
    expect(transport.requests.map(({ body }) => body)).toEqual(new Array(3).fill({ a: 1 }));
  });

  it('may answer later, and a promise of nothing means no', async () => {
    const later = withFunctions([500, 200], {
      retryCondition: () => new Promise((resolve) => setTimeout(resolve, 50, true)),
    });
    expect(await outcome(later.client.get('/'))).toBe(200);
    const nothing = withFunctions([500, 200], { retryCondition: (async () => {}) as never });
    expect(await outcome(nothing.client.post('/'))).toMatchObject({ status: 500, attempts: 1 });
  });

  it.each<[string, string, number]>([
    ['a POST', 'post', 1],
    ['a GET', 'get', 2],
  ])(
    "of axios-retry, which takes the code of an attempt's timeout for a network error, repeats %s %s %i times",
    async (_, method, times) => {
      const { client, transport } = withFunctions([{ delay: 3000 }, 200], {
        retryCondition: axiosRetry.isNetworkOrIdempotentRequestError,
      });
      await outcome(client.request({ method, url: '/' }));
      expect(transport.requests).toHaveLength(times);
    },
  );

  it('repeats a POST after a timeout where the call has an idempotency key', async () => {
    const { client, transport } = withFunctions([{ delay: 3000 }, 200], always);
    expect(await outcome(client.post('/', {}, { idempotencyKey: true }))).toBe(200);
    expect(transport.requests).toHaveLength(2);
  });

  it('is not asked about a body that can be read once, a call that has ended, or a refusal of the client itself', async () => {
    const asked = vi.fn(() => true);
    const functions = { retryCondition: asked };
    const streamed = withFunctions([503, 200], functions);
    expect(await outcome(streamed.client.put('/', Readable.from(['a'])))).toMatchObject({ status: 503, attempts: 1 });
    const late = withFunctions([{ delay: 3000 }], functions, { timeouts: { total: 1000 } });
    expect(await outcome(late.client.get('/'))).toMatchObject({ code: 'ERR_DEADLINE' });
    const open = withFunctions([200], functions);
    open.client.forceCircuit('open');
    expect(await outcome(open.client.get('/'))).toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
    expect(asked).not.toHaveBeenCalled();
  });

  it('is bound by maxRetries, the budget and the number of concurrent retries', async () => {
    const few = withFunctions([{ reply: 500 }], always, { retry: { maxRetries: 1, budget: false } });
    expect(await outcome(few.client.post('/'))).toMatchObject({ attempts: 2 });
    const poor = withFunctions([{ reply: 500 }], always, { retry: { budget: { ratio: 0, minPerSecond: 0 } } });
    expect(await outcome(poor.client.post('/'))).toMatchObject({ attempts: 1 });
    const none = withFunctions([{ reply: 500 }], always, { retry: { maxConcurrentRetries: 0, budget: false } });
    expect(await outcome(none.client.post('/'))).toMatchObject({ attempts: 1 });
  });

  it('reads the data of a failure as the caller would get it, and the caller gets it transformed once', async () => {
    const seen: unknown[] = [];
    const reply = { status: 409, data: '{"code":"busy"}' };
    const { client } = withFunctions([{ reply }], {
      retryCondition: ({ response }) => {
        seen.push((response?.data as { code?: string } | undefined)?.code);
        return true;
      },
    });
    const error = (await outcome(client.get('/'))) as AxiosError;
    expect(seen).toEqual(['busy', 'busy']);
    expect(error.response?.data).toEqual({ code: 'busy' });
    const runs = vi.fn((data: unknown) => `${data}!`);
    const plain = withFunctions([reply], { retryCondition: () => false });
    const own = (await outcome(plain.client.get('/', { transformResponse: runs }))) as AxiosError;
    expect([own.response?.data, runs.mock.calls.length]).toEqual(['{"code":"busy"}!', 1]);
  });

  it('that throws fails the call with its message', async () => {
    const { client } = withFunctions([{ error: 'ECONNRESET' }], {
      retryCondition: ({ response }) => (response as never as { status: number }).status === 503,
    });
    expect(await outcome(client.get('/'))).toMatchObject({ name: 'TypeError', attempts: 1 });
  });

  it('is not put the mistakes of a test', async () => {
    const asked = vi.fn(() => true);
    const { client } = withFunctions([200], { retryCondition: asked });
    await outcome(client.get('/'));
    expect(await outcome(client.get('/'))).toBeInstanceOf(Error);
    expect(asked).not.toHaveBeenCalled();
  });
});

describe('retryDelay', () => {
  async function waits(retryDelay: NonNullable<RetryDeps['retryDelay']>, headers?: Record<string, string>) {
    const seen: number[] = [];
    const { client } = withFunctions([{ reply: { status: 503, headers } } as never], { retryDelay });
    client.on('retry.scheduled', ({ waitMs }) => seen.push(waitMs));
    await outcome(client.get('/'));
    return seen;
  }

  it('takes the place of the backoff', async () => {
    expect(await waits((count, { response }) => count * 100 + (response?.status ?? 0))).toEqual([603, 703]);
    expect(await waits(axiosRetry.linearDelay(10))).toEqual([10, 20]);
  });

  it('waits no shorter than Retry-After asks', async () => {
    expect(await waits((count) => (count === 1 ? 10 : 3000), { 'retry-after': '1' })).toEqual([1000, 3000]);
  });

  it.each([-1, Number.NaN, undefined, '50'])('that returns %s waits for nothing', async (given) => {
    expect(await waits(() => given as number)).toEqual([0, 0]);
  });

  it.each([20_000, Number.POSITIVE_INFINITY, 2 ** 40])('of %d ms, beyond the deadline, is not begun', async (given) => {
    const { client } = withFunctions([503, 200], { retryDelay: () => given });
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(0);
    expect(await failed).toMatchObject({ status: 503, attempts: 1 });
  });
});

describe('onMaxRetryTimesExceeded', () => {
  it('is awaited where the call fails after its last retry, with the failure and the number of retries', async () => {
    const seen: unknown[] = [];
    const { client } = withFunctions([503, 503, 500, 503, 200, 404], {
      async onMaxRetryTimesExceeded({ response }, count) {
        await null;
        seen.push([response?.status, count]);
      },
    });
    expect(await outcome(client.get('/'))).toMatchObject({ status: 500, attempts: 3 });
    expect(seen).toEqual([[500, 2]]);
    expect(await outcome(client.get('/'))).toBe(200);
    expect(await outcome(client.get('/'))).toMatchObject({ status: 404 });
    expect(seen).toHaveLength(1);
  });

  it('may replace the failure by throwing', async () => {
    const { client } = withFunctions([{ reply: 503 }], {
      onMaxRetryTimesExceeded: () => {
        throw new RangeError('the upstream is down');
      },
    });
    expect(await outcome(client.get('/'))).toMatchObject({ message: 'the upstream is down', attempts: 3 });
  });
});

describe('validateResponse', () => {
  const unfinished: RetryDeps = {
    validateResponse: ({ data }) => data?.state !== 'pending',
    retryCondition: ({ response }, standard) => standard || response?.status === 200,
  };

  it('has a 200 retried whose body is not good, until it is', async () => {
    const { client } = withFunctions([{ data: { state: 'pending' } }, { data: { state: 'done' } }], unfinished);
    const answer = client.get('/');
    await vi.advanceTimersByTimeAsync(1000);
    expect((await answer).data).toEqual({ state: 'done' });
  });

  it('rejects a refused 200 with the response, transformed', async () => {
    const { client } = withFunctions([{ data: { state: 'pending' } }, 200], { validateResponse: () => false });
    const error = (await outcome(client.get('/'))) as AxiosError;
    expect(error).toMatchObject({ message: 'Request failed with status code 200', attempts: 1 });
    expect(error.response?.data).toEqual({ state: 'pending' });
    expect(client.stats().calls).toMatchObject({ succeeded: 0, failed: 1 });
    const { logger, lines } = collecting();
    const logged = scripted([200], {}, { logger, retry: { validateResponse: () => false } });
    await outcome(logged.client.get('/'));
    expect(lines.filter(({ level }) => level !== 'debug')).toMatchObject([
      { level: 'warn', fields: { 'error.type': 'ERR_BAD_RESPONSE', 'http.response.status_code': 200 } },
    ]);
  });

  it('takes the place of validateStatus, both ways', async () => {
    const { client, transport } = withFunctions([500, 503, 503, 503], {
      validateResponse: ({ status }) => status === 500,
    });
    expect(await outcome(client.get('/'))).toBe(500);
    expect(await outcome(client.get('/', { validateStatus: () => true }))).toMatchObject({ status: 503, attempts: 3 });
    expect(transport.requests).toHaveLength(4);
  });

  it('null on a call leaves the decision to validateStatus', async () => {
    const { client } = withFunctions([{ reply: 200 }], { validateResponse: () => false });
    expect(await outcome(client.get('/', { retry: { validateResponse: null } }))).toBe(200);
  });

  it('of client.fetch decides about retries only: an answer resolves', async () => {
    const { client, transport } = withFunctions([202, 202, { status: 202, data: 'still' } as never], {
      validateResponse: ({ status }) => status === 200,
      retryCondition: () => true,
    });
    const answer = client.fetch('/');
    await vi.advanceTimersByTimeAsync(1000);
    const response = await answer;
    expect([response.status, await response.text(), transport.requests.length]).toEqual([202, 'still', 3]);
  });

  it('that throws fails the call', async () => {
    const { client } = withFunctions([200], {
      validateResponse: () => {
        throw new Error('broken');
      },
    });
    expect(await outcome(client.get('/'))).toMatchObject({ message: 'broken', attempts: 1 });
  });
});

it.each<[string, RetryDeps]>([
  ['retryDelay', { retryDelay: (() => Promise.reject(new Error('later'))) as never }],
  ['validateResponse', { validateResponse: (() => Promise.reject(new Error('later'))) as never }],
])('%s that answers with a promise fails the call, as it has to answer at once', async (name, functions) => {
  const { client } = withFunctions([503, 200], functions);
  expect(await outcome(client.get('/'))).toMatchObject({ name: 'TypeError', message: expect.stringContaining(name) });
});

describe('the functions', () => {
  const log: string[] = [];
  const noting = (name: string): RetryDeps => ({ onRetry: () => void log.push(name) });

  it('of a call go before those of the client, one by one', async () => {
    log.length = 0;
    const { client } = withFunctions([500, 200, 500, 200], { ...noting('client'), retryCondition: () => true });
    await outcome(client.get('/', { retry: noting('call') }));
    await outcome(client.get('/'));
    expect(log).toEqual(['call', 'client']);
  });

  it('of a call are not called where the call says retry: false', async () => {
    const { client } = withFunctions([500, 200], { retryCondition: () => true, validateResponse: () => false });
    expect(await outcome(client.get('/', { retry: false }))).toMatchObject({ status: 500, attempts: 1 });
  });

  it('survive an update, and the state of the policy with them', async () => {
    log.length = 0;
    const { client } = withFunctions([503, 200, 503, 200], noting('kept'));
    await outcome(client.get('/'));
    client.update({ baseURL, retry: { budget: false }, tracing: false });
    expect(client.stats().policies.retry).toMatchObject({ calls: 0, retries: 0 });
    client.update({ baseURL, retry: { budget: false, maxRetries: 1 } });
    await outcome(client.get('/'));
    expect(log).toEqual(['kept', 'kept']);
  });

  it('work in the policy alone, in a registry and behind an axios instance', async () => {
    log.length = 0;
    const { next } = alone(503, 200);
    await ended(retry(noting('alone'))(next)(aRequest()));
    const deps = (name: string) => ({
      logger: silent,
      random: () => 0,
      transport: createMockTransport([503, 200]),
      retry: noting(name),
    });
    await outcome(
      loadHttpClients({ clients: { a: { baseURL } } }, deps('registry'))
        .get('a')
        .get('/'),
    );
    const instance = axios.create({ baseURL });
    usePolicies(instance, {}, deps('instance'));
    await outcome(instance.get('/'));
    expect(log).toEqual(['alone', 'registry', 'instance']);
  });

  it('are not looked for on a polluted prototype', async () => {
    const polluted = Object.prototype as { retryCondition?: unknown; validateResponse?: unknown };
    const asked = vi.fn(() => true);
    Object.assign(polluted, { retryCondition: asked, validateResponse: asked });
    try {
      const { client } = scripted([500, 500]);
      await outcome(client.post('/'));
      await outcome(client.post('/', {}, { retry: { maxRetries: 1 } }));
    } finally {
      delete polluted.retryCondition;
      delete polluted.validateResponse;
    }
    expect(asked).not.toHaveBeenCalled();
  });

  it.each<[object, string]>([
    [{ onRetry: 3 }, 'deps.retry.onRetry'],
    [{ retries: 3 }, 'deps.retry.retries'],
    [{ onRetyr: () => {} }, 'deps.retry.onRetyr'],
  ])('are checked: %j', (given, path) => {
    const made = () => createHttpClient({}, { retry: given as never });
    expect(made).toThrow(expect.objectContaining({ code: 'ERR_CONFIG', faults: [expect.objectContaining({ path })] }));
  });

  it('in the configuration are refused with the place where they belong', () => {
    const made = () => createHttpClient({ retry: { retryCondition: () => true } as never });
    expect(made).toThrow(
      'retry.retryCondition: unknown option: it is code and not configuration, pass it as deps.retry.retryCondition',
    );
  });
});
