/** HTTP/2 on the fast lane: many calls over one connection, and what ends them. */
import http2, { type ServerHttp2Stream } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { rejection, until, watch } from '../../support/client.js';
import { type Answer, connectionsTo, identity, overH2, schemes, startH2, startRelay } from '../../support/h2-server.js';
import { startHttps } from '../../support/upstream.js';

const ok: Answer = (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  stream.end('{"ok":true}');
};

describe.each(schemes)('HTTP/2 with %s', (scheme) => {
  const start = (answers: Answer[], settings: http2.Settings = {}) => startH2(answers, settings, scheme);

  it('carries many calls at once over one connection, whatever `maxConnections`', async () => {
    const held: ServerHttp2Stream[] = [];
    const { origin, sessions } = await start([(stream) => held.push(stream)]);
    const { client } = watch(overH2(origin, { connections: { maxConnections: 1 } }));
    const calls = Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? client.get('/') : client.post('/', { index }))),
    );
    await until(() => held.length === 20);
    expect(connectionsTo(client, origin)).toEqual({ connected: 1, free: 1, pending: 0, running: 20 });
    for (const stream of held) ok(stream, {}, 0);
    expect((await calls).map(({ data }) => data)).toEqual(new Array(20).fill({ ok: true }));
    expect(sessions).toHaveLength(1);
  });

  it('runs no more calls at once than `limits.maxRequests`, over however few connections', async () => {
    const { origin, counts, sessions } = await start([(stream) => setTimeout(() => ok(stream, {}, 0), 20)]);
    const { client } = watch(overH2(origin, { connections: { maxConnections: 1 }, limits: { maxRequests: 5 } }));
    await Promise.all(Array.from({ length: 20 }, () => client.get('/')));
    expect([counts().most, sessions.length]).toEqual([5, 1]);
  });

  it('opens another connection only where the server takes no more streams', async () => {
    const held: ServerHttp2Stream[] = [];
    const { origin, sessions } = await start([ok, (stream) => held.push(stream)], { maxConcurrentStreams: 2 });
    const { client } = watch(overH2(origin));
    await client.get('/');
    const calls = Array.from({ length: 3 }, () => client.get('/'));
    await until(() => held.length === 3);
    expect(sessions).toHaveLength(2);
    for (const stream of held) ok(stream, {}, 0);
    await Promise.all(calls);
  });

  it('sends method, path, authority, headers and a body of known length', async () => {
    const bodies: string[] = [];
    const { origin, requests } = await start([
      async (stream) => {
        let body = '';
        for await (const chunk of stream) body += chunk;
        bodies.push(body);
        ok(stream, {}, 0);
      },
    ]);
    const { client } = watch(overH2(origin));
    await client.put('/a?b=c', { d: 'ö' }, { headers: { 'X-One': '1', Host: 'billing.internal' } });
    expect(requests[0]).toMatchObject({ ':method': 'PUT', ':path': '/a?b=c', ':authority': 'billing.internal' });
    expect(requests[0]).toMatchObject({ 'x-one': '1', 'content-type': 'application/json', 'content-length': '10' });
    expect(bodies).toEqual(['{"d":"ö"}']);
  });

  it('ends one stream on an abort and leaves the connection to the others', async () => {
    const ended: number[] = [];
    const held: ServerHttp2Stream[] = [];
    const { origin, sessions } = await start([
      (stream, _, index) => {
        held.push(stream);
        stream.on('close', () => ended.push(index));
      },
    ]);
    const { client } = watch({ ...overH2(origin), retry: false });
    const controller = new AbortController();
    const aborted = rejection(client.get('/', { signal: controller.signal }));
    const other = client.get('/');
    await until(() => held.length === 2);
    controller.abort();
    expect((await aborted).code).toBe('ERR_CANCELED');
    await until(() => ended.length === 1);
    ok(held[1] as ServerHttp2Stream, {}, 1);
    expect((await other).data).toEqual({ ok: true });
    expect(sessions).toHaveLength(1);
  });

  it('gives up a connection that answers nothing any more, not even a PING', async () => {
    const { origin, sessions } = await start([ok]);
    const { port } = new URL(origin);
    const middle = await startRelay(Number(port));
    const client = watch({ ...overH2(`${scheme}://localhost:${middle.port}`), retry: false }).client;
    await client.get('/');
    middle.freeze();
    expect((await rejection(client.get('/', { timeout: 50 }))).code).toBe('ECONNABORTED');
    await until(() => connectionsTo(client, `${scheme}://localhost:${middle.port}`) === undefined);
    middle.thaw();
    expect((await client.get('/')).data).toEqual({ ok: true });
    expect(sessions).toHaveLength(2);
  });

  it('lets calls in flight finish after a GOAWAY, and makes the next one on a new connection', async () => {
    const held: ServerHttp2Stream[] = [];
    const { origin, sessions } = await start([(stream) => held.push(stream), ok]);
    const { client } = watch(overH2(origin));
    const running = client.get('/');
    await until(() => held.length === 1);
    sessions[0]?.goaway(http2.constants.NGHTTP2_NO_ERROR, held[0]?.id);
    await until(() => sessions.length === 1 && connectionsTo(client, origin) !== undefined);
    const next = client.get('/');
    expect((await next).data).toEqual({ ok: true });
    ok(held[0] as ServerHttp2Stream, {}, 0);
    expect((await running).data).toEqual({ ok: true });
    expect(sessions).toHaveLength(2);
  });

  it('makes the next call on a new connection where the only one allowed drains behind a long call', async () => {
    const held: ServerHttp2Stream[] = [];
    const { origin, sessions } = await start([(stream) => held.push(stream), ok]);
    const { client } = watch(overH2(origin, { connections: { maxConnections: 1 }, retry: false }));
    const free = () => (connectionsTo(client, origin) as { free: number }).free;
    const long = client.get('/');
    // The server may see the request before the client has seen the SETTINGS of the server.
    await until(() => held.length === 1 && free() === 1);
    sessions[0]?.goaway(http2.constants.NGHTTP2_NO_ERROR, held[0]?.id);
    await until(() => free() === 0);
    expect((await client.get('/')).data).toEqual({ ok: true });
    ok(held[0] as ServerHttp2Stream, {}, 0);
    expect((await long).data).toEqual({ ok: true });
  });

  it.each([
    [
      'a stream reset before its answer',
      (stream: ServerHttp2Stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
    ],
    ['a connection that breaks', (stream: ServerHttp2Stream) => stream.session?.destroy()],
    [
      'a body that breaks off',
      (stream: ServerHttp2Stream) => {
        stream.respond({ ':status': 200 });
        stream.write('half');
        setTimeout(() => stream.session?.destroy(), 20);
      },
    ],
  ])('reports %s as a reset, and never sends a POST twice for it', async (_, answer) => {
    const { origin, requests } = await start([answer]);
    const { client } = watch(overH2(origin));
    const error = await rejection(client.post('/', { a: 1 }));
    expect(error.code).toMatch(/^(ECONNRESET|ERR_HTTP2_STREAM_ERROR)$/);
    expect(error.response).toBeUndefined();
    expect(requests).toHaveLength(1);
  });

  it('fails every call at once where nothing listens', async () => {
    const { client } = watch({ ...overH2(`${scheme}://localhost:1`), retry: false });
    const errors = await Promise.all(Array.from({ length: 5 }, () => rejection(client.get('/'))));
    expect(errors.map(({ code }) => code)).toEqual(new Array(5).fill('ECONNREFUSED'));
  });

  it('leaves nothing open after close(), and ends what still runs after its grace', async () => {
    const { origin, sessions } = await start([() => {}]);
    const { client } = watch({ ...overH2(origin), retry: false });
    const hanging = rejection(client.get('/'));
    await until(() => sessions.length === 1);
    await client.close({ grace: 10 });
    expect((await hanging).code).toBe('ERR_CLOSED');
    await until(() => sessions[0]?.closed === true || sessions[0]?.destroyed === true);
  });
});

it('falls back to HTTP/1.1 over the same connection where the server speaks only that', async () => {
  const upstream = await startHttps({ cert: identity.cert, key: identity.key }, (_, response) => response.end('one'));
  const { client } = watch(overH2(upstream.origin));
  expect((await client.get('/')).data).toBe('one');
  expect((await client.get('/')).data).toBe('one');
  expect(upstream.connections).toHaveLength(1);
});
