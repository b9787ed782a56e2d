import http from 'node:http';
import { Readable } from 'node:stream';
import type { AxiosRequestConfig } from 'axios';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { answer } from '../support/behaviours.js';
import { rejection, watch } from '../support/client.js';
import { startHttp } from '../support/upstream.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** How many requests took each lane, for one call. */
async function lanesOf(options: AxiosRequestConfig, config = {}) {
  const { origin } = await startHttp(answer());
  const { client } = watch({ baseURL: origin, ...config });
  await client.request({ method: 'POST', url: '/', retry: false, ...options }).catch(() => {});
  return (client.stats().policies.wire as { lanes: { undici: number; http: number } }).lanes;
}

const form = () => {
  const data = new FormData();
  data.set('a', 'b');
  return data;
};

describe('the fast lane takes', () => {
  it.each<[string, () => AxiosRequestConfig]>([
    ['a call with nothing special', () => ({})],
    ['a string', () => ({ data: 'text' })],
    ['an object', () => ({ data: { a: 1 } })],
    ['a Buffer', () => ({ data: Buffer.from('a') })],
    ['a typed array', () => ({ data: new Uint8Array([1]) })],
    ['an ArrayBuffer', () => ({ data: new ArrayBuffer(1) })],
    ['URLSearchParams', () => ({ data: new URLSearchParams({ a: 'b' }) })],
    ['a stream', () => ({ data: Readable.from([Buffer.from('a')]) })],
    ['params', () => ({ params: { a: 1 } })],
    ['basic auth', () => ({ auth: { username: 'a', password: 'b' } })],
    ['a signal', () => ({ signal: new AbortController().signal })],
    ['a timeout', () => ({ timeout: 1000 })],
    ['maxBodyLength', () => ({ data: 'text', maxBodyLength: 10 })],
    ['maxContentLength', () => ({ maxContentLength: 10 })],
    ['responseType json', () => ({ responseType: 'json' })],
    ['responseType text', () => ({ responseType: 'text' })],
    ['responseType arraybuffer', () => ({ responseType: 'arraybuffer' })],
    ['responseType stream', () => ({ responseType: 'stream' })],
    ['maxRedirects 0', () => ({ maxRedirects: 0 })],
    ['decompress: false', () => ({ decompress: false })],
    ['redirects', () => ({ maxRedirects: 1 })],
    ['upload progress', () => ({ data: 'text', onUploadProgress: () => {} })],
    ['download progress', () => ({ onDownloadProgress: () => {} })],
    ['responseType blob', () => ({ responseType: 'blob' as never })],
    ['a FormData', () => ({ data: form() })],
    ['a Blob', () => ({ data: new Blob(['a']) })],
    ['a stream that must not grow too large', () => ({ data: Readable.from([Buffer.from('a')]), maxBodyLength: 10 })],
    ['a web stream', () => ({ data: new Blob(['a']).stream() })],
  ])('%s', async (_, options) => {
    expect(await lanesOf(options())).toEqual({ undici: 1, http: 0 });
  });
});

describe("axios's http adapter takes", () => {
  it.each<[string, () => AxiosRequestConfig]>([
    ['an agent of the caller', () => ({ httpAgent: new http.Agent() })],
    ['a proxy', () => ({ proxy: { host: '127.0.0.1', port: 1 } })],
    ['a unix socket', () => ({ socketPath: '/nowhere.sock' })],
    ['a lookup of the caller', () => ({ lookup: () => ['127.0.0.1', 4] as never })],
    ['an address family', () => ({ family: 4 })],
    ['a transport of the caller', () => ({ transport: http })],
    ['a rate limit', () => ({ maxRate: 1_000_000 })],
    ['a lenient parser', () => ({ insecureHTTPParser: true })],
    ["axios's own HTTP/2", () => ({ httpVersion: 2 })],
    ['a header about the connection', () => ({ headers: { Expect: '100-continue' } })],
    ['a data: URL', () => ({ url: 'data:text/plain,a', method: 'get', baseURL: '', allowAbsoluteUrls: true })],
  ])('%s', async (_, options) => {
    expect(await lanesOf(options())).toEqual({ undici: 0, http: 1 });
  });

  it('every call with `proxy: env`, and goes through the proxy', async () => {
    const proxy = await startHttp(answer(200, 'from the proxy'));
    for (const name of ['HTTP_PROXY', 'http_proxy']) vi.stubEnv(name, proxy.origin);
    for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
    const { client } = watch({ baseURL: 'http://api.test', proxy: 'env' });
    expect((await client.get('/invoices')).data).toBe('from the proxy');
    expect(proxy.requests[0]?.path).toBe('http://api.test/invoices');
    expect(client.stats().policies.wire).toMatchObject({ lanes: { undici: 0, http: 1 } });
  });

  it('no call of a host that NO_PROXY names, where no redirect can lead elsewhere', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy']) vi.stubEnv(name, 'http://127.0.0.1:1');
    for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '127.0.0.1');
    expect(await lanesOf({}, { proxy: 'env' })).toEqual({ undici: 1, http: 0 });
    expect(await lanesOf({}, { proxy: 'env', maxRedirects: 1 })).toEqual({ undici: 0, http: 1 });
  });
});

describe('a retry', () => {
  it('takes the lane of the first attempt', async () => {
    const { origin } = await startHttp(answer(503), answer(503), answer());
    const { client } = watch({ baseURL: origin });
    await client.get('/');
    expect(client.stats().policies.wire).toMatchObject({ lanes: { undici: 3, http: 0 } });
  });
});

describe('a scheme that neither lane speaks', () => {
  it.each(['ftp://127.0.0.1/', 'file:///etc/hostname'])('%s is refused', async (url) => {
    const { client } = watch({});
    expect((await rejection(client.get(url))).code).toMatch(/^ERR_/);
  });
});
