import { PassThrough, Readable } from 'node:stream';
import type { AxiosRequestConfig } from 'axios';
import type { Policy } from 'pillion';
import { describe, expect, it } from 'vitest';
import { answer, hang } from '../support/behaviours.js';
import { pause, rejection, until, watch } from '../support/client.js';
import { closing, startHttp, startTcp } from '../support/upstream.js';

/** What the upstream got from one call. */
async function received(config: AxiosRequestConfig) {
  const { origin, requests } = await startHttp(answer());
  const { client } = watch({ baseURL: origin });
  await client.request({ url: '/', ...config });
  expect(client.stats().policies.wire).toMatchObject({ lanes: { undici: 1, http: 0 } });
  return requests[0];
}

describe('a request on the fast lane', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('goes out as %s', async (method) => {
    expect(await received({ method })).toMatchObject({ method });
  });

  it('has its parameters in the query, beside what the URL had', async () => {
    const params = { a: 'b c', list: [1, 2], none: undefined, umlaut: 'ü' };
    expect((await received({ url: '/path?x=y', params }))?.path).toBe(
      '/path?x=y&a=b+c&list%5B%5D=1&list%5B%5D=2&umlaut=%C3%BC',
    );
  });

  it('has the headers of the call, and those that every request has', async () => {
    const headers = { 'X-One': '1', 'x-many': ['a', 'b'], 'x-none': null, Accept: 'text/csv' };
    const seen = (await received({ headers: headers as never }))?.headers;
    expect(seen).toMatchObject({ 'x-one': '1', 'x-many': 'a, b', accept: 'text/csv', connection: 'keep-alive' });
    expect(seen).toMatchObject({
      'accept-encoding': 'gzip, compress, deflate, br',
      'user-agent': expect.stringMatching(/^pillion\//),
    });
    expect(seen).not.toHaveProperty('x-none');
  });

  it('lets the caller set or drop those that every request has', async () => {
    const headers = { 'User-Agent': 'me/1', 'Accept-Encoding': 'identity' };
    expect((await received({ headers }))?.headers).toMatchObject({
      'user-agent': 'me/1',
      'accept-encoding': 'identity',
    });
    const without = await received({ headers: { 'User-Agent': null, 'Accept-Encoding': null } as never });
    expect(without?.headers).not.toHaveProperty('user-agent');
    expect(without?.headers).not.toHaveProperty('accept-encoding');
  });

  it('has basic auth in place of an authorization header', async () => {
    const auth = { username: 'ada', password: 'böse:geheim' };
    const seen = await received({ auth, headers: { Authorization: 'Bearer old' } });
    expect(seen?.headers.authorization).toBe(`Basic ${Buffer.from('ada:böse:geheim').toString('base64')}`);
  });

  it('may name another host than the one it connects to', async () => {
    expect((await received({ headers: { Host: 'billing.internal' } }))?.headers.host).toBe('billing.internal');
  });

  it.each<[string, unknown, string, string]>([
    ['an object as JSON', { total: 1 }, '{"total":1}', 'application/json'],
    ['a string as it is', 'plain', 'plain', 'application/x-www-form-urlencoded'],
    ['a Buffer', Buffer.from('bytes'), 'bytes', 'application/x-www-form-urlencoded'],
    ['a Uint8Array', new Uint8Array([104, 105]), 'hi', 'application/x-www-form-urlencoded'],
    ['an ArrayBuffer', new Uint8Array([104, 105]).buffer, 'hi', 'application/x-www-form-urlencoded'],
    ['URLSearchParams', new URLSearchParams({ a: 'b c' }), 'a=b+c', 'application/x-www-form-urlencoded;charset=utf-8'],
  ])('carries %s', async (_, data, body, type) => {
    const seen = await received({ method: 'POST', data });
    expect(seen?.body).toBe(body);
    expect(seen?.headers).toMatchObject({ 'content-type': type, 'content-length': String(body.length) });
  });

  it('with an empty body says so for a POST and nothing for a GET', async () => {
    expect((await received({ method: 'POST' }))?.headers['content-length']).toBe('0');
    expect((await received({ method: 'GET' }))?.headers).not.toHaveProperty('content-length');
  });

  it('carries a stream in chunks', async () => {
    const seen = await received({ method: 'POST', data: Readable.from([Buffer.from('one '), Buffer.from('two')]) });
    expect(seen?.body).toBe('one two');
    expect(seen?.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    expect(seen?.headers).not.toHaveProperty('content-length');
  });

  it('carries a stream of known length without chunks', async () => {
    const headers = { 'content-length': '7' };
    const seen = await received({
      method: 'PUT',
      headers,
      data: Readable.from([Buffer.from('one '), Buffer.from('two')]),
    });
    expect(seen?.headers).toMatchObject(headers);
    expect(seen?.body).toBe('one two');
  });
});

describe('a stream that is sent', () => {
  it('fails the call when it breaks, and the server sees the connection close', async () => {
    const { origin, connections, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    const source = new PassThrough();
    const failed = rejection(client.post('/', source));
    source.write('first');
    await until(() => connections.length === 1);
    source.destroy(new Error('the disk is gone'));
    expect(await failed).toMatchObject({ attempts: 1, isAxiosError: true, message: 'the disk is gone' });
    await closing(connections[0]);
    expect(requests).toEqual([]);
  });

  it('is destroyed when the call ends before it', async () => {
    const { origin, connections } = await startHttp(hang);
    const { client } = watch({ baseURL: origin, timeouts: { attempt: 150 } });
    const source = new PassThrough();
    source.write('first');
    expect(await rejection(client.post('/', source))).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT', attempts: 1 });
    await closing(connections[0]);
    expect(source.destroyed).toBe(true);
  });
});

describe('a server that answers before it has the whole body', () => {
  it('is heard, and the rest of the body is not sent', async () => {
    const refusal = 'HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbig';
    const { port, connections } = await startTcp((socket) => socket.once('data', () => socket.write(refusal)));
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}` });
    const source = new PassThrough();
    source.write('first');
    const error = await rejection(client.post('/', source));
    expect(error).toMatchObject({ code: 'ERR_BAD_REQUEST', response: { status: 413, data: 'big' } });
    await closing(connections[0]);
  });
});

describe('headers that cannot be sent', () => {
  it('set past axios, with a line break in them, are refused before a connection is made', async () => {
    const { origin, connections } = await startHttp(answer());
    const smuggle: Policy = (next) => (request) => {
      Object.assign(request.headers, { 'x-a': 'a\r\nx-evil: 1' });
      return next(request);
    };
    const { client } = watch({ baseURL: origin }, { perAttempt: [smuggle] });
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'ERR_BAD_REQUEST', attempts: 1 });
    await pause(20);
    expect(connections).toHaveLength(0);
  });
});
