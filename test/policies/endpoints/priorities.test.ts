/** Priorities and given health of endpoints: which of them get the traffic, as in Envoy. */
import { balance, endpointOf, type Response } from 'pillion';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { baseURL } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { aRequest } from '../alone.js';
import { addresses, balanceOf, counted, fleet, seeded } from './fleet.js';

type Options = NonNullable<Parameters<typeof balance>[0]>;
type Endpoint = NonNullable<NonNullable<Options['endpoints']>['static']>[number];

const names = addresses(9);

fakeTimers();
beforeEach(() => vi.advanceTimersByTimeAsync(1000));

const healths: Record<string, Endpoint['health']> = { u: 'unhealthy', d: 'degraded', x: 'draining' };

/** Endpoints by a letter each, `h` for a healthy one; a word is a priority. */
function endpointsOf(...levels: string[]): Endpoint[] {
  let index = 0;
  return levels.flatMap((level, priority) =>
    [...level].map((letter) => ({
      address: names[index++] ?? '',
      priority,
      health: healths[letter] ?? 'healthy',
    })),
  );
}

/** How many percent of the calls each endpoint gets, in the order of the list. */
async function percentages(levels: string[], options: Omit<Options, 'endpoints'> = {}, key?: (i: number) => string) {
  const sent: string[] = [];
  const endpoints = { static: endpointsOf(...levels) };
  const stack = balance(
    { strategy: 'random', ...options, endpoints },
    { random: seeded() },
  )(async (request) => {
    sent.push(endpointOf(request)?.address ?? 'none');
    return { status: 200 } as Response;
  });
  for (let i = 0; i < 20_000; i++) await stack(aRequest(key === undefined ? {} : { hashKey: key(i) }));
  const counts = counted(sent);
  return endpoints.static.map(({ address }) => Math.round((counts[address] ?? 0) / 200));
}

describe('the first priority', () => {
  it('gets all calls while at least five of seven of its endpoints are usable', async () => {
    expect(await percentages(['hh', 'h'])).toEqual([50, 50, 0]);
    const [first, second, third, ...others] = await percentages(['hhuhuhh', 'h']);
    expect([first, second, third].every((each) => each !== undefined)).toBe(true);
    expect(third).toBe(0);
    expect(others.at(-1)).toBe(0);
  });

  it('gets the share of its usable endpoints times 1.4 below that, and the next priority gets the rest', async () => {
    const [down, up, standby] = (await percentages(['uh', 'h'])) as [number, number, number];
    expect(down).toBe(0);
    expect(up).toBeGreaterThan(68);
    expect(up).toBeLessThan(72);
    expect(up + standby).toBe(100);
  });

  it('gets nothing while none of its endpoints is usable', async () => {
    expect(await percentages(['uu', 'h'])).toEqual([0, 0, 100]);
  });

  it('may have another factor', async () => {
    const [, up] = (await percentages(['uh', 'h'], { overprovisioningFactor: 1 })) as [number, number];
    expect(up).toBeGreaterThan(48);
    expect(up).toBeLessThan(52);
  });

  it('keeps to its usable endpoints where the next one bears the rest, however few they are', async () => {
    const [first, second, third, up] = (await percentages(['uuuh', 'h'])) as [number, number, number, number];
    expect([first, second, third]).toEqual([0, 0, 0]);
    expect(up).toBeGreaterThan(33);
    expect(up).toBeLessThan(37);
  });
});

describe('too few usable endpoints in all priorities', () => {
  it('are used all, unhealthy ones too', async () => {
    expect((await percentages(['uuuu', 'uuuh'])).every((each) => each > 10)).toBe(true);
  });

  it('are used alone where the threshold is 0', async () => {
    const shares = await percentages(['uuuh', 'uuuh'], { panicThresholdPercent: 0 });
    expect(shares.map((each) => (each > 45 ? 'half' : each))).toEqual([0, 0, 0, 'half', 0, 0, 0, 'half']);
  });

  it('are used all where none is usable, whatever the threshold', async () => {
    expect((await percentages(['u', 'u'], { panicThresholdPercent: 0 })).every((each) => each > 45)).toBe(true);
  });
});

describe('a degraded endpoint', () => {
  it('gets nothing while the healthy ones suffice', async () => {
    expect(await percentages(['hhhd'])).toEqual([33, 33, 33, 0].map((each) => expect.closeTo(each, -0.5)));
  });

  it('gets the rest where they do not, after the healthy ones of the next priority', async () => {
    const [healthy, degraded] = (await percentages(['hd'])) as [number, number];
    expect(healthy).toBeGreaterThan(68);
    expect(healthy + degraded).toBe(100);
    expect(await percentages(['ud', 'h'])).toEqual([0, 0, 100]);
  });
});

it('a draining endpoint does not count: the others are enough, and its priority gives nothing away', async () => {
  expect(await percentages(['xxh'])).toEqual([0, 0, 100]);
  expect(await percentages(['xh', 'h'])).toEqual([0, 100, 0]);
  expect(await percentages(['xx', 'h'])).toEqual([0, 0, 100]);
  expect((await percentages(['xuu'])).every((each) => each > 25)).toBe(true);
  expect((await percentages(['xx'])).every((each) => each > 45)).toBe(true);
});

it('an unhealthy endpoint gets nothing without priorities too, and stats() shows it', async () => {
  expect(await percentages(['uhh'])).toEqual([0, 50, 50]);
  const { client } = fleet({}, { baseURL, endpoints: { static: endpointsOf('uhh') } });
  await client.get('/');
  expect(balanceOf(client).endpoints.map(({ state }) => state)).toEqual(['unhealthy', 'usable', 'usable']);
});

it('a key stays in its priority', async () => {
  const sent = await percentages(['uh', 'h'], { strategy: 'hash' }, () => 'ada');
  expect(sent.filter((each) => each === 100)).toHaveLength(1);
});

it('a standby takes over once outlier detection has ejected the first, and gives back', async () => {
  const [one = '', two = '', standby = ''] = names;
  const replies = { [one]: 503, [two]: 503 };
  const made = fleet(replies, {
    baseURL,
    endpoints: { static: [{ address: one }, { address: two }, { address: standby, priority: 1 }] },
    balance: { strategy: 'round-robin', slowStart: 0 },
    outlierDetection: { consecutiveFailures: 1, maxEjectionPercent: 100, baseEjectionTime: '10s' },
  });
  for (let call = 0; call < 4; call++) await made.client.get('/').catch(() => {});
  const start = made.sent.length;
  for (let call = 0; call < 4; call++) await made.client.get('/');
  expect(made.since(start)).toEqual({ [standby]: 4 });
  Object.assign(replies, { [one]: 200, [two]: 200 });
  await vi.advanceTimersByTimeAsync(11_000);
  const later = made.sent.length;
  for (let call = 0; call < 4; call++) await made.client.get('/');
  expect(made.since(later)).toEqual({ [one]: 2, [two]: 2 });
});

it('an update of priorities and health is in force at once', async () => {
  const [one = '', two = ''] = names;
  const configOf = (first: Partial<Endpoint>) => ({
    baseURL,
    endpoints: { static: [{ address: one, ...first }, { address: two }] },
    retry: false as const,
    circuitBreaker: false as const,
  });
  const made = fleet({}, configOf({ priority: 1 }));
  for (let call = 0; call < 4; call++) await made.client.get('/');
  made.client.update(configOf({}));
  const start = made.sent.length;
  for (let call = 0; call < 40; call++) await made.client.get('/');
  expect(Object.keys(made.since(start))).toHaveLength(2);
  made.client.update(configOf({ health: 'unhealthy' }));
  const later = made.sent.length;
  for (let call = 0; call < 4; call++) await made.client.get('/');
  expect([made.sent.slice(0, 4), made.sent.slice(later)]).toEqual([Array(4).fill(two), Array(4).fill(two)]);
});
