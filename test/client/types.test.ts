/** Checked by the compiler: `npm run typecheck` reads this file, the runner only sees that it runs. */
import type { AxiosError, AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { isAxiosError } from 'axios';
import {
  type Call,
  type ClientEvents,
  createHttpClient,
  type ErrorCode,
  type HttpClient,
  type HttpClientConfig,
  type HttpClientStats,
  PillionError,
  type Policy,
  type Transport,
} from 'pillion';
import { createMockTransport, type RecordedRequest } from 'pillion/testing';
import { describe, expectTypeOf, it } from 'vitest';
import { scripted } from '../support/client.js';

interface Invoice {
  id: string;
  total: number;
}

describe('the types', () => {
  it('of a client are those of an axios instance, generics untouched', async () => {
    const { client } = scripted([{ reply: { data: { id: '1', total: 2 } } }]);
    expectTypeOf(client).toExtend<AxiosInstance>();
    expectTypeOf(client.get<Invoice>('/')).resolves.toExtend<AxiosResponse<Invoice>>();
    expectTypeOf((await client.get<Invoice>('/')).data).toEqualTypeOf<Invoice>();
    expectTypeOf((await client.post<Invoice>('/', { total: 2 })).data.total).toEqualTypeOf<number>();
    expectTypeOf((await client.request<Invoice[]>({ url: '/' })).data).toEqualTypeOf<Invoice[]>();
    expectTypeOf((await client<Invoice>('/')).data).toEqualTypeOf<Invoice>();
    const axiosOwn: AxiosInstance = client;
    expectTypeOf(axiosOwn.get<Invoice>).returns.toEqualTypeOf(client.get<Invoice>('/'));
  });

  it('of the options of a call name what a client adds', async () => {
    const { client } = scripted([{ reply: 200 }]);
    await client.get('/', { idempotencyKey: true, retry: false, routeName: '/x', timeouts: { total: false } });
    await client.get('/', {
      idempotencyKey: 'k',
      retry: { maxRetries: 1, on: ['5xx', 425], backoff: { base: '5ms' } },
    });
    await client.get('/', { timeouts: { attempt: '1.5s', total: 3000 } });
    // TypeScript takes '250 ' for a number, so a space before the unit is taken when the call is made, too.
    await client.get('/', { timeouts: { attempt: '250 ms' } });
    const own = {
      idempotencyKey: true,
      retry: false,
      routeName: '/x',
      timeout: 5,
      timeouts: {},
      hashKey: 'k',
    } as const;
    await client.post('/', {}, own);
    await client.request({ url: '/', ...own });
    await client.fetch('/', { method: 'POST', ...own });
    const bad = () => [
      // @ts-expect-error only true or a string
      client.get('/', { idempotencyKey: false }),
      // @ts-expect-error only false or an object
      client.get('/', { retry: true }),
      // @ts-expect-error no such condition
      client.get('/', { retry: { on: ['sometimes'] } }),
      // @ts-expect-error the budget is shared by all calls
      client.get('/', { retry: { budget: false } }),
      // @ts-expect-error a duration has a unit
      client.get('/', { timeouts: { total: '5' } }),
      // @ts-expect-error no such timeout
      client.get('/', { timeouts: { connect: 5 } }),
      // @ts-expect-error a label is a string
      client.get('/', { routeName: 1 }),
    ];
    expectTypeOf(bad).toBeFunction();
  });

  it('of the configuration take durations and sections', () => {
    expectTypeOf<HttpClientConfig['retry']>().extract<boolean>().toEqualTypeOf<false>();
    const config: HttpClientConfig = {
      timeouts: { connect: '250ms', attempt: '1.5s', total: 15_000 },
      retry: { on: ['5xx', 'gateway-error', 425], budget: false },
      tls: { pins: ['x'], minVersion: 'TLSv1.3' },
    };
    expectTypeOf(config).toExtend<HttpClientConfig>();
    const bad = () => [
      // @ts-expect-error no such key
      createHttpClient({ baseUrl: 'http://api.test' }),
      // @ts-expect-error a section is switched off with false
      createHttpClient({ retry: true }),
      // @ts-expect-error no such unit
      createHttpClient({ timeouts: { total: '5d' } }),
      // @ts-expect-error the adapter is the stack
      createHttpClient({}, { axios: { adapter: 'http' } }),
      // @ts-expect-error the configuration has a baseURL
      createHttpClient({}, { axios: { baseURL: 'http://api.test' } }),
    ];
    expectTypeOf(bad).toBeFunction();
  });

  it('of events tell what a listener gets', () => {
    const { client } = scripted([]);
    client.on('call.ended', (event) => {
      expectTypeOf(event).toEqualTypeOf<ClientEvents['call.ended']>();
      expectTypeOf(event.call).toEqualTypeOf<Call>();
      expectTypeOf(event.durationMs).toEqualTypeOf<number>();
    });
    client.on('config.updated', ({ sections }) => expectTypeOf(sections).toEqualTypeOf<readonly string[]>());
    expectTypeOf(client.on('circuit.opened', () => {})).toEqualTypeOf<() => void>();
    // @ts-expect-error no such event
    client.on('call.end', () => {});
  });

  it('of the rest of a client', () => {
    expectTypeOf<HttpClient['pipeline']>().toEqualTypeOf<readonly string[]>();
    expectTypeOf<HttpClient['update']>().parameters.toEqualTypeOf<[config: HttpClientConfig]>();
    expectTypeOf<ReturnType<HttpClient['close']>>().toEqualTypeOf<Promise<void>>();
    expectTypeOf<ReturnType<HttpClient['stats']>>().toEqualTypeOf<HttpClientStats>();
    expectTypeOf<HttpClient>().toExtend<AsyncDisposable>();
  });

  it('of a policy and a transport are those of axios', () => {
    expectTypeOf<Transport>().parameters.toEqualTypeOf<[request: InternalAxiosRequestConfig]>();
    expectTypeOf<Policy>().toEqualTypeOf<(next: Transport, wire?: Transport) => Transport>();
    expectTypeOf(createMockTransport()).toExtend<Transport>();
    expectTypeOf(createMockTransport().requests).toEqualTypeOf<readonly RecordedRequest[]>();
  });

  it('of an error narrow as usual', () => {
    const error: unknown = new PillionError('ERR_LIMIT', 'full');
    if (isAxiosError(error)) expectTypeOf(error).toExtend<AxiosError>();
    if (error instanceof PillionError) expectTypeOf(error.retryAfter).toEqualTypeOf<number | undefined>();
    expectTypeOf<ErrorCode>().extract<'ERR_CIRCUIT_OPEN'>().toEqualTypeOf<'ERR_CIRCUIT_OPEN'>();
  });
});
