/** nock, msw and undici's MockAgent intercept what clients send, from whichever of our doors, while they are active. */
import http from 'node:http';
import { createRequire } from 'node:module';
import type { TLSSocket } from 'node:tls';
import { Test } from '@nestjs/testing';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import axios, { type AxiosInstance } from 'axios';
import { HttpResponse, http as msw } from 'msw';
import { setupServer } from 'msw/node';
import nock14 from 'nock';
import nock13 from 'nock-13';
import { createHttpClient, createUndiciAdapter, usePolicies } from 'pillion';
import { HttpModule, HttpService } from 'pillion/nestjs';
import { getGlobalDispatcher, MockAgent, setGlobalDispatcher } from 'undici';
import * as undici5 from 'undici-5';
import * as undici6 from 'undici-6';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { answer } from '../support/behaviours.js';
import { authority } from '../support/certificates.js';
import { rejection, silent } from '../support/client.js';
import { startHttp, startHttps } from '../support/upstream.js';

nock13.restore();
nock14.restore();

const deps = { logger: silent, random: () => 0 };

afterEach(() => {
  for (const nock of [nock13, nock14]) {
    nock.cleanAll();
    nock.enableNetConnect();
    nock.restore();
  }
});

interface Mock {
  /** Activates the mock, which answers GET and POST `/mocked` of an origin, and refuses everything else. */
  readonly start: (origin: string) => void;
  readonly stop: () => void;
  /** The error for a request that it does not know. */
  readonly refusal: RegExp;
}

const mocks: Record<string, Mock> = {
  'nock 13': nocked(nock13),
  'nock 14': nocked(nock14),
  msw: mswed(),
  "undici 5's MockAgent": agented(undici5 as never),
  "undici 6's MockAgent": agented(undici6 as never),
  "undici 7's MockAgent": agented({ MockAgent, getGlobalDispatcher, setGlobalDispatcher }),
};

function nocked(nock: typeof nock14): Mock {
  return {
    start: (origin) => {
      nock.activate();
      nock.disableNetConnect();
      nock(origin).persist().get('/mocked').reply(200, 'mocked').post('/mocked', { a: 1 }).reply(201, 'posted');
    },
    stop: () => nock.restore(),
    refusal: /^Nock: No match for request/,
  };
}

function mswed(): Mock {
  const server = setupServer();
  return {
    start: (origin) => {
      vi.spyOn(console, 'error').mockImplementation(() => {});
      server.use(
        msw.get(`${origin}/mocked`, () => HttpResponse.text('mocked')),
        msw.post(`${origin}/mocked`, async ({ request }) =>
          HttpResponse.text(((await request.json()) as { a: number }).a === 1 ? 'posted' : 'wrong'),
        ),
      );
      server.listen({ onUnhandledRequest: 'error' });
    },
    stop: () => server.close(),
    refusal: /^\[MSW\] Cannot bypass a request/,
  };
}

function agented(undici: {
  MockAgent: typeof MockAgent;
  getGlobalDispatcher: typeof getGlobalDispatcher;
  setGlobalDispatcher: typeof setGlobalDispatcher;
}): Mock {
  const before = undici.getGlobalDispatcher();
  return {
    start: (origin) => {
      const agent = new undici.MockAgent();
      agent.disableNetConnect();
      const pool = agent.get(origin);
      pool.intercept({ path: '/mocked' }).reply(200, 'mocked').persist();
      pool.intercept({ path: '/mocked', method: 'POST', body: '{"a":1}' }).reply(201, 'posted').persist();
      undici.setGlobalDispatcher(agent);
    },
    stop: () => undici.setGlobalDispatcher(before),
    refusal: /^Mock dispatch not matched for path '\/unknown'/,
  };
}

interface Door {
  get(url: string): Promise<unknown>;
  post(url: string, body: object): Promise<unknown>;
}

const over = (instance: AxiosInstance): Door => ({
  get: async (url) => (await instance.get(url)).data,
  post: async (url, body) => (await instance.post(url, body)).data,
});

function made(config = {}) {
  const client = createHttpClient(config, deps);
  onTestFinished(() => client.close());
  return client;
}

const doors: Record<string, () => Door | Promise<Door>> = {
  'a client': () => over(made()),
  'a client that offers HTTP/2': () => over(made({ allowH2: true })),
  'client.fetch': () => {
    const { fetch } = made();
    const headers = { 'content-type': 'application/json' };
    return {
      get: async (url) => (await fetch(url)).text(),
      post: async (url, body) => (await fetch(url, { method: 'POST', body: JSON.stringify(body), headers })).text(),
    };
  },
  usePolicies: () => {
    const instance = axios.create();
    const stack = usePolicies(instance, {}, deps);
    onTestFinished(() => stack.close());
    return over(instance);
  },
  createUndiciAdapter: () => {
    const adapter = createUndiciAdapter();
    onTestFinished(() => adapter.close());
    return over(axios.create({ adapter }));
  },
  HttpModule: async () => {
    const module = HttpModule.register({ deps: { logger: silent } });
    const app = await Test.createTestingModule({ imports: [module] }).compile();
    await app.init();
    onTestFinished(() => app.close());
    return over(app.get(HttpService, { strict: false }).axiosRef as AxiosInstance);
  },
};

describe.each(Object.keys(mocks))('%s', (name) => {
  const mock = mocks[name] as Mock;

  it.each(Object.keys(doors))(
    'answers the requests of %s while it is active, and the server does again later',
    async (door) => {
      const upstream = await startHttp((_, response) => response.end('real'));
      const { get, post } = (await doors[door]?.()) ?? expect.unreachable();
      // Its connections stay open, and must not be used while the mock is active.
      expect(await get(`${upstream.origin}/mocked`)).toBe('real');

      mock.start(upstream.origin);
      onTestFinished(mock.stop);
      expect([await get(`${upstream.origin}/mocked`), await post(`${upstream.origin}/mocked`, { a: 1 })]).toEqual([
        'mocked',
        'posted',
      ]);
      const refused = (await rejection(get(`${upstream.origin}/unknown`))) as Error;
      const said = door === 'client.fetch' ? (refused.cause as Error).message : refused.message;
      expect(said).toMatch(mock.refusal);
      expect(upstream.requests).toHaveLength(1);

      mock.stop();
      expect(await get(`${upstream.origin}/mocked`)).toBe('real');
      expect(upstream.requests).toHaveLength(2);
    },
  );

  it('refuses an unknown request once: no policy repeats it', async () => {
    mock.start('https://billing.test');
    onTestFinished(mock.stop);
    const client = made({ baseURL: 'https://billing.test' });
    expect((await rejection(client.get('/unknown'))).attempts).toBe(1);
    expect(client.stats().attempts).toBe(1);
  });

  it('has no say where the client has a transport of its own', async () => {
    mock.start('https://billing.test');
    onTestFinished(mock.stop);
    const transport = async (config: object) =>
      ({ data: 'own', status: 200, statusText: 'OK', headers: {}, config }) as never;
    const client = createHttpClient({ baseURL: 'https://billing.test' }, { ...deps, transport });
    onTestFinished(() => client.close());
    expect((await client.get('/mocked')).data).toBe('own');
  });
});

describe.each([
  ['nock 13', nock13],
  ['nock 14', nock14],
] as const)('%s', (_, nock) => {
  it('refuses a host after disableNetConnect() once, in its own words', async () => {
    nock.activate();
    nock.disableNetConnect();
    const error = await rejection(made().get('https://billing.test/x'));
    expect([error.message, error.code, error.attempts]).toEqual([
      'Nock: Disallowed net connect for "billing.test:443/x"',
      'ENETUNREACH',
      1,
    ]);
  });

  it('lets requests through to hosts that are enabled, and they are retried', async () => {
    const upstream = await startHttp(answer(503), answer(200, 'real'));
    nock.activate();
    nock.disableNetConnect();
    nock.enableNetConnect('127.0.0.1');
    expect((await made().get(upstream.origin)).data).toBe('real');
    expect(upstream.requests).toHaveLength(2);
  });

  it('has its errors repeated by their code and method: a POST that was reset is not', async () => {
    nock.activate();
    const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    nock('https://billing.test').persist().get('/x').replyWithError(reset).post('/x').replyWithError(reset);
    const client = made({ baseURL: 'https://billing.test' });
    const [get, post] = [await rejection(client.get('/x')), await rejection(client.post('/x', {}))];
    expect([get.code, get.attempts, post.code, post.attempts]).toEqual(['ECONNRESET', 3, 'ECONNRESET', 1]);
  });

  it('has a failure that it answers once as the outcome of the call, though the retry finds no mock', async () => {
    nock.activate();
    nock.disableNetConnect();
    nock('https://billing.test').get('/x').reply(503, { why: 'busy' }, { 'retry-after': '0' });
    const error = await rejection(made().get('https://billing.test/x'));
    expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', response: { status: 503, data: { why: 'busy' } } });
  });

  it('intercepts a call that asks for HTTP/2', async () => {
    nock.activate();
    nock.disableNetConnect();
    nock('https://billing.test').get('/x').reply(200, 'mocked');
    expect((await made().get('https://billing.test/x', { httpVersion: 2 })).data).toBe('mocked');
  });

  it('answers under a fake clock that is moved in steps, and the waits between attempts follow that clock', async () => {
    nock.activate();
    nock('https://billing.test').get('/x').reply(503).get('/x').reply(200, 'late');
    // The mock needs turns of the real event loop for its answers.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const started = Date.now();
    const backoff = { base: '1s', max: '1s' } as const;
    // How many turns the mock takes is not known, so no time limit of the fake clock may end an attempt.
    const client = createHttpClient({ retry: { backoff }, timeouts: false }, { ...deps, random: () => 0.99 });
    let answered: unknown;
    void client.get('https://billing.test/x').then(
      ({ data }) => {
        answered = data;
      },
      (error) => {
        answered = error;
      },
    );
    while (nock.pendingMocks().length > 1) await turn();
    while (answered === undefined) {
      await vi.advanceTimersByTimeAsync(10);
      await turn();
    }
    expect(answered).toBe('late');
    expect(Date.now() - started).toBeGreaterThan(900);
    vi.useRealTimers();
    await client.close();
  });

  it('records what a client sends', async () => {
    const upstream = await startHttp(answer(200, 'real'));
    nock.recorder.rec({ dont_print: true, output_objects: true });
    onTestFinished(() => nock.recorder.clear());
    await made().get(`${upstream.origin}/recorded`);
    await vi.waitFor(() => expect(nock.recorder.play()).toMatchObject([{ method: 'GET', path: '/recorded' }]));
  });
});

it.each<[string, () => void]>([
  [
    'nock 13',
    () => {
      nock13.activate();
      nock13.enableNetConnect('localhost');
    },
  ],
  [
    'nock 14',
    () => {
      nock14.activate();
      nock14.enableNetConnect('localhost');
    },
  ],
  [
    'msw',
    () => {
      const server = setupServer();
      server.listen({ onUnhandledRequest: 'bypass' });
      onTestFinished(() => server.close());
    },
  ],
])('a request that %s lets through shows the certificate of the client, and trusts its authority', async (_, start) => {
  const ca = await authority('our CA');
  const [server, own] = [await ca.issue({ name: 'server', dns: ['localhost'] }), await ca.issue({ name: 'billing' })];
  const options = { cert: server.cert, key: server.key, ca: ca.cert, requestCert: true, rejectUnauthorized: true };
  const upstream = await startHttps(options, ({ socket }, response) =>
    response.end((socket as TLSSocket).getPeerCertificate().subject.CN),
  );
  const client = made({ baseURL: upstream.origin, tls: { ca: ca.cert, cert: own.cert, key: own.key } });
  start();
  expect((await client.get('/')).data).toBe('billing');
  expect(client.stats().policies.wire).toMatchObject({ lanes: { undici: 0, http: 1 } });
});

describe("OpenTelemetry's instrumentation of node:http", () => {
  const instrumentation = new HttpInstrumentation();
  createRequire(import.meta.url)('node:http');
  instrumentation.disable();

  const wrap = () => {
    instrumentation.enable();
    onTestFinished(() => instrumentation.disable());
    expect(http.request).toHaveProperty('__original');
  };
  const record = () => {
    nock13.recorder.rec({ dont_print: true });
    onTestFinished(() => nock13.recorder.clear());
  };
  const lanes = async () => {
    const upstream = await startHttp(answer());
    const client = made();
    await client.get(upstream.origin);
    return (client.stats().policies.wire as { lanes: object }).lanes;
  };

  it('is not taken for a mock', async () => {
    wrap();
    expect(await lanes()).toEqual({ undici: 1, http: 0 });
  });

  it.each([
    ['that it wraps', [() => nock13.activate(), wrap]],
    ['that wraps it', [wrap, () => nock13.activate()]],
    ['that records and that it wraps', [record, wrap]],
    ['that records and that wraps it', [wrap, record]],
  ])('hides no nock %s', async (_, steps) => {
    for (const step of steps) step();
    expect(await lanes()).toEqual({ undici: 0, http: 1 });
    nock13.restore();
    expect(await lanes()).toEqual({ undici: 1, http: 0 });
  });
});

it('an interceptor of msw before 2.4 is seen, and gets requests without the id that would have them passed by', async () => {
  const { request } = http;
  const mark = Symbol('http');
  Object.assign(globalThis, { [mark]: { dispose: () => {} } });
  http.request = ((...args: Parameters<typeof request>) => request(...args)) as typeof request;
  onTestFinished(() => {
    http.request = request;
    Reflect.deleteProperty(globalThis, mark);
  });
  const upstream = await startHttp(answer());
  const client = made();
  await client.get(upstream.origin, { headers: { 'x-app': 'shop' } });
  http.request = request;
  Reflect.deleteProperty(globalThis, mark);
  await client.get(upstream.origin);
  expect(client.stats().policies.wire).toMatchObject({ lanes: { undici: 1, http: 1 } });
  const [mocked, real] = upstream.requests;
  expect([mocked?.headers['x-request-id'], mocked?.headers['x-app']]).toEqual([undefined, 'shop']);
  expect(real?.headers['x-request-id']).toBeDefined();
});

describe('the interceptors of msw 3 and nock 15, which replace no function of node:http', () => {
  it('are seen by their registry', async () => {
    const interceptor = { readyState: 'ACTIVE' };
    vi.stubGlobal('__MSW_INTERCEPTORS_REGISTRY', new Map([[Symbol.for('socket-interceptor'), interceptor]]));
    onTestFinished(() => {
      vi.unstubAllGlobals();
    });
    const upstream = await startHttp(answer());
    const client = made();
    await client.get(upstream.origin);
    interceptor.readyState = 'DISPOSED';
    await client.get(upstream.origin);
    expect(client.stats().policies.wire).toMatchObject({ lanes: { undici: 1, http: 1 } });
  });
});
