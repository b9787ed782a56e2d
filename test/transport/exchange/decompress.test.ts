import { buffer } from 'node:stream/consumers';
import zlib from 'node:zlib';
import type { AxiosRequestConfig } from 'axios';
import { describe, expect, it } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { lanes, line, rejection, watch } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

const text = `{"list":[${'"ü",'.repeat(500)}"end"]}`;
const plain = Buffer.from(text);

const codings: [string, string, Buffer][] = [
  ['gzip', 'gzip', zlib.gzipSync(plain)],
  ['x-gzip', 'x-gzip', zlib.gzipSync(plain)],
  ['deflate', 'deflate', zlib.deflateSync(plain)],
  ['deflate without its header', 'deflate', zlib.deflateRawSync(plain)],
  ['br', 'br', zlib.brotliCompressSync(plain)],
];

async function fetched(body: Buffer | string, coding: string, options: AxiosRequestConfig) {
  const { origin } = await startHttp(answer(200, body, { 'content-encoding': coding }));
  const { client } = watch({ baseURL: origin });
  return client.get('/', options);
}

describe.each(lanes)('on %s', (_, lane) => {
  describe.each(codings)('a body compressed by %s', (_name, coding, packed) => {
    it('comes as JSON', async () => {
      expect((await fetched(packed, coding, lane)).data).toEqual(JSON.parse(text));
    });

    it('comes as bytes', async () => {
      const { data } = await fetched(packed, coding, { ...lane, responseType: 'arraybuffer' });
      expect(plain.equals(data)).toBe(true);
    });

    it('comes as a stream', async () => {
      const { data } = await fetched(packed, coding, { ...lane, responseType: 'stream' });
      expect(plain.equals(await buffer(data))).toBe(true);
    });

    it('has no content-encoding any more', async () => {
      expect((await fetched(packed, coding, lane)).headers).not.toHaveProperty('content-encoding');
    });

    it('stays as it is with `decompress: false`', async () => {
      const options = { ...lane, decompress: false, responseType: 'arraybuffer' } as const;
      const { data, headers } = await fetched(packed, coding, options);
      expect(packed.equals(data)).toBe(true);
      expect(headers['content-encoding']).toBe(coding);
    });
  });

  it('an empty body is empty in any coding', async () => {
    expect((await fetched('', 'gzip', lane)).data).toBe('');
  });

  it('a coding nobody knows is left to the caller', async () => {
    const { data, headers } = await fetched('???', 'rot13', lane);
    expect([data, headers['content-encoding']]).toEqual(['???', 'rot13']);
  });

  it('a body that is not what its header says is an error, and not asked for again', async () => {
    const { origin, requests } = await startHttp(answer(200, 'plain text', { 'content-encoding': 'gzip' }));
    const { client, lines } = watch({ baseURL: origin });
    const error = await rejection(client.get('/', lane));
    expect(error).toMatchObject({ isAxiosError: true, attempts: 1 });
    expect(requests).toHaveLength(1);
    expect(lines).toEqual([line('error', { type: error.code, attempts: 1 })]);
  });
});

describe('on the fast lane', () => {
  it.each(codings)('a body compressed by %s and cut short is an error, not a short body', async (_, coding, packed) => {
    const error = await rejection(fetched(packed.subarray(0, -12), coding, {}));
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(Z_BUF_ERROR|ERR_)/),
      isAxiosError: true,
      attempts: 1,
    });
    const { data } = await fetched(packed.subarray(0, -12), coding, { responseType: 'stream' });
    expect((await rejection(buffer(data))).code).toMatch(/^(Z_BUF_ERROR|ERR_)/);
  });
});
