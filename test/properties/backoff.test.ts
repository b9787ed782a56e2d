/** Whatever the options and the chance, a wait is in [0, min(max, base * 2^(n-1))). */
import fc from 'fast-check';
import { createHttpClient } from 'pillion';
import { createMockTransport } from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../src/policies/retries/retry-plan.js';
import { baseURL, silent } from '../support/client.js';
import { chance, finish, virtualTime } from './world.js';

const seed = 20261123;
/** [0, 1), its ends included on purpose. */
const anyChance = fc.oneof(
  fc.constantFrom(0, 1 - 2 ** -53),
  fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
);
const anyBackoff = fc
  .tuple(fc.integer({ min: 1, max: 86_400_000 }), fc.integer({ min: 1, max: 86_400_000 }))
  .map(([one, other]) => ({ base: Math.min(one, other), max: Math.max(one, other) }));

describe('backoff', () => {
  it('is always within its range', () => {
    const property = fc.property(anyBackoff, fc.integer({ min: 0, max: 9 }), anyChance, (backoff, retries, random) => {
      const moment = { retries, remaining: Number.POSITIVE_INFINITY, random: () => random };
      const wait = waitFor(new Error('lost'), { maxRetries: 10, on: ['reset'], backoff }, moment);
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThan(Math.min(backoff.max, backoff.base * 2 ** retries));
    });
    fc.assert(property, { seed, numRuns: 5000 });
  });

  it('is never as long as what is left of the call: such a retry is not made', () => {
    const anyLeft = fc.double({ min: -1000, max: 100_000, noNaN: true });
    const anyAsked = fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined });
    const property = fc.property(anyBackoff, anyChance, anyLeft, anyAsked, (backoff, random, remaining, asked) => {
      const headers = asked === undefined ? {} : { 'retry-after': String(asked) };
      const error = Object.assign(new Error('busy'), { response: { headers } });
      const moment = { retries: 0, remaining, random: () => random };
      const wait = waitFor(error, { maxRetries: 10, on: ['5xx'], backoff }, moment);
      const least = (asked ?? 0) * 1000;
      const due = least + random * Math.min(backoff.max, backoff.base);
      expect(wait).toBe(due < remaining ? due : undefined);
    });
    fc.assert(property, { seed, numRuns: 5000 });
  });

  it('is uniform: over many waits each tenth of the range has its share', () => {
    const plan = { maxRetries: 1, on: ['reset' as const], backoff: { base: 1000, max: 1000 } };
    const tenths = new Array<number>(10).fill(0);
    const moment = { retries: 0, remaining: 1e9, random: chance(seed) };
    for (let i = 0; i < 100_000; i++) {
      const tenth = Math.floor((waitFor(new Error('lost'), plan, moment) ?? -1) / 100);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // Ten standard deviations.
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(950);
  });
});

describe('the backoff of a client', () => {
  virtualTime();

  it('is what its options say, call for call', async () => {
    const small = fc
      .tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 5000 }))
      .map(([one, other]) => ({ base: Math.min(one, other), max: Math.max(one, other) }));
    const property = fc.asyncProperty(
      small,
      fc.integer({ min: 1, max: 10 }),
      anyChance,
      async (backoff, maxRetries, random) => {
        const client = createHttpClient(
          { baseURL, retry: { maxRetries, backoff, budget: false }, timeouts: false, circuitBreaker: false },
          { transport: createMockTransport([{ reply: 503 }]), logger: silent, random: () => random },
        );
        const waits: [number, number][] = [];
        client.on('retry.scheduled', ({ retry, waitMs }) => waits.push([retry, waitMs]));
        await finish(client.get('/').catch(() => {}));
        expect(waits.map(([retry]) => retry)).toEqual(Array.from({ length: maxRetries }, (_, i) => i + 1));
        for (const [n, wait] of waits) {
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait).toBeLessThan(Math.min(backoff.max, backoff.base * 2 ** (n - 1)));
        }
      },
    );
    await fc.assert(property, { seed, numRuns: 300 });
  });
});
