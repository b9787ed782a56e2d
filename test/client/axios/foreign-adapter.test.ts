/** Another adapter in place of the stack, of a client or of a single call: axios's rules hold. */
import axios, { type AxiosAdapter, type AxiosInstance, type AxiosRequestConfig } from 'axios';
import MockAdapter from 'axios-mock-adapter';
import { createHttpClient } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';
import { baseURL, scripted, silent } from '../scripted.js';

const ok: AxiosAdapter = async (config) => ({ data: '{"ok":true}', status: 200, statusText: '', headers: {}, config });
const failing: AxiosAdapter = async (config) => {
  throw new axios.AxiosError('no', 'ERR_BAD_RESPONSE', config, {}, await ok(config));
};

/** The same done to an instance of axios and to a client. */
const instances: [string, (adapter: unknown) => AxiosInstance][] = [
  ['an instance of axios', (adapter) => axios.create({ baseURL, adapter: adapter as AxiosAdapter })],
  [
    'a client',
    (adapter) => {
      const client = createHttpClient({ baseURL }, { logger: silent });
      onTestFinished(() => client.close());
      client.defaults.adapter = adapter as AxiosAdapter;
      return client;
    },
  ],
  [
    'an instance made from a client',
    (adapter) => {
      const client = createHttpClient({ baseURL }, { logger: silent });
      onTestFinished(() => client.close());
      return client.create({ adapter: adapter as AxiosAdapter });
    },
  ],
  [
    'a call of a client',
    (adapter) => {
      const client = createHttpClient({ baseURL }, { logger: silent });
      onTestFinished(() => client.close());
      const get = (url: string, config?: AxiosRequestConfig) =>
        client.get(url, { adapter: adapter as AxiosAdapter, ...config });
      return { get } as AxiosInstance;
    },
  ],
];

/** Options that say from the start, or once `abort` is called, that nobody waits any more. */
const cancellations: [string, () => { options: AxiosRequestConfig; abort: () => void }][] = [
  [
    'signal',
    () => {
      const controller = new AbortController();
      return { options: { signal: controller.signal }, abort: () => controller.abort() };
    },
  ],
  [
    'cancel token',
    () => {
      const { token, cancel } = axios.CancelToken.source();
      return { options: { cancelToken: token }, abort: () => cancel('not needed') };
    },
  ],
];

describe.each(instances)('%s', (_, instance) => {
  describe.each(cancellations)('with a %s', (__, cancellation) => {
    it('that says so beforehand asks the adapter for nothing', async () => {
      let asked = 0;
      const http = instance((config: never) => {
        asked++;
        return ok(config);
      });
      const { options, abort } = cancellation();
      abort();
      expect(axios.isCancel(await rejection(http.get('/', options)))).toBe(true);
      expect(asked).toBe(0);
    });

    it.each([
      ['answers', ok],
      ['fails', failing],
    ])('that says so while the adapter, which does not listen, %s', async (___, adapter) => {
      const { options, abort } = cancellation();
      const http = instance((config: never) => {
        abort();
        return adapter(config);
      });
      expect(await rejection(http.get('/', options))).toMatchObject({ code: 'ERR_CANCELED' });
    });
  });

  it('takes the first adapter of a list that there is', async () => {
    expect((await instance(['xhr', ok]).get('/')).data).toEqual({ ok: true });
  });

  it.each([['http'], ['fetch'], [['fetch', 'http']]])(
    'goes by the adapter that axios knows by the name %j',
    async (name) => {
      const { origin } = await startHttp((_request, response) => void response.end('by name'));
      expect((await instance(name).get('/', { baseURL: origin })).data).toBe('by name');
    },
  );

  it('refuses what no adapter is', async () => {
    expect(await rejection(instance('smtp').get('/'))).toMatchObject({
      isAxiosError: true,
      message: "Unknown adapter 'smtp'",
    });
    expect(await rejection(instance(['xhr']).get('/'))).toMatchObject({ isAxiosError: true, code: 'ERR_NOT_SUPPORT' });
  });
});

it('a mock adapter on a client knows a signal that was aborted', async () => {
  const { client } = scripted([]);
  new MockAdapter(client as never).onGet('/').reply(200, {});
  expect(await rejection(client.get('/', { signal: AbortSignal.abort() }))).toMatchObject({ code: 'ERR_CANCELED' });
});

it('a call that is cancelled in the moment of its answer is cancelled, by the stack too', async () => {
  for (const reply of [200, 500]) {
    const controller = new AbortController();
    const { client } = scripted([reply], { retry: false });
    client.on('call.ended', () => controller.abort());
    expect(await rejection(client.get('/', { signal: controller.signal }))).toMatchObject({ code: 'ERR_CANCELED' });
  }
});
