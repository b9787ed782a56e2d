/** Streams as response bodies. */
import { once as event } from 'node:events';
import http2 from 'node:http2';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { AxiosResponse } from 'axios';
import { until } from '../../support/client.js';
import type { Case } from '../case.js';
import { echoed, failure, textOf } from '../outcomes.js';
import { sends } from '../server.js';

const stream = { responseType: 'stream' } as const;
const text = { headers: { 'Content-Type': 'text/plain' } };

export const downloads: readonly Case[] = [
  {
    name: 'a download waits for its reader',
    run: async ({ http, serve }) => {
      const state = { written: 0, ended: false };
      const path = serve(async (_, response) => {
        while (state.written < 64 << 20 && !response.destroyed) {
          state.written += 64 * 1024;
          if (!response.write(Buffer.alloc(64 * 1024))) await event(response, 'drain').catch(() => {});
        }
        state.ended = true;
        response.end();
      });
      const { data } = await http.get(path, stream);
      let before = -1;
      for (let still = 0; still < 10; still = state.written === before ? still + 1 : 0) {
        before = state.written;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const held = !state.ended;
      data.destroy();
      return held;
    },
    expect: true,
  },
  {
    name: 'pipeline() takes a response to its end',
    run: async ({ http, serve }) => {
      let size = 0;
      const sink = new Writable({
        write(chunk, _, done) {
          size += chunk.length;
          setImmediate(done);
        },
      });
      const { data } = await http.get(serve(sends({ body: Buffer.alloc(3 << 20) })), stream);
      await pipeline(data, sink);
      return size;
    },
    expect: 3 << 20,
  },
  {
    name: 'a response can be the body of another request',
    run: async ({ http, serve }) => {
      const { data } = await http.get(serve(sends({ body: 'passed on' })), stream);
      return (await echoed(http.post('/echo', data, text))).body;
    },
    expect: 'passed on',
  },
  {
    name: 'a response stream is there before its body is',
    run: async ({ http, serve }) => {
      let finish: () => void = () => {};
      const path = serve((_, response) => {
        response.write('first ');
        finish = () => response.end('last');
      });
      const { data } = await http.get(path, stream);
      finish();
      return textOf(data);
    },
    expect: 'first last',
  },
  {
    name: 'destroying a response stream frees what carries it',
    run: async ({ http, serve }) => {
      let closed = false;
      const path = serve((_, response) => {
        response.once('close', () => {
          closed = true;
        });
        response.write('endless');
      });
      const { data } = await http.get(path, stream);
      data.destroy();
      await until(() => closed);
      return closed;
    },
    expect: true,
  },
  {
    name: 'the body of an error status is a stream too',
    run: async ({ http, serve }) => {
      const { response } = await failure(http.get(serve(sends({ status: 404, body: 'not here' })), stream));
      return textOf(response?.data as Readable);
    },
    expect: 'not here',
  },
  {
    name: 'a stream that breaks off fails',
    run: async ({ http, serve }) => {
      const path = serve((request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        const compat = response as unknown as { stream?: http2.ServerHttp2Stream };
        response.write('ten bytes.', () => {
          if (compat.stream) compat.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
          else request.socket.destroy();
        });
      });
      const { data } = await http.get(path, stream);
      return (await failure(textOf(data))) instanceof Error;
    },
    expect: true,
  },
  {
    name: 'destroying the body of an error frees what carries it',
    run: async ({ http, serve }) => {
      let closed = false;
      const path = serve((_, response) => {
        response.once('close', () => {
          closed = true;
        });
        response.writeHead(404).write('endless');
      });
      const { response } = await failure(http.get(path, stream));
      (response as AxiosResponse<Readable>).data.destroy();
      await until(() => closed);
      return closed;
    },
    expect: true,
  },
];
