import { createHttpClient } from 'pillion';
import { describe, expect, it } from 'vitest';
import { alternatives, configWith, options, type Schema, sections } from './schema-walk.js';

/** What the client says of a configuration; fails the test where it takes it. */
function complaint(config: object): string {
  try {
    createHttpClient(config, {});
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIG', isAxiosError: true });
    return (error as Error).message;
  }
  throw new Error(`It was taken: ${JSON.stringify(config)}`);
}

const all = options();
const leaves = all.filter(({ schema }) => alternatives(schema).every(({ properties }) => properties === undefined));

const isDuration = (schema: Schema) => alternatives(schema).some(({ pattern }) => pattern?.includes('(ms|s|m|h)'));

/** Values just outside what the schema allows. */
function outOfRange(schema: Schema): unknown[] {
  return alternatives(schema).flatMap(({ minimum, maximum, minLength, minItems, type }) => [
    ...(minimum === undefined ? [] : [minimum - 1]),
    // zod writes the bounds of a safe integer where an option has none of its own.
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? [] : [maximum + 1]),
    ...(minimum !== undefined && type === 'integer' ? [minimum + 0.5] : []),
    ...(minLength === undefined ? [] : ['']),
    ...(minItems === undefined ? [] : [[]]),
  ]);
}

const ranged = leaves.flatMap(({ path, schema }) => outOfRange(schema).map((value) => ({ path, value })));
const durations = leaves.filter(({ schema }) => isDuration(schema));

describe('an option of the wrong type', () => {
  it.each(all)('is named: $path', ({ path }) => {
    expect(complaint(configWith(path, null))).toContain(`${path}: `);
    expect(complaint(configWith(path, () => 1))).toContain(`${path}: `);
  });

  it('covers the whole schema', () => {
    expect(all.length).toBeGreaterThan(40);
    for (const { path } of sections()) if (path !== '') expect(all.map((option) => option.path)).toContain(path);
  });
});

describe('an option out of range', () => {
  it.each(ranged)('is named: $path = $value', ({ path, value }) => {
    expect(complaint(configWith(path, value))).toContain(`${path}: `);
  });

  it.each(durations)('is named where it is a duration: $path', ({ path }) => {
    for (const value of ['-1ms', -1, '25h', 86_400_001, '0.5x']) {
      expect(complaint(configWith(path, value))).toContain(`${path}: `);
    }
  });

  it.each(leaves.filter(({ schema }) => alternatives(schema).some((each) => each.enum ?? each.const)))(
    'is named where it is one word of several: $path',
    ({ path }) => {
      expect(complaint(configWith(path, 'nonsense'))).toContain(`${path}: `);
    },
  );
});

describe('an unknown key', () => {
  const known = sections().flatMap(({ path, keys }) => keys.map((key) => ({ path, key })));

  it.each(known)('is answered with the nearest known one: $path $key', ({ path, key }) => {
    // Two letters swapped, the commonest slip; a key too short for that is doubled at its end.
    const typo = key.length > 3 ? key.replace(/(..)(.)(.)/, '$1$3$2') : `${key}x`;
    if (typo === key) return;
    const at = path === '' ? typo : `${path}.${typo}`;
    const message = complaint(configWith(at, 1));
    expect(message).toContain(`${at}: unknown option`);
    expect(message).toMatch(/, did you mean "\w+"\?/);
  });

  it.each(sections())('far from every known one is answered with those there are: "$path"', ({ path, keys }) => {
    const at = path === '' ? 'qqqqqqqqqqqqqq' : `${path}.qqqqqqqqqqqqqq`;
    expect(complaint(configWith(at, 1))).toContain(`${at}: unknown option (known: ${keys.join(', ')})`);
  });

  it('is matched without regard to case', () => {
    expect(complaint({ baseurl: 'http://api.test' })).toContain('baseurl: unknown option, did you mean "baseURL"?');
  });
});

describe('a configuration that is no object', () => {
  it.each([[null], [1], ['http://api.test'], [[]], [true]])('is refused: %j', (config) => {
    expect(complaint(config as unknown as object)).toContain('Bad configuration');
  });
});

describe('a baseURL', () => {
  it.each([
    'api.test',
    '/v1',
    '//api.test',
    'ftp://api.test',
    'http:api.test',
    'http:///v1',
    'http://',
    'http://api.test:99999',
    'http://api.test?x=1',
    'http://api.test/#top',
    ' http://api.test',
    'http://api.test ',
    'http://api.test/\n',
  ])('is refused: %j', (baseURL) => {
    expect(complaint({ baseURL })).toContain('baseURL: ');
  });

  it.each(['http://api.test', 'https://api.test/v1/', 'HTTPS://API.TEST', 'http://[::1]:80', 'http://127.0.0.1:1'])(
    'is taken: %s',
    (baseURL) => {
      expect(() => createHttpClient({ baseURL })).not.toThrow();
    },
  );
});

describe('the message', () => {
  it('lists every fault, with the name of the client', () => {
    const message = complaint({
      name: 'billing',
      retries: 3,
      timeouts: { total: 'soon', atempt: 1 },
      limits: { maxRequests: 0 },
      tls: { pins: ['short'] },
    });
    expect(message).toContain('the HTTP client "billing"');
    for (const fault of ['retries: ', 'timeouts.total: ', 'timeouts.atempt: ', 'limits.maxRequests: ', 'tls.pins.0: '])
      expect(message).toContain(fault);
  });

  it('says what was expected, in words', () => {
    expect(complaint({ timeouts: { total: 'soon' } })).toContain(
      'timeouts.total: expected milliseconds or a string such as "250ms" or "1.5s"',
    );
  });

  it('does not repeat values, which may be secret', () => {
    const secret = 'hunter2-hunter2';
    const message = complaint({
      name: 'x',
      baseURL: `nonsense://user:${secret}@host`,
      headers: { authorization: { secret } as unknown as string },
      tls: { key: secret, cert: [secret] as unknown as string, passphrase: { secret } as unknown as string },
      timeouts: { total: secret },
    });
    expect(message).not.toContain(secret);
  });
});
