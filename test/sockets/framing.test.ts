/** Where an HTTP/1.1 message ends (RFC 9110 and 9112), and what becomes of its connection. */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createHttpClient } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pause, rejection, until, watch } from '../support/client.js';
import { startTcp } from '../support/upstream.js';

/** Answers the n-th request of a connection with the n-th script. */
function answering(...script: ((socket: Socket) => void)[]) {
  return (socket: Socket) => {
    let count = 0;
    socket.on('data', (data) => {
      for (const _ of data.toString().match(/\r\n\r\n/g) ?? []) script[Math.min(count++, script.length - 1)]?.(socket);
    });
  };
}

const head = (lines: string[]) => `HTTP/1.1 ${lines.join('\r\n')}\r\n\r\n`;
const ok = (socket: Socket) => socket.write(`${head(['200 OK', 'Content-Length: 4'])}good`);

describe('an answer without content', () => {
  it.each(['304 Not Modified', '204 No Content'])(
    'ends at its headers and keeps its connection: %s',
    async (status) => {
      const told = (socket: Socket) => socket.write(head([status, 'Content-Length: 1234', 'ETag: "a"']));
      const { port, connections } = await startTcp(answering(...Array(20).fill(told), ok));
      const { client } = watch({ baseURL: `http://127.0.0.1:${port}` });
      for (let call = 0; call < 20; call++) {
        const options = { validateStatus: null, ...(call % 2 && { responseType: 'stream' as const }) };
        const { data, headers } = await client.get<Readable | string>('/', options);
        expect(headers['content-length']).toBe('1234');
        expect(typeof data === 'string' ? data : (await buffer(data)).toString()).toBe('');
      }
      expect((await client.get('/')).data).toBe('good');
      expect(connections).toHaveLength(1);
      expect(client.stats()).toMatchObject({ attempts: 21, calls: { failed: 0 } });
    },
  );

  it('may be that of client.fetch', async () => {
    const told = (socket: Socket) => socket.write(head(['304 Not Modified', 'Content-Length: 10']));
    const { port, connections } = await startTcp(answering(told, told, ok));
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}` });
    for (let call = 0; call < 2; call++) expect((await client.fetch('/')).status).toBe(304);
    expect(await (await client.fetch('/')).text()).toBe('good');
    expect(connections).toHaveLength(1);
  });

  it('a body that is shorter than its length is still an error for every other status', async () => {
    const short = (socket: Socket) => socket.end(`${head(['200 OK', 'Content-Length: 10', 'Connection: close'])}short`);
    const { port } = await startTcp(answering(short));
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}`, retry: false });
    await expect(client.get('/')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

const both: [string, object][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { family: 4 }],
];

describe.each(both)('a body that ends with its connection, on %s', (_, lane) => {
  it('comes whole to a reader who is slower than the server', async () => {
    let size = 0;
    const { port } = await startTcp((socket) => {
      socket.once('data', () => socket.end(head(['200 OK', 'Connection: close']) + 'x'.repeat(size)));
    });
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}` });
    for (size of [60_000, 70_000, 130_000, 200_000, 240_000, 600_000]) {
      const { data } = await client.get<Readable>('/', { ...lane, responseType: 'stream' });
      await pause(10);
      let received = 0;
      for await (const chunk of data) {
        received += chunk.length;
        await pause(1);
      }
      expect(received).toBe(size);
    }
  });

  it('is an error in every way of reading where a reset has ended it', async () => {
    let reset = () => {};
    const { port } = await startTcp((socket) => {
      reset = () => socket.resetAndDestroy();
      socket.once('data', () => socket.write(head(['200 OK', 'Connection: close']) + 'x'.repeat(10)));
    });
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}`, retry: false });
    // Not before the client has seen some of it: the kernel may forget the reset of a connection that nobody has read yet.
    const buffered = client.get('/', { ...lane, onDownloadProgress: () => setImmediate(reset) });
    expect(await rejection(buffered)).toMatchObject({ code: 'ECONNRESET' });
    const { data } = await client.get<Readable>('/', { ...lane, responseType: 'stream' });
    data.once('data', () => setImmediate(reset));
    expect(await rejection(buffer(data))).toMatchObject({ code: 'ECONNRESET' });
    const reader = (await client.fetch('/')).body?.getReader();
    await reader?.read();
    setImmediate(reset);
    const rest = async () => {
      while (!(await reader?.read())?.done);
    };
    expect(await rejection(rest())).toMatchObject({ cause: { code: 'ECONNRESET' } });
  });
});

describe('bytes that belong to no answer', () => {
  const evil = `${head(['200 OK', 'Content-Length: 4'])}evil`;

  it.each(both.flatMap(([lane, options]) => [0, 3, 10, 30].map((late) => [lane, late, options] as const)))(
    'are not the answer to the next request on %s: a body that follows a HEAD after %i ms',
    async (_, late, lane) => {
      const toHead = (socket: Socket) => {
        socket.write(head(['200 OK', `Content-Length: ${evil.length}`, 'Connection: keep-alive']));
        setTimeout(() => socket.write(evil), late);
      };
      const later = (socket: Socket) => setTimeout(() => ok(socket), 15);
      for (const wait of [0, 1, 5]) {
        const { port } = await startTcp(answering(toHead, later), answering(later));
        const { client } = watch({ baseURL: `http://127.0.0.1:${port}` });
        expect((await client.head('/', lane)).headers['content-length']).toBe(String(evil.length));
        await pause(wait);
        expect((await client.get('/', lane)).data).toBe('good');
      }
    },
  );

  it('close an idle connection', async () => {
    const { port, connections } = await startTcp(answering(ok));
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}` });
    await client.get('/');
    connections[0]?.socket.write(evil);
    await connections[0]?.closed;
    expect((await client.get('/')).data).toBe('good');
    expect(connections).toHaveLength(2);
  });

  it('close the connection where they come with the answer', async () => {
    const more = (socket: Socket) => socket.write(`${head(['200 OK', 'Content-Length: 4'])}good${evil}`);
    const { port, connections } = await startTcp(answering(more));
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}` });
    for (let call = 0; call < 3; call++) expect((await client.get('/')).data).toBe('good');
    expect(connections).toHaveLength(3);
  });
});

describe('a redirect', () => {
  it.each([302, 307])('is followed at its headers, whatever becomes of its body: %i', async (status) => {
    const stalled = (socket: Socket) =>
      socket.write(`${head([`${status} Moved`, 'Location: /to', 'Content-Length: 100'])}x`);
    const { port, connections } = await startTcp(answering(stalled), answering(ok));
    const client = createHttpClient({
      baseURL: `http://127.0.0.1:${port}`,
      maxRedirects: 3,
      logging: false,
      timeouts: { attempt: '1s', total: '2s' },
    });
    onTestFinished(() => client.close({ grace: 0 }));
    expect((await client.get('/')).data).toBe('good');
    expect((await client.fetch('/')).status).toBe(200);
    // What hangs is let go of.
    await until(() => connections.filter(({ socket }) => !socket.destroyed).length === 1);
  });

  it('keeps its connection where its body is short', async () => {
    const moved = (socket: Socket) => socket.write(`${head(['302 Found', 'Location: /to', 'Content-Length: 5'])}moved`);
    const { port, connections } = await startTcp(answering(moved, ok, moved, ok));
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}`, maxRedirects: 3 });
    await client.get('/');
    await until(() => connections.length > 0);
    await pause(5);
    await client.get('/');
    expect(connections.length).toBeLessThanOrEqual(2);
  });

  it('with a body without end gives up its connection and not the call', async () => {
    const flood = (socket: Socket) => {
      socket.on('error', () => {});
      socket.write(head(['302 Found', 'Location: /to', 'Transfer-Encoding: chunked']));
      const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
      const write = () => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', write);
      write();
    };
    const { port, connections } = await startTcp(answering(flood), answering(ok));
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}`, maxRedirects: 3 });
    expect((await client.get('/')).data).toBe('good');
    await connections[0]?.closed;
  });

  it('that comes while a body is being sent takes the whole body along', async () => {
    const bodies: string[] = [];
    const early = (socket: Socket) =>
      socket.once('data', () => socket.write(head(['307 Moved', 'Location: /to', 'Content-Length: 0'])));
    const reading = (socket: Socket) => {
      let received = '';
      socket.on('data', (data) => {
        received += data;
        if (!received.endsWith('0\r\n\r\n')) return;
        bodies.push(received.replaceAll(/\r\n[0-9a-f]+\r\n/g, ''));
        ok(socket);
      });
    };
    const { port } = await startTcp(early, reading);
    const { client } = watch({ baseURL: `http://127.0.0.1:${port}`, maxRedirects: 3 });
    async function* pieces() {
      for (let piece = 0; piece < 10; piece++) {
        yield Buffer.from(`(${piece})`);
        await pause(5);
      }
    }
    expect((await client.post('/', pieces())).data).toBe('good');
    for (let piece = 0; piece < 10; piece++) expect(bodies[0]?.split(`(${piece})`)).toHaveLength(2);
  });
});
