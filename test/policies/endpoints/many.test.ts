/** Thousands of endpoints: how many of them a choice looks at, and that it stays fair. */
import type { AxiosAdapter } from 'axios';
import { balance, createHttpClient, endpointOf, type HttpClientConfig, type Response } from 'pillion';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Host } from '../../../src/policies/endpoints/host.js';
import { Roster } from '../../../src/policies/endpoints/roster.js';
import { MultiProbe } from '../../../src/policies/hash.js';
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
  const probed = (some: readonly string[], weightOf: (name: string) => number = () => 1) =>
    new MultiProbe(some, (name) => name, weightOf);

  it('gives each as many keys as chance would, by weight, but for 3 % of them', () => {
    for (const size of [2, 3, 10, 100, 1000]) {
      const some = names.slice(0, size);
      const weights = new Map(some.map((name, index) => [name, 1 + (index % 3)]));
      const list = probed(some, (name) => weights.get(name) ?? 0);
      const sum = [...weights.values()].reduce((all, weight) => all + weight, 0);
      const hits = counted(keys.map((key) => list.at(key) ?? 'none'));
      const squares = some.map((name) => {
        const share = (keys.length * (weights.get(name) ?? 0)) / sum;
        return ((hits[name] ?? 0) - share) ** 2 / share;
      });
      const mean = squares.reduce((all, each) => all + each, 0) / (size - 1);
      // What chance alone would give, four standard deviations of it, and the square of 3 %.
      expect(mean, `${size}`).toBeLessThan(1 + 4 * Math.sqrt(2 / (size - 1)) + (0.03 ** 2 * keys.length) / (size - 1));
    }
  });

  it.each([
    ['few', 3],
    ['512, where another way began once', 512],
    ['many', many - 1],
  ])('moves only keys of its own where an endpoint comes or goes, among %s', (_, size) => {
    const few = probed(names.slice(0, size));
    const more = probed(names.slice(0, size + 1));
    const added = names[size];
    const moved = keys.filter((key) => few.at(key) !== more.at(key));
    expect(moved.length).toBeGreaterThan(0);
    expect(new Set(moved.map((key) => more.at(key)))).toEqual(new Set([added]));
    expect(moved.length).toBeLessThan((2 * keys.length) / (size + 1) + 10);
  });

  it('moves keys only to an endpoint whose weight grows, even if it is the heaviest then', () => {
    const some = names.slice(0, 100);
    const before = probed(some);
    const after = probed(some, (name) => (name === some[7] ? 9 : 1));
    const moved = keys.filter((key) => before.at(key) !== after.at(key));
    expect(new Set(moved.map((key) => after.at(key)))).toEqual(new Set([some[7]]));
    expect(Math.abs(moved.length / keys.length - (9 / 108 - 1 / 100))).toBeLessThan(0.01);
  });

  it('gives none to an endpoint without weight, and has no place where there is none with it', () => {
    const list = probed(names.slice(0, 4), (name) => (name === names[0] ? 0 : 1));
    for (const key of keys.slice(0, 500)) expect(list.at(key)).not.toBe(names[0]);
    expect(probed([]).at('user')).toBeUndefined();
    expect(probed(names.slice(0, 4), () => 0).at('user')).toBeUndefined();
    expect(probed(names.slice(0, 1)).at('user')).toBe(names[0]);
  });

  it('has the same place for a key whatever the order of the list is', () => {
    const one = probed(names);
    const other = probed([...names].reverse());
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
