import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import axios, { type AxiosRequestConfig } from 'axios';
import { createUndiciAdapter, type UndiciAdapterOptions } from 'pillion';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection, until } from '../../support/client.js';
import { closing, startHttps } from '../../support/upstream.js';
import { mutual, oldAndNext, showName, shown } from './rotating.js';
import { inPlace } from './stores.js';

const { ca, server, old, next } = await oldAndNext();

/** An axios instance over the adapter alone, and an upstream that holds back the answers below `/held`. */
async function scene(reload: { drainTimeout?: '100ms' } = {}, options: UndiciAdapterOptions = {}) {
  const held: { url: string | undefined; name: string; response: ServerResponse }[] = [];
  const upstream = await startHttps(mutual(server, ca), (request, response) => {
    if (request.url?.startsWith('/held')) held.push({ url: request.url, name: shown(request.socket), response });
    else showName(request, response);
  });
  const { cert, key, put } = inPlace(old);
  const tls = { cert, key, ca: ca.cert, reload: { interval: '20ms', ...reload } } as const;
  const adapter = createUndiciAdapter({ ...options, tls });
  onTestFinished(() => adapter.destroy());
  const instance = axios.create({ baseURL: upstream.origin, adapter });
  /** There are no events here: that a call goes on under the old certificate tells that another one is in force. */
  const rotateDuringCall = async () => {
    put(next);
    await until(() => adapter.stats().draining > 0);
  };
  return { ...upstream, adapter, instance, held, put, rotateDuringCall };
}

/** With redirects (the default of axios) and without, on the fast lane; and on axios's http adapter. */
const lanes: [string, AxiosRequestConfig][] = [
  ['the fast lane', { maxRedirects: 0 }],
  ['the fast lane with redirects', {}],
  ["axios's http adapter", { family: 4 }],
];

describe.each(lanes)('the adapter alone, on %s', (_, lane) => {
  it('shows the new certificate once the files have changed', async () => {
    const { instance, put, connections } = await scene();
    expect((await instance.get('/', lane)).data).toBe('old');
    put(next);
    await closing(connections[0]);
    expect((await instance.get('/', lane)).data).toBe('next');
  });

  it('lets a call that was begun before come to its end', async () => {
    const { adapter, instance, held, rotateDuringCall } = await scene();
    const slow = instance.get('/held', lane);
    await until(() => held.length === 1);
    await rotateDuringCall();
    expect((await instance.get('/', lane)).data).toBe('next');
    held[0]?.response.end('slow');
    expect((await slow).data).toBe('slow');
    await until(() => adapter.stats().draining === 0);
  });

  it('ends a call of long before with ECONNRESET', async () => {
    const { adapter, instance, held, rotateDuringCall } = await scene({ drainTimeout: '100ms' });
    const slow = rejection(instance.get('/held', lane));
    await until(() => held.length === 1);
    await rotateDuringCall();
    expect((await slow).code).toBe('ECONNRESET');
    await until(() => adapter.stats().draining === 0);
  });

  it('lets requests that wait for one of few connections come to their end', async () => {
    const { adapter, instance, held, rotateDuringCall } = await scene({}, { maxConnections: 1 });
    const calls = ['/held/1', '/held/2'].map((url) => instance.get(url, lane));
    for (const call of calls) call.catch(() => {});
    await until(() => held.length === 1);
    await rotateDuringCall();
    expect((await instance.get('/', lane)).data).toBe('next');
    held[0]?.response.end('first');
    await until(() => held.length === 2);
    held[1]?.response.end('second');
    expect((await Promise.all(calls)).map(({ data }) => data)).toEqual(['first', 'second']);
    await until(() => adapter.stats().draining === 0);
  });

  it('ends requests that wait for one of few connections as well, unseen', async () => {
    const { instance, held, rotateDuringCall } = await scene({ drainTimeout: '100ms' }, { maxConnections: 1 });
    const calls = ['/held/1', '/held/2'].map((url) => rejection(instance.get(url, lane)));
    await until(() => held.length === 1);
    await rotateDuringCall();
    expect((await calls[0])?.code).toBe('ECONNRESET');
    expect((await calls[1])?.code).toBe('ECONNRESET');
    expect(held).toHaveLength(1);
  });

  it('lets go of the old connections although a request waited to the end', async () => {
    const { adapter, instance, held, rotateDuringCall } = await scene({ drainTimeout: '100ms' }, { maxConnections: 1 });
    const calls = ['/held/1', '/held/2'].map((url) => rejection(instance.get(url, lane)));
    await until(() => held.length === 1);
    await rotateDuringCall();
    expect((await calls[0])?.code).toBe('ECONNRESET');
    expect((await calls[1])?.code).toBe('ECONNRESET');
    await until(() => adapter.stats().draining === 0);
  });

  it('lets go of the old connections although a waiting request was given up', async () => {
    const { adapter, instance, held, rotateDuringCall } = await scene({}, { maxConnections: 1 });
    const first = instance.get('/held', lane);
    await until(() => held.length === 1);
    const controller = new AbortController();
    const waiting = rejection(instance.get('/held', { ...lane, signal: controller.signal }));
    await rotateDuringCall();
    controller.abort();
    expect((await waiting).code).toBe('ERR_CANCELED');
    held[0]?.response.end('slow');
    expect((await first).data).toBe('slow');
    await until(() => adapter.stats().draining === 0);
  });

  it('closed in the meantime, waits for calls of before and after the rotation', async () => {
    const { adapter, instance, held, connections, rotateDuringCall } = await scene();
    const before = instance.get('/held', lane);
    before.catch(() => {});
    await until(() => held.length === 1);
    await rotateDuringCall();
    const after = instance.get('/held', lane);
    await until(() => held.length === 2);
    let closed = false;
    const close = adapter.close().then(() => {
      closed = true;
    });
    held[1]?.response.end('after');
    expect((await after).data).toBe('after');
    await closing(connections[1]);
    expect(closed).toBe(false);
    held[0]?.response.end('before');
    expect((await before).data).toBe('before');
    await close;
    await closing(connections[0]);
  });

  it('closed in the meantime, waits for a download of before the rotation', async () => {
    const { adapter, instance, held, connections, rotateDuringCall } = await scene();
    const answer = instance.get<Readable>('/held', { ...lane, responseType: 'stream' });
    await until(() => held.length === 1);
    held[0]?.response.write('one ');
    const received = text((await answer).data);
    received.catch(() => {});
    await rotateDuringCall();
    expect((await instance.get('/', lane)).data).toBe('next');
    let closed = false;
    const close = adapter.close().then(() => {
      closed = true;
    });
    // The idle connection of the new certificate is gone: whatever else was to be closed at once has been.
    await closing(connections[1]);
    expect(closed).toBe(false);
    held[0]?.response.end('two');
    expect(await received).toBe('one two');
    await close;
    await closing(connections[0]);
  });

  it('closed in the meantime, counts nothing as draining in the end', async () => {
    const { adapter, instance, held, rotateDuringCall } = await scene();
    const before = instance.get('/held', lane);
    before.catch(() => {});
    await until(() => held.length === 1);
    await rotateDuringCall();
    const close = adapter.close();
    held[0]?.response.end('before');
    await before;
    await close;
    await until(() => adapter.stats().draining === 0);
  });

  it('destroyed in the meantime, ends calls of before and after the rotation', async () => {
    const { adapter, instance, held, connections, rotateDuringCall } = await scene();
    const before = rejection(instance.get('/held', lane));
    await until(() => held.length === 1);
    await rotateDuringCall();
    const after = rejection(instance.get('/held', lane));
    await until(() => held.length === 2);
    await adapter.destroy();
    for (const call of [before, after]) expect((await call).code).toMatch(/^(ERR_CLOSED|ECONNRESET)$/);
    for (const connection of connections) await closing(connection);
  });

  it('closed, follows the files no more', async () => {
    const { adapter, instance, put, connections } = await scene();
    expect((await instance.get('/', lane)).data).toBe('old');
    await adapter.close();
    await closing(connections[0]);
    put(next);
    const other = await scene();
    other.put(next);
    await other.instance.get('/', lane);
    await closing(other.connections[0]);
    expect(adapter.stats().draining).toBe(0);
    expect((await rejection(instance.get('/', { ...lane, family: undefined }))).code).toBe('ERR_CLOSED');
  });
});
