/** Limits on the size of bodies. */
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { type Case, h1, once } from '../case.js';
import { echoed, failure, pick, refusal, textOf } from '../outcomes.js';
import { sends } from '../server.js';

const tooLong = { code: 'ERR_BAD_RESPONSE', message: 'maxContentLength size of 10 exceeded' };
const tooLarge = { code: 'ERR_BAD_REQUEST', message: 'Request body larger than maxBodyLength limit' };
const ten = { maxContentLength: 10 };

export const limits: readonly Case[] = [
  {
    name: 'a body of maxContentLength is fine',
    run: async ({ http, serve }) => (await http.get(serve(sends({ body: 'ten bytes.' })), ten)).data,
    expect: 'ten bytes.',
  },
  {
    name: 'a longer body is refused',
    run: ({ http, serve }) => refusal(http.get(serve(sends({ body: 'eleven byte' })), ten)),
    expect: tooLong,
  },
  {
    name: 'a body of unknown length is refused when it gets longer',
    run: ({ http, serve }) => {
      const path = serve((_, response) => {
        for (let i = 0; i < 20; i++) response.write('.');
        response.end();
      });
      return refusal(http.get(path, ten));
    },
    expect: tooLong,
  },
  {
    name: 'what counts is the length after decompression',
    run: ({ http, serve }) => {
      const body = zlib.gzipSync('.'.repeat(20_000));
      const answer = sends({ body, headers: { 'content-encoding': 'gzip' } });
      return refusal(http.get(serve(answer), { maxContentLength: 10_000 }));
    },
    expect: { code: 'ERR_BAD_RESPONSE', message: 'maxContentLength size of 10000 exceeded' },
  },
  {
    name: 'a stream fails when it gets longer than maxContentLength',
    run: async ({ http, serve }) => {
      const { data } = await http.get(serve(sends({ body: 'eleven byte' })), { ...ten, responseType: 'stream' });
      return pick(await failure(textOf(data)), 'code', 'message');
    },
    expect: tooLong,
  },
  {
    name: 'a compressed stream fails by its length after decompression',
    run: async ({ http, serve }) => {
      const answer = sends({ body: zlib.gzipSync('.'.repeat(20_000)), headers: { 'content-encoding': 'gzip' } });
      const config = { maxContentLength: 10_000, responseType: 'stream' } as const;
      const { data } = await http.get(serve(answer), config);
      return (await failure(textOf(data))).code;
    },
    expect: 'ERR_BAD_RESPONSE',
  },
  {
    name: 'maxContentLength 0 lets an empty body through',
    run: async ({ http, serve }) => (await http.get(serve(sends({})), { maxContentLength: 0 })).data,
    expect: '',
  },
  {
    name: 'the body of an error status counts too',
    run: ({ http, serve }) => refusal(http.get(serve(sends({ status: 400, body: 'eleven byte' })), ten)),
    expect: tooLong,
  },
  {
    name: 'without a limit a long body arrives whole',
    run: async ({ http, serve }) => {
      const body = Buffer.alloc(11 << 20, 'l');
      return (await http.get(serve(sends({ body })), { responseType: 'arraybuffer' })).data.length;
    },
    expect: 11 << 20,
  },
  {
    name: 'data of maxBodyLength is sent',
    run: async ({ http }) => (await echoed(http.post('/echo', 'ten bytes.', { maxBodyLength: 10 }))).body,
    expect: 'ten bytes.',
  },
  {
    name: 'longer data is refused before it is sent, by its bytes',
    only: once,
    run: ({ http }) => refusal(http.post('/echo', 'üüüüüü', { maxBodyLength: 10 })),
    expect: tooLarge,
  },
  {
    name: 'a stream is refused when it gets longer than maxBodyLength',
    run: ({ http }) => refusal(http.post('/echo', Readable.from(['12345', '67890', '1']), { maxBodyLength: 10 })),
    expect: tooLarge,
  },
  {
    name: 'a stream is refused without redirects too',
    run: ({ http }) => {
      const config = { maxBodyLength: 10, maxRedirects: 0 };
      return refusal(http.post('/echo', Readable.from(['12345', '67890', '1']), config));
    },
    expect: tooLarge,
  },
  {
    name: 'without a limit 11 MiB are sent whole',
    only: once,
    run: async ({ http, serve }) => {
      const path = serve((_, response, body) => void response.end(String(body.length)));
      return (await http.post(path, Buffer.alloc(11 << 20))).data;
    },
    expect: 11 << 20,
  },
  {
    name: 'a form longer than maxBodyLength is refused',
    only: h1,
    run: ({ http }) => {
      const form = new FormData();
      form.append('a', 'b'.repeat(1000));
      return refusal(http.post('/echo', form, { maxBodyLength: 100 }));
    },
    expect: tooLarge,
  },
];
