/** client.fetch: the stack behind it. */
import { createHttpClient } from 'pillion';
import { createTestClient } from 'pillion/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { collecting } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

const retry = { maxRetries: 2, on: ['5xx' as const] };

describe('fetch goes through the stack', () => {
  it('a GET is repeated, a POST is not without a key, and is with one', async () => {
    const client = createTestClient([503, 200, 503, 503, 201], { retry });
    expect((await client.fetch('/a')).status).toBe(200);
    expect((await client.fetch('/b', { method: 'POST', body: 'x' })).status).toBe(503);
    expect((await client.fetch('/c', { method: 'POST', body: 'x', idempotencyKey: true })).status).toBe(201);
    const keys = client.transport.requests.slice(3).map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).toBe(keys[0]);
  });

  it('the body of a Request is held and repeated, a stream is not', async () => {
    const client = createTestClient([503, 200, 503], { retry });
    const put = (body: string) =>
      new Request('https://upstream.test/x', { method: 'PUT', body, duplex: 'half' } as RequestInit);
    expect((await client.fetch(put('kept'))).status).toBe(200);
    const stream = new Blob(['once']).stream();
    expect((await client.fetch('/y', { method: 'PUT', body: stream, duplex: 'half' } as RequestInit)).status).toBe(503);
    expect(client.transport.requests.map(({ path }) => path)).toEqual(['/x', '/x', '/y']);
  });

  it('gives the last answer where retries run out, to be read', async () => {
    const client = createTestClient([503, 503, { status: 503, data: 'still down' }], { retry });
    const response = await client.fetch('/');
    expect([response.status, await response.text()]).toEqual([503, 'still down']);
  });

  it.each([
    ['ERR_ORIGIN_NOT_ALLOWED', 'http://elsewhere.test/', {}, []],
    ['ERR_DEADLINE', '/', { timeouts: { total: 10 } }, ['hang']],
    ['ERR_ATTEMPT_TIMEOUT', '/', { timeouts: { attempt: 10 }, retry: false }, ['hang']],
    ['ECONNREFUSED', '/', { retry: false }, [{ error: 'ECONNREFUSED' }]],
    ['ERR_CONFIG', '/', { timeouts: { totl: 1 } }, []],
  ] as const)('%s is the cause of a TypeError', async (code, url, init, script) => {
    const client = createTestClient(script, { baseURL: 'https://upstream.test' });
    const error = await client.fetch(url, init as never).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ name: 'TypeError', code, cause: { code } });
    expect(error?.message).toBe('fetch failed');
  });

  it('a circuit that is open, and a client that is closed', async () => {
    const client = createTestClient();
    client.forceCircuit('open');
    await expect(client.fetch('/')).rejects.toMatchObject({ cause: { code: 'ERR_CIRCUIT_OPEN' } });
    await client.close();
    await expect(client.fetch('/')).rejects.toMatchObject({ cause: { code: 'ERR_CLOSED' } });
  });

  it('writes one line a call and carries an id; nothing secret is in an error', async () => {
    const { logger, lines } = collecting();
    const client = createTestClient([503, 200, { error: 'ECONNRESET' }], { retry }, { logger });
    await client.fetch('/x?token=s3cr3t', { headers: { authorization: 's3cr3t' }, routeName: '/x' });
    const told = lines.filter(({ level }) => level !== 'debug');
    expect(told).toHaveLength(1);
    expect(told[0]?.fields).toMatchObject({
      attempts: 2,
      'url.template': '/x',
      request_id: client.transport.requests[0]?.headers['x-request-id'],
    });
    const init = { retry: false, headers: { authorization: 's3cr3t' } } as const;
    const error = await client.fetch('/x?token=s3cr3t', init).catch((thrown: unknown) => thrown);
    const { inspect } = await import('node:util');
    expect(inspect(error)).not.toContain('s3cr3t');
  });

  it('obeys an update, may be passed on alone, and may leave the origin where it is told to', async () => {
    const client = createTestClient([{ reply: 200 }]);
    const { fetch } = client;
    client.update({ baseURL: 'https://other.test/v2', headers: { 'x-a': '1' } });
    await fetch('/x');
    await fetch('https://third.test/y', { allowAbsoluteUrls: true });
    expect(client.transport.requests.map(({ url, headers }) => [url, headers['x-a']])).toEqual([
      ['https://other.test/v2/x', '1'],
      ['https://third.test/y', '1'],
    ]);
  });

  it("runs none of axios's interceptors and transforms", async () => {
    const client = createTestClient([{ data: { a: 1 } }]);
    client.interceptors.request.use(() => {
      throw new Error('an interceptor of axios');
    });
    expect(await (await client.fetch('/')).json()).toEqual({ a: 1 });
  });

  it("goes by axios's http adapter where a proxy of the environment applies", async () => {
    const upstream = await startHttp((_, response) => void response.end('by proxy'));
    process.env.http_proxy = upstream.origin;
    onTestFinished(() => {
      delete process.env.http_proxy;
    });
    const client = createHttpClient({ baseURL: 'http://api.test', proxy: 'env', logging: false });
    onTestFinished(() => client.close({ grace: 0 }));
    expect(await (await client.fetch('/x')).text()).toBe('by proxy');
    expect(upstream.requests[0]?.path).toBe('http://api.test/x');
  });
});
