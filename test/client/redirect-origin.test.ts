/** A redirect is a way of leaving the origin, and follows the same rule as an absolute URL. */
import axios from 'axios';
import { createHttpClient, type HttpClientConfig, type HttpClientDeps, runWithInbound, usePolicies } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer } from '../support/behaviours.js';
import { rejection, silent } from '../support/client.js';
import { type Behaviour, startHttp, type Upstream } from '../support/upstream.js';

const lanes = [
  ['the fast lane', {}],
  ["axios's http adapter", { family: 4 }],
] as const;

const to =
  (location: string, status = 302): Behaviour =>
  (_, response) => {
    response.writeHead(status, { location }).end('moved');
  };

/** A client of an upstream that redirects, and another server. */
async function scene(redirect: (other: Upstream) => Behaviour[], config: HttpClientConfig = {}, deps?: HttpClientDeps) {
  const other = await startHttp(answer(200, 'other'));
  const home = await startHttp(...redirect(other));
  const client = createHttpClient(
    { baseURL: `${home.origin}/v1`, retry: false, maxRedirects: 5, ...config },
    { logger: silent, ...deps },
  );
  onTestFinished(() => client.close({ grace: 0 }));
  return { client, home, other };
}

describe.each(lanes)('on %s a redirect to another origin', (_, lane) => {
  it.each([301, 302, 303, 307, 308])('is refused for a %d, and nothing is sent there', async (status) => {
    const { client, home, other } = await scene(({ origin }) => [to(`${origin}/there`, status)]);
    const error = await rejection(client.post('/a', { secret: 1 }, lane));
    expect(error).toMatchObject({ code: 'ERR_ORIGIN_NOT_ALLOWED', isAxiosError: true, attempts: 1 });
    expect(error.message).toContain(other.origin);
    expect(other.connections).toHaveLength(0);
    expect(home.requests).toHaveLength(1);
  });

  it.each([
    ['another port', ({ origin }: Upstream) => `${origin}/there`],
    ['no scheme', ({ port }: Upstream) => `//127.0.0.1:${port}/there`],
    ['backslashes', ({ port }: Upstream) => `\\\\127.0.0.1:${port}/there`],
    ['credentials', ({ port }: Upstream) => `http://user:pw@127.0.0.1:${port}/there`],
    ['another scheme', ({ port }: Upstream) => `https://127.0.0.1:${port}/there`],
    ['another name', ({ port }: Upstream) => `http://localhost:${port}/there`],
  ])('is refused whatever the location looks like: %s', async (_, location) => {
    const { client, other } = await scene((upstream) => [to(location(upstream))]);
    expect((await rejection(client.get('/a', lane))).code).toBe('ERR_ORIGIN_NOT_ALLOWED');
    expect(other.connections).toHaveLength(0);
  });

  it('is refused at the second hop too, and shows no query values', async () => {
    const { client, home, other } = await scene(({ origin }) => [to('/b'), to(`${origin}/?token=s3cret`)]);
    const error = await rejection(client.get('/a', lane));
    expect(error.code).toBe('ERR_ORIGIN_NOT_ALLOWED');
    expect(error.message).not.toContain('s3cret');
    expect(home.requests.map(({ path }) => path)).toEqual(['/v1/a', '/b']);
    expect(other.connections).toHaveLength(0);
  });

  it('is refused where beforeRedirect makes it one, by host, port or path', async () => {
    const { client, other } = await scene(() => [to('/b')]);
    const moves: ((options: Record<string, unknown>) => void)[] = [
      (options) => Object.assign(options, { port: other.port }),
      (options) => Object.assign(options, { hostname: 'localhost' }),
      (options) => Object.assign(options, { protocol: 'https:' }),
    ];
    for (const beforeRedirect of moves)
      expect((await rejection(client.get('/a', { ...lane, beforeRedirect }))).code).toBe('ERR_ORIGIN_NOT_ALLOWED');
    expect(other.connections).toHaveLength(0);
  });

  it('is refused once, is no failure of the upstream, and is not retried', async () => {
    const { client, home } = await scene(({ origin }) => [to(origin)], { retry: {} });
    await rejection(client.get('/a', lane));
    expect(home.requests).toHaveLength(1);
  });

  it('is an answer like any other where redirects are not followed', async () => {
    const { client, other } = await scene(({ origin }) => [to(origin)], { maxRedirects: 0 });
    expect((await rejection(client.get('/a', lane))).status).toBe(302);
    expect(other.connections).toHaveLength(0);
  });

  it('is followed by a client without baseURL, which may go anywhere', async () => {
    const { home, other } = await scene(({ origin }) => [to(origin)]);
    const client = createHttpClient({ maxRedirects: 5, headers: { 'x-api-key': 'k' } }, { logger: silent });
    onTestFinished(() => client.close({ grace: 0 }));
    expect((await client.get(home.origin, lane)).data).toBe('other');
    expect(home.requests[0]?.headers['x-api-key']).toBe('k');
    expect(other.requests[0]?.headers).not.toHaveProperty('x-api-key');
  });
});

/** Everything that a client may add to a call. */
const full: HttpClientConfig = {
  allowAbsoluteUrls: true,
  headers: { 'x-api-key': 'k', 'x-shared': 'client' },
  requestHeaders: { set: { 'x-set': 's', 'x-changed': 's' }, add: { 'x-longer': 's' } },
  deadlineHeader: { external: true },
  tracing: { attemptCountHeader: 'x-attempt' },
};
const added = [
  'x-api-key',
  'x-default',
  'x-request-id',
  'baggage',
  'x-request-timeout-ms',
  'x-attempt',
  'x-policy',
  'x-set',
];
const deps: HttpClientDeps = {
  perAttempt: [
    (next) => (request) => {
      request.headers.set('x-policy', 'p');
      return next(request);
    },
  ],
};

describe.each(lanes)('on %s, where another origin is allowed', (_, lane) => {
  const redirecting = async (status = 302) => {
    const made = await scene(({ origin }) => [to(`${origin}/there`, status)], full, deps);
    made.client.defaults.headers['x-default'] = 'd';
    return made;
  };
  const inbound = <T>(work: () => T) => runWithInbound({ baggage: 'tenant=42', requestId: 'r1' }, work);

  it("only the call's own headers go there, less those that fetch would keep back", async () => {
    const { client, home, other } = await redirecting();
    const headers = { Authorization: 'Bearer t', Cookie: 'a=b', 'X-Own': '1', 'X-Shared': 'own', Accept: 'text/plain' };
    await inbound(() => client.get('/a', { ...lane, headers, auth: undefined as never }));
    const [first, second] = [home.requests[0]?.headers ?? {}, other.requests[0]?.headers ?? {}];
    for (const name of [...added, 'authorization', 'cookie', 'x-own', 'x-shared']) expect(first).toHaveProperty(name);
    for (const name of [...added, 'authorization', 'cookie']) expect(second).not.toHaveProperty(name);
    expect(second).toMatchObject({ 'x-own': '1', 'x-shared': 'own', accept: 'text/plain' });
    expect(second.host).toBe(`127.0.0.1:${other.port}`);
  });

  it('a header of the call that `requestHeaders` has changed does not go there', async () => {
    const { client, home, other } = await redirecting();
    await client.get('/a', { ...lane, headers: { 'X-Changed': 'own', 'X-Longer': 'own' } });
    expect(home.requests[0]?.headers).toMatchObject({ 'x-changed': 's', 'x-longer': 'own, s' });
    for (const name of ['x-changed', 'x-longer']) expect(other.requests[0]?.headers).not.toHaveProperty(name);
  });

  it('a header that the call sets itself goes there, even one of ours', async () => {
    const { client, other } = await redirecting();
    const headers = { 'X-Request-Id': 'mine', baggage: 'mine=1', 'Idempotency-Key': 'k1' };
    await inbound(() => client.post('/a', 'x', { ...lane, headers }));
    expect(other.requests[0]?.headers).toMatchObject({
      'x-request-id': 'mine',
      baggage: 'mine=1',
      'idempotency-key': 'k1',
    });
  });

  it('an idempotency key of ours does not go there', async () => {
    const { client, home, other } = await redirecting(307);
    await client.post('/a', { n: 1 }, { ...lane, idempotencyKey: true });
    expect(home.requests[0]?.headers).toHaveProperty('idempotency-key');
    expect(other.requests[0]?.headers).not.toHaveProperty('idempotency-key');
  });

  it('the body goes along with a 307 and its content type with it, as with fetch', async () => {
    const { client, other } = await redirecting(307);
    await client.post('/a', { n: 1 }, lane);
    expect(other.requests[0]).toMatchObject({ method: 'POST', body: '{"n":1}' });
    expect(other.requests[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '7' });
  });

  it('what interceptors add is the client’s, and does not go there', async () => {
    const { client, home, other } = await redirecting();
    client.interceptors.request.use((config) => {
      config.headers.set('x-session', 's');
      return config;
    });
    await client.get('/a', { ...lane, headers: { 'x-own': '1' } });
    expect(home.requests[0]?.headers).toMatchObject({ 'x-session': 's', 'x-own': '1' });
    expect(other.requests[0]?.headers).toHaveProperty('x-own');
    expect(other.requests[0]?.headers).not.toHaveProperty('x-session');
  });

  it('a chain that comes back does not get back what it has lost', async () => {
    const other = await startHttp((_, response) => response.writeHead(302, { location: `${home.origin}/back` }).end());
    const home = await startHttp(to(`${other.origin}/there`), answer(200, 'back'));
    const client = createHttpClient({ ...full, baseURL: home.origin, maxRedirects: 5 }, { logger: silent });
    onTestFinished(() => client.close({ grace: 0 }));
    const auth = { username: 'u', password: 'p' };
    expect((await client.get('/a', { ...lane, auth, headers: { 'x-own': '1' } })).data).toBe('back');
    const [first, last] = home.requests.map(({ headers }) => headers);
    expect(first).toMatchObject({ 'x-api-key': 'k', authorization: expect.any(String) });
    expect(last).toHaveProperty('x-own');
    for (const name of ['x-api-key', 'authorization', 'x-request-id']) expect(last).not.toHaveProperty(name);
  });

  it('beforeRedirect may move the request, whose headers are then those for another origin, and may add its own', async () => {
    const { client, other } = await scene(() => [to('/b')], full);
    const beforeRedirect = (options: Record<string, unknown>) => {
      Object.assign(options, { port: other.port });
      Object.assign(options.headers as object, { 'x-for-other': '1' });
    };
    const headers = { authorization: 'Bearer t', 'x-own': '1' };
    await client.get('/a', { ...lane, headers, beforeRedirect });
    const there = other.requests[0]?.headers ?? {};
    expect(there).toMatchObject({ 'x-own': '1', 'x-for-other': '1' });
    for (const name of ['authorization', 'x-api-key']) expect(there).not.toHaveProperty(name);
  });

  it('headers of the configuration go along within the origin', async () => {
    const { client, home } = await scene(() => [to('/b'), answer()], full);
    await client.get('/a', lane);
    expect(home.requests[1]?.headers).toMatchObject({ 'x-api-key': 'k', 'x-request-id': expect.any(String) });
  });

  it('an absolute URL of the call keeps the headers of the configuration, as with axios', async () => {
    const { client, other } = await redirecting();
    await client.get(`${other.origin}/there`, lane);
    expect(other.requests[0]?.headers).toMatchObject({ 'x-api-key': 'k', 'x-default': 'd' });
  });
});

describe('client.fetch', () => {
  it('fails with a TypeError on a redirect to another origin, whose cause says why', async () => {
    const { client, other } = await scene(({ origin }) => [to(origin, 307)]);
    const error = await rejection(client.fetch('/a', { method: 'POST', body: 'secret' }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.cause).toMatchObject({ code: 'ERR_ORIGIN_NOT_ALLOWED' });
    expect(other.connections).toHaveLength(0);
  });

  it('leaves redirects alone with "manual" and "error"', async () => {
    const { client, other } = await scene(({ origin }) => [to(origin)]);
    expect((await client.fetch('/a', { redirect: 'manual' })).status).toBe(302);
    await expect(client.fetch('/a', { redirect: 'error' })).rejects.toThrow(/redirect is "error"/);
    expect(other.connections).toHaveLength(0);
  });

  it('takes its own headers to another origin where that is allowed, and none of the configuration', async () => {
    const { client, other } = await scene(({ origin }) => [to(origin)], full);
    const response = await client.fetch('/a', { headers: { 'x-own': '1', authorization: 'Bearer t' } });
    expect(await response.text()).toBe('other');
    expect(other.requests[0]?.headers).toMatchObject({ 'x-own': '1', accept: '*/*' });
    for (const name of [...added, 'authorization', 'x-shared'])
      expect(other.requests[0]?.headers).not.toHaveProperty(name);
  });
});

describe('an instance with policies', () => {
  it('follows redirects anywhere, as axios does, without its defaults and what the policies add', async () => {
    const { home, other } = await scene(({ origin }) => [to(origin)]);
    const instance = axios.create({ baseURL: home.origin, headers: { 'x-api-key': 'k' }, proxy: false });
    const policies = usePolicies(instance, {}, { logger: silent });
    onTestFinished(() => policies.close({ grace: 0 }));
    expect((await instance.get('/a', { headers: { 'x-own': '1' } })).data).toBe('other');
    expect(home.requests[0]?.headers).toMatchObject({ 'x-api-key': 'k', 'x-request-id': expect.any(String) });
    expect(other.requests[0]?.headers).toMatchObject({ 'x-own': '1' });
    for (const name of ['x-api-key', 'x-request-id']) expect(other.requests[0]?.headers).not.toHaveProperty(name);
  });
});

describe('a wire of the caller’s that follows redirects itself', () => {
  it('is held to the rule where it asks beforeRedirect, as axios’s http adapter does', async () => {
    const wire = { transport: axios.getAdapter('http') };
    const { client, other } = await scene(({ origin }) => [to(origin)], {}, wire);
    expect((await rejection(client.get('/a'))).code).toBe('ERR_ORIGIN_NOT_ALLOWED');
    expect(other.connections).toHaveLength(0);
  });
});
