import { createHttpClient, type HttpClientConfig } from 'pillion';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silent } from '../support/client.js';
import { startHttp, type Upstream } from '../support/upstream.js';

let proxy: Upstream;
let server: Upstream;

beforeEach(async () => {
  proxy = await startHttp((request, response) => response.end(`proxy saw ${request.url}`));
  server = await startHttp((_, response) => response.end('server'));
  for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']) vi.stubEnv(name, proxy.origin);
  for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function answer(config: HttpClientConfig, options = {}): Promise<string> {
  const client = createHttpClient({ baseURL: server.origin, ...config }, { logger: silent });
  try {
    return (await client.get('/path', options)).data;
  } finally {
    await client.close();
  }
}

describe('a proxy named by the environment', () => {
  it.each([
    ['the fast lane', {}],
    ["axios's http adapter", { maxRedirects: 1 }],
  ])('is left alone by default, on %s', async (_, options) => {
    expect(await answer({}, options)).toBe('server');
    expect(await answer({ proxy: false }, options)).toBe('server');
  });

  it("is used with proxy: 'env'", async () => {
    expect(await answer({ proxy: 'env' })).toBe(`proxy saw ${server.origin}/path`);
  });

  it("is used with proxy: 'env' for destinations that NO_PROXY does not name", async () => {
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    vi.stubEnv('no_proxy', '127.0.0.1');
    expect(await answer({ proxy: 'env' })).toBe('server');
  });

  it('can be switched off for one call', async () => {
    expect(await answer({ proxy: 'env' }, { proxy: false })).toBe('server');
  });

  it('goes and comes with update', async () => {
    const client = createHttpClient({ baseURL: server.origin }, { logger: silent });
    client.update({ baseURL: server.origin, proxy: 'env' });
    expect((await client.get('/path')).data).toContain('proxy saw');
    client.update({ baseURL: server.origin });
    expect((await client.get('/path')).data).toBe('server');
    await client.close();
  });
});

describe('a proxy named by a call', () => {
  it('is used', async () => {
    const { hostname: host, port } = new URL(proxy.origin);
    expect(await answer({}, { proxy: { host, port: Number(port) } })).toBe(`proxy saw ${server.origin}/path`);
  });
});

describe('a proxy variable that is no URL', () => {
  it.each(['http://[', 'http://proxy:port', 'http://user:planted@proxy:99999', 'socks5://proxy:1080', '://'])(
    '%s fails each call by a code and names the variable, not its value',
    async (value) => {
      for (const name of ['HTTP_PROXY', 'http_proxy']) vi.stubEnv(name, name === 'HTTP_PROXY' ? value : '');
      for (const options of [{}, { maxRedirects: 1 }]) {
        const error = await answer({ proxy: 'env' }, options).catch((reason) => reason);
        expect(error).toMatchObject({ code: 'ERR_CONFIG' });
        expect(error.message).toContain('HTTP_PROXY');
        expect(error.message).not.toContain('planted');
      }
    },
  );

  it('is left alone where the proxy is not asked for, or not for this host', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']) vi.stubEnv(name, 'http://[');
    expect(await answer({})).toBe('server');
    vi.stubEnv('no_proxy', '127.0.0.1');
    expect(await answer({ proxy: 'env' })).toBe('server');
  });
});
