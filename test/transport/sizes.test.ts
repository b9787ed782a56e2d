import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { answer } from '../support/behaviours.js';
import { lanes, line, rejection, watch } from '../support/client.js';
import { closing, startHttp } from '../support/upstream.js';

describe.each(lanes)('a bomb on %s', (_, lane) => {
  const packed = gzipSync(Buffer.alloc(20 * 1024 * 1024));
  const shrunk = brotliCompressSync(Buffer.alloc(20 * 1024 * 1024));

  it.each([
    ['gzip', packed],
    ['br', shrunk],
  ])('by %s ends at the size limit, without being unpacked', async (coding, body) => {
    const { origin, requests } = await startHttp(answer(200, body, { 'content-encoding': coding }));
    const { client, lines } = watch({ baseURL: origin });
    const error = await rejection(client.get('/', lane));
    expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', attempts: 1 });
    expect(error.message).toBe('maxContentLength size of 10485760 exceeded');
    expect(requests).toHaveLength(1);
    expect(lines).toEqual([line('error', { type: 'ERR_BAD_RESPONSE', attempts: 1 })]);
  });

  it('in a stream is held to the limit that the call sets', async () => {
    const { origin } = await startHttp(answer(200, packed, { 'content-encoding': 'gzip' }));
    const { client } = watch({ baseURL: origin });
    const { data } = await client.get('/', { ...lane, responseType: 'stream', maxContentLength: 1_000_000 });
    expect(await rejection(buffer(data))).toMatchObject({ code: 'ERR_BAD_RESPONSE' });
  });
});

describe.each(lanes)('the size of bodies on %s', (_, lane) => {
  it('ends an answer that is too large while it comes, and its connection', async () => {
    const { origin, connections } = await startHttp((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'.repeat(1000)), 5);
      response.once('close', () => clearInterval(timer));
    });
    const { client } = watch({ baseURL: origin });
    const error = await rejection(client.get('/', { ...lane, maxContentLength: 5000 }));
    expect(error).toMatchObject({
      code: 'ERR_BAD_RESPONSE',
      message: 'maxContentLength size of 5000 exceeded',
      attempts: 1,
    });
    await closing(connections[0]);
  });

  it.each<[string, () => unknown]>([
    ['a string', () => 'x'.repeat(101)],
    ['a Buffer', () => Buffer.alloc(101)],
    ['an object', () => ({ text: 'x'.repeat(100) })],
  ])('refuses %s above maxBodyLength before anything is sent', async (_name, body) => {
    const { origin, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    const error = await rejection(client.put('/', body(), { ...lane, maxBodyLength: 100 }));
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_/), isAxiosError: true, attempts: 1 });
    expect(requests).toEqual([]);
  });

  it('lets a body of just maxBodyLength bytes through', async () => {
    const { origin, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    await client.put('/', 'ü'.repeat(50), { ...lane, maxBodyLength: 100 });
    expect(requests[0]?.body).toHaveLength(50);
  });
});
