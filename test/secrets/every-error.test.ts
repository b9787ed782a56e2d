/** Whatever a call fails by, it fails with an AxiosError; what was thrown is its cause. */
import axios, { AxiosError, type AxiosRequestConfig } from 'axios';
import { createHttpClient, createUndiciAdapter, type HttpClientConfig, type HttpClientDeps } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer } from '../support/behaviours.js';
import { rejection, watch } from '../support/client.js';
import { type Behaviour, startHttp } from '../support/upstream.js';

class Mine extends RangeError {
  override name = 'Mine';
}
const thrown = new Mine('mine');
const fail = () => {
  throw thrown;
};
const circular: Record<string, unknown> = {};
circular.self = circular;

async function scene(behaviour: Behaviour = answer(200, '{"a":1}'), config: HttpClientConfig = {}, deps = {}) {
  const { origin, requests } = await startHttp(behaviour);
  const { client, lines } = watch({ baseURL: origin, retry: false, ...config }, deps);
  return { client, lines, requests, origin };
}

/** A call that goes our own way, and one that goes through axios since somebody has added an interceptor. */
const ways = [
  ['by our own way', false],
  ['through axios', true],
] as const;

/** Options that make a call throw, the code it fails with, and how many requests reach the upstream. */
const options: [string, AxiosRequestConfig, string, number][] = [
  ['transformRequest', { transformRequest: fail }, 'ERR_BAD_REQUEST', 0],
  ['one of several transformRequest', { transformRequest: [(data) => data, fail] }, 'ERR_BAD_REQUEST', 0],
  ['transformResponse', { transformResponse: fail }, 'ERR_BAD_RESPONSE', 1],
  ['validateStatus', { validateStatus: fail }, 'ERR_BAD_RESPONSE', 1],
  ['paramsSerializer', { params: { a: 1 }, paramsSerializer: { serialize: fail } }, 'ERR_BAD_REQUEST', 0],
  ['paramsSerializer.encode', { params: { a: 1 }, paramsSerializer: { encode: fail } }, 'ERR_BAD_REQUEST', 0],
  ['adapter', { adapter: fail as never }, 'ERR_BAD_REQUEST', 0],
  ['an adapter that rejects', { adapter: () => Promise.reject(thrown) }, 'ERR_BAD_REQUEST', 0],
];

describe.each(ways)('%s', (_, slow) => {
  const asked = async (behaviour?: Behaviour, config: HttpClientConfig = {}, deps: HttpClientDeps = {}) => {
    const made = await scene(behaviour, config, deps);
    if (slow) made.client.interceptors.request.use((each) => each);
    return made;
  };

  it.each(options)('what %s throws is the cause of an AxiosError', async (_name, option, code, sent) => {
    const { client, requests } = await asked();
    const error = await rejection(client.post('/path', { n: 1 }, option));
    expect(error).toBeInstanceOf(AxiosError);
    expect(error).toMatchObject({ code, message: 'mine', isAxiosError: true });
    expect(error.cause).toBe(thrown);
    expect((error as unknown as AxiosError).config?.url).toBe('/path');
    expect(requests).toHaveLength(sent);
  });

  it('what transformResponse throws comes with the response', async () => {
    const { client } = await asked(answer(200, 'x'));
    expect(await rejection(client.get('/', { transformResponse: fail }))).toMatchObject({
      status: 200,
      response: { status: 200 },
    });
    const failing = await asked(answer(500, 'x'));
    const error = await rejection(failing.client.get('/', { transformResponse: fail }));
    expect(error).toMatchObject({ isAxiosError: true, status: 500 });
    expect(error.cause).toBe(thrown);
  });

  it.each([
    ['circular', circular],
    ['a BigInt', { n: 1n }],
  ])('data that cannot be written is an AxiosError, and nothing is sent: %s', async (_name, data) => {
    const { client, requests } = await asked();
    const calls = [() => client.post('/', data), () => client.postForm('/', circular), () => client.put('/', data)];
    for (const call of calls) {
      const error = await rejection(call());
      expect(error).toMatchObject({ isAxiosError: true, code: 'ERR_BAD_REQUEST' });
      expect(error.cause).toBeInstanceOf(Error);
    }
    expect(requests).toHaveLength(0);
  });

  it('what the data itself throws is the cause of one', async () => {
    const { client } = await asked();
    const getter = Object.defineProperty({}, 'a', { get: fail, enumerable: true });
    for (const data of [{ toJSON: fail }, getter]) {
      const error = await rejection(client.post('/', data));
      expect(error).toMatchObject({ isAxiosError: true, code: 'ERR_BAD_REQUEST' });
      expect(error.cause).toBe(thrown);
    }
  });

  it('params that hold themselves are an AxiosError', async () => {
    const { client } = await asked();
    const error = await rejection(client.get('/', { params: circular }));
    expect(error).toMatchObject({ isAxiosError: true, code: 'ERR_BAD_OPTION_VALUE' });
  });

  it('an answer that is no JSON is one where it is asked for, with the SyntaxError as its cause', async () => {
    const { client } = await asked(answer(200, '{nope'));
    const strict = { responseType: 'json', transitional: { silentJSONParsing: false } } as const;
    const error = await rejection(client.get('/', strict));
    expect(error).toMatchObject({ isAxiosError: true, code: 'ERR_BAD_RESPONSE', status: 200 });
    expect(error.cause).toBeInstanceOf(SyntaxError);
  });

  it('a reviver that throws is one too', async () => {
    const { client } = await asked();
    const strict = { responseType: 'json', transitional: { silentJSONParsing: false }, parseReviver: fail } as const;
    const error = await rejection(client.get('/', strict));
    expect(error).toMatchObject({ isAxiosError: true, code: 'ERR_BAD_RESPONSE' });
    expect(error.cause).toBe(thrown);
  });

  it('a coded body that cannot be read is one', async () => {
    const { client } = await asked(answer(200, 'no gzip', { 'content-encoding': 'gzip' }));
    expect(await rejection(client.get('/'))).toMatchObject({ isAxiosError: true, code: expect.any(String) });
  });

  it.each(['perCall', 'perAttempt'] as const)('what a %s policy throws is the cause of one', async (slot) => {
    for (const policy of [() => fail, () => () => Promise.reject(thrown)]) {
      const { client } = await asked(undefined, {}, { [slot]: [policy] });
      const error = await rejection(client.get('/path'));
      expect(error).toMatchObject({ isAxiosError: true, message: 'mine', code: 'ERR_BAD_REQUEST', method: 'GET' });
      expect(error.cause).toBe(thrown);
    }
  });

  it('a policy that throws what is no error fails the call with one', async () => {
    const { client } = await asked(undefined, {}, { perCall: [() => () => Promise.reject('text')] });
    expect(await rejection(client.get('/'))).toMatchObject({ isAxiosError: true, cause: 'text' });
  });

  it('a code that the thrown error has is kept', async () => {
    const coded = Object.assign(new Error('no token'), { code: 'E_TOKEN' });
    const { client } = await asked(undefined, {}, { perCall: [() => () => Promise.reject(coded)] });
    expect(await rejection(client.get('/'))).toMatchObject({ isAxiosError: true, code: 'E_TOKEN' });
  });
});

describe.each([
  ['the fast lane', {}],
  ["axios's http adapter", { family: 4 as const }],
])('on %s', (_, lane) => {
  const moved: Behaviour = ({ url }, response) =>
    url === '/a' ? response.writeHead(302, { location: '/b' }).end() : response.end('moved');

  it('what beforeRedirect throws is the cause of an AxiosError', async () => {
    const { client } = await scene(moved, { maxRedirects: 3 });
    const error = await rejection(client.get('/a', { ...lane, beforeRedirect: fail }));
    expect(error).toMatchObject({ isAxiosError: true, code: 'ERR_FR_REDIRECTION_FAILURE' });
    expect(error.cause).toBe(thrown);
  });

  it('a progress listener that throws fails no call and ends no process', async () => {
    const { client } = await scene();
    const listeners = { onUploadProgress: fail, onDownloadProgress: fail };
    expect((await client.post('/', 'x'.repeat(1000), { ...lane, ...listeners })).data).toEqual({ a: 1 });
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('a bare adapter fails with one where validateStatus throws', async () => {
    const { origin } = await startHttp(answer());
    const adapter = createUndiciAdapter();
    onTestFinished(() => adapter.destroy());
    const error = await rejection(axios.get(origin, { ...lane, adapter, validateStatus: fail, proxy: false }));
    expect(error).toMatchObject({ isAxiosError: true, code: 'ERR_BAD_RESPONSE', status: 200 });
    expect(error.cause).toBe(thrown);
  });
});

describe('what is not ours', () => {
  it('what an interceptor of the caller’s throws comes as it was thrown', async () => {
    const { client } = await scene();
    const number = client.interceptors.request.use(fail);
    expect(await rejection(client.get('/'))).toBe(thrown);
    client.interceptors.request.eject(number);
    client.interceptors.response.use(fail);
    expect(await rejection(client.get('/'))).toBe(thrown);
  });

  it('a response interceptor sees the AxiosError of a transform that throws', async () => {
    const { client } = await scene();
    const seen: unknown[] = [];
    client.interceptors.response.use(undefined, (error) => {
      seen.push(error);
      return { data: 'mended' };
    });
    expect((await client.get('/', { transformResponse: fail })).data).toBe('mended');
    expect(seen[0]).toBeInstanceOf(AxiosError);
  });

  it('prints no secret, whatever was thrown', async () => {
    const { client } = await scene();
    const secret = { headers: { authorization: 'Bearer s3cret' }, auth: { username: 'u', password: 's3cret' } };
    for (const option of [{ transformRequest: fail }, { transformResponse: fail }, { validateStatus: fail }]) {
      const error = await rejection(client.post('/?token=s3cret', { password: 's3cret' }, { ...secret, ...option }));
      expect(JSON.stringify(error)).not.toContain('s3cret');
    }
  });

  it('client.fetch fails with a TypeError whose cause is the AxiosError', async () => {
    const { client } = await scene(undefined, {}, { perCall: [() => () => Promise.reject(thrown)] });
    const error = await rejection(client.fetch('/'));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.cause).toBeInstanceOf(AxiosError);
    expect(error.cause?.cause).toBe(thrown);
  });

  it('a client that is closed fails with one', async () => {
    const client = createHttpClient({ baseURL: 'http://127.0.0.1:1' });
    await client.close();
    expect(await rejection(client.get('/'))).toMatchObject({ isAxiosError: true, code: 'ERR_CLOSED' });
  });
});
