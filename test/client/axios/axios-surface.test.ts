import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import axios from 'axios';
import { describe, expect, it } from 'vitest';
import { baseURL, clientOver, rejection, scripted } from '../../support/client.js';

describe('interceptors of the caller', () => {
  it('run once per call, however many attempts it takes', async () => {
    const { client, transport } = scripted([503, 503, { data: { n: 1 } }]);
    const seen: string[] = [];
    client.interceptors.request.use((config) => {
      seen.push('request');
      config.headers.set('x-tag', `${config.headers.get('x-tag') ?? ''}a`);
      return config;
    });
    client.interceptors.response.use((response) => {
      seen.push('response');
      return response;
    });
    await client.get('/');
    expect(seen).toEqual(['request', 'response']);
    expect(transport.requests.map(({ headers }) => headers['x-tag'])).toEqual(['a', 'a', 'a']);
  });

  it('may unwrap the response', async () => {
    const { client } = scripted([503, { data: { n: 1 } }]);
    client.interceptors.response.use((response) => response.data);
    expect(await client.get('/')).toEqual({ n: 1 });
  });

  it('see one failure of a call that failed for good, and may turn it into an answer', async () => {
    const { client } = scripted([503, 503, 503]);
    const failures: unknown[] = [];
    client.interceptors.response.use(undefined, (error) => {
      failures.push(error.status);
      return { data: 'fallback' };
    });
    expect((await client.get('/')).data).toBe('fallback');
    expect(failures).toEqual([503]);
  });
});

describe('transforms', () => {
  it('run once per call, and every attempt sends the same body', async () => {
    const { client, transport } = scripted([503, 503, { data: { n: 1 } }]);
    let requests = 0;
    let responses = 0;
    const response = await client.put(
      '/',
      { amount: 5 },
      {
        transformRequest: (data) => {
          requests++;
          return JSON.stringify({ ...data, extra: requests });
        },
        transformResponse: (data) => {
          responses++;
          return `${data}!`;
        },
      },
    );
    expect(response.data).toBe('{"n":1}!');
    expect([requests, responses]).toEqual([1, 1]);
    expect(transport.requests.map(({ body }) => body)).toEqual(new Array(3).fill('{"amount":5,"extra":1}'));
  });

  it('of deps.axios apply to every call', async () => {
    const { client } = scripted([{ data: 'text' }], {}, { axios: { transformResponse: (data) => `<${data}>` } });
    expect((await client.get('/')).data).toBe('<text>');
  });

  it('run once on the body of a failure', async () => {
    const { client } = scripted([{ status: 404, data: { why: 'gone' } }]);
    const error = await rejection(client.get('/'));
    expect(error).toMatchObject({ response: { data: { why: 'gone' } } });
  });
});

describe('the config of a call', () => {
  it('is the one the last interceptor returned, on the response', async () => {
    const { client } = scripted([503, 200]);
    let own: unknown;
    client.interceptors.request.use((config) => {
      own = config;
      return config;
    });
    const response = await client.get('/', { params: { a: 1 }, timeout: 900 });
    expect(response.config).toBe(own);
    expect(response.config).toMatchObject({ params: { a: 1 }, timeout: 900, method: 'get', url: '/', baseURL });
    expect(response.config.signal).toBeUndefined();
  });

  it('is the same on an error and on its response', async () => {
    const { client } = scripted([404]);
    let own: unknown;
    client.interceptors.request.use((config) => {
      own = config;
      return config;
    });
    const error = await rejection(client.get('/'));
    // Not the same object: what printing sees of the config of an error is another one.
    expect(error.config).toEqual(own);
    expect((error.response as { config: unknown }).config).toBe(error.config);
    Object.assign(error.config as object, { retried: true });
    expect(own).toMatchObject({ retried: true });
  });

  it('may be sent again as it is', async () => {
    const { client, transport } = scripted([503, 200, 503, 200]);
    const { config } = await client.get('/again');
    expect((await client.request(config)).status).toBe(200);
    expect(transport.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 1, 2]);
  });

  it('carries properties of the caller, symbols included, down to the wire', async () => {
    const tag = Symbol('tag');
    const seen: unknown[] = [];
    const client = clientOver(async (config) => {
      seen.push((config as unknown as Record<symbol, unknown>)[tag], (config as unknown as { own: unknown }).own);
      return { data: '', status: 200, statusText: '', headers: {}, config };
    });
    client.interceptors.request.use((config) => Object.assign(config, { [tag]: 'symbol', own: 'string' }));
    await client.get('/');
    expect(seen).toEqual(['symbol', 'string']);
  });

  it('is not changed where the caller hands in an object of their own', async () => {
    const { client } = scripted([503, 200]);
    const own = Object.freeze({ headers: Object.freeze({ 'x-a': '1' }), params: Object.freeze({ q: 1 }) });
    await client.get('/', own);
    expect(own).toEqual({ headers: { 'x-a': '1' }, params: { q: 1 } });
  });
});

describe('the methods of an axios instance', () => {
  it.each(['get', 'delete', 'head', 'options', 'post', 'put', 'patch'] as const)('%s works', async (method) => {
    const { client, transport } = scripted([{ data: { method } }]);
    expect((await client[method]('/path')).data).toEqual({ method });
    expect(transport.requests[0]).toMatchObject({ method: method.toUpperCase(), path: '/path' });
  });

  it('can be called as a function, with a URL or a config', async () => {
    const { client, transport } = scripted([200, 200]);
    await client('/one', { method: 'put', data: { a: 1 } });
    await client({ url: '/two' });
    expect(transport.requests).toMatchObject([
      { method: 'PUT', path: '/one', body: { a: 1 } },
      { method: 'GET', path: '/two' },
    ]);
  });

  it('postForm sends a form', async () => {
    const { client, transport } = scripted([200]);
    await client.postForm('/form', { name: 'Ada' });
    const [request] = transport.requests;
    expect(request?.headers['content-type']).toContain('multipart/form-data');
    const body = request?.body as Readable;
    expect(await text(body.pipe(new PassThrough()))).toMatch(/name="name"\r\n\r\nAda\r\n/);
  });

  it('getUri says where a call would go', () => {
    const { client } = scripted([], { baseURL: `${baseURL}/v1` });
    expect(client.getUri({ url: '/items', params: { a: 1, b: ['x', 'y'] } })).toBe(
      `${baseURL}/v1/items?a=1&b%5B%5D=x&b%5B%5D=y`,
    );
  });

  it('create makes an instance with other defaults over the same stack', async () => {
    const { client, transport } = scripted([503, 200]);
    const child = client.create({ headers: { 'x-child': 'yes' } });
    expect((await child.get('/path')).status).toBe(200);
    expect(transport.requests).toMatchObject([
      { url: `${baseURL}/path`, attempt: 1, headers: { 'x-child': 'yes' } },
      { url: `${baseURL}/path`, attempt: 2, headers: { 'x-child': 'yes' } },
    ]);
    expect(client.stats().calls.succeeded).toBe(1);
  });

  it.each(['common', 'get', 'post', 'put', 'patch', 'delete', 'head'] as const)(
    'defaults.headers.%s can be added to, on the client and on what create makes',
    async (bucket) => {
      const { client, transport } = scripted([200, 200]);
      const child = client.create();
      for (const instance of [client, child]) {
        instance.defaults.headers[bucket]['x-bucket'] = bucket;
        await instance({ url: '/', method: bucket === 'common' ? 'get' : bucket });
      }
      expect(transport.requests.map(({ headers }) => headers['x-bucket'])).toEqual([bucket, bucket]);
    },
  );

  it('leaves the axios of the process as it was', async () => {
    const before = JSON.stringify(axios.defaults);
    const { client } = scripted([200], { headers: { 'x-own': '1' } });
    await client.get('/');
    expect(JSON.stringify(axios.defaults)).toBe(before);
    expect(axios.defaults.baseURL).toBeUndefined();
  });
});
