import { getEventListeners } from 'node:events';
import { text } from 'node:stream/consumers';
import axios from 'axios';
import { createHttpClient } from 'pillion';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { answer, dribble, hang, reset } from '../support/behaviours.js';
import { lanes, pause, rejection, until, watch } from '../support/client.js';
import { type Behaviour, closing, startHttp } from '../support/upstream.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe.each(lanes)('a signal that outlives its calls, on %s', (_, lane) => {
  it.each<[string, Behaviour, object]>([
    ['succeed', answer(), {}],
    ['fail after retries', answer(503), {}],
    ['lose their connection', reset, {}],
    ['time out', hang, { timeouts: { attempt: 5 }, retry: false }],
  ])('has no listener left of a hundred calls that %s', async (_name, upstream, options) => {
    const warned = vi.spyOn(process, 'emitWarning');
    const { signal } = new AbortController();
    const { origin } = await startHttp(upstream);
    const { client } = watch({ baseURL: origin, circuitBreaker: false });
    const call = () => client.get('/', { ...lane, ...options, signal }).catch(() => {});
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, call));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    // Node warns of a leak above ten listeners.
    expect(warned).not.toHaveBeenCalled();
  });

  it('has none left of streams, read or destroyed', async () => {
    const { signal } = new AbortController();
    const { origin } = await startHttp(answer(200, 'body'));
    const { client } = watch({ baseURL: origin });
    for (let i = 0; i < 20; i++) {
      const { data } = await client.get('/', { ...lane, signal, responseType: 'stream' });
      if (i % 2 === 0) await text(data);
      else data.destroy();
    }
    await until(() => client.stats().calls.active === 0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('has none left of a cancel token either', async () => {
    const { token } = axios.CancelToken.source();
    const { origin } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    for (let i = 0; i < 20; i++) await client.get('/', { ...lane, cancelToken: token });
    expect((token as unknown as { _listeners: unknown[] | null })._listeners ?? []).toEqual([]);
  });
});

describe.each(lanes)('a closed client, on %s', (_, lane) => {
  it.each<[string, Behaviour]>([
    ['answered', answer()],
    ['failed', answer(503)],
    ['lost the connection', reset],
    ['hung', hang],
  ])('has no connection left to a server that %s', async (_name, upstream) => {
    const { origin, connections } = await startHttp(upstream);
    const { client } = watch({ baseURL: origin, timeouts: { attempt: 40 } });
    await Promise.all([1, 2, 3].map(() => client.get('/', lane).catch(() => {})));
    await client.close();
    expect(connections.length).toBeGreaterThan(0);
    await Promise.all(connections.map(closing));
  });

  it('has none left to streams, read, destroyed or forgotten', async () => {
    const { origin, connections } = await startHttp(answer(200, 'body'));
    const { client } = watch({ baseURL: origin });
    const streams = [1, 2, 3].map(() => client.get('/', { ...lane, responseType: 'stream' }));
    const [read, destroyed] = await Promise.all(streams);
    await text(read?.data);
    destroyed?.data.destroy();
    await client.close({ grace: 20 });
    await Promise.all(connections.map(closing));
  });
});

describe('`await using`', () => {
  it('closes the client at the end of the block, after the calls in flight', async () => {
    const slowly: Behaviour = (_, response) => setTimeout(() => response.end('slow'), 50);
    const { origin, connections } = await startHttp(slowly);
    let slow: Promise<{ data: string }>;
    {
      await using client = createHttpClient({ baseURL: origin }, { logger: silent });
      slow = client.get<string>('/');
      await until(() => connections.length === 1);
    }
    expect((await slow).data).toBe('slow');
    await closing(connections[0]);
  });

  it('closes it when the block throws', async () => {
    const { origin, connections } = await startHttp(answer());
    const failed = rejection(
      (async () => {
        await using client = createHttpClient({ baseURL: origin }, { logger: silent });
        await client.get('/');
        throw new Error('something else');
      })(),
    );
    expect((await failed).message).toBe('something else');
    await closing(connections[0]);
  });
});

describe.each(lanes)('an update that replaces the connections, on %s', (_, lane) => {
  const changed = (baseURL: string) => ({ baseURL, timeouts: { connect: 777 }, retry: false as const });

  it('lets calls and streams in flight finish, then lets their connections go', async () => {
    const held: Parameters<Behaviour>[1][] = [];
    const { origin, connections } = await startHttp((_request, response) => {
      response.writeHead(200).write('first ');
      held.push(response);
    });
    const { client } = watch({ baseURL: origin, retry: false });
    const buffered = client.get('/', lane);
    const streamed = await client.get('/', { ...lane, responseType: 'stream' });
    await until(() => held.length === 2);
    client.update(changed(origin));
    await pause(30);
    for (const response of held) response.end('last');
    expect((await buffered).data).toBe('first last');
    expect(await text(streamed.data)).toBe('first last');
    await Promise.all(connections.map(closing));
  });

  it('lets go of the old connections also where the last call on them fails', async () => {
    const { origin, connections } = await startHttp(dribble);
    const { client } = watch({ baseURL: origin, retry: false, timeouts: { total: 100 } });
    const failed = rejection(client.get('/', lane));
    await until(() => connections.length === 1);
    client.update(changed(origin));
    expect(await failed).toMatchObject({ code: 'ERR_DEADLINE' });
    await Promise.all(connections.map(closing));
  });

  it('leaves nothing of a hundred updates', async () => {
    const { origin, connections } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    for (let i = 0; i < 100; i++) {
      await client.get('/', lane);
      client.update({ baseURL: origin, timeouts: { connect: 500 + i } });
    }
    await client.close();
    await Promise.all(connections.map(closing));
  });
});
