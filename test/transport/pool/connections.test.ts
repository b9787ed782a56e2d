/** The connections of the fast lane: how many, which, how long. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import axios from 'axios';
import fc from 'fast-check';
import { createUndiciAdapter, type UndiciAdapterOptions } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer, hang } from '../../support/behaviours.js';
import { pause, rejection, until } from '../../support/client.js';
import { type Behaviour, startHttp, startTcp } from '../../support/upstream.js';

/** An adapter in a plain instance, closed when the test ends. */
function using(options: UndiciAdapterOptions = {}) {
  const adapter = createUndiciAdapter(options);
  onTestFinished(() => adapter.destroy());
  const http = axios.create({ adapter, proxy: false });
  return { http, adapter, at: (origin: string) => adapter.stats().connections[origin] };
}

const free = { connected: 1, free: 1, pending: 0, running: 0 };

describe('calls one after another', () => {
  it.each(['get', 'head', 'delete', 'post', 'put'] as const)('use one connection: %s', async (method) => {
    const { origin, connections, requests } = await startHttp(answer());
    const { http } = using();
    for (let call = 0; call < 5; call++) await http[method](origin);
    expect(requests).toHaveLength(5);
    expect(connections).toHaveLength(1);
  });

  it('use a new one where the server closes the old one', async () => {
    const { origin, connections } = await startHttp(answer(200, '', { connection: 'close' }));
    const { http, at } = using();
    for (let call = 0; call < 3; call++) await http.get(origin);
    expect(connections).toHaveLength(3);
    await until(() => at(origin) === undefined);
  });
});

describe('calls at once', () => {
  it('never use more connections than maxConnections, and are served in order', async () => {
    const { origin, connections, requests } = await startHttp((_, response) => {
      setTimeout(() => response.end(), 5);
    });
    const { http, at } = using({ maxConnections: 2 });
    const calls = Promise.all(Array.from({ length: 10 }, (_, index) => http.get(`${origin}/${index}`)));
    await until(() => requests.length >= 2);
    expect(at(origin)).toMatchObject({ connected: 2, running: 2, free: 0 });
    await calls;
    expect(connections).toHaveLength(2);
    expect(requests.map(({ path }) => path)).toEqual(Array.from({ length: 10 }, (_, index) => `/${index}`));
    await until(() => at(origin)?.free === 2);
    expect(at(origin)).toEqual({ connected: 2, free: 2, pending: 0, running: 0 });
  });

  it('that wait are served when the one in front fails', async () => {
    const reset: Behaviour = (request) => request.socket.destroy();
    const { origin } = await startHttp(reset, answer(200, 'ok'));
    const { http } = using({ maxConnections: 1 });
    const [first, second] = await Promise.allSettled([http.get(origin), http.get(origin)]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ECONNRESET' } });
    expect(second).toMatchObject({ status: 'fulfilled', value: { data: 'ok' } });
  });

  it('that are given up while they wait leave the queue, and nothing is sent for them', async () => {
    const { origin, requests } = await startHttp(hang, answer());
    const { http, at } = using({ maxConnections: 1 });
    const running = new AbortController();
    const waiting = new AbortController();
    const first = rejection(http.get(origin, { signal: running.signal }));
    const second = rejection(http.get(`${origin}/second`, { signal: waiting.signal }));
    await until(() => requests.length === 1);
    expect(at(origin)).toEqual({ connected: 1, free: 0, pending: 1, running: 1 });
    waiting.abort();
    expect((await second).code).toBe('ERR_CANCELED');
    expect(at(origin)).toEqual({ connected: 1, free: 0, pending: 0, running: 1 });
    running.abort();
    await first;
    await http.get(`${origin}/third`);
    expect(requests.map(({ path }) => path)).toEqual(['/', '/third']);
  });
});

describe('an unused connection', () => {
  it('is closed after keepAliveTimeout', async () => {
    const { port, connections } = await startTcp((socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')),
    );
    const origin = `http://127.0.0.1:${port}`;
    const { http, at } = using({ keepAliveTimeout: 50 });
    await http.get(origin);
    await until(() => at(origin)?.free === 1);
    expect(at(origin)).toEqual(free);
    await connections[0]?.closed;
    await until(() => at(origin) === undefined);
  });

  it("is closed before the server's own time is up", async () => {
    const { origin, connections } = await startHttp(answer(200, '', { 'keep-alive': 'timeout=1' }));
    const { http } = using({ keepAliveTimeout: '10m' });
    await http.get(origin);
    await connections[0]?.closed;
  });
});

describe('a connection older than maxConnectionAge', () => {
  it('takes no further call and is closed, the one under way ends first', async () => {
    const { origin, connections, requests } = await startHttp((_, response) => {
      setTimeout(() => response.end('late'), requests.length === 1 ? 1100 : 0);
    });
    const { http } = using({ maxConnectionAge: '1s' });
    expect((await http.get(origin)).data).toBe('late');
    await http.get(origin);
    await http.get(origin);
    expect(connections).toHaveLength(2);
    expect(requests.map(({ connection }) => connection)).toEqual([0, 1, 1]);
    await connections[0]?.closed;
  });

  it('is used on where there is no such age', async () => {
    const { origin, connections } = await startHttp(answer());
    const { http } = using({ maxConnectionAge: false });
    await http.get(origin);
    await pause(20);
    await http.get(origin);
    expect(connections).toHaveLength(1);
  });
});

describe('more origins than maxOrigins', () => {
  it('evict the least recently used origin that carries nothing', async () => {
    const upstreams = await Promise.all([
      startHttp(hang),
      startHttp(answer()),
      startHttp(answer()),
      startHttp(answer()),
    ]);
    const [busy, old, recent, next] = upstreams.map(({ origin }) => origin) as [string, string, string, string];
    const { http, adapter } = using({ maxOrigins: 3 });
    const controller = new AbortController();
    const hanging = rejection(http.get(busy, { signal: controller.signal }));
    await until(() => upstreams[0]?.requests.length === 1);
    for (const origin of [old, recent, next]) await http.get(origin);
    await upstreams[1]?.connections[0]?.closed;
    expect(Object.keys(adapter.stats().connections).sort()).toEqual([busy, recent, next].sort());
    controller.abort();
    await hanging;
  });
});

describe('close()', () => {
  it('lets what runs and waits finish, and leaves nothing open', async () => {
    const { origin, connections } = await startHttp((_, response) => {
      setTimeout(() => response.end('done'), 20);
    });
    const { http, adapter } = using({ maxConnections: 1 });
    const calls = [http.get(origin), http.get(origin), http.get(origin)];
    await adapter.close();
    expect((await Promise.all(calls)).map(({ data }) => data)).toEqual(['done', 'done', 'done']);
    for (const connection of connections) await connection.closed;
    expect((await rejection(http.get(origin))).code).toBe('ERR_CLOSED');
  });

  it('is outdone by destroy(), which ends what runs and waits with ERR_CLOSED', async () => {
    const { origin, requests } = await startHttp(hang);
    const { http, adapter } = using({ maxConnections: 1 });
    const calls = [rejection(http.get(origin)), rejection(http.get(origin))];
    await until(() => requests.length === 1);
    await adapter.destroy();
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(['ERR_CLOSED', 'ERR_CLOSED']);
  });
});

/** What a server may do to a request, told by its path. */
const deeds: Record<string, Behaviour> = {
  ok: (_, response) => response.end('ok'),
  close: (_, response) => response.writeHead(200, { connection: 'close' }).end('ok'),
  late: (_, response) => setTimeout(() => response.end('ok'), 5),
  reset: (request) => request.socket.destroy(),
  half: (request, response) => {
    response.writeHead(200, { 'content-length': '10' }).write('half');
    setTimeout(() => request.socket.destroy(), 2);
  },
  hang: () => {},
};

describe('a request that is given up before it is written', () => {
  it('does not take the next one with it, whenever that is', async () => {
    const { origin, requests } = await startHttp((_, response) => void response.end('ok'));
    const { http } = using({ maxConnections: 1 });
    // undici looks at a socket that was idle for a turn of the event loop before it writes.
    for (let turns = 0; turns < 4; turns++) {
      await http.get(origin);
      const controller = new AbortController();
      const givenUp = rejection(http.post(`${origin}/given-up`, 'x', { signal: controller.signal }));
      const next = http.post(`${origin}/next`, 'x');
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      expect((await givenUp).code).toBe('ERR_CANCELED');
      expect((await next).data).toBe('ok');
    }
    expect(requests.filter(({ path }) => path === '/next')).toHaveLength(4);
  });
});

describe('whatever servers and callers do', () => {
  it('every call ends and no connection is lost track of', async () => {
    const server = http.createServer((request, response) => deeds[request.url?.slice(1) ?? 'ok']?.(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const step = fc.record({
      deed: fc.constantFrom(...Object.keys(deeds)),
      abortAfter: fc.option(fc.integer({ min: 0, max: 8 }), { freq: 3 }),
      after: fc.integer({ min: 0, max: 3 }),
      post: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, maxConnections) => {
          const adapter = createUndiciAdapter({ maxConnections });
          const client = axios.create({ adapter, proxy: false, timeout: 60 });
          const calls = steps.map(async ({ deed, abortAfter, after, post }) => {
            await pause(after);
            const controller = new AbortController();
            if (abortAfter !== null) setTimeout(() => controller.abort(), abortAfter);
            const { signal } = controller;
            return post
              ? client.post(`${origin}/${deed}`, 'x', { signal })
              : client.get(`${origin}/${deed}`, { signal });
          });
          const ended = await Promise.allSettled(calls);
          for (const [index, each] of ended.entries()) {
            const { deed, abortAfter } = steps[index] ?? {};
            if (each.status === 'fulfilled') expect(['ok', 'close', 'late']).toContain(deed);
            else expect(each.reason.code).toMatch(/^(ERR_CANCELED|ECONNABORTED|ECONNRESET|ERR_BAD_RESPONSE)$/);
            if (deed === 'ok' && abortAfter === null && each.status === 'rejected')
              expect(each.reason.code).toBe('ECONNABORTED');
          }
          await until(() => {
            const { running = 0, pending = 0 } = adapter.stats().connections[origin] ?? {};
            return running === 0 && pending === 0;
          });
          const { connected = 0, free = 0 } = adapter.stats().connections[origin] ?? {};
          expect(connected).toBe(free);
          expect(connected).toBeLessThanOrEqual(maxConnections);
          await adapter.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});
