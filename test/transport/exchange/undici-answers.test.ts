import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { lanes, pause, rejection, watch } from '../../support/client.js';
import { type Behaviour, startHttp, startTcp } from '../../support/upstream.js';

describe('an answer on the fast lane', () => {
  it('to HEAD has no body, whatever its content-length', async () => {
    const { origin } = await startHttp((_, response) => {
      response.writeHead(200, { 'content-length': '1000', 'content-encoding': 'gzip' }).end();
    });
    const { client } = watch({ baseURL: origin });
    const { data, headers } = await client.head('/');
    expect(data).toBe('');
    expect(headers).toMatchObject({ 'content-length': '1000' });
    expect(headers).not.toHaveProperty('content-encoding');
  });

  it.each([204, 304])('of status %d has no body', async (status) => {
    const { origin } = await startHttp(answer(status, ''));
    const { client } = watch({ baseURL: origin });
    const response = await client.get('/', { validateStatus: null });
    expect(response).toMatchObject({ status, data: '' });
  });

  it.each(['text', 'stream'] as const)(
    'comes after early hints and other interim answers, as %s',
    async (responseType) => {
      const { origin } = await startHttp((_, response) => {
        response.writeEarlyHints({ link: '</style.css>; rel=preload' });
        response.writeProcessing();
        response.writeHead(200, { 'x-a': 'final' });
        setTimeout(() => response.end('body'), 20);
      });
      const { client } = watch({ baseURL: origin });
      const { status, data, headers } = await client.get('/', { responseType });
      expect([status, headers['x-a']]).toEqual([200, 'final']);
      expect(responseType === 'stream' ? await text(data) : data).toBe('body');
      expect(headers).not.toHaveProperty('link');
    },
  );

  it('has its headers as AxiosHeaders, several of one name kept apart', async () => {
    const cookies: Behaviour = (_, response) => {
      response.writeHead(200, 'Fine', { 'X-One': '1', 'set-cookie': ['a=1', 'b=2'], 'X-Empty': '' }).end();
    };
    const { origin } = await startHttp(cookies);
    const { client } = watch({ baseURL: origin });
    const { headers, statusText } = await client.get('/');
    expect(statusText).toBe('Fine');
    expect(headers).toMatchObject({ 'x-one': '1', 'set-cookie': ['a=1', 'b=2'], 'x-empty': '' });
    expect((headers as { get(name: string): unknown }).get('X-One')).toBe('1');
  });

  it.each([
    ['json', undefined, { a: 'ü' }],
    ['json', 'json', { a: 'ü' }],
    ['text', 'text', '{"a":"ü"}'],
    ['bytes', 'arraybuffer', Buffer.from('{"a":"ü"}')],
  ] as const)('is given as %s with responseType %s', async (_, responseType, data) => {
    const { origin } = await startHttp(answer(200, '{"a":"ü"}', { 'content-type': 'application/json' }));
    const { client } = watch({ baseURL: origin });
    const response = await client.get('/', responseType === undefined ? {} : { responseType });
    expect(response.data).toEqual(data);
  });

  it('is decoded by responseEncoding, and without its byte order mark', async () => {
    const { origin } = await startHttp(answer(200, Buffer.from([0xe4])), answer(200, '\ufefftext'));
    const { client } = watch({ baseURL: origin });
    expect((await client.get('/', { responseEncoding: 'latin1' })).data).toBe('ä');
    expect((await client.get('/')).data).toBe('text');
  });

  it('puts together a body that came in many pieces, cut within a character', async () => {
    const bytes = Buffer.from('äöü'.repeat(1000));
    const { origin } = await startHttp(async (_, response) => {
      for (let at = 0; at < bytes.length; at += 1001) {
        response.write(bytes.subarray(at, at + 1001));
        await pause(1);
      }
      response.end();
    });
    const { client } = watch({ baseURL: origin });
    expect((await client.get('/')).data).toBe('äöü'.repeat(1000));
  });

  it('logs how many bytes came over the wire', async () => {
    const packed = gzipSync('x'.repeat(10_000));
    const { origin } = await startHttp(answer(200, 'ü'), answer(200, packed, { 'content-encoding': 'gzip' }));
    const { client, lines } = watch({ baseURL: origin });
    for (let i = 0; i < 2; i++) await client.get('/');
    expect(lines.map(({ fields }) => fields['http.response.body.size'])).toEqual([2, packed.length]);
  });

  it('with too many headers is an error that is not asked for again', async () => {
    const { origin, requests } = await startHttp(answer(200, '', { 'x-long': 'x'.repeat(20_000) }));
    const { client } = watch({ baseURL: origin });
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'HPE_HEADER_OVERFLOW', attempts: 1 });
    expect(requests).toHaveLength(1);
  });
});

describe.each(lanes)('an answer of an old server, on %s', (_, lane) => {
  it.each([
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nto the end'],
    ['HTTP/1.1 without a length', 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the end'],
    ['HTTP/1.1 without a reason', 'HTTP/1.1 200\r\ncontent-length: 10\r\n\r\nto the end'],
  ])('ends with its connection: %s', async (_name, bytes) => {
    const { port } = await startTcp((socket) => socket.once('data', () => socket.end(bytes)));
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}` });
    expect((await client.get('/', lane)).data).toBe('to the end');
  });

  it('with two answers for one request is heard once, and the next call is not given the other', async () => {
    const twice = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil';
    const { port } = await startTcp((socket) => socket.on('data', () => socket.write(twice)));
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}` });
    const bodies = [];
    for (let i = 0; i < 3; i++) bodies.push((await client.get('/', lane)).data);
    expect(bodies).toEqual(['first', 'first', 'first']);
  });
});
