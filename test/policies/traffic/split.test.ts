/** split: which calls go to which target, how many, and that a call stays with its own. */
import { type Request, split, type Transport } from 'pillion';
import { describe, expect, it } from 'vitest';
import { chance } from '../../properties/world.js';
import { baseURL, rejection, scripted } from '../../support/client.js';
import { aRequest } from '../alone.js';

const target = (name: string, weight: number) => ({ name, baseURL: `http://${name}.test`, weight });

/** Calls for each target. */
async function counted(options: Parameters<typeof split>[0], calls: number, requestOf: (index: number) => Request) {
  const counts: Record<string, number> = {};
  const next = (async (request: Request) => {
    counts[String(request.baseURL)] = (counts[String(request.baseURL)] ?? 0) + 1;
    return { status: 200, data: '', statusText: '', headers: {}, config: request };
  }) as unknown as Transport;
  const stack = split(options, { random: chance(7) })(next);
  for (let index = 0; index < calls; index++) await stack(requestOf(index));
  return counts;
}

/** Pearson's statistic. */
function chiSquare(counts: Record<string, number>, shares: Record<string, number>, calls: number): number {
  return Object.entries(shares).reduce((sum, [name, share]) => {
    const expected = share * calls;
    return sum + ((counts[`http://${name}.test`] ?? 0) - expected) ** 2 / expected;
  }, 0);
}

describe('the weights', () => {
  it('80/20 hold over 30,000 calls: chi-square, p > .001', async () => {
    const options = [{ targets: [target('a', 80), target('b', 20)] }];
    const counts = await counted(options, 30_000, () => aRequest());
    expect(chiSquare(counts, { a: 0.8, b: 0.2 }, 30_000)).toBeLessThan(10.83);
  });

  it('of three hold, and 0 gets nothing', async () => {
    const options = [{ targets: [target('a', 6), target('b', 3), target('c', 1), target('d', 0)] }];
    const counts = await counted(options, 30_000, () => aRequest());
    expect(chiSquare(counts, { a: 0.6, b: 0.3, c: 0.1 }, 30_000)).toBeLessThan(13.82);
    expect(counts['http://d.test']).toBeUndefined();
  });

  it('hold for sticky calls as well', async () => {
    const options = [{ sticky: { header: 'x-user' }, targets: [target('a', 80), target('b', 20)] }];
    const sticky = (index: number) => {
      const request = aRequest();
      request.headers.set('x-user', `user-${index}`);
      return request;
    };
    const counts = await counted(options, 30_000, sticky);
    expect(chiSquare(counts, { a: 0.8, b: 0.2 }, 30_000)).toBeLessThan(10.83);
  });

  it.each([
    [[target('a', 0)], 'the weights sum to 0'],
    [[target('a', 1), target('a', 1)], 'two targets have the same name'],
  ])('are refused where they make no sense: %j', (targets, why) => {
    expect(() => split([{ targets }])).toThrow(why);
  });
});

const sentTo = ({ requests }: { requests: readonly { url: string }[] }) => requests.map(({ url }) => url);

describe('a call', () => {
  it('stays with its target when it is retried', async () => {
    const config = { split: [{ targets: [target('a', 1), target('b', 1)] }] };
    const { client, transport } = scripted([503, 503, 200], config, { random: chance(3) });
    await client.get('/x');
    expect(new Set(sentTo(transport)).size).toBe(1);
    expect(transport.requests).toHaveLength(3);
  });

  it('takes the first rule that matches, and baseURL where none does', async () => {
    const rule = (name: string, match: object) => ({ match, targets: [target(name, 1)] });
    const { client, transport } = scripted([{ reply: 200 }], {
      split: [
        rule('exact', { path: { exact: '/v1/pay' } }),
        rule('prefix', { path: { prefix: '/v1' } }),
        rule('regex', { path: { regex: '^/users/\\d+$' } }),
        rule('method', { methods: ['post'] }),
        rule('header', { headers: { 'x-beta': '1' } }),
      ],
    });
    await client.get('/v1/pay?x=1');
    await client.get('/v1/other');
    await client.get('/users/7');
    await client.post('/users/x');
    await client.get('/else', { headers: { 'x-beta': '1' } });
    await client.get('/else', { headers: { 'x-beta': '2' } });
    expect(sentTo(transport)).toEqual([
      'http://exact.test/v1/pay?x=1',
      'http://prefix.test/v1/other',
      'http://regex.test/users/7',
      'http://method.test/users/x',
      'http://header.test/else',
      `${baseURL}/else`,
    ]);
  });

  it('keeps its path and params under a target with a path of its own, and takes its headers', async () => {
    const headers = { 'x-from': 'split' };
    const { client, transport } = scripted([{ reply: 200 }], {
      split: [{ targets: [{ name: 'a', baseURL: 'http://a.test/api', weight: 1, headers }] }],
    });
    await client.get('/x', { params: { page: 2 }, headers: { 'x-from': 'caller' } });
    await client.get(`${baseURL}/y?z=1`);
    expect(sentTo(transport)).toEqual(['http://a.test/api/x?page=2', 'http://a.test/api/y?z=1']);
    expect(transport.requests.map((request) => request.headers['x-from'])).toEqual(['split', 'split']);
  });

  it('is sticky by cookie and by hashKey: the same value, the same target', async () => {
    const config = { split: [{ sticky: { cookie: 'user' }, targets: [target('a', 1), target('b', 1)] }] };
    const { client, transport } = scripted([{ reply: 200 }], config, { random: chance(5) });
    const targetsOf = async (options: object) => {
      const before = transport.requests.length;
      for (let i = 0; i < 10; i++) await client.get('/', options);
      return new Set(sentTo(transport).slice(before)).size;
    };
    expect(await targetsOf({ headers: { cookie: 'theme=dark; user=ada' } })).toBe(1);
    expect(await targetsOf({ hashKey: 'ada' })).toBe(1);
    expect(await targetsOf({ headers: { cookie: 'theme=dark' } })).toBe(2);
  });

  it('that leaves by an absolute URL of its own is not shifted', async () => {
    const config = { allowAbsoluteUrls: true, split: [{ targets: [target('a', 1)] }] };
    const { client, transport } = scripted([{ reply: 200 }], config);
    await client.get('http://other.test/x');
    expect(sentTo(transport)).toEqual(['http://other.test/x']);
  });
});

describe('an update of weights', () => {
  it('moves sticky callers to the target that grows, and nobody away from it; counts and circuits go on', async () => {
    const weights = (a: number, b: number) => ({
      baseURL,
      retry: false as const,
      split: [{ sticky: { header: 'x-user' }, targets: [target('a', a), target('b', b)] }],
    });
    const { client, transport } = scripted([{ reply: 200 }], weights(90, 10));
    const placeOf = async (user: number) => {
      await client.get('/', { headers: { 'x-user': `user-${user}` } });
      return sentTo(transport).at(-1);
    };
    const before: (string | undefined)[] = [];
    for (let user = 0; user < 500; user++) before.push(await placeOf(user));
    client.update(weights(80, 20));
    const moved = { toB: 0, toA: 0 };
    for (let user = 0; user < 500; user++) {
      const now = await placeOf(user);
      if (now === before[user]) continue;
      if (now === 'http://b.test/') moved.toB++;
      else moved.toA++;
    }
    expect(moved.toA).toBe(0);
    expect(moved.toB).toBeGreaterThan(20);
    const { split: counts, circuitBreaker } = client.stats().policies as Record<string, Record<string, never>>;
    expect(Object.values(counts ?? {}).reduce((sum, each) => sum + each, 0)).toBe(1000);
    expect(circuitBreaker?.['http://a.test']).toMatchObject({ state: 'closed' });
  });
});

it('the circuit of one target leaves the other alone', async () => {
  const config = {
    retry: false as const,
    split: [{ match: { headers: { 'x-a': '1' } }, targets: [target('a', 1)] }, { targets: [target('b', 1)] }],
  };
  const a = { 'x-a': '1' };
  const { client } = scripted(
    [{ match: ({ url }: { url: string }) => url.startsWith('http://a.test'), reply: 503 }, { reply: 200 }],
    config,
  );
  for (let i = 0; i < 20; i++) await rejection(client.get('/', { headers: a }));
  expect((await rejection(client.get('/', { headers: a }))).code).toBe('ERR_CIRCUIT_OPEN');
  expect((await client.get('/')).status).toBe(200);
});
