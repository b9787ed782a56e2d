/** Forms made of objects: the parts that axios makes, and unlike axios's they can be sent again. */
import { Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { createHttpClient, usePolicies } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer } from '../support/behaviours.js';
import { rejection, silent } from '../support/client.js';
import { type Received, startHttp } from '../support/upstream.js';

const quick = { logger: silent, random: () => 0 };

/** A client and an instance with policies. */
const ways: [string, (baseURL: string) => AxiosInstance][] = [
  [
    'a client',
    (baseURL) => {
      const client = createHttpClient({ baseURL }, quick);
      onTestFinished(() => client.close({ grace: 0 }));
      return client;
    },
  ],
  [
    'a client with interceptors',
    (baseURL) => {
      const client = createHttpClient({ baseURL }, quick);
      client.interceptors.request.use((config) => config);
      onTestFinished(() => client.close({ grace: 0 }));
      return client;
    },
  ],
  [
    'an instance with policies',
    (baseURL) => {
      const instance = axios.create({ baseURL });
      const policies = usePolicies(instance, {}, quick);
      onTestFinished(() => policies.close({ grace: 0 }));
      return instance;
    },
  ],
];

/** An option that only axios's http adapter speaks takes the other lane. */
const lanes: [string, AxiosRequestConfig][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { family: 4 }],
];

/** The body, whatever its boundary is. */
function body({ headers, body: sent }: Received | undefined = {} as Received): string {
  const [, boundary = ''] = /^multipart\/form-data; boundary=(\S+)$/.exec(headers['content-type'] ?? '') ?? [];
  expect(boundary).not.toBe('');
  expect(headers['content-length']).toBe(String(Buffer.byteLength(sent)));
  return sent.replaceAll(boundary, 'BOUNDARY');
}

class Visited {
  readonly value = 1;
}

const objects: [string, () => object, AxiosRequestConfig?][] = [
  [
    'texts, with line breaks and beyond ASCII',
    () => ({ a: 'x', b: 'one\ntwo\r\nthree\rfour', ü: '€ \ud800', empty: '' }),
  ],
  ['numbers, booleans, dates', () => ({ n: 1.5, zero: 0, nan: Number.NaN, yes: true, no: false, at: new Date(0) })],
  ['null and undefined', () => ({ a: null, b: undefined, c: [null, undefined, 1], d: { e: null } })],
  ['nested objects and lists', () => ({ a: { b: { c: 1 }, d: [1, { e: 2 }] }, f: [1, 2], g: [], h: [[1], [2]] })],
  ['names that ask for something', () => ({ 'json{}': { a: [1] }, 'list[]': [1, 2], 'q"uote\nbreak': 1 })],
  ['bytes', () => ({ b: Buffer.from('bytes\n'), u: new Uint8Array([65, 66]), a: new Uint8Array([67]).buffer })],
  ['indexes: true', () => ({ a: [1, 2], b: [{ c: 1 }] }), { formSerializer: { indexes: true } }],
  ['indexes: null', () => ({ a: [1, 2] }), { formSerializer: { indexes: null } }],
  ['dots', () => ({ a: { b: [1] } }), { formSerializer: { dots: true, metaTokens: false } }],
  [
    'a visitor of the caller’s',
    () => ({ a: new Visited(), b: 1 }),
    {
      formSerializer: {
        visitor(this: FormData, value: unknown, key: string, path: never, helpers: never) {
          if (!(value instanceof Visited))
            return (helpers as { defaultVisitor(...all: unknown[]): boolean }).defaultVisitor.call(
              this,
              value,
              key,
              path,
              helpers,
            );
          this.append(key, Buffer.from(`visited ${value.value}`) as never, 'visited.txt');
          return false;
        },
      } as never,
    },
  ],
];

describe.each(ways)('through %s', (_, open) => {
  describe.each(lanes)('over %s', (__, lane) => {
    it.each(objects)('%s go as axios sends them, and again after a 503', async (___, make, options = {}) => {
      const upstream = await startHttp(answer(), answer(503), answer(), answer());
      const http = open(upstream.origin);
      await axios.postForm(upstream.origin, make(), options);
      await http.postForm('/', make(), { ...options, ...lane, idempotencyKey: true });
      const headers = { 'content-type': 'multipart/form-data' };
      await http.post('/', make(), { ...options, ...lane, headers });
      const [byAxios, ...ours] = upstream.requests.map(body);
      expect(ours).toEqual([byAxios, byAxios, byAxios]);
    });

    it('putForm needs no key, and a call made again with the config of its failure sends the same', async () => {
      const upstream = await startHttp(answer(503), answer(401), answer());
      const http = open(upstream.origin);
      const form = { a: 1, file: Buffer.from('bytes') };
      const { config } = await rejection(http.putForm('/', form, lane));
      await http.request({ ...(config as AxiosRequestConfig) });
      const [first, ...others] = upstream.requests.map(body);
      expect(others).toEqual([first, first]);
    });

    it('a stream in the object, however deep, is sent once', async () => {
      const upstream = await startHttp(answer(503));
      const http = open(upstream.origin);
      const form = { a: { b: [Readable.from([Buffer.from('streamed')])] } };
      const error = await rejection(http.putForm('/', form, lane));
      expect(error).toMatchObject({ status: 503, attempts: 1 });
      expect(upstream.requests.map(({ body: sent }) => sent.includes('streamed'))).toEqual([true]);
      const again = await rejection(http.request({ ...(error.config as AxiosRequestConfig) }));
      expect(again.code).toBe('ERR_BODY_USED');
      expect(upstream.requests).toHaveLength(1);
    });
  });

  it('a class of forms that the call names is used', async () => {
    const upstream = await startHttp(answer(503), answer());
    await open(upstream.origin).putForm('/', { file: new File(['x'], 'a.txt') }, { env: { FormData } as never });
    expect(upstream.requests.map(({ body: sent }) => sent.includes('filename="a.txt"'))).toEqual([true, true]);
  });

  it('a Blob in the object is refused as by axios', async () => {
    const form = { file: new Blob(['x']) };
    const { message } = await rejection(axios.postForm('http://127.0.0.1:1', form));
    expect(await rejection(open('http://127.0.0.1:1').postForm('/', form))).toMatchObject({
      message,
      isAxiosError: true,
    });
  });
});

it('usePolicies gives the instance the class of its forms back', async () => {
  const instance = axios.create();
  const { env } = instance.defaults;
  const policies = usePolicies(instance, {}, quick);
  expect(instance.defaults.env).not.toBe(env);
  await policies.close();
  expect(instance.defaults.env).toBe(env);
});
