import type { HttpClientConfig } from 'pillion';
import { holdReply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, collecting, rejection, scripted } from '../support/client.js';
import { fakeTimers } from '../support/clock.js';

fakeTimers();

/** A client whose circuit has opened. */
async function opened(config: HttpClientConfig = {}) {
  const made = scripted([{ reply: 503 }], { retry: false, circuitBreaker: { volumeThreshold: 2 }, ...config });
  for (let i = 0; i < 2; i++) await rejection(made.client.get('/'));
  expect((await rejection(made.client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
  return made;
}

describe('update', () => {
  it('keeps the circuits where their section stays the same', async () => {
    const { client, transport } = await opened();
    client.update({ baseURL, retry: { maxRetries: 1 }, circuitBreaker: { volumeThreshold: 2 } });
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    expect(transport.requests).toHaveLength(2);
  });

  it('starts circuits anew where their section changes', async () => {
    const { client, transport } = await opened();
    client.update({ baseURL, retry: false, circuitBreaker: { volumeThreshold: 3 } });
    expect((await rejection(client.get('/'))).status).toBe(503);
    expect(transport.requests).toHaveLength(3);
  });

  it('keeps the retry budget where neither retry nor retry.maxConcurrentRetries changes, else starts it anew', async () => {
    const { client } = scripted([{ reply: 200 }]);
    for (let i = 0; i < 5; i++) await client.get('/');
    const budget = () => client.stats().policies.retry;
    expect(budget()).toMatchObject({ calls: 5 });
    client.update({ baseURL, logging: false, limits: { maxRequests: 7 } });
    expect(budget()).toMatchObject({ calls: 5 });
    client.update({ baseURL, logging: false, retry: { maxRetries: 1 } });
    expect(budget()).toMatchObject({ calls: 0 });
  });

  it('shows in the pipeline and in what new calls do', async () => {
    const { client, transport } = scripted([{ reply: 503 }]);
    client.update({ baseURL, retry: false, circuitBreaker: false });
    expect(client.pipeline).not.toContain('retry');
    expect(client.pipeline).not.toContain('circuitBreaker');
    expect(await rejection(client.get('/'))).toMatchObject({ attempts: 1 });
    client.update({ baseURL });
    const failed = rejection(client.get('/'));
    await vi.runAllTimersAsync();
    expect(await failed).toMatchObject({ attempts: 3 });
    expect(transport.requests).toHaveLength(4);
  });

  it('lets a call in flight keep its deadline', async () => {
    const { client } = scripted([{ reply: 'hang' }], { timeouts: { total: '1s' }, retry: false });
    const old = rejection(client.get('/old'));
    client.update({ baseURL, timeouts: { total: '3s', attempt: '3s' }, retry: false });
    const fresh = rejection(client.get('/new'));
    await vi.advanceTimersByTimeAsync(1000);
    expect((await old).message).toContain('1000 ms');
    let ended = false;
    void fresh.then(() => {
      ended = true;
    });
    await vi.advanceTimersByTimeAsync(1999);
    expect(ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect((await fresh).message).toContain('3000 ms');
  });

  it('lets a call in flight keep its retries', async () => {
    const held = holdReply();
    const { client, transport } = scripted([held, { data: { ok: true } }]);
    const response = client.get('/');
    await held.arrived;
    client.update({ baseURL, retry: false });
    held.reply(503);
    await vi.runAllTimersAsync();
    expect((await response).data).toEqual({ ok: true });
    expect(transport.requests.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('lets calls in flight hold the connections that new ones find taken', async () => {
    const held = holdReply();
    const { client } = scripted([held, 200], { limits: { maxRequests: 1, maxPendingRequests: 0 } });
    const first = client.get('/');
    await held.arrived;
    client.update({ baseURL, retry: { maxRetries: 1 }, limits: { maxRequests: 1, maxPendingRequests: 0 } });
    expect((await rejection(client.get('/'))).code).toBe('ERR_LIMIT');
    held.reply(200);
    expect((await first).status).toBe(200);
    expect((await client.get('/')).status).toBe(200);
  });

  it('changes where calls go and which origin they may not leave', async () => {
    const { client, transport } = scripted([200, 200]);
    client.update({ baseURL: 'http://other.test/v2' });
    await client.get('/items');
    expect(transport.requests[0]?.url).toBe('http://other.test/v2/items');
    expect((await rejection(client.get(`${baseURL}/items`))).code).toBe('ERR_ORIGIN_NOT_ALLOWED');
  });

  it('takes away headers that the new configuration does not have, and leaves those set by hand', async () => {
    const { client, transport } = scripted([200, 200], { headers: { 'X-Old': '1', 'x-kept': '1' } });
    client.defaults.headers.common['x-hand'] = 'made';
    client.update({ baseURL, headers: { 'x-kept': '2', 'x-new': '2' } });
    await client.get('/');
    expect(transport.requests[0]?.headers).toMatchObject({ 'x-kept': '2', 'x-new': '2', 'x-hand': 'made' });
    expect(transport.requests[0]?.headers).not.toHaveProperty('x-old');
    client.update({ baseURL });
    await client.get('/');
    expect(transport.requests[1]?.headers).not.toHaveProperty('x-kept');
    expect(transport.requests[1]?.headers).toMatchObject({ 'x-hand': 'made' });
  });

  it('gives back a header of deps.axios that the old configuration stood in for', async () => {
    const deps = { axios: { headers: { 'x-mode': 'deps' } } };
    const { client, transport } = scripted([200], { headers: { 'x-mode': 'config' } }, deps);
    client.update({ baseURL });
    await client.get('/');
    expect(transport.requests[0]?.headers['x-mode']).toBe('deps');
  });

  it('reaches instances made by create()', async () => {
    const { client, transport } = scripted([{ reply: 503 }]);
    const child = client.create();
    client.update({ baseURL, retry: false });
    await rejection(child.get('/'));
    expect(transport.requests).toHaveLength(1);
  });

  it('keeps the name of the client', async () => {
    const { client } = scripted([404], { name: 'billing' });
    client.update({ baseURL, name: 'another' });
    expect(client.stats().name).toBe('billing');
  });

  it('writes one attempt line an attempt, not one for each configuration there was', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([200], {}, { logger });
    client.update({ baseURL, logging: { profile: 'ecs' } });
    client.update({ baseURL, logging: { profile: 'gcp' } });
    await client.get('/');
    expect(lines.map(({ message }) => message)).toEqual([
      ...['configuration updated: logging', 'configuration updated: logging', 'attempt 1 200', 'GET 200'],
    ]);
  });
});

describe('config.updated', () => {
  const sectionsOf = (before: HttpClientConfig, after: HttpClientConfig) => {
    const { client } = scripted([], before);
    const told: unknown[] = [];
    client.on('config.updated', (event) => told.push(event));
    client.update({ baseURL, ...after });
    return told;
  };

  it('names the sections that changed', () => {
    const after = { retry: false, timeouts: { total: '5s' }, headers: { 'x-a': '1' } } as const;
    expect(sectionsOf({ name: 'billing' }, after)).toEqual([
      { client: 'billing', sections: expect.arrayContaining(['headers', 'timeouts', 'retry']) },
    ]);
  });

  it('names a section that comes or goes', () => {
    expect(sectionsOf({}, { tls: { minVersion: 'TLSv1.3' } })).toMatchObject([{ sections: ['tls'] }]);
    expect(sectionsOf({ tls: {} }, {})).toMatchObject([{ sections: ['tls'] }]);
  });

  it('names nothing where the same is said in other words', () => {
    const same = {
      timeouts: { total: '10s', attempt: '2.5s' },
      retry: {},
      circuitBreaker: { resetTimeout: '5s' },
    } as const;
    expect(sectionsOf({}, same)).toMatchObject([{ sections: [] }]);
  });
});

describe('a bad update', () => {
  it.each<[string, unknown]>([
    ['an unknown key', { baseURL, retries: 3 }],
    ['a value out of range', { baseURL, limits: { maxRequests: 0 } }],
    ['no URL', { baseURL: 'api.test' }],
    ['a header that cannot be sent', { baseURL, headers: { 'x-a\r\nx-b': '1' } }],
    ['a header without a name', { baseURL, headers: { '': '1' } }],
    ['no object', null],
  ])('throws ERR_CONFIG and changes nothing: %s', async (_, config) => {
    const { client, transport } = await opened({ headers: { 'x-a': '1' } });
    const events: unknown[] = [];
    client.on('config.updated', (event) => events.push(event));
    const before = client.stats();
    expect(() => client.update(config as HttpClientConfig)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
    expect(events).toEqual([]);
    expect(client.stats()).toEqual(before);
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    await vi.advanceTimersByTimeAsync(5000);
    await rejection(client.get('/path'));
    expect(transport.requests.at(-1)).toMatchObject({ url: `${baseURL}/path`, headers: { 'x-a': '1' } });
  });
});
