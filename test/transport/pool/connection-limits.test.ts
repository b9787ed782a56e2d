/** Limits of connections: requests in the life of one, streams at once on one, and requests that wait for one. */
import type { ServerHttp2Stream } from 'node:http2';
import { createHttpClient, type HttpClientConfig } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { rejection, silent, until, watch } from '../../support/client.js';
import { overH2, startH2 } from '../../support/h2-server.js';
import { type Behaviour, startHttp } from '../../support/upstream.js';

function using(baseURL: string, config: HttpClientConfig = {}) {
  const client = createHttpClient({ baseURL, ...config }, { logger: silent, random: () => 0 });
  onTestFinished(() => client.close({ grace: 0 }));
  return client;
}

const overTls = (origin: string, config: HttpClientConfig) => watch(overH2(origin, config));

const slowly: Behaviour = (_, response) => void setTimeout(() => response.end('ok'), 20);

const ok =
  (ms = 0) =>
  (stream: ServerHttp2Stream) =>
    void setTimeout(() => {
      if (stream.destroyed) return;
      stream.respond({ ':status': 200 });
      stream.end('ok');
    }, ms);

const results = async (calls: Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).map((each) =>
    each.status === 'fulfilled' ? 'ok' : (each.reason as { code?: string }).code,
  );

const times = <T>(count: number, call: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => call(index));

describe('connections.maxRequestsPerConnection', () => {
  it.each([
    [1, 5],
    [2, 3],
    [4, 2],
    [5, 1],
    [undefined, 1],
  ])('%s: five calls one after another use %i connections', async (maxRequestsPerConnection, count) => {
    const { origin, connections } = await startHttp(answer(200, 'ok'));
    const client = using(origin, { connections: { maxRequestsPerConnection } });
    for (let call = 0; call < 5; call++) expect((await client.get('/')).data).toBe('ok');
    expect(connections).toHaveLength(count);
  });

  it('closes a connection after its last answer, and none under a call', async () => {
    const { origin, connections, requests } = await startHttp(slowly);
    const client = using(origin, { retry: false, connections: { maxConnections: 2, maxRequestsPerConnection: 3 } });
    expect(await results(times(30, (i) => (i % 2 ? client.post('/', 'x') : client.get('/'))))).toEqual(
      new Array(30).fill('ok'),
    );
    for (const each of new Set(requests.map(({ connection }) => connection)))
      expect(requests.filter(({ connection }) => connection === each).length).toBeLessThanOrEqual(3);
    await Promise.all(connections.slice(0, 10).map(({ closed }) => closed));
    expect(connections).toHaveLength(10);
  });

  it('gives a retry a connection of its own', async () => {
    const { origin, connections } = await startHttp(answer(503), answer(200, 'ok'));
    const client = using(origin, { connections: { maxConnections: 1, maxRequestsPerConnection: 1 } });
    expect((await client.get('/')).data).toBe('ok');
    expect(connections).toHaveLength(2);
  });

  it('holds for requests that take the http adapter of axios', async () => {
    const { origin, connections } = await startHttp(answer(200, 'ok'));
    const client = using(origin, { connections: { maxRequestsPerConnection: 2 } });
    for (let call = 0; call < 4; call++) await client.get('/', { family: 4 } as object);
    expect(connections).toHaveLength(2);
  });

  it.each([
    [1, 6],
    [2, 3],
    [6, 1],
  ])('%i over HTTP/2: six calls at once use %i connections', async (maxRequestsPerConnection, count) => {
    const { origin, sessions, counts } = await startH2([ok(30)]);
    const { client } = overTls(origin, { retry: false, connections: { maxRequestsPerConnection } });
    expect(await results(times(6, () => client.get('/')))).toEqual(new Array(6).fill('ok'));
    expect(sessions).toHaveLength(count);
    expect(counts()).toMatchObject({ refused: 0 });
  });

  it('leaves no more connections open over HTTP/2 than maxConnections, though each is spent at once', async () => {
    let open = 0;
    let most = 0;
    const { origin, sessions } = await startH2([
      (stream) => {
        most = Math.max(most, ++open);
        stream.once('close', () => open--);
        return ok(30)(stream);
      },
    ]);
    const connections = { maxConnections: 2, maxRequestsPerConnection: 1 };
    const { client } = overTls(origin, { retry: false, connections });
    expect(await results(times(6, () => client.get('/')))).toEqual(new Array(6).fill('ok'));
    expect([sessions.length, most]).toEqual([6, 2]);
  });
});

describe('connections.maxConcurrentStreams', () => {
  it.each([
    [2, undefined, 3],
    [10, undefined, 1],
    [4, 2, 3],
    [2, 4, 3],
  ])('%i, with %s of the server: six calls at once use %i connections', async (own, server, count) => {
    const { origin, sessions } = await startH2([ok(50)], server === undefined ? {} : { maxConcurrentStreams: server });
    const { client } = overTls(origin, { retry: false, connections: { maxConcurrentStreams: own } });
    expect(await results(times(6, () => client.get('/')))).toEqual(new Array(6).fill('ok'));
    expect(sessions).toHaveLength(count);
  });

  it('keeps further calls waiting where no more connections are allowed', async () => {
    const { origin, sessions, counts } = await startH2([ok(10)]);
    const { client } = overTls(origin, { retry: false, connections: { maxConnections: 1, maxConcurrentStreams: 2 } });
    expect(await results(times(9, () => client.get('/')))).toEqual(new Array(9).fill('ok'));
    expect(sessions).toHaveLength(1);
    expect(counts()).toMatchObject({ most: 2 });
  });
});

describe('connections.maxPendingRequests', () => {
  it('rejects the calls that came last, once, as a limit of the client', async () => {
    const { origin, requests } = await startHttp(slowly);
    const client = using(origin, { connections: { maxConnections: 2, maxPendingRequests: 1 } });
    const events: unknown[] = [];
    client.on('limits.rejected', (event) => events.push(event));
    const calls = times(5, () => client.get('/'));
    expect(await results(calls)).toEqual(['ok', 'ok', 'ok', 'ERR_LIMIT', 'ERR_LIMIT']);
    expect(requests).toHaveLength(3);
    const error = await rejection(calls[4] as Promise<unknown>);
    expect(error).toMatchObject({ reason: 'max_pending_requests', attempts: 1, config: { url: '/' } });
    expect(error.message).toContain(`All connections to ${origin} are in use and 1 requests wait for one`);
    expect(events).toHaveLength(2);
  });

  it('of 0 still lets a call wait for the connection that is opened for it', async () => {
    const { origin } = await startHttp(slowly);
    const client = using(origin, { connections: { maxConnections: 1, maxPendingRequests: 0 } });
    for (let call = 0; call < 3; call++) expect((await client.get('/')).data).toBe('ok');
    expect(await results([client.get('/'), client.get('/')])).toEqual(['ok', 'ERR_LIMIT']);
  });

  it('counts over HTTP/2 the calls that find no stream, not those that wait for the handshake', async () => {
    const { origin } = await startH2([ok(30)]);
    const connections = { maxConnections: 1, maxConcurrentStreams: 3, maxPendingRequests: 2 };
    const { client } = overTls(origin, { retry: false, connections });
    const expected = [...new Array(5).fill('ok'), 'ERR_LIMIT', 'ERR_LIMIT'];
    expect(await results(times(7, () => client.get('/')))).toEqual(expected);
    expect(await results(times(7, () => client.get('/')))).toEqual(expected);
  });

  it('frees the place of a call that was given up', async () => {
    const { origin, requests } = await startHttp(slowly);
    const client = using(origin, { connections: { maxConnections: 1, maxPendingRequests: 1 } });
    const first = client.get('/');
    await until(() => requests.length === 1);
    const waiting = new AbortController();
    const second = rejection(client.get('/', { signal: waiting.signal }));
    waiting.abort();
    await second;
    expect(await results([first, client.get('/')])).toEqual(['ok', 'ok']);
  });

  it('of 0 still lets a call follow one that was given up, which frees its connection', async () => {
    const { origin } = await startHttp(() => {}, answer(200, 'ok'));
    const client = using(origin, { connections: { maxConnections: 1, maxPendingRequests: 0 } });
    const aborted = new AbortController();
    setTimeout(() => aborted.abort(), 20);
    await rejection(client.get('/', { signal: aborted.signal }));
    expect((await client.get('/')).data).toBe('ok');
  });

  it('opens no circuit, as the server is not at fault', async () => {
    const { origin } = await startHttp(slowly);
    const connections = { maxConnections: 1, maxPendingRequests: 0 };
    const client = using(origin, { connections, circuitBreaker: { volumeThreshold: 2 } });
    const codes = await results(times(20, () => client.get('/')));
    expect(codes.filter((code) => code === 'ERR_LIMIT')).toHaveLength(19);
    expect((await client.get('/')).data).toBe('ok');
  });
});
