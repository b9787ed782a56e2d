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
import { rejection, silent } from '../support/client.js';

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
    const transport = createMockTransport([503, 503, 200, 200]);
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
    await billing.get('/');
    expect(healthOfClients([billing]).status).toBe('up');
  });

  it('is degraded for 30 s by a circuit that is half-open without calls, and then up', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const options = { volumeThreshold: 2, resetTimeout: '1s' } as const;
    const billing = client({ retry: false, circuitBreaker: options }, createMockTransport([503, 503]));
    await rejection(billing.get('/'));
    await rejection(billing.get('/'));
    await vi.advanceTimersByTimeAsync(1000 + 29_000);
    expect(healthOfClients([billing]).clients.billing?.reasons).toEqual([
      'the circuit to http://api.test is half_open',
    ]);
    await vi.advanceTimersByTimeAsync(1001);
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
  const now = Date.parse('2026-12-01T00:00:00Z');
  const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
  const iso = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  /** Of a certificate of so long a life with so much of it left. */
  const identity = (life: number, left: number) => ({ notBefore: iso(now + left - life), notAfter: iso(now + left) });
  const at = (ms: number) => {
    vi.useFakeTimers({ toFake: ['Date'], now: ms });
    onTestFinished(() => void vi.useRealTimers());
  };

  it.each([
    ['an hour, new', hour, hour, 'up'],
    ['an hour, at half its life', hour, 30 * minute, 'up'],
    ['an hour, a third left', hour, 20 * minute, 'degraded'],
    ['an hour, five minutes left', hour, 5 * minute, 'degraded'],
    ['a day, at half its life', day, 12 * hour, 'up'],
    ['a day, two hours left', day, 2 * hour, 'degraded'],
    ['30 days, 14 left', 30 * day, 14 * day, 'up'],
    ['30 days, 10 left', 30 * day, 10 * day, 'degraded'],
    ['90 days, 15 left', 90 * day, 15 * day, 'up'],
    ['90 days, 14 left', 90 * day, 14 * day, 'degraded'],
    ['ten years, 14 days left', 3650 * day, 14 * day, 'degraded'],
    ['90 days, two hours left', 90 * day, 2 * hour, 'degraded'],
    ['90 days, expired for a second', 90 * day, -second, 'degraded'],
    ['90 days, expired for a year', 90 * day, -365 * day, 'degraded'],
  ])('a certificate of %s makes it as it should', (_, life, left, status) => {
    at(now);
    const health = telling({ identity: identity(life, left) });
    expect(health?.status).toBe(status);
    const word = left < 0 ? 'expired' : 'expires';
    if (status !== 'up') expect(health?.reasons).toEqual([`the certificate ${word} at ${iso(now + left)}`]);
  });

  it('a certificate is expired only once its end is past, by the clock as it is', () => {
    const told = () => telling({ identity: identity(hour, 0) })?.reasons[0];
    at(now);
    expect(told()).toMatch(/expires at/);
    vi.setSystemTime(now + 1);
    expect(told()).toMatch(/expired at/);
    vi.setSystemTime(now - 50 * minute);
    expect(told()).toBeUndefined();
  });

  it('counts the days that it is told to, whatever the lifetime is', () => {
    at(now);
    const of = (life: number, left: number) => ({
      stats: () => ({ name: 'billing', policies: {}, identity: identity(life, left) }),
    });
    const status = (fake: object, certificateDays: number) =>
      healthOfClients([fake as HttpClient], { certificateDays }).status;
    expect(status(of(90 * day, 20 * day), 30)).toBe('degraded');
    expect(status(of(day, 12 * hour), 14)).toBe('degraded');
    expect(status(of(90 * day, hour), 0)).toBe('up');
    expect(status(of(90 * day, -second), 0)).toBe('degraded');
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

describe('a list with registries', () => {
  it('has the health of every client, and of all configurations together, by the names of their sources', async () => {
    let total: unknown = '1s';
    const load = () => ({ clients: { billing: { baseURL, timeouts: { total } } } }) as object;
    const one = loadHttpClients({ name: 'one', load }, { logger: silent });
    const two = loadHttpClients({ name: 'two', load: () => ({ clients: { users: { baseURL } } }) }, { logger: silent });
    onTestFinished(async () => {
      await one.close();
      await two.close();
    });
    const set = [one, two, client()];
    expect(healthOfClients(set)).toMatchObject({ status: 'up', config: { status: 'up', reasons: [] } });
    expect(Object.keys(healthOfClients(set).clients)).toEqual(['billing', 'users', 'billing#2']);
    total = 'soon';
    await one.refresh();
    expect(healthOfClients(set)).toMatchObject({
      status: 'degraded',
      config: { reasons: [expect.stringMatching(/^the configuration one was refused at .*; version 1 stays/)] },
    });
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
