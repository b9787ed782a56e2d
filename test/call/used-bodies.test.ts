/** Bodies that can be read once: sent a second time they are refused at once; what can be read anew is sent as it was. */
import { createReadStream, writeFileSync } from 'node:fs';
import { PassThrough, Readable, Stream } from 'node:stream';
import { text } from 'node:stream/consumers';
import axios, { type AxiosInstance, type AxiosRequestConfig } from 'axios';
import { createHttpClient, createUndiciAdapter, usePolicies } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer, hang } from '../support/behaviours.js';
import { rejection, silent, until } from '../support/client.js';
import { files } from '../support/files.js';
import { startHttp } from '../support/upstream.js';

interface FormPackage extends NodeJS.ReadableStream {
  append(name: string, value: unknown): void;
}
const FormPackage = axios.defaults.env?.FormData as unknown as new () => FormPackage;

const quick = { logger: silent, random: () => 0 };

type Open = (baseURL: string) => AxiosInstance;

function client(baseURL: string, intercepted = false): AxiosInstance {
  const made = createHttpClient({ baseURL, timeouts: { total: '5s' } }, quick);
  onTestFinished(() => made.close({ grace: 0 }));
  if (intercepted) made.interceptors.request.use((config) => config);
  return made;
}

const ways: [string, Open][] = [
  ['a client', (baseURL) => client(baseURL)],
  ['a client with interceptors', (baseURL) => client(baseURL, true)],
  [
    'an instance with policies',
    (baseURL) => {
      const instance = axios.create({ baseURL });
      const policies = usePolicies(instance, { timeouts: { total: '5s' } }, quick);
      onTestFinished(() => policies.close({ grace: 0 }));
      return instance;
    },
  ],
  [
    'the adapter alone',
    (baseURL) => {
      const adapter = createUndiciAdapter();
      onTestFinished(() => adapter.destroy());
      return axios.create({ baseURL, adapter, timeout: 5000 });
    },
  ],
];

const lanes: [string, AxiosRequestConfig][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { family: 4 }],
];

async function* generated() {
  yield Buffer.from('content');
}

function oldStyle(): Stream {
  const stream = Object.assign(new Stream(), { readable: true, pause: () => {}, resume: () => {} });
  setImmediate(() => {
    stream.emit('data', Buffer.from('content'));
    stream.readable = false;
    stream.emit('end');
    stream.emit('close');
  });
  return stream;
}

function form(value: unknown = Buffer.from('content')): FormPackage {
  const made = new FormPackage();
  made.append('a', value);
  return made;
}

function file() {
  const { file: path } = files({ file: '' });
  writeFileSync(path, 'content');
  return createReadStream(path);
}

const web = () => new Blob(['content']).stream();

/** Bodies that can be read once. */
const once: [string, () => unknown][] = [
  ['a stream', () => Readable.from([Buffer.from('content')])],
  ['an empty stream', () => Readable.from([])],
  ['a file', file],
  ['a stream of Node’s old kind', oldStyle],
  ['a form of the form-data package', form],
  ['a form with a file', () => form(file())],
  ['a web stream', web],
];

describe.each(ways)('through %s', (way, open) => {
  describe.each(lanes)('over %s', (_, lane) => {
    it.each(once)('%s is refused the second time, before anything is sent', async (__, make) => {
      const { origin, requests } = await startHttp(answer(401), answer());
      const http = open(origin);
      const { config } = await rejection(http.post('/', make(), lane));
      const startedAt = performance.now();
      const error = await rejection(http.request({ ...(config as AxiosRequestConfig) }));
      expect(error).toMatchObject({ code: 'ERR_BODY_USED', isAxiosError: true });
      expect(error.message).toMatch(/the request body was already read.*sent only once; build it anew/);
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(requests).toHaveLength(1);
    });

    it.each<[string, () => Promise<unknown>]>([
      [
        'to its end',
        async () => {
          const stream = Readable.from(['content']);
          await text(stream);
          return stream;
        },
      ],
      [
        'in part',
        async () => {
          const stream = Readable.from([Buffer.from('con'), Buffer.from('tent')]);
          stream.once('data', () => stream.pause());
          await new Promise((resolve) => stream.once('pause', resolve));
          return stream;
        },
      ],
      ['and destroyed', async () => Readable.from(['content']).destroy()],
      [
        'and failed',
        async () => {
          const stream = new PassThrough().on('error', () => {});
          stream.destroy(new Error('disk'));
          return stream;
        },
      ],
      [
        'into another stream',
        async () => {
          const stream = Readable.from(['content']);
          await text(stream.pipe(new PassThrough()));
          return stream;
        },
      ],
      [
        'as a web stream, in part',
        async () => {
          const stream = web();
          const reader = stream.getReader();
          await reader.read();
          reader.releaseLock();
          return stream;
        },
      ],
      [
        'as a web stream that somebody holds',
        async () => {
          const stream = web();
          stream.getReader();
          return stream;
        },
      ],
      [
        'as a form',
        async () => {
          const made = form();
          await text(made.pipe(new PassThrough()));
          return made;
        },
      ],
      [
        'before it became part of a form',
        async () => {
          const stream = Readable.from(['content']);
          await text(stream);
          return form(stream);
        },
      ],
    ])('what somebody else has read %s is refused', async (__, make) => {
      const { origin, requests, connections } = await startHttp(answer());
      const error = await rejection(open(origin).put('/', await make(), lane));
      expect(error).toMatchObject({ code: 'ERR_BODY_USED', isAxiosError: true });
      expect([requests.length, connections.length]).toEqual([0, 0]);
    });

    it('of two calls at once with the same stream one has it, whole', async () => {
      const { origin, requests } = await startHttp(answer());
      const http = open(origin);
      const stream = Readable.from([Buffer.from('con'), Buffer.from('tent')]);
      const outcomes = await Promise.allSettled([http.put('/', stream, lane), http.put('/', stream, lane)]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      expect(outcomes[1]).toMatchObject({ reason: { code: 'ERR_BODY_USED' } });
      expect(requests.map(({ body }) => body)).toEqual(['content']);
    });

    it.each<[string, () => unknown]>([
      ['text', () => 'content'],
      ['a Buffer', () => Buffer.from('content')],
      ['a typed array', () => new Uint8Array(Buffer.from('content'))],
      ['an ArrayBuffer', () => new Uint8Array(Buffer.from('content')).buffer],
      ['URLSearchParams', () => new URLSearchParams({ a: 'content' })],
      ['a Blob', () => new Blob(['content'])],
      ['a File', () => new File(['content'], 'f.txt')],
      ['an object', () => ({ a: 'content' })],
      [
        'a FormData',
        () => {
          const made = new FormData();
          made.append('a', 'content');
          made.append('b', new File(['content'], 'f.txt'));
          return made;
        },
      ],
    ])('%s is sent again as it was', async (__, make) => {
      const { origin, requests } = await startHttp(answer(401), answer());
      const http = open(origin);
      const { config } = await rejection(http.post('/', make(), lane));
      await http.request({ ...(config as AxiosRequestConfig) });
      const [first, second] = requests.map(({ headers, body }) => {
        const [, boundary = '-'] = /boundary=(\S+)/.exec(headers['content-type'] ?? '') ?? [];
        return { type: headers['content-type']?.replace(boundary, ''), body: body.replaceAll(boundary, '') };
      });
      expect(first?.body).toContain('content');
      expect(second).toEqual(first);
    });
  });

  // axios makes the JSON of a generator.
  it.runIf(way.startsWith('a client'))('a generator is refused the second time', async () => {
    const { origin, requests } = await startHttp(answer());
    const http = open(origin);
    const generator = generated();
    await http.post('/', generator);
    expect(await rejection(http.post('/', generator))).toMatchObject({ code: 'ERR_BODY_USED' });
    expect(requests.map(({ body }) => body)).toEqual(['content']);
  });

  it.runIf(way.startsWith('a client'))('an iterable that begins anew each time is sent each time', async () => {
    const { origin, requests } = await startHttp(answer());
    const iterable = { [Symbol.asyncIterator]: generated };
    const http = open(origin);
    await http.post('/', iterable);
    await http.post('/', iterable);
    expect(requests.map(({ body }) => body)).toEqual(['content', 'content']);
  });

  it('a stream that flows into another one too is sent whole', async () => {
    const { origin, requests } = await startHttp(answer());
    const stream = Readable.from([Buffer.from('con'), Buffer.from('tent')]);
    const copy = text(stream.pipe(new PassThrough()));
    await open(origin).post('/', stream);
    expect([requests[0]?.body, await copy]).toEqual(['content', 'content']);
  });
});

describe('a body that is gone', () => {
  it('is counted by no circuit and no policy, and no attempt is made', async () => {
    const { origin } = await startHttp(answer());
    const http = createHttpClient({ baseURL: origin }, quick);
    onTestFinished(() => http.close({ grace: 0 }));
    const before = JSON.stringify(http.stats());
    for (let call = 0; call < 30; call++) await rejection(http.put('/', Readable.from(['x']).destroy()));
    expect(JSON.stringify(http.stats())).toBe(before);
  });

  it('may lie behind a client whose wire is another client: one and the same call', async () => {
    const { origin, requests } = await startHttp(answer());
    const inner = client(origin);
    const outer = createHttpClient(
      { baseURL: origin },
      { ...quick, transport: ({ url, method, data }) => inner.request({ url, method, data } as AxiosRequestConfig) },
    );
    onTestFinished(() => outer.close({ grace: 0 }));
    await outer.post('/', generated());
    expect(requests.map(({ body }) => body)).toEqual(['content']);
  });
});

describe('client.fetch', () => {
  const fetching = async () => {
    const { origin, requests } = await startHttp(answer());
    const made = createHttpClient({ baseURL: origin }, quick);
    onTestFinished(() => made.close({ grace: 0 }));
    return { fetch: made.fetch, origin, requests };
  };
  const init = (body: unknown) => ({ method: 'POST', body, duplex: 'half' }) as unknown as RequestInit;

  it.each<[string, () => unknown]>([
    ['a web stream', web],
    ['a stream', () => Readable.from([Buffer.from('content')])],
    ['a generator', generated],
  ])('refuses %s the second time with a TypeError, whose cause says why', async (_, make) => {
    const { fetch, requests } = await fetching();
    const body = make();
    await (await fetch('/', init(body))).text();
    const error = await rejection(fetch('/', init(body)));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.cause).toMatchObject({ code: 'ERR_BODY_USED' });
    expect(requests.map(({ body: sent }) => sent)).toEqual(['content']);
  });

  it.each<[string, (request: Request) => unknown]>([
    ['was read', (request) => request.text()],
    ['somebody holds', (request) => request.body?.getReader()],
  ])('refuses a Request whose body %s', async (_, use) => {
    const { fetch, origin, requests } = await fetching();
    const request = new Request(origin, { method: 'POST', body: 'content' });
    await use(request);
    const error = await rejection(fetch(request));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.cause).toMatchObject({ code: 'ERR_BODY_USED' });
    expect(requests).toEqual([]);
  });

  it('refuses the body of a Response that was read', async () => {
    const { fetch } = await fetching();
    const response = new Response('content');
    await response.text();
    expect((await rejection(fetch('/', init(response.body)))).cause).toMatchObject({ code: 'ERR_BODY_USED' });
  });
});

it('a stream that lost bytes while its call waited for a place is refused, not sent in part', async () => {
  const { origin, requests } = await startHttp(hang, answer());
  const http = createHttpClient({ baseURL: origin, limits: { maxRequests: 1 } }, quick);
  onTestFinished(() => http.close({ grace: 0 }));
  const running = new AbortController();
  const first = rejection(http.get('/', { signal: running.signal }));
  await until(() => requests.length === 1);
  const stream = Readable.from([Buffer.from('content')]);
  const waiting = rejection(http.put('/', stream));
  await text(stream.pipe(new PassThrough()));
  running.abort();
  await first;
  expect(await waiting).toMatchObject({ code: 'ERR_BODY_USED' });
  expect(requests).toHaveLength(1);
});
