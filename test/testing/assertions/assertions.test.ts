/** Assertions and matchers: they hold, they fail, and they say why. */
import { expect as jestExpect } from 'expect';
import {
  assertAttempts,
  assertNotRequested,
  assertRequested,
  createTestClient,
  type RequestMatchers,
  requestMatchers,
} from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import { rejection } from '../../support/client.js';

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: repeats the generics of what it augments.
  interface Matchers<T = any> extends RequestMatchers<T> {}
}
declare module 'expect' {
  interface Matchers<R extends void | Promise<void>> extends RequestMatchers<R> {}
}
expect.extend(requestMatchers);
jestExpect.extend(requestMatchers);

async function used() {
  const client = createTestClient([503, { data: { id: 1 } }, 201]);
  await client.get('/invoices/1', { params: { lang: 'de', page: 2 }, headers: { 'X-Tenant': 'acme' } });
  await client.post('/payments', { invoice: { id: 1, total: 42 }, tags: ['a', 'b'] });
  return client;
}

const messageOf = (assert: () => void) => {
  try {
    assert();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('The assertion held.');
};

describe('createTestClient', () => {
  it('is a client with real policies, which logs nothing and does not wait', async () => {
    const client = createTestClient([503, 503, { data: 'ok' }]);
    expect((await client.get('/')).data).toBe('ok');
    expect(client.transport.requests.map(({ url, attempt }) => [url, attempt])).toEqual([
      ['https://upstream.test/', 1],
      ['https://upstream.test/', 2],
      ['https://upstream.test/', 3],
    ]);
  });

  it('takes configuration and dependencies', async () => {
    const lines: object[] = [];
    const write = (fields: object) => void lines.push(fields);
    const logger = { debug: write, info: write, warn: write, error: write };
    const client = createTestClient([503], { name: 'billing', retry: false }, { logger });
    expect((await rejection(client.get('/'))).attempts).toBe(1);
    expect(lines.at(-1)).toMatchObject({ client: 'billing' });
  });
});

describe('assertRequested', () => {
  it.each([
    {},
    { method: 'get' },
    { path: '/invoices/1' },
    { path: /^\/inv/ },
    { query: { page: '2' } },
    { headers: { 'x-tenant': 'acme', 'X-Request-Id': /^[\da-f-]{36}$/ } },
    { body: { invoice: { total: 42 } } },
    { body: { tags: ['a', 'b'] } },
    { attempt: 2, method: 'GET' },
  ])('holds for what was sent: %j', async (pattern) => {
    const client = await used();
    assertRequested(client, pattern);
    assertRequested(client.transport, pattern);
    expect(messageOf(() => assertNotRequested(client, pattern))).toMatch(/^Expected no request like/);
  });

  it.each([
    [{ method: 'PUT' }, 'method is "GET", not "PUT"'],
    [{ path: '/invoices' }, 'path is "/invoices/1", not "/invoices"'],
    [{ path: /x$/ }, 'path is "/invoices/1", not /x$/'],
    [{ method: 'GET', query: { page: '3' } }, 'query page is "2", not "3"'],
    [{ method: 'GET', headers: { 'x-tenant': 'other' } }, 'header x-tenant is "acme", not "other"'],
    [{ method: 'POST', headers: { 'x-none': 'x' } }, 'header x-none is absent, not "x"'],
    [{ path: '/payments', body: { invoice: { total: 43 } } }, 'body.invoice.total is 42, not 43'],
    [{ path: '/payments', body: { tags: ['a'] } }, 'body.tags has 2 elements, not 1'],
    [{ path: '/payments', body: { invoice: { currency: 'EUR' } } }, 'body.invoice.currency is absent, not "EUR"'],
    [{ path: '/payments', attempt: 2 }, 'attempt is 1, not 2'],
  ])('says of %j where the nearest request differs, and what was sent', async (pattern, difference) => {
    const client = await used();
    const message = messageOf(() => assertRequested(client, pattern));
    expect(message).toContain(difference);
    expect(message).toContain('  GET /invoices/1?lang=de&page=2 (attempt 2)');
    assertNotRequested(client, pattern);
  });

  it('counts, where it is told how often', async () => {
    const client = await used();
    assertRequested(client, { method: 'GET' }, 2);
    expect(messageOf(() => assertRequested(client, { method: 'GET' }, 1))).toMatch(
      /Expected 1 request like .* there were 2/,
    );
    assertRequested(client, { method: 'DELETE' }, 0);
  });

  it('says so where nothing was sent', () => {
    expect(messageOf(() => assertRequested(createTestClient(), {}))).toContain('No request was sent.');
  });
});

describe('assertAttempts', () => {
  it('holds for the attempts of a call, of each where there are several', async () => {
    const client = await used();
    assertAttempts(client, 2, { path: '/invoices/1' });
    assertAttempts(client, 1, { method: 'POST' });
    expect(messageOf(() => assertAttempts(client, 3, { path: '/invoices/1' }))).toContain('2');
    expect(messageOf(() => assertAttempts(client, 1))).toContain('GET /invoices/1');
    expect(messageOf(() => assertAttempts(client, 1, { path: '/none' }))).toMatch(/none/);
  });
});

describe.each([
  ['vitest', expect],
  ['jest', jestExpect as unknown as typeof expect],
])('the matchers of %s', (_, runner) => {
  it('hold and fail like the assertions', async () => {
    const client = await used();
    runner(client).toHaveRequested({ method: 'POST', path: '/payments' });
    runner(client).not.toHaveRequested({ method: 'DELETE' });
    runner(client).toHaveRequestedTimes(2, { method: 'GET' });
    runner(client.transport).toHaveRequestedTimes(3);
    runner(client).not.toHaveRequestedTimes(1);
    runner(client).toHaveAttempts(2, { path: '/invoices/1' });
    runner(client).not.toHaveAttempts(3, { path: '/invoices/1' });
    expect(messageOf(() => runner(client).toHaveRequested({ path: '/invoices' }))).toContain(
      'The nearest was GET /invoices/1',
    );
    expect(messageOf(() => runner(client).not.toHaveRequested({ method: 'POST' }))).toContain('Did not expect');
    expect(messageOf(() => runner(client).toHaveRequestedTimes(3, { method: 'GET' }))).toContain('there were 2');
  });
});
