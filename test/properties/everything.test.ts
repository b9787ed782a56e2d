/** Each policy of traffic alone and all of them together: in the stack when configured, and no promise of the client is broken. */
import type { AxiosError } from 'axios';
import { createHttpClient, endpointOf, type HttpClientConfig, type Policy, type Request } from 'pillion';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { baseURL, rejection, scripted, silent } from '../support/client.js';
import { chance, finish, play, type Step, stopClock } from './world.js';

const standard = ['tracing', 'logging', 'deadline', 'retry', 'limits', 'circuitBreaker', 'timeout', 'tracing.attempt'];

const addresses = Array.from({ length: 5 }, (_, index) => ({ address: `10.0.0.${index + 1}:80` }));
const canary = { name: 'canary', baseURL: 'http://canary.test', weight: 1 };
const stable = { name: 'stable', baseURL, weight: 4 };

const everything = {
  endpoints: { static: addresses },
  outlierDetection: { interval: '1s', baseEjectionTime: '1s', maxEjectionPercent: 40 },
  healthCheck: { path: '/health', interval: '1s' },
  split: [{ targets: [canary, stable] }],
  requestHeaders: { set: { 'x-a': 'b' } },
  mirror: [{ baseURL: 'http://shadow.test', fraction: 0.3, unsafeMethods: true }],
  hedging: { delay: 30, budget: 1, maxHedges: 2 },
  rateLimit: { requests: 2000 },
  adaptiveConcurrency: {},
  deadlineHeader: {},
  fault: { delay: { duration: 5, fraction: 0.1 }, abort: { status: 503, fraction: 0.05 }, reset: { fraction: 0.05 } },
} satisfies HttpClientConfig;

/** Closed when the test ends: health checks go on until then. */
function opened(...given: Parameters<typeof scripted>) {
  const { client } = scripted(...given);
  onTestFinished(() => client.close());
  return client;
}

describe('the stack', () => {
  it('has every policy of traffic in its place', () => {
    const client = opened([], everything);
    expect(client.pipeline).toEqual([
      ...[
        'tracing',
        'logging',
        'deadline',
        'split',
        'requestHeaders',
        'mirror',
        'retry',
        'hedging',
        'rateLimit',
        'balance',
      ],
      ...['outlierDetection', 'healthCheck', 'limits', 'circuitBreaker', 'adaptiveConcurrency', 'timeout'],
      ...['deadlineHeader', 'tracing.attempt', 'fault'],
    ]);
  });

  it('adds no key to a request on its way, which would make each further copy slow', async () => {
    const keys: PropertyKey[][] = [];
    const noting: Policy = (next) => (request) => {
      keys.push(Reflect.ownKeys(request));
      return next(request);
    };
    // Not to the other target of the split, which has no endpoints.
    const { fault: _, split: __, ...config } = everything;
    const client = opened([{ reply: { data: 'answer' } }], config, { perCall: [noting], perAttempt: [noting] });
    await client.post('/', { a: 1 }, { idempotencyKey: true, routeName: 'a route', timeouts: { attempt: 100 } });
    expect(keys.length).toBeGreaterThan(1);
    for (const each of keys) expect(each).toEqual(keys[0]);
  });

  it.each(
    Object.keys(everything).filter((section) => !['endpoints', 'outlierDetection', 'healthCheck'].includes(section)),
  )('has nothing more than %s where that alone is configured', async (section) => {
    const config = { [section]: everything[section as keyof typeof everything] };
    const client = opened([{ reply: { data: 'answer' } }], config);
    expect(client.pipeline.filter((name) => !standard.includes(name))).toEqual([section]);
    if (section !== 'fault') expect((await client.get('/')).data).toBe('answer');
  });

  it.each(['outlierDetection', 'healthCheck'] as const)('has %s only where there are endpoints', async (section) => {
    const config = { [section]: everything[section] };
    expect(opened([], config).pipeline).toEqual(standard);
    const client = opened([{ reply: { data: 'answer' } }], { ...config, endpoints: everything.endpoints });
    expect(client.pipeline.filter((name) => !standard.includes(name))).toEqual(['balance', section]);
    expect((await client.get('/')).data).toBe('answer');
  });

  it('loses and gains them by update', async () => {
    const client = opened([{ reply: { data: 'answer' } }]);
    client.update({ baseURL, ...everything, fault: undefined });
    await client.get('/');
    client.update({ baseURL });
    expect(client.pipeline).toEqual(standard);
    expect((await client.get('/')).data).toBe('answer');
  });
});

interface Sent {
  readonly what: Step['what'];
  readonly endpoint: string | undefined;
  readonly origin: string;
}

interface Trip {
  readonly method: string;
  readonly key: boolean;
  readonly startedAt: number;
  endedAt: number;
  readonly sent: Sent[];
  end: string;
}

const unsent = ['ECONNREFUSED', 'EHOSTUNREACH', 'ERR_CONNECT_TIMEOUT'];
const faults = [...unsent, 'ECONNRESET', 'hang', 503, 500, 429, 404];
const total = 3000;

/** Calls in random order over an upstream that fails at random; each with what became of it. */
async function run(seed: number, count: number) {
  const random = chance(seed);
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  const trips: Trip[] = [];
  const copies: Request[] = [];
  const transport = (request: Request) => {
    const url = `${request.baseURL ?? ''}${request.url ?? ''}`;
    const what = random() < 0.7 ? 200 : pick(faults);
    if (url.endsWith('/health')) return play({ what: random() < 0.9 ? 200 : 'hang', delay: 1 }, request);
    if (url.startsWith('http://shadow.test')) copies.push(request);
    else
      trips[Number(request.headers['x-trip'])]?.sent.push({
        what,
        endpoint: endpointOf(request)?.address,
        origin: new URL(url).origin,
      });
    return play({ what, delay: Math.floor(random() * 80) }, request);
  };
  const client = createHttpClient(
    { baseURL, timeouts: { total, attempt: 500, connect: 200 }, ...everything },
    { transport, logger: silent, random },
  );
  const started = new Map<unknown, number>();
  client.on('attempt.started', ({ call, attempt }) => started.set(`${call.requestId} ${attempt}`, 1));
  client.on('attempt.ended', ({ call, attempt }) => started.delete(`${call.requestId} ${attempt}`));
  const call = async (index: number) => {
    await new Promise((resolve) => setTimeout(resolve, Math.floor(random() * 4000)));
    const method = pick(['GET', 'GET', 'PUT', 'POST', 'PATCH']);
    const key = random() < 0.2;
    const trip: Trip = { method, key, startedAt: performance.now(), endedAt: 0, sent: [], end: '' };
    trips[index] = trip;
    const headers = { 'x-trip': String(index), authorization: 'secret' };
    const controller = new AbortController();
    const givesUp = random() < 0.05 ? setTimeout(() => controller.abort(), Math.floor(random() * 100)) : undefined;
    const { signal } = controller;
    const own = key ? { idempotencyKey: `key-${index}` } : {};
    trip.end = await client.request({ url: '/', method, data: {}, headers, signal, ...own }).then(
      ({ status }) => String(status),
      ({ code }: AxiosError) => String(code),
    );
    clearTimeout(givesUp);
    trip.endedAt = performance.now();
  };
  await finish(Promise.all(Array.from({ length: count }, (_, index) => call(index))));
  const stats = client.stats();
  await finish(client.close());
  return { trips, copies, stats, open: started.size, timers: vi.getTimerCount() };
}

describe.each([1, 2, 3])('with all of them on, over random faults (seed %i)', (seed) => {
  it('a call ends in time, nothing is sent twice that could do harm, and nothing is left behind', async () => {
    stopClock();
    try {
      const { trips, copies, stats, open, timers } = await run(seed, 1000);
      expect(Math.max(...trips.map(({ startedAt, endedAt }) => endedAt - startedAt))).toBeLessThanOrEqual(total + 1);
      for (const { method, key, sent } of trips) {
        if (method !== 'POST' && method !== 'PATCH') continue;
        if (!key) expect(sent.filter(({ what }) => !unsent.includes(String(what))).length).toBeLessThanOrEqual(1);
      }
      // The target is chosen once; what goes to baseURL goes to an endpoint, each time to another one.
      for (const { sent } of trips) {
        expect(new Set(sent.map(({ origin }) => origin)).size).toBeLessThanOrEqual(1);
        if (sent[0]?.origin !== baseURL) continue;
        const places = sent.map(({ endpoint }) => endpoint);
        expect(places).not.toContain(undefined);
      }
      expect(copies.length).toBeGreaterThan(50);
      expect(copies.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
      const succeeded = trips.filter(({ end }) => end === '200').length;
      expect(succeeded).toBeGreaterThan(trips.length / 2);
      expect(stats.calls).toMatchObject({ started: trips.length, active: 0 });
      expect({ open, timers }).toEqual({ open: 0, timers: 0 });
    } finally {
      vi.useRealTimers();
    }
  });
});

it('a call that is refused in this process says why, whichever policy it was', async () => {
  const { client } = scripted([200], { rateLimit: { requests: 1, per: '1h', maxPending: 0 } });
  await client.get('/');
  expect(await rejection(client.get('/'))).toMatchObject({ code: 'ERR_RATE_LIMITED', attempts: 0 });
});
