/** Which client a request to the listener is meant for. */
import { createHttpClient, loadHttpClients } from 'pillion';
import { describe, expect, it } from 'vitest';
import { addressed } from '../../src/sidecar/addressed.js';

const own = '127.0.0.1:15001';
const set = loadHttpClients({
  clients: {
    billing: { baseURL: 'https://billing.internal/v1' },
    reports: { baseURL: 'https://billing.internal/v1/reports/' },
    users: { baseURL: 'http://users:8080' },
  },
});
const alone = createHttpClient({ name: 'one', baseURL: 'https://billing.internal/v1' });

const asked = (clients: Parameters<typeof addressed>[0], target: string, host?: string) => {
  const found = addressed(clients, target, host, own);
  return 'client' in found ? `${found.name} ${found.url}` : `${found.status} ${found.code}`;
};

describe('of a set, a request goes', () => {
  it.each([
    ['to the client with the name', '/a?b=c', 'billing', 'billing /a?b=c'],
    ['to the client with the name, whatever the port', '/a', 'USERS.localhost:15001', 'users /a'],
    ['by the host of baseURL, with its own path', '/v1/a', 'billing.internal', 'billing https://billing.internal/v1/a'],
    ['to the longest path', '/v1/reports?x', 'billing.internal:443', 'reports https://billing.internal/v1/reports?x'],
    [
      'by whole segments of the path',
      '/v1/reportsX',
      'billing.internal:80',
      'billing https://billing.internal/v1/reportsX',
    ],
    [
      'by the path that dots lead to',
      '/v1/reports/../a',
      'billing.internal',
      'billing https://billing.internal/v1/reports/../a',
    ],
    ['by an absolute URL, not by Host', 'http://users:8080/x', 'billing', 'users http://users:8080/x'],
    ['by an absolute URL without a path', 'http://users:8080', 'x', 'users http://users:8080/'],
    [
      'by an absolute URL whose scheme differs',
      'http://Billing.Internal./v1/x',
      '',
      'billing https://billing.internal/v1/x',
    ],
    ['nowhere, for a path of no client', '/v2', 'billing.internal', '404 ERR_UNKNOWN_HOST'],
    ['nowhere, for another port', '/', 'users.internal:8081', '404 ERR_UNKNOWN_HOST'],
    ['nowhere, for a path that dots lead out of', '/v1/%2e%2e/a', 'billing.internal', '404 ERR_UNKNOWN_HOST'],
    ['nowhere, without a host', '/', undefined, '404 ERR_UNKNOWN_HOST'],
    ['nowhere, with a bad URL', 'http://[x/', 'billing', '400 ERR_BAD_TARGET'],
    ['nowhere, with another scheme', 'ftp://billing/', 'billing', '400 ERR_BAD_TARGET'],
  ])('%s', (_, target, host, expected) => {
    expect(asked(set, target, host)).toBe(expected);
  });
});

it('the answer for an unknown host lists those that are known', () => {
  expect(addressed(set, '/', 'elsewhere', own)).toMatchObject({
    text: 'No client covers the host "elsewhere". Known are: billing, billing.internal/v1, reports, billing.internal/v1/reports, users, users:8080.',
  });
});

describe('one client gets', () => {
  it.each([
    ['every path, whatever the host', '/a', 'elsewhere', 'one /a'],
    ['an absolute URL with the address of the listener', 'http://127.0.0.1:15001/a', '', 'one /a'],
    [
      'an absolute URL that its baseURL covers',
      'http://billing.internal/v1/a',
      '',
      'one https://billing.internal/v1/a',
    ],
    ['no absolute URL of another host', 'http://elsewhere/a', 'one', '404 ERR_UNKNOWN_HOST'],
    ['bytes beyond ASCII as they are', '/\xc3\xa9', 'x', 'one /%C3%A9'],
  ])('%s', (_, target, host, expected) => {
    expect(asked(alone, target, host)).toBe(expected);
  });
});
