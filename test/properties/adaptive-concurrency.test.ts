/** adaptiveConcurrency under thousands of calls: the limit follows how fast the destination is. */
import { describe, expect, it, vi } from 'vitest';
import { baseURL, scripted } from '../support/client.js';
import { fakeTimers } from '../support/clock.js';

fakeTimers();

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

interface Stats {
  limit: number;
  running: number;
  rejected: number;
}

/** A client over an upstream that takes `ms()`. */
function adapted(options: object, ms: () => number, status = 200) {
  const { client, transport } = scripted([{ reply: () => ({ status, delay: ms() }) }], {
    adaptiveConcurrency: options,
    retry: false,
    circuitBreaker: false,
    timeouts: { attempt: '5s', total: '10s' },
  });
  const stats = () => (client.stats().policies.adaptiveConcurrency as Record<string, Stats>)[baseURL] as Stats;
  /** Keeps `count` calls under way for so many seconds. */
  const load = async (count: number, seconds: number) => {
    let over = false;
    const callers = Array.from({ length: count }, async () => {
      while (!over) {
        await client.get('/').catch(() => new Promise((resolve) => setTimeout(resolve, 50)));
        if (ms() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    });
    await pass(seconds * 1000);
    over = true;
    await pass(6000);
    await Promise.all(callers);
  };
  return { client, transport, stats, load };
}

describe('the limit', () => {
  it('grows while attempts are as fast as usual, up to maxLimit', async () => {
    const { stats, load } = adapted({ initialLimit: 10, maxLimit: 15 }, () => 50);
    await load(20, 25);
    expect(stats().limit).toBe(15);
  });

  it('falls when they become slower, down to minLimit', async () => {
    let ms = 20;
    const { stats, load } = adapted({ initialLimit: 40, minLimit: 12 }, () => ms);
    await load(45, 3);
    const before = stats().limit;
    ms = 200;
    await load(45, 28);
    expect(before).toBeGreaterThanOrEqual(40);
    expect(stats().limit).toBe(12);
  });

  it('does not grow where it is not used', async () => {
    const { stats, load } = adapted({ initialLimit: 40 }, () => 50);
    await load(5, 20);
    expect(stats().limit).toBe(40);
  });

  it('is not moved by failures that come fast', async () => {
    const { stats, load } = adapted({ initialLimit: 10 }, () => 2, 503);
    await load(15, 20);
    expect(stats().limit).toBe(10);
  });
});
