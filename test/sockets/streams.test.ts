import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { answer, dribble } from '../support/behaviours.js';
import { lanes, line, pause, rejection, until, watch } from '../support/client.js';
import { type Behaviour, closing, startHttp } from '../support/upstream.js';

const mebibyte = 1024 * 1024;
const asStream = { responseType: 'stream' } as const;

/** Writes as fast as the socket takes it; `sent` tells how much that was. */
function flood(total: number): { behaviour: Behaviour; sent: () => number } {
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const behaviour: Behaviour = (_, response) => {
    const write = () => {
      while (sent < total) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', write);
      }
      response.end();
    };
    write();
  };
  return { behaviour, sent: () => sent };
}

describe.each(lanes)('a stream on %s', (_, lane) => {
  const options = { ...lane, ...asStream };

  it('is handed over with the headers, before the body has ended', async () => {
    let finish = () => {};
    const { origin } = await startHttp((_request, response) => {
      response.writeHead(200, { 'x-a': 'b' }).write('first ');
      finish = () => response.end('last');
    });
    const { client } = watch({ baseURL: origin });
    const { data, headers } = await client.get<Readable>('/', options);
    expect(headers['x-a']).toBe('b');
    finish();
    expect(await text(data)).toBe('first last');
  });

  it('holds back the server while nobody reads', async () => {
    const { behaviour, sent } = flood(64 * mebibyte);
    const { origin } = await startHttp(behaviour);
    const { client } = watch({ baseURL: origin, timeouts: { total: false } });
    const { data } = await client.get<Readable>('/', options);
    // Until the buffers of both sockets are full and nothing moves any more.
    for (let before = -1; before !== sent(); ) {
      before = sent();
      await pause(50);
    }
    expect(sent()).toBeLessThan(20 * mebibyte);
    expect(data.readableLength).toBeLessThan(mebibyte);
    expect((await buffer(data)).length).toBe(64 * mebibyte);
  });

  it('destroyed early takes its socket along, without an error for anybody', async () => {
    const { origin, connections } = await startHttp(dribble);
    const { client } = watch({ baseURL: origin });
    const { data } = await client.get<Readable>('/', options);
    data.destroy();
    await closing(connections[0]);
    await until(() => client.stats().calls.active === 0);
  });

  it('left by a loop takes its socket along', async () => {
    const { origin, connections } = await startHttp(dribble);
    const { client } = watch({ baseURL: origin });
    const { data } = await client.get<Readable>('/', options);
    for await (const _chunk of data) break;
    await closing(connections[0]);
  });

  it('read to its end gives its connection back, and its place in the limits', async () => {
    const { origin, connections } = await startHttp(answer(200, 'body'));
    const { client } = watch({ baseURL: origin, limits: { maxRequests: 1 } });
    for (let i = 0; i < 3; i++) {
      const { data } = await client.get<Readable>('/', options);
      expect(await text(data)).toBe('body');
      await pause(10);
    }
    expect(connections).toHaveLength(1);
  });

  it('is decompressed on the way', async () => {
    const plain = Buffer.alloc(2 * mebibyte, 'compressible ');
    const { origin } = await startHttp(answer(200, gzipSync(plain), { 'content-encoding': 'gzip' }));
    const { client } = watch({ baseURL: origin });
    const { data, headers } = await client.get<Readable>('/', options);
    expect(headers).not.toHaveProperty('content-encoding');
    expect((await buffer(data)).equals(plain)).toBe(true);
  });

  it('of an attempt that is tried again does not keep its socket', async () => {
    const failing: Behaviour = (request, response) => {
      response.writeHead(503);
      dribbleOn(request, response);
    };
    const { origin, connections, requests } = await startHttp(failing, answer(200, 'fine'));
    const { client, lines } = watch({ baseURL: origin });
    const { data } = await client.get<Readable>('/', options);
    expect(await text(data)).toBe('fine');
    expect(requests).toHaveLength(2);
    await closing(connections[requests[0]?.connection ?? -1]);
    expect(lines).toEqual([line('info', { status: 200, attempts: 2, flags: ['retried'] })]);
  });

  it('of a failure that is final can be read from the error', async () => {
    const { origin } = await startHttp(answer(404, 'no such invoice'));
    const { client } = watch({ baseURL: origin });
    const error = await rejection(client.get('/', options));
    const { response } = error as unknown as { response: { status: number; data: Readable } };
    expect(response.status).toBe(404);
    expect(await text(response.data)).toBe('no such invoice');
    await until(() => client.stats().calls.active === 0);
  });
});

const dribbleOn: Behaviour = (_, response) => {
  const timer = setInterval(() => response.write('.'), 10);
  response.once('close', () => clearInterval(timer));
};
