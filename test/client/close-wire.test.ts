import type { ServerResponse } from 'node:http';
import { createHttpClient } from 'pillion';
import { beforeEach, describe, expect, it } from 'vitest';
import { rejection, silent, until } from '../support/client.js';
import { openConnections, startHttp, type Upstream } from '../support/upstream.js';

let server: Upstream;
let held: ServerResponse[];

beforeEach(async () => {
  held = [];
  server = await startHttp((request, response) => {
    if (request.url === '/slow') held.push(response);
    else response.end('quick');
  });
});

const lanes: [string, object][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { maxRedirects: 1 }],
];

describe.each(lanes)('close over real sockets, %s', (_, options) => {
  it('leaves no connection open', async () => {
    const client = createHttpClient({ baseURL: server.origin }, { logger: silent });
    await Promise.all([client.get('/', options), client.get('/', options)]);
    expect(openConnections(server)).toBe(2);
    await client.close();
    await until(() => openConnections(server) === 0);
  });

  it('lets a call in flight finish', async () => {
    const client = createHttpClient({ baseURL: server.origin }, { logger: silent });
    const slow = client.get('/slow', options);
    await until(() => held.length === 1);
    const closed = client.close();
    held[0]?.end('finished');
    expect((await slow).data).toBe('finished');
    await closed;
  });

  it('destroys the connection of a call that outlasts the grace', async () => {
    const client = createHttpClient({ baseURL: server.origin, retry: false }, { logger: silent });
    const slow = rejection(client.get('/slow', options));
    await until(() => held.length === 1);
    await client.close({ grace: 20 });
    expect((await slow).code).toBe('ERR_CLOSED');
    await until(() => openConnections(server) === 0);
  });

  it('ends the calls that an earlier configuration left in flight', async () => {
    const client = createHttpClient({ baseURL: server.origin, retry: false }, { logger: silent });
    const slow = rejection(client.get('/slow', options));
    await until(() => held.length === 1);
    client.update({ baseURL: server.origin, timeouts: { connect: 555 } });
    await client.close({ grace: 20 });
    expect((await slow).code).toBe('ERR_CLOSED');
    await until(() => openConnections(server) === 0);
  });
});
