import type { AxiosInstance } from 'axios';
import { until } from '../../support/client.js';
import { startHttp, startTcp } from '../../support/upstream.js';
import { type Case, h1, h2, once } from '../case.js';
import { failure, textOf } from '../outcomes.js';
import { sends } from '../server.js';

/** How many connections these calls take, one after the other. */
async function connections(http: AxiosInstance, ...calls: (() => Promise<unknown>)[]): Promise<number> {
  const ports = new Set<number>();
  const note = async () => ports.add((await http.get('/echo')).data.connection);
  await note();
  for (const call of calls) {
    await call();
    // Node's agent takes a socket back on the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    await note();
  }
  return ports.size;
}

export const connectionsKept: readonly Case[] = [
  {
    name: 'calls one after the other share a connection',
    run: async ({ fresh }) => {
      const http = await fresh();
      return connections(
        http,
        () => http.get('/echo'),
        () => http.post('/echo', { a: 1 }),
      );
    },
    expect: 1,
  },
  {
    name: 'a 204 and a 404 leave the connection free',
    run: async ({ fresh, serve }) => {
      const http = await fresh();
      const [none = '', missing = ''] = [204, 404].map((status) => serve(sends({ status })));
      return connections(
        http,
        () => http.get(none),
        () => failure(http.get(missing)),
      );
    },
    expect: 1,
  },
  {
    name: 'a HEAD leaves the connection free',
    // Node closes the connection after it.
    axiosCannot: h1,
    run: async ({ fresh }) => {
      const http = await fresh();
      return connections(http, () => http.head('/echo'));
    },
    expect: 1,
  },
  {
    name: 'a response stream that was read leaves the connection free',
    only: h1,
    run: async ({ fresh }) => {
      const http = await fresh();
      const read = async () => textOf((await http.get('/echo', { responseType: 'stream' })).data);
      return connections(http, read);
    },
    expect: 1,
  },
  {
    name: 'a redirect ends its connection',
    only: h1,
    run: async ({ fresh, serve }) => {
      const http = await fresh();
      const path = serve(sends({ status: 302, headers: { location: '/echo' }, body: 'moved' }));
      return connections(http, () => http.get(path));
    },
    expect: 2,
    differs: { reason: 'The connection that a redirect came over is used again.', expect: 1 },
  },
  {
    name: 'calls in flight at once take a connection each',
    only: h1,
    run: async ({ fresh, serve }) => {
      const http = await fresh();
      const ends: (() => void)[] = [];
      // All answers wait for the last call: one that comes before could free its connection for the next call.
      const path = serve(({ socket }, response) => {
        ends.push(() => response.end(String(socket.remotePort)));
        if (ends.length === 3) for (const end of ends) end();
      });
      const answers = await Promise.all([1, 2, 3].map(() => http.get(path)));
      return new Set(answers.map(({ data }) => data)).size;
    },
    expect: 3,
  },
  {
    name: 'calls at once share a connection of HTTP/2',
    only: h2,
    run: async ({ fresh }) => {
      const http = await fresh();
      await http.get('/echo');
      const answers = await Promise.all([1, 2, 3].map(() => http.get('/echo')));
      return new Set(answers.map(({ data }) => data.connection)).size;
    },
    expect: 1,
  },
  {
    name: "after a server's Connection: close a new connection is made",
    only: h1,
    run: async ({ fresh, serve }) => {
      const http = await fresh();
      const path = serve(sends({ headers: { connection: 'close' } }));
      return connections(http, () => http.get(path));
    },
    expect: 2,
  },
  {
    name: "after a caller's Connection: close a new connection is made",
    only: h1,
    run: async ({ fresh }) => {
      const http = await fresh();
      return connections(http, () => http.get('/echo', { headers: { Connection: 'close' } }));
    },
    expect: 2,
  },
  {
    name: 'a connection closed by the server while it was not used is noticed',
    only: once,
    run: async ({ fresh }) => {
      const http = await fresh();
      const upstream = await startHttp((_, response) => void response.end('fine'));
      await http.get(upstream.origin);
      upstream.connections[0]?.socket.destroy();
      await upstream.connections[0]?.closed;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return (await http.get(upstream.origin)).data;
    },
    expect: 'fine',
  },
  {
    name: 'what is refused leaves no connection behind',
    only: once,
    run: async ({ fresh }) => {
      const http = await fresh();
      const upstream = await startHttp((_, response) => void response.write('x'.repeat(100)));
      const error = await failure(http.get(upstream.origin, { maxContentLength: 10 }));
      let closed = false;
      void upstream.connections[0]?.closed.then(() => {
        closed = true;
      });
      await until(() => closed);
      return error.code;
    },
    expect: 'ERR_BAD_RESPONSE',
  },
  {
    name: "a server's keep-alive hint is heeded",
    only: once,
    run: async ({ fresh }) => {
      const http = await fresh();
      const head = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\nkeep-alive: timeout=1\r\n\r\nok';
      const { port, connections: seen } = await startTcp((socket) => void socket.on('data', () => socket.write(head)));
      const url = `http://127.0.0.1:${port}/`;
      await http.get(url);
      await new Promise((resolve) => setTimeout(resolve, 1050));
      await http.get(url);
      return seen.length;
    },
    expect: 2,
  },
];
