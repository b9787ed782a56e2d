/** POST /clients/{name}/circuit: by whom, with what, and that nothing hangs or breaks by it. */
import net from 'node:net';
import type { HttpClient } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { rejection, until } from '../support/client.js';
import { ask, client, force, serving } from './asking.js';

const path = '/clients/billing/circuit';

describe('a circuit', () => {
  it('is forced where the handler is writable', async () => {
    const { port, clients } = await serving({ writable: true });
    expect(await force(port, 'open')).toMatchObject({ status: 200, json: { client: 'billing', circuit: 'open' } });
    expect((await rejection((clients[0] as HttpClient).get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    await force(port, 'auto');
    expect((await clients[0]?.get('/'))?.status).toBe(200);
  });

  it('is not elsewhere, nor of a client nobody knows, nor to another state, nor where there is none', async () => {
    const closed = await serving();
    expect(await force(closed.port, 'open')).toMatchObject({
      status: 403,
      json: { error: expect.stringContaining('writable: true') },
    });
    const without = await serving({ writable: true }, [client({ circuitBreaker: false })]);
    expect(await force(without.port, 'open')).toMatchObject({ status: 400 });
    const unknown = { path: '/clients/users/circuit' };
    expect(await force(without.port, 'open', unknown)).toMatchObject({ status: 404, json: { clients: ['billing'] } });
    const { port, clients } = await serving({ writable: true });
    for (const state of ['ajar', undefined, null, 1, ['open'], { open: true }])
      expect(await force(port, state)).toMatchObject({ status: 400, json: { hint: expect.any(String) } });
    expect(clients[0]?.stats()).not.toHaveProperty('forcedCircuit');
  });

  it.each([
    ['an origin of its own', { origin: 'http://evil.test' }],
    ['no origin', { origin: 'null' }],
    ['another port', { origin: 'http://127.0.0.1:1' }],
    ['a browser that says so', { 'sec-fetch-site': 'cross-site' }],
    ['a sister domain', { 'sec-fetch-site': 'same-site' }],
  ])('is not forced by a page of another site: %s', async (_, headers) => {
    const { port, clients } = await serving({ writable: true });
    expect((await force(port, 'open', { headers })).status).toBe(403);
    expect(clients[0]?.stats()).not.toHaveProperty('forcedCircuit');
  });

  it('is forced by its own page, also behind a proxy that rewrites Host', async () => {
    const { port } = await serving({ writable: true });
    const own = { origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' };
    expect((await force(port, 'open', { headers: own })).status).toBe(200);
    const proxied = { origin: 'https://admin.test', 'sec-fetch-site': 'same-origin' };
    expect((await force(port, 'auto', { headers: proxied })).status).toBe(200);
  });
});

describe('a body', () => {
  it.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])(
    'is not taken as %s, which a form of another site could send',
    async (type) => {
      const { port, clients } = await serving({ writable: true });
      const headers = type === undefined ? {} : { 'content-type': type };
      const answer = await ask(port, path, { method: 'POST', headers }, '{"state":"open"}');
      expect(answer).toMatchObject({ status: 415, json: { error: expect.stringContaining('application/json') } });
      expect(clients[0]?.stats()).not.toHaveProperty('forcedCircuit');
    },
  );

  it('is JSON, whatever its charset, and anything else is 400', async () => {
    const { port } = await serving({ writable: true });
    const options = { method: 'POST', headers: { 'content-type': 'application/json; charset=utf-8' } };
    expect((await ask(port, path, options, '{"state":"open"}')).status).toBe(200);
    for (const body of ['', '{', 'open', 'null', '7']) expect((await ask(port, path, options, body)).status).toBe(400);
  });

  it('of more than a kilobyte is refused, and not read to its end', async () => {
    const { port, clients } = await serving({ writable: true });
    const socket = net.connect(port, '127.0.0.1');
    let told = '';
    socket.on('data', (chunk) => {
      told += chunk;
    });
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const length = 'content-length: 100000000\r\ncontent-type: application/json';
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${length}\r\n\r\n{"state":"open","x":"${'x'.repeat(2000)}`,
    );
    await ended;
    expect(told).toMatch(/^HTTP\/1.1 413 .*connection: close/is);
    expect(clients[0]?.stats()).not.toHaveProperty('forcedCircuit');
  });

  it('that does not arrive is given up after five seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { port } = await serving({ writable: true });
    const socket = net.connect(port, '127.0.0.1');
    const told = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
    const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9`;
    const before = vi.getTimerCount();
    socket.write(`${head}\r\n\r\n{`);
    while (vi.getTimerCount() === before) await new Promise(setImmediate);
    await vi.advanceTimersByTimeAsync(5000);
    vi.useRealTimers();
    expect(await told).toMatch(/^HTTP\/1.1 408 /);
    socket.destroy();
  });

  it('whose sender goes away in the middle leaves nothing behind', async () => {
    const { admin, port, ask } = await serving({ writable: true });
    const socket = net.connect(port, '127.0.0.1');
    const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9`;
    socket.write(`${head}\r\n\r\n{`, () => socket.destroy());
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await ask('/ready')).status).toBe(200);
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
    const others = timers().length;
    await admin.close();
    await until(() => timers().length <= others);
  });
});
