import type { ServerResponse } from 'node:http';
import { createHttpClient, type HttpClient } from 'pillion';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Loopback, listen } from './loopback.js';
import { silent } from './scripted.js';

let server: Loopback;
let client: HttpClient;
let held: ServerResponse[];

beforeEach(async () => {
  held = [];
  server = await listen((request, response) => {
    if (request.url === '/slow') held.push(response);
    else response.end('quick');
  });
  client = createHttpClient({ baseURL: server.origin, retry: false }, { logger: silent });
});
afterEach(async () => {
  await client.close({ grace: 0 });
  await server.close();
});

/** Resolves once `condition` holds: what happens on the far side of a socket tells nobody here. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('update over real sockets', () => {
  it.each([
    ['the fast lane', {}],
    ["axios's http adapter", { maxRedirects: 1 }],
  ])('lets a call in flight on %s finish although its connections are being replaced', async (_, options) => {
    const slow = client.get('/slow', options);
    await until(() => held.length === 1);
    client.update({ baseURL: server.origin, retry: false, timeouts: { connect: 777 } });
    expect((await client.get('/quick', options)).data).toBe('quick');
    // One more turn of the event loop: the old connections have had their chance to be torn down too early.
    await new Promise((resolve) => setTimeout(resolve, 20));
    held[0]?.end('slow');
    expect((await slow).data).toBe('slow');
  });

  it.each([
    ['the fast lane', {}],
    ["axios's http adapter", { maxRedirects: 1 }],
  ])('closes the connections of %s once nobody uses them', async (_, options) => {
    await client.get('/quick', options);
    expect(server.sockets.size).toBe(1);
    client.update({ baseURL: server.origin, retry: false, timeouts: { connect: 777 } });
    await until(() => server.sockets.size === 0);
  });

  it('keeps the connections where nothing that concerns them changed', async () => {
    await client.get('/quick');
    // undici takes a socket back only after a turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 5));
    client.update({ baseURL: server.origin, retry: { maxRetries: 1 }, logging: { profile: 'ecs' } });
    await client.get('/quick');
    expect(server.sockets.size).toBe(1);
    expect(server.requests[1]?.socket.remotePort).toBe(server.requests[0]?.socket.remotePort);
  });

  it('checks TLS material first, and where that is bad the old connections stay in use', async () => {
    await client.get('/quick');
    const bad = { baseURL: server.origin, tls: { ca: '/nowhere/ca.pem' } };
    expect(() => client.update(bad)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await client.get('/quick');
    expect(server.sockets.size).toBe(1);
  });
});
