/** outlierDetection: which endpoints are left out, for how long, and how many at once. */
import { AxiosError } from 'axios';
import { balance, endpointOf, type HttpClientConfig, outlierDetection, type Response } from 'pillion';
import { holdReply, type Reply } from 'pillion/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Events } from '../../../src/call/events.js';
import { baseURL } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { aRequest, ended, outcomeOf } from '../alone.js';
import { addresses, balanceOf, type Fleet, fleet, inState, listOf, type Replies, seeded } from './fleet.js';

const [one = '', two = '', three = ''] = addresses(3);

fakeTimers();
beforeEach(() => vi.advanceTimersByTimeAsync(1000));

const settle = () => vi.advanceTimersByTimeAsync(0);

/** Turns are taken in order, so that each endpoint gets as much as each other. */
function configOf(count: number, more: HttpClientConfig = {}): HttpClientConfig {
  return {
    baseURL,
    endpoints: { static: listOf(addresses(count)) },
    balance: { strategy: 'round-robin', slowStart: 0 },
    outlierDetection: {},
    retry: false,
    circuitBreaker: false,
    tracing: false,
    ...more,
  };
}

function judged(count: number, replies: Replies, more: HttpClientConfig = {}) {
  const made = fleet(replies, configOf(count, more));
  const ejections: { endpoint: string; reason: string; forMs: number }[] = [];
  made.client.on('endpoint.ejected', ({ endpoint, reason, forMs }) => ejections.push({ endpoint, reason, forMs }));
  return { ...made, ejections, ejected: () => inState(made.client, 'ejected') };
}

async function calls({ client }: Pick<Fleet, 'client'>, count: number) {
  for (let i = 0; i < count; i++) await ended(client.get('/'));
}

/** These replies one after the other, then the last for ever. */
function inTurn(...replies: Exclude<Reply, (...args: never) => unknown>[]): Reply {
  let index = 0;
  return () => replies[Math.min(index++, replies.length - 1)] ?? 200;
}

describe('failures in a row', () => {
  it('eject at the fifth, not before', async () => {
    const all = judged(3, { [one]: 500 });
    await calls(all, 12);
    expect(all.ejected()).toEqual([]);
    await calls(all, 3);
    expect(all.ejected()).toEqual([one]);
    expect(all.ejections).toEqual([{ endpoint: one, reason: 'consecutive_failures', forMs: 30_000 }]);
    const start = all.sent.length;
    await calls(all, 30);
    expect(all.since(start)).toEqual({ [two]: 15, [three]: 15 });
  });

  it.each<[string, Reply]>([
    ['refused connections', { error: 'ECONNREFUSED' }],
    ['lost connections', { error: 'ECONNRESET' }],
    ['timeouts', 'hang'],
    ['a 503', 503],
  ])('may be %s', async (_, reply) => {
    const all = judged(3, { [one]: reply }, { timeouts: { attempt: '100ms' } });
    await calls(all, 15);
    expect(all.ejected()).toEqual([one]);
  });

  it('begin anew after a success', async () => {
    const all = judged(3, { [one]: inTurn(500, 500, 500, 500, 200, 500, 500, 500, 500, 200) });
    await calls(all, 60);
    expect(all.ejections).toEqual([]);
  });

  it.each([400, 404, 429])('are no %ds: that is a success', async (status) => {
    const all = judged(3, { [one]: inTurn(500, 500, 500, 500, status, 500, 500, 500, 500, status) });
    await calls(all, 60);
    expect(all.ejections).toEqual([]);
  });

  it('are not cancellations', async () => {
    const all = judged(3, { [one]: inTurn(500, 500, 500, 500, 'hang'), [two]: 'hang', [three]: 'hang' });
    const aborted = Array.from({ length: 60 }, () => {
      const controller = new AbortController();
      const call = outcomeOf(all.client.get('/', { signal: controller.signal }));
      return { controller, call };
    });
    await settle();
    for (const { controller } of aborted) controller.abort();
    await settle();
    expect(all.ejections).toEqual([]);
  });

  it('are not calls turned away by limits', async () => {
    const limits = { maxRequests: 1, maxPendingRequests: 0 };
    const all = judged(3, { [one]: 'hang', [two]: 'hang', [three]: 'hang' }, { limits, timeouts: false });
    const codes = Array.from({ length: 60 }, () => outcomeOf(all.client.get('/')).then(({ code }) => code));
    await settle();
    expect(await codes[59]).toBe('ERR_LIMIT');
    expect(all.ejections).toEqual([]);
  });

  it('are not calls turned away by an open circuit', async () => {
    const circuitBreaker = { volumeThreshold: 3, resetTimeout: '1h' } as const;
    const all = judged(3, { [one]: 500, [two]: 500, [three]: 500 }, { circuitBreaker });
    await calls(all, 60);
    expect(all.sent).toHaveLength(9);
    expect(all.ejections).toEqual([]);
  });

  it('under way at an ejection do not eject again', async () => {
    const held = Array.from({ length: 12 }, () => holdReply());
    const all = judged(3, { [one]: inTurn(...held, 500) }, { timeouts: false });
    for (let i = 0; i < 36; i++) outcomeOf(all.client.get('/'));
    await settle();
    for (const each of held) {
      each.reply(500);
      await settle();
    }
    expect(all.ejections).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(30_000);
    await calls(all, 12);
    expect(all.ejections).toHaveLength(1);
    await calls(all, 3);
    expect(all.ejections).toHaveLength(2);
  });

  it('may be another number, or be left alone', async () => {
    const two = judged(3, { [one]: 500 }, { outlierDetection: { consecutiveFailures: 2 } });
    await calls(two, 6);
    expect(two.ejected()).toEqual([one]);
    const never = judged(3, { [one]: 500 }, { outlierDetection: { consecutiveFailures: false } });
    await calls(never, 60);
    expect(never.ejected()).toEqual([]);
  });
});

describe('failures of a gateway in a row', () => {
  const only = (count: number) => ({
    outlierDetection: { consecutiveFailures: false, consecutiveGatewayFailures: count } as const,
  });

  it.each<[string, Reply]>([
    ['a 502', 502],
    ['a 503', 503],
    ['a 504', 504],
    ['refused connections', { error: 'ECONNREFUSED' }],
    ['lost connections', { error: 'ECONNRESET' }],
    ['timeouts', 'hang'],
  ])('may be %s', async (_, reply) => {
    const all = judged(3, { [one]: reply }, { ...only(3), timeouts: { attempt: '100ms' } });
    await calls(all, 9);
    expect(all.ejections).toEqual([{ endpoint: one, reason: 'consecutive_gateway_failures', forMs: 30_000 }]);
  });

  it.each([500, 501, 505])('are no %ds, after which they begin anew', async (status) => {
    const all = judged(3, { [one]: inTurn(503, 503, status, 503, 503, status) }, only(3));
    await calls(all, 30);
    expect(all.ejections).toEqual([]);
  });

  it('do not eject by default before other failures would', async () => {
    const all = judged(3, { [one]: 503 });
    await calls(all, 15);
    expect(all.ejections).toMatchObject([{ reason: 'consecutive_failures' }]);
  });
});

describe('a share of failures', () => {
  const failurePercentage = { threshold: 50, minimumHosts: 1, requestVolume: 10 };
  const shareAlone = {
    outlierDetection: { consecutiveFailures: false, successRate: false, failurePercentage },
  } as const;

  it('ejects at the end of the interval each endpoint that reaches it, and no other', async () => {
    const all = judged(
      20,
      { [one]: inTurn(...Array(5).fill([200, 500]).flat()), [two]: inTurn(...Array(4).fill(500), 200) },
      shareAlone,
    );
    await calls(all, 200);
    await vi.advanceTimersByTimeAsync(10_000);
    await calls(all, 20);
    expect(all.ejections).toEqual([{ endpoint: one, reason: 'failure_percentage', forMs: 30_000 }]);
  });

  it('is not judged on fewer requests or endpoints than it needs', async () => {
    for (const more of [{ requestVolume: 100 }, { minimumHosts: 30 }]) {
      const outlier = { ...shareAlone.outlierDetection, failurePercentage: { ...failurePercentage, ...more } };
      const all = judged(20, { [one]: 500 }, { outlierDetection: outlier });
      await calls(all, 200);
      await vi.advanceTimersByTimeAsync(10_000);
      await calls(all, 20);
      expect(all.ejections).toEqual([]);
    }
  });
});

describe('an ejection', () => {
  const touchy = { outlierDetection: { consecutiveFailures: 1 } };
  /** Calls until there are so many ejections. */
  const untilEjected = async (all: ReturnType<typeof judged>, count: number) => {
    for (let i = 0; i < 10 && all.ejections.length < count; i++) await calls(all, 1);
    return all.ejections.at(-1)?.forMs ?? 0;
  };

  it('is 30 s, then 60, then 90 and so on, at most 300', async () => {
    const all = judged(3, { [one]: 500 }, touchy);
    for (let i = 1; i <= 13; i++) await vi.advanceTimersByTimeAsync(await untilEjected(all, i));
    expect(all.ejections.map(({ forMs }) => forMs / 1000)).toEqual([
      30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300, 300,
    ]);
  });

  it.each([
    [0, 120],
    [1, 90],
    [2, 60],
    [3, 30],
    [9, 30],
  ])('after three, and %d intervals without a failure, is %d s', async (intervals, seconds) => {
    const all = judged(3, { [one]: 500 }, touchy);
    for (let i = 1; i <= 3; i++) await vi.advanceTimersByTimeAsync(await untilEjected(all, i));
    all.replies[one] = 200;
    await calls(all, 3);
    for (let i = 0; i < intervals; i++) {
      await vi.advanceTimersByTimeAsync(10_000);
      await calls(all, 3);
    }
    all.replies[one] = 500;
    expect(await untilEjected(all, 4)).toBe(seconds * 1000);
  });

  it('ends by itself, emits an event, and earlier failures are forgotten', async () => {
    const all = judged(3, { [one]: 500 });
    const returned: unknown[] = [];
    all.client.on('endpoint.returned', (event) => returned.push(event));
    await calls(all, 15);
    await vi.advanceTimersByTimeAsync(29_999);
    await calls(all, 3);
    expect({ ejected: all.ejected(), returned }).toEqual({ ejected: [one], returned: [] });
    all.replies[one] = 200;
    await vi.advanceTimersByTimeAsync(1);
    const start = all.sent.length;
    await calls(all, 30);
    expect(all.since(start)[one]).toBeGreaterThanOrEqual(9);
    expect(returned).toEqual([{ client: 'default', endpoint: one }]);
  });

  it('is followed by a slow start', async () => {
    const slow = { balance: { strategy: 'random', slowStart: '10s' } } as const;
    const all = judged(3, { [one]: 500 }, { ...slow, ...touchy });
    while (all.ejections.length === 0) await calls(all, 1);
    all.replies[one] = 200;
    await vi.advanceTimersByTimeAsync(30_000);
    let start = all.sent.length;
    await calls(all, 2000);
    expect((all.since(start)[one] ?? 0) / 2000).toBeCloseTo(0.1 / 2.1, 1);
    expect((all.since(start)[one] ?? 0) / 2000).toBeLessThan(0.08);
    await vi.advanceTimersByTimeAsync(10_000);
    start = all.sent.length;
    await calls(all, 2000);
    expect((all.since(start)[one] ?? 0) / 2000).toBeCloseTo(1 / 3, 1);
  });

  it('stays when outlierDetection is updated, and what was counted, too', async () => {
    const all = judged(3, { [one]: 500 }, {});
    await calls(all, 15);
    all.replies[two] = 500;
    // Turns go between the other two.
    await calls(all, 8);
    all.client.update(configOf(3, { outlierDetection: { maxEjectionTime: '200s', maxEjectionPercent: 100 } }));
    expect(all.ejected()).toEqual([one]);
    await calls(all, 2);
    expect(all.ejected()).toEqual([one, two]);
    expect(all.client.stats().policies.outlierDetection).toMatchObject({ ejections: 2 });
  });

  it('comes with the next failure where an update lowers the limit below what was counted', async () => {
    const all = judged(3, { [one]: 500 });
    await calls(all, 12);
    all.client.update(configOf(3, { outlierDetection: { consecutiveFailures: 3 } }));
    await calls(all, 9);
    expect(all.ejected()).toEqual([one]);
  });

  it('stays when the balancing is updated', async () => {
    const all = judged(3, { [one]: 500 });
    await calls(all, 15);
    all.client.update(configOf(3, { balance: { strategy: 'random' } }));
    const start = all.sent.length;
    await calls(all, 30);
    expect(all.since(start)[one]).toBeUndefined();
    expect(all.ejected()).toEqual([one]);
  });

  it('grows as before although the weight of the endpoint has changed', async () => {
    const all = judged(3, { [one]: 500 }, touchy);
    await vi.advanceTimersByTimeAsync(await untilEjected(all, 1));
    const list = addresses(3).map((address) => ({ address, weight: address === one ? 2 : 1 }));
    all.client.update(configOf(3, { endpoints: { static: list }, ...touchy }));
    expect(await untilEjected(all, 2)).toBe(60_000);
  });
});

describe('the success rate', () => {
  const rateAlone = { outlierDetection: { consecutiveFailures: false } } as const;
  /** Fails each n-th time. */
  const failingEach = (n: number): Reply => {
    let count = 0;
    return () => (++count % n === 0 ? 500 : 200);
  };

  it('ejects one of six that fails half the time, at the end of the interval', async () => {
    const all = judged(6, { [one]: failingEach(2) }, rateAlone);
    await calls(all, 600);
    await vi.advanceTimersByTimeAsync(9_999);
    await calls(all, 6);
    expect(all.ejections).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await calls(all, 1);
    expect(all.ejections).toEqual([{ endpoint: one, reason: 'success_rate', forMs: 30_000 }]);
  });

  it('is not judged on fewer than a hundred requests', async () => {
    const all = judged(6, { [one]: failingEach(2) }, rateAlone);
    await calls(all, 590);
    await vi.advanceTimersByTimeAsync(10_000);
    await calls(all, 1);
    expect(all.ejections).toEqual([]);
  });

  it('is that of each interval by itself', async () => {
    const all = judged(6, { [one]: failingEach(2) }, rateAlone);
    for (let i = 0; i < 4; i++) {
      await calls(all, 300);
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(all.ejections).toEqual([]);
  });

  it('is not judged among fewer than five endpoints, unless it is said', async () => {
    const replies = () => ({ [one]: failingEach(2) });
    const four = judged(4, replies(), rateAlone);
    await calls(four, 800);
    await vi.advanceTimersByTimeAsync(10_000);
    await calls(four, 1);
    expect(four.ejections).toEqual([]);
    const successRate = { minimumHosts: 4, stdevFactor: 1.5 };
    const told = judged(4, replies(), { outlierDetection: { consecutiveFailures: false, successRate } });
    await calls(told, 800);
    await vi.advanceTimersByTimeAsync(10_000);
    await calls(told, 1);
    expect(told.ejections).toHaveLength(1);
  });

  it.each([
    ['ten points', undefined, []],
    ['the margin, which is none', 0, [one]],
  ])('has to be behind the mean by %s', async (_, margin, ejected) => {
    const successRate = margin === undefined ? {} : { margin };
    const outlier = { consecutiveFailures: false, successRate } as const;
    const all = judged(6, { [one]: failingEach(12) }, { outlierDetection: outlier });
    await calls(all, 6000);
    await vi.advanceTimersByTimeAsync(10_000);
    await calls(all, 1);
    expect(all.ejected()).toEqual(ejected);
  });

  it.each([0.01, 0.05, 0.2, 0.5])('of ten that all fail with probability %d ejects none', async (probability) => {
    const random = seeded(7);
    const events = new Events();
    const ejections: unknown[] = [];
    let placed = true;
    events.on('endpoint.ejected', (event) => ejections.push(event));
    const judge = outlierDetection({ consecutiveFailures: false }, { events });
    const endpoints = { static: listOf(addresses(10)) };
    const stack = balance(
      { endpoints, strategy: 'random' },
      { random },
    )(
      judge(async (request) => {
        // Not by `expect`, which takes longer than all the rest of the call.
        if (endpointOf(request) === undefined) placed = false;
        const response = { status: random() < probability ? 500 : 200, config: request } as Response;
        if (response.status < 400) return response;
        throw new AxiosError('500', 'ERR_BAD_RESPONSE', request, {}, response);
      }),
    );
    for (let interval = 0; interval < 40; interval++) {
      for (let i = 0; i < 1200; i++) await stack(aRequest()).catch(() => {});
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(ejections).toEqual([]);
    expect(placed).toBe(true);
  });

  it('may be left alone', async () => {
    const outlier = { consecutiveFailures: false, successRate: false } as const;
    const all = judged(6, { [one]: failingEach(2) }, { outlierDetection: outlier });
    await calls(all, 1200);
    await vi.advanceTimersByTimeAsync(10_000);
    await calls(all, 1);
    expect(all.ejections).toEqual([]);
  });
});

describe('at once are ejected', () => {
  it('no more than the percentage where no endpoint is always ejected', async () => {
    const keeping = { outlierDetection: { alwaysEjectOneHost: false } };
    const three = judged(3, failing(3), keeping);
    await calls(three, 30);
    expect(three.ejections).toEqual([]);
    const ten = judged(10, failing(3), keeping);
    await calls(ten, 100);
    expect(ten.ejections).toHaveLength(1);
  });

  const failing = (count: number): Replies => Object.fromEntries(addresses(count).map((address) => [address, 500]));

  it.each([
    ['one of ten, although three fail', 10, 3, 1],
    ['two of twenty, although four fail', 20, 4, 2],
    ['one of three, although that is more than the percentage', 3, 3, 1],
    ['one of two', 2, 2, 1],
    ['no endpoint where there is only one', 1, 1, 0],
  ])('%s', async (_, count, bad, ejected) => {
    const all = judged(count, failing(bad));
    await calls(all, 10 * count);
    expect(all.ejections).toHaveLength(ejected);
    expect(all.ejected()).toHaveLength(ejected);
    const refused = ejected < bad;
    const { policies } = all.client.stats();
    if (refused) expect((policies.outlierDetection as { refused: number }).refused).toBeGreaterThan(0);
  });

  it('never all of them, whatever the percentage', async () => {
    const all = judged(4, failing(4), { outlierDetection: { maxEjectionPercent: 100 } });
    await calls(all, 100);
    expect(all.ejected()).toHaveLength(3);
  });
});

describe('where fewer than half are usable', () => {
  const all100 = { outlierDetection: { maxEjectionPercent: 100 } };
  const failing = (count: number): Replies => Object.fromEntries(addresses(count).map((address) => [address, 500]));

  it('all are used', async () => {
    const all = judged(4, failing(3), all100);
    await calls(all, 40);
    expect(balanceOf(all.client).panicking).toBe(true);
    const start = all.sent.length;
    await calls(all, 40);
    expect(Object.values(all.since(start))).toEqual([10, 10, 10, 10]);
  });

  it('a usable half is enough to get all calls', async () => {
    const all = judged(4, failing(2), all100);
    await calls(all, 40);
    expect(balanceOf(all.client).panicking).toBe(false);
    const start = all.sent.length;
    await calls(all, 40);
    expect(Object.values(all.since(start))).toEqual([20, 20]);
  });

  it('a threshold of 0 keeps to those that are usable', async () => {
    const all = judged(4, failing(3), { ...all100, balance: { strategy: 'round-robin', panicThresholdPercent: 0 } });
    await calls(all, 40);
    expect(balanceOf(all.client).panicking).toBe(false);
    const start = all.sent.length;
    await calls(all, 10);
    expect(Object.values(all.since(start))).toEqual([10]);
  });

  it('they are not all used any more once enough have returned', async () => {
    const all = judged(4, failing(3), all100);
    await calls(all, 40);
    for (const address of addresses(4)) all.replies[address] = 200;
    await vi.advanceTimersByTimeAsync(30_000);
    await calls(all, 1);
    expect(balanceOf(all.client)).toMatchObject({ panicking: false });
    expect(all.ejected()).toEqual([]);
  });
});
