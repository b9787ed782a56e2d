import { createHttpClient, type HttpClientConfig } from 'pillion';
import { beforeEach, describe, expect, it } from 'vitest';
import { rejection, silent } from '../support/client.js';
import { startHttp, type Upstream } from '../support/upstream.js';

let server: Upstream;

beforeEach(async () => {
  server = await startHttp((request, response) => {
    const left = /^\/hops\/(\d+)$/.exec(request.url ?? '')?.[1];
    if (left === undefined || left === '0') response.end('arrived');
    else response.writeHead(302, { location: `/hops/${Number(left) - 1}` }).end('elsewhere');
  });
});

async function withClient<T>(
  config: HttpClientConfig,
  use: (client: ReturnType<typeof createHttpClient>) => Promise<T>,
) {
  const client = createHttpClient({ baseURL: server.origin, ...config }, { logger: silent });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

describe('redirects', () => {
  it('are not followed by default: a 302 is an answer like any other', async () => {
    const error = await withClient({}, (client) => rejection(client.get('/hops/1')));
    expect(error).toMatchObject({ status: 302, code: 'ERR_BAD_RESPONSE', attempts: 1 });
    expect(server.requests.map(({ path }) => path)).toEqual(['/hops/1']);
  });

  it('are the caller’s to follow where validateStatus takes them', async () => {
    const validateStatus = (status: number) => status < 400;
    const response = await withClient({}, (client) => client.get('/hops/1', { validateStatus }));
    expect(response).toMatchObject({ status: 302, data: 'elsewhere' });
    expect(response.headers.location).toBe('/hops/0');
  });

  it('are followed as often as the configuration says', async () => {
    const response = await withClient({ maxRedirects: 2 }, (client) => client.get('/hops/2'));
    expect(response.data).toBe('arrived');
    expect(server.requests.map(({ path }) => path)).toEqual(['/hops/2', '/hops/1', '/hops/0']);
  });

  it('are followed as often as the call says', async () => {
    const response = await withClient({}, (client) => client.get('/hops/1', { maxRedirects: 5 }));
    expect(response.data).toBe('arrived');
    const error = await withClient({ maxRedirects: 5 }, (client) =>
      rejection(client.get('/hops/1', { maxRedirects: 0 })),
    );
    expect(error.status).toBe(302);
  });

  it('beyond the limit fail once, and are not retried', async () => {
    const error = await withClient({ maxRedirects: 1 }, (client) => rejection(client.get('/hops/3')));
    expect(error).toMatchObject({ code: 'ERR_FR_TOO_MANY_REDIRECTS', attempts: 1 });
    expect(server.requests).toHaveLength(2);
  });
});
