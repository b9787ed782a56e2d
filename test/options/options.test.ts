/** options: durations, and what is said where an option is wrong. */
import { circuitBreaker, deadline, limits, logging, PillionError, retry, timeout } from 'pillion';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { duration, milliseconds } from '../../src/options/duration.js';
import { headerName, headerValue } from '../../src/options/header.js';
import { parseOptions } from '../../src/options/options.js';

/** The message a call throws. */
function fault(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(PillionError);
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    return (error as Error).message;
  }
  throw new Error('Nothing was wrong.');
}

describe('milliseconds', () => {
  it.each([
    ['250ms', 250],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0ms', 0],
  ] as const)('of %s are %d', (text, ms) => {
    expect(milliseconds(text)).toBe(ms);
  });

  it('of a number are the number', () => {
    expect(milliseconds(1.5)).toBe(1.5);
  });

  it.each(['', '5', 's', '-1s', '1e3ms', '1  s', '1S'])('of %j are none', (text) => {
    expect(milliseconds(text as '1s')).toBeNaN();
  });
});

describe('duration', () => {
  const bounded = duration({ min: 10, max: 1000 });
  it.each([10, 1000, '10ms', '1s'])('takes %j within its bounds', (value) => {
    expect(bounded.safeParse(value).success).toBe(true);
  });

  it.each([9, 1001, '9ms', '1001ms', '1m', Number.NaN, Number.POSITIVE_INFINITY, null, '1x'])('refuses %j', (value) => {
    expect(bounded.safeParse(value).success).toBe(false);
  });

  it('says what its bounds are, and what is expected', () => {
    expect(fault(() => parseOptions(bounded, 5, 'it'))).toContain('must be between 10ms and 1000ms');
    expect(fault(() => parseOptions(bounded, '5', 'it'))).toContain('such as "250ms" or "1.5s"');
    expect(fault(() => parseOptions(duration(), -1, 'it'))).toContain('must be between 0ms and 24h');
  });
});

describe('headers', () => {
  it.each(['x-a', 'X_A', "!#$%&'*+.^`|~-"])('may be named %s', (name) => {
    expect(headerName.safeParse(name).success).toBe(true);
  });

  it.each(['', 'x a', 'x:a', 'x\r\na', 'é', '(x)'])('may not be named %j', (name) => {
    expect(headerName.safeParse(name).success).toBe(false);
  });

  it.each(['', 'text', 'with\ttab', 'caf\xe9'])('may be %j', (value) => {
    expect(headerValue.safeParse(value).success).toBe(true);
  });

  it.each(['a\r\nb', 'a\nb', 'a\0', '\x7f', 'Ω'])('may not be %j', (value) => {
    expect(headerValue.safeParse(value).success).toBe(false);
  });
});

describe('what is wrong', () => {
  const schema = z.strictObject({
    name: z.string().default('none'),
    section: z
      .literal(false)
      .or(z.strictObject({ wait: duration({ min: 1 }), words: z.array(z.enum(['one', 'two'])) })),
  });
  const wrong = (input: unknown) => fault(() => parseOptions(schema, input, 'the test'));
  const section = { wait: 5, words: [] };

  it('is nothing: the parsed value comes back, its defaults filled in', () => {
    expect(parseOptions(schema, { section: { wait: '1s', words: ['one'] } }, 'the test')).toEqual({
      ...{ name: 'none', section: { wait: 1000, words: ['one'] } },
    });
    expect(parseOptions(schema, { section: false }, 'the test').section).toBe(false);
  });

  it('names what was configured', () => {
    expect(wrong({})).toMatch(/^Bad configuration of the test: /);
  });

  it('names the nearest known key, at any depth and whatever the case', () => {
    expect(wrong({ section, nmae: 'x' })).toContain('nmae: unknown option, did you mean "name"?');
    expect(wrong({ section: { ...section, WAIT: 5 } })).toContain('section.WAIT: unknown option, did you mean "wait"?');
  });

  it('lists the known keys where none is near', () => {
    expect(wrong({ section, elephants: 1 })).toContain('elephants: unknown option (known: name, section)');
  });

  it('is all told at once, each with its place', () => {
    const message = wrong({ name: 5, section: { wait: 0, words: ['one', 'three'] } });
    expect(message).toContain('name: ');
    expect(message).toContain('section.wait: must be between 1ms and 24h');
    expect(message).toMatch(/section\.words\.1: .*"one".*"two"/);
  });

  it('of a section that is neither false nor a section tells so', () => {
    for (const value of [true, 'off', 5, null]) expect(wrong({ section: value })).toContain('section: ');
  });

  it('of the value itself is told as such', () => {
    for (const value of [undefined, null, 'text', 5]) expect(wrong(value)).toContain('the value itself');
  });
});

describe('a policy alone', () => {
  it.each([
    ['deadline', () => deadline({ totl: '1s' } as object), 'totl: unknown option, did you mean "total"?'],
    ['timeout', () => timeout({ atempt: '1s' } as object), 'atempt: unknown option, did you mean "attempt"?'],
    ['retry', () => retry({ maxretries: 1 } as object), 'maxretries: unknown option, did you mean "maxRetries"?'],
    ['circuitBreaker', () => circuitBreaker({ volume: 1 } as object), 'volume: unknown option'],
    ['limits', () => limits({ maxRequest: 1 } as object), 'did you mean "maxRequests"?'],
    ['logging', () => logging({ profil: 'ecs' } as object), 'did you mean "profile"?'],
  ] as const)('%s refuses an option it does not know', (name, make, told) => {
    const message = fault(make);
    expect(message).toContain(`Bad configuration of ${name}: `);
    expect(message).toContain(told);
  });

  it.each([
    ['a duration that is none', () => deadline({ total: '1 second' as '1s' }), 'total'],
    ['a duration of 0', () => timeout({ attempt: 0 }), 'attempt: must be between'],
    ['more retries than ten', () => retry({ maxRetries: 11 }), 'maxRetries'],
    ['a word that retry does not know', () => retry({ on: ['timeouts' as 'reset'] }), 'on.0'],
    ['a status that cannot fail', () => retry({ on: [200] }), 'on.0'],
    [
      'a backoff that shrinks',
      () => retry({ backoff: { base: '2s', max: '1s' } }),
      'max must not be shorter than base',
    ],
    ['half a request', () => limits({ maxRequests: 0.5 }), 'maxRequests'],
    ['a share above all', () => logging({ successSampleRate: 1.1 }), 'successSampleRate'],
    ['a threshold of nothing', () => circuitBreaker({ errorThresholdPercentage: 0 }), 'errorThresholdPercentage'],
    ['no trial at all', () => circuitBreaker({ trials: 0 }), 'trials'],
  ] as const)('refuses %s', (_, make, told) => {
    expect(fault(make)).toContain(told);
  });
});
