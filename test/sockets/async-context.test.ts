/** What runs for a call runs in the async context of that call, whoever opened the connection. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import axios, { type AxiosInstance } from 'axios';
import FormDataPackage from 'form-data';
import { createHttpClient, createUndiciAdapter, runWithInbound } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authority } from '../support/certificates.js';
import { pause } from '../support/client.js';
import { startHttp } from '../support/upstream.js';

const storage = new AsyncLocalStorage<string>();

/** Answers in several pieces, with some time between them, so that events come in turns of their own. */
const slow = (_: unknown, response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.write('first');
  setTimeout(() => response.write(Buffer.alloc(200_000, 'x')), 5);
  setTimeout(() => response.end('last'), 10);
};

interface Way {
  readonly instance: AxiosInstance;
  readonly options: object;
}

const ways: Record<string, () => Promise<Way>> = {
  'the fast lane': async () => {
    const { origin } = await startHttp(slow);
    return { instance: client({ baseURL: origin }), options: {} };
  },
  "axios's http adapter": async () => {
    const { origin } = await startHttp(slow);
    return { instance: client({ baseURL: origin }), options: { family: 4 } };
  },
  'the fast lane with redirects': async () => {
    const { origin } = await startHttp(slow);
    return { instance: client({ baseURL: origin }), options: { maxRedirects: 3 } };
  },
  'the adapter alone': async () => {
    const { origin } = await startHttp(slow);
    const adapter = createUndiciAdapter({ maxConnections: 1 });
    onTestFinished(() => adapter.destroy());
    return { instance: axios.create({ adapter, baseURL: origin, proxy: false }), options: { maxRedirects: 0 } };
  },
  'HTTP/2': async () => ({
    instance: client({ baseURL: await startH2(), tls: { ca: ca.cert }, allowH2: true }),
    options: {},
  }),
};

const ca = await authority('the test CA');
const { cert, key } = await ca.issue({ name: 'localhost', dns: ['localhost'] });

async function startH2(): Promise<string> {
  const server = http2.createSecureServer({ cert, key });
  const sockets: Socket[] = [];
  server.on('secureConnection', (socket: Socket) => sockets.push(socket));
  server.on('request', (request, response) => {
    request.resume();
    request.once('end', () => slow(request, response as never));
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

function client(config: object): AxiosInstance {
  const made = createHttpClient({ limits: { maxRequests: 1 }, logging: false, ...config });
  onTestFinished(() => made.close({ grace: 0 }));
  return made;
}

/** The stores that were seen, each once, by what saw them. */
class Seen {
  readonly #stores = new Map<string, Set<string | undefined>>();

  at(place: string): void {
    const stores = this.#stores.get(place) ?? new Set();
    this.#stores.set(place, stores.add(storage.getStore()));
  }

  get stores(): Record<string, (string | undefined)[]> {
    return Object.fromEntries([...this.#stores].map(([place, stores]) => [place, [...stores]]));
  }
}

function events(stream: Readable, seen: Seen): Promise<void> {
  for (const name of ['data', 'end', 'error', 'close', 'pause', 'resume']) stream.on(name, () => seen.at(name));
  return new Promise((resolve) => stream.once('close', () => setImmediate(resolve)));
}

/** The first request opens the connection; what is seen is the second's, over the same one. */
async function second(instance: AxiosInstance, options: object, run: (seen: Seen) => Promise<unknown>) {
  await storage.run('first', () => instance.get('/', options));
  const seen = new Seen();
  await storage.run('second', () => run(seen));
  return seen.stores;
}

describe.each(Object.entries(ways))('on %s', (way, make) => {
  it('events of a response body see the store of their call', async () => {
    const { instance, options } = await make();
    const seen = await second(instance, options, async (seen) => {
      const { data } = await instance.get<Readable>('/', { ...options, responseType: 'stream' });
      await events(data, seen);
    });
    expect(seen).toEqual({ data: ['second'], end: ['second'], close: ['second'], resume: ['second'] });
  });

  it('errors of a response body see the store of their call, whoever ends it', async () => {
    const { instance, options } = await make();
    const controller = new AbortController();
    const seen = await second(instance, options, async (seen) => {
      const { data } = await instance.get<Readable>('/', {
        ...options,
        responseType: 'stream',
        signal: controller.signal,
      });
      data.on('error', () => seen.at('error'));
      data.on('close', () => seen.at('close'));
      storage.run('third', () => setImmediate(() => controller.abort()));
      await new Promise((resolve) => data.once('close', resolve));
    });
    expect(seen).toEqual({ error: ['second'], close: ['second'] });
  });

  it('code that iterates a response body sees the store of its call at each piece', async () => {
    const { instance, options } = await make();
    const seen = await second(instance, options, async (seen) => {
      const { data } = await instance.get<Readable>('/', { ...options, responseType: 'stream' });
      for await (const _ of data) seen.at('for await');
      seen.at('after');
    });
    expect(seen).toEqual({ 'for await': ['second'], after: ['second'] });
  });

  it('progress listeners see the store of their call', async () => {
    const { instance, options } = await make();
    const seen = await second(instance, options, (seen) =>
      instance.post('/', Buffer.alloc(300_000), {
        ...options,
        onUploadProgress: () => seen.at('upload'),
        onDownloadProgress: () => seen.at('download'),
      }),
    );
    expect(seen).toEqual({ upload: ['second'], download: ['second'] });
  });

  const bodies: Record<string, (seen: Seen) => unknown> = {
    'read() of a Readable': (seen) => {
      let left = 10;
      return new Readable({
        read() {
          seen.at('body');
          this.push(left-- > 0 ? Buffer.alloc(60_000) : null);
        },
      });
    },
    'a generator': (seen) =>
      Readable.from(
        (async function* () {
          for (let piece = 0; piece < 10; piece++) {
            seen.at('body');
            yield Buffer.alloc(60_000);
            seen.at('body');
            await pause(1);
          }
        })(),
      ),
    'pull() of a web stream': (seen) => {
      let left = 10;
      return new ReadableStream({
        pull(controller) {
          seen.at('body');
          if (left-- > 0) controller.enqueue(new Uint8Array(60_000));
          else controller.close();
        },
      });
    },
    'a stream in a form': (seen) => {
      const form = new FormDataPackage();
      let left = 10;
      const part = new Readable({
        read() {
          seen.at('body');
          this.push(left-- > 0 ? Buffer.alloc(60_000) : null);
        },
      });
      form.append('file', part, { filename: 'a', knownLength: 600_000 });
      return form;
    },
  };

  it.each(Object.entries(bodies))(
    'code that produces a request body sees the store of its call: %s',
    async (name, bodyOf) => {
      // axios's http adapter takes no web stream.
      if (name === 'pull() of a web stream' && way === "axios's http adapter") return;
      const { instance, options } = await make();
      const seen = await second(instance, options, (seen) => instance.post('/', bodyOf(seen), options));
      expect(seen).toEqual({ body: ['second'] });
    },
  );
});

describe('client.fetch', () => {
  it('reads and sends in the store of its call', async () => {
    const { origin } = await startHttp(slow);
    const http = createHttpClient({ baseURL: origin, limits: { maxRequests: 1 }, logging: false });
    onTestFinished(() => http.close({ grace: 0 }));
    await storage.run('first', () => http.fetch('/').then((response) => response.text()));
    const seen = new Seen();
    await storage.run('second', async () => {
      let left = 10;
      const body = new ReadableStream({
        pull(controller) {
          seen.at('body');
          if (left-- > 0) controller.enqueue(new Uint8Array(60_000));
          else controller.close();
        },
      });
      const response = await http.fetch('/', { method: 'POST', body, duplex: 'half' } as RequestInit);
      for await (const _ of response.body ?? []) seen.at('for await');
      await response.body?.pipeTo?.(new WritableStream()).catch(() => {});
      seen.at('after');
    });
    expect(seen.stores).toEqual({ body: ['second'], 'for await': ['second'], after: ['second'] });
  });
});

it('a call made at the end of another ends by the deadline of its own request', async () => {
  const { origin } = await startHttp(slow);
  const http = createHttpClient({ baseURL: origin, limits: { maxRequests: 1 }, logging: false });
  onTestFinished(() => http.close({ grace: 0 }));
  await runWithInbound({ deadline: 60 }, () => http.get('/'));
  await pause(60);
  const answered = await runWithInbound({ deadline: 5000 }, async () => {
    const { data } = await http.get<Readable>('/', { responseType: 'stream' });
    return new Promise((resolve, reject) => {
      data.pipe(new PassThrough()).resume();
      data.once('end', () => http.get('/').then(({ status }) => resolve(status), reject));
    });
  });
  expect(answered).toBe(200);
});
