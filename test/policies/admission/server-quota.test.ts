/** serverQuota: every spelling of a server's quota that is in use, and what is none. */
import { AxiosHeaders } from 'axios';
import { describe, expect, it } from 'vitest';
import { type ServerQuota, serverQuota } from '../../../src/policies/admission/server-quota.js';
import { chance } from '../../properties/world.js';

const now = Date.parse('2030-01-01T00:00:00Z');
const seconds = now / 1000;

type Vector = [what: string, headers: Record<string, unknown>, expected: [left: number, resetMs: number] | undefined];

const vectors: Vector[] = [
  ['one policy', { ratelimit: '"default";r=50;t=30' }, [50, 30_000]],
  ['its parameters the other way round', { ratelimit: '"default";t=30;r=50' }, [50, 30_000]],
  ['blanks around them', { ratelimit: ' "default" ; r=50 ; t=30 ' }, [50, 30_000]],
  ['a partition key between them', { ratelimit: '"default";r=50;pk=:dHJpYWwx:;t=30' }, [50, 30_000]],
  ['a name without quotes', { ratelimit: 'default;r=1;t=2' }, [1, 2000]],
  ['two policies, the second tighter', { ratelimit: '"hour";r=900;t=3000, "day";r=5;t=40000' }, [5, 40_000_000]],
  ['two policies, the first tighter', { ratelimit: '"burst";r=0;t=1,"day";r=5;t=40000' }, [0, 1000]],
  ['two policies, one without a time', { ratelimit: '"burst";r=0, "day";r=5;t=40' }, [5, 40_000]],
  [
    'two policies, the tighter with a partition key',
    { ratelimit: '"a";r=50;t=30, "b";r=3;t=600;pk=:x:' },
    [3, 600_000],
  ],
  ['two exhausted policies: the longer wait', { ratelimit: '"burst";r=0;t=1, "day";r=0;t=600' }, [0, 600_000]],
  ['two exhausted policies the other way round', { ratelimit: '"day";r=0;t=600, "burst";r=0;t=1' }, [0, 600_000]],
  ['a name with a comma in it', { ratelimit: '"a,b";r=3;t=4' }, [3, 4000]],
  ['a time of 0', { ratelimit: '"a";r=0;t=0' }, [0, 0]],
  ['draft 7', { ratelimit: 'limit=100, remaining=50, reset=5' }, [50, 5000]],
  ['draft 7 in another order', { ratelimit: 'reset=5, remaining=0, limit=100' }, [0, 5000]],
  ['draft 7 without blanks', { ratelimit: 'limit=10,remaining=0,reset=5' }, [0, 5000]],
  ['draft 7 without a reset', { ratelimit: 'limit=10, remaining=0' }, undefined],
  [
    'fields of their own',
    { 'ratelimit-limit': '10', 'ratelimit-remaining': '9', 'ratelimit-reset': '50' },
    [9, 50_000],
  ],
  ['fields of their own without a limit', { 'ratelimit-remaining': '0', 'ratelimit-reset': '9' }, [0, 9000]],
  ['X-RateLimit in seconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '50' }, [0, 50_000]],
  ['X-RateLimit at a Unix second', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${seconds + 9}` }, [0, 9000]],
  ['X-RateLimit at a Unix ms', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${now + 9001}` }, [0, 9001]],
  ['a Unix second gone by', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${seconds - 9}` }, [0, 0]],
  ['X-Rate-Limit', { 'x-rate-limit-remaining': '7', 'x-rate-limit-reset': '8' }, [7, 8000]],
  ['X-Rate-Limit at a Unix ms', { 'x-rate-limit-remaining': '1', 'x-rate-limit-reset': `${now + 500}` }, [1, 500]],
  ['numbers in place of text', { 'x-ratelimit-remaining': 7, 'x-ratelimit-reset': 8 }, [7, 8000]],
  ['blanks around numbers', { 'x-ratelimit-remaining': ' 7 ', 'x-ratelimit-reset': ' 8' }, [7, 8000]],
  [
    'RateLimit before X-RateLimit',
    { 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': '8', ratelimit: '"a";r=1;t=2' },
    [1, 2000],
  ],
  [
    'X-RateLimit where RateLimit is malformed',
    { 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': '8', ratelimit: '"a";r=x;t=2' },
    [7, 8000],
  ],
  ['remaining and reset of different families', { 'ratelimit-remaining': '0', 'x-ratelimit-reset': '8' }, undefined],
  ['a fraction', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1.5' }, undefined],
  ['a negative number', { 'x-ratelimit-remaining': '-1', 'x-ratelimit-reset': '5' }, undefined],
  ['hexadecimal', { 'x-ratelimit-remaining': '0x0', 'x-ratelimit-reset': '5' }, undefined],
  ['more digits than a number holds', { ratelimit: `"a";r=0;t=${'9'.repeat(16)}` }, undefined],
  ['a list of values', { ratelimit: ['"a";r=0;t=1'] }, undefined],
  ['empty text', { ratelimit: '' }, undefined],
  ['one policy without a time', { ratelimit: '"a";r=5' }, undefined],
  ['words', { ratelimit: 'soon', 'x-ratelimit-remaining': '-1', 'x-ratelimit-reset': 'x' }, undefined],
  ['no headers at all', {}, undefined],
];

const told = (expected: Vector[2]): ServerQuota | undefined => expected && { left: expected[0], resetMs: expected[1] };

describe('a server’s quota is read from', () => {
  it.each(vectors)('%s', (_, headers, expected) => {
    expect(serverQuota(200, headers, now)).toEqual(told(expected));
  });

  it.each(vectors)('%s, with its names in capitals, in a plain object and in AxiosHeaders', (_, headers, expected) => {
    const capitals = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
    expect(serverQuota(200, capitals, now)).toEqual(told(expected));
    expect(serverQuota(200, new AxiosHeaders(capitals as never), now)).toEqual(told(expected));
  });

  it.each([undefined, null, 'headers', 7, [], { ratelimit: 'soon', 'x-ratelimit-reset': 'x' }])(
    'a 429 only where its headers have one, and not from %j',
    (headers) => {
      expect(serverQuota(429, headers, now)).toBeUndefined();
    },
  );
});

describe('Retry-After', () => {
  const quota = { ratelimit: '"a";r=5;t=6' };

  it.each([429, 503])('of a %d wins over any quota', (status) => {
    expect(serverQuota(status, { ...quota, 'Retry-After': '2' }, now)).toEqual({ left: 0, resetMs: 2000 });
  });

  it.each([200, 202, 301, 404, 500, 502])('of a %d is not one', (status) => {
    expect(serverQuota(status, { ...quota, 'Retry-After': '2' }, now)).toEqual({ left: 5, resetMs: 6000 });
    expect(serverQuota(status, { 'Retry-After': '2' }, now)).toBeUndefined();
  });

  it('may be a date, gone by too', () => {
    const at = (date: string) => serverQuota(429, { 'retry-after': date }, now);
    expect(at('Tue, 01 Jan 2030 00:01:00 GMT')).toEqual({ left: 0, resetMs: 60_000 });
    expect(at('Mon, 31 Dec 2029 23:59:00 GMT')).toEqual({ left: 0, resetMs: 0 });
  });

  it.each(['-1', 'later', '1.5', ''])('that is malformed (%j) leaves the word to the quota', (value) => {
    expect(serverQuota(429, { ...quota, 'retry-after': value }, now)).toEqual({ left: 5, resetMs: 6000 });
  });
});

it('20,000 headers of odd pieces and single signs never throw, and give whole numbers from 0 on or nothing', () => {
  const random = chance(30);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const pieces = ['"a"', '"', ';', ',', '=', 'r', 't', 'r=', 't=', 'remaining=', 'reset=', '0', '17', '1e3', '-', ' '];
  const odd = [...pieces, ';r=1', ';t=2', 'limit=', '\u0000', 'é', '9'.repeat(20), '😀', '\r\n', '\\', ':=:', '?1'];
  const signs = [...'"ar;=t,0159 -remainingreset:\t.e+'];
  const text = () => {
    const [parts, most] = random() < 0.5 ? [odd, 12] : [signs, 40];
    return Array.from({ length: Math.floor(random() * most) }, () => pick(parts)).join('');
  };
  const value = () => (random() < 0.9 ? text() : pick([undefined, null, Number.NaN, 3, -3, 1.5, true, {}, [], ['1']]));
  const names = ['RateLimit', 'Retry-After'].concat(
    ['RateLimit', 'X-RateLimit', 'X-Rate-Limit'].flatMap((name) => [`${name}-Remaining`, `${name}-Reset`]),
  );
  let read = 0;
  for (let i = 0; i < 20_000; i++) {
    const headers = Object.fromEntries(names.filter(() => random() < 0.7).map((name) => [name, value()]));
    const quota = serverQuota(pick([200, 429, 503, 500, 0, Number.NaN]), headers, now);
    if (quota === undefined) continue;
    read++;
    expect(Number.isInteger(quota.left) && quota.left >= 0, JSON.stringify(headers)).toBe(true);
    expect(quota.resetMs >= 0, JSON.stringify(headers)).toBe(true);
  }
  expect(read).toBeGreaterThan(50);
});
