/** forceCircuit: a person decides in place of the circuit breaker. */
import { createHttpClient } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { rejection, scripted, silent } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

const circuitBreaker = { volumeThreshold: 2, resetTimeout: '1s', errorThresholdPercentage: 50 } as const;

fakeTimers();

describe('forced open', () => {
  it('rejects every call at once, to destinations never called too, and tells no time to wait', async () => {
    const { client, transport } = scripted([], { allowAbsoluteUrls: true });
    client.forceCircuit('open');
    for (const url of ['/a', 'http://other.test/b']) {
      const error = await rejection(client.get(url));
      expect(error).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', attempts: 0 });
      expect(error.message).toContain('forced open');
      expect(error).not.toHaveProperty('retryAfter');
    }
    expect(transport.requests).toEqual([]);
  });

  it('ends the retries of a call under way', async () => {
    const { client, transport } = scripted(
      [503, 200],
      { retry: { backoff: { base: 1000, max: 1000 } } },
      { random: () => 0.9 },
    );
    const call = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(100);
    client.forceCircuit('open');
    await vi.advanceTimersByTimeAsync(1000);
    expect((await call).code).toBe('ERR_CIRCUIT_OPEN');
    expect(transport.requests).toHaveLength(1);
  });

  it('stays so whatever time passes, until it is set to auto', async () => {
    const { client } = scripted([200]);
    client.forceCircuit('open');
    await vi.advanceTimersByTimeAsync(3_600_000);
    await rejection(client.get('/'));
    client.forceCircuit('auto');
    expect((await client.get('/')).status).toBe(200);
  });
});

describe('forced closed', () => {
  it('lets every call through, and failures count for nothing', async () => {
    const { client, transport } = scripted(Array(10).fill(500), { retry: false, circuitBreaker });
    client.forceCircuit('closed');
    for (let call = 0; call < 9; call++) await rejection(client.get('/'));
    client.forceCircuit('auto');
    expect((await rejection(client.get('/'))).response).toMatchObject({ status: 500 });
    expect(transport.requests).toHaveLength(10);
  });

  it('goes over an open circuit, which is asked again afterwards', async () => {
    const { client } = scripted([500, 500, 200], { retry: false, circuitBreaker });
    await rejection(client.get('/'));
    await rejection(client.get('/'));
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    client.forceCircuit('closed');
    expect((await client.get('/')).status).toBe(200);
    client.forceCircuit('auto');
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
  });
});

describe('a forced state with a time', () => {
  it('ends by itself, with an event, and stats tell until when it holds and by whom', async () => {
    vi.setSystemTime('2026-03-01T03:00:00Z');
    const { client } = scripted([{ reply: 200 }]);
    const told: unknown[] = [];
    client.on('circuit.forced', (event) => told.push(event));
    client.forceCircuit('open', { by: 'alice', for: '15m' });
    expect(client.stats()).toMatchObject({
      ...{ forcedCircuit: 'open', forcedBy: 'alice' },
      ...{ forcedSince: '2026-03-01T03:00:00.000Z', forcedUntil: '2026-03-01T03:15:00.000Z' },
    });
    await vi.advanceTimersByTimeAsync(15 * 60_000 - 1);
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    await vi.advanceTimersByTimeAsync(1);
    expect((await client.get('/')).status).toBe(200);
    for (const name of ['forcedCircuit', 'forcedBy', 'forcedSince', 'forcedUntil'])
      expect(client.stats()).not.toHaveProperty(name);
    expect(told).toEqual([
      { client: 'default', state: 'open', by: 'alice', forMs: 900_000 },
      { client: 'default', state: 'auto', expired: true },
    ]);
  });

  it('is replaced by a later one, and outlives an update with the circuit breaker only', async () => {
    const { client } = scripted([{ reply: 200 }]);
    client.forceCircuit('open', { for: '1m' });
    client.forceCircuit('open');
    await vi.advanceTimersByTimeAsync(120_000);
    expect(client.stats()).toMatchObject({ forcedCircuit: 'open' });
    client.forceCircuit('open', { for: '1m' });
    client.update({ baseURL: 'http://api.test', circuitBreaker: { resetTimeout: '9s' } });
    expect(client.stats()).toMatchObject({ forcedCircuit: 'open', forcedUntil: expect.any(String) });
    const told: unknown[] = [];
    client.on('circuit.forced', (event) => told.push(event));
    client.update({ baseURL: 'http://api.test', circuitBreaker: false });
    expect(vi.getTimerCount()).toBe(0);
    expect(told).toEqual([{ client: 'default', state: 'auto', by: 'an update without circuitBreaker' }]);
    client.update({ baseURL: 'http://api.test' });
    client.forceCircuit('closed', { for: '1m' });
    await client.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each<[string, unknown, unknown]>([
    ['no time for auto', 'auto', { for: '1m' }],
    ['a time of nothing', 'open', { for: 0 }],
    ['a time that is none', 'open', { for: 'soon' }],
    ['a name of nothing', 'open', { by: '' }],
    ['a name that is too long', 'open', { by: 'a'.repeat(201) }],
    ['an unknown option', 'open', { until: 'tomorrow' }],
  ])('takes %s: it is ERR_CONFIG and nothing is forced', (_, state, options) => {
    const { client } = scripted([]);
    const wrong = () => client.forceCircuit(state as never, options as never);
    expect(wrong).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
    expect(client.stats()).not.toHaveProperty('forcedCircuit');
  });
});

describe('what is forced', () => {
  it('is told by stats and by an event', async () => {
    const { client } = scripted([200]);
    const told: unknown[] = [];
    client.on('circuit.forced', (event) => told.push(event));
    await client.get('/');
    expect(client.stats()).not.toHaveProperty('forcedCircuit');
    client.forceCircuit('open');
    expect(client.stats()).toMatchObject({
      forcedCircuit: 'open',
      policies: { circuitBreaker: { 'http://api.test': { state: 'open', forced: true } } },
    });
    client.forceCircuit('auto');
    expect(client.stats().policies.circuitBreaker).toMatchObject({ 'http://api.test': { state: 'closed' } });
    expect(told).toEqual([
      { client: 'default', state: 'open' },
      { client: 'default', state: 'auto' },
    ]);
  });

  it('outlives an update, with other options too, and ends with the breaker', async () => {
    const { client } = scripted([200]);
    client.forceCircuit('open');
    client.update({ baseURL: 'http://api.test', circuitBreaker: { resetTimeout: '9s' } });
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    client.update({ baseURL: 'http://api.test', circuitBreaker: false });
    expect(client.stats()).not.toHaveProperty('forcedCircuit');
    client.update({ baseURL: 'http://api.test' });
    expect((await client.get('/')).status).toBe(200);
  });

  it('is ERR_CONFIG where there is no circuit breaker, or no such state', () => {
    const without = createHttpClient({ circuitBreaker: false }, { logger: silent });
    expect(() => without.forceCircuit('open')).toThrow(/circuitBreaker is false/);
    const { client } = scripted([]);
    expect(() => client.forceCircuit('ajar' as never)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });
});
