/** Headers of requests. */
import zlib from 'node:zlib';
import { AxiosHeaders, type AxiosRequestConfig } from 'axios';
import { expect } from 'vitest';
import { type Case, h1, once } from '../case.js';
import { echoed, failure } from '../outcomes.js';

/** The headers of this name that arrive. */
const arrived =
  (name: string, headers: AxiosRequestConfig['headers'] = {}): Case['run'] =>
  async ({ http }) =>
    (await echoed(http.get('/echo', { headers }))).headers[name];

export const requestHeaders: readonly Case[] = [
  { name: 'a header of the call goes out', run: arrived('x-a', { 'X-A': 'b' }), expect: 'b' },
  { name: 'a number becomes text', run: arrived('x-a', { 'X-A': 1 }), expect: '1' },
  { name: 'true becomes text', run: arrived('x-a', { 'X-A': true }), expect: 'true' },
  { name: 'a list is sent, joined by the server', run: arrived('x-a', { 'X-A': ['b', 'c'] as never }), expect: 'b, c' },
  {
    name: 'null, false and undefined are not sent',
    run: async ({ http }) => {
      const given = { 'x-null': null, 'x-false': false, 'x-undefined': undefined, 'x-empty': '' };
      const { headers: got } = await echoed(http.get('/echo', { headers: given as never }));
      return Object.keys(got).filter((name) => name in given);
    },
    expect: ['x-empty'],
  },
  { name: 'white space around a value is cut off', run: arrived('x-a', { 'X-A': '  b  ' }), expect: 'b' },
  { name: 'Latin-1 goes out as it is', run: arrived('x-a', { 'X-A': 'ü' }), expect: 'ü' },
  { name: 'what is beyond Latin-1 is left out', run: arrived('x-a', { 'X-A': 'a日b' }), expect: 'ab' },
  {
    name: 'of two spellings of a name one is sent',
    run: arrived('x-a', AxiosHeaders.from({ 'x-a': '1' }).set('X-A', '2')),
    expect: '2',
  },
  {
    name: 'a line break in a value does not become a header',
    only: once,
    run: async ({ http }) => {
      const answer = http.get('/echo', { headers: { 'x-a': 'b\r\nx-injected: 1' } });
      return answer.then(
        ({ data }) => data.headers['x-a'],
        ({ code }) => code,
      );
    },
    expect: 'bx-injected: 1',
    differs: { reason: 'CR and LF in a header are refused.', wires: ['client'], expect: 'ERR_CONFIG' },
  },
  {
    name: 'a bad name is refused',
    only: once,
    run: async ({ http }) => (await failure(http.get('/echo', { headers: { 'a b': '1' } }))).code,
    expect: 'ERR_INVALID_HTTP_TOKEN',
    differs: { reason: 'A header with an invalid name is ERR_BAD_REQUEST.', expect: 'ERR_BAD_REQUEST' },
  },
  {
    name: 'Accept and Accept-Encoding say what axios takes',
    run: async ({ http }) => {
      const { headers: got } = await echoed(http.get('/echo'));
      return [got.accept, got['accept-encoding']];
    },
    expect: ['application/json, text/plain, */*', 'gzip, compress, deflate, br'],
  },
  {
    name: 'User-Agent is that of axios',
    run: arrived('user-agent'),
    expect: expect.stringMatching(/^axios\//),
    differs: { reason: 'User-Agent is pillion/…', wires: ['client'], expect: expect.stringMatching(/^pillion\//) },
  },
  { name: 'User-Agent of the call goes first', run: arrived('user-agent', { 'user-agent': 'mine' }), expect: 'mine' },
  { name: 'User-Agent: false sends none', run: arrived('user-agent', { 'User-Agent': false }), expect: undefined },
  {
    name: 'Accept-Encoding: null sends none',
    run: arrived('accept-encoding', { 'Accept-Encoding': null }),
    expect: undefined,
  },
  {
    name: 'Content-Type goes out without a body too',
    run: arrived('content-type', { 'Content-Type': 'text/plain' }),
    expect: 'text/plain',
  },
  {
    name: 'Content-Type: false leaves it to nobody',
    run: async ({ http }) => {
      const { headers: got } = await echoed(http.post('/echo', 'x', { headers: { 'Content-Type': false } }));
      return got['content-type'];
    },
    expect: undefined,
  },
  {
    name: 'Host is that of the URL',
    only: h1,
    run: async (wire) => (await arrived('host')(wire)) === new URL(wire.origin).host,
    expect: true,
  },
  {
    name: 'Host of the call goes first',
    only: once,
    run: arrived('host', { Host: 'example.test' }),
    expect: 'example.test',
  },
  {
    name: 'Connection of the call goes out',
    only: h1,
    run: arrived('connection', { Connection: 'close' }),
    expect: 'close',
  },
  {
    name: 'defaults of the instance: common ones and those of the method',
    run: async ({ fresh }) => {
      const http = await fresh();
      http.defaults.headers.common['x-common'] = 'c';
      http.defaults.headers.post['x-post'] = 'p';
      const [got, posted] = await Promise.all([echoed(http.get('/echo')), echoed(http.post('/echo'))]);
      return [got.headers['x-common'], got.headers['x-post'], posted.headers['x-post']];
    },
    expect: ['c', undefined, 'p'],
  },
  {
    name: 'a large header arrives',
    run: async (wire) => (await arrived('x-a', { 'x-a': 'a'.repeat(12_000) })(wire)) === 'a'.repeat(12_000),
    expect: true,
  },
  {
    name: 'zstd is asked for where the caller wants it and Node can',
    run: async ({ http }) => {
      const transitional = { advertiseZstdAcceptEncoding: true } as object;
      return (await echoed(http.get('/echo', { transitional }))).headers['accept-encoding'];
    },
    expect: `gzip, compress, deflate, br${'zstdCompressSync' in zlib ? ', zstd' : ''}`,
  },
  {
    name: 'Expect: 100-continue holds the body back until the server wants it',
    only: h1,
    run: async ({ http }) => {
      const { body, headers } = await echoed(http.post('/echo', 'body', { headers: { Expect: '100-continue' } }));
      return [body, headers.expect];
    },
    expect: ['body', '100-continue'],
  },
];
