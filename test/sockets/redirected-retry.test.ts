/** A redirect that was answered is a request that was sent: what fails behind it makes no POST repeatable. */
import http from 'node:http';
import axios from 'axios';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection } from '../support/client.js';
import { closedPort, startHttp } from '../support/upstream.js';

const wires: [string, object, HttpClientDeps][] = [
  ['the fast lane', {}, {}],
  ["axios's http adapter", { family: 4 }, {}],
  ['a wire of somebody else', {}, { transport: axios.getAdapter('http') }],
];

/** Answers with a redirect to where nobody listens. */
async function leadingNowhere() {
  const nowhere = await closedPort();
  const upstream = await startHttp((_, response) => {
    response.writeHead(307, { location: `http://127.0.0.1:${nowhere}/next`, 'content-length': 0 }).end();
  });
  return upstream;
}

/** A client that follows redirects anywhere, and repeats at once. */
function following(baseURL: string, maxRetries: number, deps: HttpClientDeps) {
  const retry = { maxRetries, backoff: { base: 1, max: 1 }, budget: false } as const;
  const client = createHttpClient({ baseURL, allowAbsoluteUrls: true, maxRedirects: 3, logging: false, retry }, deps);
  onTestFinished(() => client.close({ grace: 0 }));
  return client;
}

describe.each(wires)('a redirect to where nobody listens, over %s', (_, options, deps) => {
  it.each(['post', 'patch'] as const)('is not sent again by %s', async (method) => {
    const { origin, requests } = await leadingNowhere();
    const client = following(origin, 2, deps);
    expect(await rejection(client[method]('/', 'body', options))).toMatchObject({ code: 'ECONNREFUSED' });
    expect(requests).toHaveLength(1);
  });

  it('is followed anew for a GET, and for a POST with a key', async () => {
    const { origin, requests } = await leadingNowhere();
    const client = following(origin, 1, deps);
    await rejection(client.get('/', options));
    await rejection(client.post('/', 'body', { ...options, idempotencyKey: 'a' }));
    expect(requests).toHaveLength(4);
  });
});

it('a POST that nobody took at all is sent again', async () => {
  const server = http.createServer((_, response) => response.end('ok'));
  const port = await closedPort();
  const client = createHttpClient({
    baseURL: `http://127.0.0.1:${port}`,
    logging: false,
    retry: { maxRetries: 5, backoff: { base: 200, max: 200 }, budget: false },
  });
  onTestFinished(async () => {
    server.close();
    await client.close({ grace: 0 });
  });
  setTimeout(() => server.listen(port, '127.0.0.1'), 20);
  expect((await client.post('/', 'body')).data).toBe('ok');
});
