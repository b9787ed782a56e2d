/** split: what a target takes from a call and what it leaves, who stays where, and what outlives an update. */
import { type HttpClientConfig, PillionError, type Request, split, type Transport } from 'pillion';
import type { RecordedRequest } from 'pillion/testing';
import { describe, expect, it } from 'vitest';
import { chance } from '../../properties/world.js';
import { baseURL, collecting, rejection, type Scripted, scripted } from '../../support/client.js';
import { aRequest } from '../alone.js';

const target = (name: string, weight: number, more: object = {}) => ({
  name,
  baseURL: `http://${name}.test`,
  weight,
  ...more,
});
const rule = (name: string, match?: object) => ({ ...(match && { match }), targets: [target(name, 1)] });

/** A client to which every request succeeds. */
const answered = (config: HttpClientConfig, random: () => number = () => 0) =>
  scripted([{ reply: 200 }], { retry: false, ...config }, { random });

const sentTo = ({ transport }: Scripted) => transport.requests.map(({ url }) => url);
const last = (made: Scripted) => made.transport.requests.at(-1);
const countsOf = ({ client }: Scripted) => client.stats().policies.split as Record<string, number>;

/** Where the policy alone sends each of the requests. */
async function placesOf(options: Parameters<typeof split>[0], requests: readonly Request[], seed = 1) {
  const places: string[] = [];
  const next = (async (request: Request) => {
    places.push(new URL(String(request.baseURL)).hostname.replace('.test', ''));
    return { status: 200, data: '', statusText: '', headers: {}, config: request };
  }) as unknown as Transport;
  const stack = split(options, { random: chance(seed) })(next);
  for (const request of requests) await stack(request);
  return places;
}

function withHeader(name: string, value: string, more: Partial<Request> = {}): Request {
  const request = aRequest(more);
  request.headers.set(name, value);
  return request;
}

const users = Array.from({ length: 1000 }, (_, index) => `user-${index}`);

describe('a match', () => {
  it('has to hold in all its parts', async () => {
    const match = {
      methods: ['get', 'HEAD'],
      path: { prefix: '/v1/' },
      headers: { 'X-Beta': 'yes', 'x-region': 'eu' },
    };
    const made = answered({ split: [rule('beta', match)] });
    const headers = { 'x-beta': 'yes', 'X-REGION': 'eu' };
    await made.client.get('/v1/x', { headers });
    await made.client.head('/v1/x', { headers });
    await made.client.delete('/v1/x', { headers });
    await made.client.get('/v2/x', { headers });
    await made.client.get('/v1/x', { headers: { 'x-beta': 'yes' } });
    await made.client.get('/v1/x', { headers: { ...headers, 'x-beta': 'YES' } });
    const [v1, v2] = [`${baseURL}/v1/x`, `${baseURL}/v2/x`];
    expect(sentTo(made)).toEqual(['http://beta.test/v1/x', 'http://beta.test/v1/x', v1, v2, v1, v1]);
  });

  it('sees the path without the query, of the whole URL', async () => {
    const made = answered({
      baseURL: 'http://api.test/v1',
      split: [rule('exact', { path: { exact: '/v1/pay' } }), rule('regex', { path: { regex: 'x=1|ad.in' } })],
    });
    await made.client.get('/pay', { params: { x: 1 } });
    await made.client.get('/pay/7?x=1');
    await made.client.get('/the/admin');
    expect(sentTo(made)).toEqual([
      'http://exact.test/pay?x=1',
      'http://api.test/v1/pay/7?x=1',
      'http://regex.test/the/admin',
    ]);
  });

  it('may be by a header that the client sends with every call', async () => {
    const made = answered({
      headers: { 'x-tenant': 'acme' },
      split: [rule('acme', { headers: { 'x-tenant': 'acme' } })],
    });
    await made.client.get('/');
    await made.client.get('/', { headers: { 'x-tenant': 'other' } });
    expect(sentTo(made)).toEqual(['http://acme.test/', `${baseURL}/`]);
  });

  it('of an earlier rule wins, also where a later one says more', async () => {
    const made = answered({ split: [rule('all'), rule('exact', { path: { exact: '/pay' } })] });
    await made.client.get('/pay');
    expect(sentTo(made)).toEqual(['http://all.test/pay']);
  });
});

describe('the headers of a target', () => {
  const headers = { 'X-Version': '2', host: 'canary.internal' };
  const config = {
    headers: { 'x-version': '1' },
    split: [
      { match: { headers: { 'x-beta': '1' } }, targets: [target('beta', 1, { headers })] },
      { targets: [target('main', 1)] },
    ],
  };

  it('replace those of client and call, in whatever case, and are on no call to another target', async () => {
    const made = answered(config);
    await made.client.get('/', { headers: { 'x-beta': '1', 'X-VERSION': '9' } });
    expect(last(made)?.headers).toMatchObject({ 'x-version': '2', host: 'canary.internal' });
    await made.client.get('/');
    expect(last(made)?.url).toBe('http://main.test/');
    expect(last(made)?.headers['x-version']).toBe('1');
    expect(last(made)?.headers).not.toHaveProperty('host');
  });

  it('are on every retry', async () => {
    const { client, transport } = scripted([503, 503, 200], config);
    await client.get('/', { headers: { 'x-beta': '1' } });
    expect(transport.requests.map((request) => request.headers['x-version'])).toEqual(['2', '2', '2']);
  });

  it('are not written into the object of the caller', async () => {
    const request = withHeader('x-beta', '1');
    await placesOf(config.split, [request]);
    expect(request.headers.has('x-version')).toBe(false);
    expect(request.baseURL).toBe(baseURL);
  });
});

describe('under a target', () => {
  it.each([
    ['a relative URL with params', '/a/b', { params: { q: 'x y', n: [1, 2] } }, '/a/b?q=x+y&n[]=1&n[]=2'],
    ['a URL with a query and params', '/a?z=1', { params: { q: 2 } }, '/a?z=1&q=2'],
    ['an empty URL', '', {}, ''],
    ['an absolute URL under baseURL', 'http://api.test/v1/a?z=1', {}, '/a?z=1'],
    ['an absolute URL under baseURL with params', 'http://api.test/v1/a?z=1', { params: { q: 2 } }, '/a?z=1&q=2'],
    ['an absolute URL in other letters', 'HTTP://API.test:80/v1/a', {}, '/a'],
    ['the absolute URL of baseURL itself', 'http://api.test/v1', {}, ''],
  ])('with a path, %s keeps all the rest', async (_, url, options, rest) => {
    const made = answered({
      baseURL: 'http://api.test/v1/',
      split: [{ targets: [target('a', 1, { baseURL: 'http://a.test:81/api/v2' })] }],
    });
    await made.client.get(url, options as object);
    const decoded = decodeURIComponent(sentTo(made)[0] ?? '').replace(/\/$/, '');
    expect(decoded).toBe(`http://a.test:81/api/v2${rest}`);
  });

  it('a URL of the same origin beside the path of baseURL is left where it is', async () => {
    const made = answered({ baseURL: 'http://api.test/v1', split: [rule('a')] });
    await made.client.get('http://api.test/v10/x');
    await made.client.get('http://api.test/login');
    expect(sentTo(made)).toEqual(['http://api.test/v10/x', 'http://api.test/login']);
    expect(countsOf(made)).toEqual({});
  });

  it('body, method and options of the call stay', async () => {
    const made = answered({ split: [rule('a')] });
    const { config } = await made.client.put('/x', { a: 1 }, { routeName: 'r' });
    expect(last(made)).toMatchObject({ method: 'PUT', url: 'http://a.test/x', body: { a: 1 } });
    expect(config).toMatchObject({ routeName: 'r' });
  });

  it("the log line and the lines of attempts name the target's origin and URL", async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([200], { split: [rule('a')] }, { logger });
    await client.get('/x', { params: { secret: 's' } });
    expect(lines.map(({ level, fields }) => [level, fields.destination])).toEqual([
      ['debug', 'http://a.test'],
      ['info', 'http://a.test'],
    ]);
    expect(lines[1]?.fields['url.full']).toMatch(/^http:\/\/a\.test\/x\?/);
  });

  it('stats name the circuits and limits by its origin', async () => {
    const made = answered({ split: [rule('a')] });
    await made.client.get('/');
    const { circuitBreaker } = made.client.stats().policies as Record<string, object>;
    expect(Object.keys(circuitBreaker ?? {})).toEqual(['http://a.test']);
  });
});

describe('a sticky call', () => {
  const even = [target('a', 1), target('b', 1)];

  it.each([
    ['header', { sticky: { header: 'X-User' } }, (user: string) => withHeader('x-user', user)],
    ['cookie', { sticky: { cookie: 'u' } }, (user: string) => withHeader('Cookie', `uu=1; u=${user};v=2`)],
    ['hashKey', {}, (hashKey: string) => aRequest({ hashKey })],
  ])('by %s goes to the same target for the same value, for 1,000 values', async (_, sticky, requestOf) => {
    const options = [{ ...sticky, targets: even }];
    const first = await placesOf(options, users.map(requestOf), 1);
    const again = await placesOf(options, [...users].reverse().map(requestOf), 2);
    expect(again.reverse()).toEqual(first);
    expect(new Set(first)).toEqual(new Set(['a', 'b']));
  });

  it('has one place for a value, wherever the value stands', async () => {
    const by = (sticky: object) => [{ ...sticky, targets: even }];
    const byHeader = await placesOf(
      by({ sticky: { header: 'x-user' } }),
      users.map((user) => withHeader('x-user', user)),
    );
    const byKey = await placesOf(
      by({}),
      users.map((hashKey) => aRequest({ hashKey })),
    );
    expect(byKey).toEqual(byHeader);
  });

  it('goes by its own hashKey before the header', async () => {
    const options = [{ sticky: { header: 'x-user' }, targets: even }];
    const places = await placesOf(
      options,
      users.map((user) => withHeader('x-user', user, { hashKey: 'the same' })),
    );
    expect(new Set(places).size).toBe(1);
  });

  it('without a value goes by weight', async () => {
    const options = [{ sticky: { cookie: 'u' }, targets: even }];
    const places = await placesOf(
      options,
      users.map(() => withHeader('cookie', 'other=1')),
    );
    const share = places.filter((place) => place === 'a').length;
    expect(Math.abs(share - 500)).toBeLessThan(4 * Math.sqrt(1000 / 4));
  });

  it('to a target of weight 0 goes to one of the others', async () => {
    const options = [{ sticky: { header: 'x-user' }, targets: [target('z', 0), target('a', 1), target('b', 2)] }];
    const places = await placesOf(
      options,
      users.map((user) => withHeader('x-user', user)),
    );
    expect(places).not.toContain('z');
  });

  it('keeps its place when the order of the targets changes', async () => {
    const requests = users.map((hashKey) => aRequest({ hashKey }));
    const order = await placesOf([{ targets: even }], requests);
    expect(await placesOf([{ targets: [...even].reverse() }], requests)).toEqual(order);
  });
});

describe('the choice by weight', () => {
  it.each([
    [0, 'a'],
    [0.5999, 'a'],
    [0.6, 'b'],
    [0.8999, 'b'],
    [0.9, 'c'],
    [0.9999999999999999, 'c'],
  ])('of 60/30/10 and a last one of 0 takes for a random number of %d the target %s', async (number, name) => {
    const targets = [target('a', 60), target('b', 30), target('c', 10), target('d', 0)];
    const made = answered({ split: [{ targets }] }, () => number);
    await made.client.get('/');
    expect(sentTo(made)).toEqual([`http://${name}.test/`]);
  });

  it('is made anew for each call, and once for all attempts of it', async () => {
    const config = { split: [{ targets: [target('a', 1), target('b', 1)] }], circuitBreaker: false as const };
    const made = scripted([{ reply: 503 }], { ...config, retry: { budget: false } }, { random: chance(9) });
    for (let call = 0; call < 50; call++) await rejection(made.client.get(`/${call}`));
    const targets = new Map<string, Set<string>>();
    for (const { url, path } of made.transport.requests)
      targets.set(path, (targets.get(path) ?? new Set()).add(new URL(url).host));
    expect(made.transport.requests).toHaveLength(150);
    expect([...targets.values()].map(({ size }) => size)).toEqual(Array.from({ length: 50 }, () => 1));
    expect(new Set([...targets.values()].flatMap((each) => [...each]))).toEqual(new Set(['a.test', 'b.test']));
    expect(Object.values(countsOf(made)).reduce((sum, each) => sum + each, 0)).toBe(50);
  });
});

describe('an update', () => {
  const weights = (a: number, b: number): HttpClientConfig => ({
    baseURL,
    retry: false,
    circuitBreaker: { volumeThreshold: 5 },
    split: [{ targets: [target('a', a), target('b', b)] }],
  });

  it('from 90/10 to 80/20 moves keys to the one that grows and none away from it', async () => {
    const made = answered(weights(90, 10));
    const places = async () => {
      const from = made.transport.requests.length;
      for (const hashKey of users) await made.client.get('/', { hashKey });
      return sentTo(made).slice(from);
    };
    const before = await places();
    made.client.update(weights(80, 20));
    const after = await places();
    const left = before.filter((place, index) => place === 'http://b.test/' && after[index] !== place);
    expect(left).toEqual([]);
    const share = after.filter((place) => place === 'http://b.test/').length;
    expect(Math.abs(share - 200)).toBeLessThan(4 * Math.sqrt(1000 * 0.2 * 0.8));
  });

  it('keeps the counts and goes on from them', async () => {
    const made = answered(weights(1, 0));
    for (let i = 0; i < 3; i++) await made.client.get('/');
    expect(countsOf(made)).toEqual({ a: 3 });
    made.client.update(weights(0, 1));
    for (let i = 0; i < 2; i++) await made.client.get('/');
    expect(countsOf(made)).toEqual({ a: 3, b: 2 });
  });

  it('leaves the circuit of a target that has opened open', async () => {
    const made = scripted(
      [{ match: ({ url }: RecordedRequest) => url.startsWith('http://a.'), reply: 503 }, { reply: 200 }],
      weights(1, 0),
    );
    for (let i = 0; i < 5; i++) await rejection(made.client.get('/'));
    made.client.update(weights(2, 1));
    expect((await rejection(made.client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    made.client.update(weights(0, 1));
    expect((await made.client.get('/')).status).toBe(200);
  });

  it('that takes the section away sends calls to baseURL again', async () => {
    const made = answered(weights(1, 1));
    await made.client.get('/');
    made.client.update({ baseURL });
    await made.client.get('/');
    expect(last(made)?.url).toBe(`${baseURL}/`);
    expect(made.client.pipeline).not.toContain('split');
  });

  it('that is faulty leaves the weights as they were', async () => {
    const made = answered(weights(1, 0));
    expect(() => made.client.update(weights(0, 0))).toThrow(PillionError);
    await made.client.get('/');
    expect(sentTo(made)).toEqual(['http://a.test/']);
  });
});

describe('a configuration', () => {
  const fault = (section: unknown): unknown => {
    try {
      scripted([], { split: section as never });
      return 'accepted';
    } catch (error) {
      const { code, message } = error as PillionError;
      return [code, message];
    }
  };

  it.each([
    ['weights that sum to 0', [{ targets: [target('a', 0), target('b', 0)] }], 'split.0.targets'],
    ['two targets of the same name', [rule('x'), { targets: [target('a', 1), target('a', 2)] }], 'split.1.targets'],
    ['no targets', [{ targets: [] }], 'split.0.targets'],
    ['no rules', [], 'split'],
    ['a negative weight', [{ targets: [target('a', -1)] }], 'split.0.targets.0.weight'],
    ['half a weight', [{ targets: [target('a', 0.5)] }], 'split.0.targets.0.weight'],
    ['sticky by two things', [{ ...rule('a'), sticky: { header: 'a', cookie: 'b' } }], 'split.0.sticky'],
    ['sticky by nothing', [{ ...rule('a'), sticky: {} }], 'split.0.sticky'],
    ['two ways to match a path', [rule('a', { path: { prefix: '/a', exact: '/b' } })], 'split.0.match.path'],
    ['a path without a slash', [rule('a', { path: { prefix: 'a' } })], 'split.0.match.path.prefix'],
    ['a regex that is none', [rule('a', { path: { regex: '(' } })], 'split.0.match.path.regex'],
  ])('with %s is refused with ERR_CONFIG that names the place', (_, section, path) => {
    expect(fault(section)).toEqual(['ERR_CONFIG', expect.stringContaining(path)]);
  });

  it('may have the same name in two rules, which count together', async () => {
    const made = answered({ split: [rule('a', { methods: ['GET'] }), rule('a')] });
    await made.client.get('/');
    await made.client.delete('/');
    expect(countsOf(made)).toEqual({ a: 2 });
  });
});
