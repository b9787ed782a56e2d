/** The listener over real sockets: what it passes on, what it refuses, and how it ends. */
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createHttpClient, type HttpClientConfig, loadHttpClients } from 'pillion';
import { type SidecarOptions, serveSidecar } from 'pillion/sidecar';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { answer, hang, hangUpInBody, reset } from '../support/behaviours.js';
import { authority } from '../support/certificates.js';
import { silent, until } from '../support/client.js';
import { type Behaviour, closedPort, openConnections, startHttp } from '../support/upstream.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const plain: HttpClientConfig = { retry: false };

/** A listener with one client, to an upstream that does what it is told. */
async function served(behave: Behaviour, config: HttpClientConfig = plain, options: SidecarOptions = {}) {
  const upstream = await startHttp(behave);
  return { upstream, ...(await before(upstream.origin, config, options)) };
}

async function before(origin: string, config: HttpClientConfig = plain, options: SidecarOptions = {}) {
  const client = createHttpClient({ name: 'billing', baseURL: origin, ...config }, { logger: silent, random: () => 0 });
  const sidecar = await serveSidecar(client, options);
  onTestFinished(async () => {
    await sidecar.close({ grace: 0 });
    await client.close({ grace: 0 });
  });
  return { client, sidecar, url: sidecar.url, port: Number(new URL(sidecar.url).port) };
}

/** A server whose handler sees the request as it begins. */
async function streaming(listener: http.RequestListener): Promise<string> {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Everything that comes back until the connection is closed. */
function raw(port: number, ...pieces: string[]): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = net.connect(port, '127.0.0.1');
    for (const piece of pieces) socket.write(piece, 'latin1');
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(received));
  });
}

const get = (headers: string[] = [], target = '/') =>
  `GET ${target} HTTP/1.1\r\n${['Host: billing', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`;

describe('a request', () => {
  it('reaches the upstream as it is, without the headers of the connection', async () => {
    const { upstream, port } = await served(answer(200, 'ok', { 'x-answer': 'a', connection: 'x-hop', 'x-hop': '1' }), {
      ...plain,
      tracing: false,
    });
    const headers = [
      'X-A: 1',
      'X-A: 2',
      'Connection: x-gone',
      'X-Gone: 1',
      'X-Forwarded-For: 9.9.9.9',
      'X-Pillion-Token: t',
    ];
    const received = await raw(port, get(headers, '/a//b?c=%2f'));
    expect(received).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*x-answer: a[\s\S]*\r\n\r\n2\r\nok\r\n/);
    expect(received).not.toMatch(/x-hop|x-pillion/);
    const { path, headers: seen } = upstream.requests[0] ?? { headers: {} };
    expect(path).toBe('/a//b?c=%2f');
    const { host, connection, ...own } = seen;
    expect(own).toEqual({ 'x-a': '1, 2', 'x-forwarded-for': '9.9.9.9' });
    expect(upstream.origin).toContain(host);
  });

  it('is retried by the policies of the client', async () => {
    const upstream = await startHttp(answer(503), answer(200, 'second'));
    const { url } = await before(upstream.origin, { retry: { backoff: { base: 1 } } });
    expect(await (await fetch(url, { method: 'PUT', body: 'body' })).text()).toBe('second');
    expect(upstream.requests.map(({ body }) => body)).toEqual(['body', 'body']);
  });

  it('of 100 MiB streams both ways, at the pace of the reader', async () => {
    const { url } = await before(await streaming((req, res) => req.pipe(res)));
    const piece = Buffer.alloc(1 << 20, 'x');
    const body = Readable.from(Array.from({ length: 100 }, () => piece));
    const request = http.request(url, { method: 'POST' });
    body.pipe(request);
    const response = await new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve));
    let size = 0;
    for await (const each of response) size += (each as Buffer).length;
    expect(size).toBe(100 * piece.length);
  });

  it('is answered early without a lost connection, while its body still comes', async () => {
    const { port } = await before(await streaming((_, res) => res.writeHead(413).end('too large')));
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const piece = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const received = await raw(port, head, ...Array.from({ length: 64 }, () => piece), '0\r\n\r\n', get());
    expect(received.match(/HTTP\/1.1 413/g)).toHaveLength(2);
  });

  it('gets informational answers and trailers', async () => {
    const origin = await streaming((_, res) => {
      res.writeEarlyHints({ link: '</a.css>; rel=preload', 'x-more': '1' });
      res.writeHead(200, { trailer: 'x-sum' });
      res.write('body');
      res.addTrailers({ 'x-sum': '42' });
      res.end();
    });
    const { port, url } = await before(origin);
    const received = await raw(port, get());
    expect(received).toMatch(
      /^HTTP\/1.1 103 Early Hints\r\nlink: <\/a.css>; rel=preload\r\nx-more: 1\r\n\r\nHTTP\/1.1 200/,
    );
    expect(received).toMatch(/0\r\nx-sum: 42\r\n\r\n$/);
    const old = await raw(port, 'GET / HTTP/1.0\r\n\r\n');
    expect(old).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\n\r\nbody$/);
    const session = http2.connect(url);
    const stream = session.request({ ':path': '/' });
    const told: unknown[] = [];
    stream.on('headers', (headers) => told.push(headers[':status']));
    stream.on('trailers', (trailers) => told.push(trailers['x-sum']));
    expect(await text(stream)).toBe('body');
    await until(() => told.length === 2);
    expect(told).toEqual([103, '42']);
    session.close();
  });

  it('that expects 100-continue gets it once its body is wanted, and no sooner', async () => {
    const { port, client } = await served(answer());
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n';
    for (const body of ['Content-Length: 3\r\n\r\nabc', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'])
      expect(await raw(port, head + body)).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/);
    client.forceCircuit('open');
    const refused = await raw(port, `${head.replace('Connection: close\r\n', '')}Transfer-Encoding: chunked\r\n\r\n`);
    expect(refused).toMatch(/^HTTP\/1.1 503[\s\S]*connection: close/i);
  });

  it.each([
    ['HEAD', 200, { 'content-length': '5' }],
    ['GET', 204, {}],
    ['GET', 304, { etag: '"a"', 'content-length': '5' }],
  ] as [string, number, Record<string, string>][])(
    '%s with the status %i has no body, in both versions',
    async (method, status, headers) => {
      const { port, url } = await before(await streaming((_, res) => res.writeHead(status, headers).end()));
      const received = await raw(port, get().replace('GET', method));
      expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*\\r\\n\\r\\n$`));
      expect(/content-length: (\d+)/i.exec(received)?.[1]).toBe(headers['content-length']);
      const session = http2.connect(url);
      const stream = session.request({ ':method': method, ':path': '/' });
      const head = await new Promise<http2.IncomingHttpHeaders>((resolve) => stream.once('response', resolve));
      expect([head[':status'], await text(stream)]).toEqual([status, '']);
      session.close();
    },
  );

  it('of HTTP/2 has a body, one header of its cookies, and an early answer', async () => {
    const origin = await streaming(async (req, res) => {
      if (req.url === '/early') res.writeHead(413).end('early');
      else res.end(`${req.headers.cookie} ${await text(req)}`);
    });
    const { url } = await before(origin);
    const session = http2.connect(url);
    const echo = session.request({ ':method': 'POST', ':path': '/', cookie: ['a=1', 'b=2'] });
    echo.end('body');
    expect(await text(echo)).toBe('a=1; b=2 body');
    const early = session.request({ ':method': 'POST', ':path': '/early' });
    early.on('error', () => {});
    early.write('never ends');
    expect(await text(early)).toBe('early');
    early.close();
    session.close();
  });
});

describe('an answer without content', () => {
  it('has no length in a 204, which a client of HTTP/2 would refuse, and keeps it in a 304', async () => {
    let status = 204;
    const origin = await streaming((_, response) => response.writeHead(status, { 'content-length': '5' }).end());
    const { url } = await before(origin);
    const session = http2.connect(url);
    onTestFinished(() => session.destroy());
    const headOf = (stream: http2.ClientHttp2Stream) =>
      new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
        stream.once('error', reject).once('response', resolve).resume().end();
      });
    const head = await headOf(session.request({ ':path': '/' }));
    expect([head[':status'], head['content-length']]).toEqual([204, undefined]);
    expect((await fetch(url)).headers.get('content-length')).toBeNull();
    status = 304;
    expect(await headOf(session.request({ ':path': '/' }))).toMatchObject({ ':status': 304, 'content-length': '5' });
  });
});

describe('where one side goes away', () => {
  it('a client that aborts ends the call and its connection', async () => {
    const { upstream, port, client } = await served(hang, { ...plain, timeouts: { total: false, attempt: false } });
    const socket = net.connect(port, '127.0.0.1');
    socket.write(get());
    await until(() => upstream.requests.length === 1);
    socket.destroy();
    await until(() => openConnections(upstream) === 0 && client.stats().calls.active === 0);
    expect(client.stats().calls.cancelled).toBe(1);
  });

  it('a client that aborts in the middle of an answer ends it', async () => {
    const endless = await streaming((_, res) =>
      Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(65_536);
        })(),
      ).pipe(res),
    );
    const { port, client } = await before(endless);
    const socket = net.connect(port, '127.0.0.1');
    socket.write(get());
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    await until(() => client.stats().calls.active === 0);
  });

  it('a client of HTTP/2 that goes leaves no connection behind', async () => {
    const { url, sidecar } = await served(hang);
    const session = http2.connect(url);
    session.on('error', () => {});
    session.request({ ':path': '/' }).on('error', () => {});
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    session.destroy();
    const began = performance.now();
    await sidecar.close({ grace: '5s' });
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('an upstream that breaks off in its body cuts the answer, in both versions', async () => {
    const { port, url } = await served(hangUpInBody);
    const received = await raw(port, get().replace('Connection: close\r\n', ''));
    expect(received).toMatch(/ten bytes\.\r\n$/);
    const session = http2.connect(url);
    const stream = session.request({ ':path': '/' });
    await expect(text(stream)).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
    session.close();
  });

  it('a client that never reads keeps nothing of the others', async () => {
    const origin = await streaming((req, res) => {
      if (req.url === '/small') res.end('small');
      else Readable.from(Array.from({ length: 500 }, () => Buffer.alloc(1 << 20))).pipe(res);
    });
    const { url, port, client } = await before(
      origin,
      { ...plain, timeouts: { total: false } },
      { requestTimeout: 300 },
    );
    const socket = net.connect(port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => {});
    socket.write(get());
    await until(() => client.stats().calls.active === 1);
    expect(await (await fetch(`${url}/small`)).text()).toBe('small');
    await until(() => client.stats().calls.active === 0);
    socket.destroy();
  });
});

describe('a failure of the client is answered as by Envoy:', () => {
  it.each<[string, Behaviour, HttpClientConfig, number, string]>([
    ['a reset', reset, plain, 503, 'ECONNRESET'],
    ['an attempt that hangs', hang, { ...plain, timeouts: { attempt: 20 } }, 504, 'ERR_ATTEMPT_TIMEOUT'],
    ['a call that hangs', hang, { ...plain, timeouts: { total: 20, attempt: false } }, 504, 'ERR_DEADLINE'],
  ])('%s', async (_, behave, config, status, code) => {
    const { url } = await served(behave, config);
    const response = await fetch(url);
    expect([response.status, response.headers.get('x-pillion-error')]).toEqual([status, code]);
    expect(await response.text()).toMatch(/^billing: .*\.\n$/);
  });

  it('no connection', async () => {
    const { url } = await before(`http://127.0.0.1:${await closedPort()}`);
    const response = await fetch(url);
    expect([response.status, response.headers.get('x-pillion-error')]).toEqual([503, 'ECONNREFUSED']);
  });

  it('an open circuit, whose answer says that it is overload', async () => {
    const { url, client } = await served(answer());
    client.forceCircuit('open');
    const { status, headers } = await fetch(url, { method: 'POST', body: 'x' });
    expect([status, headers.get('x-pillion-error'), headers.get('x-envoy-overloaded')]).toEqual([
      503,
      'ERR_CIRCUIT_OPEN',
      'true',
    ]);
  });

  it('a deadline of the request', async () => {
    const { url } = await served(hang);
    const response = await fetch(url, { headers: { 'x-request-timeout-ms': '30' } });
    expect([response.status, response.headers.get('x-pillion-error')]).toEqual([504, 'ERR_DEADLINE']);
  });
});

describe('what is no plain HTTP is refused:', () => {
  const post = 'POST / HTTP/1.1\r\nHost: a\r\n';
  it.each([
    ['a length beside chunks', `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['two lengths', `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, 400],
    ['chunks that are not last', `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 400],
    ['a bad chunk', `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
    ['a folded header', `${post}X: 1\r\n 2\r\n\r\n`, 400],
    ['bare line feeds', 'GET / HTTP/1.1\nHost: a\n\n', 400],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['two hosts', get(['Host: b']), 400],
    ['a target that is no path', get([], 'nonsense'), 400],
    ['a tunnel', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 405],
    ['a WebSocket', get(['Upgrade: websocket']), 501],
    ['a page of a browser', get(['Origin: http://elsewhere.test']), 403],
    ['a site of a browser', get(['Sec-Fetch-Site: cross-site']), 403],
    ['10,000 headers', get(Array.from({ length: 10_000 }, () => 'a: b')), 431],
    ['a header of 100 KiB', get([`X: ${'x'.repeat(102_400)}`]), 431],
  ])('%s', async (_, request, status) => {
    const { port, upstream } = await served(answer());
    expect(await raw(port, request)).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\n[\\s\\S]*x-pillion-error: `));
    expect(upstream.requests).toEqual([]);
  });

  it('and OPTIONS * and an offer of h2c are answered', async () => {
    const { port } = await served(answer(200, 'plain'));
    expect(await raw(port, get([], '*').replace('GET', 'OPTIONS'))).toMatch(/^HTTP\/1.1 204 /);
    expect(await raw(port, get(['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']))).toMatch(
      /^HTTP\/1.1 200 [\s\S]*\r\nplain\r\n/,
    );
  });

  it('and pipelined requests are sent one after the other', async () => {
    let inFlight = 0;
    let most = 0;
    const { port } = await before(
      await streaming((req, res) => {
        most = Math.max(most, ++inFlight);
        req.resume().on('end', () =>
          setImmediate(() => {
            inFlight--;
            res.end(req.url);
          }),
        );
      }),
    );
    const one = (path: string) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx`;
    expect(await raw(port, one('/1') + one('/2') + get([], '/3'))).toMatch(/\/1[\s\S]*\/2[\s\S]*\/3$/);
    expect(most).toBe(1);
  });
});

describe('a slow client', () => {
  it.each([
    ['sends nothing', '', /^$/],
    ['sends half a preface', 'PRI * HT', /^$/],
    ['sends half of its headers', 'GET / HTTP/1.1\r\nHost: a\r\n', /^HTTP\/1.1 408 /],
    ['sends half of its body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc', /^HTTP\/1.1 408 /],
  ])('that %s is ended', async (_, piece, expected) => {
    const { port, upstream } = await served(answer(), plain, { headersTimeout: 100, requestTimeout: 150 });
    expect(await raw(port, piece)).toMatch(expected);
    expect(upstream.requests).toEqual([]);
  });

  it('finds no room beyond maxConnections, and those that are in stay', async () => {
    const { port } = await served(answer(), plain, { maxConnections: 1 });
    const first = net.connect(port, '127.0.0.1');
    await new Promise((resolve) => first.once('connect', resolve));
    expect(await raw(port, get())).toBe('');
    first.write(get());
    expect(await text(first)).toMatch(/^HTTP\/1.1 200/);
  });
});

describe('access', () => {
  const token = 'a-token-of-16-characters';
  it.each([
    ['Proxy-Authorization', [`Proxy-Authorization: Bearer ${token}`], 200],
    ['the password of a proxy', [`Proxy-Authorization: Basic ${Buffer.from(`any:${token}`).toString('base64')}`], 200],
    ['x-pillion-token', [`X-Pillion-Token: ${token}`], 200],
    ['a wrong one', ['X-Pillion-Token: wrong'], 407],
    ['none', [], 407],
  ])('by a token: %s', async (_, headers, status) => {
    const { port, upstream } = await served(answer(), plain, { token });
    expect(await raw(port, get(headers))).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.stringify(upstream.requests)).not.toContain(token);
  });

  it('from elsewhere needs a token or mutual TLS', async () => {
    const client = createHttpClient({ baseURL: 'http://a.test' });
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.test'])
      await expect(serveSidecar(client, { host })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    await expect(serveSidecar(createHttpClient({}))).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    await expect(serveSidecar(client, { path: '/x', port: 1 })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    await expect(serveSidecar({} as never)).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });

  it('over a unix socket, also after a process that was killed', async () => {
    const path = join(tmpdir(), `pillion-${process.pid}.sock`);
    const { upstream } = await served(answer(200, 'over a path'));
    const client = createHttpClient({ baseURL: upstream.origin, logging: false });
    const first = await serveSidecar(client, { path });
    await expect(serveSidecar(client, { path })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await first.close();
    const sidecar = await serveSidecar(client, { path });
    onTestFinished(() => sidecar.close({ grace: 0 }));
    const request = http.get({ socketPath: path });
    const response = await new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve));
    expect([sidecar.url, await text(response)]).toEqual([`unix:${path}`, 'over a path']);
  });
});

describe('close', () => {
  it('lets a call finish, with connection: close, and accepts no other connection', async () => {
    let finish = () => {};
    const { port, sidecar, upstream } = await served((_, response) => {
      finish = () => response.end('done');
    });
    const received = raw(port, get().replace('Connection: close\r\n', ''));
    await until(() => upstream.requests.length === 1);
    const closed = sidecar.close();
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
    finish();
    expect(await received).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*connection: close[\s\S]*done/i);
    await closed;
  });

  it('ends what outlasts the grace, in both versions, and idle connections at once', async () => {
    const { port, url, sidecar, upstream } = await served(hang);
    const session = http2.connect(url);
    session.on('error', () => {});
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    const received = raw(port, get());
    await until(() => upstream.requests.length === 2);
    await sidecar.close({ grace: 20 });
    expect(await received).toBe('');
    await until(() => stream.closed && openConnections(upstream) === 0);
    await sidecar.close();
  });
});

it('serves the clients that a registry has now', async () => {
  const upstream = await startHttp(answer(200, 'from the upstream'));
  let document: object = { clients: { a: { baseURL: upstream.origin, logging: false } } };
  const source = { name: 'test', load: async () => document };
  const clients = await loadHttpClients(source as never);
  const sidecar = await serveSidecar(clients);
  onTestFinished(async () => {
    await sidecar.close({ grace: 0 });
    await clients.close();
  });
  const port = Number(new URL(sidecar.url).port);
  const statusOf = async (host: string) => (await raw(port, get().replace('billing', host))).slice(9, 12);
  expect([await statusOf('a'), await statusOf('b')]).toEqual(['200', '404']);
  document = { clients: { b: { baseURL: upstream.origin, logging: false } } };
  await clients.refresh();
  expect([await statusOf('a'), await statusOf('b')]).toEqual(['404', '200']);
});

it('is no proxy for its own clients, on either lane', async () => {
  const { upstream, url, client } = await served(answer(200, 'direct'), { ...plain, proxy: 'env' });
  for (const name of ['HTTP_PROXY', 'http_proxy']) vi.stubEnv(name, url);
  for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
  const own = [(await client.get('/')).data, (await client.get('/', { family: 4 })).data];
  expect(own).toEqual(['direct', 'direct']);
  expect(upstream.requests.map(({ path }) => path)).toEqual(['/', '/']);
  const { port } = new URL(url);
  expect(await raw(Number(port), get([], `${upstream.origin}/as-a-proxy`))).toMatch(/^HTTP\/1.1 200/);
});

it('speaks mutual TLS, in both versions, and with nobody who has no certificate', async () => {
  const ca = await authority('test');
  const server = await ca.issue({ name: 'sidecar', dns: ['localhost'] });
  const { cert, key } = await ca.issue({ name: 'caller' });
  const { sidecar, port } = await served(answer(200, 'over TLS'), plain, {
    host: '0.0.0.0',
    tls: { cert: server.cert, key: server.key, ca: ca.cert },
  });
  expect(sidecar.url).toBe(`https://0.0.0.0:${port}`);
  const url = `https://localhost:${port}`;
  const body = (identity: object) =>
    new Promise((resolve, reject) => {
      const request = https.get(url, { ca: ca.cert, ...identity, agent: false }, (response) => resolve(text(response)));
      request.on('error', reject);
    });
  expect(await body({ cert, key })).toBe('over TLS');
  await expect(body({})).rejects.toThrow();
  const session = http2.connect(url, { ca: ca.cert, cert, key });
  expect(await text(session.request({ ':path': '/' }))).toBe('over TLS');
  session.close();
});
