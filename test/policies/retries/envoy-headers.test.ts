/** `envoyHeaders`: what callers ask of Envoy's router by headers is done, and the headers stay here. */
import type { HttpClientConfig } from 'pillion';
import { describe, expect, it } from 'vitest';
import { type Scripted, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { ended } from '../alone.js';

fakeTimers();

type Headers = Record<string, string | number | string[] | boolean>;
type Reply = number | 'hang' | 'ECONNRESET' | { status: number; delay: number };

const plain: HttpClientConfig = { envoyHeaders: true, retry: false, timeouts: false, circuitBreaker: false };
const over = (reply: Reply, config: HttpClientConfig = {}): Scripted =>
  scripted([{ reply: (reply === 'ECONNRESET' ? { error: reply } : reply) as never }], { ...plain, ...config });

const attempts = async (reply: Reply, headers: Headers, config: HttpClientConfig = {}, options: object = {}) => {
  const { client, transport } = over(reply, config);
  await ended(client.get('/', { headers, ...options }));
  return transport.requests.length;
};

const end = async (headers: Headers, config: HttpClientConfig = {}, options: object = {}) => {
  const { client } = over('hang', config);
  const { code, ms } = await ended(client.get('/', { headers, ...options }));
  return [code, ms];
};

const total = 'x-envoy-upstream-rq-timeout-ms';
const perTry = 'x-envoy-upstream-rq-per-try-timeout-ms';

describe('x-envoy-retry-on', () => {
  it.each<[string, Reply, number]>([
    ['5xx', 500, 2],
    ['5xx', 'ECONNRESET', 2],
    ['gateway-error', 502, 2],
    ['gateway-error', 500, 1],
    ['reset', 'ECONNRESET', 2],
    ['reset', 503, 1],
    ['connect-failure', 'ECONNRESET', 1],
    ['retriable-4xx', 409, 2],
    ['gateway-error, retriable-4xx', 409, 2],
    [' 5xx ,', 500, 2],
    ['5XX', 500, 1],
    ['nonsense', 500, 1],
    ['nonsense,5xx', 500, 2],
    ['', 500, 1],
    ['cancelled', 500, 1],
  ])('of %j makes of a call that meets %s %d attempts, on a client without retries', async (value, reply, count) => {
    expect(await attempts(reply, { 'x-envoy-retry-on': value })).toBe(count);
  });

  it('adds to the conditions of the client, whose number of retries stays', async () => {
    const retry = { on: ['gateway-error' as const], maxRetries: 3, budget: false as const };
    expect(await attempts(500, {}, { retry })).toBe(1);
    expect(await attempts(500, { 'x-envoy-retry-on': '5xx' }, { retry })).toBe(4);
    expect(await attempts(502, { 'x-envoy-retry-on': 'retriable-4xx' }, { retry })).toBe(4);
  });

  it('never has a POST repeated that the server may have worked on', async () => {
    const { client, transport } = over(503);
    await ended(client.post('/', {}, { headers: { 'x-envoy-retry-on': '5xx' } }));
    expect(transport.requests).toHaveLength(1);
  });

  it('gives way to the options of the call', async () => {
    const headers = { 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '2' };
    expect(await attempts(503, headers, {}, { retry: false })).toBe(1);
    expect(await attempts(503, headers, {}, { retry: { maxRetries: 1 } })).toBe(2);
    expect(await attempts(503, headers, {}, { retry: { on: ['reset'] } })).toBe(1);
  });
});

describe('x-envoy-max-retries', () => {
  it.each<[string | number, number]>([
    ['0', 1],
    ['1', 2],
    [3, 4],
    [' +3 ', 4],
    ['11', 11],
    ['99999999999999999999', 2],
    ['-1', 2],
    ['1.5', 2],
    ['many', 2],
    ['', 2],
  ])('of %j beside x-envoy-retry-on makes %d attempts', async (value, count) => {
    const headers = { 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': value };
    expect(await attempts(503, headers, { retry: { budget: false, on: [], maxRetries: 1 } })).toBe(count);
  });

  it('replaces the number of the client, and does nothing where no failure is to be retried', async () => {
    const headers = { 'x-envoy-max-retries': '1' };
    expect(await attempts(503, headers, { retry: { maxRetries: 5, budget: false } })).toBe(2);
    expect(await attempts(503, headers)).toBe(1);
  });
});

describe('x-envoy-retriable-status-codes', () => {
  const codes = { 'x-envoy-retriable-status-codes': '404, 418,x,200' };

  it('counts beside retriable-status-codes in x-envoy-retry-on', async () => {
    const headers = { ...codes, 'x-envoy-retry-on': 'retriable-status-codes' };
    expect(await attempts(418, headers)).toBe(2);
    expect(await attempts(404, headers)).toBe(2);
    expect(await attempts(410, headers)).toBe(1);
    expect(await attempts(418, { ...codes, 'x-envoy-retry-on': '5xx' })).toBe(1);
    expect(await attempts(418, codes)).toBe(1);
  });

  it('adds to the statuses of the client', async () => {
    const retry = { on: [410], maxRetries: 1 };
    expect(await attempts(410, codes, { retry })).toBe(2);
    expect(await attempts(418, codes, { retry })).toBe(2);
  });
});

describe('x-envoy-upstream-rq-timeout-ms', () => {
  it.each<[string | number, HttpClientConfig['timeouts'], unknown[]]>([
    ['300', undefined, ['ERR_DEADLINE', 300]],
    [300, false, ['ERR_DEADLINE', 300]],
    ['60000', undefined, ['ERR_DEADLINE', 60_000]],
    ['60000', { attempt: '1s' }, ['ERR_ATTEMPT_TIMEOUT', 1000]],
    ['soon', { total: 700 }, ['ERR_DEADLINE', 700]],
    ['-5', { total: 700, attempt: false }, ['ERR_DEADLINE', 700]],
  ])('of %j on a client with the timeouts %j ends a call with %j', async (value, timeouts, outcome) => {
    expect(await end({ [total]: value }, { timeouts: timeouts as never })).toEqual(outcome);
  });

  it('of 0 lifts the limit of the client', async () => {
    const { client } = over({ status: 200, delay: 60_000 }, { timeouts: { total: 100 } });
    expect(await ended(client.get('/', { headers: { [total]: '0' } }))).toMatchObject({ status: 200, ms: 60_000 });
  });

  it('includes all attempts', async () => {
    const headers = { [total]: '250', [perTry]: '100', 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '5' };
    expect(await end(headers)).toEqual(['ERR_DEADLINE', 250]);
  });

  it("gives way to the call's own `timeouts`, and axios's `timeout` may shorten it", async () => {
    expect(await end({ [total]: '300' }, {}, { timeouts: { total: 200 } })).toEqual(['ERR_DEADLINE', 200]);
    expect(await end({ [total]: '300' }, {}, { timeout: 100 })).toEqual(['ECONNABORTED', 100]);
  });
});

describe('x-envoy-upstream-rq-per-try-timeout-ms', () => {
  it.each<[string, Headers, HttpClientConfig['timeouts'], unknown[]]>([
    ['ends an attempt', { [perTry]: '50' }, { total: 700 }, ['ERR_ATTEMPT_TIMEOUT', 50]],
    ['works without limits of the client', { [perTry]: '50' }, false, ['ERR_ATTEMPT_TIMEOUT', 50]],
    ['is ignored as long as the call', { [perTry]: '700' }, { total: 700, attempt: 50 }, ['ERR_DEADLINE', 700]],
    ['is ignored longer than the header', { [perTry]: '70', [total]: '60' }, undefined, ['ERR_DEADLINE', 60]],
    ['counts where the call has no limit', { [perTry]: '70', [total]: '0' }, undefined, ['ERR_ATTEMPT_TIMEOUT', 70]],
    ['of 0 is no limit', { [perTry]: '0' }, { total: 700, attempt: 50 }, ['ERR_DEADLINE', 700]],
    ['that is no number is ignored', { [perTry]: '5s' }, { total: 700, attempt: 50 }, ['ERR_ATTEMPT_TIMEOUT', 50]],
  ])('%s', async (_, headers, timeouts, outcome) => {
    expect(await end(headers, { timeouts: timeouts as never })).toEqual(outcome);
  });
});

describe('A control header', () => {
  const all = [
    ...['retry-on', 'retry-grpc-on', 'max-retries', 'retriable-status-codes', 'retriable-header-names'],
    ...['upstream-rq-timeout-ms', 'upstream-rq-per-try-timeout-ms', 'upstream-rq-timeout-alt-response'],
    ...['hedge-on-per-try-timeout', 'upstream-alt-stat-name'],
  ].map((name) => `x-envoy-${name}`);
  const sent = (value: string, others: Headers = {}) =>
    Object.fromEntries([...all.map((name) => [name, value]), ...Object.entries(others)]) as Headers;
  const seen = ({ transport }: Scripted) =>
    transport.requests.map(({ headers }) => Object.keys(headers).filter((name) => /^x-envoy/i.test(name)));

  it('is never sent on, on no attempt and in no case', async () => {
    const stack = over(503);
    await ended(stack.client.get('/', { headers: sent('5xx', { 'x-envoy-attempt-count': '7' }) }));
    expect(seen(stack)).toEqual([['x-envoy-attempt-count'], ['x-envoy-attempt-count']]);
    const upper = over(503);
    await ended(upper.client.get('/', { headers: { 'X-Envoy-Retry-On': '5xx', 'X-ENVOY-MAX-RETRIES': 2 } }));
    expect(seen(upper)).toEqual([[], [], []]);
  });

  it('of `headers` in the configuration and of `client.fetch` is obeyed too', async () => {
    const stack = over(503, { headers: { 'x-envoy-retry-on': '5xx' } });
    await stack.client.fetch('http://api.test/', { headers: { 'x-envoy-max-retries': '0' } });
    expect(seen(stack)).toEqual([[]]);
  });

  it('with several values is one list', async () => {
    expect(await attempts(409, { 'x-envoy-retry-on': ['5xx', 'retriable-4xx'] })).toBe(2);
  });

  it('that axios would not send is not read', async () => {
    expect(await attempts(500, { 'x-envoy-retry-on': false })).toBe(1);
  });

  it('stays in the configuration of the call, which may be sent again', async () => {
    const { client } = over(503);
    const { error } = await ended(client.get('/', { headers: { 'x-envoy-retry-on': '5xx' } }));
    expect(error?.config).toMatchObject({ headers: { 'x-envoy-retry-on': '5xx' } });
  });

  it('is neither sent on nor obeyed with `drop`, as by an Envoy that takes its caller for no internal one', async () => {
    const stack = over(503, { envoyHeaders: 'drop', timeouts: { total: 700 } });
    const { ms } = await ended(stack.client.get('/', { headers: sent('5xx', { [total]: '0' }) }));
    expect([seen(stack), ms]).toEqual([[[]], 0]);
    expect(await end({ [total]: '1' }, { envoyHeaders: 'drop', timeouts: { total: 700 } })).toEqual([
      'ERR_DEADLINE',
      700,
    ]);
    expect(stack.client.pipeline).not.toContain('retry');
  });

  it.each(['internal', 'force-trace', 'ip-tags', 'original-url'])(
    'x-envoy-%s is for Envoy alone: with `drop` it is not sent on, of an internal caller it is',
    async (name) => {
      const header = `X-Envoy-${name}`;
      const sentBy = async (envoyHeaders: true | 'drop') => {
        const stack = over(200, { envoyHeaders });
        await ended(stack.client.get('/', { headers: { [header]: '1' } }));
        return seen(stack)[0]?.length;
      };
      expect([await sentBy('drop'), await sentBy(true)]).toEqual([0, 1]);
    },
  );

  it('is a header like any other without the option', async () => {
    const stack = over(503, { envoyHeaders: false });
    await ended(stack.client.get('/', { headers: sent('5xx') }));
    expect(seen(stack)).toEqual([all]);
    expect(stack.client.pipeline).not.toContain('envoyHeaders');
  });
});
