import axios, { type AxiosAdapter, AxiosError, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import { createHttpClient, type HttpClientConfig } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, rejection, silent } from '../support/client.js';
import { fakeTimers } from '../support/clock.js';
import { startHttp } from '../support/upstream.js';

fakeTimers();

const over = (transport: AxiosAdapter, config: HttpClientConfig = {}) =>
  createHttpClient({ baseURL, ...config }, { logger: silent, random: () => 0, transport });

const answer = (config: InternalAxiosRequestConfig, status: number, headers: object = {}) => ({
  ...{ data: '', status, statusText: '', headers: headers as Record<string, string>, config },
});

describe('an injected transport', () => {
  it('is called once per attempt, below every policy', async () => {
    let calls = 0;
    const client = over(async (config) => answer(config, ++calls < 3 ? 503 : 200));
    const response = client.get('/');
    await vi.runAllTimersAsync();
    expect((await response).status).toBe(200);
    expect(calls).toBe(3);
    expect(client.stats().policies.wire).toEqual({ injected: true });
  });

  it('gets a real AbortSignal, which fetch insists on, aborted when the attempt times out', async () => {
    const signals: unknown[] = [];
    const client = over(({ signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    const failed = rejection(client.get('/'));
    await vi.runAllTimersAsync();
    expect((await failed).code).toBe('ERR_ATTEMPT_TIMEOUT');
    expect(signals).toHaveLength(3);
    for (const signal of signals) {
      expect(signal).toBeInstanceOf(AbortSignal);
      expect((signal as AbortSignal).aborted).toBe(true);
    }
    expect(new Set(signals).size).toBe(3);
  });

  it('need not apply validateStatus: a 404 that it resolves with is a failure all the same', async () => {
    const error = await rejection(over(async (config) => answer(config, 404)).get('/'));
    expect(isAxiosError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'ERR_BAD_REQUEST', status: 404 });
  });

  it('may reject by itself with an AxiosError of a status, which is retried like any other', async () => {
    let calls = 0;
    const client = over(async (config) => {
      calls++;
      throw new AxiosError('failed', 'ERR_BAD_RESPONSE', config, {}, answer(config, 503));
    });
    const failed = rejection(client.get('/'));
    await vi.runAllTimersAsync();
    expect(await failed).toMatchObject({ status: 503, attempts: 3 });
    expect(calls).toBe(3);
  });

  it('may write Retry-After in any case', async () => {
    let calls = 0;
    const client = over(async (config) => answer(config, ++calls < 2 ? 503 : 200, { 'Retry-After': '2' }));
    const response = client.get('/');
    await vi.advanceTimersByTimeAsync(1999);
    expect(calls).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await response).status).toBe(200);
  });

  it('may answer without config and headers', async () => {
    const client = over(async () => ({ data: 'bare', status: 200 }) as never);
    const response = await client.get('/');
    expect(response.data).toBe('bare');
    expect(response.config.url).toBe('/');
  });

  it('may throw instead of rejecting', async () => {
    const thrown = new Error('at once');
    const client = over(() => {
      throw thrown;
    });
    expect(await rejection(client.get('/'))).toMatchObject({ isAxiosError: true, message: 'at once', cause: thrown });
    expect(client.stats().calls).toMatchObject({ active: 0, failed: 1 });
  });

  it('that changes the headers it is given does not change those of the next attempt', async () => {
    const seen: unknown[] = [];
    const client = over(async (config) => {
      seen.push(config.headers.get('x-count'));
      config.headers.set('x-count', String(seen.length));
      return answer(config, seen.length < 3 ? 503 : 200);
    });
    const response = client.get('/', { headers: { 'x-count': '0' } });
    await vi.runAllTimersAsync();
    expect((await response).config.headers.get('x-count')).toBe('0');
    expect(seen).toEqual(['0', '0', '0']);
  });

  it('may be an adapter of axios', async () => {
    vi.useRealTimers();
    const server = await startHttp((request, response) => response.end(`${request.method} ${request.url}`));
    for (const name of ['http', 'fetch'] as const) {
      const client = over(axios.getAdapter(name), { baseURL: server.origin });
      expect((await client.get('/path', { params: { a: 1 } })).data).toBe('GET /path?a=1');
      const error = await rejection(client.get('/', { signal: AbortSignal.abort() }));
      expect(error.code).toBe('ERR_CANCELED');
      await client.close();
    }
  });
});
