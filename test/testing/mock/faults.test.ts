/** Faults of a scripted upstream, and clocks that a test moves. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createTestClient, cutOff, flaky, outage, retryAfter, times } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { root } from '../../package/run.js';
import { rejection } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

describe('faults', () => {
  it('times repeats a reply', async () => {
    const client = createTestClient([...times(2, 503), 200]);
    await client.get('/');
    expect(client.stats().attempts).toBe(3);
  });

  it('flaky fails its share of the requests, the same ones for the same seed', async () => {
    const statuses = async (seed: number) => {
      const client = createTestClient([{ reply: flaky({ rate: 0.3, seed }) }], { retry: false, circuitBreaker: false });
      const calls = Array.from({ length: 1000 }, () => client.get('/', { validateStatus: null }));
      return (await Promise.all(calls)).map(({ status }) => status);
    };
    const first = await statuses(7);
    const share = first.filter((status) => status === 503).length / 1000;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.35);
    expect(await statuses(7)).toEqual(first);
    expect(await statuses(8)).not.toEqual(first);
  });

  it('retryAfter asks to wait, and cutOff breaks a stream off', async () => {
    const { headers, status } = retryAfter(3, 429);
    expect({ headers, status }).toEqual({ headers: { 'retry-after': '3' }, status: 429 });
    const client = createTestClient([cutOff('0123456789', 4)]);
    const { data } = await client.get('/', { responseType: 'stream' });
    let text = '';
    const read = async () => {
      for await (const chunk of data) text += chunk;
    };
    expect((await rejection(read())).code).toBe('ECONNRESET');
    expect(text).toBe('0123');
  });
});

describe('on virtual time', () => {
  fakeTimers();

  it('an outage begins and ends by the clock of the test; the circuit opens and closes again', async () => {
    const circuitBreaker = { volumeThreshold: 2, resetTimeout: '1s', errorThresholdPercentage: 50 } as const;
    const client = createTestClient([{ reply: outage({ from: 100, to: 2000 }) }], { retry: false, circuitBreaker });
    const codes: unknown[] = [];
    const call = async () =>
      codes.push(
        await client.get('/').then(
          ({ status }) => status,
          ({ code }) => code,
        ),
      );
    await call();
    await vi.advanceTimersByTimeAsync(100);
    for (let i = 0; i < 3; i++) await call();
    await vi.advanceTimersByTimeAsync(5000);
    await call();
    expect(codes).toEqual([200, 'ECONNREFUSED', 'ECONNREFUSED', 'ERR_CIRCUIT_OPEN', 200]);
  });

  it('waits and deadlines pass as fast as the test moves them', async () => {
    const waiting = createTestClient([retryAfter(3), 200]);
    const call = waiting.get('/');
    await vi.advanceTimersByTimeAsync(2999);
    expect(waiting.transport.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await call).status).toBe(200);

    const late = rejection(createTestClient(['hang'], { timeouts: { total: '8s', attempt: false } }).get('/'));
    await vi.advanceTimersByTimeAsync(8000);
    expect((await late).code).toBe('ERR_DEADLINE');
  });
});

it("node:test's mock timers move waits and deadlines as well", async () => {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--test', 'examples/mocking/node-test-clock.mjs'], { cwd: root });
  expect(stdout).toMatch(/^# pass 3$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});
