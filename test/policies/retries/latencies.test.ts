/** Percentiles of late: near enough, and forgotten in time. */
import { expect, it, vi } from 'vitest';
import { Latencies } from '../../../src/policies/retries/latencies.js';
import { chance } from '../../properties/world.js';
import { fakeTimers } from '../../support/clock.js';

fakeTimers();

it.each([50, 90, 95, 99, 99.9])('the %d. percentile is at most 2 %% too high', (percent) => {
  const random = chance(percent);
  const latencies = new Latencies();
  const samples = Array.from({ length: 10_000 }, () => Math.exp(6 * random()));
  for (const ms of samples) latencies.record(ms);
  const exact = samples.sort((a, b) => a - b)[Math.floor((samples.length * percent) / 100)] ?? Number.NaN;
  expect(latencies.percentile(percent)).toBeGreaterThanOrEqual(exact * 0.999);
  expect(latencies.percentile(percent)).toBeLessThanOrEqual(exact * 1.021);
});

it('what is older than half a minute is forgotten, and nothing else', () => {
  const latencies = new Latencies();
  latencies.record(100);
  vi.advanceTimersByTime(19_000);
  latencies.record(10);
  expect(latencies.count).toBe(2);
  vi.advanceTimersByTime(11_000);
  expect(latencies.count).toBe(1);
  expect(latencies.percentile(100)).toBeLessThan(11);
  vi.advanceTimersByTime(60_000);
  expect(latencies.count).toBe(0);
});

it('very short and very long ones have a place', () => {
  const latencies = new Latencies();
  latencies.record(0);
  latencies.record(1e9);
  expect(latencies.count).toBe(2);
  expect(latencies.percentile(40)).toBeLessThan(1);
});
