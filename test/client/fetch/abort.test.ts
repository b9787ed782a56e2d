/** client.fetch: how a call ends before its time, against Node's own fetch; and that nothing stays behind. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../../support/upstream.js';
import { answering, both } from './both.js';

/** Sends a piece of a body and then nothing. */
const half: Behaviour = (_, response) => void response.write('half');
const never: Behaviour = () => {};

describe('an aborted call', () => {
  it.each<
    [string, Behaviour, (fetch: typeof globalThis.fetch, url: string, controller: AbortController) => Promise<unknown>]
  >([
    [
      'beforehand',
      answering(200),
      (fetch, url, controller) => {
        controller.abort();
        return fetch(url, { signal: controller.signal });
      },
    ],
    [
      'while it waits for an answer',
      never,
      (fetch, url, controller) => {
        setImmediate(() => controller.abort());
        return fetch(url, { signal: controller.signal });
      },
    ],
    [
      'with a reason',
      never,
      (fetch, url, controller) => {
        setImmediate(() => controller.abort(new RangeError('my reason')));
        return fetch(url, { signal: controller.signal });
      },
    ],
    [
      'with a reason that is no error',
      never,
      (fetch, url, controller) => {
        setImmediate(() => controller.abort('a word'));
        return fetch(url, { signal: controller.signal });
      },
    ],
    [
      'by the signal of a Request',
      never,
      (fetch, url, controller) => {
        setImmediate(() => controller.abort(new RangeError('my reason')));
        return fetch(new Request(url, { signal: controller.signal }));
      },
    ],
    ['by AbortSignal.timeout', never, (fetch, url) => fetch(url, { signal: AbortSignal.timeout(5) })],
    [
      'by AbortSignal.any',
      never,
      (fetch, url, controller) => {
        setImmediate(() => controller.abort());
        return fetch(url, { signal: AbortSignal.any([controller.signal, new AbortController().signal]) });
      },
    ],
    [
      'in its body',
      half,
      async (fetch, url, controller) => {
        const response = await fetch(url, { signal: controller.signal });
        setImmediate(() => controller.abort());
        return response.text();
      },
    ],
    [
      'in its body, with a reason',
      half,
      async (fetch, url, controller) => {
        const response = await fetch(url, { signal: controller.signal });
        setImmediate(() => controller.abort(new RangeError('my reason')));
        return response.text();
      },
    ],
    [
      'between headers and body',
      half,
      async (fetch, url, controller) => {
        const response = await fetch(url, { signal: controller.signal });
        controller.abort();
        return response.text();
      },
    ],
  ])('%s ends as Node’s fetch has it', async (_, behaviour, call) => {
    const { of } = await both(behaviour);
    const [standard, ours] = await of((fetch, origin) => call(fetch as never, `${origin}/`, new AbortController()));
    // Node words its own AbortError in two ways; a reason of the caller's comes as it is.
    const shape = ({ error }: { error?: unknown }) =>
      error instanceof Error ? [error.name, error.name === 'AbortError' || error.message] : error;
    expect(standard.error).toBeDefined();
    expect(shape(ours)).toEqual(shape(standard));
  });

  it('leaves no listener on the signal, whether it ended or not', async () => {
    const { client } = await both(answering(200, {}, 'x'));
    const { signal } = new AbortController();
    for (let call = 0; call < 3; call++) await (await client.fetch('/', { signal })).text();
    const request = new Request(`${client.defaults.baseURL}/`, { method: 'POST', body: 'x', signal });
    await (await client.fetch(request)).text();
    await client.fetch('/', { signal, method: 'GET', body: 'x' } as never).catch(() => {});
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
  });
});

describe('a body', () => {
  it('that is not wanted frees its socket', async () => {
    const { client, upstream } = await both(half);
    const response = await client.fetch('/');
    await response.body?.cancel();
    await upstream.connections[0]?.closed;
    expect(client.stats().calls.active).toBe(0);
  });

  it('that breaks off is a TypeError with its cause', async () => {
    const cut: Behaviour = (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => setImmediate(() => request.socket.destroy()));
    };
    const { of } = await both(cut);
    const [standard, ours] = await of(async (fetch, origin) => (await fetch(origin)).text());
    expect(standard.error?.name).toBe('TypeError');
    expect(ours.error?.name).toBe('TypeError');
    expect(ours.error?.message).toBe(standard.error?.message);
    expect(ours.error?.cause?.code).toBe('ECONNRESET');
  });

  it('that nobody reads is over with the deadline, and the client can be closed', async () => {
    const { client } = await both(half, { timeouts: { total: 100 } });
    await client.fetch('/');
    expect(client.stats().calls.active).toBe(1);
    await client.close();
    expect(client.stats().calls.active).toBe(0);
  });

  it('is under the deadline of the call', async () => {
    const { client } = await both(half, { timeouts: { total: 50 } });
    const response = await client.fetch('/');
    await expect(response.text()).rejects.toMatchObject({
      ...{ name: 'TypeError', code: 'ERR_DEADLINE' },
      cause: { code: 'ERR_DEADLINE' },
    });
  });
});
