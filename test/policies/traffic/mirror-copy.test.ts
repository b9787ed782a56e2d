/** mirror: which calls are copied, and what of a call is in its copy. */
import { Readable } from 'node:stream';
import { AxiosHeaders } from 'axios';
import type { HttpClientConfig, HttpClientDeps, PillionError, Request } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { turn } from '../../properties/world.js';
import { clientOver, scripted } from '../../support/client.js';

const shadow = 'http://shadow.test';

/** A client with copies of everything it is asked to copy; `copies` as they reached the wire. */
function mirrored(mirror: HttpClientConfig['mirror'], config: HttpClientConfig = {}, deps: HttpClientDeps = {}) {
  const copies: Request[] = [];
  const calls: Request[] = [];
  const transport = async (request: Request) => {
    (String(request.baseURL).includes('shadow') ? copies : calls).push(request);
    return { status: 200, statusText: '', data: '', headers: {}, config: request, request: {} };
  };
  const client = clientOver(transport as never, { ...config, mirror }, deps);
  onTestFinished(() => client.close({ grace: 0 }));
  const lower = (request: Request | undefined): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(AxiosHeaders.from(request?.headers as AxiosHeaders).toJSON()).map(([name, value]) => [
        name.toLowerCase(),
        value,
      ]),
    );
  return { client, calls, copies, headersOf: lower };
}

const turns = async () => {
  for (let i = 0; i < 5; i++) await turn();
};

describe('copied', () => {
  it('are calls whose method does no harm twice; POST and PATCH only with unsafeMethods', async () => {
    const methods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY', 'POST', 'PATCH'];
    const copied = async (unsafeMethods: boolean) => {
      const { client, copies } = mirrored([{ baseURL: shadow, unsafeMethods }]);
      for (const method of methods) await client.request({ url: '/', method });
      await turns();
      return copies.map(({ method }) => method?.toUpperCase());
    };
    expect(await copied(false)).toEqual(methods.slice(0, -2));
    expect(await copied(true)).toEqual(methods);
  });

  it('is no POST for its idempotencyKey: what it does is done twice at another place', async () => {
    const { client, copies } = mirrored([{ baseURL: shadow }]);
    await client.post('/', {}, { idempotencyKey: 'k' });
    await turns();
    expect(copies).toEqual([]);
  });

  it('are only calls that match', async () => {
    const { client, copies } = mirrored([{ baseURL: shadow, match: { path: { prefix: '/v1' } } }]);
    await client.get('/v1/x');
    await client.get('/v2/x');
    await turns();
    expect(copies.map(({ url }) => url)).toEqual(['/v1/x']);
  });

  it.each([
    [0, 0.5, 0],
    [0.5, 0.4999, 1],
    [0.5, 0.5, 0],
    [1, 0.9999, 1],
  ])('is with a fraction of %d at a random number of %d: %d', async (fraction, number, count) => {
    const { client, copies } = mirrored([{ baseURL: shadow, fraction }], {}, { random: () => number });
    await client.get('/');
    await turns();
    expect(copies).toHaveLength(count);
  });

  it('is a call once for each target', async () => {
    const targets = [{ baseURL: 'http://shadow-1.test' }, { baseURL: 'http://shadow-2.test/v2' }];
    const { client, copies } = mirrored(targets);
    await client.get('/');
    await turns();
    expect(copies.map(({ baseURL }) => baseURL)).toEqual(['http://shadow-1.test', 'http://shadow-2.test/v2']);
    expect(Object.keys(client.stats().policies.mirror as object)).toEqual(targets.map(({ baseURL }) => baseURL));
  });

  it('is no call that leaves baseURL by an absolute URL, but one that stays under it', async () => {
    const { client, copies } = mirrored([{ baseURL: `${shadow}/s` }], {
      baseURL: 'http://api.test/v1',
      allowAbsoluteUrls: true,
    });
    await client.get('http://other.test/x');
    await client.get('http://api.test/v1/x?y=1');
    await turns();
    expect(copies.map(({ baseURL, url }) => [baseURL, url])).toEqual([[`${shadow}/s`, '/x?y=1']]);
  });

  it('is no call whose body is a stream; each is counted, whatever kind of stream', async () => {
    const { client, copies } = mirrored([{ baseURL: shadow }]);
    const reasons: string[] = [];
    client.on('mirror.skipped', ({ reason, target }) => reasons.push(`${reason} ${target}`));
    await client.put('/', Readable.from(['x']));
    await client.put('/', new Blob(['x']).stream());
    await turns();
    expect(copies).toEqual([]);
    expect(reasons).toEqual([`stream ${shadow}`, `stream ${shadow}`]);
    expect(client.stats().policies.mirror).toMatchObject({ [shadow]: { sent: 0, skipped: { stream: 2 } } });
  });
});

describe('the Host of a copy', () => {
  it.each([
    ['http://svc:8080', 'svc-shadow:8080'],
    ['http://svc', 'svc-shadow'],
    ['https://svc.example.com:443/v1', 'svc.example.com-shadow'],
    ['http://127.0.0.1:81', '127.0.0.1-shadow:81'],
    ['http://[::1]:8080', '[::1]-shadow:8080'],
  ])('of a call to %s is %s', async (baseURL, host) => {
    const { client, copies, headersOf } = mirrored([{ baseURL: shadow }], { baseURL });
    await client.get('/x');
    await turns();
    expect(headersOf(copies[0]).host).toBe(host);
  });

  it('is that of the target of split, where the call was shifted', async () => {
    const split = [{ targets: [{ name: 'a', baseURL: 'http://a.test:81', weight: 1, headers: { 'x-a': '1' } }] }];
    const { client, calls, copies, headersOf } = mirrored([{ baseURL: shadow }], { split });
    await client.get('/x');
    await turns();
    expect(calls[0]?.baseURL).toBe('http://a.test:81');
    expect(headersOf(copies[0])).toMatchObject({ host: 'a.test-shadow:81', 'x-a': '1' });
  });

  it("has -shadow behind the call's own Host header, where it has one", async () => {
    const { client, copies, headersOf } = mirrored([{ baseURL: shadow }]);
    await client.get('/', { headers: { host: 'virtual.test:81' } });
    await turns();
    expect(headersOf(copies[0]).host).toBe('virtual.test-shadow:81');
  });

  it('with hostSuffix: false is left to the URL of the target', async () => {
    const { client, copies, headersOf } = mirrored([{ baseURL: shadow, hostSuffix: false }]);
    await client.get('/');
    await turns();
    expect(headersOf(copies[0])).not.toHaveProperty('host');
  });

  it("with hostSuffix: false is the target's also where the call has a Host header of its own", async () => {
    const { client, copies, headersOf } = mirrored([{ baseURL: shadow, hostSuffix: false }]);
    await client.get('/', { headers: { host: 'virtual.test' } });
    await turns();
    expect([undefined, 'shadow.test']).toContain(headersOf(copies[0]).host);
  });

  it('may be set by its headers', async () => {
    const { client, copies, headersOf } = mirrored([{ baseURL: shadow, headers: { HOST: 'mine.test' } }]);
    await client.get('/');
    await turns();
    expect(headersOf(copies[0]).host).toBe('mine.test');
  });
});

describe('the headers of a copy', () => {
  const secrets = { Authorization: 'Bearer s', COOKIE: 'c=s', 'proxy-Authorization': 'p' };
  const auth = { username: 'u', password: 'p' };

  it('hold no credentials: not of the call, not of the client, not of auth', async () => {
    const { client, calls, copies, headersOf } = mirrored([{ baseURL: shadow }], {
      headers: { authorization: 'of client' },
    });
    await client.get('/');
    await client.get('/', { headers: secrets });
    await client.get('/', { auth });
    await turns();
    expect(copies).toHaveLength(3);
    for (const copy of copies) {
      const names = Object.keys(headersOf(copy));
      for (const name of Object.keys(secrets)) expect(names).not.toContain(name.toLowerCase());
      expect(copy.auth).toBeUndefined();
    }
    expect(headersOf(calls[1])).toMatchObject({ authorization: 'Bearer s', cookie: 'c=s' });
    expect(calls[2]?.auth).toEqual(auth);
  });

  it('hold them with keepCredentials', async () => {
    const { client, copies, headersOf } = mirrored([{ baseURL: shadow, keepCredentials: true }]);
    await client.get('/', { headers: secrets, auth });
    await turns();
    expect(headersOf(copies[0])).toMatchObject({
      authorization: 'Bearer s',
      cookie: 'c=s',
      'proxy-authorization': 'p',
    });
    expect(copies[0]?.auth).toEqual(auth);
  });

  it('are those of the call, without removeHeaders, with headers in their place; the call keeps its own', async () => {
    const { client, calls, copies, headersOf } = mirrored([
      { baseURL: shadow, removeHeaders: ['X-Debug', 'x-none'], headers: { 'X-Env': 'shadow', authorization: 'own' } },
    ]);
    await client.get('/', { headers: { 'x-debug': '1', 'x-env': 'live', 'x-kept': 'k', authorization: 'live' } });
    await turns();
    expect(headersOf(copies[0])).toMatchObject({ 'x-env': 'shadow', 'x-kept': 'k', authorization: 'own' });
    expect(headersOf(copies[0])).not.toHaveProperty('x-debug');
    expect(headersOf(calls[0])).toMatchObject({ 'x-debug': '1', 'x-env': 'live', authorization: 'live' });
    expect(headersOf(calls[0])).not.toHaveProperty('host');
  });

  it('hold the request id of the call, also one that was made for it', async () => {
    const { client, calls, copies, headersOf } = mirrored([{ baseURL: shadow }]);
    await client.get('/1');
    await client.get('/2', { headers: { 'x-request-id': 'mine' } });
    await turns();
    const ids = (requests: Request[]) => requests.map((request) => headersOf(request)['x-request-id']);
    expect(ids(copies)).toEqual(ids(calls));
    expect(ids(copies)[0]).toEqual(expect.any(String));
    expect(ids(copies)[1]).toBe('mine');
  });
});

describe('the body of a copy', () => {
  it.each<[string, unknown, unknown]>([
    ['an object', { a: 1 }, '{"a":1}'],
    ['text', 'text', 'text'],
    ['a Buffer', Buffer.from('bytes'), Buffer.from('bytes')],
    ['form fields', new URLSearchParams({ a: 'b' }), 'a=b'],
  ])('is that of the PUT: %s', async (_, data, sent) => {
    const { client, calls, copies, headersOf } = mirrored([{ baseURL: shadow }]);
    await client.put('/', data);
    await turns();
    expect(copies[0]?.data).toEqual(sent);
    expect(headersOf(copies[0])['content-type']).toBe(headersOf(calls[0])['content-type']);
  });

  it('is not shown to the progress listeners of the call', async () => {
    const { client, copies } = mirrored([{ baseURL: shadow }]);
    await client.put('/', 'x', { onUploadProgress: () => {}, onDownloadProgress: () => {}, beforeRedirect: () => {} });
    await turns();
    const { onUploadProgress, onDownloadProgress, beforeRedirect } = copies[0] as Request;
    expect({ onUploadProgress, onDownloadProgress, beforeRedirect }).toEqual({});
  });
});

it.each([
  ['a fraction above 1', [{ baseURL: shadow, fraction: 1.1 }], 'mirror.0.fraction'],
  ['no baseURL', [{}], 'mirror.0.baseURL'],
  ['no room for copies', [{ baseURL: shadow, maxConcurrent: 0 }], 'mirror.0.maxConcurrent'],
  ['no time', [{ baseURL: shadow, timeout: 0 }], 'mirror.0.timeout'],
  ['no targets', [], 'mirror'],
])('a configuration with %s is refused with ERR_CONFIG that names the place', (_, mirror, path) => {
  const refused = (() => {
    try {
      scripted([], { mirror: mirror as never });
      return undefined;
    } catch (error) {
      return error as PillionError;
    }
  })();
  expect(refused).toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining(path) });
});
