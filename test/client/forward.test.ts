/** Requests of other HTTP clients, sent through the stack as they are. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test, vi } from 'vitest';
import type { HttpClientConfig } from '../../src/client/config/config.js';
import { forward } from '../../src/client/forward.js';
import { createHttpClient } from '../../src/index.js';

const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0)) await close();
});

async function upstream(listener: Parameters<typeof createServer>[1], config: HttpClientConfig = {}, path = '') {
  const server: Server = createServer(listener as never).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const client = createHttpClient({ name: 'up', baseURL, logging: false, ...config });
  closings.push(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  return client;
}

test('adds no header of its own but those of the policies, and leaves out those of the connection', async () => {
  let seen: string[] = [];
  const client = await upstream(
    (req, res) => {
      seen = req.rawHeaders;
      res.writeHead(200, ['X-A', '1', 'X-A', '2', 'Connection', 'x-gone', 'X-Gone', '1', 'Content-Encoding', 'gzip']);
      res.end('not gzip');
    },
    { tracing: false, headers: { authorization: 'Bearer configured', 'x-own': 'configured' } },
  );
  const headers = ['X-Own', 'mine', 'connection', 'x-hop', 'X-Hop', '1', 'Cookie', 'a=1', 'host', 'elsewhere'];
  const answer = await forward(client, { method: 'GET', url: '/a//b?c=%2f', headers });
  expect(
    seen
      .filter((_, index) => index % 2 === 0)
      .map((name) => name.toLowerCase())
      .sort(),
  ).toEqual(['authorization', 'connection', 'cookie', 'host', 'x-own']);
  expect(seen[seen.indexOf('x-own') + 1]).toBe('mine');
  expect(answer.headers.filter((_, index) => index % 2 === 0)).toEqual(
    expect.arrayContaining(['X-A', 'X-A', 'Content-Encoding']),
  );
  expect(answer.headers).not.toContain('X-Gone');
  expect(await text(answer.body)).toBe('not gzip');
});

test.each(['/', '/api', '/api/'])('a path follows that of the baseURL %s as it is', async (base) => {
  const seen: string[] = [];
  const client = await upstream((req, res) => res.end(seen.push(String(req.url)).toString()), {}, base);
  for (const url of ['/', '/a//b/', '//x', '/?q=a%20b', '/%2e%2f'])
    await text((await forward(client, { method: 'GET', url, headers: [] })).body);
  expect(seen).toEqual(['/', '/a//b/', '//x', '/?q=a%20b', '/%2e%2f'].map((url) => (base === '/' ? '' : '/api') + url));
});

test('sends a streamed body again after a 503', async () => {
  const bodies: string[] = [];
  const client = await upstream(
    async (req, res) => {
      bodies.push(await text(req));
      res.writeHead(bodies.length === 1 ? 503 : 200).end();
    },
    { retry: { backoff: { base: 1 } } },
  );
  const body = Readable.from([Buffer.from('one '), Buffer.from('two')]);
  const { status } = await forward(client, { method: 'PUT', url: '/', headers: [], body });
  expect({ status, bodies }).toEqual({ status: 200, bodies: ['one two', 'one two'] });
});

test('does not send a body of more than 1 MiB again, and releases it', async () => {
  let attempts = 0;
  const client = await upstream(
    async (req, res) => {
      attempts++;
      req.resume().on('end', () => res.writeHead(503).end());
    },
    { retry: { backoff: { base: 1 } } },
  );
  const body = Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(65_536)));
  const { status, body: answer } = await forward(client, { method: 'PUT', url: '/', headers: [], body });
  answer.resume();
  expect({ status, attempts }).toEqual({ status: 503, attempts: 1 });
});

test('streams in both directions at once', async () => {
  const client = await upstream((req, res) => req.pipe(res));
  let push = (_: Buffer | null): void => {};
  const body = new Readable({ read() {} });
  push = (chunk) => body.push(chunk);
  push(Buffer.from('first'));
  const answer = await forward(client, { method: 'POST', url: '/', headers: [], body });
  const chunks = answer.body[Symbol.asyncIterator]();
  expect(String((await chunks.next()).value)).toBe('first');
  push(Buffer.from('second'));
  expect(String((await chunks.next()).value)).toBe('second');
  push(null);
  expect((await chunks.next()).done).toBe(true);
});

test('destroys a body that is not read to its end, when the answer came early and was read', async () => {
  const client = await upstream((_, res) => res.writeHead(413, { connection: 'close' }).end('too large'));
  const body = new Readable({
    read() {
      this.push(Buffer.alloc(65_536));
    },
  });
  const answer = await forward(client, { method: 'POST', url: '/', headers: [], body }).catch((error) => error);
  if (answer.body) await text(answer.body).catch(() => {});
  await expect.poll(() => body.destroyed).toBe(true);
});

test('passes on informational answers and trailers', async () => {
  const client = await upstream((_, res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' });
    res.writeHead(200, { trailer: 'x-sum' });
    res.write('body');
    res.addTrailers({ 'x-sum': '42' });
    res.end();
  });
  const told: unknown[] = [];
  const informed = (status: number, headers: Record<string, unknown>) => told.push([status, headers.link]);
  const answer = await forward(client, { method: 'GET', url: '/', headers: ['te', 'trailers'], informed });
  expect(await text(answer.body)).toBe('body');
  expect(answer.body.trailers).toEqual({ 'x-sum': '42' });
  expect(told).toEqual([[103, '</a.css>; rel=preload']]);
});

test('is shared out and copied to other targets, with its path and query', async () => {
  const seen: string[] = [];
  const named = (name: string) => upstream((req, res) => res.end(seen.push(`${name} ${req.url}`).toString()));
  const [other, copies] = [await named('other'), await named('copy')].map(({ defaults }) => String(defaults.baseURL));
  const client = await upstream(
    (req, res) => res.end(seen.push(`own ${req.url}`).toString()),
    {
      mirror: [{ baseURL: `${copies}/shadow` }],
      split: [{ match: { path: { exact: '/api/b' } }, targets: [{ name: 'v2', baseURL: `${other}/v2`, weight: 1 }] }],
    },
    '/api',
  );
  for (const url of ['/a/1?x=%20', '/b']) await text((await forward(client, { method: 'GET', url, headers: [] })).body);
  await vi.waitFor(() =>
    expect(seen.sort()).toEqual(['copy /shadow/a/1?x=%20', 'copy /shadow/b', 'other /v2/b', 'own /api/a/1?x=%20']),
  );
});
