/** fault: what it makes is like what an upstream, or a connection, would have made; and it leaves nothing behind. */
import { getEventListeners } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { fault, type Request, type Response } from 'pillion';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { collecting, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, outcomeOf } from '../alone.js';

fakeTimers();
afterEach(() => {
  vi.unstubAllEnvs();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const ok = { reply: { data: 'ok' } };

describe('a delay', () => {
  it('comes before the request, and to each attempt', async () => {
    const script = [503, 200];
    const { client, transport } = scripted(script, { fault: { delay: { duration: 300 } } });
    const startedAt = Date.now();
    expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: 600 });
    expect(transport.requests.map(({ at }) => at - startedAt)).toEqual([300, 600]);
  });

  it('that the caller gives up ends at once; neither a timer nor a listener is left, nothing is sent', async () => {
    const { next, wire } = alone(200);
    const stack = fault({ delay: { duration: '1h' } })(next);
    const controller = new AbortController();
    const call = outcomeOf(stack(aRequest({ signal: controller.signal })));
    await pass(10);
    controller.abort();
    expect(await call).toMatchObject({ code: 'ERR_CANCELED', ms: 10 });
    expect(vi.getTimerCount()).toBe(0);
    expect(wire.requests).toHaveLength(0);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('does not begin for a call that was aborted before', async () => {
    const stack = fault({ delay: { duration: '1h' } })(alone(200).next);
    expect(await outcomeOf(stack(aRequest({ signal: AbortSignal.abort() })))).toMatchObject({
      ...{ code: 'ERR_CANCELED', ms: 0 },
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that is over leaves no listener behind', async () => {
    const stack = fault({ delay: { duration: 50 } })(alone(200).next);
    const { signal } = new AbortController();
    expect(await ended(stack(aRequest({ signal })))).toMatchObject({ status: 200, ms: 50 });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('and an abort both come: the answer is late', async () => {
    const stack = fault({ delay: { duration: 50 }, abort: { status: 500 } })(alone().next);
    expect(await ended(stack(aRequest()))).toMatchObject({ status: 500, ms: 50 });
  });
});

describe('an abort', () => {
  it('rejects exactly as a real 503 does', async () => {
    const made = await ended(scripted([], { fault: { abort: { status: 503 } }, retry: false }).client.get('/'));
    const real = await ended(scripted([503], { retry: false }).client.get('/'));
    const shape = ({ status, code, error }: typeof made) => ({
      ...{ status, code, name: error?.name, message: error?.message, isAxiosError: error?.isAxiosError },
    });
    expect(shape(made)).toEqual(shape(real));
  });

  it('is retried until an attempt is spared', async () => {
    // 0 strikes, and 0.9 does not; jitter is drawn in between.
    const draws = [0, 0, 0.9];
    const deps = { random: () => draws.shift() ?? 0.9 };
    const { client, transport } = scripted([200], { fault: { abort: { status: 503, fraction: 0.5 } } }, deps);
    expect((await ended(client.get('/'))).status).toBe(200);
    expect(transport.requests).toHaveLength(1);
    expect(client.stats().policies).toMatchObject({ fault: { abort: 1 }, retry: { retries: 1 } });
  });

  it('answers a call for a stream with a stream, for bytes with bytes', async () => {
    const stack = fault({ abort: { status: 200 } })(alone().next);
    const stream = await outcomeOf(stack(aRequest({ responseType: 'stream' })));
    expect(stream.response?.data).toBeInstanceOf(Readable);
    const bytes = await outcomeOf(stack(aRequest({ responseType: 'arraybuffer' })));
    expect(Buffer.isBuffer(bytes.response?.data)).toBe(true);
  });
});

describe('a reset', () => {
  it.each([
    ['get', 3],
    ['put', 3],
    ['post', 1],
    ['patch', 1],
  ])('strikes a %s %d times, and nothing is sent', async (method, reset) => {
    const { client, transport } = scripted([ok], { fault: { reset: {} } });
    expect(await ended(client.request({ url: '/', method }))).toMatchObject({
      ...{ code: 'ECONNRESET', status: undefined },
    });
    expect(client.stats().policies.fault).toMatchObject({ reset });
    expect(transport.requests).toHaveLength(0);
  });
});

describe('a truncated answer', () => {
  const from = (data: unknown) =>
    fault({ truncate: {} })(
      async (config: Request) => ({ status: 200, statusText: '', data, headers: {}, config }) as Response,
    );

  it('has been asked for: the upstream got the request', async () => {
    const { client, transport } = scripted([ok], { fault: { truncate: {} }, retry: false });
    expect(await ended(client.post('/', {}))).toMatchObject({ code: 'ECONNRESET' });
    expect(transport.requests).toHaveLength(1);
  });

  it('hands its first chunk to a listener for data, then breaks off', async () => {
    const { data } = await from(Readable.from(['a', 'b', 'c']))(aRequest());
    const seen: string[] = [];
    const error = await new Promise<{ code?: string }>((resolve) => {
      data.on('data', (chunk: unknown) => seen.push(String(chunk))).on('error', resolve);
    });
    expect(seen).toEqual(['a']);
    expect(error.code).toBe('ECONNRESET');
  });

  it('that is an empty stream just ends', async () => {
    const { data } = await from(Readable.from([]))(aRequest());
    const chunks: unknown[] = [];
    for await (const chunk of data) chunks.push(chunk);
    expect(chunks).toEqual([]);
  });

  it('destroys the upstream’s stream after it broke off', async () => {
    const body = new PassThrough();
    body.write('a');
    const { data } = await from(body)(aRequest());
    await new Promise((resolve) => data.on('error', resolve).resume());
    expect(body.destroyed).toBe(true);
  });

  it('destroys the upstream’s stream where the caller destroys it unread', async () => {
    const body = new PassThrough();
    const { data } = await from(body)(aRequest());
    data.destroy();
    await pass(1);
    await new Promise((resolve) => process.nextTick(resolve));
    expect(body.destroyed).toBe(true);
  });

  it('frees its place in limits when it has broken off', async () => {
    const { client } = scripted([{ reply: { data: 'abc' } }], { fault: { truncate: {} }, retry: false });
    const { response } = await ended(client.get('/', { responseType: 'stream' }));
    await new Promise((resolve) =>
      response?.data
        .on('error', () => {})
        .on('close', resolve)
        .resume(),
    );
    expect(client.stats().policies.limits).toEqual({});
  });
});

describe('which attempts', () => {
  /** True for those that were struck. */
  async function struck(options: object, count: number, random?: () => number): Promise<boolean[]> {
    const { client } = scripted([ok], { fault: options, retry: false, circuitBreaker: false } as object, {
      ...(random && { random }),
    });
    const all: boolean[] = [];
    for (let i = 0; i < count; i++)
      all.push(
        await client.get('/').then(
          () => false,
          () => true,
        ),
      );
    return all;
  }

  it.each([
    [0, 0],
    [1, 100],
  ])('with a fraction of %d are %d of 100', async (fraction, count) => {
    expect((await struck({ abort: { status: 500, fraction }, seed: 3 }, 100)).filter(Boolean)).toHaveLength(count);
  });

  it('are the same with the same seed, whatever the client draws elsewhere', async () => {
    const options = { abort: { status: 500, fraction: 0.5 }, seed: 7 };
    expect(await struck(options, 100, () => 0)).toEqual(await struck(options, 100, () => 0.99));
  });

  it('are as many as `fraction` says, for each kind by itself: within 4 sigma of 20,000', async () => {
    const policy = fault({
      ...{ seed: 11, reset: { fraction: 0.1 }, abort: { status: 500, fraction: 0.05 }, truncate: { fraction: 0.02 } },
    });
    const stack = policy(
      async (config: Request) => ({ status: 200, statusText: '', data: '', headers: {}, config }) as Response,
    );
    for (let i = 0; i < 20_000; i++) await stack(aRequest()).catch(() => {});
    const { reset, abort, truncate } = (policy.stats?.() ?? {}) as Record<string, number>;
    const within = (count: number | undefined, draws: number, fraction: number) =>
      expect(Math.abs((count ?? 0) - draws * fraction)).toBeLessThan(4 * Math.sqrt(draws * fraction * (1 - fraction)));
    within(reset, 20_000, 0.1);
    within(abort, 20_000 - (reset ?? 0), 0.05);
    within(truncate, 20_000 - (reset ?? 0) - (abort ?? 0), 0.02);
  });

  it('are those that match by method and path; the others are not even counted', async () => {
    const match = { methods: ['GET'], path: { prefix: '/a' } };
    const { client } = scripted([ok], { fault: { reset: {}, match }, retry: false } as object);
    expect((await ended(client.get('/a/b'))).code).toBe('ECONNRESET');
    expect((await ended(client.post('/a/b'))).status).toBe(200);
    expect((await ended(client.get('/b/a'))).status).toBe(200);
    expect(client.stats().policies.fault).toEqual({ delay: 0, abort: 0, reset: 1, truncate: 0 });
  });
});

describe('a fault that was injected', () => {
  it('emits an event each time, sets the flag once, and shows in the log line of a call that succeeded all the same', async () => {
    const { logger, lines } = collecting();
    const config = { fault: { delay: { duration: 5 }, truncate: { fraction: 0 } } };
    const { client } = scripted([503, 200], config, { logger });
    const told: string[] = [];
    client.on('fault.injected', ({ call, fault: kind }) => told.push(`${kind} ${call.path}`));
    expect((await ended(client.get('/x'))).status).toBe(200);
    expect(told).toEqual(['delay /x', 'delay /x']);
    const flags = lines.filter(({ level }) => level !== 'debug').flatMap(({ fields }) => fields.flags);
    expect(flags.filter((flag) => flag === 'fault')).toHaveLength(1);
  });
});

describe('in production', () => {
  it('an update does not bring it in either', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const { client } = scripted([ok], {});
    client.update({ baseURL: 'http://api.test', fault: { abort: { status: 500 } } });
    expect(client.pipeline).not.toContain('fault');
    expect((await ended(client.get('/'))).status).toBe(200);
  });

  it.each(['development', 'test', 'staging', ''])(
    'the guard does not apply where NODE_ENV is %j: faults are injected',
    (env) => {
      vi.stubEnv('NODE_ENV', env);
      expect(scripted([ok], { fault: { reset: {} } }).client.pipeline).toContain('fault');
    },
  );

  it('allowed, it strikes, and no line warns', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const { logger, lines } = collecting();
    const config = { fault: { abort: { status: 500 }, allowInProduction: true }, retry: false } as const;
    const { client } = scripted([ok], config, { logger });
    expect((await ended(client.get('/'))).status).toBe(500);
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });
});
