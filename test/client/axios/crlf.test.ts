import { createHttpClient, type HttpClient, type Policy } from 'pillion';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rejection, scripted, silent } from '../../support/client.js';
import { startHttp, type Upstream } from '../../support/upstream.js';

let server: Upstream;
let client: HttpClient;

beforeEach(async () => {
  server = await startHttp((_, response) => response.end('ok'));
  client = createHttpClient({ baseURL: server.origin }, { logger: silent });
});
afterEach(() => client.close());

const lanes: [string, object][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { maxRedirects: 1 }],
];

describe.each(lanes)('CR and LF on %s', (_, lane) => {
  it.each<[string, object]>([
    ['a header', { headers: { 'x-a': 'a\r\nx-evil: 1' } }],
    ['a header with LF alone', { headers: { 'x-a': 'a\nx-evil: 1' } }],
    ['one value of several', { headers: { 'x-a': ['a', 'b\r\nx-evil: 1'] } }],
    ['the idempotency key', { idempotencyKey: 'a\r\nx-evil: 1' }],
    ['the request id', { headers: { 'x-request-id': 'a\r\nx-evil: 1' } }],
    ['the name of a user', { auth: { username: 'a\r\nx-evil: 1', password: 'b' } }],
  ])('in %s never begin another header', async (_name, options) => {
    await client.get('/', { ...lane, ...options }).catch(() => {});
    for (const { headers } of server.requests) expect(headers).not.toHaveProperty('x-evil');
  });

  it.each<[string, object]>([
    ['the name of a header', { headers: { 'x-a\r\nx-evil': '1' } }],
    ['the value of a header', { headers: { 'x-a': 'a\r\nx-evil: 1' } }],
    ['one value of several', { headers: { 'x-a': ['a', 'b\nx-evil: 1'] } }],
    ['the idempotency key', { idempotencyKey: 'a\r\nx-evil: 1' }],
  ])('in %s are refused, however the call is made, and nothing is sent', async (_name, options) => {
    const config = { ...lane, ...options };
    const calls = [
      client('/', config),
      client({ url: '/', ...config }),
      client.request({ url: '/', ...config }),
      client.get('/', config),
      client.post('/', {}, config),
      client.postForm('/', { a: 1 }, config),
      client.create().get('/', config),
    ];
    for (const call of calls) expect(await rejection(call)).toMatchObject({ isAxiosError: true, code: 'ERR_CONFIG' });
    expect(server.requests).toEqual([]);
  });

  it('set by an interceptor past AxiosHeaders never begin another header', async () => {
    const remove = client.interceptors.request.use((config) => {
      Object.assign(config.headers, { 'x-a': 'a\r\nx-evil: 1' });
      return config;
    });
    await client.get('/', lane).catch(() => {});
    client.interceptors.request.eject(remove);
    for (const { headers } of server.requests) expect(headers).not.toHaveProperty('x-evil');
  });

  it('set by a policy past AxiosHeaders never begin another header', async () => {
    const smuggling: Policy = (next) => (request) => {
      Object.assign(request.headers, { 'x-a': 'a\r\nx-evil: 1' });
      return next(request);
    };
    const own = createHttpClient({ baseURL: server.origin }, { logger: silent, perAttempt: [smuggling] });
    await own.get('/', lane).catch(() => {});
    for (const { headers } of server.requests) expect(headers).not.toHaveProperty('x-evil');
    await own.close();
  });

  it('in the method are refused, and nothing is sent', async () => {
    const error = await rejection(client.request({ ...lane, url: '/', method: 'GET / HTTP/1.1\r\nx-evil: 1' }));
    expect(error.code).toMatch(/^ERR_/);
    expect(server.requests).toEqual([]);
  });
});

describe('CR and LF in the configuration', () => {
  it.each([
    ['the value of a header', { headers: { 'x-a': 'a\r\nx-evil: 1' } }],
    ['the name of a header', { headers: { 'x-a\r\nx-evil': '1' } }],
    ['the name of the request id header', { tracing: { requestIdHeader: 'x-a\r\nx-evil' } }],
    ['the name of the attempt count header', { tracing: { attemptCountHeader: 'x-a\r\nx-evil' } }],
    ['baseURL', { baseURL: 'http://api.test/\r\n' }],
  ])('are ERR_CONFIG: %s', (_, config) => {
    expect(() => scripted([], config)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });
});
