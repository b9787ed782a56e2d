/** Bodies that nobody reads, and request bodies that are never sent, hold nothing. */
import { getEventListeners } from 'node:events';
import { createReadStream, readdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import axios from 'axios';
import FormDataPackage from 'form-data';
import {
  createHttpClient,
  createUndiciAdapter,
  type HttpClient,
  type HttpClientConfig,
  type HttpClientDeps,
} from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer, hang } from '../support/behaviours.js';
import { runChild } from '../support/child.js';
import { pause, rejection, until, watch } from '../support/client.js';
import { files } from '../support/files.js';
import { startHttp } from '../support/upstream.js';

const lanes: [string, object][] = [
  ['the fast lane', {}],
  ["axios's http adapter", { family: 4 }],
];

describe.each(lanes)('a body on %s that has arrived and is not read', (_, lane) => {
  const unread = { ...lane, responseType: 'stream', validateStatus: null } as const;

  it('holds no place: many of them, one after the other, and no deadline', async () => {
    const { origin } = await startHttp(answer(404, 'x'.repeat(1000)));
    const { client } = watch({ baseURL: origin, limits: { maxRequests: 4 }, timeouts: { total: false } });
    for (let call = 0; call < 100; call++) await client.get('/', unread);
    expect(client.stats()).toMatchObject({ calls: { started: 100 } });
    await until(() => client.stats().calls.active === 0);
    const startedAt = performance.now();
    await client.close();
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  it('can still be read later', async () => {
    const { origin } = await startHttp(answer(200, 'x'.repeat(50_000)));
    const { client } = watch({ baseURL: origin, timeouts: { total: 200 } });
    const { data } = await client.get<Readable>('/', unread);
    await pause(250);
    expect(await buffer(data)).toHaveLength(50_000);
  });
});

describe('client.fetch', () => {
  it('holds no place for answers whose status was enough', async () => {
    const { origin } = await startHttp(answer(404, 'nothing here'));
    const { client } = watch({ baseURL: origin, timeouts: { total: false }, limits: { maxRequests: 8 } });
    for (let call = 0; call < 150; call++) expect((await client.fetch('/')).ok).toBe(false);
    await until(() => client.stats().calls.active === 0);
  });
});

describe('a body that is too large to have arrived', () => {
  it('is let go of when its caller has forgotten it, on every way, and not while it is read', async () => {
    const { origin } = await startHttp(answer(404, Buffer.alloc(5_000_000)));
    const ended = await runChild(
      `
      import { createHttpClient } from 'pillion';
      const ways = {
        fetch: (client) => client.fetch('/'),
        stream: (client) => client.get('/', { responseType: 'stream', validateStatus: null }),
        failed: (client) => client.get('/', { responseType: 'stream' }).catch(() => {}),
        http: (client) => client.get('/', { responseType: 'stream', validateStatus: null, family: 4 }),
      };
      for (const [way, call] of Object.entries(ways)) {
        const client = createHttpClient({
          baseURL: ${JSON.stringify(origin)}, limits: { maxRequests: 4 }, timeouts: { total: false }, retry: false, circuitBreaker: false,
        });
        const { data } = await client.get('/', { responseType: 'stream', validateStatus: null });
        let size = 0;
        data.on('data', (chunk) => { size += chunk.length; data.pause(); setTimeout(() => data.resume(), 1); });
        const read = new Promise((resolve) => data.once('end', resolve));
        for (let calls = 0; calls < 12; calls++) {
          const done = call(client).then(() => {});
          while (await Promise.race([done.then(() => false), pause(5).then(() => true)])) globalThis.gc();
        }
        await read;
        await heap();
        report({ way, size, active: client.stats().calls.active });
        await client.close({ grace: 0 });
      }`,
      ['--expose-gc'],
    );
    const size = 5_000_000;
    const ways = ['fetch', 'stream', 'failed', 'http'];
    expect(ended).toMatchObject({ code: 0, stderr: '', reports: ways.map((way) => ({ way, size, active: 0 })) });
  });
});

describe('the process', () => {
  it.each(['', '.repeat(500)'])('ends though a body was not read%s', async (more) => {
    const { origin } = await startHttp(answer(200, 'x'.repeat(more === '' ? 100 : 5_000_000)));
    const ended = await runChild(`
      import { createHttpClient } from 'pillion';
      const client = createHttpClient({ baseURL: ${JSON.stringify(origin)} });
      await client.get('/', { responseType: 'stream' });
      report({});
    `);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.lingered).toBeLessThan(6000);
  });
});

/** A client that refuses each of its calls, before anything is sent. */
interface Refusal {
  readonly config?: HttpClientConfig;
  readonly deps?: HttpClientDeps;
  readonly options?: () => object;
  readonly prepare?: (client: HttpClient) => unknown;
  readonly url?: string;
}

const refusals: Record<string, Refusal> = {
  'an open circuit': { prepare: (client) => client.forceCircuit('open') },
  'a full queue': {
    config: { limits: { maxRequests: 1, maxPendingRequests: 0 } },
    prepare: (client) => void client.get('/hang').catch(() => {}),
  },
  'an abort in the queue': {
    config: { limits: { maxRequests: 1 } },
    prepare: (client) => void client.get('/hang').catch(() => {}),
    options: () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 10);
      return { signal: controller.signal };
    },
  },
  'a deadline in the queue': {
    config: { limits: { maxRequests: 1 } },
    prepare: (client) => void client.get('/hang').catch(() => {}),
    options: () => ({ timeouts: { total: 20 } }),
  },
  'a rate limit': {
    config: { rateLimit: { requests: 1, per: '1h', maxPending: 0 } } as HttpClientConfig,
    prepare: (client) => client.get('/'),
  },
  'a client that was closed': { prepare: (client) => client.close() },
  'another origin': { url: 'http://127.0.0.1:1/' },
  'a bad option': { options: () => ({ timeouts: { total: 'soon' } }) },
  'a signal that was aborted before': { options: () => ({ signal: AbortSignal.abort() }) },
  'a fault': { config: { fault: { abort: { fraction: 1, status: 503 } } } as HttpClientConfig },
  'an interceptor that throws': {
    prepare: (client) => {
      client.interceptors.request.use(() => {
        throw new Error('not today');
      });
    },
  },
  'a policy that throws': {
    deps: {
      perCall: [
        () => () => {
          throw new Error('not today');
        },
      ],
    },
  },
  'a transform that throws': {
    options: () => ({
      transformRequest: () => {
        throw new Error('not today');
      },
    }),
  },
  'a header with a line break': { options: () => ({ headers: { 'x-a': 'a\r\nb: c' } }) },
  'a limit of its length': { options: () => ({ maxBodyLength: 10, headers: { 'content-length': '100000' } }) },
};

/** Fetch has no interceptors, no transforms, and no such limit; and headers refuse line breaks by themselves. */
function isOfAxios(name: string): boolean {
  return ['interceptor', 'transform', 'limit of its length', 'line break'].some((word) => name.includes(word));
}

async function refusing({ config, deps, prepare }: Refusal): Promise<HttpClient> {
  const { origin } = await startHttp((request, response) =>
    (request.url === '/hang' ? hang : answer())(request, response),
  );
  const client = createHttpClient({ baseURL: origin, logging: false, retry: false, ...config }, deps);
  onTestFinished(() => client.close({ grace: 0 }));
  await prepare?.(client);
  return client;
}

const waiting = () => new Readable({ read() {} });

describe.each(Object.entries(refusals))('a request body that is refused by %s', (name, refusal) => {
  const { options = () => ({}), url = '/' } = refusal;

  it('is destroyed: a stream', async () => {
    const client = await refusing(refusal);
    const body = waiting();
    await rejection(client.post(url, body, options()));
    expect(body.destroyed).toBe(true);
  });

  it('is destroyed with the files of its form', async () => {
    const client = await refusing(refusal);
    const form = new FormDataPackage();
    const part = waiting();
    form.append('a', 'b');
    form.append('file', part, { filename: 'a.txt' });
    await rejection(client.post(url, form, options()));
    await until(() => part.destroyed);
  });

  it('is cancelled: the web stream of a fetch', async () => {
    if (isOfAxios(name)) return;
    const client = await refusing(refusal);
    const cancelled = new Promise((resolve) => {
      const body = new ReadableStream({ cancel: resolve, pull: () => new Promise(() => {}) });
      const init = { method: 'POST', body, duplex: 'half', ...options() };
      client.fetch(url, init as RequestInit).catch(() => {});
    });
    await cancelled;
  });
});

describe('files', () => {
  it('that were to be sent are closed again, whoever has refused them', async () => {
    const { sent } = files({ sent: 'x'.repeat(100_000) });
    const open = () => readdirSync('/proc/self/fd').length;
    const client = await refusing({ prepare: (made) => made.forceCircuit('open') });
    const before = open();
    for (let call = 0; call < 10; call++) await rejection(client.post('/', createReadStream(sent)));
    await until(() => open() <= before);
  });

  it('are closed by the adapter alone, too', async () => {
    const adapter = createUndiciAdapter();
    const plain = axios.create({ adapter, proxy: false });
    await adapter.close();
    const body = waiting();
    await rejection(plain.post('http://127.0.0.1:1/', body));
    expect(body.destroyed).toBe(true);
  });
});

describe('listeners', () => {
  it('of ours are one on each body and one on each signal, with everything on', async () => {
    const { origin } = await startHttp(answer(200, 'ok'.repeat(100_000)));
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    onTestFinished(() => void process.off('warning', warn));
    const { client } = watch({
      baseURL: origin,
      hedging: { delay: '1s' },
      adaptiveConcurrency: { initialLimit: 100 },
      outlierDetection: {},
      endpoints: { static: [{ address: new URL(origin).host }] },
    });
    const { signal } = new AbortController();
    const ways: object[] = [{}, { family: 4 }];
    const calls = Array.from({ length: 60 }, (_, call) =>
      client.get<Readable>('/', { ...ways[call % 2], responseType: 'stream', signal }),
    );
    const answers = await Promise.all(calls);
    for (const { data } of answers) expect(data.listenerCount('close')).toBeLessThanOrEqual(2);
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
    await Promise.all(answers.map(({ data }) => buffer(data)));
    await until(() => getEventListeners(signal, 'abort').length === 0);
    expect(warnings).toEqual([]);
  });

  it('on a signal are one for many calls of the adapter alone, and of fetch', async () => {
    const { origin } = await startHttp(hang);
    const adapter = createUndiciAdapter();
    onTestFinished(() => adapter.destroy());
    const plain = axios.create({ adapter, proxy: false, baseURL: origin });
    const { client } = watch({ baseURL: origin });
    const controller = new AbortController();
    const { signal } = controller;
    const calls = Array.from({ length: 30 }, () => [
      rejection(plain.get('/', { signal })),
      rejection(client.fetch('/', { signal })),
    ]);
    await pause(20);
    expect(getEventListeners(signal, 'abort').length).toBe(1);
    controller.abort();
    await Promise.all(calls.flat());
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('whoever loses a race', () => {
  it('is let go of: an attempt that failed before another succeeded', async () => {
    let count = 0;
    const { origin } = await startHttp((_, response) => {
      const first = count++ % 2 === 0;
      setTimeout(() => response.writeHead(first ? 503 : 200).end('x'.repeat(1_000_000)), first ? 30 : 40);
    });
    const { client } = watch({
      baseURL: origin,
      limits: { maxRequests: 8 },
      hedging: { delay: '5ms', budget: 1 },
      retry: false,
      circuitBreaker: false,
    });
    for (let call = 0; call < 20; call++) {
      const response = await client.fetch('/');
      expect((await response.arrayBuffer()).byteLength).toBe(1_000_000);
    }
    await until(() => client.stats().calls.active === 0);
    await until(() => Object.keys(client.stats().policies.limits as object).length === 0);
  });
});
