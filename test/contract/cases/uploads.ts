/** Streams as request bodies. */
import { PassThrough, Readable } from 'node:stream';
import { type Case, h1, h2, once } from '../case.js';
import { echoed, failure, pick } from '../outcomes.js';

const text = { headers: { 'Content-Type': 'text/plain' } };

export const uploads: readonly Case[] = [
  {
    name: 'a stream is sent in chunks',
    only: h1,
    run: async ({ http }) => {
      const { body, headers } = await echoed(http.post('/echo', Readable.from(['a', 'b']), text));
      return [body, headers['transfer-encoding'], headers['content-length']];
    },
    expect: ['ab', 'chunked', undefined],
  },
  {
    name: 'a stream over HTTP/2 has no length',
    only: h2,
    run: async ({ http }) => {
      const { body, headers } = await echoed(http.post('/echo', Readable.from(['a', 'b']), text));
      return [body, headers['content-length']];
    },
    expect: ['ab', undefined],
  },
  {
    name: 'a stream of known length is sent with that length',
    run: async ({ http }) => {
      const headers = { 'Content-Type': 'text/plain', 'Content-Length': '2' };
      const echo = await echoed(http.post('/echo', Readable.from(['a', 'b']), { headers }));
      return [echo.body, echo.headers['content-length'], echo.headers['transfer-encoding']];
    },
    expect: ['ab', '2', undefined],
  },
  {
    name: 'a stream of text is sent in UTF-8',
    run: async ({ http }) => {
      const through = new PassThrough({ encoding: 'utf8' });
      through.end('ü');
      return (await echoed(http.post('/echo', through, text))).body;
    },
    expect: 'ü',
  },
  {
    name: 'an empty stream is an empty body',
    run: async ({ http }) => (await echoed(http.post('/echo', Readable.from([]), text))).body,
    expect: '',
  },
  {
    name: 'a web stream is not taken',
    only: once,
    run: async ({ http }) => {
      const data = new Blob(['web']).stream();
      return http.post('/echo', data, text).then(
        ({ data: { body } }) => body,
        ({ code }) => code,
      );
    },
    expect: 'ERR_BAD_REQUEST',
    differs: { reason: 'A web ReadableStream is taken as data.', expect: 'web' },
  },
  {
    name: 'an upload that fails midway rejects once, with its error',
    run: async ({ http }) => {
      const data = Readable.from(
        (async function* () {
          yield 'a';
          throw Object.assign(new Error('disk gone'), { code: 'EIO' });
        })(),
      );
      return pick(await failure(http.post('/echo', data, text)), 'code', 'message', 'isAxiosError');
    },
    expect: { code: 'EIO', message: 'disk gone', isAxiosError: true },
  },
  {
    name: 'an upload that is destroyed cancels the call',
    run: async ({ http, serveEarly }) => {
      const data = new PassThrough();
      const path = serveEarly((request) => void request.once('data', () => data.destroy()).on('error', () => {}));
      data.write('a');
      return pick(await failure(http.post(path, data, text)), 'code', 'message');
    },
    expect: { code: 'ERR_CANCELED', message: 'Request stream has been aborted' },
  },
  {
    name: 'an answer before the end of the upload is an answer',
    only: once,
    run: async ({ http, serveEarly }) => {
      const data = new PassThrough();
      const path = serveEarly((_, response) => void response.writeHead(413, { connection: 'close' }).end('too much'));
      data.write('a');
      const { response } = await failure(http.post(path, data, { ...text, maxRedirects: 0 }));
      return [response?.status, response?.data];
    },
    expect: [413, 'too much'],
  },
  {
    name: 'an upload waits for the server to read',
    run: async ({ http, serveEarly }) => {
      let produced = 0;
      let more: () => void = () => {};
      const path = serveEarly((request, response) => {
        more = () => void request.resume().once('end', () => response.end('done'));
      });
      const data = new Readable({
        read() {
          produced += 64 * 1024;
          this.push(produced > 32 << 20 ? null : Buffer.alloc(64 * 1024));
        },
      });
      const answer = http.post(path, data, { ...text, maxRedirects: 0 });
      let before = -1;
      // What stands still for ten turns has filled every buffer there is.
      for (let still = 0; still < 10 || produced === 0; still = produced === before ? still + 1 : 0) {
        before = produced;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const held = produced < 24 << 20;
      more();
      return [held, (await answer).data];
    },
    expect: [true, 'done'],
  },
];
