import { createHttpClient } from 'pillion';
import { holdReply } from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import { baseURL, clientOver, rejection, scripted, silent } from '../support/client.js';
import { startHttp } from '../support/upstream.js';

const expectPlainJson = (stats: object) => expect(stats).toStrictEqual(JSON.parse(JSON.stringify(stats)));

describe('stats', () => {
  it('count calls by how they ended, and attempts', async () => {
    const { client } = scripted([200, 503, 200, 404, { error: 'CERT_HAS_EXPIRED' }], { name: 'billing' });
    await client.get('/');
    await client.get('/');
    await rejection(client.get('/'));
    await rejection(client.get('/'));
    await rejection(client.get('/', { signal: AbortSignal.abort() }));
    const stats = client.stats();
    expect(stats).toMatchObject({ name: 'billing', attempts: 5 });
    expect(stats.calls).toMatchObject({ started: 5, active: 0, succeeded: 2, failed: 2, cancelled: 1 });
  });

  it('count a call as failed where the transport rejects with an error that has no code', async () => {
    const client = clientOver(() => Promise.reject(new Error('no code')));
    await rejection(client.get('/'));
    expect(client.stats().calls).toMatchObject({ succeeded: 0, failed: 1 });
  });

  it('count a failure that the caller accepts as succeeded', async () => {
    const { client } = scripted([404]);
    await client.get('/', { validateStatus: null });
    expect(client.stats().calls).toMatchObject({ succeeded: 1, failed: 0 });
  });

  it('show calls in flight', async () => {
    const held = holdReply();
    const { client } = scripted([held]);
    const running = client.get('/');
    await held.arrived;
    expect(client.stats().calls).toMatchObject({ started: 1, active: 1 });
    expect(client.stats().policies.limits).toEqual({ [baseURL]: { running: 1, pending: 0 } });
    held.reply(200);
    await running;
    expect(client.stats().calls).toMatchObject({ started: 1, active: 0 });
  });

  it('are plain JSON, with everything on and after all kinds of ends', async () => {
    const { client } = scripted([503, 503, 503, 'hang', { error: 'ECONNREFUSED' }, 200], {
      circuitBreaker: { volumeThreshold: 3 },
      timeouts: { attempt: 10 },
    });
    expectPlainJson(client.stats());
    await rejection(client.get('/'));
    await rejection(client.get('/'));
    expectPlainJson(client.stats());
  });

  it('are plain JSON with every section off', () => {
    const off = { tracing: false, logging: false, timeouts: false, retry: false, circuitBreaker: false, limits: false };
    const { client } = scripted([], off as Parameters<typeof scripted>[1]);
    expectPlainJson(client.stats());
  });

  it('are plain JSON over real sockets, and a copy that later calls leave alone', async () => {
    const server = await startHttp((_, response) => response.end('ok'));
    const client = createHttpClient({ baseURL: server.origin, retry: { budget: false } }, { logger: silent });
    await client.get('/');
    const before = client.stats();
    const copy = JSON.parse(JSON.stringify(before));
    expect(before).toStrictEqual(copy);
    await client.get('/');
    expect(before).toStrictEqual(copy);
    expect(client.stats().policies.wire).toMatchObject({ lanes: { undici: 2, http: 0 } });
    await client.close();
  });
});
