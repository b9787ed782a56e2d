/** Percentiles of late: how near they are on both sides, and how long something counts. */
import { describe, expect, it, vi } from 'vitest';
import { Latencies } from '../../../src/policies/retries/latencies.js';
import { chance } from '../../properties/world.js';
import { fakeTimers } from '../../support/clock.js';

fakeTimers();

const random = chance(42);
const uniform = () => 1 + 499 * random();
const exponential = () => 0.2 - 30 * Math.log(1 - random());
const twoHumps = () => (random() < 0.97 ? 5 : 800) * (0.9 + 0.2 * random());

describe.each([
  ['uniform', uniform],
  ['exponential', exponential],
  ['in two humps', twoHumps],
])('samples that are %s', (_, draw) => {
  it.each([50, 75, 90, 99, 99.9])('have a %d. percentile within 2 %% of the exact one', (percent) => {
    const latencies = new Latencies();
    const samples = Array.from({ length: 20_000 }, draw);
    for (const ms of samples) latencies.record(ms);
    const sorted = samples.sort((a, b) => a - b);
    // Of two samples beside the rank either is exact.
    const rank = (sorted.length * percent) / 100;
    const [below, above] = [sorted[Math.ceil(rank) - 1], sorted[Math.floor(rank)]] as [number, number];
    expect(latencies.percentile(percent)).toBeGreaterThanOrEqual(below * 0.98);
    expect(latencies.percentile(percent)).toBeLessThanOrEqual(above * 1.0201);
  });
});

describe('a sample', () => {
  it('counts for at least 20 s and at most 30 s, whenever in its slice it came', () => {
    for (let offset = 0; offset < 10_000; offset += 700) {
      const latencies = new Latencies();
      vi.advanceTimersByTime(offset);
      latencies.record(10);
      vi.advanceTimersByTime(19_999);
      expect(latencies.count).toBe(1);
      vi.advanceTimersByTime(10_001);
      expect(latencies.count).toBe(0);
    }
  });

  it('is forgotten in percentiles as well: those follow the traffic of the last half minute', () => {
    const latencies = new Latencies();
    const second = (ms: number) => {
      for (let i = 0; i < 100; i++) latencies.record(ms);
      vi.advanceTimersByTime(1000);
    };
    for (let i = 0; i < 60; i++) second(10);
    expect(latencies.percentile(99)).toBeCloseTo(10, 0);
    for (let i = 0; i < 30; i++) second(200);
    expect(latencies.percentile(1)).toBeGreaterThan(199);
    for (let i = 0; i < 30; i++) second(20);
    expect(latencies.percentile(99)).toBeLessThan(20.5);
  });

  it('is not found again after a long silence', () => {
    const latencies = new Latencies();
    for (let i = 0; i < 100; i++) latencies.record(500);
    vi.advanceTimersByTime(3_600_000);
    latencies.record(5);
    expect(latencies.count).toBe(1);
    expect(latencies.percentile(99.9)).toBeLessThan(5.2);
  });
});

it('no timer is kept', () => {
  const latencies = new Latencies();
  latencies.record(1);
  latencies.percentile(50);
  expect(vi.getTimerCount()).toBe(0);
});
