/** Endpoints over real sockets: the address is that of the endpoint, the name that of baseURL. */
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { HttpClientConfig } from 'pillion';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { answer, hang } from '../../support/behaviours.js';
import { type Authority, authority, type Identity } from '../../support/certificates.js';
import { lanes, type Rejected, watch } from '../../support/client.js';
import { type Behaviour, closedPort, startHttp, startHttps } from '../../support/upstream.js';
import { counted } from './fleet.js';

let ca: Authority;
let identity: Identity;

beforeAll(async () => {
  ca = await authority('the mesh CA');
  identity = await ca.issue({ name: 'api', dns: ['api.mesh.test'] });
});

const at = (...ports: number[]): HttpClientConfig['endpoints'] => ({
  static: ports.map((port) => ({ address: `127.0.0.1:${port}` })),
});

describe.each(lanes)('on %s', (_, lane) => {
  it('a request goes to the address of the endpoint with the name of baseURL as its Host', async () => {
    const upstream = await startHttp(answer(200, 'here'));
    const { client } = watch({ baseURL: 'http://api.test:8080/v1', endpoints: at(upstream.port), retry: false });
    expect((await client.get('/users?id=1', lane)).data).toBe('here');
    expect(upstream.requests).toMatchObject([{ path: '/v1/users?id=1', headers: { host: 'api.test:8080' } }]);
  });

  it('each endpoint has connections of its own, which are used again', async () => {
    const upstreams = await Promise.all([startHttp(answer()), startHttp(answer()), startHttp(answer())]);
    const ports = upstreams.map(({ port }) => port);
    const { client } = watch({
      baseURL: 'http://api.test',
      endpoints: at(...ports),
      balance: { strategy: 'round-robin' },
    });
    for (let i = 0; i < 12; i++) await client.get('/', lane);
    expect(upstreams.map(({ requests }) => requests.length)).toEqual([4, 4, 4]);
    expect(upstreams.map(({ connections }) => connections.length)).toEqual([1, 1, 1]);
  });

  it('an endpoint on which nobody listens costs a call nothing but a retry, a POST too', async () => {
    const upstream = await startHttp(answer(200, 'here'));
    const { client } = watch({
      baseURL: 'http://api.test',
      endpoints: at(await closedPort(), upstream.port),
      balance: { strategy: 'round-robin' },
    });
    for (const method of ['get', 'post', 'get', 'post'] as const)
      expect((await client.request({ url: '/', method, ...lane })).data).toBe('here');
  });

  it('an endpoint that hangs is left by the retry for another', async () => {
    const slow = await startHttp(hang);
    const upstream = await startHttp(answer(200, 'here'));
    const { client, lines } = watch({
      baseURL: 'http://api.test',
      endpoints: at(slow.port, upstream.port),
      balance: { strategy: 'round-robin' },
      timeouts: { attempt: '200ms' },
    });
    expect((await client.get('/', lane)).data).toBe('here');
    expect(lines).toMatchObject([{ fields: { attempts: 2 } }]);
    expect([slow.requests.length, upstream.requests.length]).toEqual([1, 1]);
  });

  it('an IPv6 address is an endpoint like any other', async ({ skip }) => {
    const server = http.createServer((request, response) => response.end(request.headers.host));
    const listening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(0, '::1', () => resolve(true));
    });
    if (!listening) skip();
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = `[::1]:${(server.address() as AddressInfo).port}`;
    const { client } = watch({ baseURL: 'http://api.test', endpoints: { static: [{ address }] } });
    expect((await client.get('/', lane)).data).toBe('api.test');
  });

  it('a host name may be the address of an endpoint', async () => {
    const upstream = await startHttp(answer(200, 'here'));
    const address = `localhost:${upstream.port}`;
    const { client } = watch({ baseURL: 'http://api.test', endpoints: { static: [{ address }] } });
    expect((await client.get('/', lane)).data).toBe('here');
    expect(upstream.requests[0]?.headers.host).toBe('api.test');
  });

  describe('a redirect', () => {
    const config = (port: number): HttpClientConfig => ({
      baseURL: 'http://api.test',
      endpoints: at(port),
      maxRedirects: 2,
      retry: false,
    });
    const redirect =
      (location: string): Behaviour =>
      (_request, response) => {
        response.writeHead(302, { location }).end();
      };

    it('to another origin leaves the endpoint', async () => {
      const other = await startHttp(answer(200, 'elsewhere'));
      const upstream = await startHttp(redirect(`${other.origin}/there`), answer(200, 'wrong'));
      const { client } = watch(config(upstream.port));
      const outcome = client.get('/', { ...lane, allowAbsoluteUrls: true }).then(
        ({ data }) => data,
        ({ code }: Rejected) => code,
      );
      expect(await outcome).toBe('elsewhere');
      expect(upstream.requests).toHaveLength(1);
      expect(other.requests).toMatchObject([{ path: '/there', headers: { host: `127.0.0.1:${other.port}` } }]);
    });

    it('within the origin stays at the endpoint', async () => {
      const upstream = await startHttp(redirect('/there'), answer(200, 'here'));
      const { client } = watch(config(upstream.port));
      expect((await client.get('/', lane)).data).toBe('here');
      expect(upstream.requests.map(({ path, headers }) => [path, headers.host])).toEqual([
        ['/', 'api.test'],
        ['/there', 'api.test'],
      ]);
    });
  });

  it('a call to another origin goes there', async () => {
    const upstream = await startHttp(answer(200, 'wrong'));
    const other = await startHttp(answer(200, 'elsewhere'));
    const { client } = watch({ baseURL: 'http://api.test', endpoints: at(upstream.port), allowAbsoluteUrls: true });
    expect((await client.get(`${other.origin}/`, lane)).data).toBe('elsewhere');
    expect(upstream.requests).toEqual([]);
  });

  describe('with TLS', () => {
    /** What a call comes to, and the server names that the client asked for. */
    async function asked(baseURL: string, offered: Identity, more: HttpClientConfig['tls'] = {}) {
      const names: unknown[] = [];
      const behave: Behaviour = ({ socket }, response) => {
        names.push((socket as TLSSocket & { servername?: unknown }).servername);
        response.end('secure');
      };
      const upstream = await startHttps({ cert: offered.cert, key: offered.key }, behave);
      const { client } = watch({ baseURL, endpoints: at(upstream.port), tls: { ca: ca.cert, ...more }, retry: false });
      const outcome = await client.get('/', lane).then(
        ({ data }) => data as string,
        ({ code }: Rejected) => code,
      );
      return { outcome, names, hosts: upstream.requests.map(({ headers }) => headers.host) };
    }

    it('the name in the handshake and on the certificate is that of baseURL', async () => {
      expect(await asked('https://api.mesh.test', identity)).toEqual({
        outcome: 'secure',
        names: ['api.mesh.test'],
        hosts: ['api.mesh.test'],
      });
    });

    it('a certificate for another name is refused, although it is that of the address', async () => {
      const local = await ca.issue({ name: 'localhost', dns: ['localhost', '127.0.0.1'] });
      expect(await asked('https://api.mesh.test', local)).toMatchObject({
        outcome: 'ERR_TLS_CERT_ALTNAME_INVALID',
        hosts: [],
      });
    });

    it('tls.serverName goes before the name of baseURL', async () => {
      expect(await asked('https://anything.test', identity, { serverName: 'api.mesh.test' })).toMatchObject({
        outcome: 'secure',
        names: ['api.mesh.test'],
        hosts: ['anything.test'],
      });
    });
  });
});

describe('endpoints with names of their own', () => {
  async function startNamed(name: string, certified = name) {
    const upstream = await startHttps(await ca.issue({ name: certified, dns: [certified] }), answer(200, name));
    return { port: upstream.port, requests: upstream.requests };
  }
  const configOf = (ports: number[], names: (string | undefined)[], more: HttpClientConfig = {}): HttpClientConfig => ({
    baseURL: 'https://api.mesh.test',
    endpoints: { static: ports.map((port, i) => ({ address: `127.0.0.1:${port}`, serverName: names[i] })) },
    balance: { strategy: 'round-robin' },
    tls: { ca: ca.cert },
    retry: false,
    ...more,
  });

  describe.each([...lanes, ['HTTP/2 and HTTP/1.1 by ALPN', {}] as const])('on %s', (title, lane) => {
    const allowH2 = title.startsWith('HTTP/2');

    it('each is verified by its own, also against tls.serverName, and the Host stays', async () => {
      const [a, b] = [await startNamed('a.mesh.test'), await startNamed('b.mesh.test')];
      const names = ['a.mesh.test', 'b.mesh.test'];
      for (const serverName of [undefined, 'other.mesh.test']) {
        const tls = { ca: ca.cert, serverName };
        const { client } = watch(configOf([a.port, b.port], names, { allowH2, tls }));
        const answers = [];
        for (let i = 0; i < 4; i++) answers.push((await client.get('/', lane)).data);
        expect(answers.sort()).toEqual(['a.mesh.test', 'a.mesh.test', 'b.mesh.test', 'b.mesh.test']);
      }
      expect(a.requests[0]?.headers.host).toBe('api.mesh.test');
    });

    it('one that shows the certificate of another is refused', async () => {
      const a = await startNamed('a.mesh.test', 'b.mesh.test');
      const { client } = watch(configOf([a.port], ['a.mesh.test'], { allowH2 }));
      await expect(client.get('/', lane)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
      expect(a.requests).toEqual([]);
    });

    it('an update to another name does not use connections that were verified by the first', async () => {
      const a = await startNamed('a.mesh.test');
      const { client } = watch(configOf([a.port], ['a.mesh.test'], { allowH2 }));
      await client.get('/', lane);
      client.update(configOf([a.port], ['b.mesh.test'], { allowH2 }));
      await expect(client.get('/', lane)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    });
  });
});

describe('over HTTP/2', () => {
  it.each([
    ['those of baseURL', 'api.mesh.test', undefined],
    ["those of baseURL and, with serverName, the endpoint's own", 'other.mesh.test', 'api.mesh.test'],
  ])('the address is that of the endpoint; authority and server name are %s', async (_, name, serverName) => {
    const seen: unknown[] = [];
    const sessions: http2.ServerHttp2Session[] = [];
    const start = async () => {
      const server = http2.createSecureServer({ cert: identity.cert, key: identity.key });
      server.on('session', (session) => sessions.push(session));
      server.on('stream', (stream, headers) => {
        const socket = stream.session?.socket as (TLSSocket & { servername?: string }) | undefined;
        // With or without the port that goes without saying: it is the same name.
        seen.push(`${headers[':authority']?.replace(/:443$/, '')} ${socket?.servername}`);
        stream.respond({ ':status': 200 });
        stream.end('second');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => {
        for (const session of sessions) session.destroy();
        server.close();
      });
      return (server.address() as AddressInfo).port;
    };
    const addresses = [await start(), await start()].map((port) => `127.0.0.1:${port}`);
    const { client } = watch({
      baseURL: `https://${name}`,
      endpoints: { static: addresses.map((address) => ({ address, serverName })) },
      balance: { strategy: 'round-robin' },
      allowH2: true,
      tls: { ca: ca.cert },
      retry: false,
    });
    for (let i = 0; i < 6; i++) expect((await client.get('/')).data).toBe('second');
    expect(counted(seen as string[])).toEqual({ [`${name} api.mesh.test`]: 6 });
    expect(sessions).toHaveLength(2);
  });
});
