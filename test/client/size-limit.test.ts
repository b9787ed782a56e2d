import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { createHttpClient, type HttpClientConfig, type HttpClientDeps } from 'pillion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Loopback, listen } from './loopback.js';
import { type Rejected, silent } from './scripted.js';

const limit = 10 * 1024 * 1024;
let server: Loopback;

beforeAll(async () => {
  const packed = gzipSync(Buffer.alloc(limit + 1));
  server = await listen((request, response) => {
    if (request.url === '/packed') response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
    else response.end(Buffer.alloc(Number(request.url?.slice(1)), 'x'));
  });
});
afterAll(() => server.close());

/** Bytes of the body, or the error. */
async function fetched(path: string, config: HttpClientConfig = {}, options = {}, deps: HttpClientDeps = {}) {
  const client = createHttpClient({ baseURL: server.origin, ...config }, { logger: silent, ...deps });
  try {
    const { data } = await client.get(path, { responseType: 'arraybuffer', ...options });
    return data.length as number;
  } catch (error) {
    return error as Rejected;
  } finally {
    await client.close();
  }
}

const refused = (bytes: number) =>
  expect.objectContaining({
    code: 'ERR_BAD_RESPONSE',
    message: `maxContentLength size of ${bytes} exceeded`,
    attempts: 1,
  });

const lanes: [string, object][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { maxRedirects: 1 }],
];

describe.each(lanes)('the size of an answer on %s', (_, lane) => {
  it('may be 10 MiB by default, and not a byte more', async () => {
    expect(await fetched(`/${limit}`, {}, lane)).toBe(limit);
    expect(await fetched(`/${limit + 1}`, {}, lane)).toEqual(refused(limit));
  });

  it('is that of the decompressed body', async () => {
    expect(await fetched('/packed', {}, lane)).toEqual(refused(limit));
  });

  it('is bounded by the configuration', async () => {
    const config = { maxContentLength: 100 };
    expect(await fetched('/100', config, lane)).toBe(100);
    expect(await fetched('/101', config, lane)).toEqual(refused(100));
  });

  it('is bounded by the call, or not at all with -1', async () => {
    expect(await fetched('/101', {}, { ...lane, maxContentLength: 100 })).toEqual(refused(100));
    expect(await fetched(`/${limit + 1}`, {}, { ...lane, maxContentLength: -1 })).toBe(limit + 1);
  });

  it('is bounded by deps.axios', async () => {
    expect(await fetched('/101', {}, lane, { axios: { maxContentLength: 100 } })).toEqual(refused(100));
    expect(await fetched(`/${limit + 1}`, {}, lane, { axios: { maxContentLength: -1 } })).toBe(limit + 1);
  });

  it('is bounded by client.defaults', async () => {
    const client = createHttpClient({ baseURL: server.origin }, { logger: silent });
    client.defaults.maxContentLength = 100;
    await expect(client.get('/101', lane)).rejects.toEqual(refused(100));
    await client.close();
  });

  it('is not bounded with maxContentLength -1, and has nothing to do with limits', async () => {
    expect(await fetched(`/${limit + 1}`, { limits: false }, lane)).toEqual(refused(limit));
    expect(await fetched(`/${limit + 1}`, { maxContentLength: -1 }, lane)).toBe(limit + 1);
  });

  it('is no matter for a stream, which takes no memory', async () => {
    const client = createHttpClient({ baseURL: server.origin }, { logger: silent });
    const { data } = await client.get(`/${limit + 1}`, { ...lane, responseType: 'stream' });
    expect((await buffer(data)).length).toBe(limit + 1);
    await client.close();
  });
});
