/** A dispatcher of undici whose requests go through clients. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createHttpClient, type HttpClient, type HttpClientConfig } from 'pillion';
import * as undici from 'undici';
import * as undici6 from 'undici-6';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDispatcher } from '../../src/sidecar/index.js';
import { silent } from '../support/client.js';

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function clientOf(baseURL: string, config: HttpClientConfig = {}): HttpClient {
  const client = createHttpClient(
    { baseURL, retry: { backoff: { base: 1 } }, ...config },
    { logger: silent, random: () => 0 },
  );
  onTestFinished(() => client.close({ grace: 0 }));
  return client;
}

async function over(listener: RequestListener, config: HttpClientConfig = {}) {
  const origin = await listen(listener);
  const client = clientOf(origin, config);
  return { origin, client, dispatcher: createDispatcher(client) };
}

/** Answers 503 first, and then with the method and the body of the request. */
function flaky(): RequestListener {
  let count = 0;
  return async (request, response) => {
    const body = await text(request);
    if (count++ === 0) response.writeHead(503).end();
    else response.writeHead(200, { 'x-mark': ['a', 'b'] }).end(`${request.method} ${body}`);
  };
}

type Caller = (url: string, init: { method: string; body?: string; dispatcher: unknown }) => Promise<unknown>;

const asked: Record<string, Caller> = {
  'undici 7 request': async (url, init) => {
    const { statusCode, headers, body } = await undici.request(url, init as never);
    return [statusCode, String(headers['x-mark']), await body.text()];
  },
  'undici 6 request': async (url, init) => {
    const { statusCode, headers, body } = await undici6.request(url, init as never);
    return [statusCode, String(headers['x-mark']), await body.text()];
  },
  'undici 7 fetch': async (url, init) => {
    const response = await undici.fetch(url, init as never);
    return [response.status, response.headers.get('x-mark')?.replaceAll(' ', ''), await response.text()];
  },
  'undici 6 fetch': async (url, init) => {
    const response = await undici6.fetch(url, init as never);
    return [response.status, response.headers.get('x-mark')?.replaceAll(' ', ''), await response.text()];
  },
  'Node fetch': async (url, init) => {
    const response = await fetch(url, init as never);
    return [response.status, response.headers.get('x-mark')?.replaceAll(' ', ''), await response.text()];
  },
  'undici 7 stream': async (url, init) => {
    const sink = new PassThrough();
    let status = 0;
    let mark: unknown;
    await undici.stream(url, init as never, ({ statusCode, headers }) => {
      status = statusCode;
      mark = headers['x-mark'];
      return sink;
    });
    return [status, String(mark), await text(sink)];
  },
  'undici 7 pipeline': async (url, init) => {
    let status = 0;
    let mark: unknown;
    const duplex = undici.pipeline(url, init as never, ({ statusCode, headers, body }) => {
      status = statusCode;
      mark = headers['x-mark'];
      return body;
    });
    duplex.end(init.body);
    const body = await text(duplex);
    return [status, String(mark), body];
  },
};

describe.each(Object.entries(asked))('%s', (_name, ask) => {
  test.each(['GET', 'PUT'])('has a %s repeated after a 503, with its body', async (method) => {
    const { origin, client, dispatcher } = await over(flaky());
    const init = { method, dispatcher, ...(method === 'PUT' && { body: 'content' }) };
    expect(await ask(`${origin}/a`, init)).toEqual([200, 'a,b', method === 'PUT' ? 'PUT content' : 'GET ']);
    expect(client.stats()).toMatchObject({ calls: { started: 1 }, attempts: 2 });
  });

  test('gets a 503 as it is where it must not be repeated', async () => {
    const { origin, client, dispatcher } = await over(flaky());
    const answer = await ask(`${origin}/a`, { method: 'POST', body: 'x', dispatcher });
    expect((answer as unknown[])[0]).toBe(503);
    expect(client.stats()).toMatchObject({ attempts: 1 });
  });
});

test('one dispatcher serves fetch, request and their global forms', async () => {
  const { origin, client, dispatcher } = await over((_, response) => response.end('ok'));
  const before = undici.getGlobalDispatcher();
  undici.setGlobalDispatcher(dispatcher);
  try {
    expect(await (await fetch(origin)).text()).toBe('ok');
    expect(await (await undici.request(origin)).body.text()).toBe('ok');
    expect(await (await undici.fetch(origin)).text()).toBe('ok');
  } finally {
    undici.setGlobalDispatcher(before);
  }
  expect(client.stats().calls.started).toBe(3);
});

describe('the client of a request', () => {
  test('is the one with the longest baseURL of whole segments; any other request goes to the fallback', async () => {
    const origin = await listen((request, response) => response.end(request.headers['x-client'] ?? 'none'));
    const named = (name: string, path: string) => clientOf(origin + path, { headers: { 'x-client': name } });
    const clients = [named('api', '/api'), named('v2', '/api/v2/')];
    const dispatcher = createDispatcher(clients);
    const ask = async (path: string) => (await undici.request(origin + path, { dispatcher })).body.text();
    expect(await ask('/api')).toBe('api');
    expect(await ask('/api/v1/x?y=/api/v2')).toBe('api');
    expect(await ask('/api/v2/x')).toBe('v2');
    expect(await ask('/api/v2')).toBe('v2');
    expect(await ask('/api/v20')).toBe('api');
    expect(await ask('/apis')).toBe('none');
    expect(await ask('/')).toBe('none');
    expect(await ask('/other/..%2fapi')).toBe('none');
  });

  test('is asked with the query of the options', async () => {
    const { origin, dispatcher } = await over((request, response) => response.end(request.url));
    const { body } = await undici.request(`${origin}/a`, { query: { b: ['1', '2'], c: 'd e' }, dispatcher });
    expect(await body.text()).toBe('/a?b=1&b=2&c=d%20e');
  });

  test('is not asked where the fallback is a MockAgent, which a test has made the global dispatcher', async () => {
    const { origin, client } = await over((_, response) => response.end('real'));
    const fallback = new undici.MockAgent();
    fallback.get(origin).intercept({ path: '/' }).reply(200, 'mocked');
    const dispatcher = createDispatcher(client, { fallback });
    expect(await (await undici.request(origin, { dispatcher })).body.text()).toBe('mocked');
    await fallback.close();
  });

  test('is looked up again at each request, also after an update', async () => {
    const origin = await listen((request, response) => response.end(request.headers['x-client'] ?? 'none'));
    const client = clientOf(`${origin}/a`, { headers: { 'x-client': 'mine' } });
    const dispatcher = createDispatcher([client]);
    const ask = async () => (await undici.request(`${origin}/b`, { dispatcher })).body.text();
    expect(await ask()).toBe('none');
    client.update({ baseURL: `${origin}/b`, headers: { 'x-client': 'mine' } });
    expect(await ask()).toBe('mine');
  });

  test.each([
    ['undici 7', undici.request, new undici.Agent()],
    ['undici 6', undici6.request, new undici6.Agent()],
  ] as const)('a fallback of another version answers: %s', async (_, request, own) => {
    const origin = await listen((_, response) => response.writeHead(201, { 'x-mark': 'a' }).end('plain'));
    for (const fallback of [new undici.Agent(), new undici6.Agent(), own] as undici.Agent[]) {
      const dispatcher = createDispatcher([], { fallback });
      const composed = dispatcher.compose(undici.interceptors.dump());
      for (const each of [dispatcher, composed]) {
        const { statusCode, headers } = await (request as typeof undici.request)(origin, { dispatcher: each });
        expect([statusCode, headers['x-mark']]).toEqual([201, 'a']);
      }
      await fallback.close();
    }
  });
});

/** Records what a handler of the form of undici 8 is told. */
function recording(
  steps: {
    start?: (c: undici.Dispatcher.DispatchController) => void;
    data?: (c: undici.Dispatcher.DispatchController, chunk: Buffer) => void;
  } = {},
) {
  const told: unknown[] = [];
  let finish = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const handler: undici.Dispatcher.DispatchHandler = {
    onRequestStart: (controller) => {
      told.push('request');
      steps.start?.(controller);
    },
    onResponseStart: (_, status, headers, text) => void told.push([status, { ...headers }, text]),
    onResponseData: (controller, chunk) => {
      told.push(String(chunk));
      steps.data?.(controller, chunk);
    },
    onResponseEnd: (_, trailers) => {
      told.push({ ...trailers });
      finish();
    },
    onResponseError: (_, error) => {
      told.push(error);
      finish();
    },
  };
  return { told, handler, done };
}

describe('an answer', () => {
  test('comes with informational answers, every header, and trailers', async () => {
    const { origin, dispatcher } = await over((_, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.writeHead(200, 'Fine', ['X-A', '1', 'X-A', '2', 'X-B', 'caf\u00e9', 'Trailer', 'x-sum']);
      response.write('body');
      response.addTrailers({ 'x-sum': '42' });
      response.end();
    });
    const { told, handler, done } = recording();
    expect(dispatcher.dispatch({ origin, path: '/', method: 'GET' }, handler)).toBe(true);
    await done;
    expect(told).toEqual([
      'request',
      [103, { link: '</a>; rel=preload' }, ''],
      [200, expect.objectContaining({ 'x-a': ['1', '2'], 'x-b': 'caf\u00e9' }), 'Fine'],
      'body',
      { 'x-sum': '42' },
    ]);
    const infos: unknown[] = [];
    const { trailers, body } = await undici.request(origin, { dispatcher, onInfo: (info) => void infos.push(info) });
    await body.dump();
    expect([infos, trailers]).toEqual([
      [{ statusCode: 103, headers: { link: '</a>; rel=preload' } }],
      { 'x-sum': '42' },
    ]);
  });

  test('is not decoded below request, and decoded by fetch', async () => {
    const { gzipSync } = await import('node:zlib');
    const { origin, dispatcher } = await over((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('plain')),
    );
    const { body } = await undici.request(origin, { dispatcher });
    expect(Buffer.from(await body.bytes())).toEqual(gzipSync('plain'));
    expect(await (await undici.fetch(origin, { dispatcher })).text()).toBe('plain');
    expect(await (await fetch(origin, { dispatcher } as never)).text()).toBe('plain');
  });

  test('is a redirect for request, followed by fetch and by the interceptor', async () => {
    const { origin, client, dispatcher } = await over((request, response) =>
      request.url === '/' ? response.writeHead(302, { location: '/to' }).end() : response.end('there'),
    );
    expect((await undici.request(origin, { dispatcher })).statusCode).toBe(302);
    const response = await undici.fetch(origin, { dispatcher });
    expect([await response.text(), response.url, response.redirected]).toEqual(['there', `${origin}/to`, true]);
    const following = dispatcher.compose(undici.interceptors.redirect({ maxRedirections: 1 }));
    expect(await (await undici.request(origin, { dispatcher: following })).body.text()).toBe('there');
    expect(client.stats().calls.started).toBe(5);
  });

  test('without a body ends at once: HEAD, 204, 304', async () => {
    const { origin, dispatcher } = await over((request, response) =>
      response.writeHead(Number(request.url?.slice(1)), request.method === 'HEAD' ? { 'content-length': 5 } : {}).end(),
    );
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ] as const) {
      const { statusCode, body } = await undici.request(`${origin}/${status}`, { dispatcher, method });
      expect([statusCode, await body.text()]).toEqual([status, '']);
    }
  });

  test('waits while its handler has paused, down to the socket of the server', async () => {
    let written = 0;
    const chunk = Buffer.alloc(65_536);
    const { origin, dispatcher } = await over(async (_, response) => {
      for (let count = 0; count < 400 && !response.destroyed; count++) {
        if (!response.write(chunk)) await once(response, 'drain');
        written += chunk.length;
      }
      response.end();
    });
    const { body } = await undici.request(origin, { dispatcher });
    await expect
      .poll(async () => {
        const before = written;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return before > 0 && written === before;
      })
      .toBe(true);
    expect(written).toBeLessThan(400 * chunk.length);
    expect((await body.bytes()).byteLength).toBe(400 * chunk.length);
  });
});

describe('a request body', () => {
  const received: RequestListener = async (request, response) => {
    const { 'content-type': type, 'content-length': length, 'transfer-encoding': coding } = request.headers;
    response.end(JSON.stringify({ body: await text(request), type, length, coding }));
  };
  const form = () => {
    const data = new FormData();
    data.append('a', '1');
    return data;
  };
  async function* pieces() {
    yield 'one ';
    yield Buffer.from('two');
  }
  test.each<[string, () => unknown, object]>([
    ['a string', () => 'text', { body: 'text', length: '4' }],
    ['an empty string', () => '', { body: '', length: '0' }],
    ['a Buffer', () => Buffer.from('text'), { body: 'text', length: '4' }],
    ['a part of an array', () => new Uint8Array([65, 66, 67]).subarray(1), { body: 'BC', length: '2' }],
    ['an ArrayBuffer', () => new Uint8Array([65, 66]).buffer, { body: 'AB', length: '2' }],
    [
      'a Readable',
      () => Readable.from([Buffer.from('one '), Buffer.from('two')]),
      { body: 'one two', coding: 'chunked' },
    ],
    ['a Readable in object mode', () => Readable.from(['one ', 'two']), { body: 'one two', coding: 'chunked' }],
    ['an iterable', () => ['one ', Buffer.from('two')], { body: 'one two', coding: 'chunked' }],
    ['an async iterable', pieces, { body: 'one two', coding: 'chunked' }],
    ['a web stream', () => new Blob(['one two']).stream(), { body: 'one two', coding: 'chunked' }],
    ['a Blob', () => new Blob(['text'], { type: 'text/x' }), { body: 'text', length: '4', type: 'text/x' }],
    ['a form', form, { body: expect.stringContaining('name="a"'), type: expect.stringContaining('boundary=') }],
    [
      'a form of undici',
      () => {
        const f = new undici.FormData();
        f.append('b', new Blob(['x']));
        return f;
      },
      { body: expect.stringContaining('name="b"') },
    ],
  ])('may be %s', async (_, body, expected) => {
    const { origin, dispatcher } = await over(received);
    const answer = await undici.request(origin, { method: 'POST', body: body() as never, dispatcher });
    expect(await answer.body.json()).toMatchObject(expected);
  });

  test('that is a stream is sent again after a 503, and streams while the answer does', async () => {
    const { origin, dispatcher } = await over(flaky());
    const { statusCode, body } = await undici.request(origin, {
      ...{ method: 'PUT', dispatcher, body: Readable.from([Buffer.from('a'), Buffer.from('b')]) },
    });
    expect([statusCode, await body.text()]).toEqual([200, 'PUT ab']);
    const echo = await over((request, response) => void request.pipe(response));
    const source = new PassThrough();
    source.write('first');
    const answer = await undici.request(echo.origin, { method: 'POST', body: source, dispatcher: echo.dispatcher });
    const chunks = answer.body[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('first');
    source.end('second');
    expect(String((await chunks.next()).value)).toBe('second');
  });

  test('that fails ends the request with its own error, and the process lives', async () => {
    const { origin, dispatcher } = await over(
      (request, response) => void request.resume().on('end', () => response.end()),
    );
    const why = new Error('The file is gone.');
    const stream = new Readable({
      read() {
        this.destroy(why);
      },
    });
    await expect(undici.request(origin, { method: 'POST', body: stream, dispatcher })).rejects.toBe(why);
    const generator = (async function* () {
      yield 'a';
      throw why;
    })();
    await expect(undici.request(origin, { method: 'POST', body: generator as never, dispatcher })).rejects.toBe(why);
    const early = new PassThrough();
    early.destroy(why);
    await expect(undici.request(origin, { method: 'POST', body: early, dispatcher })).rejects.toThrow();
  });

  test('is destroyed where the request is refused, or is not sent', async () => {
    const { origin, client, dispatcher } = await over((_, response) => response.end());
    client.forceCircuit('open');
    for (const options of [{}, { upgrade: 'websocket' }, { headers: { expect: '100-continue' } }]) {
      const body = Readable.from(['a']);
      const { told, handler, done } = recording();
      dispatcher.dispatch({ origin, path: '/', method: 'POST', body, ...options }, handler);
      await done;
      expect(told.at(-1)).toBeInstanceOf(Error);
      await expect.poll(() => body.destroyed).toBe(true);
    }
  });
});

describe('headers', () => {
  test.each<[string, unknown]>([
    ['a flat array', ['X-A', '1', 'x-b', '2', 'X-A', '3', 'host', 'other.test']],
    ['an object', { 'X-A': ['1', '3'], 'x-b': 2, host: 'other.test', 'x-none': undefined }],
    [
      'a Map',
      new Map<string, unknown>([
        ['X-A', ['1', '3']],
        ['x-b', '2'],
        ['host', 'other.test'],
      ]),
    ],
    ['bytes', ['X-A', Buffer.from('1'), Buffer.from('x-b'), Buffer.from('2'), 'x-a', '3', 'host', 'other.test']],
  ])('may be %s; the host that the caller names is sent', async (_, headers) => {
    const { origin, dispatcher } = await over((request, response) => response.end(JSON.stringify(request.headers)));
    const { body } = await undici.request(origin, { headers: headers as never, dispatcher });
    expect(await body.json()).toMatchObject({ 'x-a': '1, 3', 'x-b': '2', host: 'other.test' });
  });

  test('of the configuration are added, and none of the library', async () => {
    const { origin, dispatcher } = await over((request, response) => response.end(JSON.stringify(request.headers)), {
      ...{ headers: { authorization: 'Bearer mine', 'x-own': 'no' }, tracing: false },
    });
    const { body } = await undici.request(origin, { headers: { 'x-own': 'yes' }, dispatcher });
    expect(await body.json()).toEqual({
      ...{ host: origin.slice(7), connection: 'keep-alive', authorization: 'Bearer mine', 'x-own': 'yes' },
    });
  });
});

describe('what undici refuses is refused with its errors, before anything is sent:', () => {
  test.each<[string, object, string]>([
    ['a path without a slash', { path: 'a' }, 'UND_ERR_INVALID_ARG'],
    ['a path with a space', { path: '/a b' }, 'UND_ERR_INVALID_ARG'],
    ['a query beside one in the path', { path: '/?a', query: { b: 1 } }, 'UND_ERR_INVALID_ARG'],
    ['a method with a line break', { method: 'GET\r\nX: 1' }, 'UND_ERR_INVALID_ARG'],
    ['a header with a line break', { headers: { a: 'b\r\nc: d' } }, 'UND_ERR_INVALID_ARG'],
    ['a header name with a space', { headers: ['a b', 'c'] }, 'UND_ERR_INVALID_ARG'],
    ['half a pair of headers', { headers: ['a'] }, 'UND_ERR_INVALID_ARG'],
    ['Transfer-Encoding', { headers: { 'transfer-encoding': 'chunked' } }, 'UND_ERR_INVALID_ARG'],
    ['Expect', { headers: { expect: '100-continue' } }, 'UND_ERR_NOT_SUPPORTED'],
    ['two lengths', { headers: ['content-length', '1', 'content-length', '1'] }, 'UND_ERR_INVALID_ARG'],
    [
      'a wrong length',
      { method: 'POST', body: 'ab', headers: { 'content-length': '1' } },
      'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
    ],
    ['a negative timeout', { headersTimeout: -1 }, 'UND_ERR_INVALID_ARG'],
    ['throwOnError', { throwOnError: true }, 'UND_ERR_INVALID_ARG'],
    ['maxRedirections', { maxRedirections: 1 }, 'UND_ERR_INVALID_ARG'],
    ['a number as body', { method: 'POST', body: 5 }, 'UND_ERR_INVALID_ARG'],
    ['an upgrade', { upgrade: 'websocket' }, 'UND_ERR_NOT_SUPPORTED'],
    ['CONNECT', { method: 'CONNECT' }, 'UND_ERR_NOT_SUPPORTED'],
  ])('%s', async (_, options, code) => {
    const { origin, client, dispatcher } = await over((_, response) => response.end());
    const { told, handler, done } = recording();
    dispatcher.dispatch({ origin, path: '/', method: 'GET', ...options }, handler);
    await done;
    expect(told).toEqual([expect.objectContaining({ code })]);
    expect(client.stats().calls.started).toBe(0);
  });

  test('an object that is no handler', async () => {
    const { origin, dispatcher } = await over((_, response) => response.end());
    for (const handler of [undefined, {}, { onConnect() {} }])
      expect(() => dispatcher.dispatch({ origin, path: '/', method: 'GET' }, handler as never)).toThrow(
        undici.errors.InvalidArgumentError,
      );
  });

  test('upgrade and connect, which reject', async () => {
    const { origin, dispatcher } = await over((_, response) => response.end());
    await expect(undici.upgrade(origin, { dispatcher } as never)).rejects.toThrow(
      'An upgrade (Websocket) cannot go through a client',
    );
    await expect(undici.connect(origin, { dispatcher } as never)).rejects.toThrow('CONNECT cannot go through a client');
  });
});

describe('an abort', () => {
  async function slow() {
    const closed: Promise<unknown>[] = [];
    let arrived = () => {};
    const reached = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const made = await over((request, response) => {
      closed.push(once(request.socket, 'close'));
      if (request.url === '/body') response.write('first');
      arrived();
    });
    return { ...made, closed, reached };
  }

  test('before the request sends nothing', async () => {
    const { origin, client, dispatcher } = await slow();
    const why = new Error('Enough.');
    await expect(undici.request(origin, { dispatcher, signal: AbortSignal.abort(why) })).rejects.toBe(why);
    await expect(undici.fetch(origin, { dispatcher, signal: AbortSignal.abort(why) })).rejects.toBe(why);
    expect(client.stats().calls.started).toBe(0);
  });

  test.each(['request', 'fetch'] as const)('ends the socket of the server: %s', async (name) => {
    for (const path of ['/', '/body']) {
      const { origin, dispatcher, client, closed, reached } = await slow();
      const controller = new AbortController();
      const why = new Error('Enough.');
      const options = { dispatcher, signal: controller.signal };
      const answer =
        name === 'request'
          ? undici.request(origin + path, options).then(({ body }) => body.text())
          : undici.fetch(origin + path, options).then((response) => response.text());
      const caught = answer.catch((error) => error);
      await reached;
      if (path === '/body') await new Promise((resolve) => setTimeout(resolve, 20));
      controller.abort(why);
      expect(await caught).toBe(why);
      await Promise.all(closed);
      await expect.poll(() => client.stats().calls.active).toBe(0);
    }
  });

  test('of a body that is not wanted ends the socket too', async () => {
    const first = await slow();
    (await undici.request(`${first.origin}/body`, { dispatcher: first.dispatcher })).body
      .on('error', () => {})
      .destroy();
    await Promise.all(first.closed);
    const second = await slow();
    await (await fetch(`${second.origin}/body`, { dispatcher: second.dispatcher } as never)).body?.cancel();
    await Promise.all(second.closed);
    for (const { client } of [first, second]) await expect.poll(() => client.stats().calls.active).toBe(0);
  });

  test('by the handler, at each of its calls, is told once', async () => {
    const { origin, dispatcher, closed } = await slow();
    const why = new Error('Enough.');
    for (const steps of [
      { start: (c: undici.Dispatcher.DispatchController) => c.abort(why) },
      { data: (c: undici.Dispatcher.DispatchController) => c.abort(why) },
    ]) {
      const { told, handler, done } = recording(steps);
      dispatcher.dispatch({ origin, path: '/body', method: 'GET' }, handler);
      await done;
      expect(told.filter((each) => each instanceof Error)).toEqual([why]);
    }
    await Promise.all(closed);
  });

  test('happens where the handler throws', async () => {
    const { origin, dispatcher, closed } = await slow();
    const why = new Error('A bug.');
    const { told, handler, done } = recording({
      data: () => {
        throw why;
      },
    });
    dispatcher.dispatch({ origin, path: '/body', method: 'GET' }, handler);
    await done;
    expect(told.at(-1)).toBe(why);
    await Promise.all(closed);
  });
});

describe('a failure', () => {
  const never: RequestListener = (request, response) => {
    if (request.url === '/body') response.write('first');
    if (request.url === '/cut')
      response.writeHead(200, { 'content-length': 10 }).write('first', () => request.socket.destroy());
    if (request.url === '/reset') request.socket.destroy();
  };
  const failing = async (path: string, options: object, config: HttpClientConfig = {}) => {
    const { origin, dispatcher } = await over(never, { retry: false, ...config });
    return undici
      .request(origin + path, { dispatcher, ...options })
      .then(({ body }) => body.text())
      .then(
        () => undefined,
        (error) => error,
      );
  };

  test('is an error of undici where it has a class, with that of the call as its cause', async () => {
    const { HeadersTimeoutError, BodyTimeoutError, SocketError } = undici.errors;
    const limited = { timeouts: { attempt: '50ms' as const, total: '100ms' as const } };
    const headers = await failing('/', {}, limited);
    expect(headers).toBeInstanceOf(HeadersTimeoutError);
    expect(headers).toBeInstanceOf(undici6.errors.HeadersTimeoutError);
    expect(headers).toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT', cause: { code: 'ERR_ATTEMPT_TIMEOUT' } });
    const body = await failing('/body', {}, limited);
    expect(body).toBeInstanceOf(BodyTimeoutError);
    expect(body).toMatchObject({ code: 'UND_ERR_BODY_TIMEOUT', cause: { code: 'ERR_DEADLINE' } });
    for (const path of ['/cut', '/reset']) {
      const reset = await failing(path, {});
      expect(reset).toBeInstanceOf(SocketError);
      expect(reset).toMatchObject({ code: 'UND_ERR_SOCKET', cause: { code: 'ECONNRESET' } });
    }
  });

  test('keeps its code otherwise: of the system, or of a policy', async () => {
    const { origin, dispatcher, client } = await over(never, { retry: false });
    client.forceCircuit('open');
    await expect(undici.request(origin, { dispatcher })).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
    await expect(undici.fetch(origin, { dispatcher })).rejects.toMatchObject({
      message: 'fetch failed',
      cause: { code: 'ERR_CIRCUIT_OPEN' },
    });
    const refused = clientOf('http://127.0.0.1:1', { retry: false });
    await expect(undici.request('http://127.0.0.1:1', { dispatcher: createDispatcher(refused) })).rejects.toMatchObject(
      { code: 'ECONNREFUSED' },
    );
    await client.close({ grace: 0 });
    await expect(undici.request(origin, { dispatcher })).rejects.toBeInstanceOf(undici.errors.ClientClosedError);
  });

  test('comes from the time limits of the caller too', async () => {
    expect(await failing('/', { headersTimeout: 30 })).toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT' });
    expect(await failing('/body', { bodyTimeout: 30 })).toMatchObject({ code: 'UND_ERR_BODY_TIMEOUT' });
  });

  test('is repeated by the interceptor of undici where its codes say so', async () => {
    let count = 0;
    const { origin, client, dispatcher } = await over(
      (request, response) => (count++ === 0 ? request.socket.destroy() : response.end('ok')),
      { retry: false },
    );
    const again = dispatcher.compose(undici.interceptors.retry({ minTimeout: 1 }));
    expect(await (await undici.request(origin, { dispatcher: again })).body.text()).toBe('ok');
    expect(client.stats().calls.started).toBe(2);
  });

  test('is not repeated by the client where the request is said not to be idempotent', async () => {
    const { origin, client, dispatcher } = await over(flaky());
    const { statusCode, body } = await undici.request(origin, { dispatcher, idempotent: false });
    await body.dump();
    expect([statusCode, client.stats().attempts]).toEqual([503, 1]);
  });
});

describe('closing', () => {
  test('lets requests finish, refuses new ones and leaves the clients open', async () => {
    let release = () => {};
    const { origin, client, dispatcher } = await over((_, response) => {
      release = () => response.end('late');
    });
    const answer = undici.request(origin, { dispatcher });
    await expect.poll(() => client.stats().calls.active).toBe(1);
    await expect.poll(() => String(release)).toContain('late');
    let closed = false;
    const closing = dispatcher.close().then(() => {
      closed = true;
    });
    await expect(undici.request(origin, { dispatcher })).rejects.toMatchObject({ code: 'UND_ERR_CLOSED' });
    expect(closed).toBe(false);
    release();
    expect(await (await answer).body.text()).toBe('late');
    await closing;
    const again = client.get('/');
    await expect.poll(() => client.stats().calls.active).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    release();
    expect((await again).data).toBe('late');
  });

  test('by destroy ends the requests', async () => {
    const { origin, client, dispatcher } = await over(() => {});
    const answer = undici.request(origin, { dispatcher }).catch((error) => error);
    await expect.poll(() => client.stats().calls.active).toBe(1);
    await new Promise<void>((resolve) => dispatcher.destroy(null, resolve));
    expect(await answer).toMatchObject({ code: 'UND_ERR_DESTROYED' });
    expect([dispatcher as unknown as { destroyed: boolean }]).toMatchObject([{ closed: true, destroyed: true }]);
    await expect(undici.request(origin, { dispatcher })).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' });
  });
});

test('refuses what is no client, and unknown options', () => {
  for (const clients of [undefined, {}, [{}], Promise.resolve(), fetch])
    expect(() => createDispatcher(clients as never)).toThrow('createDispatcher: clients must be');
  expect(() => createDispatcher([], { fallbck: 1 } as never)).toThrow('fallbck: unknown option');
  expect(() => createDispatcher([], { fallback: {} as never })).toThrow('fallback: must be a dispatcher of undici');
});
