/** balance: which endpoint gets the next attempt, by each policy, alone and in a client. */
import { balance, createHttpClient, endpointOf, type Request, type Response } from 'pillion';
import { holdReply } from 'pillion/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { baseURL, silent } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { aRequest, ended, outcomeOf } from '../alone.js';
import { addresses, balanceOf, counted, fleet, inState, listOf, seeded, toldByHand } from './fleet.js';

type Options = NonNullable<Parameters<typeof balance>[0]>;

const [one = '', two = '', three = ''] = addresses(3);

fakeTimers();
// A process is never so young that its clock says 0.
beforeEach(() => vi.advanceTimersByTimeAsync(1000));

const settle = () => vi.advanceTimersByTimeAsync(0);

/** How often each endpoint is chosen where each answers at once. */
async function picks(count: number, options: Options, request: (index: number) => Partial<Request> = () => ({})) {
  const chosen: string[] = [];
  const stack = balance(options, { random: seeded() })(async (sent) => {
    chosen.push(endpointOf(sent)?.address ?? 'none');
    return { status: 200 } as Response;
  });
  for (let i = 0; i < count; i++) await stack(aRequest(request(i)));
  return { chosen, counts: counted(chosen) };
}

const equals = (count: number) => ({ static: listOf(addresses(count)) });
const weighted = (...weights: number[]) => ({
  static: addresses(weights.length).map((address, index) => ({ address, weight: weights[index] ?? 1 })),
});

/** Within four standard deviations of what chance alone would give. */
function expectShare(count: number | undefined, total: number, share: number) {
  const sigma = Math.sqrt(total * share * (1 - share));
  expect(Math.abs((count ?? 0) - total * share), `${count} of ${total}, share ${share}`).toBeLessThan(4 * sigma);
}

describe('equal endpoints', () => {
  it.each(['least-pending', 'round-robin', 'random', 'hash'] as const)(
    'get as much as each other by %s',
    async (strategy) => {
      const { counts } = await picks(20_000, { strategy, endpoints: equals(5) });
      for (const address of addresses(5)) expectShare(counts[address], 20_000, 1 / 5);
    },
  );

  it('get as many keys as each other by hash', async () => {
    const { counts } = await picks(20_000, { strategy: 'hash', endpoints: equals(5) }, (i) => ({
      hashKey: `user-${i}`,
    }));
    for (const address of addresses(5)) expectShare(counts[address], 20_000, 1 / 5);
  });

  it('get as much as each other where there are many', async () => {
    const { counts } = await picks(20_000, { endpoints: equals(40) });
    for (const address of addresses(40)) expectShare(counts[address], 20_000, 1 / 40);
  });
});

describe('weights', () => {
  it.each(['least-pending', 'random'] as const)('are followed by %s', async (strategy) => {
    const { counts } = await picks(20_000, { strategy, endpoints: weighted(1, 2, 5) });
    for (const [address, weight] of [
      [one, 1],
      [two, 2],
      [three, 5],
    ] as const)
      expectShare(counts[address], 20_000, weight / 8);
  });

  it('are followed by hash', async () => {
    const options: Options = { strategy: 'hash', endpoints: weighted(1, 2, 5) };
    const { counts } = await picks(20_000, options, (i) => ({ hashKey: `user-${i}` }));
    for (const [address, weight] of [
      [one, 1],
      [two, 2],
      [three, 5],
    ] as const)
      expectShare(counts[address], 20_000, weight / 8);
  });

  it('are followed to the number by round-robin, the turns of a heavy one spread', async () => {
    const { chosen } = await picks(8, { strategy: 'round-robin', endpoints: weighted(5, 1, 1) });
    expect(counted(chosen.slice(0, 7))).toEqual({ [one]: 5, [two]: 1, [three]: 1 });
    expect(chosen.slice(0, 7)).toEqual([one, one, two, one, three, one, one]);
  });

  it('are followed where there are many endpoints, too', async () => {
    const weights = addresses(40).map((_, index) => (index === 0 ? 10 : 1));
    const { counts } = await picks(20_000, { endpoints: weighted(...weights) });
    expectShare(counts[one], 20_000, 10 / 49);
  });
});

describe('hash', () => {
  const options: Options = { strategy: 'hash', hashHeader: 'x-user', endpoints: equals(10) };
  const user = (name: string) => aRequest({ headers: aRequest().headers.set('X-User', name) });

  it('sends the same header value to the same endpoint', async () => {
    const { chosen } = await picks(1000, options, (i) => ({ headers: user(`u${i % 50}`).headers }));
    for (let i = 50; i < 1000; i++) expect(chosen[i]).toBe(chosen[i % 50]);
    expect(new Set(chosen).size).toBeGreaterThan(5);
  });

  it('goes by the hashKey of the call rather than by the header', async () => {
    const byKey = await picks(100, options, (i) => ({ hashKey: `k${i}`, headers: user('the same').headers }));
    const keyAlone = await picks(100, options, (i) => ({ hashKey: `k${i}` }));
    expect(byKey.chosen).toEqual(keyAlone.chosen);
  });

  it('moves only the keys of the endpoint that goes', async () => {
    const keys = (i: number) => ({ hashKey: `k${i}` });
    const before = await picks(5000, options, keys);
    const after = await picks(5000, { ...options, endpoints: { static: equals(10).static.slice(1) } }, keys);
    const moved = before.chosen.filter((address, index) => address !== after.chosen[index]);
    expect(new Set(moved)).toEqual(new Set([one]));
    expect(moved).toHaveLength(before.counts[one] ?? 0);
  });

  it('reads hashKey and header of calls through a client', async () => {
    const { client, sent } = fleet({}, { endpoints: equals(10), balance: { strategy: 'hash', hashHeader: 'x-user' } });
    for (let i = 0; i < 20; i++) await client.get('/', { headers: { 'x-user': 'ann' } });
    expect(new Set(sent).size).toBe(1);
    for (let i = 0; i < 20; i++) await client.get(`/${i}`, { hashKey: 'some other key' });
    expect(new Set(sent.slice(20)).size).toBe(1);
  });
});

describe('hashOn', () => {
  const asked = async (hashOn: Options['hashOn'], requests: Partial<Request>[]) => {
    const { chosen } = await picks(
      requests.length * 20,
      { strategy: 'hash', hashOn, endpoints: equals(10) },
      (i) => requests[i % requests.length] as Partial<Request>,
    );
    return requests.map((_, at) => new Set(chosen.filter((__, i) => i % requests.length === at)));
  };
  const withHeaders = (headers: Record<string, string>) => ({
    headers: Object.assign(aRequest().headers.concat(), headers),
  });

  it('keeps a cookie, a parameter of the query and a fixed text at one endpoint each', async () => {
    const cookies = ['ada', 'bob', 'eve'].map((name) => withHeaders({ cookie: `theme=dark; session=${name}` }));
    for (const each of await asked([{ cookie: 'session' }], cookies)) expect(each.size).toBe(1);
    const queries = ['ada', 'bob', 'eve'].map((name) => ({ url: `http://api.test/?tenant=${name}` }));
    const byQuery = await asked([{ query: 'tenant' }], queries);
    for (const each of byQuery) expect(each.size).toBe(1);
    expect(new Set(byQuery.flatMap((each) => [...each])).size).toBeGreaterThan(1);
    const [always] = await asked([{ value: 'this process' }], [{}]);
    expect(always?.size).toBe(1);
  });

  it('reads a parameter given as axios params', async () => {
    const endpoints = equals(10);
    const { client, sent } = fleet({}, { endpoints, balance: { strategy: 'hash', hashOn: [{ query: 'tenant' }] } });
    for (let i = 0; i < 20; i++) await client.get('/', { params: { tenant: 'ada', page: i } });
    expect(new Set(sent).size).toBe(1);
  });

  it('joins the parts that a request has, up to a terminal one, and draws where it has none', async () => {
    const joined = [{ header: 'x-a' }, { header: 'x-b' }];
    const both = await asked(
      joined,
      ['1', '2', '3', '4'].map((b) => withHeaders({ 'x-a': 'same', 'x-b': b })),
    );
    expect(new Set(both.flatMap((each) => [...each])).size).toBeGreaterThan(1);
    const ends = [{ header: 'x-a', terminal: true }, { header: 'x-b' }];
    const first = await asked(
      ends,
      ['1', '2', '3', '4'].map((b) => withHeaders({ 'x-a': 'same', 'x-b': b })),
    );
    expect(new Set(first.flatMap((each) => [...each])).size).toBe(1);
    const [none] = await asked(joined, [{}]);
    expect(none?.size).toBeGreaterThan(1);
  });
});

/** Calls that come at a steady rate, whatever becomes of those before. */
async function steadily(client: { get(url: string): Promise<unknown> }, count: number, everyMs: number) {
  for (let i = 0; i < count; i++) {
    client.get('/').catch(() => {});
    await vi.advanceTimersByTimeAsync(everyMs);
  }
}

describe('least-pending', () => {
  it('gives an endpoint that hangs no more than waits at the others', async () => {
    const { client, replies, sent, since } = fleet(
      { [one]: { delay: 10 }, [two]: { delay: 10 }, [three]: { delay: 10 } },
      { endpoints: equals(3), timeouts: false },
    );
    await steadily(client, 300, 1);
    replies[three] = 'hang';
    const start = sent.length;
    await steadily(client, 1000, 1);
    // Some five wait at each of the others at any time.
    expect(since(start)[three]).toBeLessThanOrEqual(10);
    expect(balanceOf(client).endpoints[2]?.pending).toBeLessThanOrEqual(12);
  });

  it('gives a new endpoint one request until it has answered', async () => {
    const discovery = toldByHand();
    const { client, replies, since, sent } = fleet({}, { balance: { slowStart: 0 } }, { discovery });
    discovery.tell(listOf([one, two]));
    for (let i = 0; i < 20; i++) await client.get('/');
    const held = holdReply();
    replies[three] = held;
    discovery.tell(listOf([one, two, three]));
    for (let i = 0; i < 200; i++) outcomeOf(client.get('/'));
    await settle();
    expect(since()[three]).toBe(1);
    replies[three] = 200;
    held.reply(200);
    await settle();
    const start = sent.length;
    for (let i = 0; i < 300; i++) await client.get('/');
    expectShare(since(start)[three], 300, 1 / 3);
  });

  it.each([
    ['much', 1],
    ['some', 10],
    ['little', 50],
  ])('gives an endpoint that is ten times slower at most a fifth of its share under %s load', async (_, everyMs) => {
    const all = addresses(10);
    const { client, sent, since } = fleet(
      Object.fromEntries(all.map((address) => [address, { delay: address === one ? 100 : 10 }])),
      { endpoints: equals(10), tracing: false },
    );
    await steadily(client, 1000, everyMs);
    const start = sent.length;
    await steadily(client, 4000, everyMs);
    expect((since(start)[one] ?? 0) / 4000).toBeLessThanOrEqual(0.2 / 10);
  });

  it('is not drawn to an endpoint that fails at once, and tries it again with time', async () => {
    const delay = { delay: 10 };
    const { client, replies, sent, since } = fleet(
      { [one]: { error: 'ECONNREFUSED' }, [two]: delay, [three]: delay },
      { endpoints: equals(3) },
    );
    await steadily(client, 200, 1);
    let start = sent.length;
    await steadily(client, 3000, 1);
    expect((since(start)[one] ?? 0) / 3000).toBeLessThan(0.2 / 3);
    replies[one] = delay;
    await vi.advanceTimersByTimeAsync(60_000);
    start = sent.length;
    await steadily(client, 3000, 1);
    expect((since(start)[one] ?? 0) / 3000).toBeGreaterThan(0.8 / 3);
  });

  it('gives all as much as each other where none has an advantage', async () => {
    const replies = Object.fromEntries(addresses(4).map((address) => [address, { delay: 10 }]));
    const { client, since } = fleet(replies, { endpoints: equals(4) });
    await steadily(client, 4000, 2);
    for (const address of addresses(4)) expect((since()[address] ?? 0) / 4000).toBeCloseTo(1 / 4, 1);
  });

  it('counts a stream as pending until its body is over', async () => {
    const { PassThrough } = await import('node:stream');
    const body = new PassThrough();
    const { client } = fleet({ [one]: { data: body } }, { endpoints: equals(1) });
    await client.get('/', { responseType: 'stream' });
    expect(balanceOf(client).endpoints).toMatchObject([{ pending: 1 }]);
    body.end().resume();
    await settle();
    expect(balanceOf(client).endpoints).toMatchObject([{ pending: 0 }]);
  });
});

describe('retries', () => {
  const failing = { [one]: 503, [two]: 503, [three]: 503 };

  it.each(['least-pending', 'round-robin', 'random', 'hash'] as const)(
    'go to endpoints that were not tried before by %s',
    async (strategy) => {
      const { client, sent } = fleet(failing, {
        endpoints: equals(3),
        balance: { strategy },
        retry: { maxRetries: 2, budget: false },
      });
      for (let i = 0; i < 20; i++) await ended(client.get('/', { hashKey: 'k' }));
      for (let i = 0; i < 60; i += 3) expect(new Set(sent.slice(i, i + 3)).size).toBe(3);
    },
  );

  it('go to tried ones again when no other is left', async () => {
    const { client, sent } = fleet(failing, { endpoints: equals(3), retry: { maxRetries: 5, budget: false } });
    expect(await ended(client.get('/'))).toMatchObject({ status: 503 });
    expect(sent).toHaveLength(6);
    expect(new Set(sent.slice(0, 3)).size).toBe(3);
  });

  it('avoid an endpoint that was tried although its weight has changed meanwhile', async () => {
    const discovery = toldByHand();
    const { client, sent } = fleet({ [one]: { status: 503, delay: 10 } }, { retry: {} }, { discovery });
    discovery.tell([{ address: one, weight: 1_000_000 }, { address: two }]);
    const call = outcomeOf(client.get('/'));
    await settle();
    discovery.tell([{ address: one, weight: 2_000_000 }, { address: two }]);
    await vi.advanceTimersByTimeAsync(100);
    expect(await call).toMatchObject({ status: 200 });
    expect(sent).toEqual([one, two]);
  });
});

describe('slow start', () => {
  const nine = addresses(10).slice(0, 9);
  const tenth = addresses(10)[9] ?? '';

  it.each(['least-pending', 'round-robin', 'random'] as const)(
    'begins with a tenth of the share and ends with all of it by %s',
    async (strategy) => {
      const discovery = toldByHand();
      const { client, sent, since } = fleet(
        {},
        { balance: { strategy, slowStart: '10s' }, tracing: false },
        { discovery },
      );
      discovery.tell(listOf(nine));
      for (let i = 0; i < 100; i++) await client.get('/');
      discovery.tell(listOf([...nine, tenth]));
      for (const [ms, share] of [
        [0, 0.1 / 9.1],
        [5000, 0.5 / 9.5],
        [5000, 1 / 10],
        [60_000, 1 / 10],
      ] as const) {
        await vi.advanceTimersByTimeAsync(ms);
        const start = sent.length;
        for (let i = 0; i < 5000; i++) await client.get('/');
        expectShare(since(start)[tenth], 5000, share);
      }
    },
  );

  it('is not for those that were there from the start', async () => {
    const discovery = toldByHand();
    const { client, since } = fleet({}, { balance: { strategy: 'random', slowStart: '10s' } }, { discovery });
    discovery.tell([{ address: one }, { address: two, weight: 3 }]);
    for (let i = 0; i < 4000; i++) await client.get('/');
    expectShare(since()[one], 4000, 1 / 4);
  });

  it('0 is none', async () => {
    const discovery = toldByHand();
    const { client, sent, since } = fleet({}, { balance: { strategy: 'random', slowStart: 0 } }, { discovery });
    discovery.tell(listOf([one]));
    await client.get('/');
    discovery.tell(listOf([one, two]));
    const start = sent.length;
    for (let i = 0; i < 4000; i++) await client.get('/');
    expectShare(since(start)[two], 4000, 1 / 2);
  });
});

/** A circuit that a single failure opens, for good. */
const touchy = { volumeThreshold: 1, errorThresholdPercentage: 1, resetTimeout: '1h' } as const;

describe('a zone', () => {
  const zones = (...names: string[]) => ({
    static: addresses(names.length).map((address, index) => ({ address, zone: names[index] })),
  });
  const inZone = (names: string[], replies = {}) =>
    fleet(replies, { endpoints: zones(...names), balance: { zone: 'a' }, circuitBreaker: touchy });
  /** Where calls go once the circuits of those that fail are open. */
  const later = async ({ client, sent, since }: ReturnType<typeof fleet>) => {
    for (let i = 0; i < 100; i++) await client.get('/').catch(() => {});
    const start = sent.length;
    for (let i = 0; i < 200; i++) await client.get('/');
    return Object.keys(since(start)).sort();
  };

  it('is preferred to others', async () => {
    expect(await later(inZone(['a', 'a', 'b', 'b']))).toEqual([one, two]);
  });

  it('is preferred while half of it is usable', async () => {
    expect(await later(inZone(['a', 'a', 'b', 'b'], { [one]: 500 }))).toEqual([two]);
  });

  it('is not preferred any more when less than half of it is usable', async () => {
    const [, , third, fourth, fifth, sixth] = addresses(6);
    const found = await later(inZone(['a', 'a', 'a', 'b', 'b', 'b'], { [one]: 500, [two]: 500 }));
    expect(found).toEqual([third, fourth, fifth, sixth]);
  });

  it('in which nobody is usable is left for the others', async () => {
    const [, , third, fourth] = addresses(4);
    expect(await later(inZone(['a', 'a', 'b', 'b'], { [one]: 500, [two]: 500 }))).toEqual([third, fourth]);
  });

  it('that no endpoint is in means nothing', async () => {
    expect(await later(inZone(['b', 'c']))).toEqual([one, two]);
  });
});

describe('the request', () => {
  it('is the same as without endpoints: URL, Host and all', async () => {
    const seen: Request[] = [];
    const transport = async (request: Request) => {
      seen.push(request);
      return { status: 200, data: '', statusText: '', headers: {}, config: request } as Response;
    };
    const deps = { transport, logger: silent };
    const config = { baseURL: 'http://api.test/v1', tracing: false } as const;
    await createHttpClient({ ...config, endpoints: equals(2) }, deps).get('/users?id=1');
    await createHttpClient(config, deps).get('/users?id=1');
    const [balanced, plain] = seen.map(({ url, baseURL: base, params, method, headers }) => {
      const { 'x-request-id': _, ...rest } = headers.toJSON() as Record<string, unknown>;
      return { url, base, params, method, headers: rest };
    });
    expect(seen.map((request) => endpointOf(request)?.host.slice(0, 7))).toEqual(['10.0.0.', undefined]);
    expect(balanced).toEqual(plain);
  });

  it('to another origin goes there', async () => {
    const { client, sent } = fleet({}, { endpoints: equals(2), allowAbsoluteUrls: true });
    await client.get('http://other.test/');
    await client.get('https://api.test/');
    await client.get('http://api.test:8080/');
    expect(sent).toEqual(['none', 'none', 'none']);
    await client.get('http://api.test/');
    await client.get('http://API.test:80/');
    expect(sent.slice(3)).not.toContain('none');
  });
});

describe('an update', () => {
  it('of weights keeps what is known of the endpoints', async () => {
    const { client, replies } = fleet({ [one]: { delay: 40 } }, { endpoints: weighted(1) });
    await ended(client.get('/'));
    const held = holdReply();
    replies[one] = held;
    const inFlight = outcomeOf(client.get('/'));
    await settle();
    const before = balanceOf(client).endpoints;
    expect(before).toMatchObject([{ weight: 1, pending: 1, latencyMs: 40 }]);
    client.update({ baseURL, endpoints: weighted(7) });
    expect(balanceOf(client).endpoints).toEqual([{ ...before[0], weight: 7 }]);
    held.reply(200);
    await inFlight;
    expect(balanceOf(client).endpoints).toMatchObject([{ pending: 0 }]);
  });

  it('of the policy keeps it, too', async () => {
    const { client } = fleet({ [one]: { delay: 40 } }, { endpoints: equals(1) });
    await ended(client.get('/'));
    client.update({ baseURL, endpoints: equals(1), balance: { strategy: 'random' } });
    expect(balanceOf(client).endpoints).toMatchObject([{ latencyMs: 40 }]);
  });

  it('of the list is in force at once, and requests in flight finish', async () => {
    const { client, replies, sent } = fleet({}, { endpoints: { static: listOf([one]) } });
    const held = holdReply();
    replies[one] = held;
    const inFlight = outcomeOf(client.get('/'));
    await settle();
    client.update({ baseURL, endpoints: { static: listOf([two]) } });
    await client.get('/');
    held.reply(200);
    expect(await inFlight).toMatchObject({ status: 200 });
    expect(sent).toEqual([one, two]);
  });

  it('of the list lets the new ones start slowly', async () => {
    const { client, since } = fleet({}, { endpoints: { static: listOf([one]) }, balance: { strategy: 'random' } });
    client.update({ baseURL, endpoints: { static: listOf([one, two]) }, balance: { strategy: 'random' } });
    for (let i = 0; i < 2000; i++) await client.get('/');
    expectShare(since()[two], 2000, 0.1 / 1.1);
  });

  it('to another baseURL forgets the endpoints of the one before', async () => {
    const { client } = fleet({ [one]: { delay: 40 } }, { endpoints: equals(1) });
    await ended(client.get('/'));
    client.update({ baseURL: 'http://other.test', endpoints: equals(1) });
    expect(balanceOf(client).endpoints).toMatchObject([{ latencyMs: 0 }]);
  });
});

describe('circuits', () => {
  it('are those of each endpoint', async () => {
    const { client } = fleet({}, { endpoints: equals(3), circuitBreaker: {} });
    for (let i = 0; i < 50; i++) await client.get('/');
    const circuits = client.stats().policies.circuitBreaker as object;
    expect(Object.keys(circuits).sort()).toEqual([one, two, three]);
  });

  it('that are open send the call elsewhere, in the same attempt', async () => {
    const { client, sent } = fleet(
      { [one]: 500 },
      { endpoints: equals(3), balance: { strategy: 'round-robin' }, circuitBreaker: touchy },
    );
    expect(await outcomeOf(client.get('/'))).toMatchObject({ status: 500 });
    for (let i = 0; i < 10; i++) expect(await outcomeOf(client.get('/'))).toMatchObject({ status: 200 });
    expect(sent.slice(1)).not.toContain(one);
    expect(client.stats().attempts).toBe(11);
    expect(inState(client, 'circuit_open')).toEqual([one]);
  });

  it('that are all open fail the call with ERR_CIRCUIT_OPEN, and nothing is sent', async () => {
    const { client, sent } = fleet({ [one]: 500, [two]: 500 }, { endpoints: equals(2), circuitBreaker: touchy });
    for (let i = 0; i < 100; i++) await outcomeOf(client.get('/'));
    expect(sent).toHaveLength(2);
    const { code, error } = await outcomeOf(client.get('/'));
    expect(code).toBe('ERR_CIRCUIT_OPEN');
    expect(error?.retryAfter).toBeGreaterThan(0);
    expect(balanceOf(client)).toMatchObject({ panicking: true, endpoints: [{ pending: 0 }, { pending: 0 }] });
  });

  it('let their endpoint be tried again when they do', async () => {
    const { client, replies, sent, since } = fleet(
      { [one]: 500 },
      { endpoints: equals(2), balance: { strategy: 'round-robin' }, circuitBreaker: { ...touchy, resetTimeout: '5s' } },
    );
    for (let i = 0; i < 10; i++) await outcomeOf(client.get('/'));
    replies[one] = 200;
    await vi.advanceTimersByTimeAsync(5000);
    const start = sent.length;
    for (let i = 0; i < 100; i++) await client.get('/');
    expect(since(start)[one]).toBeGreaterThan(40);
  });
});

describe('limits', () => {
  it('are those of each endpoint', async () => {
    const { client, sent } = fleet(
      { [one]: 'hang', [two]: 'hang' },
      { endpoints: equals(2), limits: { maxRequests: 1, maxPendingRequests: 0 }, timeouts: false },
    );
    outcomeOf(client.get('/'));
    outcomeOf(client.get('/'));
    await settle();
    expect(sent.toSorted()).toEqual([one, two]);
    expect(client.stats().policies.limits).toEqual({
      [one]: { running: 1, pending: 0 },
      [two]: { running: 1, pending: 0 },
    });
    expect(await outcomeOf(client.get('/'))).toMatchObject({ code: 'ERR_LIMIT' });
    expect(balanceOf(client).endpoints).toMatchObject([{ pending: 1 }, { pending: 1 }]);
  });
});
