/** POST /clients/{name}/circuit: by whom, with what, and that nothing hangs or breaks by it. */
import net from 'node:net';
import type { HttpClient } from 'pillion';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/client.js';
import { client, force, serving } from './asking.js';

const path = '/clients/billing/circuit';

describe('a circuit', () => {
  it('is forced where the handler is writable', async () => {
    const { port, clients } = await serving({ writable: true });
    expect(await force(port, 'open')).toMatchObject({ status: 200, json: { client: 'billing', circuit: 'open' } });
    expect((await rejection((clients[0] as HttpClient).get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    await force(port, 'auto');
    expect((await clients[0]?.get('/'))?.status).toBe(200);
  });

  it('is forced for a time, and by whom the function of the token names; else by admin', async () => {
    const told: unknown[] = [];
    const listen = (clients: readonly Pick<HttpClient, 'on'>[]) =>
      clients[0]?.on('circuit.forced', ({ by, forMs, state }) => told.push([state, by, forMs]));
    const named = await serving({ writable: true, token: () => ({ by: 'alice' }) });
    listen(named.clients);
    const timed = { path: '/clients/billing/circuit?for=15m&state=open' };
    expect((await force(named.port, undefined, timed)).status).toBe(200);
    await force(named.port, 'auto');
    const unnamed = await serving({ writable: true });
    listen(unnamed.clients);
    await force(unnamed.port, 'open');
    expect(told).toEqual([
      ['open', 'alice', 900_000],
      ['auto', 'alice', undefined],
      ['open', 'admin', undefined],
    ]);
    const soon = { path: '/clients/billing/circuit?for=soon&state=open' };
    expect((await force(unnamed.port, undefined, soon)).status).toBe(400);
  });

  it.each<[string, unknown]>([
    ['a promise of a name', Promise.resolve({ by: 'alice' })],
    ['a name that is no text', { by: 1 }],
    ['an empty name', { by: '' }],
    ['an inherited name', Object.create({ by: 'alice' })],
    ['no name', {}],
  ])('is not forced where the function of the token returns %s', async (_, answer) => {
    const { port, clients } = await serving({ writable: true, token: (() => answer) as never });
    expect((await force(port, 'open')).status).toBe(401);
    expect(clients[0]?.stats()).not.toHaveProperty('forcedCircuit');
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
    for (const state of ['ajar', undefined, '', 'OPEN', 'open ', '__proto__'])
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

it('needs no body, and takes no notice of one', async () => {
  const { port } = await serving({ writable: true });
  const socket = net.connect(port, '127.0.0.1');
  const told = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
  // It never comes.
  socket.write(`POST ${path}?state=open HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{`);
  expect(await told).toMatch(/^HTTP\/1.1 200 /);
  socket.destroy();
});
