/** retry: what each word of `on` covers, of everything that can become of an attempt. */
import type { Reply } from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import { scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { ended } from '../alone.js';

fakeTimers();

/** Everything that can become of an attempt of a GET, by name. */
const outcomes: Record<string, Reply> = {
  '404': 404,
  '408': 408,
  '409': 409,
  '425': 425,
  '429': 429,
  '429 with Retry-After': { status: 429, headers: { 'retry-after': '0' } },
  '500': 500,
  '501': 501,
  '502': 502,
  '503': 503,
  '503 with Retry-After': { status: 503, headers: { 'retry-after': '0' } },
  '504': 504,
  '500 with Retry-After': { status: 500, headers: { 'retry-after': '0' } },
  '599': 599,
  'connection refused': { error: 'ECONNREFUSED' },
  'name not found': { error: 'ENOTFOUND' },
  'no connection in time': { error: 'ERR_CONNECT_TIMEOUT' },
  'connection reset': { error: 'ECONNRESET' },
  'broken pipe': { error: 'EPIPE' },
  'not HTTP': { error: 'HPE_INVALID_CONSTANT' },
  'no answer in time': 'hang',
  'refused stream': { error: 'REFUSED_STREAM' },
  'expired certificate': { error: 'CERT_HAS_EXPIRED' },
  'wrong host name': { error: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  'wrong pin': { error: 'ERR_TLS_IDENTITY' },
  'no client certificate': { error: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' },
  'bad URL': { error: 'ERR_INVALID_URL' },
  'bad option': { error: 'ERR_BAD_OPTION_VALUE' },
  'too many redirects': { error: 'ERR_FR_TOO_MANY_REDIRECTS' },
  'answer too large': { error: 'ERR_BAD_RESPONSE' },
};

const noConnection = ['connection refused', 'name not found', 'no connection in time'];
const resets = [...noConnection, 'connection reset', 'broken pipe', 'not HTTP', 'no answer in time', 'refused stream'];
const rateLimited = ['429 with Retry-After', '503 with Retry-After'];
const gateway = ['502', '503', '503 with Retry-After', '504', ...resets];

const vocabulary: [string, readonly unknown[] | undefined, string[]][] = [
  ['by default', undefined, [...gateway, ...rateLimited]],
  ['5xx', ['5xx'], ['500', '501', '500 with Retry-After', '599', ...gateway]],
  ['gateway-error', ['gateway-error'], gateway],
  ['reset', ['reset'], resets],
  ['connect-failure', ['connect-failure'], noConnection],
  ['refused-stream', ['refused-stream'], ['refused stream']],
  ['retriable-4xx', ['retriable-4xx'], ['409']],
  ['rate-limited', ['rate-limited'], rateLimited],
  ['425', [425], ['425']],
  ['429', [429], ['429', '429 with Retry-After']],
  ['501', [501], ['501']],
  ['503', [503], ['503', '503 with Retry-After']],
  ['several words at once', ['retriable-4xx', 425], ['409', '425']],
  ['words and statuses at once', ['connect-failure', 'retriable-4xx', 404], ['404', '409', ...noConnection]],
  ['nothing', [], []],
];

describe.each(vocabulary)('what is retried: %s', (_, on, retried) => {
  it.each(Object.keys(outcomes))('%s', async (name) => {
    const config = on === undefined ? {} : { retry: { on } };
    const { client, transport } = scripted([outcomes[name] as Reply, 200], config as object);
    const { status } = await ended(client.get('/'));
    const expected = retried.includes(name) ? { sent: 2, status: 200 } : { sent: 1 };
    expect({ sent: transport.requests.length, status }).toMatchObject(expected);
  });
});
