/** A client knows its own defaults only, as an instance of `axios.create()` does: nothing set on the global axios reaches a call. */
import axios, { type AxiosInstance } from 'axios';
import { createHttpClient, createUndiciAdapter, usePolicies } from 'pillion';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { silent } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

const standard = { ...axios.defaults };
const common = { ...axios.defaults.headers.common };
const transitional = { ...axios.defaults.transitional };

afterEach(() => {
  for (const name of Object.keys(axios.defaults)) delete (axios.defaults as Record<string, unknown>)[name];
  Object.assign(axios.defaults, standard);
  axios.defaults.headers.common = common as never;
  Object.assign(axios.defaults.transitional as object, transitional);
});

/** Everything that would show. */
function setGlobalDefaults(): void {
  Object.assign(axios.defaults, {
    params: { leaked: 1 },
    paramsSerializer: { serialize: () => 'leaked=2' },
    baseURL: 'http://127.0.0.1:1/leaked',
    url: '/leaked',
    method: 'delete',
    data: 'leaked',
    auth: { username: 'leaked', password: 'leaked' },
    timeout: 1,
    responseType: 'arraybuffer',
    maxContentLength: 1,
    maxBodyLength: 0,
    socketPath: '/nowhere/leaked.sock',
    validateStatus: () => false,
    transformRequest: [() => 'leaked'],
    transformResponse: [() => 'leaked'],
    formSerializer: { indexes: true },
    idempotencyKey: 'leaked',
    allowAbsoluteUrls: false,
    transitional: { silentJSONParsing: false, forcedJSONParsing: false, advertiseZstdAcceptEncoding: true },
    adapter: () => Promise.reject(new Error('leaked')),
  });
  axios.defaults.headers.common = { 'x-leaked': '1' } as never;
}

const makers: [string, (baseURL: string) => AxiosInstance][] = [
  [
    'a client',
    (baseURL) => {
      const client = createHttpClient({ baseURL, tracing: { requestIdHeader: false } }, { logger: silent });
      onTestFinished(() => client.close({ grace: 0 }));
      return client;
    },
  ],
  [
    'an instance with policies',
    (baseURL) => {
      const instance = axios.create({ baseURL, proxy: false });
      const policies = usePolicies(instance, { tracing: { requestIdHeader: false } }, { logger: silent });
      onTestFinished(() => policies.close({ grace: 0 }));
      return instance;
    },
  ],
  [
    'an instance with the bare adapter',
    (baseURL) => {
      const adapter = createUndiciAdapter();
      onTestFinished(() => adapter.destroy());
      return axios.create({ baseURL, proxy: false, adapter });
    },
  ],
];

describe.each(makers)('%s', (_, make) => {
  it('makes the same calls whatever is set on the global axios later', async () => {
    const { origin, requests } = await startHttp(answer(200, '{"a":1}'));
    const instance = make(`${origin}/base`);
    const run = async () => {
      const answers = [
        await instance.get('/a'),
        await instance.get('/a', { params: { own: [1, 2], nested: { a: 1 } } }),
        await instance.post('/a', { n: 1 }),
        await instance.post('/a', 'n=1', { family: 4, params: { own: 1 } }),
        await instance.post(
          '/a',
          { list: [1, 2] },
          { headers: { 'content-type': 'application/x-www-form-urlencoded' } },
        ),
        await instance.get('/a', { transformResponse: axios.defaults.transformResponse ?? [], responseType: 'json' }),
      ];
      return { data: answers.slice(0, 5).map(({ data }) => data), seen: requests.slice(-answers.length) };
    };
    const plain = ({ seen, data }: Awaited<ReturnType<typeof run>>) => ({
      data,
      seen: seen.map(({ method, path, headers, body }) => ({ method, path, headers, body })),
    });
    const before = plain(await run());
    setGlobalDefaults();
    expect(plain(await run())).toEqual(before);
  });

  it('serializes params as an instance of axios.create does, letter for letter', async () => {
    const { origin, requests } = await startHttp(answer());
    const reference = axios.create({ baseURL: origin, proxy: false, adapter: 'http' });
    const instance = make(origin);
    setGlobalDefaults();
    const params = [
      {
        a: [1, 'x y', null, undefined],
        b: { c: { d: ':$,+[]@' } },
        e: new Date(0),
        f: null,
        g: undefined,
        'h[]': [1],
        i: true,
      },
      new URLSearchParams('a=1&a=2&b=%20'),
      { q: 'ä€😀', "it's": '(~!*)' },
    ];
    const serializers = [
      undefined,
      { indexes: null },
      { indexes: true, dots: true },
      { encode: (text: string) => `-${encodeURIComponent(text)}-` },
    ];
    for (const each of params)
      for (const paramsSerializer of serializers) {
        const options = { params: each, ...(paramsSerializer && { paramsSerializer }) };
        await reference.get('/path?x=1#fragment', { ...options, validateStatus: null });
        await instance.get('/path?x=1#fragment', options);
        const [theirs, ours] = requests.slice(-2);
        expect(ours?.path).toBe(theirs?.path);
      }
  });
});

describe('client.fetch', () => {
  it('knows nothing of the global defaults', async () => {
    const { origin, requests } = await startHttp(answer());
    const client = createHttpClient({ baseURL: origin }, { logger: silent });
    onTestFinished(() => client.close({ grace: 0 }));
    setGlobalDefaults();
    await client.fetch('/a?b=1');
    expect(requests[0]).toMatchObject({ method: 'GET', path: '/a?b=1', body: '' });
    expect(requests[0]?.headers).not.toHaveProperty('x-leaked');
  });
});
