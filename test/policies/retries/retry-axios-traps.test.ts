/** What axios-retry does when it is installed the usual way, measured; here each of it must not happen. */
import { getEventListeners } from 'node:events';
import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import axios, { type AxiosAdapter, AxiosError, AxiosHeaders, type AxiosRequestConfig } from 'axios';
import type { Policy } from 'pillion';
import { createMockTransport, holdReply } from 'pillion/testing';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { retryAfterOf } from '../../../src/call/retry-after.js';
import { baseURL, clientOver, rejection, scripted } from '../../support/client.js';

const twoFailures = [503, { error: 'ECONNRESET' }, { data: { n: 1 } }];

afterEach(() => {
  vi.useRealTimers();
});

describe('interceptors and transforms', () => {
  it('of requests run once a call: a header that one appends to does not grow', async () => {
    const { client, transport } = scripted(twoFailures);
    let runs = 0;
    client.interceptors.request.use((config) => {
      runs++;
      config.headers.set('x-trail', `${config.headers.get('x-trail') ?? ''}a`);
      return config;
    });
    await client.get('/');
    expect(runs).toBe(1);
    expect(transport.requests.map(({ headers }) => headers['x-trail'])).toEqual(['a', 'a', 'a']);
  });

  it('of responses run once a call and see no failure that was retried', async () => {
    const { client } = scripted(twoFailures);
    const seen: string[] = [];
    client.interceptors.response.use(
      (response) => {
        seen.push(`success ${response.status}`);
        return response;
      },
      (error) => {
        seen.push('failure');
        throw error;
      },
    );
    await client.get('/');
    expect(seen).toEqual(['success 200']);
  });

  it('of responses see one failure where retries run out', async () => {
    const { client } = scripted([{ reply: 503 }]);
    let failures = 0;
    client.interceptors.response.use(undefined, (error) => {
      failures++;
      throw error;
    });
    await rejection(client.get('/'));
    expect(failures).toBe(1);
  });

  it('may unwrap the response', async () => {
    const { client } = scripted(twoFailures);
    client.interceptors.response.use((response) => response.data);
    expect(await client.get('/')).toEqual({ n: 1 });
  });

  it('may spread the body they were given: it is never a string yet', async () => {
    const { client, transport } = scripted(twoFailures);
    client.interceptors.request.use((config) => ({ ...config, data: { ...config.data, stamped: true } }));
    await client.put('/', { amount: 1 });
    expect(transport.requests.map(({ body }) => body)).toEqual(new Array(3).fill({ amount: 1, stamped: true }));
  });

  it('transform request and response once, with three identical bodies on the wire', async () => {
    const runs = { request: 0, response: 0 };
    const { client, transport } = scripted(twoFailures);
    await client.put(
      '/',
      { text: '"quoted"' },
      {
        headers: { 'Content-Type': 'application/json' },
        transformRequest: [
          (data) => {
            runs.request++;
            return JSON.stringify(data);
          },
        ],
        transformResponse: [
          (data) => {
            runs.response++;
            return data;
          },
        ],
      },
    );
    expect(runs).toEqual({ request: 1, response: 1 });
    expect(transport.requests.map(({ body }) => body)).toEqual(new Array(3).fill({ text: '"quoted"' }));
  });

  it('serialise a body once: no string within a string', async () => {
    const bodies: unknown[] = [];
    const wire: AxiosAdapter = async (config) => {
      bodies.push(config.data);
      return { status: 503, statusText: '', data: '', headers: {}, config };
    };
    const client = clientOver(wire);
    await rejection(client.put('/', { amount: 1 }));
    expect(bodies).toEqual(new Array(3).fill('{"amount":1}'));
  });
});

describe('a body', () => {
  it('that is a stream is sent once, not an empty one the second time', async () => {
    const { client, transport } = scripted([503, 200]);
    await rejection(client.put('/', Readable.from(['content'])));
    expect(transport.requests).toHaveLength(1);
  });

  it('that is a FormData is sent again, with its fields', async () => {
    const { client, transport } = scripted(twoFailures);
    const form = new FormData();
    form.set('name', 'value');
    await client.put('/', form);
    expect(transport.requests.map(({ body }) => (body as FormData).get('name'))).toEqual(new Array(3).fill('value'));
  });
});

describe('the request', () => {
  it('has the same headers, params and options on every attempt', async () => {
    const { client, transport } = scripted(twoFailures);
    await client.get('/list?a=1', { params: { b: [1, 2] }, headers: { Authorization: 'Bearer x', 'X-Own': '1' } });
    const [first, ...others] = transport.requests;
    expect(decodeURI(first?.url ?? '')).toBe(`${baseURL}/list?a=1&b[]=1&b[]=2`);
    expect(first?.headers).toMatchObject({ authorization: 'Bearer x', 'x-own': '1' });
    for (const { url, headers } of others) {
      expect(url).toBe(first?.url);
      expect(headers).toEqual(first?.headers);
    }
  });

  // Tracing copies headers too, so it could hide that retry does not.
  it.each([
    ['on', {}],
    ['off', { tracing: false }],
  ] as const)(
    'has headers of its own on each attempt, tracing %s: what a wire sets is not on the next',
    async (_, off) => {
      const seen: unknown[] = [];
      const wire: AxiosAdapter = async (config) => {
        seen.push(config.headers.get('X-Set-By-Wire'));
        config.headers.set('X-Set-By-Wire', 'yes');
        config.headers.set('Content-Length', '1');
        return { status: 503, statusText: '', data: '', headers: {}, config };
      };
      const client = clientOver(wire, off);
      const headers = new AxiosHeaders({ 'X-Own': '1' });
      await rejection(client.get('/', { headers }));
      expect(seen).toEqual([undefined, undefined, undefined]);
      expect(headers.toJSON()).toEqual({ 'X-Own': '1' });
    },
  );

  it('keeps its agents on every attempt', async () => {
    const agent = new Agent();
    const seen: unknown[] = [];
    const wire: AxiosAdapter = async (config) => {
      seen.push(config.httpAgent);
      return { status: 503, statusText: '', data: '', headers: {}, config };
    };
    const client = clientOver(wire);
    await rejection(client.get('/', { httpAgent: agent }));
    expect(seen).toEqual([agent, agent, agent]);
    const byDefault = clientOver(wire, {}, { axios: { httpAgent: agent } });
    await rejection(byDefault.get('/'));
    expect(seen.slice(3)).toEqual([agent, agent, agent]);
  });
});

describe('a timeout', () => {
  it('of an attempt is retried for a GET, and never for a POST, clarified or not', async () => {
    for (const clarifyTimeoutError of [false, true]) {
      const transitional = { clarifyTimeoutError };
      const { client, transport } = scripted([{ reply: 'hang' }], { timeouts: { attempt: 10 } });
      await rejection(client.get('/', { transitional }));
      expect(transport.requests).toHaveLength(3);
      await rejection(client.post('/', {}, { transitional }));
      expect(transport.requests).toHaveLength(4);
    }
  });

  it("that axios's own adapter reports as ETIMEDOUT does not repeat a POST", async () => {
    const { client, transport } = scripted([{ reply: { error: 'ETIMEDOUT' } }]);
    await rejection(client.post('/', {}, { transitional: { clarifyTimeoutError: true } }));
    expect(transport.requests).toHaveLength(1);
  });

  it("in the caller's config is not written to", async () => {
    const { client } = scripted([{ reply: 503 }]);
    const config: AxiosRequestConfig = { timeout: 5000 };
    const error = await rejection(client.get('/', config));
    expect(config).toEqual({ timeout: 5000 });
    expect(error.config).toMatchObject({ timeout: 5000 });
  });
});

describe('what counts as a network failure', () => {
  it('is not a POST on ECONNRESET', async () => {
    const { client, transport } = scripted([{ error: 'ECONNRESET' }, 200]);
    await rejection(client.post('/', {}));
    expect(transport.requests).toHaveLength(1);
  });

  it.each(['ERR_BAD_REQUEST', 'ERR_INVALID_URL', 'ERR_BAD_OPTION_VALUE', 'ERR_TLS_CERT_ALTNAME_INVALID', 'MADE_UP'])(
    'does not include %s, after which nothing is repeated',
    async (error) => {
      const { client, transport } = scripted([{ error }, 200]);
      await rejection(client.get('/'));
      expect(transport.requests).toHaveLength(1);
    },
  );

  it.each(['ENOTFOUND', 'ENETUNREACH'])('is %s too', async (error) => {
    const { client } = scripted([{ error }, 200]);
    expect((await client.get('/')).status).toBe(200);
  });
});

describe("the kernel's connect timeout", () => {
  const one = () => Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT', syscall: 'connect' });
  const several = () => Object.assign(new AggregateError([one(), one()]), { code: 'ETIMEDOUT' });

  it.each<[string, () => Error]>([
    ['to one address', one],
    ['to each of several addresses', several],
  ])('%s, wrapped by axios, means that nothing was sent: even a POST is repeated', async (_, cause) => {
    const { client, transport } = scripted([
      () => {
        throw AxiosError.from(cause());
      },
      201,
    ]);
    expect((await client.post('/', {})).status).toBe(201);
    expect(transport.requests).toHaveLength(2);
  });
});

describe('an abort in a wait', () => {
  const config = { retry: { backoff: { base: 5000, max: 5000 } } };

  it.each(['signal', 'cancelToken'])('by %s ends it at once: nothing more is sent, no timer is left', async (means) => {
    vi.useFakeTimers();
    const { client, transport } = scripted([503, 200], config, { random: () => 0.9 });
    const controller = new AbortController();
    const source = axios.CancelToken.source();
    const failed = rejection(client.get('/', { signal: controller.signal, cancelToken: source.token }));
    await vi.advanceTimersByTimeAsync(100);
    expect(client.stats().policies.retry).toMatchObject({ active: 1 });
    if (means === 'signal') controller.abort();
    else source.cancel();
    expect(await failed).toMatchObject({ code: 'ERR_CANCELED', attempts: 1 });
    expect(vi.getTimerCount()).toBe(0);
    expect(client.stats().policies.retry).toMatchObject({ active: 0 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(transport.requests).toHaveLength(1);
  });
});

describe('Retry-After', () => {
  it('as an asctime date, the third form of RFC 9110, is GMT wherever the process runs', () => {
    vi.stubEnv('TZ', 'America/New_York');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const now = Date.parse('2026-11-23T12:00:00Z');
    expect(retryAfterOf({ 'retry-after': 'Mon Nov 23 12:00:30 2026' }, now)).toBe(30_000);
    expect(retryAfterOf({ 'retry-after': 'Mon, 23 Nov 2026 12:00:30 GMT' }, now)).toBe(30_000);
  });
});

describe('a refusal of our own', () => {
  const on = ['5xx', 'gateway-error', 'reset', 'connect-failure', 'refused-stream', 'retriable-4xx'] as const;

  it('by limits is never retried', async () => {
    const held = holdReply();
    const limits = { maxRequests: 1, maxPendingRequests: 0 };
    const { client, transport } = scripted([held], { limits, retry: { on: [...on] } });
    const scheduled: unknown[] = [];
    client.on('retry.scheduled', (event) => scheduled.push(event));
    const running = client.get('/');
    await held.arrived;
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'ERR_LIMIT', attempts: 0 });
    held.reply(200);
    await running;
    expect(scheduled).toEqual([]);
    expect(transport.requests).toHaveLength(1);
  });
});

describe('validateStatus', () => {
  it('of a wire that does not apply it changes nothing', async () => {
    let calls = 0;
    const wire: AxiosAdapter = async (config) => {
      const status = ++calls < 3 ? 503 : 200;
      return { status, statusText: '', data: '', headers: {}, config };
    };
    const client = clientOver(wire);
    expect((await client.get('/')).status).toBe(200);
    expect(calls).toBe(3);
  });

  it.each<[string, AxiosRequestConfig['validateStatus']]>([
    ['() => true', () => true],
    ['null', null],
  ])('%s still retries, and the caller gets the last response', async (_, validateStatus = null) => {
    const { client, transport } = scripted([503, 502, { status: 504, data: { last: true } }]);
    const response = await client.get('/', { validateStatus });
    expect(response).toMatchObject({ status: 504, data: { last: true } });
    expect(transport.requests).toHaveLength(3);
  });
});

describe('the count of retries', () => {
  it('does not travel with a response.config that is sent again', async () => {
    const { client, transport } = scripted([503, 503, 200, 503, 503, 200]);
    const { config } = await client.get('/');
    expect((await client.request(config)).status).toBe(200);
    expect(transport.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it('does not travel with an error.config that is sent again', async () => {
    const { client, transport } = scripted([503, 503, 503, 503, 503, 200]);
    const { config } = await rejection(client.get('/'));
    expect((await client.request(config as AxiosRequestConfig)).status).toBe(200);
    expect(transport.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it("does not stay in the caller's own config", async () => {
    const { client, transport } = scripted([{ reply: 503 }]);
    const config = Object.freeze({ params: { a: 1 } });
    await rejection(client.get('/', config));
    await rejection(client.get('/', config));
    expect(transport.requests).toHaveLength(6);
  });

  it('does not multiply in an instance made of the client', async () => {
    const { client, transport } = scripted([{ reply: 503 }]);
    await rejection(client.create().create().get('/'));
    expect(transport.requests).toHaveLength(3);
  });

  it('is that of an axios-retry option nowhere: the client does not read it', async () => {
    const { client, transport } = scripted([{ reply: 503 }]);
    await rejection(client.get('/', { 'axios-retry': { retries: 9 } } as AxiosRequestConfig));
    expect(transport.requests).toHaveLength(3);
  });

  it('of 0 reports no exhausted retries, on a 404 or on a 503', async () => {
    const { client } = scripted([404, 503], { retry: { maxRetries: 0 } });
    const reasons: string[] = [];
    client.on('retry.refused', ({ reason }) => reasons.push(reason));
    await rejection(client.get('/'));
    await rejection(client.get('/'));
    expect(reasons).toEqual([]);
  });
});

describe('nothing is left behind', () => {
  it('on a signal that outlives the call', async () => {
    const { signal } = new AbortController();
    const { client } = scripted([503, 503, 200, 503, 503, 503]);
    await client.get('/', { signal });
    await rejection(client.get('/', { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('on a cancelToken that outlives the call', async () => {
    const { token } = axios.CancelToken.source();
    const { client } = scripted([503, 503, 200]);
    await client.get('/', { cancelToken: token });
    expect((token as unknown as { _listeners?: unknown[] })._listeners ?? []).toHaveLength(0);
  });

  it('of a wait when the client is closed: the call ends and no timer is left', async () => {
    vi.useFakeTimers();
    const backoff = { base: 5000, max: 5000 };
    const { client, transport } = scripted([503, 200], { retry: { backoff } }, { random: () => 0.9 });
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(100);
    const closed = client.close({ grace: 0 });
    await vi.advanceTimersByTimeAsync(10);
    await closed;
    expect(await failed).toMatchObject({ code: 'ERR_CLOSED', attempts: 1 });
    expect(vi.getTimerCount()).toBe(0);
    expect(transport.requests).toHaveLength(1);
  });
});

describe('what axios-retry leaves out', () => {
  it('runs each perCall policy once for a call and each perAttempt policy once for an attempt', async () => {
    const runs: string[] = [];
    const noting =
      (name: string): Policy =>
      (next) =>
      (request) => {
        runs.push(name);
        return next({ ...request, headers: AxiosHeaders.from({ ...request.headers, [name]: String(runs.length) }) });
      };
    const transport = createMockTransport([...twoFailures]);
    const client = clientOver(transport, {}, { perCall: [noting('call')], perAttempt: [noting('attempt')] });
    await client.get('/');
    expect(runs).toEqual(['call', 'attempt', 'attempt', 'attempt']);
    expect(transport.requests.map(({ headers }) => [headers.call, headers.attempt])).toEqual([
      ['1', '2'],
      ['1', '3'],
      ['1', '4'],
    ]);
  });

  it('is there: a header that counts attempts', async () => {
    const { client, transport } = scripted(twoFailures, { tracing: { attemptCountHeader: 'x-attempt' } });
    await client.get('/');
    expect(transport.requests.map(({ headers }) => headers['x-attempt'])).toEqual(['1', '2', '3']);
  });
});
