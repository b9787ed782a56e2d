/** hedging: when a second attempt is sent, which one counts, and what it may cost. */
import { endpointOf, type HttpClientConfig, hedging, type Request } from 'pillion';
import { type HeldReply, holdReply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { clientOver, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, outcomeOf } from '../alone.js';

fakeTimers();

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const hold = (count: number): HeldReply[] => Array.from({ length: count }, () => holdReply());
const generous = { delay: 50, budget: 1 } as const;

/** A client that hedges after 50 ms, and what became of its attempts, by number. */
function hedged(script: Parameters<typeof scripted>[0], config: HttpClientConfig = {}) {
  const ends: Record<number, string | number | undefined> = {};
  const made = scripted(script, { hedging: generous, retry: false, ...config });
  made.client.on('attempt.ended', ({ attempt, status, code }) => {
    ends[attempt] = code ?? status;
  });
  return { ...made, ends };
}

describe('a slow attempt', () => {
  it('gets company after the delay, and the first success is the answer', async () => {
    const [slow, fast] = hold(2) as [HeldReply, HeldReply];
    const { client, transport, ends } = hedged([slow, fast]);
    const call = client.get('/');
    await pass(49);
    expect(transport.requests).toHaveLength(1);
    await pass(1);
    expect(transport.requests).toHaveLength(2);
    fast.reply({ data: 'fast' });
    expect((await call).data).toBe('fast');
    await pass(0);
    expect(ends).toEqual({ 1: 'ERR_CANCELED', 2: 200 });
    expect(client.stats().policies.hedging).toMatchObject({ started: 1, won: 1 });
  });

  it('may still win', async () => {
    const [slow, late] = hold(2) as [HeldReply, HeldReply];
    const { client, ends } = hedged([slow, late]);
    const call = client.get('/');
    await pass(60);
    slow.reply({ data: 'slow' });
    expect((await call).data).toBe('slow');
    await pass(0);
    expect(ends).toEqual({ 1: 200, 2: 'ERR_CANCELED' });
    expect(client.stats().policies.hedging).toMatchObject({ started: 1, won: 0 });
  });

  it('is waited for where the one beside it fails first', async () => {
    const [slow, failing] = hold(2) as [HeldReply, HeldReply];
    const { client } = hedged([slow, failing]);
    const call = client.get('/');
    await pass(60);
    failing.reply(503);
    await pass(10);
    slow.reply({ data: 'slow' });
    expect((await call).data).toBe('slow');
  });

  it('that fails like the other gives its own failure', async () => {
    const [first, second] = hold(2) as [HeldReply, HeldReply];
    const { client } = hedged([first, second]);
    const error = rejection(client.get('/'));
    await pass(60);
    second.reply(500);
    await pass(1);
    first.reply(503);
    expect(await error).toMatchObject({ status: 500, attempts: 2 });
  });

  it('gets as many beside it as maxHedges says', async () => {
    const { client, transport, ends } = hedged([200, 'hang', 'hang', 'hang'], {
      hedging: { ...generous, maxHedges: 2 },
    });
    // Each call leaves something in the budget.
    await client.get('/');
    const error = rejection(client.get('/', { timeout: 500 }));
    await pass(499);
    expect(transport.requests).toHaveLength(4);
    await pass(1);
    expect((await error).code).toBe('ECONNABORTED');
    expect(ends).toEqual({ 1: 'ECONNABORTED', 2: 'ECONNABORTED', 3: 'ECONNABORTED' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that fails before the delay is left to the retries', async () => {
    const { client, transport } = hedged([503, 200], { retry: {} });
    expect((await ended(client.get('/'))).status).toBe(200);
    expect(transport.requests).toHaveLength(2);
    expect(client.stats().policies.hedging).toMatchObject({ started: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('goes to another endpoint the second time', async () => {
    const asked: (string | undefined)[] = [];
    const addresses = [1, 2, 3].map((host) => ({ address: `10.0.0.${host}:80` }));
    const client = clientOver(
      (request) => {
        if (request.url === '/first')
          return Promise.resolve({ status: 200, data: '', headers: {}, config: request } as never);
        asked.push(endpointOf(request)?.address);
        return new Promise(() => {});
      },
      { hedging: { ...generous, maxHedges: 2 }, endpoints: { static: addresses }, retry: false },
    );
    await client.get('/first');
    const error = rejection(client.get('/', { timeout: 200 }));
    await pass(200);
    await error;
    expect([...asked].sort()).toEqual(addresses.map(({ address }) => address));
  });
});

describe('no second attempt is sent', () => {
  it.each<[string, Partial<Request>]>([
    ['for a POST', { method: 'post', data: '{}' }],
    ['for a PATCH', { method: 'patch', data: '{}' }],
    ['for a body that is a stream', { method: 'put', data: { pipe: () => {}, on: () => {} } }],
  ])('%s', async (_, request) => {
    const { next, wire } = alone({ status: 200, delay: 200 });
    const outcome = outcomeOf(hedging(generous)(next)(aRequest(request)));
    await pass(200);
    expect((await outcome).status).toBe(200);
    expect(wire.requests).toHaveLength(1);
  });

  it('except for a POST with an idempotencyKey, whose second attempt has the same key', async () => {
    const { client, transport } = hedged([{ reply: 'hang' }]);
    const error = rejection(client.post('/', {}, { idempotencyKey: 'k', timeout: 100 }));
    await pass(100);
    await error;
    expect(transport.requests.map(({ headers }) => headers['idempotency-key'])).toEqual(['k', 'k']);
  });

  it('beyond its own budget: a share of the calls of ten seconds', async () => {
    const { client, transport } = hedged([{ reply: { status: 200, delay: 100 } }], {
      hedging: { delay: 50, budget: 0.1 },
    });
    const refused: string[] = [];
    client.on('hedge.refused', ({ reason }) => refused.push(reason));
    const calls = Array.from({ length: 50 }, () => client.get('/'));
    await pass(100);
    await Promise.all(calls);
    expect(transport.requests).toHaveLength(55);
    expect(refused).toEqual(Array.from({ length: 45 }, () => 'budget'));
  });

  it('beyond what retries leave: they share retry.maxConcurrentRetries and the budget', async () => {
    const config = { retry: { maxConcurrentRetries: 0 } };
    const { client, transport } = hedged([{ reply: { status: 200, delay: 100 } }], config);
    const refused: string[] = [];
    client.on('hedge.refused', ({ reason }) => refused.push(reason));
    const call = client.get('/');
    await pass(100);
    await call;
    expect(transport.requests).toHaveLength(1);
    expect(refused).toEqual(['concurrency']);
  });

  it('once the caller has given up', async () => {
    const { client, transport } = hedged([{ reply: 'hang' }]);
    const controller = new AbortController();
    const error = rejection(client.get('/', { signal: controller.signal }));
    await pass(20);
    controller.abort();
    expect((await error).code).toBe('ERR_CANCELED');
    await pass(1000);
    expect(transport.requests).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the delay by percentile', () => {
  it('is there from the 100th attempt on, and follows what attempts take', async () => {
    const { client } = hedged([{ reply: { status: 200, delay: 20 } }], { hedging: { percentile: 99 } });
    const delay = () => (client.stats().policies.hedging as { delayMs: number | null }).delayMs;
    const send = async (count: number) => {
      const calls = Array.from({ length: count }, () => client.get('/'));
      await pass(100);
      await Promise.all(calls);
    };
    await send(99);
    expect(delay()).toBeNull();
    await send(1);
    expect(delay()).toBeGreaterThanOrEqual(20);
    expect(delay()).toBeLessThan(21);
    await pass(40_000);
    expect(delay()).toBeNull();
  });

  it.each([
    [{ percentile: 97.9 }, true],
    [{ percentile: 98 }, false],
    [{ percentile: 95, budget: 0.05 }, false],
    [{ percentile: 94, budget: 0.05 }, true],
    [{ delay: 10, percentile: 50 }, false],
  ])('is refused below 1 - budget: %j', (options, refused) => {
    if (refused) expect(() => hedging(options)).toThrow(/percentile: asks for more hedges than `budget` allows/);
    else expect(() => hedging(options)).not.toThrow();
  });
});

it('tells what it does: events, a flag, and one end for each start', async () => {
  const { client } = hedged(['hang', { data: 'x' }]);
  const told: string[] = [];
  for (const event of ['attempt.started', 'attempt.ended', 'hedge.started'] as const)
    client.on(event, ({ attempt }) => told.push(`${event} ${attempt}`));
  const flags: string[] = [];
  client.on('call.ended', ({ call }) => flags.push(...call.flags));
  const call = client.get('/');
  await pass(50);
  await call;
  await pass(0);
  expect(told.sort()).toEqual([
    ...['attempt.ended 1', 'attempt.ended 2', 'attempt.started 1', 'attempt.started 2', 'hedge.started 2'],
  ]);
  expect(flags).toEqual(['hedged']);
});
