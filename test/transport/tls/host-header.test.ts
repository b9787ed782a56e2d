/** The Host header of a call names no server: SNI and the check of the certificate stay with the URL, or `tls.serverName`. */
import type { TLSSocket } from 'node:tls';
import type { HttpClientConfig } from 'pillion';
import { beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { type Authority, authority, type Identity } from '../../support/certificates.js';
import { lanes, rejection, until, watch } from '../../support/client.js';
import { startH2 as listenH2, ca as ofH2, overH2 } from '../../support/h2-server.js';
import { type Behaviour, startHttps } from '../../support/upstream.js';

let ca: Authority;
let server: Identity;

beforeAll(async () => {
  ca = await authority('our CA');
  server = await ca.issue({ name: 'server', dns: ['localhost'] });
});

/** An upstream over TLS, with the Host header and the SNI of every request. */
async function named(...script: Behaviour[]) {
  const seen: (readonly [string | undefined, unknown])[] = [];
  const [first = answer(200, 'ok'), ...others] = script;
  const noting =
    (behave: Behaviour): Behaviour =>
    (request, response) => {
      seen.push([request.headers.host, (request.socket as TLSSocket & { servername?: unknown }).servername]);
      behave(request, response);
    };
  const upstream = await startHttps({ ...server }, noting(first), ...others.map(noting));
  return { ...upstream, seen };
}

/** Every way a Host header comes to a call. */
const ways: readonly [string, (origin: string) => { config?: HttpClientConfig; call?: object }][] = [
  ['of the call', () => ({ call: { headers: { Host: 'billing.test' } } })],
  ['of `headers`', () => ({ config: { headers: { host: 'billing.test' } } })],
  ['of `requestHeaders.set`', () => ({ config: { requestHeaders: { set: { host: 'billing.test' } } } })],
  [
    'of a split target',
    (origin) => ({
      config: { split: [{ targets: [{ name: 'a', baseURL: origin, weight: 1, headers: { host: 'billing.test' } }] }] },
    }),
  ],
];

describe.each(lanes)('on %s', (_, lane) => {
  it.each(ways)(
    'a Host header %s reaches the server, which is verified by the name in the URL',
    async (_way, given) => {
      const { origin, seen } = await named();
      const { config, call } = given(origin);
      const { client } = watch({ baseURL: origin, tls: { ca: ca.cert }, retry: false, ...config });
      expect((await client.get('/', { ...lane, ...call })).data).toBe('ok');
      expect(seen).toEqual([['billing.test', 'localhost']]);
    },
  );

  it('calls with different Host headers share one connection', async () => {
    const { origin, seen, connections } = await named();
    const { client } = watch({ baseURL: origin, tls: { ca: ca.cert }, retry: false });
    for (const Host of ['a.test', 'b.test', undefined]) await client.get('/', { ...lane, headers: { Host } });
    expect(seen.map(([host]) => host)).toEqual(['a.test', 'b.test', new URL(origin).host]);
    expect(connections).toHaveLength(1);
  });

  it('no name is sent for an address, whatever the Host header says', async () => {
    const { port, seen } = await named();
    const baseURL = `https://127.0.0.1:${port}`;
    const call = { ...lane, headers: { Host: 'localhost' } };
    const { client } = watch({ baseURL, tls: { ca: ca.cert }, retry: false });
    expect(await rejection(client.get('/', call))).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    const known = watch({ baseURL, tls: { ca: ca.cert, subjectAltNames: ['localhost'] }, retry: false });
    expect((await known.client.get('/', call)).data).toBe('ok');
    expect(seen).toEqual([['localhost', false]]);
  });

  it('a Host header cannot make up for a certificate of another name', async () => {
    const { port, seen } = await named();
    const other = await ca.issue({ name: 'other', dns: ['other.test'] });
    const wrong = await startHttps({ ...other }, answer(200, 'wrong'));
    const { client } = watch({ tls: { ca: ca.cert }, retry: false });
    const call = { ...lane, headers: { Host: 'other.test' } };
    expect(await rejection(client.get(`https://localhost:${wrong.port}/`, call))).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(wrong.requests).toEqual([]);
    expect((await client.get(`https://localhost:${port}/`, call)).data).toBe('ok');
    expect(seen).toEqual([['other.test', 'localhost']]);
  });

  it('the name of an endpoint is that of the URL, whatever the Host header says', async () => {
    const { port, seen } = await named();
    const endpoints = { static: [{ address: `127.0.0.1:${port}` }] };
    const { client } = watch({ baseURL: 'https://localhost', endpoints, tls: { ca: ca.cert }, retry: false } as never);
    expect((await client.get('/', { ...lane, headers: { Host: 'billing.test' } })).data).toBe('ok');
    expect(seen).toEqual([['billing.test', 'localhost']]);
  });

  it('`tls.serverName` is the name, whatever the Host header says', async () => {
    const { port, seen } = await named();
    const tls = { ca: ca.cert, serverName: 'localhost' };
    const { client } = watch({ baseURL: `https://127.0.0.1:${port}`, tls, retry: false });
    await client.get('/', { ...lane, headers: { Host: 'billing.test' } });
    expect(seen).toEqual([['billing.test', 'localhost']]);
  });

  it('a redirect to another server is verified by the name of that server', async () => {
    const target = await named();
    const from = await named((_request, response) => {
      response.writeHead(302, { location: `${target.origin}/` }).end();
    });
    const { client } = watch({ maxRedirects: 1, tls: { ca: ca.cert }, retry: false });
    const call = { ...lane, headers: { Host: 'billing.test' } };
    expect((await client.get(`${from.origin}/`, call)).data).toBe('ok');
    expect(target.seen).toEqual([[new URL(target.origin).host, 'localhost']]);
  });

  it('a copy has the suffix in its Host header alone', async () => {
    const [main, shadow] = [await named(), await named()];
    const { client } = watch({
      baseURL: main.origin,
      tls: { ca: ca.cert },
      mirror: [{ baseURL: shadow.origin }],
      retry: false,
    });
    await client.get('/', { ...lane, headers: { Host: 'billing.test' } });
    await until(() => shadow.seen.length > 0);
    expect(shadow.seen).toEqual([['billing.test-shadow', 'localhost']]);
  });
});

describe('over HTTP/2', () => {
  it.each([
    ['the pool', {}],
    ["axios's http adapter", { family: 4, httpVersion: 2 }],
  ] as const)('a Host header is the authority of the request, and names no server: %s', async (_, lane) => {
    const { origin, requests, sessions } = await listenH2([
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.end('ok');
      },
    ]);
    const { client } = watch(overH2(origin, { tls: { ca: ofH2.cert }, requestHeaders: { set: { host: 'b.test' } } }));
    expect((await client.get('/', { ...lane } as object)).data).toBe('ok');
    expect(requests.map((headers) => headers[':authority'] ?? headers.host)).toEqual(['b.test']);
    expect(sessions.map(({ socket }) => (socket as TLSSocket & { servername?: unknown }).servername)).toEqual([
      'localhost',
    ]);
  });
});
