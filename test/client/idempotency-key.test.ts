/** An idempotency key makes a call repeatable, however it is given, and stays with a call that is sent once more. */
import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from 'axios';
import { createHttpClient, type HttpClientConfig, usePolicies } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer } from '../support/behaviours.js';
import { rejection, silent } from '../support/client.js';
import { startHttp } from '../support/upstream.js';

const retry = { backoff: { base: 1, max: 1 } };

async function scene(statuses: number[], config: HttpClientConfig = {}) {
  const upstream = await startHttp(...statuses.map((status) => answer(status)));
  const client = createHttpClient({ baseURL: upstream.origin, retry, ...config }, { logger: silent });
  onTestFinished(() => client.close({ grace: 0 }));
  const keys = () => upstream.requests.map(({ headers }) => headers['idempotency-key']);
  return { client, keys, upstream };
}

describe('an Idempotency-Key header', () => {
  it.each(['Idempotency-Key', 'idempotency-key', 'IDEMPOTENCY-KEY'])(
    'that the call sets makes a POST repeatable, spelt %s',
    async (name) => {
      const { client, keys } = await scene([503, 200]);
      await client.post('/', { n: 1 }, { headers: { [name]: 'k1' } });
      expect(keys()).toEqual(['k1', 'k1']);
    },
  );

  it('counts through client.fetch', async () => {
    const { client, keys } = await scene([503, 200]);
    const response = await client.fetch('/', { method: 'POST', body: 'x', headers: { 'idempotency-key': 'k1' } });
    expect(response.status).toBe(200);
    expect(keys()).toEqual(['k1', 'k1']);
  });

  it('counts as a header of the configuration, of defaults and of an interceptor', async () => {
    const { client, keys } = await scene([503, 200], { headers: { 'Idempotency-Key': 'configured' } });
    await client.patch('/', {});
    const second = await scene([503, 200]);
    second.client.defaults.headers.post['idempotency-key'] = 'default';
    await second.client.post('/', {});
    const third = await scene([503, 200]);
    third.client.interceptors.request.use((config) => {
      config.headers.set('Idempotency-Key', 'intercepted');
      return config;
    });
    await third.client.post('/', {});
    expect([keys(), second.keys(), third.keys()]).toEqual([
      ['configured', 'configured'],
      ['default', 'default'],
      ['intercepted', 'intercepted'],
    ]);
  });

  it('counts behind usePolicies, as a number and in an AxiosHeaders too', async () => {
    const { upstream, keys } = await scene([503, 200, 503, 200]);
    const instance = axios.create({ baseURL: upstream.origin, proxy: false });
    const policies = usePolicies(instance, { retry }, { logger: silent });
    onTestFinished(() => policies.close({ grace: 0 }));
    await instance.post('/', {}, { headers: { 'Idempotency-Key': 7 } });
    await instance.post('/', {}, { headers: new axios.AxiosHeaders({ 'idempotency-key': 'k' }) });
    expect(keys()).toEqual(['7', '7', 'k', 'k']);
  });

  it('counts for hedging', async () => {
    const upstream = await startHttp(
      () => {},
      (_, response) => response.end('hedge'),
    );
    const client = createHttpClient(
      { baseURL: upstream.origin, hedging: { delay: 20, budget: 1 } },
      { logger: silent },
    );
    onTestFinished(() => client.close({ grace: 0 }));
    expect((await client.post('/', {}, { headers: { 'Idempotency-Key': 'k1' } })).data).toBe('hedge');
  });

  it.each([[''], ['  '], [false], [null], [undefined]])('is none where it is %j', async (value) => {
    const { client, keys } = await scene([503, 200]);
    expect((await rejection(client.post('/', {}, { headers: { 'Idempotency-Key': value as never } }))).status).toBe(
      503,
    );
    expect(keys()).toHaveLength(1);
  });
});

describe('idempotencyKey: true', () => {
  const stacks: [string, (baseURL: string) => AxiosInstance][] = [
    [
      'a client',
      (baseURL) => {
        const client = createHttpClient({ baseURL, retry: false }, { logger: silent });
        onTestFinished(() => client.close({ grace: 0 }));
        return client;
      },
    ],
    [
      'usePolicies',
      (baseURL) => {
        const instance = axios.create({ baseURL, proxy: false });
        const policies = usePolicies(instance, { retry: false }, { logger: silent });
        onTestFinished(() => policies.close({ grace: 0 }));
        return instance;
      },
    ],
  ];

  it.each(stacks)('keeps its value where %s sends error.config once more', async (_, make) => {
    const { upstream, keys } = await scene([401, 200, 200]);
    const client = make(upstream.origin);
    const options = { idempotencyKey: true as const };
    const { config } = (await rejection(client.post('/', { n: 1 }, options))) as never as {
      config: InternalAxiosRequestConfig;
    };
    config.headers.set('Authorization', 'Bearer new');
    const again = await client(config);
    await client.request(again.config);
    const [first] = keys();
    expect(first).toMatch(/^[\da-f-]{36}$/);
    expect(keys()).toEqual([first, first, first]);
    expect(upstream.requests[1]).toMatchObject({ body: '{"n":1}', headers: { authorization: 'Bearer new' } });
    expect(options).toEqual({ idempotencyKey: true });
  });

  it.each(stacks)('keeps its value where an interceptor of %s refreshes the token', async (_, make) => {
    const { upstream, keys } = await scene([401, 200]);
    const client = make(upstream.origin);
    client.interceptors.response.use(undefined, (error) => {
      error.config.headers.Authorization = 'Bearer new';
      return client(error.config);
    });
    await client.post('/', { n: 1 }, { idempotencyKey: true });
    expect(new Set(keys()).size).toBe(1);
    expect(keys()).toHaveLength(2);
  });

  it.each(stacks)('is another one for each call of %s, with the same options too', async (_, make) => {
    const { upstream, keys } = await scene([200]);
    const client = make(upstream.origin);
    const options = { idempotencyKey: true as const };
    for (let i = 0; i < 3; i++) await client.post('/', {}, options);
    expect(new Set(keys()).size).toBe(3);
  });
});
