/** Nothing secret is shown of clients that are well: statistics, health, metrics, and everything the admin handler answers. */
import http from 'node:http';
import { createHttpClient, type HttpClient, type HttpClientConfig, healthOfClients } from 'pillion';
import { createAdmin } from 'pillion/admin';
import { createPrometheus } from 'pillion/metrics';
import { createMockTransport } from 'pillion/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { silent } from '../support/client.js';
import { leaks, secretBody, secretCall, secretQuery, secretReply } from './planted.js';

const credentials = 'ada:planted-password@';

/** Every section that reads a header, an address or a file. */
const config: HttpClientConfig = {
  name: 'billing',
  baseURL: `http://${credentials}api.test`,
  headers: { 'x-token': 'planted-header', authorization: 'Bearer planted-authorization' },
  retry: { maxRetries: 1 },
  circuitBreaker: { volumeThreshold: 2 },
  rateLimit: { requests: 100, keyHeader: 'authorization' },
  endpoints: { static: [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80' }] },
  balance: { strategy: 'hash', hashHeader: 'x-api-key' },
  outlierDetection: {},
  split: [
    {
      match: { headers: { cookie: 'sid=planted-cookie' } },
      sticky: { header: 'x-api-key' },
      targets: [{ name: 'canary', baseURL: `http://${credentials}canary.test`, weight: 1 }],
    },
  ],
  mirror: [{ baseURL: `http://${credentials}mirror.test`, fraction: 1 }],
  fault: { delay: { duration: 1, fraction: 0 }, match: { headers: { 'x-api-key': 'planted-api-key' } } },
};

/** A client that has been called, well and badly, while `begin` watched it. */
async function called(begin: (client: HttpClient) => void = () => {}) {
  const transport = createMockTransport([
    { path: '/bad', reply: secretReply(500) },
    { path: '/worse', reply: { error: 'ECONNRESET' } },
    { reply: secretReply(200) },
  ]);
  const client = createHttpClient(config, { transport, logger: silent });
  onTestFinished(() => client.close({ grace: 0 }));
  begin(client);
  const own = { ...secretCall, headers: { ...secretCall.headers, cookie: 'sid=none' } };
  // To the target of `split`, and to the endpoints.
  for (const call of [secretCall, own])
    for (const path of ['/invoices', '/bad', '/worse'])
      await client.post(`${path}?${secretQuery}`, secretBody, { ...call, idempotencyKey: true }).catch(() => {});
  expect(client.stats().calls).toMatchObject({ started: 6, succeeded: 2 });
  return client;
}

it('by statistics, health and metrics', async () => {
  const client = await called();
  expect(leaks(JSON.stringify(client.stats()))).toEqual([]);
  expect(leaks(JSON.stringify(healthOfClients([client])))).toEqual([]);
  const prometheus = createPrometheus([client]);
  onTestFinished(() => prometheus.close());
  expect(prometheus.text()).toContain('billing');
  expect(leaks(prometheus.text())).toEqual([]);
});

it.each(['/', '/ready', '/stats', '/stats?format=prometheus', '/clients', '/history', '/config', '/certs', '/events'])(
  'by the admin handler, asked for %s',
  async (path) => {
    let url = '';
    await called((client) => {
      const admin = createAdmin([client]);
      onTestFinished(() => admin.close());
      void admin.listen().then((listening) => {
        url = listening.url;
      });
    });
    await vi.waitFor(() => expect(url).not.toBe(''));
    const text = await firstOf(new URL(path, url));
    expect(text.length).toBeGreaterThan(10);
    if (/clients|events|^.stats$/.test(path)) expect(text).toContain('ECONNRESET');
    expect(leaks(text)).toEqual([]);
  },
);

/** The whole answer; of a stream, its first piece. */
function firstOf(url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (piece) => {
        text += piece;
        if (url.pathname === '/events') response.destroy();
      });
      response.on('close', () => resolve(text));
    });
    request.on('error', reject);
  });
}

it('and would be found: the configuration itself is full of it', () => {
  expect(leaks(JSON.stringify(config)).length).toBeGreaterThan(0);
});
