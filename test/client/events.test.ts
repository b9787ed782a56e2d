import type { ClientEventName, HttpClient } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, rejection, scripted } from '../support/client.js';
import { fakeTimers } from '../support/clock.js';

const names = [
  'call.started',
  'call.ended',
  'attempt.started',
  'attempt.ended',
  'retry.scheduled',
  'retry.refused',
  'circuit.opened',
  'circuit.half_opened',
  'circuit.closed',
  'limits.rejected',
  'config.updated',
] as const satisfies ClientEventName[];

fakeTimers();

/** Everything the client tells, in order. */
function listening(client: HttpClient): { name: ClientEventName; event: object }[] {
  const told: { name: ClientEventName; event: object }[] = [];
  for (const name of names) client.on(name, (event: object) => told.push({ name, event }));
  return told;
}

describe('events', () => {
  it('tell the story of a call that was retried', async () => {
    const { client } = scripted([{ error: 'ECONNRESET' }, 503, 200]);
    const told = listening(client);
    const response = client.get('/');
    await vi.runAllTimersAsync();
    await response;
    const call = expect.objectContaining({ client: 'default', method: 'GET' });
    expect(told).toMatchObject([
      { name: 'call.started', event: { call } },
      { name: 'attempt.started', event: { call, attempt: 1 } },
      { name: 'attempt.ended', event: { call, attempt: 1, code: 'ECONNRESET', durationMs: expect.any(Number) } },
      { name: 'retry.scheduled', event: { call, retry: 1, waitMs: 0, code: 'ECONNRESET' } },
      { name: 'attempt.started', event: { call, attempt: 2 } },
      { name: 'attempt.ended', event: { call, attempt: 2, status: 503 } },
      { name: 'retry.scheduled', event: { call, retry: 2, waitMs: 0, status: 503 } },
      { name: 'attempt.started', event: { call, attempt: 3 } },
      { name: 'attempt.ended', event: { call, attempt: 3, status: 200 } },
      { name: 'call.ended', event: { call, status: 200, durationMs: expect.any(Number) } },
    ]);
  });

  it('tell how a circuit opens, tries and closes', async () => {
    const { client } = scripted([503, 503, 200], { retry: false, circuitBreaker: { volumeThreshold: 2, trials: 1 } });
    const told = listening(client);
    for (let i = 0; i < 2; i++) await rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(5000);
    await client.get('/');
    const destination = { client: 'default', destination: baseURL };
    const failures = { outcomes: 2, failures: 2, cause: { status: 503 } };
    expect(told.filter(({ name }) => name.startsWith('circuit.'))).toEqual([
      { name: 'circuit.opened', event: { ...destination, retryAfter: 5000, ...failures } },
      { name: 'circuit.half_opened', event: destination },
      { name: 'circuit.closed', event: { ...destination, openForMs: 5000 } },
    ]);
  });

  it('tell of a call that limits turned away', async () => {
    const { client } = scripted(['hang'], { limits: { maxRequests: 1, maxPendingRequests: 0 } });
    const told = listening(client);
    const running = rejection(client.get('/'));
    await rejection(client.get('/'));
    expect(told.filter(({ name }) => name === 'limits.rejected')).toMatchObject([
      { event: { destination: baseURL, pending: 0 } },
    ]);
    await vi.runAllTimersAsync();
    await running;
  });

  it('reach every listener, and stop when one unsubscribes', async () => {
    const { client } = scripted([{ reply: 200 }]);
    const heard: string[] = [];
    const off = client.on('call.ended', () => heard.push('first'));
    client.on('call.ended', () => heard.push('second'));
    await client.get('/');
    off();
    off();
    await client.get('/');
    expect(heard).toEqual(['first', 'second', 'second']);
  });

  it('are not disturbed by a listener that takes itself away', async () => {
    const { client } = scripted([{ reply: 200 }]);
    const heard: string[] = [];
    const off = client.on('call.ended', () => {
      heard.push('once');
      off();
    });
    client.on('call.ended', () => heard.push('always'));
    await client.get('/');
    await client.get('/');
    expect(heard).toEqual(['once', 'always', 'always']);
  });

  it('may be heard twice by one function, each subscription by itself', async () => {
    const { client } = scripted([{ reply: 200 }]);
    let heard = 0;
    const listener = () => {
      heard++;
    };
    const off = client.on('call.started', listener);
    client.on('call.started', listener);
    off();
    await client.get('/');
    expect(heard).toBe(1);
  });

  it.each(names)('survive a listener of %s that throws', async (name) => {
    const config = {
      circuitBreaker: { volumeThreshold: 2 },
      limits: { maxRequests: 1, maxPendingRequests: 0 },
    };
    const { client } = scripted([503, 503, 200], config);
    let threw = 0;
    client.on(name, () => {
      threw++;
      throw new Error('the fault of the listener');
    });
    const told = listening(client);
    const failed = rejection(client.get('/'));
    const refused = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(10);
    expect(await failed).toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
    expect(await refused).toMatchObject({ code: 'ERR_LIMIT' });
    await vi.advanceTimersByTimeAsync(5000);
    expect((await client.get('/')).status).toBe(200);
    client.update({ baseURL, retry: false });
    expect(threw).toBe(told.filter((each) => each.name === name).length);
  });

  it('survive a listener whose promise rejects', async () => {
    vi.useRealTimers();
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const { client } = scripted([200]);
    client.on('call.ended', async () => {
      throw new Error('the fault of the listener');
    });
    expect((await client.get('/')).status).toBe(200);
    // Node tells of unhandled rejections once the microtasks of this turn are done.
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});

describe('every start has exactly one end', () => {
  it.each<[string, Parameters<typeof scripted>[0], Parameters<typeof scripted>[1]]>([
    ['an answer', [{ reply: 200 }], {}],
    ['a failure', [{ reply: 503 }], {}],
    ['an attempt timeout', [{ reply: 'hang' }], {}],
    ['the deadline', [{ reply: 'hang' }], { timeouts: { attempt: false } }],
    ['an open circuit', [{ reply: 500 }], { circuitBreaker: { volumeThreshold: 1 } }],
    ['a limit', [{ reply: 'hang' }], { limits: { maxRequests: 1, maxPendingRequests: 1 } }],
    ['an answer nobody scripted', [], {}],
  ])('where calls end by %s', async (_, script, config) => {
    const { client } = scripted(script, config);
    const told = listening(client);
    const calls = Array.from({ length: 4 }, () => client.get('/').catch(() => {}));
    await vi.runAllTimersAsync();
    await Promise.all(calls);
    const count = (name: ClientEventName) => told.filter((each) => each.name === name).length;
    expect(count('call.started')).toBe(4);
    expect(count('call.ended')).toBe(4);
    expect(count('attempt.ended')).toBe(count('attempt.started'));
    const { started, active, succeeded, failed, cancelled } = client.stats().calls;
    expect([started, active, succeeded + failed + cancelled]).toEqual([4, 0, 4]);
  });
});
