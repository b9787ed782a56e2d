import { createHttpClient, type HttpClientConfig } from 'pillion';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/client/config/config.js';
import { silent } from '../../support/client.js';

const complaint = (config: object): string => {
  try {
    createHttpClient(config, { logger: silent });
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    return (error as Error).message;
  }
  throw new Error(`It was taken: ${JSON.stringify(config)}`);
};

const pem = (label: string) => `-----BEGIN ${label}-----\nMIIB\n-----END ${label}-----\n`;

describe('timeouts that do not go together', () => {
  it.each([{ total: '1s', attempt: '2s' }, { total: 100, attempt: 101 }, { attempt: '11s' }])(
    'are refused where an attempt may outlast the call: %j',
    (timeouts) => {
      expect(complaint({ timeouts })).toContain('timeouts.attempt: must not be longer than timeouts.total');
    },
  );

  it.each([
    { total: '2s', attempt: '2s' },
    { total: false, attempt: '1h' },
    { attempt: false },
    { total: '1s', attempt: false },
  ] as const)('are taken where they do: %j', (timeouts) => {
    expect(() => parseConfig({ timeouts })).not.toThrow();
  });

  it.each<[HttpClientConfig['timeouts'], object]>([
    [{ total: '1s' }, { total: 1000, attempt: 1000, connect: 1000 }],
    [{ total: 300 }, { total: 300, attempt: 300, connect: 300 }],
    [{ attempt: 400 }, { total: 10_000, attempt: 400, connect: 400 }],
    [{ total: false }, { total: false, attempt: 2500, connect: 1000 }],
    [{ attempt: false }, { total: 10_000, attempt: false, connect: 1000 }],
    [{ connect: '3s' }, { total: 10_000, attempt: 2500, connect: 3000 }],
  ])('follow one another where only one is given: %j', (timeouts, expected) => {
    expect(parseConfig({ timeouts }).timeouts).toEqual(expected);
  });
});

describe('a backoff', () => {
  it('is refused where max is shorter than base', () => {
    expect(complaint({ retry: { backoff: { base: '2s', max: '1s' } } })).toContain('max must not be shorter than base');
  });

  it.each([
    [{ base: '5s' }, { base: 5000, max: 5000 }],
    [{ max: '5s' }, { base: 50, max: 5000 }],
    [
      { base: 20, max: 20 },
      { base: 20, max: 20 },
    ],
  ] as const)('follows its base where max is not given: %j', (backoff, expected) => {
    expect(parseConfig({ retry: { backoff } }).retry).toMatchObject({ backoff: expected });
  });

  it('of 20 ms is refused where max is 10 ms, whatever the default base', () => {
    expect(complaint({ retry: { backoff: { max: '10ms' } } })).toContain('retry.backoff');
  });
});

describe('tls options that do not go together', () => {
  const cert = pem('CERTIFICATE');
  const key = pem('PRIVATE KEY');

  it.each<[object, string]>([
    [{ cert }, 'tls.key: cert and key must be given together'],
    [{ key }, 'tls.cert: cert and key must be given together'],
    [{ cert, key, pfx: 'bundle.p12' }, 'tls.pfx: give either pfx or cert and key'],
    [{ key, pfx: 'bundle.p12' }, 'tls.cert: cert and key must be given together'],
    [{ rejectUnauthorized: false, ca: pem('CERTIFICATE') }, 'tls.rejectUnauthorized: '],
    [{ rejectUnauthorized: false, cert, key }, 'tls.rejectUnauthorized: '],
    [{ rejectUnauthorized: false, pfx: 'bundle.p12' }, 'tls.rejectUnauthorized: '],
    [{ rejectUnauthorized: false, subjectAltNames: ['spiffe://td/svc'] }, 'tls.rejectUnauthorized: '],
    [{ rejectUnauthorized: false, pins: [`${'A'.repeat(43)}=`] }, 'tls.rejectUnauthorized: '],
  ])('are refused: %#', (tls, message) => {
    expect(complaint({ tls })).toContain(message);
  });

  it.each<[string, object]>([
    ['serverName', { serverName: 'api.internal' }],
    ['passphrase', { passphrase: 'x' }],
  ])('are refused: rejectUnauthorized: false together with %s', (name, option) => {
    expect(complaint({ tls: { rejectUnauthorized: false, ...option } }), name).toContain('tls.rejectUnauthorized: ');
  });

  it('are no fault alone', () => {
    expect(() => parseConfig({ tls: { rejectUnauthorized: false } })).not.toThrow();
    expect(() => parseConfig({ tls: {} })).not.toThrow();
  });
});

describe('faults of several sections', () => {
  it('are told at once, rules between options included', () => {
    const message = complaint({
      timeouts: { total: 1, attempt: 2 },
      retry: { backoff: { base: 2, max: 1 } },
      tls: { cert: 'a' },
      limits: { maxRequests: -1 },
    });
    for (const path of ['timeouts.attempt: ', 'retry.backoff: ', 'tls.key: ', 'limits.maxRequests: '])
      expect(message).toContain(path);
  });
});
