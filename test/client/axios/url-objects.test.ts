/** A `URL` in place of text, as axios takes it. */
import axios from 'axios';
import { createHttpClient, createUndiciAdapter, usePolicies } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { rejection, silent } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

const verbs = ['get', 'delete', 'head', 'options', 'post', 'put', 'patch', 'query', 'postForm', 'putForm'] as const;
type Call = (url: URL) => Promise<{ status: number }>;

async function scene() {
  const upstream = await startHttp(answer());
  const url = new URL(`${upstream.origin}/path?a=1`);
  const client = createHttpClient({ baseURL: `${upstream.origin}/base` }, { logger: silent });
  onTestFinished(() => client.close({ grace: 0 }));
  const instance = axios.create({ proxy: false });
  const policies = usePolicies(instance, {}, { logger: silent });
  onTestFinished(() => policies.close({ grace: 0 }));
  const adapter = createUndiciAdapter();
  onTestFinished(() => adapter.destroy());
  return { upstream, url, client, instance, bare: axios.create({ adapter, proxy: false }) };
}

describe('a URL object', () => {
  it.each(verbs)(
    'is taken by %s of a client, an instance with policies and one with the bare adapter',
    async (verb) => {
      const { upstream, url, client, instance, bare } = await scene();
      for (const each of [client, instance, bare])
        for (const lane of [{}, { family: 4 as const }])
          expect(
            (await (each[verb] as unknown as (...args: unknown[]) => ReturnType<Call>)(url, lane, lane)).status,
          ).toBe(200);
      expect(upstream.requests.map(({ path }) => path)).toEqual(Array(6).fill('/path?a=1'));
    },
  );

  it('is taken by client(url), client(url, config), request({ url }) and an interceptor', async () => {
    const { upstream, url, client } = await scene();
    const call = client as unknown as (target: URL, config?: object) => ReturnType<Call>;
    await call(url);
    await call(url, { method: 'post', params: { b: 2 } });
    await client.request({ url: url as never });
    client.interceptors.request.use((config) => config);
    await client.get(url as never);
    expect(upstream.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /path?a=1',
      'POST /path?a=1&b=2',
      'GET /path?a=1',
      'GET /path?a=1',
    ]);
  });

  it('is taken for the baseURL of a call and of defaults', async () => {
    const { upstream, client, instance } = await scene();
    const baseURL = new URL(`${upstream.origin}/other/`) as never;
    await client.get('/path', { baseURL });
    await client.get('/path', { baseURL, family: 4 });
    await instance.get('/path', { baseURL });
    client.defaults.baseURL = baseURL;
    await client.get('path');
    expect(upstream.requests.map(({ path }) => path)).toEqual(Array(4).fill('/other/path'));
  });

  it('is held to the origin like text, and shown without secrets', async () => {
    const { client } = await scene();
    const error = await rejection(client.get(new URL('http://user:s3cret@127.0.0.1:1/?token=s3cret') as never));
    expect(error.code).toBe('ERR_ORIGIN_NOT_ALLOWED');
    expect(error.message).not.toContain('s3cret');
  });
});
