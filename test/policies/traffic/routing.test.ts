/** routes: which calls get which options, what overrides them, and what all routes of a client share. */
import type { HttpClientConfig } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

type Routes = NonNullable<HttpClientConfig['routes']>;

const failing = (routes: Routes, config: HttpClientConfig = {}) =>
  scripted([{ reply: 503 }], { routes, circuitBreaker: false, ...config });

const reports = { match: { path: { prefix: '/reports' } } };

describe('routes', () => {
  it('the first route that matches applies, and calls that none matches have the options of the client', async () => {
    const { client, transport } = failing(
      [
        { match: { path: { exact: '/reports/1' } }, retry: false },
        { ...reports, retry: { maxRetries: 2 } },
        { match: { methods: ['put'], path: { regex: '^/v\\d+/' } }, retry: { maxRetries: 3 } },
      ],
      { retry: { maxRetries: 1, budget: false } },
    );
    const attempts = async (method: 'get' | 'put', path: string) => {
      const before = transport.requests.length;
      await rejection(client[method](path));
      return transport.requests.length - before;
    };
    expect(await attempts('get', '/reports/1')).toBe(1);
    expect(await attempts('get', '/reports/2?a=/v1/')).toBe(3);
    expect(await attempts('put', '/v2/x')).toBe(4);
    expect(await attempts('get', '/v2/x')).toBe(2);
    expect(await attempts('get', '/')).toBe(2);
  });

  it('a route retries what it names, also where the client retries nothing', async () => {
    const { client, transport } = failing([{ ...reports, retry: { on: ['5xx'] } }], { retry: false });
    await rejection(client.get('/reports'));
    expect(transport.requests).toHaveLength(3);
    await rejection(client.get('/other'));
    expect(transport.requests).toHaveLength(4);
  });

  it('a route that only says how often has the default conditions where the client retries nothing', async () => {
    const { client, transport } = failing([{ ...reports, retry: { maxRetries: 3 } }], { retry: false });
    await rejection(client.get('/reports'));
    expect(transport.requests).toHaveLength(4);
    await rejection(client.get('/other'));
    expect(transport.requests).toHaveLength(5);
  });

  it('options of the call override those of its route, and keep the rest', async () => {
    const { client, transport } = failing([{ ...reports, retry: { maxRetries: 3, on: [503] } }], {
      retry: { on: ['connect-failure'], budget: false },
    });
    await rejection(client.get('/reports', { retry: { maxRetries: 1 } }));
    expect(transport.requests).toHaveLength(2);
    await rejection(client.get('/reports', { retry: false }));
    expect(transport.requests).toHaveLength(3);
  });

  it('a call that asks for retries gets them where its route has none', async () => {
    const { client, transport } = failing([{ ...reports, retry: false }]);
    await rejection(client.get('/reports', { retry: { maxRetries: 1 } }));
    expect(transport.requests).toHaveLength(2);
  });

  it('all routes draw on one budget of retries', async () => {
    const routes: Routes = [{ ...reports, retry: { maxRetries: 10 } }];
    const { client, transport } = failing(routes, {
      retry: { maxRetries: 10, budget: { ratio: 0, minPerSecond: 0.3 } },
    });
    await rejection(client.get('/reports'));
    await rejection(client.get('/other'));
    expect(transport.requests).toHaveLength(5);
  });

  describe('time limits and places', () => {
    fakeTimers();

    it.each([
      [{ total: 300 }, 'ERR_DEADLINE', 'within 300 ms, routes.0.timeouts.total'],
      [{ attempt: 200 }, 'ERR_ATTEMPT_TIMEOUT', 'within 200 ms, routes.0.timeouts.attempt'],
    ])('%j ends a call of the route, and the message names it', async (timeouts, code, message) => {
      const { client } = scripted([{ reply: { status: 200, delay: 60_000 } }], {
        retry: false,
        routes: [{ ...reports, timeouts }],
      });
      const ended = rejection(client.get('/reports'));
      await vi.advanceTimersByTimeAsync(300);
      expect(await ended).toMatchObject({ code, message: expect.stringContaining(message) });
    });

    it('false lifts the limit of the client, also where the client has none', async () => {
      for (const timeouts of [{ total: '1s', attempt: '1s' }, false] as const) {
        const { client } = scripted([{ reply: { status: 200, delay: 30_000 } }], {
          retry: false,
          timeouts,
          routes: [{ ...reports, timeouts: { total: false, attempt: false } }],
        });
        const answer = client.get('/reports');
        await vi.advanceTimersByTimeAsync(30_000);
        expect((await answer).status).toBe(200);
      }
    });

    it('a limit of the call overrides that of its route', async () => {
      const { client } = scripted([{ reply: { status: 200, delay: 60_000 } }], {
        retry: false,
        routes: [{ ...reports, timeouts: { total: '30s', attempt: false } }],
      });
      const ended = rejection(client.get('/reports', { timeouts: { total: 100 } }));
      await vi.advanceTimersByTimeAsync(100);
      expect(await ended).toMatchObject({ message: expect.stringContaining("the call's timeouts.total") });
    });

    it('a limit that the call leaves undefined stays that of its route', async () => {
      const { client } = scripted([{ reply: { status: 200, delay: 60_000 } }], {
        retry: false,
        routes: [{ ...reports, timeouts: { total: 100 } }],
      });
      const ended = rejection(client.get('/reports', { timeouts: { total: undefined, attempt: false } as object }));
      await vi.advanceTimersByTimeAsync(100);
      expect(await ended).toMatchObject({ message: expect.stringContaining('routes.0.timeouts.total') });
    });

    it('all routes share the places of limits', async () => {
      const { client } = scripted([{ reply: { status: 200, delay: 10_000 } }], {
        limits: { maxRequests: 1, maxPendingRequests: 0 },
        routes: [{ ...reports, timeouts: { total: 50 } }],
      });
      const first = client.get('/reports').catch((error: Error) => error);
      expect(await rejection(client.get('/other'))).toMatchObject({ code: 'ERR_LIMIT' });
      await vi.runAllTimersAsync();
      await first;
    });
  });

  it('headers of an Envoy caller add to the conditions of the route, and override its time limits', async () => {
    const { client, transport } = failing([{ ...reports, retry: { on: ['reset'], maxRetries: 1 } }], {
      retry: false,
      envoyHeaders: true,
    });
    await rejection(client.get('/reports', { headers: { 'x-envoy-retry-on': '5xx' } }));
    expect(transport.requests).toHaveLength(2);
    await rejection(client.get('/reports', { headers: { 'x-envoy-max-retries': '4' } }));
    expect(transport.requests).toHaveLength(3);
  });

  it('a direct response is given without sending anything, and from 400 on it is a failure', async () => {
    const { client, transport } = scripted([{ reply: 200 }], {
      routes: [
        { match: { path: { prefix: '/admin' } }, directResponse: { status: 403, body: 'no' } },
        { match: { path: { exact: '/ready' } }, directResponse: { status: 200, body: '{"ok":true}' } },
      ],
    });
    expect(await rejection(client.get('/admin/x'))).toMatchObject({ response: { status: 403, data: 'no' } });
    expect(await client.get('/ready')).toMatchObject({ status: 200, data: { ok: true } });
    const stream = await client.get<AsyncIterable<Buffer>>('/ready', { responseType: 'stream' });
    const chunks: Buffer[] = [];
    for await (const chunk of stream.data) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('{"ok":true}');
    expect(transport.requests).toHaveLength(0);
    await client.get('/other');
    expect(transport.requests).toHaveLength(1);
  });

  it.each([
    ['head', 200, '', '2'],
    ['get', 204, '', undefined],
  ] as const)('a direct response to a %s with status %d has no body', async (method, status, body, length) => {
    const { client } = scripted([], { routes: [{ directResponse: { status, body: 'no' } }] });
    const { data, headers } = await client[method]('/');
    expect(data).toBe(body);
    expect(headers['content-length']?.toString()).toBe(length);
  });

  it('an update that takes the routes away ends their effect', async () => {
    const { client, transport } = failing([{ ...reports, retry: { maxRetries: 4 } }], { retry: { maxRetries: 1 } });
    await rejection(client.get('/reports'));
    client.update({ baseURL, retry: { maxRetries: 1 }, circuitBreaker: false });
    await rejection(client.get('/reports'));
    expect(transport.requests).toHaveLength(7);
  });

  it.each([
    [[{ timeouts: { total: '1s', attempt: '2s' } }], 'routes.0.timeouts.attempt'],
    [[{ retry: { backoff: { base: '2s', max: '1s' } } }], 'max must not be shorter than base'],
    [[{ pathRewrite: { '(': '' } }], 'is not a regular expression'],
    [[{ retries: false }], 'did you mean "retry"'],
    [[], 'routes'],
  ])('refuses %j', (routes, message) => {
    expect(() => scripted([], { routes: routes as Routes })).toThrow(message);
  });
});
