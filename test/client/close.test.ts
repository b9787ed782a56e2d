import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { holdReply } from 'pillion/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { baseURL, rejection, scripted } from './scripted.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** True once the promise has settled; asked after every microtask had its turn. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => {
    settled = true;
  };
  promise.then(note, note);
  await vi.advanceTimersByTimeAsync(0);
  return settled;
}

describe('close', () => {
  it('refuses new calls with ERR_CLOSED and sends nothing', async () => {
    const { client, transport } = scripted([200], { name: 'billing' });
    await client.close();
    const error = await rejection(client.get('/'));
    expect(error).toMatchObject({ code: 'ERR_CLOSED', isAxiosError: true });
    expect(error.message).toContain('billing');
    expect(transport.requests).toEqual([]);
  });

  it('refuses from the moment it is called, while calls in flight still run', async () => {
    const held = holdReply();
    const { client } = scripted([held, 200]);
    const running = client.get('/');
    await held.arrived;
    const closed = client.close();
    expect((await rejection(client.get('/'))).code).toBe('ERR_CLOSED');
    held.reply({ data: 'finished' });
    expect((await running).data).toBe('finished');
    await closed;
  });

  it('waits for calls in flight, their retries included', async () => {
    const held = holdReply();
    const { client } = scripted([held, 200]);
    const running = client.get('/');
    await held.arrived;
    const closed = client.close();
    expect(await isSettled(closed)).toBe(false);
    held.reply(503);
    await vi.runAllTimersAsync();
    expect((await running).status).toBe(200);
    expect(await isSettled(closed)).toBe(true);
  });

  it('ends what outlasts the grace with ERR_CLOSED', async () => {
    const { client } = scripted(['hang'], { timeouts: false });
    const running = rejection(client.get('/'));
    const closed = client.close({ grace: 100 });
    await vi.advanceTimersByTimeAsync(99);
    expect(await isSettled(running)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await running).toMatchObject({ code: 'ERR_CLOSED', attempts: 1 });
    await closed;
    expect(client.stats().calls).toMatchObject({ active: 0, failed: 1 });
  });

  it('has a grace of ten seconds where none is given', async () => {
    const { client } = scripted(['hang'], { timeouts: false });
    const running = rejection(client.get('/'));
    const closed = client.close();
    await vi.advanceTimersByTimeAsync(9999);
    expect(await isSettled(closed)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect((await running).code).toBe('ERR_CLOSED');
    await closed;
  });

  it('with a grace of 0 ends everything at once', async () => {
    const { client } = scripted(['hang'], { timeouts: false });
    const running = rejection(client.get('/'));
    const closed = client.close({ grace: 0 });
    await vi.advanceTimersByTimeAsync(0);
    expect((await running).code).toBe('ERR_CLOSED');
    await closed;
  });

  it('ends a call that waits in the queue of limits, and one that waits for its retry', async () => {
    const config = {
      timeouts: false,
      limits: { maxRequests: 1 },
      retry: { backoff: { base: '1h', max: '1h' } },
    } as const;
    const { client, transport } = scripted([503, 'hang'], config, { random: () => 0.9 });
    const retrying = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(1);
    const hanging = rejection(client.get('/'));
    const queued = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(1);
    const closed = client.close({ grace: 10 });
    await vi.advanceTimersByTimeAsync(10);
    for (const ended of [retrying, hanging, queued]) expect((await ended).code).toBe('ERR_CLOSED');
    await closed;
    expect(transport.requests).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('counts a stream as in flight until it is read', async () => {
    const { client } = scripted([{ data: Readable.from(['part', 'part']) }]);
    const response = await client.get('/', { responseType: 'stream' });
    const closed = client.close();
    expect(await isSettled(closed)).toBe(false);
    expect(await text(response.data)).toBe('partpart');
    expect(await isSettled(closed)).toBe(true);
  });

  it('may be called again: it is the same closing', async () => {
    const { client } = scripted(['hang'], { timeouts: false });
    const running = rejection(client.get('/'));
    const first = client.close({ grace: 50 });
    const second = client.close({ grace: 999_999 });
    await vi.advanceTimersByTimeAsync(50);
    await Promise.all([first, second, client.close()]);
    expect((await running).code).toBe('ERR_CLOSED');
  });

  it('leaves no timer behind', async () => {
    const { client } = scripted([200, 503], { circuitBreaker: { volumeThreshold: 1, errorThresholdPercentage: 1 } });
    await client.get('/');
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(100);
    await failed;
    expect(client.stats().policies.circuitBreaker).toMatchObject({ [baseURL]: { state: 'open' } });
    await client.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is what asyncDispose does', async () => {
    const { client } = scripted([]);
    await client[Symbol.asyncDispose]();
    expect((await rejection(client.get('/'))).code).toBe('ERR_CLOSED');
  });

  it('still lets stats be read', async () => {
    const { client } = scripted([200]);
    await client.get('/');
    await client.close();
    expect(client.stats().calls).toEqual({ started: 1, active: 0, succeeded: 1, failed: 0, cancelled: 0 });
  });

  it('is not undone by an update', async () => {
    const { client, transport } = scripted([{ reply: 200 }]);
    await client.close();
    try {
      client.update({ baseURL, retry: false });
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_CLOSED' });
    }
    expect((await rejection(client.get('/'))).code).toBe('ERR_CLOSED');
    expect(transport.requests).toEqual([]);
  });

  it('refuses the calls of instances made by create()', async () => {
    const { client } = scripted([200]);
    const child = client.create();
    await client.close();
    expect((await rejection(child.get('/'))).code).toBe('ERR_CLOSED');
  });
});
