/** What assertions accept as a pattern, and that what they say holds no secret. */
import { expect as jestExpect } from 'expect';
import { createHttpClient } from 'pillion';
import {
  assertAttempts,
  assertNotRequested,
  assertRequested,
  createTestClient,
  type RequestPattern,
  requestMatchers,
} from 'pillion/testing';
import { describe, expect, it } from 'vitest';

/** Two attempts of a GET, then a POST. */
async function used() {
  const client = createTestClient([503, { data: { id: 1 } }, 201]);
  const headers = { 'X-Tenant': 'acme', authorization: 'Bearer hunter2-hunter2' };
  await client.get('/invoices/1', { params: { lang: 'de', page: 2, tag: ['a', 'b'] }, headers });
  await client.post('/payments', { invoice: { id: 1, total: 42 }, tags: ['a', 'b'], items: [{ id: 7, n: 1 }] });
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

it.each<[RequestPattern]>([
  [{ query: { page: 2 } }],
  [{ query: { 'tag[]': ['a', 'b'], nothing: undefined } }],
  [{ headers: { Authorization: 'Bearer hunter2-hunter2', 'x-none': undefined } }],
  [{ body: { tags: ['a', 'b'], items: [{ id: 7 }] } }],
  [{ body: { invoice: { id: expect.any(Number) }, tags: expect.arrayContaining(['b']) } }],
  [{ body: { invoice: jestExpect.objectContaining({ total: 42 }) } }],
  [{ method: 'GET', body: undefined }],
])('a pattern holds for what was sent: %j', async (pattern) => {
  assertRequested(await used(), pattern);
});

it.each<[RequestPattern, string]>([
  [{ path: /x$/ }, 'path is "/invoices/1", not /x$/'],
  [{ method: 'GET', query: { 'tag[]': ['a'] } }, 'query tag[] has 2 elements, not 1'],
  [{ method: 'GET', query: { lang: undefined } }, 'query lang is "de", not absent'],
  [{ path: '/payments', body: { items: [{ id: 8 }] } }, 'body.items[0].id is 7, not 8'],
  [
    { path: '/payments', body: { invoice: expect.any(String) } },
    'body.invoice is {"id":1,"total":42}, not Any<String>',
  ],
])('a pattern does not hold, and the difference is named: %#', async (pattern, difference) => {
  const client = await used();
  expect(messageOf(() => assertRequested(client, pattern))).toContain(`\n  ${difference}\n`);
  assertNotRequested(client, pattern);
});

it('a pattern is shown as it was written, its regular expressions and matchers too', async () => {
  const client = await used();
  const pattern = { path: /^\/none/, body: { id: expect.any(String), at: /^2/ } };
  expect(messageOf(() => assertRequested(client, pattern)).split('\n')[0]).toBe(
    'Expected a request like {"path":"/^\\\\/none/","body":{"id":"Any<String>","at":"/^2/"}}, but there were 0.',
  );
});

it('a form is read by its fields', async () => {
  const client = createTestClient([200]);
  await client.post('/a', new URLSearchParams('grant=x&scope=a&scope=b'));
  assertRequested(client, { body: { grant: 'x', scope: ['a', 'b'] } });
  expect(messageOf(() => assertRequested(client, { body: { grant: 'y' } }))).toContain('body.grant is "x", not "y"');
});

it('what keeps no requests is refused, and not taken for a client that sent nothing', () => {
  const client = createHttpClient({ baseURL: 'http://a.test' });
  for (const source of [client, undefined, {}, 'x'])
    expect(() => assertNotRequested(source as never)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
});

describe('assertAttempts', () => {
  it('counts the attempts of a call, of several each', async () => {
    const client = createTestClient([503, 503, 200, 200]);
    await client.get('/b');
    await client.get('/a');
    assertAttempts(client, 3, { path: '/b' });
    assertAttempts(client, 3, { attempt: 2 });
    assertAttempts(client, 1, { path: '/a' });
    expect(messageOf(() => assertAttempts(client, 3))).toContain('to take 3 attempts, but it took 3, 1.');
    expect(messageOf(() => assertAttempts(client, 1, { path: '/x' }))).toContain('but there was no such call.');
  });

  it('is a matcher, negated too', async () => {
    const { pass, message } = requestMatchers.toHaveAttempts(await used(), 2, { method: 'GET' });
    expect(pass).toBe(true);
    expect(message()).toMatch(/^Did not expect a call like .* to take 2 attempts, but it took 2\.\nSent:/);
    expect(requestMatchers.toHaveAttempts(await used(), 3, { method: 'GET' }).pass).toBe(false);
  });
});

it.each<[RequestPattern]>([
  [{ headers: { authorization: 'Bearer wanted-secret-1' } }],
  [{ query: { token: 'wanted-secret-1', key: 'wanted-secret-1' } }],
  [{ body: { password: 'wanted-secret-1', deep: { apiKey: 'wanted-secret-1' } } }],
  [{ path: '/login', body: { credentials: { user: 'wanted-secret-1', list: ['wanted-secret-1'] } } }],
  [{ path: '/nothing' }],
])('no secret is shown, wanted or sent: %j', async (pattern) => {
  const client = createTestClient([{ reply: 200 }]);
  const sent = 'sent-secret-123';
  const body = { password: sent, deep: { apiKey: sent }, credentials: { user: sent, list: [sent] } };
  const headers = { authorization: `Bearer ${sent}`, 'x-api-key': sent };
  await client.post(`/login?token=${sent}&key=${sent}`, body, { headers });
  await client.post('/form', new URLSearchParams({ client_secret: sent }));
  const messages = [
    messageOf(() => assertRequested(client, pattern)),
    messageOf(() => assertAttempts(client, 1, pattern)),
    messageOf(() => assertNotRequested(client)),
  ];
  for (const message of messages) {
    expect(message).not.toMatch(/sent-secret|wanted-secret/);
    expect(message).toContain('POST /login?token=***&key=*** (attempt 1) {"password":"***"');
    expect(message).toContain('POST /form (attempt 1) "client_secret=***"');
  }
});
