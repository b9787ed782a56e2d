/** The history of a client: an hour by ten seconds and half a minute by the second, whatever the clock does. */
import { loadHttpClients } from 'pillion';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CallHistory } from '../../src/admin/history.js';
import { Watcher } from '../../src/admin/snapshot.js';
import { rejection, scripted, silent } from '../support/client.js';
import { fakeTimers } from '../support/clock.js';

fakeTimers();

const start = Date.parse('2026-11-30T03:00:00Z');

/** A history whose first slot begins now. */
function begun(): CallHistory {
  vi.setSystemTime(start);
  const history = new CallHistory();
  return history;
}

const seconds = (count: number) => vi.advanceTimersByTime(count * 1000);

describe('an hour by ten seconds', () => {
  it('has calls, failures, refusals and percentiles of each slot that has ended, oldest first', () => {
    const history = begun();
    for (let ms = 1; ms <= 100; ms++) history.record('succeeded', ms);
    history.record('failed', 1000);
    history.record('refused', 0.2);
    history.record('cancelled', undefined);
    expect(history.slots().at).toEqual([]);
    seconds(10);
    history.record('succeeded', 5);
    seconds(10);
    const { p50, p99, refusedP99, ...counts } = history.slots();
    expect(counts).toEqual({
      ...{ at: [start + 10_000, start + 20_000], calls: [103, 1], failed: [1, 0], refused: [1, 0] },
    });
    expect(p50[0]).toBeGreaterThan(49);
    expect(p50[0]).toBeLessThan(54);
    expect(p99[0]).toBeGreaterThan(98);
    expect(p99[0]).toBeLessThan(106);
    expect([p50[1], p99[1]]).toEqual([5, 5].map(() => expect.closeTo(5, 0)));
    // Refusals take no time, and would make the upstream seem fast.
    expect(refusedP99).toEqual([expect.closeTo(0.2, 1), null]);
  });

  it('tells the slots that ended after a time, each once to somebody who asks with the last one', () => {
    const history = begun();
    const told: number[] = [];
    for (let slot = 0; slot < 30; slot++) {
      history.record('succeeded', 1);
      seconds(10);
      told.push(...history.slots(told.at(-1)).at);
    }
    expect(told).toEqual(Array.from({ length: 30 }, (_, slot) => start + (slot + 1) * 10_000));
    expect(history.slots(start + 299_000).at).toEqual([start + 300_000]);
  });

  it('has nothing of the time in which nothing was called, as when the process slept', () => {
    const history = begun();
    history.record('succeeded', 1);
    seconds(300);
    history.record('succeeded', 1);
    seconds(10);
    expect(history.slots()).toMatchObject({ at: [start + 10_000, start + 310_000], calls: [1, 1] });
  });

  it('keeps an hour and no more, also after days', () => {
    const history = begun();
    for (let slot = 0; slot < 1000; slot++) {
      history.record(slot % 2 === 0 ? 'failed' : 'succeeded', slot % 2 === 0 ? 100 : 1);
      seconds(10);
    }
    const { at, calls, failed } = history.slots();
    expect(at).toHaveLength(360);
    expect([at[0], at.at(-1)]).toEqual([start + 6410_000, start + 10_000_000]);
    expect([new Set(calls), failed.reduce((sum, one) => sum + one, 0)]).toEqual([new Set([1]), 180]);
  });

  it('shows nothing of the hour before in a slot that has the same place', () => {
    const history = begun();
    for (let call = 0; call < 9; call++) history.record('failed', 500);
    history.record('refused', 3);
    seconds(3600);
    history.record('succeeded', undefined);
    seconds(10);
    expect(history.slots()).toEqual({
      ...{
        at: [start + 3610_000],
        calls: [1],
        failed: [0],
        refused: [0],
        p50: [null],
        p99: [null],
        refusedP99: [null],
      },
    });
  });

  it('stays in order and whole when somebody sets the wall clock back or forward', () => {
    const history = begun();
    history.record('succeeded', 1);
    seconds(10);
    vi.setSystemTime(start - 7_200_000);
    history.record('failed', 1);
    seconds(10);
    const back = history.slots();
    expect(back).toMatchObject({ at: [start - 7_210_000 + 10_000, start - 7_190_000], failed: [0, 1] });
    vi.setSystemTime(start + 86_400_000);
    expect(history.slots()).toMatchObject({ at: [start + 86_390_000, start + 86_400_000], calls: [1, 1] });
  });
});

describe('half a minute by the second', () => {
  it('gives calls per second and percentiles, those of refusals apart', () => {
    const history = begun();
    for (let second = 0; second < 60; second++) {
      for (let call = 0; call < 7; call++) history.record('succeeded', 20);
      for (let call = 0; call < 2; call++) history.record('failed', 200);
      history.record('refused', 0.1);
      seconds(1);
    }
    expect(history.recently()).toMatchObject({ failed: 2, refused: 1, refusedP99: 0.1, badShare: 0.3 });
    expect(history.recently().rate).toBeCloseTo(10, 0);
    expect(history.recently().p50).toBeCloseTo(20, -1);
    seconds(31);
    expect(history.recently()).toMatchObject({ rate: 0, failed: 0, p50: null, refusedP99: null, badShare: null });
  });

  it('covers the time since the first call where that is shorter', () => {
    const history = begun();
    seconds(2);
    for (let call = 0; call < 8; call++) history.record('failed', 1);
    seconds(2);
    expect(history.recently()).toMatchObject({ rate: 2, failed: 2 });
  });

  it('tells since when half of the calls fail, and since when a few do', () => {
    const history = begun();
    const run = (count: number, failing: (call: number) => boolean) => {
      for (let call = 0; call < count * 10; call++) {
        history.record(failing(call) ? 'failed' : 'succeeded', 1);
        vi.advanceTimersByTime(100);
      }
    };
    const since = (level: 'degraded' | 'failing') => {
      const at = history.badSince(level);
      return at === undefined ? undefined : Math.round(at / 1000);
    };
    run(60, () => false);
    expect([since('degraded'), since('failing')]).toEqual([undefined, undefined]);
    run(60, (call) => call % 20 === 0);
    expect([since('degraded'), since('failing')]).toEqual([60, undefined]);
    run(60, () => true);
    expect([since('degraded'), since('failing')]).toEqual([60, 120]);
    // A pause is no recovery.
    seconds(3600);
    run(1, () => true);
    expect(since('failing')).toBe(120);
    run(60, () => false);
    expect([since('degraded'), since('failing')]).toEqual([undefined, undefined]);
  });
});

describe('of all clients', () => {
  it('it begins with the handler and not with the page, and is empty for a client that was never called', async () => {
    vi.setSystemTime(start);
    const [{ client }, idle] = [
      scripted([503, 200], { name: 'billing', retry: false }),
      scripted([200], { name: 'x' }),
    ];
    const watcher = new Watcher([client, idle.client], { writable: false });
    onTestFinished(() => watcher.stop());
    await rejection(client.get('/'));
    await client.get('/');
    seconds(10);
    const { interval, clients } = watcher.history();
    expect({ interval, clients }).toMatchObject({
      interval: 10_000,
      clients: { billing: { at: [start + 10_000], calls: [2], failed: [1] }, x: { at: [] } },
    });
    expect(watcher.history(start + 10_000).clients.billing?.at).toEqual([]);
    // Somebody set the clock back: what the page knows lies ahead.
    expect(watcher.history(start + 86_400_000).clients.billing?.calls).toEqual([2]);
  });

  it('it is let go of with a client that is removed, and begins anew with one that comes', async () => {
    let names = ['a', 'b'];
    const load = () => ({ clients: Object.fromEntries(names.map((name) => [name, { baseURL: 'http://api.test' }])) });
    const registry = loadHttpClients({ name: 'test', load }, { logger: silent });
    const removed = registry.get('a');
    let listeners = 0;
    const on = removed.on.bind(removed);
    vi.spyOn(removed, 'on').mockImplementation((name, listener) => {
      listeners++;
      const stop = on(name, listener);
      return () => {
        listeners--;
        stop();
      };
    });
    const watcher = new Watcher(registry, { writable: false });
    onTestFinished(async () => {
      watcher.stop();
      await registry.close();
    });
    expect(listeners).toBeGreaterThan(0);
    names = ['b', 'c'];
    await registry.refresh();
    expect(listeners).toBe(0);
    expect(Object.keys(watcher.history().clients)).toEqual(['b', 'c']);
  });

  it('it has no timer', async () => {
    const { client } = scripted([200], { name: 'billing' });
    const before = vi.getTimerCount();
    const watcher = new Watcher([client], { writable: false });
    await client.get('/');
    watcher.take();
    expect(vi.getTimerCount()).toBe(before);
    watcher.stop();
  });
});
