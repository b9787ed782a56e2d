import type { ServerResponse } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { HttpClientConfig, IdentityOptions } from 'pillion';
import { describe, expect, it } from 'vitest';
import { until, watch } from '../../support/client.js';
import { type Behaviour, closing, startHttps } from '../../support/upstream.js';
import { lanes, mutual, oldAndNext, rotating, showName, shown } from './rotating.js';

const { ca, server, old, next } = await oldAndNext();

/** A client under `old`, and an upstream that holds the answers to the paths below `/held` back until it is told. */
async function scene(reload: IdentityOptions['reload'] = { interval: '1h' }, config: HttpClientConfig = {}) {
  const held: { url: string; name: string; response: ServerResponse }[] = [];
  const hold: Behaviour = (request, response) => {
    if (request.url?.startsWith('/held')) held.push({ url: request.url, name: shown(request.socket), response });
    else showName(request, response);
  };
  const upstream = await startHttps(mutual(server, ca), hold);
  const { identity, rotate } = rotating(old, { ca: ca.cert, reload });
  const { client } = watch({ baseURL: upstream.origin, retry: false, ...config }, { identity });
  const wire = () => client.stats().policies.wire as { draining: number; lanes: { undici: number; http: number } };
  return { ...upstream, client, identity, rotate, held, wire };
}

describe.each(lanes)('on %s', (_, lane) => {
  it('the lane is the one that is meant', async () => {
    const { client, wire } = await scene();
    await client.get('/', lane);
    expect(wire().lanes).toEqual(lane.family ? { undici: 0, http: 1 } : { undici: 1, http: 0 });
  });

  it('a call begun before the rotation ends on its connection, one begun after shows the new certificate', async () => {
    const { client, rotate, held, wire, connections } = await scene();
    const slow = client.get('/held', lane);
    await until(() => held.length === 1);
    rotate(next);
    expect((await client.get('/', lane)).data).toBe('next');
    expect(wire().draining).toBe(1);
    held[0]?.response.end('slow');
    expect((await slow).data).toBe('slow');
    expect(held[0]?.name).toBe('old');
    expect(connections).toHaveLength(2);
    await closing(connections[0]);
    await until(() => wire().draining === 0);
  });

  it('a download begun before the rotation comes to its end', async () => {
    const { client, rotate, held, wire, connections } = await scene();
    const answer = client.get<Readable>('/held', { ...lane, responseType: 'stream' });
    await until(() => held.length === 1);
    held[0]?.response.write('one ');
    const { data } = await answer;
    const received = text(data);
    rotate(next);
    expect((await client.get('/', lane)).data).toBe('next');
    held[0]?.response.write('two ');
    expect(wire().draining).toBe(1);
    held[0]?.response.end('three');
    expect(await received).toBe('one two three');
    await closing(connections[0]);
    await until(() => wire().draining === 0);
  });

  it('an upload begun before the rotation comes to its end', async () => {
    const { client, rotate, requests, connections, wire } = await scene();
    const body = new PassThrough();
    const upload = client.post('/', body, lane);
    body.write('a'.repeat(40_000));
    await until(() => (connections[0]?.bytesRead ?? 0) > 40_000);
    rotate(next);
    expect((await client.get('/', lane)).data).toBe('next');
    body.end('b');
    expect((await upload).data).toBe('old');
    expect(requests.map(({ method, body: { length } }) => ({ method, length }))).toEqual([
      { method: 'GET', length: 0 },
      { method: 'POST', length: 40_001 },
    ]);
    await until(() => wire().draining === 0);
  });

  it('idle connections close at once', async () => {
    const { client, rotate, connections, wire } = await scene();
    expect((await client.get('/', lane)).data).toBe('old');
    rotate(next);
    await closing(connections[0]);
    await until(() => wire().draining === 0);
    expect((await client.get('/', lane)).data).toBe('next');
    expect(connections).toHaveLength(2);
  });

  it('a call that still waits its turn is sent with the new certificate', async () => {
    const { client, rotate, held, wire } = await scene(undefined, { limits: { maxRequests: 1 } });
    const first = client.get('/held', lane);
    await until(() => held.length === 1);
    const second = client.get('/', lane);
    rotate(next);
    held[0]?.response.end('slow');
    expect((await first).data).toBe('slow');
    expect((await second).data).toBe('next');
    await until(() => wire().draining === 0);
  });

  it('a retry after the rotation shows the new certificate', async () => {
    const { client, rotate, held } = await scene(undefined, { retry: { maxRetries: 1, backoff: { base: 1 } } });
    const call = client.get('/held', lane);
    await until(() => held.length === 1);
    rotate(next);
    held[0]?.response.writeHead(503).end();
    await until(() => held.length === 2);
    held[1]?.response.end('at last');
    expect((await call).data).toBe('at last');
    expect(held.map(({ name }) => name)).toEqual(['old', 'next']);
  });

  it('several rotations during one call leave it alone', async () => {
    const { client, rotate, held, wire, connections } = await scene();
    const slow = client.get('/held', lane);
    await until(() => held.length === 1);
    for (const pair of [next, old, next]) {
      rotate(pair);
      expect((await client.get('/', lane)).data).toBe(pair === old ? 'old' : 'next');
    }
    await until(() => wire().draining === 1);
    held[0]?.response.end('slow');
    expect((await slow).data).toBe('slow');
    for (const connection of connections.slice(0, -1)) await closing(connection);
    await until(() => wire().draining === 0);
  });

  it('with TLS 1.2 it is the same', async () => {
    const upstream = await startHttps(mutual(server, ca, { maxVersion: 'TLSv1.2' }), showName);
    const { identity, rotate } = rotating(old, { ca: ca.cert });
    const { client } = watch({ baseURL: upstream.origin, retry: false }, { identity });
    expect((await client.get('/', lane)).data).toBe('old');
    rotate(next);
    expect((await client.get('/', lane)).data).toBe('next');
    await closing(upstream.connections[0]);
  });
});

describe('a chain of redirects', () => {
  it.each(lanes.slice(1))('begun before the rotation is followed to its end on %s', async (_, lane) => {
    const { client, rotate, held, wire } = await scene();
    const chain = client.get('/held/1', { ...lane, maxRedirects: 2 });
    chain.catch(() => {});
    await until(() => held.length === 1);
    rotate(next);
    expect((await client.get('/', lane)).data).toBe('next');
    held[0]?.response.writeHead(302, { location: '/held/2' }).end();
    await until(() => held.length === 2);
    held[1]?.response.writeHead(302, { location: '/elsewhere' }).end();
    expect((await chain).data).toBe('old');
    await until(() => wire().draining === 0);
  });

  it.each(lanes.slice(1))('to another origin goes on there, without a certificate, on %s', async (_, lane) => {
    const elsewhere = await startHttps(mutual(server, ca, { rejectUnauthorized: false }), showName);
    const { client, rotate, held, wire } = await scene();
    const chain = client.get('/held', { ...lane, maxRedirects: 1, allowAbsoluteUrls: true });
    await until(() => held.length === 1);
    rotate(next);
    held[0]?.response.writeHead(302, { location: `${elsewhere.origin}/` }).end();
    expect((await chain).data).toBe('nobody');
    await until(() => wire().draining === 0);
    await closing(elsewhere.connections[0]);
  });
});
