/** A client certificate is shown to the origin it is meant for, and to no other. */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import axios from 'axios';
import {
  createHttpClient,
  createUndiciAdapter,
  type HttpClientConfig,
  type HttpClientDeps,
  usePolicies,
} from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Behaviour, startHttps } from '../../support/upstream.js';
import { mutual, oldAndNext, rotating, showName, silent } from './rotating.js';

const { ca, server, old, next } = await oldAndNext();
const tls = { cert: old.cert, key: old.key, ca: ca.cert };
const lanes: readonly [string, { family?: 4 }, HttpClientConfig?][] = [
  ['the fast lane', {}],
  ['the fast lane that offers HTTP/2', {}, { allowH2: true }],
  ["axios's http adapter", { family: 4 }],
];

const start = (...script: Behaviour[]) => startHttps(mutual(server, ca, { rejectUnauthorized: false }), ...script);

/** The home redirects each request below `/away` to another origin; both tell whose certificate they were shown. */
async function scene(config: HttpClientConfig = {}, deps: HttpClientDeps = {}) {
  const other = await start(showName);
  const home = await start((request, response) => {
    if (!request.url?.startsWith('/away')) return showName(request, response);
    return response.writeHead(307, { location: `${other.origin}/` }).end();
  });
  const identity = deps.identity === undefined ? { tls } : {};
  const client = createHttpClient(
    { baseURL: home.origin, allowAbsoluteUrls: true, maxRedirects: 3, retry: false, ...identity, ...config },
    { logger: silent, ...deps },
  );
  onTestFinished(() => client.close({ grace: 0 }));
  return { client, home, other };
}

describe.each(lanes)('on %s the certificate of the client', (_, lane, config = {}) => {
  it('is shown to the origin of baseURL, and to nobody that a redirect leads to', async () => {
    const { client } = await scene(config);
    const names = [];
    for (const path of ['/', '/away', '/', '/away']) names.push((await client.get(path, lane)).data);
    expect(names).toEqual(['old', 'nobody', 'old', 'nobody']);
  });

  it('is not shown where an absolute URL leads, before and after it was shown at home', async () => {
    const { client, other, home } = await scene(config);
    const names = [];
    for (const url of [other.origin, home.origin, other.origin]) names.push((await client.get(url, lane)).data);
    expect(names).toEqual(['nobody', 'old', 'nobody']);
  });

  it('is shown to whatever a client without baseURL calls, and not where a redirect leads', async () => {
    const { client, other, home } = await scene({ ...config, baseURL: undefined as never });
    const names = [];
    for (const url of [other.origin, `${home.origin}/away`, other.origin])
      names.push((await client.get(url, lane)).data);
    expect(names).toEqual(['old', 'nobody', 'old']);
  });

  it('is not shown elsewhere after a rotation either', async () => {
    const { identity, rotate } = rotating(old, { ca: ca.cert });
    const { client } = await scene(config, { identity });
    await client.get('/away', lane);
    rotate(next);
    expect([(await client.get('/', lane)).data, (await client.get('/away', lane)).data]).toEqual(['next', 'nobody']);
  });

  it('is not needed to trust: the other server is still checked', async () => {
    const stranger = (await oldAndNext()).server;
    const untrusted = await startHttps({ cert: stranger.cert, key: stranger.key }, showName);
    const { client } = await scene(config);
    await expect(client.get(untrusted.origin, lane)).rejects.toMatchObject({
      code: expect.stringMatching(/CERT|VERIFY/),
    });
  });
});

describe('the certificate of', () => {
  it('createUndiciAdapter is not shown where a redirect leads, nor by an absolute URL beside a baseURL', async () => {
    const { home, other } = await scene();
    const adapter = createUndiciAdapter({ tls });
    onTestFinished(() => adapter.destroy());
    const instance = axios.create({ adapter, baseURL: home.origin, proxy: false });
    for (const lane of [{}, { family: 4 as const }]) {
      const names = [];
      for (const url of ['/', '/away', other.origin]) names.push((await instance.get(url, lane)).data);
      expect(names).toEqual(['old', 'nobody', 'nobody']);
    }
  });

  it('an instance with policies is for its baseURL', async () => {
    const { home, other } = await scene();
    const instance = axios.create({ baseURL: home.origin, proxy: false });
    const policies = usePolicies(instance, { tls, retry: false }, { logger: silent });
    onTestFinished(() => policies.close({ grace: 0 }));
    const names = [];
    for (const url of ['/', '/away', other.origin]) names.push((await instance.get(url)).data);
    expect(names).toEqual(['old', 'nobody', 'nobody']);
  });

  it('client.fetch is not shown where a redirect leads', async () => {
    const { client } = await scene();
    const names = [];
    for (const path of ['/', '/away']) names.push(await (await client.fetch(path)).text());
    expect(names).toEqual(['old', 'nobody']);
  });

  it('an agent of the caller’s is not shown where a redirect leads', async () => {
    const { home } = await scene();
    const client = createHttpClient({ maxRedirects: 3, retry: false }, { logger: silent });
    onTestFinished(() => client.close({ grace: 0 }));
    const httpsAgent = new https.Agent(tls);
    const names = [];
    for (const path of ['/', '/away']) names.push((await client.get(home.origin + path, { httpsAgent })).data);
    expect(names).toEqual(['old', 'nobody']);
  });

  it('a split target is shown there: it is configured like baseURL', async () => {
    const { home, other } = await scene();
    const split = [{ targets: [{ name: 'canary', baseURL: other.origin, weight: 1 }] }];
    const client = createHttpClient({ baseURL: home.origin, tls, split, retry: false }, { logger: silent });
    onTestFinished(() => client.close({ grace: 0 }));
    expect((await client.get('/')).data).toBe('old');
  });

  it('a client is not shown through the tunnel of a proxy where a redirect leads', async () => {
    const proxy = await startProxy();
    const { client } = await scene();
    const names = [];
    for (const path of ['/', '/away', '/', '/away']) names.push((await client.get(path, { proxy })).data);
    expect(names).toEqual(['old', 'nobody', 'old', 'nobody']);
  });
});

/** A proxy that tunnels to this machine. */
async function startProxy() {
  const sockets = new Set<{ destroy(): unknown }>();
  const proxy = http.createServer().on('connect', ({ url = '' }, socket) => {
    const upstream = net.connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const each of [socket, upstream]) sockets.add(each.on('error', () => {}));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return { host: '127.0.0.1', port: (proxy.address() as AddressInfo).port, protocol: 'http' };
}
