import { getEventListeners } from 'node:events';
import axios, { type CancelToken } from 'axios';
import { holdReply } from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import { clientOver, rejection, scripted } from '../support/client.js';

/** axios keeps them in a private list. */
const listenersOf = (token: CancelToken) => (token as unknown as { _listeners: unknown[] | null })._listeners ?? [];

describe('a signal', () => {
  it('aborted beforehand ends the call with nothing sent', async () => {
    const { client, transport } = scripted([200]);
    const error = await rejection(client.get('/', { signal: AbortSignal.abort() }));
    expect(error.code).toBe('ERR_CANCELED');
    expect(axios.isCancel(error)).toBe(true);
    expect(transport.requests).toEqual([]);
  });

  it('aborted meanwhile ends the call at once, the wire included, and its reason is the cause', async () => {
    const controller = new AbortController();
    let wire: AbortSignal | undefined;
    const client = clientOver((config) => {
      wire = config.signal as AbortSignal;
      queueMicrotask(() => controller.abort(new Error('the user went away')));
      return new Promise(() => {});
    });
    const error = await rejection(client.get('/', { signal: controller.signal }));
    expect(error).toMatchObject({ code: 'ERR_CANCELED', attempts: 1, cause: { message: 'the user went away' } });
    expect(axios.isCancel(error)).toBe(true);
    expect(wire?.aborted).toBe(true);
    expect(client.stats().calls).toMatchObject({ started: 1, active: 0, cancelled: 1, failed: 0, succeeded: 0 });
  });

  it('aborted after the end changes nothing', async () => {
    const controller = new AbortController();
    const { client } = scripted([{ data: { ok: true } }]);
    const response = await client.get('/', { signal: controller.signal });
    controller.abort();
    expect(response.data).toEqual({ ok: true });
    expect(client.stats().calls).toMatchObject({ succeeded: 1, cancelled: 0 });
  });

  it.each([
    ['that succeeds', 200],
    ['that is retried and fails', 503],
    ['that fails without an answer', { error: 'CERT_HAS_EXPIRED' }],
  ])('keeps no listener of a call %s', async (_, reply) => {
    const { signal } = new AbortController();
    const { client } = scripted([{ reply }]);
    await client.get('/', { signal }).catch(() => {});
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('may be one that is not an AbortSignal, as long as it has the shape', async () => {
    const listeners = new Set<() => void>();
    const signal = {
      aborted: false,
      addEventListener: (_: string, listener: () => void) => listeners.add(listener),
      removeEventListener: (_: string, listener: () => void) => listeners.delete(listener),
    };
    const held = holdReply();
    const { client } = scripted([held]);
    const failed = rejection(client.get('/', { signal: signal as never }));
    await held.arrived;
    signal.aborted = true;
    for (const listener of [...listeners]) listener();
    expect(await failed).toMatchObject({ code: 'ERR_CANCELED' });
    expect(listeners.size).toBe(0);
  });
});

describe('a cancelToken', () => {
  it('cancelled beforehand ends the call with nothing sent', async () => {
    const source = axios.CancelToken.source();
    source.cancel('too late');
    const { client, transport } = scripted([200]);
    const error = await rejection(client.get('/', { cancelToken: source.token }));
    expect(axios.isCancel(error)).toBe(true);
    expect(error.message).toBe('too late');
    expect(transport.requests).toEqual([]);
  });

  it('cancelled meanwhile ends the call at once with its message', async () => {
    const source = axios.CancelToken.source();
    const held = holdReply();
    const { client } = scripted([held]);
    const failed = rejection(client.get('/', { cancelToken: source.token }));
    await held.arrived;
    source.cancel('left the page');
    const error = await failed;
    expect(axios.isCancel(error)).toBe(true);
    expect(error).toMatchObject({ code: 'ERR_CANCELED', message: 'left the page' });
    expect(client.stats().calls).toMatchObject({ active: 0, cancelled: 1 });
  });

  it('cancelled while a retry waits ends the wait, and nothing more is sent', async () => {
    const source = axios.CancelToken.source();
    const { client, transport } = scripted(
      [{ reply: 503 }],
      { retry: { backoff: { base: '1h', max: '1h' } } },
      { random: () => 0.001 },
    );
    client.on('retry.scheduled', () => source.cancel('stop'));
    expect(await rejection(client.get('/', { cancelToken: source.token }))).toMatchObject({ code: 'ERR_CANCELED' });
    expect(transport.requests).toHaveLength(1);
  });

  it('keeps no listener of a call that ended', async () => {
    const { token } = axios.CancelToken.source();
    const { client } = scripted([503, 200, 404]);
    await client.get('/', { cancelToken: token });
    await rejection(client.get('/', { cancelToken: token }));
    expect(listenersOf(token)).toEqual([]);
  });

  it('and a signal may be given together: whichever comes first ends the call', async () => {
    for (const first of ['signal', 'token'] as const) {
      const source = axios.CancelToken.source();
      const controller = new AbortController();
      const held = holdReply();
      const { client } = scripted([held]);
      const failed = rejection(client.get('/', { cancelToken: source.token, signal: controller.signal }));
      await held.arrived;
      if (first === 'signal') controller.abort();
      else source.cancel();
      expect(axios.isCancel(await failed)).toBe(true);
      expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
      expect(listenersOf(source.token)).toEqual([]);
    }
  });
});
