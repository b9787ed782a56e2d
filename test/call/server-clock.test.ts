/** Dates of a server are measured by its own clock. */
import { describe, expect, it } from 'vitest';
import { retryAfterOf } from '../../src/call/retry-after.js';
import { serverQuota } from '../../src/policies/admission/server-quota.js';

const hour = 3_600_000;
const day = 24 * hour;
/** Our own clock. */
const now = Date.parse('2030-01-01T12:00:00Z');
const http = (ms: number) => new Date(ms).toUTCString();

describe.each([
  ['agrees with ours', 0],
  ['is an hour ahead', hour],
  ['is an hour behind', -hour],
  ['is five minutes behind', -300_000],
  ['is a year ahead, and for all that it says', 365 * day],
  ['stands at 1970, and for all that it says', -now],
])('where the clock of the server %s', (_, off) => {
  const theirs = now + off;
  const date = http(theirs);

  it('"in two seconds" is two seconds', () => {
    expect(retryAfterOf({ date, 'retry-after': http(theirs + 2000) }, now)).toBe(2000);
    expect(serverQuota(429, { Date: date, 'Retry-After': http(theirs + 2000) }, now)).toEqual({
      left: 0,
      resetMs: 2000,
    });
  });

  it('a date gone by is now', () => {
    expect(retryAfterOf({ date, 'retry-after': http(theirs - 2000) }, now)).toBe(0);
  });

  it('seconds stay seconds', () => {
    expect(retryAfterOf({ date, 'retry-after': '2' }, now)).toBe(2000);
  });

  it('what a cache has kept for a minute is a minute older', () => {
    const headers = { date: http(theirs - 60_000), age: '60', 'retry-after': http(theirs + 2000) };
    expect(retryAfterOf(headers, now)).toBe(2000);
  });

  const reset = theirs + 3000;
  const spellings = {
    'Unix seconds': String(reset / 1000),
    'Unix seconds with a fraction': `${reset / 1000}.0`,
    'Unix milliseconds': String(reset),
    'an HTTP date': http(reset),
    'an ISO date': new Date(reset).toISOString(),
  };
  // Those that count from 1970 are told from a number of seconds by their size.
  const told = Object.entries(spellings).filter(([name]) => reset > 1e12 || !name.startsWith('Unix'));
  it.each(told)('a quota that renews at a time as %s', (_, value) => {
    for (const name of ['ratelimit', 'x-ratelimit', 'x-rate-limit']) {
      const headers = { date, [`${name}-remaining`]: '0', [`${name}-reset`]: value };
      expect(serverQuota(200, headers, now)).toEqual({ left: 0, resetMs: 3000 });
    }
  });
});

describe('our own clock counts', () => {
  const asked = { 'retry-after': http(now + 5000) };

  it.each([
    ['none', undefined],
    ['garbage', 'yesterday'],
    ['a date of another format', '2030-01-01T11:00:00Z'],
    ['a list', [http(now - hour)]],
    ['a number', now],
    ['a time that does not exist', 'Tue, 32 Jan 2030 12:00:00 GMT'],
    ['a time far from what is asked for, which is near to ours', http(0)],
    ['a time far ahead of what is asked for, which is near to ours', http(now + 400 * day)],
  ])('where the Date of the response is %s', (_, date) => {
    expect(retryAfterOf({ date, ...asked }, now)).toBe(5000);
  });

  it.each(['-60', '1e9', 'x', '', '99999999999'])('where the Age of the response is %j', (age) => {
    expect(retryAfterOf({ date: http(now), age, ...asked }, now)).toBe(5000);
  });
});
