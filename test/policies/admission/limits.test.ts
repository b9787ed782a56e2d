/** limits: who runs, who waits and who is turned away, alone and in a client. */
import { getEventListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import { limits } from 'pillion';
import { type HeldReply, holdReply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { atEndpoint } from '../../../src/call/request.js';
import { baseURL, collecting, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, outcomeOf } from '../alone.js';

fakeTimers();

const settle = () => vi.advanceTimersByTimeAsync(0);
const hold = (count: number): HeldReply[] => Array.from({ length: count }, () => holdReply());

describe('limits alone', () => {
  it('let so many run at once; the next ones wait in the order they came', async () => {
    const held = hold(4);
    const { next, wire } = alone(...held);
    const stack = limits({ maxRequests: 2 })(next);
    const calls = ['/1', '/2', '/3', '/4'].map((url) => outcomeOf(stack(aRequest({ url }))));
    await settle();
    expect(wire.requests.map(({ path }) => path)).toEqual(['/1', '/2']);
    held[1]?.reply(200);
    await settle();
    expect(wire.requests.map(({ path }) => path)).toEqual(['/1', '/2', '/3']);
    held[0]?.reply(200);
    await settle();
    expect(wire.requests.map(({ path }) => path)).toEqual(['/1', '/2', '/3', '/4']);
    for (const each of held) each.reply(200);
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it('reject a call at once with ERR_LIMIT where the queue is full', async () => {
    const { next, wire } = alone({ reply: 'hang' });
    const stack = limits({ maxRequests: 1, maxPendingRequests: 2 })(next);
    for (let i = 0; i < 3; i++) outcomeOf(stack(aRequest()));
    const { code, error, ms } = await outcomeOf(stack(aRequest()));
    expect({ code, ms }).toEqual({ code: 'ERR_LIMIT', ms: 0 });
    expect(error?.message).toBe(
      'pillion: 1 requests to http://api.test are running and 2 are waiting ' +
        '(limits.maxRequests 1, limits.maxPendingRequests 2).',
    );
    expect(wire.requests).toHaveLength(1);
  });

  it('with maxPendingRequests 0 let nobody wait', async () => {
    const held = holdReply();
    const stack = limits({ maxRequests: 1, maxPendingRequests: 0 })(alone(held, 200).next);
    const first = outcomeOf(stack(aRequest()));
    expect(await outcomeOf(stack(aRequest()))).toMatchObject({ code: 'ERR_LIMIT' });
    held.reply(200);
    expect(await first).toMatchObject({ status: 200 });
    expect(await outcomeOf(stack(aRequest()))).toMatchObject({ status: 200 });
  });

  it('are 128 running and 1024 waiting where nothing is said', async () => {
    const policy = limits();
    const stack = policy(alone({ reply: 'hang' }).next);
    const all = Array.from({ length: 128 + 1024 }, () => outcomeOf(stack(aRequest())));
    expect(policy.stats?.()).toEqual({ [baseURL]: { running: 128, pending: 1024 } });
    expect(await outcomeOf(stack(aRequest()))).toMatchObject({ code: 'ERR_LIMIT' });
    expect(all).toHaveLength(1152);
  });

  it('are those of each origin by itself', async () => {
    const { next, wire } = alone({ reply: 'hang' });
    const policy = limits({ maxRequests: 1, maxPendingRequests: 0 });
    const stack = policy(next);
    const to = (origin: string) => outcomeOf(stack(aRequest({ baseURL: origin })));
    to('http://one.test');
    to('http://two.test');
    to('https://one.test');
    to('http://one.test:8080');
    expect(await to('http://one.test:80/other/path')).toMatchObject({ code: 'ERR_LIMIT' });
    expect(wire.requests).toHaveLength(4);
    expect(Object.keys(policy.stats?.() as object)).toHaveLength(4);
  });

  it.each([
    ['an answer', 200],
    ['a failure with an answer', 503],
    ['a failure without one', { error: 'ECONNRESET' }],
  ])('free the place after %s, and forget an origin nobody asks any more', async (_, reply) => {
    const policy = limits({ maxRequests: 1, maxPendingRequests: 0 });
    const stack = policy(alone({ reply }).next);
    await outcomeOf(stack(aRequest()));
    expect(policy.stats?.()).toEqual({});
    expect((await outcomeOf(stack(aRequest()))).code).not.toBe('ERR_LIMIT');
  });

  it.each<[string, unknown]>([
    ['nothing at all', undefined],
    ['null', null],
    ['text', 'text'],
    ['an error whose response is null', Object.assign(new Error('lost'), { response: null })],
  ])('free the place after a policy below rejects with %s, which is handed on', async (_, thrown) => {
    const policy = limits({ maxRequests: 1, maxPendingRequests: 0 });
    const rejected = policy(() => Promise.reject(thrown))(aRequest()).then(
      () => 'it resolved',
      (reason: unknown) => ({ reason }),
    );
    expect(await rejected).toEqual({ reason: thrown });
    expect(policy.stats?.()).toEqual({});
  });

  it.each([200, 503])('hold the place until the stream of a %d is over', async (status) => {
    const body = new PassThrough();
    const policy = limits({ maxRequests: 1 });
    const stack = policy(alone({ status, data: body }, 200).next);
    await outcomeOf(stack(aRequest({ responseType: 'stream' })));
    const waiting = outcomeOf(stack(aRequest()));
    await settle();
    expect(policy.stats?.()).toEqual({ [baseURL]: { running: 1, pending: 1 } });
    body.end().resume();
    await settle();
    expect(await waiting).toMatchObject({ status: 200 });
    expect(policy.stats?.()).toEqual({});
  });

  it('free the place when the stream is destroyed', async () => {
    const body = new PassThrough();
    const policy = limits({ maxRequests: 1 });
    const { response } = await outcomeOf(policy(alone({ data: body }).next)(aRequest({ responseType: 'stream' })));
    response?.data.destroy();
    await settle();
    expect(policy.stats?.()).toEqual({});
  });

  it('take an aborted call out of the queue at once, so that those behind it move up', async () => {
    const held = holdReply();
    const { next, wire } = alone(held, { reply: 200 });
    const policy = limits({ maxRequests: 1, maxPendingRequests: 2 });
    const stack = policy(next);
    const controller = new AbortController();
    outcomeOf(stack(aRequest({ url: '/1' })));
    const second = outcomeOf(stack(aRequest({ url: '/2', signal: controller.signal })));
    const third = outcomeOf(stack(aRequest({ url: '/3' })));
    controller.abort();
    expect(await second).toMatchObject({ code: 'ERR_CANCELED', ms: 0 });
    expect(policy.stats?.()).toEqual({ [baseURL]: { running: 1, pending: 1 } });
    held.reply(200);
    expect(await third).toMatchObject({ status: 200 });
    expect(wire.requests.map(({ path }) => path)).toEqual(['/1', '/3']);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('do not queue a call that was aborted before', async () => {
    const policy = limits({ maxRequests: 1 });
    const stack = policy(alone({ reply: 'hang' }).next);
    outcomeOf(stack(aRequest()));
    expect(await outcomeOf(stack(aRequest({ signal: AbortSignal.abort() })))).toMatchObject({ code: 'ERR_CANCELED' });
    expect(policy.stats?.()).toEqual({ [baseURL]: { running: 1, pending: 0 } });
  });

  it('lose no slot where the queued call it goes to is aborted in the same instant', async () => {
    const held = holdReply();
    const policy = limits({ maxRequests: 1 });
    const stack = policy(alone(held, 200, 200).next);
    const controller = new AbortController();
    outcomeOf(stack(aRequest())).then(() => controller.abort());
    const second = outcomeOf(stack(aRequest({ signal: controller.signal })));
    const third = outcomeOf(stack(aRequest()));
    held.reply(200);
    await settle();
    expect([200, undefined]).toContain((await second).status);
    expect(await third).toMatchObject({ status: 200 });
    expect(policy.stats?.()).toEqual({});
  });
});

describe('the limits of a client', () => {
  const tight = { limits: { maxRequests: 1, maxPendingRequests: 0 }, timeouts: false } as const;

  it('turn a call away without retrying it, whatever is in `on`, its method and its key', async () => {
    const on = ['5xx', 'gateway-error', 'reset', 'connect-failure', 'refused-stream', 'rate-limited', 'retriable-4xx'];
    const { client, transport } = scripted([{ reply: 'hang' }], { ...tight, retry: { on } } as object);
    client.get('/').catch(() => {});
    for (const method of ['get', 'post'])
      expect(await ended(client.request({ url: '/', method, idempotencyKey: 'a' }))).toMatchObject({
        ...{ code: 'ERR_LIMIT', ms: 0, error: { attempts: 0 } },
      });
    expect(transport.requests).toHaveLength(1);
    expect(client.stats().policies.retry).toMatchObject({ retries: 0 });
  });

  it('never feed the circuit', async () => {
    const { client } = scripted([{ reply: 'hang' }], { ...tight, circuitBreaker: { volumeThreshold: 1 } });
    client.get('/').catch(() => {});
    for (let i = 0; i < 50; i++) expect((await rejection(client.get('/'))).code).toBe('ERR_LIMIT');
    expect(client.stats().policies.circuitBreaker).toEqual({
      [baseURL]: { state: 'closed', outcomes: 0, failures: 0 },
    });
  });

  it('report a call they reject in an event and in its log line', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([{ reply: 'hang' }], tight, { logger });
    const events: unknown[] = [];
    client.on('limits.rejected', ({ call, destination, pending }) =>
      events.push({ path: call.path, destination, pending }),
    );
    client.get('/first').catch(() => {});
    await rejection(client.get('/second'));
    expect(events).toEqual([{ path: '/second', destination: baseURL, pending: 0 }]);
    expect(lines).toMatchObject([
      { level: 'error', message: 'GET ERR_LIMIT', fields: { flags: ['limited'], attempts: 0 } },
    ]);
  });

  it('turn a retry away like any other request, and what failed before is the cause', async () => {
    const config = { ...tight, retry: { backoff: { base: 1000, max: 1000 } } };
    const { client, transport } = scripted([503, 'hang'], config, { random: () => 0.5 });
    const retried = ended(client.get('/'));
    await settle();
    client.get('/in the meantime').catch(() => {});
    expect(await retried).toMatchObject({ code: 'ERR_LIMIT', ms: 500, error: { cause: { status: 503 }, attempts: 1 } });
    expect(transport.requests).toHaveLength(2);
  });

  it('give the place of a failed attempt to those who wait, while the retry waits for its turn', async () => {
    const config = { limits: { maxRequests: 1 }, retry: { backoff: { base: 1000, max: 1000 } } };
    const { client, transport } = scripted([503, 200, 200], config, { random: () => 0.5 });
    const [first, second] = await Promise.all([ended(client.get('/1')), ended(client.get('/2'))]);
    expect([first?.ms, second?.ms]).toEqual([500, 0]);
    expect(transport.requests.map(({ path }) => path)).toEqual(['/1', '/2', '/1']);
  });

  it('free the place of an attempt that timed out, of a call that was cancelled and of one past its deadline', async () => {
    const config = { limits: { maxRequests: 1 }, retry: false, timeouts: { attempt: 100, total: 5000 } } as const;
    const { client } = scripted(['hang', 'hang', 'hang', 200], config);
    const controller = new AbortController();
    expect(await ended(client.get('/'))).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT' });
    const cancelled = outcomeOf(client.get('/', { signal: controller.signal }));
    await settle();
    controller.abort();
    expect(await cancelled).toMatchObject({ code: 'ERR_CANCELED' });
    expect(await ended(client.get('/', { timeout: 50 }))).toMatchObject({ code: 'ECONNABORTED' });
    expect(client.stats().policies.limits).toEqual({});
    expect(await ended(client.get('/'))).toMatchObject({ status: 200 });
  });

  it('let a waiter by cancelToken leave the queue too', async () => {
    const { client, transport } = scripted([{ reply: 'hang' }], { limits: { maxRequests: 1 }, timeouts: false });
    const { default: axios } = await import('axios');
    const source = axios.CancelToken.source();
    client.get('/').catch(() => {});
    const waiting = outcomeOf(client.get('/', { cancelToken: source.token }));
    await settle();
    source.cancel('enough');
    expect(await waiting).toMatchObject({ code: 'ERR_CANCELED', error: { message: 'enough' } });
    expect(transport.requests).toHaveLength(1);
    expect(client.stats().policies.limits).toEqual({ [baseURL]: { running: 1, pending: 0 } });
  });

  it('are none with limits: false', async () => {
    const { client, transport } = scripted([{ reply: 'hang' }], { limits: false, timeouts: false });
    for (let i = 0; i < 2000; i++) client.get('/').catch(() => {});
    await settle();
    expect(transport.requests).toHaveLength(2000);
  });
});

describe('limits for an origin', () => {
  const at = (address: string, port: number) =>
    atEndpoint(aRequest(), { address: `${address}:${port}`, host: address, port });

  it('count for all endpoints together', async () => {
    const held = holdReply();
    const stack = limits({ maxRequests: 1, maxPendingRequests: 0, per: 'origin' })(alone(held, 200).next);
    const first = outcomeOf(stack(at('10.0.0.1', 80)));
    const { code, error } = await outcomeOf(stack(at('10.0.0.2', 80)));
    expect(code).toBe('ERR_LIMIT');
    expect(error?.message).toContain('1 requests to http://api.test are running');
    held.reply(200);
    expect(await first).toMatchObject({ status: 200 });
    expect(await outcomeOf(stack(at('10.0.0.2', 80)))).toMatchObject({ status: 200 });
  });

  it('count for each endpoint by itself where nothing is said', async () => {
    const held = hold(2);
    const stack = limits({ maxRequests: 1, maxPendingRequests: 0 })(alone(...held).next);
    const both = [outcomeOf(stack(at('10.0.0.1', 80))), outcomeOf(stack(at('10.0.0.2', 80)))];
    for (const each of held) each.reply(200);
    expect(await Promise.all(both)).toMatchObject([{ status: 200 }, { status: 200 }]);
  });

  it('are those of each origin', async () => {
    const held = hold(2);
    const stack = limits({ maxRequests: 1, maxPendingRequests: 0, per: 'origin' })(alone(...held).next);
    const requests = ['http://a.test', 'http://b.test'].map((baseURL) => outcomeOf(stack(aRequest({ baseURL }))));
    for (const each of held) each.reply(200);
    expect(await Promise.all(requests)).toMatchObject([{ status: 200 }, { status: 200 }]);
  });
});
