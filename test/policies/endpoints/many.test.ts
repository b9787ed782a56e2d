/** Thousands of endpoints: how many of them a choice looks at, and that it stays fair. */
import type { AxiosAdapter } from 'axios';
import { balance, createHttpClient, endpointOf, type HttpClientConfig, type Response } from 'pillion';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Host } from '../../../src/policies/endpoints/host.js';
import { Roster } from '../../../src/policies/endpoints/roster.js';
import { Rendezvous, rendezvous } from '../../../src/policies/hash.js';
import { baseURL, silent } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { aRequest } from '../alone.js';
import { counted, fleet, inState, seeded, toldByHand } from './fleet.js';

fakeTimers();
beforeEach(() => vi.advanceTimersByTimeAsync(1000));

const many = 5000;
const addressAt = (index: number) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:80`;
const listOf = (count: number, weightOf = (_: number) => 1) =>
  Array.from({ length: count }, (_, index) => ({ address: addressAt(index), weight: weightOf(index) }));

/** How often endpoints are looked at in each choice, by what each choice asks of them. */
function looks(): { count(): number; stop(): void } {
  const usable = vi.spyOn(Host.prototype, 'isUsable');
  const share = vi.spyOn(Host.prototype, 'share');
  return {
    count: () => usable.mock.calls.length + share.mock.calls.length,
    stop: () => vi.restoreAllMocks(),
  };
}

describe('a choice', () => {
  it.each([
    ['least-pending', () => 1],
    ['least-pending', (index: number) => 1 + (index % 7)],
    ['round-robin', () => 1],
    ['round-robin', (index: number) => 1 + (index % 7)],
    ['random', () => 1],
    ['random', (index: number) => 1 + (index % 7)],
    ['hash', () => 1],
    ['hash', (index: number) => 1 + (index % 7)],
  ] as const)('by %s among thousands looks at a few endpoints only (%#)', async (strategy, weightOf) => {
    const endpoints = { static: listOf(many, weightOf) };
    const stack = balance({ strategy, endpoints }, { random: seeded() })(async () => ({ status: 200 }) as Response);
    const request = (index: number) => aRequest(strategy === 'hash' ? { hashKey: `user-${index}` } : {});
    await stack(request(0));
    const seen = looks();
    for (let index = 0; index < 100; index++) await stack(request(index));
    expect(seen.count()).toBeLessThan(100 * 8);
    seen.stop();
  });

  it('among thousands of which a third may not be used looks at a few more, and finds one of the others', async () => {
    const discovery = toldByHand();
    const replies = {};
    const { client, since } = fleet(replies, { balance: { strategy: 'round-robin' } }, { discovery });
    const isOut = (index: number) => index % 3 === 0;
    discovery.tell(
      listOf(many).map((each, index) => ({
        ...each,
        health: isOut(index) ? ('unhealthy' as const) : ('healthy' as const),
      })),
    );
    await client.get('/');
    const seen = looks();
    for (let index = 0; index < 200; index++) await client.get('/');
    expect(seen.count()).toBeLessThan(200 * 12);
    seen.stop();
    const out = new Set(
      listOf(many)
        .filter((_, index) => isOut(index))
        .map(({ address }) => address),
    );
    expect(Object.keys(since()).filter((address) => out.has(address))).toEqual([]);
  });

  it('of a retry avoids the endpoint before without a look at all of them', async () => {
    const discovery = toldByHand();
    const replies: Record<string, number> = {};
    for (const { address } of listOf(many)) replies[address] = 503;
    const config: HttpClientConfig = {
      retry: { maxRetries: 3, backoff: { base: '1ms' } },
      balance: { strategy: 'hash' },
    };
    const { client, sent } = fleet(replies, config, { discovery });
    discovery.tell(listOf(many));
    const call = client.get('/', { hashKey: 'user' }).catch(() => {});
    const seen = looks();
    await vi.advanceTimersByTimeAsync(1000);
    await call;
    expect(new Set(sent).size).toBe(sent.length);
    expect(sent.length).toBeGreaterThan(1);
    expect(seen.count()).toBeLessThan(100);
    seen.stop();
  });
});

describe('round-robin among many', () => {
  const turnsOf = async (weights: readonly number[], count: number) => {
    const chosen: string[] = [];
    const endpoints = { static: listOf(weights.length, (index) => weights[index] ?? 1) };
    const stack = balance({ strategy: 'round-robin', endpoints })(async (sent) => {
      chosen.push(endpointOf(sent)?.address ?? 'none');
      return { status: 200 } as Response;
    });
    for (let index = 0; index < count; index++) await stack(aRequest());
    return chosen;
  };

  it('gives each one turn in each round where they are equal', async () => {
    const counts = counted(await turnsOf(Array(100).fill(1), 300));
    expect(Object.values(counts)).toEqual(Array(100).fill(3));
  });

  it('follows weights to the number, and spreads the turns of a heavy one', async () => {
    const weights = [...Array(99).fill(1), 101];
    const chosen = await turnsOf(weights, 400);
    const heavy = addressAt(99);
    expect(counted(chosen)[heavy]).toBe(202);
    const turns = chosen.flatMap((address, index) => (address === heavy ? [index] : []));
    const gaps = turns.slice(1).map((turn, index) => turn - (turns[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3);
  });

  it('goes on where it was when the list changes, so that the first of the list do not get everything', async () => {
    const discovery = toldByHand();
    const { client, since } = fleet({}, { balance: { strategy: 'round-robin' } }, { discovery });
    for (let update = 0; update < 20; update++) {
      discovery.tell([...listOf(100), { address: `10.9.9.${update}:80` }]);
      for (let call = 0; call < 10; call++) await client.get('/');
    }
    const counts = since();
    expect(Math.max(...Object.values(counts))).toBeLessThanOrEqual(3);
  });
});

describe('hash among many', () => {
  const names = listOf(many).map(({ address }) => address);
  const keys = Array.from({ length: 20_000 }, (_, index) => `user-${index}`);
  const rendezvousOf = (some: readonly string[]) =>
    new Rendezvous(
      some,
      (name) => name,
      () => 1,
    );

  it('gives each as many keys as chance would, by weight', () => {
    const some = names.slice(0, 1000);
    const list = new Rendezvous(
      some,
      (name) => name,
      (name) => (some.indexOf(name) < 500 ? 3 : 1),
    );
    const heavy = new Set(some.slice(0, 500));
    const hits = keys.filter((key) => heavy.has(list.at(key) ?? '')).length;
    const sigma = Math.sqrt(keys.length * 0.75 * 0.25);
    expect(Math.abs(hits - keys.length * 0.75)).toBeLessThan(4 * sigma);
  });

  it('moves at most twice as many keys as an endpoint has where it goes, and at least those', () => {
    const before = rendezvousOf(names.slice(0, 600));
    const gone = names.slice(0, 30);
    const after = rendezvousOf(names.slice(30, 600));
    const own = keys.filter((key) => gone.includes(before.at(key) ?? '')).length;
    const moved = keys.filter((key) => before.at(key) !== after.at(key)).length;
    expect(moved).toBeGreaterThanOrEqual(own);
    expect(moved).toBeLessThan(2 * own);
  });

  it.each([2, 100, 383])('moves only keys of its own where an endpoint comes or goes, among %i', (size) => {
    const few = rendezvousOf(names.slice(0, size));
    const more = rendezvousOf(names.slice(0, size + 1));
    const moved = keys.filter((key) => few.at(key) !== more.at(key));
    expect(moved.length).toBeGreaterThan(0);
    expect(new Set(moved.map((key) => more.at(key)))).toEqual(new Set([names[size]]));
  });

  it.each([
    ['the 385th', 384],
    ['the 1,000th', 999],
  ])('moves at most twice the keys of an endpoint where it is %s, and not more to another than to it', (_, size) => {
    const most = Array.from({ length: 8 }, (_, index) => `10.99.0.${index}:80`).map((added) => {
      const few = rendezvousOf(names.slice(0, size));
      const more = rendezvousOf([...names.slice(0, size), added]);
      const moved = keys.filter((key) => few.at(key) !== more.at(key));
      return { moved: moved.length, own: moved.filter((key) => more.at(key) === added).length };
    });
    const sum = (part: 'moved' | 'own') => most.reduce((all, each) => all + each[part], 0);
    const share = (8 * keys.length) / (size + 1);
    expect(Math.abs(sum('own') - share)).toBeLessThan(6 * Math.sqrt(share));
    // Each time nearly the same others move, so that chance counts eight times.
    expect(sum('moved')).toBeLessThan(2 * share + 6 * Math.sqrt(8 * share));
  });

  it('gives each of many its share, but for a twentieth of it beside chance', () => {
    const list = rendezvousOf(names.slice(0, 1000));
    const hits = counted(keys.map((key) => list.at(key) ?? 'none'));
    const share = keys.length / 1000;
    const squares = names.slice(0, 1000).map((name) => ((hits[name] ?? 0) - share) ** 2 / share);
    const mean = squares.reduce((all, each) => all + each, 0) / 999;
    expect(mean).toBeLessThan(1 + 4 * Math.sqrt(2 / 999) + 0.05 ** 2 * share);
  });

  it.each([20, 500, 100_000])(
    'gives one of a thousand its share where it has %i times the weight of the others',
    (weight) => {
      const some = names.slice(0, 1000);
      const list = new Rendezvous(
        some,
        (name) => name,
        (name) => (name === some[3] ? weight : 1),
      );
      const share = weight / (weight + 999);
      const hits = keys.filter((key) => list.at(key) === some[3]).length;
      expect(Math.abs(hits - keys.length * share)).toBeLessThan(
        4 * Math.sqrt(keys.length * share * (1 - share)) + 0.01 * hits,
      );
    },
  );

  it('gives none to an endpoint without weight, and has no place where there is none with it', () => {
    const weighted = (weightOf: (name: string) => number) =>
      new Rendezvous(names.slice(0, 4), (name) => name, weightOf);
    const list = weighted((name) => (name === names[0] ? 0 : 1));
    for (const key of keys.slice(0, 500)) expect(list.at(key)).not.toBe(names[0]);
    expect(rendezvousOf([]).at('user')).toBeUndefined();
    expect(weighted(() => 0).at('user')).toBeUndefined();
  });

  it('has the same places for a short list as `rendezvous`, one by one', () => {
    const some = names.slice(0, 300);
    const list = rendezvousOf(some);
    for (const key of keys.slice(0, 300))
      expect(list.at(key)).toBe(
        rendezvous(
          key,
          some,
          (name) => name,
          () => 1,
        ),
      );
  });

  it('has the same place for a key whatever the order of the list is', () => {
    const one = rendezvousOf(names);
    const other = rendezvousOf([...names].reverse());
    for (const key of keys.slice(0, 500)) expect(other.at(key)).toBe(one.at(key));
  });

  it('moves only the keys of an endpoint that is out, to many others', () => {
    const roster = new Roster(listOf(many).map((each) => new Host(each, 0)));
    const first = roster.at('user', 0);
    const others = Array.from({ length: 20 }, (_, attempt) => roster.at('user', attempt + 1));
    expect(first).toBeDefined();
    expect(new Set(others).size).toBeGreaterThan(15);
  });
});

describe('where the circuits of all endpoints are open', () => {
  it('a call asks one of them and not each', async () => {
    const discovery = toldByHand();
    const replies: Record<string, number> = {};
    const count = 200;
    for (const { address } of listOf(count)) replies[address] = 503;
    const { client, sent } = fleet(
      replies,
      { circuitBreaker: { volumeThreshold: 1, resetTimeout: '1m' } },
      { discovery },
    );
    discovery.tell(listOf(count));
    const call = (): Promise<unknown> => client.get('/').catch(({ code }) => code);
    let last: unknown;
    for (let calls = 0; last !== 'ERR_CIRCUIT_OPEN' && calls < count * 20; calls++) last = await call();
    expect(last).toBe('ERR_CIRCUIT_OPEN');
    expect(inState(client, 'circuit_open')).toHaveLength(count);
    const before = sent.length;
    const looked = vi.spyOn(Host.prototype, 'isUsable');
    for (let index = 0; index < 10; index++) expect(await call()).toBe('ERR_CIRCUIT_OPEN');
    expect(sent).toHaveLength(before);
    // One pass over the list for all ten, and not one for each refusal of each call.
    expect(looked.mock.calls.length).toBeLessThan(3 * count);
    vi.restoreAllMocks();
  });
});

it('a client with thousands of endpoints tells all calls that wait for the list at once', async () => {
  const discovery = toldByHand();
  const transport: AxiosAdapter = async (config) => ({ data: '', status: 200, statusText: '', headers: {}, config });
  const client = createHttpClient({ baseURL, retry: false, limits: false }, { discovery, transport, logger: silent });
  const controllers = Array.from({ length: 1000 }, () => new AbortController());
  const calls = controllers.map(({ signal }) =>
    client.get('/', { signal }).then(
      ({ status }) => status,
      ({ code }) => code,
    ),
  );
  await vi.advanceTimersByTimeAsync(0);
  for (let index = 1; index < 1000; index += 2) controllers[index]?.abort();
  discovery.tell(listOf(many));
  const outcomes = await Promise.all(calls);
  expect(outcomes.filter((outcome) => outcome === 200)).toHaveLength(500);
  expect(outcomes.filter((outcome) => outcome === 'ERR_CANCELED')).toHaveLength(500);
});
