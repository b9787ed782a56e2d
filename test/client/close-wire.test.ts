import type { ServerResponse } from 'node:http';
import { createHttpClient } from 'pillion';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Loopback, listen } from './loopback.js';
import { rejection, silent } from './scripted.js';

let server: Loopback;
let held: ServerResponse[];

beforeEach(async () => {
  held = [];
  server = await listen((request, response) => {
    if (request.url === '/slow') held.push(response);
    else response.end('quick');
  });
});
afterEach(() => server.close());

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const lanes: [string, object][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { maxRedirects: 1 }],
];

describe.each(lanes)('close over real sockets, %s', (_, options) => {
  it('leaves no connection open', async () => {
    const client = createHttpClient({ baseURL: server.origin }, { logger: silent });
    await Promise.all([client.get('/', options), client.get('/', options)]);
    expect(server.sockets.size).toBe(2);
    await client.close();
    await until(() => server.sockets.size === 0);
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
    await until(() => server.sockets.size === 0);
  });

  it('ends the calls that an earlier configuration left in flight', async () => {
    const client = createHttpClient({ baseURL: server.origin, retry: false }, { logger: silent });
    const slow = rejection(client.get('/slow', options));
    await until(() => held.length === 1);
    client.update({ baseURL: server.origin, timeouts: { connect: 555 } });
    await client.close({ grace: 20 });
    expect((await slow).code).toBe('ERR_CLOSED');
    await until(() => server.sockets.size === 0);
  });
});
