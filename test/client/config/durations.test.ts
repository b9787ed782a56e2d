import fc from 'fast-check';
import type { HttpClientConfig } from 'pillion';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/client/config/config.js';
import { milliseconds } from '../../../src/options/duration.js';

const total = (value: unknown) => {
  const { timeouts } = parseConfig({ timeouts: { total: value, attempt: false } } as HttpClientConfig);
  return timeouts === false ? undefined : timeouts.total;
};

describe('a duration', () => {
  it.each([
    [2000, 2000],
    [1, 1],
    [0.5 + 1, 1.5],
    ['250ms', 250],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['24h', 86_400_000],
    ['0.5s', 500],
    ['1ms', 1],
    ['250 ms', 250],
    ['1.5 s', 1500],
  ])('%j is %d ms', (text, ms) => {
    expect(total(text)).toBe(ms);
  });

  it.each([
    ...[
      '5',
      '5  s',
      ' 5s',
      '5s ',
      '5S',
      '5sec',
      '5d',
      's',
      '',
      '-1s',
      '+1s',
      '1e3ms',
      '1,5s',
      '.5s',
      '5.s',
      '0x5s',
      'Infinitys',
    ],
    ...[-1, 0, '0ms', Number.NaN, Number.POSITIVE_INFINITY, '86400001ms', 86_400_001, '25h'],
    ...[null, true, [], {}, ['5s'], new Date()],
  ])('is refused: %j', (value) => {
    expect(() => total(value)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });

  it('false stands for no limit where a limit may be missing', () => {
    expect(total(false)).toBe(false);
    expect(parseConfig({ timeouts: { attempt: false, connect: false } }).timeouts).toMatchObject({
      attempt: false,
      connect: false,
    });
  });

  it('in any unit means the same', () => {
    const property = fc.property(fc.integer({ min: 1, max: 86_400 }), (seconds) => {
      expect(total(`${seconds}s`)).toBe(seconds * 1000);
      expect(total(`${seconds * 1000}ms`)).toBe(seconds * 1000);
      expect(total(seconds * 1000)).toBe(seconds * 1000);
    });
    fc.assert(property);
  });

  it('is either a number of milliseconds or refused, whatever the text', () => {
    const property = fc.property(fc.string(), fc.constantFrom('', 'ms', 's', 'm', 'h'), (text, unit) => {
      let ms: unknown;
      try {
        ms = total(text + unit);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_CONFIG' });
        return;
      }
      expect(ms).toSatisfy((value: number) => value >= 1 && value <= 86_400_000);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('that is none is NaN to whoever asks without a schema', () => {
    expect(milliseconds('5' as '5s')).toBeNaN();
  });
});
