/** request: what a Retry-After header asks for (RFC 9110, 10.2.3). */
import { AxiosHeaders } from 'axios';
import { afterEach, describe, expect, it } from 'vitest';
import { retryAfterOf } from '../../src/call/retry-after.js';

const now = Date.parse('1994-11-06T08:49:30Z');
const asked = (value: unknown) => retryAfterOf({ 'retry-after': value }, now);

const each = (...values: unknown[]) => values.map((value): [unknown] => [value]);

const { TZ } = process.env;
afterEach(() => {
  if (TZ === undefined) delete process.env.TZ;
  else process.env.TZ = TZ;
});

describe('retryAfter', () => {
  it.each<[unknown, number]>([
    ['0', 0],
    ['1', 1000],
    ['120', 120_000],
    ['86400', 86_400_000],
    ['007', 7000],
    [' 5 ', 5000],
    [5, 5000],
    [0, 0],
  ])('reads %j as seconds', (value, ms) => {
    expect(asked(value)).toBe(ms);
  });

  it('reads a huge number as a long time, not as none', () => {
    expect(asked('9'.repeat(20))).toBeCloseTo(1e23, -20);
    expect(asked('9'.repeat(400))).toBe(Number.POSITIVE_INFINITY);
  });

  describe.each(['UTC', 'America/New_York', 'Asia/Kolkata'])('in the time zone %s', (zone) => {
    it.each([
      ['IMF-fixdate', 'Sun, 06 Nov 1994 08:49:37 GMT'],
      ['RFC 850', 'Sunday, 06-Nov-94 08:49:37 GMT'],
      ['asctime', 'Sun Nov  6 08:49:37 1994'],
    ])('reads a date as %s, which is always in GMT', (_, value) => {
      process.env.TZ = zone;
      expect(new Date(now).getTimezoneOffset() === 0).toBe(zone === 'UTC');
      expect(asked(value)).toBe(7000);
    });
  });

  it.each(['Sun, 06 Nov 1994 08:49:29 GMT', 'Sunday, 06-Nov-94 08:49:29 GMT', 'Thu, 01 Jan 1970 00:00:00 GMT'])(
    'reads a date gone by (%s) as now',
    (value) => {
      expect(asked(value)).toBe(0);
    },
  );

  it('reads a date far ahead as what it says', () => {
    expect(asked('Fri, 31 Dec 9999 23:59:59 GMT')).toBe(Date.parse('9999-12-31T23:59:59Z') - now);
  });

  it.each<[unknown]>([
    ...each('-1', '-120', '+5', '1.5', '1,5', '1e3', '0x10', '5s', '5 seconds', 'NaN', 'Infinity', '', ' ', 'soon'),
    // Date.parse alone takes each of these for a date.
    ...each('1994-11-06T08:49:37Z', '11/06/1994', 'Nov 6 1994', 'Mon 2', 'Monday 5', 'Sun, 06 Nov 1994'),
    ['Sun, 32 Nov 1994 08:49:37 GMT'],
    ['Sun, 06 Nov 1994 25:00:00 GMT'],
    ['Sunday'],
    [-5],
    [1.5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [undefined],
    [null],
    [false],
    [true],
    [['5', '10']],
    [{}],
  ])('takes %j for garbage', (value) => {
    expect(asked(value)).toBeUndefined();
  });

  it('finds the header whatever its case, in AxiosHeaders and in plain objects', () => {
    for (const name of ['retry-after', 'Retry-After', 'RETRY-AFTER']) {
      expect(retryAfterOf({ [name]: '5' }, now)).toBe(5000);
      expect(retryAfterOf(new AxiosHeaders({ [name]: '5' }), now)).toBe(5000);
    }
  });

  it.each([undefined, null, 'retry-after: 5', {}, []])('finds none in %j', (headers) => {
    expect(retryAfterOf(headers, now)).toBeUndefined();
  });

  it('measures from now where nobody says otherwise', () => {
    const soon = new Date(Date.now() + 60_000).toUTCString();
    const wait = retryAfterOf({ 'retry-after': soon }) ?? 0;
    expect(wait).toBeGreaterThan(55_000);
    expect(wait).toBeLessThanOrEqual(60_000);
  });
});
