import { inspect } from 'node:util';
import axios, {
  type AxiosAdapter,
  AxiosError,
  type AxiosInstance,
  type AxiosRequestConfig,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';
import { createHttpClient, ErrorCode, type HttpClientConfig, PillionError } from 'pillion';
import { createMockTransport, type Script } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, rejection, scripted, silent } from '../support/client.js';
import { fakeTimers } from '../support/clock.js';
import { leaksOf } from './planted.js';

fakeTimers();

async function failing(script: Script, config: HttpClientConfig = {}, options = {}) {
  const { client } = scripted(script, config);
  const failed = rejection(client.put('/path?secret=1', { a: 1 }, { headers: { 'x-a': '1' }, ...options }));
  await vi.runAllTimersAsync();
  return failed;
}

describe('the codes', () => {
  it('are stable: users match on them', () => {
    expect(ErrorCode).toMatchInlineSnapshot(`
      {
        "ATTEMPT_TIMEOUT": "ERR_ATTEMPT_TIMEOUT",
        "BODY_USED": "ERR_BODY_USED",
        "CIRCUIT_OPEN": "ERR_CIRCUIT_OPEN",
        "CLOSED": "ERR_CLOSED",
        "CONFIG": "ERR_CONFIG",
        "CONNECT_TIMEOUT": "ERR_CONNECT_TIMEOUT",
        "DEADLINE": "ERR_DEADLINE",
        "HTTP2_UNSUPPORTED": "ERR_HTTP2_UNSUPPORTED",
        "INVALID_URL": "ERR_INVALID_URL",
        "LIMIT": "ERR_LIMIT",
        "NO_ENDPOINT": "ERR_NO_ENDPOINT",
        "ORIGIN": "ERR_ORIGIN_NOT_ALLOWED",
        "RATE_LIMITED": "ERR_RATE_LIMITED",
        "TLS_IDENTITY": "ERR_TLS_IDENTITY",
        "UNKNOWN_CLIENT": "ERR_UNKNOWN_CLIENT",
      }
    `);
  });

  it('are each made by PillionError, an AxiosError', () => {
    for (const code of Object.values(ErrorCode)) {
      const error = new PillionError(code, 'why');
      expect(error).toBeInstanceOf(AxiosError);
      expect(error).toBeInstanceOf(Error);
      expect(isAxiosError(error)).toBe(true);
      expect(error).toMatchObject({ name: 'PillionError', code, message: 'why' });
    }
  });
});

describe('an error', () => {
  it.each<[string, Script, HttpClientConfig, object]>([
    ['of a status', [404], {}, { code: 'ERR_BAD_REQUEST', status: 404, attempts: 1 }],
    ['of a status after retries', [503, 503, 502], {}, { code: 'ERR_BAD_RESPONSE', status: 502, attempts: 3 }],
    ['of the network', [{ reply: { error: 'ECONNRESET' } }], {}, { code: 'ECONNRESET', attempts: 3 }],
    ['of an attempt timeout', [{ reply: 'hang' }], {}, { code: 'ERR_ATTEMPT_TIMEOUT', attempts: 3 }],
    ['of the deadline', ['hang'], { timeouts: { total: 50 } }, { code: 'ERR_DEADLINE', attempts: 1 }],
  ])('%s says what was asked, how often and what came of it', async (_, script, config, expected) => {
    const error = await failing(script, config);
    expect(isAxiosError(error)).toBe(true);
    expect(error).toMatchObject({ ...expected, method: 'PUT', url: `${baseURL}/path?secret=REDACTED` });
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      ...expected,
      message: error.message,
      method: 'PUT',
      url: `${baseURL}/path?secret=REDACTED`,
      stack: expect.stringContaining('Error'),
    });
  });

  it('keeps config, request and response for code to read', async () => {
    const error = await failing([{ status: 409, data: { why: 'version' }, headers: { etag: '"2"' } }]);
    if (!isAxiosError(error)) throw error;
    expect(error.config?.headers.get('x-a')).toBe('1');
    expect(error.config?.data).toBe('{"a":1}');
    expect(error.request).toBeDefined();
    expect(error.response).toMatchObject({ status: 409, data: { why: 'version' }, config: error.config });
    expect(error.response?.headers.etag).toBe('"2"');
    const { config, response } = error;
    expect([config, response]).toEqual([error.config, error.response]);
  });

  it('has them by `in` and by matchers as ever, and what it does not have, it has not', async () => {
    const [answered, lost] = [await failing([409]), await failing([{ reply: { error: 'ECONNRESET' } }])];
    expect(answered).toMatchObject({ response: { status: 409 }, config: { url: '/path?secret=1' } });
    expect(answered).toHaveProperty('response.status', 409);
    expect(['config' in lost, 'response' in answered, 'response' in lost]).toEqual([true, true, false]);
  });

  it('gives its copy all that it has, as with axios', async () => {
    const error = await failing([{ status: 409, data: { why: 'version' }, headers: { etag: '"2"' } }]);
    const copies = [{ ...error }, Object.assign(new Error('mine'), error), Object.fromEntries(Object.entries(error))];
    for (const copy of copies as Partial<typeof error>[]) {
      expect(copy).toMatchObject({ code: 'ERR_BAD_REQUEST', status: 409, attempts: 1, method: 'PUT' });
      expect(copy.response).toMatchObject({ status: 409, data: { why: 'version' }, headers: { etag: '"2"' } });
      expect(copy.config).toMatchObject({ url: '/path?secret=1', data: '{"a":1}', headers: { 'x-a': '1' } });
      expect((copy as { request?: object }).request).toBe(error.request);
      expect((copy.response as { config?: object }).config).toBe(copy.config);
    }
    const lost = { ...(await failing([{ reply: { error: 'ECONNRESET' } }])) };
    expect(['config' in lost, 'response' in lost]).toEqual([true, false]);
  });

  it('has parts that code may copy, change and walk over', async () => {
    const error = await failing([{ status: 409, data: { why: 'version' } }]);
    if (!isAxiosError(error) || error.response === undefined || error.config === undefined) throw error;
    expect({ ...error.response }).toMatchObject({ status: 409, data: { why: 'version' } });
    expect(Object.keys(error.config)).toEqual(expect.arrayContaining(['url', 'method', 'data', 'headers']));
    expect(Object.entries(error.response)).toContainEqual(['status', 409]);
    error.response.data = 'other';
    Object.assign(error.config, { retried: true });
    Reflect.deleteProperty(error.config, 'params');
    Object.defineProperty(error.config, 'mark', { value: 1, enumerable: false });
    expect({ ...error }).toMatchObject({ response: { data: 'other' }, config: { retried: true, mark: 1 } });
    expect(Object.keys(error.config)).not.toContain('mark');
    expect(error.config.headers).toBeInstanceOf(axios.AxiosHeaders);
  });

  it.each<[string, (config: object, client: AxiosInstance) => Promise<unknown>]>([
    ['itself', (config, client) => client.request(config)],
    [
      'as a copy with a header',
      (config, client) =>
        client.request({ ...config, headers: { ...(config as AxiosRequestConfig).headers, token: 'new' } } as object),
    ],
    ['as a copy by its URL', (config, client) => client('/path?secret=1', { ...config })],
    ['by an axios without policies', (config) => axios.create().request({ ...config })],
  ])('has a config that is sent again %s, with its body', async (_, send) => {
    const { client, transport } = scripted([401, 200]);
    const failed = rejection(client.put('/path?secret=1', { a: 1 }, { headers: { 'x-a': '1' } }));
    await vi.runAllTimersAsync();
    const answer = send({ ...(await failed) }.config as object, client);
    await vi.runAllTimersAsync();
    await answer;
    expect(transport.requests[1]).toMatchObject({ method: 'PUT', body: { a: 1 }, headers: { 'x-a': '1' } });
  });

  it('shows of its parts, and of those of a copy, no more than method and status', async () => {
    const error = await failing([{ status: 409, statusText: 'Conflict', data: { why: 'version' } }]);
    const shown = { config: { method: 'put' }, response: { status: 409, statusText: 'Conflict' } };
    expect(JSON.parse(JSON.stringify({ ...error }))).toMatchObject(shown);
    expect(inspect({ ...error }, { depth: 10 })).toContain("config: { method: 'put' }");
    expect(inspect(error.config)).toBe("{ method: 'put' }");
    expect(inspect(error.response)).toBe("{ status: 409, statusText: 'Conflict' }");
  });

  it('leaves an SDK its own `attempts`', async () => {
    class WithGetter extends AxiosError {}
    Object.defineProperty(WithGetter.prototype, 'attempts', { get: () => 7 });
    class WithField extends AxiosError {
      override attempts = 7;
    }
    for (const made of [new WithGetter('x', 'ECONNRESET'), new WithField('x', 'ECONNRESET')]) {
      const client = createHttpClient({ baseURL }, { logger: silent, transport: () => Promise.reject(made) });
      const error = await rejection(client.post('/', {}));
      expect([error, error.attempts]).toEqual([made, 7]);
    }
    const error = await failing([409]);
    Object.assign(error, { attempts: 7 });
    expect({ ...error }).toMatchObject({ attempts: 7 });
  });

  it('counts the attempts of the outer call where a client is the transport of another', async () => {
    const inner = createHttpClient(
      { baseURL, retry: false },
      { logger: silent, transport: createMockTransport([{ reply: 503 }]) },
    );
    const transport = inner.defaults.adapter as AxiosAdapter;
    const outer = createHttpClient({ baseURL }, { logger: silent, transport, random: () => 0 });
    const failed = rejection(outer.get('/'));
    await vi.runAllTimersAsync();
    expect(await failed).toMatchObject({ status: 503, attempts: 3 });
  });

  it('takes what is set on it later', async () => {
    const error = await failing([409]);
    const config = { url: '/other' } as never;
    Object.assign(error, { config, note: 'mine' });
    expect(error).toMatchObject({ config: { url: '/other' }, note: 'mine' });
    expect(leaksOf(error)).toEqual([]);
  });

  it('that a transport has frozen comes with its config, method and attempts all the same', async () => {
    const transport = (request: InternalAxiosRequestConfig) =>
      Promise.reject(Object.freeze(new AxiosError('gone', 'ECONNRESET', request)));
    const client = createHttpClient({ baseURL, retry: false }, { logger: silent, transport });
    const error = await rejection(client.get('/', { headers: { 'x-a': '1' } }));
    expect(error).toBeInstanceOf(AxiosError);
    expect(error).toMatchObject({ code: 'ECONNRESET', message: 'gone', method: 'GET', attempts: 1 });
    expect(error).toHaveProperty(['config', 'headers', 'x-a'], '1');
    expect(error.stack).toContain('gone');
  });

  it('that has nothing to hide stays equal to others of its class', async () => {
    const transport = () => Promise.reject(AxiosError.from(new RangeError('boom'), 'ERR_X'));
    const client = createHttpClient({ baseURL, logging: false }, { transport });
    expect((await rejection(client.get('/'))).cause).toEqual(new RangeError('boom'));
  });

  it('keeps its cause', async () => {
    const cause = new Error('socket hang up');
    const transport = () => Promise.reject(AxiosError.from(cause, 'ERR_X'));
    const client = createHttpClient({ baseURL, logging: false }, { transport });
    expect((await rejection(client.get('/'))).cause).toBe(cause);
  });

  it('that an interceptor sees is the one the caller gets', async () => {
    const { client } = scripted([404]);
    let seen: unknown;
    client.interceptors.response.use(undefined, (error) => {
      seen = error;
      throw error;
    });
    expect(await rejection(client.get('/'))).toBe(seen);
  });

  it('says when to ask again where a circuit is open', async () => {
    const { client } = scripted([503], { retry: false, circuitBreaker: { volumeThreshold: 1 } });
    await rejection(client.get('/'));
    const error = await rejection(client.get('/'));
    expect(error).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', attempts: 0 });
    expect(error.retryAfter).toSatisfy((ms: number) => ms > 0 && ms <= 5000);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ retryAfter: error.retryAfter });
  });

  it('names the client, so that a service with ten of them knows which', async () => {
    const named = { name: 'billing', retry: false } as const;
    expect((await failing(['hang'], named)).message).toMatch(/^billing: /);
    expect((await failing(['hang'], { ...named, timeouts: { total: 1 } })).message).toMatch(/^billing: /);
  });

  it('refused before anything was sent is an AxiosError too, with its config', async () => {
    for (const url of ['http://other.test/', '/a\nb']) {
      const { client, transport } = scripted([]);
      const error = await rejection(client.get(url));
      expect(isAxiosError(error)).toBe(true);
      expect(error.config).toMatchObject({ url });
      expect(transport.requests).toEqual([]);
    }
  });

  it('of a body that is no JSON says so, and keeps the body for code to read', async () => {
    const options = { responseType: 'json', transitional: { silentJSONParsing: false } };
    const error = await failing([{ data: 'nonsense' }], {}, options);
    expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', status: 200 });
    expect(error.message).toMatch(/JSON/);
    expect(error.response).toMatchObject({ data: 'nonsense' });
  });
});

describe('a cancellation', () => {
  it.each([
    ['beforehand', true],
    ['meanwhile', false],
  ])('%s is one for axios.isCancel, and prints nothing of the call', async (_, beforehand) => {
    const controller = new AbortController();
    const transport = createMockTransport(['hang']);
    const client = createHttpClient({ baseURL }, { logger: silent, transport });
    if (beforehand) controller.abort();
    const failed = rejection(client.get('/', { signal: controller.signal, headers: { authorization: 'hidden' } }));
    await vi.advanceTimersByTimeAsync(1);
    controller.abort();
    const error = await failed;
    expect(axios.isCancel(error)).toBe(true);
    expect(isAxiosError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'ERR_CANCELED', name: 'CanceledError' });
    expect(JSON.stringify(error)).not.toContain('hidden');
  });

  it('by AbortSignal.timeout can be told from one by a user, by its cause', async () => {
    vi.useRealTimers();
    const { client } = scripted(['hang']);
    const error = await rejection(client.get('/', { signal: AbortSignal.timeout(5) }));
    expect(error.cause).toMatchObject({ name: 'TimeoutError' });
  });

  it('and every other error are told apart', async () => {
    expect(axios.isCancel(await failing([404]))).toBe(false);
    expect(axios.isCancel(await failing([{ reply: 'hang' }]))).toBe(false);
  });
});
