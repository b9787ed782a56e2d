import { getEventListeners } from 'node:events';
import { type AxiosAdapter, AxiosHeaders, type InternalAxiosRequestConfig, isCancel } from 'axios';
import { createMockTransport, holdReply, type Reply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { nativeSignal, Scope } from '../../../src/call/scope.js';
import { sourceFiles } from '../../package/source.js';
import { baseURL, rejection } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

fakeTimers();

/** Asked as any adapter is, without a client. */
const ask = (transport: AxiosAdapter, signal?: AbortSignal) =>
  transport({
    ...{ url: '/', method: 'get', baseURL, headers: new AxiosHeaders() },
    ...(signal && { signal }),
  } as InternalAxiosRequestConfig);

const forms: [string, () => Reply][] = [
  ["'hang'", () => 'hang'],
  ['a delayed answer', () => ({ data: 'late', delay: 60_000 })],
  ['a delayed error', () => ({ error: 'ECONNRESET', delay: 60_000 })],
  ['a held reply that never comes', () => holdReply()],
  ['a function that never answers', () => () => new Promise<Reply>(() => {})],
  ['a function that answers with a delay', () => async () => ({ status: 200, delay: 60_000 })],
];

describe('an abort', () => {
  it.each(forms)('ends %s at once', async (_, form) => {
    const controller = new AbortController();
    const failed = rejection(ask(createMockTransport([form()]), controller.signal));
    await vi.advanceTimersByTimeAsync(5);
    controller.abort();
    expect(isCancel(await failed)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it.each([...forms, ['a bare status', () => 200] as [string, () => Reply]])(
    'beforehand keeps %s from being given',
    async (_, form) => {
      const failed = rejection(ask(createMockTransport([form()]), AbortSignal.abort()));
      expect(isCancel(await failed)).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it('rejects with the reason where that is an error of the client', async () => {
    const scope = new Scope();
    const failed = rejection(ask(createMockTransport(['hang']), nativeSignal(scope)));
    const reason = Object.assign(new Error('over'), { isAxiosError: true });
    scope.abort(reason);
    expect(await failed).toBe(reason);
  });
});

describe('an answer', () => {
  it.each<[string, Reply]>([
    ['a status', 200],
    ['a delayed one', { delay: 5 }],
    ['an error', { error: 'EPIPE' }],
  ])('leaves no listener on the signal: %s', async (_, reply) => {
    const { signal } = new AbortController();
    const settled = Promise.allSettled([ask(createMockTransport([reply]), signal)]);
    await vi.advanceTimersByTimeAsync(5);
    await settled;
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('resolves whatever its status: refusing one is for those above', async () => {
    expect((await ask(createMockTransport([503]))).status).toBe(503);
  });

  it('is counted as a first attempt where nobody counts', async () => {
    const transport = createMockTransport([200]);
    await ask(transport);
    expect(transport.requests).toMatchObject([{ attempt: 1, method: 'GET', url: `${baseURL}/` }]);
  });
});

describe('the module', () => {
  it('needs no test runner', () => {
    const files = sourceFiles().filter(({ path }) => path.startsWith('testing/'));
    const modules = new Set(files.flatMap(({ imports }) => imports).filter((name) => !name.endsWith('.ts')));
    expect([...modules].filter((name) => !name.startsWith('node:'))).toEqual(['axios']);
  });
});
