/** What servers say of their quotas, in all the spellings in use. */
import { describe, expect, it } from 'vitest';
import { serverQuota } from '../../../src/policies/admission/server-quota.js';
import { chance } from '../../properties/world.js';

const now = 1_700_000_000_000;

describe('a quota', () => {
  it.each<[string, Record<string, string>, number, { left: number; resetMs: number } | undefined]>([
    ['draft 11', { RateLimit: '"default";r=50;t=30' }, 200, { left: 50, resetMs: 30_000 }],
    [
      'the tightest of several',
      { ratelimit: '"a";r=50;t=30, "b";r=3;t=600;pk=:x:' },
      200,
      { left: 3, resetMs: 600_000 },
    ],
    ['draft 7', { ratelimit: 'limit=100, remaining=5, reset=7' }, 200, { left: 5, resetMs: 7000 }],
    ['its own fields', { 'ratelimit-remaining': '0', 'ratelimit-reset': '9' }, 200, { left: 0, resetMs: 9000 }],
    ['X-', { 'X-RateLimit-Remaining': '1', 'X-RateLimit-Reset': '2' }, 200, { left: 1, resetMs: 2000 }],
    [
      'X- with Unix seconds',
      { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '1700000060' },
      200,
      { left: 1, resetMs: 60_000 },
    ],
    [
      'X- with Unix milliseconds',
      { 'x-rate-limit-remaining': '1', 'x-rate-limit-reset': '1700000000500' },
      200,
      { left: 1, resetMs: 500 },
    ],
    ['Retry-After of a 429 first', { 'retry-after': '4', ratelimit: '"a";r=5;t=6' }, 429, { left: 0, resetMs: 4000 }],
    ['Retry-After of a 200 not', { 'retry-after': '4', ratelimit: '"a";r=5;t=6' }, 200, { left: 5, resetMs: 6000 }],
    ['no time', { ratelimit: '"a";r=5' }, 200, undefined],
    ['garbage', { ratelimit: 'soon', 'x-ratelimit-remaining': '-1', 'x-ratelimit-reset': 'x' }, 429, undefined],
    ['nothing', {}, 200, undefined],
  ])('%s', (_, headers, status, expected) => {
    expect(serverQuota(status, headers, now)).toEqual(expected);
  });

  it('is never below 0 nor a reason to throw, whatever 10,000 headers hold', () => {
    const random = chance(9);
    const signs = '"ar;=t,0159 -remainingreset:\t.e+';
    const text = () =>
      Array.from({ length: Math.floor(random() * 40) }, () => signs[Math.floor(random() * signs.length)]).join('');
    for (let i = 0; i < 10_000; i++) {
      const headers = {
        ratelimit: text(),
        'x-ratelimit-remaining': text(),
        'x-ratelimit-reset': text(),
        'retry-after': text(),
      };
      const quota = serverQuota(random() < 0.5 ? 429 : 200, headers, now);
      if (quota === undefined) continue;
      expect(quota.left).toBeGreaterThanOrEqual(0);
      expect(quota.resetMs).toBeGreaterThanOrEqual(0);
    }
  });
});
