/** A router over `globalThis.fetch`, alone and among other code that replaces it. */
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { HttpResponse, http as msw } from 'msw';
import { setupServer } from 'msw/node';
import nock from 'nock';
import { createHttpClient, type HttpClientConfig, loadHttpClients } from 'pillion';
import * as undici from 'undici';
import * as undici6 from 'undici-6';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { installFetch } from '../../src/sidecar/index.js';
import { answer } from '../support/behaviours.js';
import { silent } from '../support/client.js';
import { recordSpans } from '../support/spans.js';
import { startHttp } from '../support/upstream.js';

nock.restore();
const native = globalThis.fetch;
const descriptor = Object.getOwnPropertyDescriptor(globalThis, 'fetch');

afterEach(() => {
  expect(Object.getOwnPropertyDescriptor(globalThis, 'fetch')).toEqual(descriptor);
});

/** Puts a patch of other code in place, as tools do: it calls what was there, and puts that back. */
function patched(name: string) {
  const before = globalThis.fetch;
  const calls: unknown[] = [];
  const patch = (async (...args: Parameters<typeof fetch>) => {
    calls.push(String(args[0]));
    return before(...args);
  }) as typeof fetch;
  Object.defineProperty(patch, 'name', { value: name });
  globalThis.fetch = patch;
  return {
    patch,
    calls,
    restore: () => {
      globalThis.fetch = before;
    },
  };
}

/** Answers in place of the network. */
function fake(text: string) {
  const before = globalThis.fetch;
  const spy = vi.fn((..._: unknown[]) => Promise.resolve(new Response(text)));
  globalThis.fetch = spy as never;
  return {
    spy,
    restore: () => {
      globalThis.fetch = before;
    },
  };
}

async function upstream(path = '', config: HttpClientConfig = {}) {
  const server = await startHttp(answer(503), answer(200, 'ours'));
  const client = createHttpClient(
    { baseURL: server.origin + path, retry: { backoff: { base: 1 } }, ...config },
    { logger: silent, random: () => 0 },
  );
  onTestFinished(() => client.close({ grace: 0 }));
  return { ...server, server, client };
}

const bodyOf = async (...args: Parameters<typeof fetch>) => (await fetch(...args)).text();

describe('a request', () => {
  test.each<[string, (url: string) => unknown]>([
    ['a string', (url) => url],
    ['a URL', (url) => new URL(url)],
    ['a Request', (url) => new Request(url)],
    ['a Request of undici 7', (url) => new undici.Request(url)],
    ['a Request of undici 6', (url) => new undici6.Request(url)],
  ])('that is %s goes to the client that covers it, with its policies, and its path once', async (_, make) => {
    const { origin, server, client } = await upstream('/api');
    const remove = installFetch(client);
    try {
      expect(await bodyOf(make(`${origin}/api/a?b=1`) as never)).toBe('ours');
    } finally {
      remove();
    }
    expect(server.requests.map(({ path }) => path)).toEqual(['/api/a?b=1', '/api/a?b=1']);
    expect(client.stats()).toMatchObject({ calls: { started: 1 }, attempts: 2 });
  });

  test('that no client covers goes to the fetch there was, as it is', async () => {
    const { origin, client } = await upstream('/api');
    const { spy, restore } = fake('theirs');
    const remove = installFetch([client]);
    const given: Parameters<typeof fetch>[] = [
      [`${origin}/apis`],
      [`${origin}/`, { method: 'POST' }],
      ['https://other.test/api'],
      ['/api/a'],
      ['data:text/plain,x'],
      ['blob:nodedata:1'],
      ['file:///etc/hosts'],
      [new Request('https://other.test')],
      [`${origin}/api/a`, { dispatcher: new undici.MockAgent() } as never],
      [5 as never],
    ];
    for (const args of given) expect(await bodyOf(...args)).toBe('theirs');
    remove();
    restore();
    expect(spy.mock.calls.map(([input, init]) => (init === undefined ? [input] : [input, init]))).toEqual(given);
    expect(client.stats().calls.started).toBe(0);
  });

  test('keeps its body, signal and redirect mode', async () => {
    const server = await startHttp(
      (_, response) => void response.writeHead(302, { location: '/b' }).end(),
      (_, response) => void response.writeHead(302, { location: '/b' }).end(),
      answer(200, 'there'),
      answer(200, 'streamed'),
    );
    const client = createHttpClient({ baseURL: server.origin }, { logger: silent });
    onTestFinished(() => client.close({ grace: 0 }));
    const remove = installFetch(client);
    try {
      expect((await fetch(`${server.origin}/a`, { redirect: 'manual' })).status).toBe(302);
      expect(await bodyOf(`${server.origin}/a`)).toBe('there');
      const body = new Blob(['one two']).stream();
      expect(await bodyOf(`${server.origin}/c`, { method: 'POST', body, duplex: 'half' } as never)).toBe('streamed');
      await expect(fetch(server.origin, { signal: AbortSignal.abort(new Error('Enough.')) })).rejects.toThrow(
        'Enough.',
      );
    } finally {
      remove();
    }
    expect(server.requests.at(-1)?.body).toBe('one two');
  });

  test('goes to the fetch there was once a reload has removed its client', async () => {
    const { origin } = await upstream();
    let clients: object = { mine: { baseURL: `${origin}/mine` } };
    const registry = await loadHttpClients({ name: 'test', load: async () => ({ clients }) }, { logger: silent });
    onTestFinished(() => registry.close({ grace: 0 }));
    const { restore } = fake('theirs');
    const remove = installFetch(registry);
    expect(await bodyOf(`${origin}/mine`)).toBe('ours');
    clients = { other: { baseURL: `${origin}/other` } };
    await registry.refresh();
    expect([await bodyOf(`${origin}/mine`), await bodyOf(`${origin}/other`)]).toEqual(['theirs', 'ours']);
    remove();
    restore();
  });
});

describe('the function that is installed', () => {
  test('has the name, length and property of the fetch there was; taking it out is idempotent', async () => {
    const { client } = await upstream();
    const remove = installFetch(client);
    const { value, ...attributes } = Object.getOwnPropertyDescriptor(globalThis, 'fetch') as PropertyDescriptor;
    expect({ ...attributes, value: native }).toEqual(descriptor);
    expect([value.name, value.length]).toEqual([native.name, native.length]);
    expect(value).not.toBe(native);
    remove();
    remove();
    const again = installFetch(client);
    remove();
    expect(globalThis.fetch).not.toBe(native);
    again();
  });

  test('of the later of two asks first, and both go in any order', async () => {
    const first = await upstream();
    const second = createHttpClient({ baseURL: `${first.origin}/second` }, { logger: silent });
    onTestFinished(() => second.close({ grace: 0 }));
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const removals = [installFetch(first.client), installFetch(second)];
      const started = second.stats().calls.started;
      await bodyOf(`${first.origin}/second/a`);
      await bodyOf(`${first.origin}/first`);
      expect(second.stats().calls.started).toBe(started + 1);
      removals[order[0] as number]?.();
      expect(globalThis.fetch).not.toBe(native);
      removals[order[1] as number]?.();
      expect(globalThis.fetch).toBe(native);
    }
  });

  test('leaves a patch above it alone, and passes on what that lets through', async () => {
    const { origin, client } = await upstream();
    const below = patched('below');
    const remove = installFetch(client);
    const above = patched('above');
    expect(await bodyOf(origin)).toBe('ours');
    remove();
    expect(globalThis.fetch).toBe(above.patch);
    expect(await bodyOf(origin)).toBe('ours');
    expect([above.calls, below.calls]).toEqual([[origin, origin], [origin]]);
    expect(client.stats().calls.started).toBe(1);
    // It puts back the router that was taken out, which the next one to go clears away.
    above.restore();
    installFetch(client)();
    expect(globalThis.fetch).toBe(below.patch);
    below.restore();
  });

  test('does not bring back a patch that has gone while it stood', async () => {
    const { origin, client } = await upstream();
    const below = patched('below');
    const remove = installFetch(client);
    // It puts back what it found, as @mswjs/interceptors does.
    below.restore();
    remove();
    expect(globalThis.fetch).toBe(native);
    expect(await bodyOf(origin)).toBeDefined();
    expect(below.calls).toEqual([]);
  });

  test('needs clients, and a fetch', () => {
    expect(() => installFetch({} as never)).toThrow('installFetch: clients must be');
    delete (globalThis as { fetch?: unknown }).fetch;
    try {
      expect(() => installFetch([])).toThrow('there is no globalThis.fetch');
    } finally {
      Object.defineProperty(globalThis, 'fetch', descriptor as PropertyDescriptor);
    }
  });
});

describe('with other tools', () => {
  test.each(['before', 'after'])('msw that starts %s it mocks requests of clients and others', async (order) => {
    const { origin, client } = await upstream();
    const server = setupServer(
      msw.get(`${origin}/mocked`, () => HttpResponse.text('mocked')),
      msw.get('https://other.test/', () => HttpResponse.text('other')),
    );
    const start = () => server.listen({ onUnhandledRequest: 'error' });
    if (order === 'before') start();
    const remove = installFetch(client);
    if (order === 'after') start();
    expect([await bodyOf(`${origin}/mocked`), await bodyOf('https://other.test/')]).toEqual(['mocked', 'other']);
    if (order === 'before') remove();
    server.close();
    if (order === 'after') remove();
  });

  test.each(['before', 'after'])('nock that starts %s it mocks requests of clients and others', async (order) => {
    const { origin, client } = await upstream();
    const start = () => {
      nock.activate();
      nock(origin).get('/mocked').reply(200, 'mocked');
      nock('https://other.test').get('/').reply(200, 'other');
    };
    if (order === 'before') start();
    const remove = installFetch(client);
    if (order === 'after') start();
    expect([await bodyOf(`${origin}/mocked`), await bodyOf('https://other.test/')]).toEqual(['mocked', 'other']);
    if (order === 'before') remove();
    nock.restore();
    if (order === 'after') remove();
    nock.cleanAll();
  });

  describe("OpenTelemetry's instrumentation", () => {
    const spans = recordSpans();
    test('adds no span to those of the client', async () => {
      const instrumentation = new UndiciInstrumentation();
      const { origin, client } = await upstream();
      const remove = installFetch(client);
      try {
        expect(await bodyOf(origin)).toBe('ours');
      } finally {
        remove();
        instrumentation.disable();
      }
      expect(spans.all().map(({ instrumentationScope }) => instrumentationScope.name)).toEqual(
        Array(3).fill('pillion'),
      );
    });
  });
});
