/** The history as the page keeps it, the lines of its plots and their text alternatives, without a browser. */
import { describe, expect, it } from 'vitest';
import { Past, type PastSlots, shownMs } from '../../src/admin/page/past.js';
import { describe as described, filled, linePath, scaleOf, shapesOf, xOf } from '../../src/admin/page/shapes.js';

const interval = 10_000;
const now = new Date(2026, 4, 7, 3, 16, 0).getTime();

function slots(...given: readonly [at: number, calls: number, failed?: number][]): PastSlots {
  const none = given.map(() => null);
  return {
    at: given.map(([at]) => at),
    calls: given.map(([, calls]) => calls),
    failed: given.map(([, , failed = 0]) => failed),
    ...{ refused: given.map(() => 0), p50: given.map(() => 5), p99: given.map(() => 9), refusedP99: none },
  };
}

const calls = (given: PastSlots) => {
  const [shape] = shapesOf(given, interval);
  if (shape === undefined) throw new Error('There are no shapes.');
  return shape;
};

describe('the history that a page keeps', () => {
  it('joins what was read later, each slot once, and lets go of what is older than an hour', () => {
    const past = new Past();
    past.add({ interval, clients: { a: slots([now - shownMs - interval, 1], [now - interval, 2]), b: slots() } });
    expect(past.since).toBe(now - interval);
    past.add({ interval, clients: { a: slots([now - interval + 3, 2], [now, 3]) } });
    expect(past.of('a')).toMatchObject({ at: [now - interval, now], calls: [2, 3] });
    expect(past.of('nobody').at).toEqual([]);
    expect([past.range(now), past.range(now + 2 * shownMs)]).toEqual([300_000, shownMs]);
    past.clear();
    expect([past.since, past.of('a').at]).toEqual([undefined, []]);
  });
});

describe('a plot', () => {
  it('shows slots that are missing as ones without calls, up to the newest of any client', () => {
    const full = filled(slots([now - 4 * interval, 50], [now - 2 * interval, 70]), interval, now);
    expect(full.calls).toEqual([50, 0, 70, 0, 0]);
    expect(full.p99).toEqual([9, null, 9, null, null]);
    expect(filled(slots(), interval, now).at).toEqual([]);
  });

  it('draws a line over the hour before now, interrupted where a value is missing', () => {
    const full = filled(slots([now - 3 * interval, 50], [now - interval, 70], [now, 100]), interval, now);
    const [, latency] = shapesOf(full, interval);
    const path = linePath(full.at, latency?.lines[0] ?? { name: '', look: '', values: [] }, {
      scale: 10,
      now,
      range: shownMs,
      step: interval,
    });
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path).toMatch(/L360 \d/);
    expect([xOf(now, now, shownMs), xOf(now - shownMs, now, shownMs)]).toEqual([360, 0]);
  });

  it('has a scale that ends at a round number', () => {
    expect([0, 0.3, 1, 12, 21, 60, 501].map(scaleOf)).toEqual([1, 0.5, 1, 20, 50, 100, 1000]);
  });

  it('is told in words: now, at most, and since when', () => {
    const full = filled(slots([now - 2 * interval, 100], [now - interval, 120, 60], [now, 80, 80]), interval, now);
    expect(described(calls(full), full.at, now)).toBe(
      'Calls per second since 03:15:40: all now 8/s, at most 12/s at 03:15:50; failed now 8/s, at most 8/s at 03:16:00, the first at 03:15:50; turned away here none.',
    );
    expect(described(calls(slots()), [], now)).toBe(
      'Calls per second: No history yet: the first ten seconds are being counted.',
    );
  });
});
