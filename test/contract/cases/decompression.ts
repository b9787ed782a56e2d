/** Content codings. */
import zlib from 'node:zlib';
import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import { type Case, schemes } from '../case.js';
import { failure, pick, textOf } from '../outcomes.js';
import { sends } from '../server.js';

/** What the types of Node 20 do not know. */
const { zstdCompressSync: zstd } = zlib as typeof zlib & { zstdCompressSync?: (body: Buffer) => Buffer };

const text = 'a text that is long enough to be worth it. '.repeat(50);

const coded = (encoding: string, body: Buffer | string, status = 200) =>
  sends({ status, body, headers: { 'content-encoding': encoding, 'x-other': '1' } });

/** What comes of a body in this coding: whether it is the text, and the header that says so. */
const decoded =
  (encoding: string, body: Buffer, config: AxiosRequestConfig = {}): Case['run'] =>
  async ({ http, serve }) => {
    const { data, headers } = await http.get(serve(coded(encoding, body)), config);
    return [data === text ? 'the text' : data, headers['content-encoding']];
  };

const undone = ['the text', undefined];
const asStream = async ({ data }: AxiosResponse) => (await textOf(data)) === text;

const streamed =
  (encoding: string, body: Buffer): Case['run'] =>
  async ({ http, serve }) => {
    const response = await http.get(serve(coded(encoding, body)), { responseType: 'stream' });
    return [await asStream(response), response.headers['content-encoding']];
  };

const cutShort = { reason: 'A compressed body cut short is an error.' };

export const decompression: readonly Case[] = [
  { name: 'gzip is undone', run: decoded('gzip', zlib.gzipSync(text)), expect: undone },
  { name: 'x-gzip is gzip', run: decoded('x-gzip', zlib.gzipSync(text)), expect: undone },
  { name: 'compress is taken for gzip', run: decoded('compress', zlib.gzipSync(text)), expect: undone },
  { name: 'the name of a coding has no case', run: decoded('GZip', zlib.gzipSync(text)), expect: undone },
  { name: 'deflate is undone', run: decoded('deflate', zlib.deflateSync(text)), expect: undone },
  { name: 'raw deflate is undone', run: decoded('deflate', zlib.deflateRawSync(text)), expect: undone },
  { name: 'br is undone', run: decoded('br', zlib.brotliCompressSync(text)), expect: undone },
  {
    name: 'a gzip body of several members is undone',
    run: decoded('gzip', Buffer.concat([zlib.gzipSync(text.slice(0, 100)), zlib.gzipSync(text.slice(100))])),
    expect: undone,
  },
  {
    name: 'a coding nobody knows stays',
    run: decoded('rot13', Buffer.from('grkg')),
    expect: ['grkg', 'rot13'],
  },
  { name: 'identity is no coding', run: decoded('identity', Buffer.from(text)), expect: ['the text', 'identity'] },
  {
    name: 'decompress: false leaves body and header',
    run: async ({ http, serve }) => {
      const body = zlib.gzipSync(text);
      const config = { decompress: false, responseType: 'arraybuffer' } as const;
      const { data, headers } = await http.get(serve(coded('gzip', body)), config);
      return [body.equals(data), headers['content-encoding']];
    },
    expect: [true, 'gzip'],
  },
  { name: 'a gzip stream is undone', run: streamed('gzip', zlib.gzipSync(text)), expect: [true, undefined] },
  { name: 'a deflate stream is undone', run: streamed('deflate', zlib.deflateSync(text)), expect: [true, undefined] },
  {
    name: 'a raw deflate stream is undone',
    run: streamed('deflate', zlib.deflateRawSync(text)),
    expect: [true, undefined],
  },
  { name: 'a br stream is undone', run: streamed('br', zlib.brotliCompressSync(text)), expect: [true, undefined] },
  {
    name: 'bytes are undone before they become an ArrayBuffer',
    run: async ({ http, serve }) => {
      const path = serve(coded('gzip', zlib.gzipSync(Buffer.from([1, 2, 3]))));
      return (await http.get(path, { responseType: 'arraybuffer' })).data;
    },
    expect: Buffer.from([1, 2, 3]),
  },
  {
    name: 'the answer to a HEAD loses the header, as there is nothing to undo',
    run: async ({ http, serve }) => {
      const { data, headers } = await http.head(serve(coded('gzip', '')));
      return [data, headers['content-encoding'], headers['x-other']];
    },
    expect: ['', undefined, '1'],
  },
  {
    name: '204 loses the header too',
    run: async ({ http, serve }) => {
      const { data, headers } = await http.get(serve(coded('gzip', '', 204)));
      return [data, headers['content-encoding'], headers['x-other']];
    },
    expect: ['', undefined, '1'],
  },
  {
    name: 'an empty body is empty in any coding',
    run: async ({ http, serve }) => {
      const answers = ['gzip', 'deflate', 'br'].map((encoding) => http.get(serve(coded(encoding, ''))));
      return (await Promise.all(answers)).map(({ data, headers }) => [data, headers['content-encoding']]);
    },
    expect: [
      ['', undefined],
      ['', undefined],
      ['', undefined],
    ],
  },
  {
    name: 'a body that is not in its coding is an error with the answer',
    run: async ({ http, serve }) => {
      const { code, response } = await failure(http.get(serve(coded('gzip', 'no gzip at all'))));
      return [code, response?.status];
    },
    expect: ['Z_DATA_ERROR', 200],
    differs: {
      reason: 'An error for a body that was not received or read to its end has no `response`.',
      wires: ['client'],
      expect: ['Z_DATA_ERROR', undefined],
    },
  },
  {
    name: 'a stream that is not in its coding fails',
    run: async ({ http, serve }) => {
      const { data } = await http.get(serve(coded('gzip', 'no gzip at all')), { responseType: 'stream' });
      return (await failure(textOf(data))).code;
    },
    expect: 'Z_DATA_ERROR',
  },
  {
    name: 'a gzip body cut short gives what there is',
    run: async ({ http, serve }) => {
      const path = serve(coded('gzip', zlib.gzipSync(text).subarray(0, -12)));
      const { data, code } = await http.get(path).catch((error) => error);
      return data === undefined ? code : text.startsWith(data);
    },
    expect: true,
    differs: { ...cutShort, expect: 'Z_BUF_ERROR' },
  },
  {
    name: 'the body of an error is undone too',
    run: async ({ http, serve }) => {
      const body = zlib.gzipSync('{"why":"so"}');
      const { response } = await failure(http.get(serve(coded('gzip', body, 400))));
      return pick(response as AxiosResponse, 'status', 'data');
    },
    expect: { status: 400, data: { why: 'so' } },
  },
  {
    name: 'zstd is undone where Node can',
    only: zstd === undefined ? [] : schemes,
    run: async (wire) => decoded('zstd', zstd?.(Buffer.from(text)) ?? Buffer.alloc(0))(wire),
    expect: undone,
  },
];
