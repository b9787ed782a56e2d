import https from 'node:https';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../support/behaviours.js';
import { type Authority, authority, type Identity } from '../support/certificates.js';
import { rejection, watch } from '../support/client.js';
import { type Behaviour, startHttp, startHttps, startTcp } from '../support/upstream.js';

const lane = { maxRedirects: 1 };

let ca: Authority;
let server: Identity;
let client: Identity;

beforeAll(async () => {
  ca = await authority('our CA');
  server = await ca.issue({ name: 'localhost', dns: ['localhost'] });
  client = await ca.issue({ name: 'client' });
});

const slowly: Behaviour = (_, response) => {
  setTimeout(() => response.end('slow'), 30);
};

describe("axios's http adapter under our policies", () => {
  it('has the identity of the client', async () => {
    const { origin, requests } = await startHttps({ ...server, ca: ca.cert, requestCert: true }, answer(200, 'known'));
    const { cert, key } = client;
    const watched = watch({ baseURL: origin, tls: { cert, key, ca: ca.cert } });
    expect((await watched.client.get('/', lane)).data).toBe('known');
    expect(requests).toHaveLength(1);
  });

  it.each<[string, object]>([
    ['serverName', { serverName: 'elsewhere.test' }],
    ['subjectAltNames', { subjectAltNames: ['spiffe://prod/billing'] }],
    ['pins', { pins: [`${'A'.repeat(43)}=`] }],
  ])('checks the server by %s', async (_, tls) => {
    const { origin, requests } = await startHttps(server, answer());
    const watched = watch({ baseURL: origin, tls: { ca: ca.cert, ...tls } });
    expect(await rejection(watched.client.get('/', lane))).toMatchObject({
      code: expect.stringMatching(/^(ERR_TLS_CERT_ALTNAME_INVALID|ERR_TLS_IDENTITY)$/),
      attempts: 1,
    });
    expect(requests).toEqual([]);
  });

  it('goes by the agent of a call where there is one', async () => {
    const { origin } = await startHttps(server, answer(200, 'by its own agent'));
    const watched = watch({ baseURL: origin });
    const httpsAgent = new https.Agent({ ca: ca.cert });
    expect((await watched.client.get('/', { httpsAgent })).data).toBe('by its own agent');
    httpsAgent.destroy();
  });

  it('has the connect timeout of the client, and a POST is made again', async () => {
    const { port, connections } = await startTcp((socket) => socket.resume());
    const watched = watch({ baseURL: `https://127.0.0.1:${port}`, timeouts: { connect: 150 } });
    const error = await rejection(watched.client.post('/', {}, lane));
    expect(error).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', attempts: 3 });
    expect(connections).toHaveLength(3);
  });

  it('has the limits of the client: connections for each origin', async () => {
    const { origin, connections } = await startHttp(slowly);
    const watched = watch({ baseURL: origin, limits: { maxRequests: 2 } });
    await Promise.all(Array.from({ length: 6 }, () => watched.client.get('/', lane)));
    expect(connections).toHaveLength(2);
  });

  it('has the limits of the client: the size of a body', async () => {
    const { origin } = await startHttp(answer(200, 'x'.repeat(101)));
    const watched = watch({ baseURL: origin, maxContentLength: 100 });
    expect(await rejection(watched.client.get('/', lane))).toMatchObject({ code: 'ERR_BAD_RESPONSE', attempts: 1 });
  });

  it('follows a redirect as part of one attempt', async () => {
    const { origin, requests } = await startHttp(answer(302, '', { location: '/new' }), answer(200, 'moved'));
    const watched = watch({ baseURL: origin });
    const response = await watched.client.get('/old', lane);
    expect(response.data).toBe('moved');
    expect(requests.map(({ path }) => path)).toEqual(['/old', '/new']);
    expect(watched.client.stats().attempts).toBe(1);
  });

  it('sends credentials and cookies no further than the origin they were meant for', async () => {
    const other = await startHttp(answer(200, 'elsewhere'));
    const { origin } = await startHttp(answer(302, '', { location: `${other.origin}/` }));
    const watched = watch({ baseURL: origin });
    const headers = { authorization: 'Bearer t', cookie: 'a=b' };
    await watched.client.get('/', { ...lane, headers, allowAbsoluteUrls: true });
    expect(other.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(other.requests[0]?.headers).not.toHaveProperty('cookie');
  });

  it('tells the log how many bytes came over the wire, where the server said so', async () => {
    const packed = gzipSync('x'.repeat(10_000));
    const { origin } = await startHttp(
      answer(200, 'ü', { 'content-length': '2' }),
      answer(200, packed, { 'content-encoding': 'gzip', 'content-length': String(packed.length) }),
    );
    const watched = watch({ baseURL: origin });
    for (let i = 0; i < 2; i++) await watched.client.get('/', lane);
    const sizes = watched.lines.map(({ fields }) => fields['http.response.body.size']);
    expect(sizes).toEqual([2, packed.length]);
  });

  it('reports the sizes of an upload', async () => {
    const { origin } = await startHttp(answer());
    const watched = watch({ baseURL: origin });
    const sizes: number[] = [];
    await watched.client.post('/', 'x'.repeat(1000), { onUploadProgress: ({ loaded }) => sizes.push(loaded) });
    expect(sizes.at(-1)).toBe(1000);
  });
});
