/** rateLimit: the line in front of the bucket. Who waits how long, who leaves, what a client makes of it. */
import { getEventListeners } from 'node:events';
import { rateLimit } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { collecting, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, outcomeOf, times } from '../alone.js';

fakeTimers();

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** The policy alone over a wire that always answers 200. */
function line(options: object) {
  const { next, wire, events } = alone({ reply: 200 });
  const policy = rateLimit(options);
  return { stack: policy(next), policy, wire, events };
}

describe('the line', () => {
  it('lets `requests` go at once where no burst is said, then one a token', async () => {
    const { stack, wire } = line({ requests: 3, per: 300 });
    const calls = Array.from({ length: 6 }, () => outcomeOf(stack(aRequest())));
    await pass(300);
    await Promise.all(calls);
    expect(times(wire)).toEqual([0, 0, 0, 100, 200, 300]);
  });

  it('releases on the millisecond of the token, not one before', async () => {
    const { stack, wire } = line({ requests: 1, per: 1000 });
    const calls = [outcomeOf(stack(aRequest())), outcomeOf(stack(aRequest()))];
    await pass(999);
    expect(wire.requests).toHaveLength(1);
    await pass(1);
    expect(wire.requests).toHaveLength(2);
    await Promise.all(calls);
  });

  it('saves up no more than the burst in a pause', async () => {
    const { stack, wire } = line({ requests: 10, per: '1s', burst: 3 });
    await pass(60_000);
    const calls = Array.from({ length: 5 }, () => outcomeOf(stack(aRequest())));
    await pass(200);
    await Promise.all(calls);
    expect(times(wire)).toEqual([0, 0, 0, 100, 200]);
  });

  it('takes nobody who comes later before those who wait', async () => {
    const { stack, wire } = line({ requests: 1, per: 100 });
    const calls = ['/1', '/2', '/3'].map((url) => outcomeOf(stack(aRequest({ url }))));
    await pass(150);
    calls.push(outcomeOf(stack(aRequest({ url: '/4' }))));
    await pass(200);
    await Promise.all(calls);
    expect(wire.requests.map(({ path }) => path)).toEqual(['/1', '/2', '/3', '/4']);
    expect(times(wire)).toEqual([0, 100, 200, 300]);
  });

  it('is as long as maxPending: one more is turned away, and there is room again when one has gone', async () => {
    const { stack } = line({ requests: 1, per: 100, maxPending: 2 });
    const calls = Array.from({ length: 3 }, () => outcomeOf(stack(aRequest())));
    expect(await outcomeOf(stack(aRequest()))).toMatchObject({ code: 'ERR_RATE_LIMITED', ms: 0 });
    await pass(100);
    const admitted = outcomeOf(stack(aRequest()));
    await pass(200);
    expect((await Promise.all([...calls, admitted])).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it('tells who is turned away when it would have been its turn behind the others', async () => {
    const { stack } = line({ requests: 1, per: 100, maxPending: 3 });
    const calls = Array.from({ length: 4 }, () => outcomeOf(stack(aRequest())));
    expect(await outcomeOf(stack(aRequest()))).toMatchObject({ error: { retryAfter: 400 } });
    await pass(300);
    await Promise.all(calls);
  });

  it('lets all who gave up leave at once; neither a timer nor a listener is left', async () => {
    const { stack, policy } = line({ requests: 1, per: '1h' });
    await outcomeOf(stack(aRequest()));
    const controllers = Array.from({ length: 5 }, () => new AbortController());
    const calls = controllers.map(({ signal }) => outcomeOf(stack(aRequest({ signal }))));
    expect(policy.stats?.()).toMatchObject({ waiting: 5 });
    for (const controller of controllers) controller.abort();
    expect((await Promise.all(calls)).map(({ code, ms }) => [code, ms])).toEqual(Array(5).fill(['ERR_CANCELED', 0]));
    expect(policy.stats?.()).toMatchObject({ waiting: 0, running: 0 });
    expect(vi.getTimerCount()).toBe(0);
    expect(controllers.flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([]);
  });

  it('leaves no listener on the signal of who went through it', async () => {
    const { stack } = line({ requests: 1, per: 100 });
    await outcomeOf(stack(aRequest()));
    const { signal } = new AbortController();
    const call = outcomeOf(stack(aRequest({ signal })));
    await pass(100);
    expect((await call).status).toBe(200);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('does not take in who has given up before, and takes no token for it', async () => {
    const { stack, policy, wire } = line({ requests: 1, per: 100 });
    await outcomeOf(stack(aRequest()));
    expect(await outcomeOf(stack(aRequest({ signal: AbortSignal.abort() })))).toMatchObject({ code: 'ERR_CANCELED' });
    expect(policy.stats?.()).toMatchObject({ waiting: 0 });
    const next = outcomeOf(stack(aRequest()));
    await pass(100);
    await next;
    expect(times(wire)).toEqual([0, 100]);
  });

  it('says in stats who waits, who runs and how long the next would wait, of all keys together', async () => {
    const { next } = alone({ reply: 'hang' });
    const policy = rateLimit({ requests: 1, per: 1000, keyHeader: 'X-Api-Key' });
    const stack = policy(next);
    const as = (key: string) => outcomeOf(stack(aRequest({ headers: { 'x-api-key': key } as never })));
    for (const key of ['one', 'one', 'one', 'two']) as(key);
    await pass(400);
    expect(policy.stats?.()).toEqual({ keys: 2, waiting: 2, running: 2, longestWaitMs: 600 });
  });

  it('of a key does not hold up another one', async () => {
    const { stack, wire } = line({ requests: 1, per: 1000, keyHeader: 'x-api-key' });
    const as = (key: string, url: string) =>
      outcomeOf(stack(aRequest({ url, headers: { 'X-API-Key': key } as never })));
    const calls = [as('one', '/1a'), as('one', '/1b'), as('two', '/2a'), outcomeOf(stack(aRequest({ url: '/none' })))];
    await pass(0);
    expect(wire.requests.map(({ path }) => path).sort()).toEqual(['/1a', '/2a', '/none']);
    await pass(1000);
    await Promise.all(calls);
  });

  it('gives a turn back to nobody twice: a failed request has used its token', async () => {
    const { next, wire } = alone({ error: 'ECONNRESET' }, 200);
    const stack = rateLimit({ requests: 1, per: 100 })(next);
    expect((await outcomeOf(stack(aRequest()))).code).toBe('ECONNRESET');
    const second = outcomeOf(stack(aRequest()));
    await pass(100);
    expect((await second).status).toBe(200);
    expect(times(wire)).toEqual([0, 100]);
  });
});

describe('in a client', () => {
  it('who is turned away is not retried, whatever is in `on`, its method and its key', async () => {
    const on = ['5xx', 'gateway-error', 'reset', 'connect-failure', 'refused-stream', 'rate-limited', 'retriable-4xx'];
    const config = { rateLimit: { requests: 1, per: '1h', maxPending: 0 }, retry: { on } } as object;
    const { client, transport } = scripted([{ reply: 200 }], config);
    await ended(client.get('/'));
    for (const method of ['get', 'post'])
      expect(await ended(client.request({ url: '/', method, idempotencyKey: 'a' }))).toMatchObject({
        ...{ code: 'ERR_RATE_LIMITED', ms: 0, error: { attempts: 0 } },
      });
    expect(transport.requests).toHaveLength(1);
    expect(client.stats().policies.retry).toMatchObject({ retries: 0 });
  });

  it('waits are told in an event and flagged in the log line; so are rejections', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([{ reply: 200 }], { rateLimit: { requests: 1, per: 200, maxPending: 1 } }, { logger });
    const told: unknown[] = [];
    client.on('rate_limit.delayed', ({ call, waitMs }) => told.push(['waiting', call.path, waitMs]));
    client.on('rate_limit.rejected', ({ call, waitMs }) => told.push(['rejected', call.path, waitMs]));
    await ended(client.get('/1'));
    const second = client.get('/2');
    await pass(0);
    await rejection(client.get('/3'));
    await pass(200);
    await second;
    expect(told).toEqual([
      ['waiting', '/2', 200],
      ['rejected', '/3', 400],
    ]);
    const ends = lines.filter(({ level }) => level !== 'debug');
    expect(ends).toMatchObject([
      { level: 'info', fields: { flags: undefined } },
      { level: 'error', message: 'GET ERR_RATE_LIMITED', fields: { flags: ['rate_limited'], attempts: 0 } },
      { level: 'info', fields: { flags: ['rate_limited'], attempts: 1 } },
    ]);
  });

  it('a wait that fits into the call is made, one that ends with it or after it is refused at once', async () => {
    const after = async (timeout: number) => {
      const { client } = scripted([{ reply: 200 }], { rateLimit: { requests: 1, per: 500 } });
      await ended(client.get('/'));
      return ended(client.get('/', { timeout }));
    };
    expect(await after(501)).toMatchObject({ status: 200, ms: 500 });
    expect(await after(500)).toMatchObject({ code: 'ERR_RATE_LIMITED', ms: 0, error: { retryAfter: 500 } });
    expect(await after(10)).toMatchObject({ code: 'ERR_RATE_LIMITED', ms: 0 });
  });

  it('the time of an attempt does not run while it waits for its turn', async () => {
    const config = { rateLimit: { requests: 1, per: 2000 }, timeouts: { attempt: 100, total: '10s' }, retry: false };
    const { client } = scripted([{ reply: { delay: 50 } }], config as object);
    await ended(client.get('/'));
    expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: 2000 });
  });

  it('a retry that is turned away says what failed before', async () => {
    const config = { rateLimit: { requests: 1, per: '1h' }, retry: {} } as const;
    const { client, transport } = scripted([503, 200], config);
    expect(await ended(client.get('/'))).toMatchObject({
      ...{ code: 'ERR_RATE_LIMITED', error: { cause: { status: 503 }, attempts: 1 } },
    });
    expect(transport.requests).toHaveLength(1);
  });

  it('refusals never open the circuit', async () => {
    const config = {
      rateLimit: { requests: 1, per: '1h', maxPending: 0 },
      circuitBreaker: { volumeThreshold: 1 },
    } as const;
    const { client } = scripted([{ reply: 200 }], config);
    await ended(client.get('/'));
    for (let i = 0; i < 50; i++) expect((await rejection(client.get('/'))).code).toBe('ERR_RATE_LIMITED');
    expect(Object.values(client.stats().policies.circuitBreaker as object)).toMatchObject([
      { state: 'closed', failures: 0 },
    ]);
  });
});

it('a burst without requests is refused, and says why', () => {
  expect(() => rateLimit({ burst: 3 })).toThrow(/burst: has no effect without requests/);
});
