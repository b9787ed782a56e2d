/** healthOfClients: up, degraded, down, and why. */
import {
  createHttpClient,
  type HttpClient,
  type HttpClientConfig,
  type HttpClientStats,
  healthOfClients,
  loadHttpClients,
} from 'pillion';
import { createMockTransport } from 'pillion/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { rejection, silent } from './client/scripted.js';

const baseURL = 'http://api.test';

function client(config: HttpClientConfig = {}, transport = createMockTransport([])): HttpClient {
  const made = createHttpClient(
    { name: 'billing', baseURL, ...config },
    { logger: silent, transport, random: () => 0 },
  );
  onTestFinished(() => made.close({ grace: 0 }));
  return made;
}

describe('a client', () => {
  it('is up where nothing stands against it', () => {
    expect(healthOfClients([client()])).toEqual({ status: 'up', clients: { billing: { status: 'up', reasons: [] } } });
  });

  it('is degraded while a circuit is open, and up once it has closed', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const transport = createMockTransport([503, 503, 200]);
    const options = { errorThresholdPercentage: 50, volumeThreshold: 2, resetTimeout: '1s' } as const;
    const billing = client({ retry: false, circuitBreaker: options }, transport);
    await rejection(billing.get('/'));
    await rejection(billing.get('/'));
    expect(healthOfClients([billing]).clients.billing).toEqual({
      status: 'degraded',
      reasons: ['the circuit to http://api.test is open'],
    });

    await vi.advanceTimersByTimeAsync(1001);
    await billing.get('/');
    expect(healthOfClients([billing]).status).toBe('up');
  });

  it('is degraded while its circuit is forced open', () => {
    const billing = client();
    billing.forceCircuit('open');
    expect(healthOfClients([billing]).clients.billing?.reasons).toEqual(['the circuit is forced open']);
    billing.forceCircuit('auto');
    expect(healthOfClients([billing]).status).toBe('up');
  });

  it('is down once it is closed', async () => {
    const billing = client();
    await billing.close();
    expect(healthOfClients([billing])).toEqual({
      status: 'down',
      clients: { billing: { status: 'down', reasons: ['the client is closed'] } },
    });
  });

  it('is as bad as the worst of many', async () => {
    const [fine, closed] = [client({ name: 'fine' }), client({ name: 'closed' })];
    await closed.close();
    const { status, clients } = healthOfClients([fine, closed]);
    expect([status, clients.fine?.status, clients.closed?.status]).toEqual(['down', 'up', 'down']);
  });
});

describe('by what a client tells of itself', () => {
  const telling = (stats: object) => {
    const fake = { stats: () => ({ name: 'billing', policies: {}, ...stats }) as unknown as HttpClientStats };
    return healthOfClients([fake as HttpClient]).clients.billing;
  };
  const notAfter = '2026-12-01T00:00:00.000Z';

  it.each([
    [15, 'up'],
    [14, 'degraded'],
    [0.5, 'degraded'],
    [0, 'down'],
    [-3, 'down'],
  ])('a certificate with %d days left makes it %s', (daysLeft, status) => {
    const health = telling({ identity: { daysLeft, notAfter } });
    expect(health?.status).toBe(status);
    for (const reason of health?.reasons ?? []) expect(reason).toContain(notAfter);
  });

  it('counts the days that it is told to', () => {
    const stats = () => ({ name: 'billing', policies: {}, identity: { daysLeft: 20, notAfter } });
    const fake = { stats } as unknown as HttpClient;
    expect(healthOfClients([fake], { certificateDays: 30 }).status).toBe('degraded');
  });

  it('endpoints that are all out make it degraded, one that is usable does not', () => {
    const balance = (...states: string[]) => ({
      policies: { balance: { lookups: { failed: 0 }, endpoints: states.map((state) => ({ state })) } },
    });
    expect(telling(balance('ejected', 'unhealthy'))).toEqual({
      status: 'degraded',
      reasons: ['no endpoint is usable'],
    });
    expect(telling(balance('ejected', 'usable'))?.status).toBe('up');
    // Nothing was looked up yet.
    expect(telling(balance())?.status).toBe('up');
  });

  it('names that cannot be looked up make it degraded', () => {
    const policies = { balance: { lookups: { failed: 2, lastError: 'ENOTFOUND' }, endpoints: [] } };
    expect(telling({ policies })).toEqual({ status: 'degraded', reasons: ['no endpoint is known: ENOTFOUND'] });
  });
});

describe('a configuration', () => {
  it('is degraded while what was loaded last is refused, and only so long', async () => {
    let total: unknown = '1s';
    const load = () => ({ clients: { billing: { baseURL, timeouts: { total } } } }) as object;
    const registry = loadHttpClients({ name: 'test', load }, { logger: silent });
    onTestFinished(() => registry.close());
    expect(healthOfClients(registry)).toEqual({
      status: 'up',
      clients: { billing: { status: 'up', reasons: [] } },
      config: { status: 'up', reasons: [] },
    });

    total = 'soon';
    await registry.refresh();
    const { status, config } = healthOfClients(registry);
    expect([status, config?.reasons]).toEqual(['degraded', [expect.stringMatching(/refused at .*; version 1 stays/)]]);

    // The same as before, so that there is no new version to tell of.
    total = '1s';
    await registry.refresh();
    expect(healthOfClients(registry).status).toBe('up');
    expect(registry.stats().config).toMatchObject({ version: 1, rejected: 1, refused: false });
  });
});
