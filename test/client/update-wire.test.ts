import type { ServerResponse } from 'node:http';
import { createHttpClient, type HttpClient } from 'pillion';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silent, until } from '../support/client.js';
import { openConnections, startHttp, type Upstream } from '../support/upstream.js';

let server: Upstream;
let client: HttpClient;
let held: ServerResponse[];

beforeEach(async () => {
  held = [];
  server = await startHttp((request, response) => {
    if (request.url === '/slow') held.push(response);
    else response.end('quick');
  });
  client = createHttpClient({ baseURL: server.origin, retry: false }, { logger: silent });
});
afterEach(() => client.close({ grace: 0 }));

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
    expect(openConnections(server)).toBe(1);
    client.update({ baseURL: server.origin, retry: false, timeouts: { connect: 777 } });
    await until(() => openConnections(server) === 0);
  });

  it('keeps the connections where nothing that concerns them changed', async () => {
    await client.get('/quick');
    // undici takes a socket back only after a turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 5));
    client.update({ baseURL: server.origin, retry: { maxRetries: 1 }, logging: { profile: 'ecs' } });
    await client.get('/quick');
    expect(openConnections(server)).toBe(1);
    expect(server.requests[1]?.connection).toBe(server.requests[0]?.connection);
  });

  it('checks TLS material first, and where that is bad the old connections stay in use', async () => {
    await client.get('/quick');
    const bad = { baseURL: server.origin, tls: { ca: '/nowhere/ca.pem' } };
    expect(() => client.update(bad)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await client.get('/quick');
    expect(openConnections(server)).toBe(1);
  });
});
