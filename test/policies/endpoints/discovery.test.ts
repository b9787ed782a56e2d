/** Endpoints that a source of the user's tells of: who waits for it, and what becomes of what it tells. */
import { classify, createHttpClient, type DiscoveredEndpoint } from 'pillion';
import { holdReply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, rejection, silent } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { ended, outcomeOf } from '../alone.js';
import { balanceOf, fleet, listOf, toldByHand } from './fleet.js';

const [one, two] = ['10.0.0.1:80', '10.0.0.2:80'];

fakeTimers();

const settle = () => vi.advanceTimersByTimeAsync(0);

function told(config = {}) {
  const discovery = toldByHand();
  return { discovery, ...fleet({}, config, { discovery }) };
}

describe('until the first list is there', () => {
  it('calls wait for it, and then go where it says', async () => {
    const { client, discovery, sent } = told();
    const calls = [1, 2, 3].map(() => outcomeOf(client.get('/')));
    await vi.advanceTimersByTimeAsync(500);
    expect(sent).toEqual([]);
    discovery.tell(listOf([one]));
    expect((await Promise.all(calls)).map(({ status, ms }) => ({ status, ms }))).toEqual(
      Array(3).fill({ status: 200, ms: 500 }),
    );
    expect(sent).toEqual([one, one, one]);
  });

  it('a call that is cancelled ends at once', async () => {
    const { client, discovery, sent } = told();
    const controller = new AbortController();
    const call = outcomeOf(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(100);
    controller.abort();
    expect(await call).toMatchObject({ code: 'ERR_CANCELED', ms: 100 });
    discovery.tell(listOf([one]));
    await settle();
    expect(sent).toEqual([]);
  });

  it('a call ends with its deadline', async () => {
    const { client, sent } = told({ timeouts: { total: '1s' } });
    expect(await ended(client.get('/'))).toMatchObject({ code: 'ERR_DEADLINE', ms: 1000 });
    expect(sent).toEqual([]);
  });

  it('a list without endpoints ends the calls that wait, and the next ones at once', async () => {
    const { client, discovery, sent } = told();
    const waiting = outcomeOf(client.get('/'));
    await vi.advanceTimersByTimeAsync(100);
    discovery.tell([]);
    expect(await waiting).toMatchObject({ code: 'ERR_NO_ENDPOINT', ms: 100 });
    expect(await outcomeOf(client.get('/'))).toMatchObject({ code: 'ERR_NO_ENDPOINT', ms: 0 });
    discovery.tell(listOf([two]));
    expect(await outcomeOf(client.get('/'))).toMatchObject({ status: 200 });
    expect(sent).toEqual([two]);
  });

  it('a lookup that fails ends the calls that wait, as a connection that could not be made', async () => {
    const { client, discovery, sent } = told();
    const error = rejection(client.get('/'));
    await settle();
    discovery.fail('no such service');
    expect(await error).toMatchObject({ code: 'ERR_NO_ENDPOINT', message: expect.stringContaining('no such service') });
    expect(classify(await error)).toBe('connect');
    expect(sent).toEqual([]);
    expect(client.stats().attempts).toBe(0);
  });

  it.each(['get', 'post'] as const)('a %s is tried again after a lookup that failed', async (method) => {
    const { client, discovery, sent } = told({ retry: {} });
    const call = outcomeOf(client[method]('/'));
    await settle();
    discovery.fail('no such service');
    await vi.advanceTimersByTimeAsync(100);
    discovery.tell(listOf([one]));
    expect(await call).toMatchObject({ status: 200 });
    expect(sent).toEqual([one]);
  });

  it('a call made after a lookup that failed waits for the next', async () => {
    const { client, discovery } = told();
    discovery.fail('not yet');
    const call = outcomeOf(client.get('/'));
    await vi.advanceTimersByTimeAsync(100);
    discovery.tell(listOf([one]));
    expect(await call).toMatchObject({ status: 200, ms: 100 });
  });
});

describe('once a list is known', () => {
  it('no call waits any more, whatever the source does', async () => {
    const { client, discovery, sent } = told();
    discovery.tell(listOf([one]));
    discovery.fail('gone away');
    expect(await outcomeOf(client.get('/'))).toMatchObject({ status: 200, ms: 0 });
    expect(sent).toEqual([one]);
  });

  it('each list takes the place of the one before, at once', async () => {
    const { client, discovery, sent } = told();
    discovery.tell(listOf([one]));
    await client.get('/');
    discovery.tell(listOf([two]));
    await client.get('/');
    expect(sent).toEqual([one, two]);
  });

  it('a lookup that fails keeps the list and is told of', async () => {
    const { client, discovery, sent } = told();
    const failures: unknown[] = [];
    client.on('endpoints.lookup_failed', (event) => failures.push(event));
    discovery.tell(listOf([one]));
    discovery.fail('the registry is away');
    await client.get('/');
    expect(sent).toEqual([one]);
    expect(failures).toEqual([{ client: 'default', message: 'the registry is away', failures: 1 }]);
    expect(balanceOf(client).lookups).toEqual({ succeeded: 1, failed: 1, lastError: 'the registry is away' });
  });

  it.each<[string, unknown]>([
    ['an address without a port', [{ address: '10.0.0.9' }]],
    ['a port beyond 65535', [{ address: '10.0.0.9:70000' }]],
    ['an address with a path', [{ address: '10.0.0.9:80/api' }]],
    ['an IPv6 address without brackets', [{ address: '::1:80' }]],
    ['a weight of nothing', [{ address: '10.0.0.9:80', weight: 0 }]],
    ['one bad among good', [{ address: '10.0.0.9:80' }, { address: 'nonsense' }]],
    ['something that is no list', 'nonsense'],
  ])('%s is refused and keeps the list', async (_, list) => {
    const { client, discovery, sent } = told();
    const failures: unknown[] = [];
    client.on('endpoints.lookup_failed', (event) => failures.push(event));
    discovery.tell(listOf([one]));
    discovery.tell(list as DiscoveredEndpoint[]);
    await client.get('/');
    expect(sent).toEqual([one]);
    expect(failures).toHaveLength(1);
  });

  it('a list without endpoints is a list, too: calls end with ERR_NO_ENDPOINT until there are some', async () => {
    const { client, discovery, sent } = told();
    discovery.tell(listOf([one]));
    discovery.tell([]);
    expect(await outcomeOf(client.get('/'))).toMatchObject({ code: 'ERR_NO_ENDPOINT', ms: 0 });
    discovery.tell(listOf([two]));
    await client.get('/');
    expect(sent).toEqual([two]);
  });

  it('added and removed endpoints are reported; the same list again is no change', () => {
    const { client, discovery } = told();
    const changes: unknown[] = [];
    client.on('endpoints.changed', (event) => changes.push(event));
    discovery.tell(listOf([one]));
    discovery.tell(listOf([two]));
    discovery.tell(listOf([two]));
    expect(changes).toEqual([
      { client: 'default', added: [one], removed: [], initial: true },
      { client: 'default', added: [two], removed: [one] },
    ]);
  });

  it('an address reported twice is one endpoint', () => {
    const { client, discovery } = told();
    discovery.tell(listOf([one, two, one]));
    expect(balanceOf(client).endpoints.map(({ address }) => address)).toEqual([one, two]);
  });

  it('an endpoint that goes gets no new request, and those it has in flight finish', async () => {
    const { client, discovery, replies, sent } = told();
    const held = holdReply();
    replies[one] = held;
    discovery.tell(listOf([one]));
    const inFlight = outcomeOf(client.get('/'));
    await settle();
    discovery.tell(listOf([two]));
    for (let i = 0; i < 10; i++) await client.get('/');
    held.reply(200);
    expect(await inFlight).toMatchObject({ status: 200 });
    expect(sent).toEqual([one, ...Array(10).fill(two)]);
  });

  it('an endpoint that comes back under the same address keeps its requests in flight', async () => {
    const { client, discovery, replies } = told();
    const held = holdReply();
    replies[one] = held;
    discovery.tell(listOf([one]));
    const inFlight = outcomeOf(client.get('/'));
    await settle();
    discovery.tell([{ address: one, weight: 3 }, { address: two }]);
    expect(balanceOf(client).endpoints).toMatchObject([{ address: one, weight: 3, pending: 1 }, { pending: 0 }]);
    held.reply(200);
    await inFlight;
    expect(balanceOf(client).endpoints).toMatchObject([{ pending: 0 }, { pending: 0 }]);
  });
});

describe('the source is watched', () => {
  it('until the client is closed', async () => {
    const { client, discovery } = told();
    discovery.tell(listOf([one]));
    expect(discovery.watching).toBe(1);
    await client.close();
    expect(discovery.watching).toBe(0);
  });

  it('although a call still waits for it when the client is closed', async () => {
    const { client, discovery } = told({ timeouts: false });
    const call = outcomeOf(client.get('/'));
    await settle();
    const closed = client.close({ grace: 100 });
    await vi.advanceTimersByTimeAsync(100);
    await closed;
    expect(await call).toMatchObject({ code: 'ERR_CLOSED' });
    expect(discovery.watching).toBe(0);
  });

  it('once, whatever the updates', async () => {
    const { client, discovery } = told();
    discovery.tell(listOf([one]));
    client.update({ baseURL, balance: { strategy: 'random' } });
    expect(discovery.watching).toBe(1);
    client.update({ baseURL, balance: { strategy: 'random' }, retry: {} });
    expect(discovery.watching).toBe(1);
  });

  it('and the endpoints it reported before an update are used until it reports again', async () => {
    const { client, discovery, sent } = told();
    discovery.tell(listOf([one]));
    client.update({ baseURL, balance: { strategy: 'round-robin' } });
    await client.get('/');
    discovery.tell(listOf([two]));
    await client.get('/');
    expect(sent).toEqual([one, two]);
  });
});

describe('a client is refused', () => {
  const discovery = toldByHand();
  const endpoints = { static: [{ address: one }] };
  it.each([
    ['with both a list and a source', () => createHttpClient({ baseURL, endpoints }, { discovery, logger: silent })],
    ['with a list, but without baseURL', () => createHttpClient({ endpoints }, { logger: silent })],
    ['with a source, but without baseURL', () => createHttpClient({}, { discovery, logger: silent })],
  ])('%s', (_, create) => {
    expect(create).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
    expect(discovery.watching).toBe(0);
  });

  it.each([
    ['no list at all', {}],
    ['an empty list', { static: [] }],
    ['a list and DNS', { static: [{ address: one }], dns: { address: 'api.test:80' } }],
    ['a port beyond 65535', { static: [{ address: '10.0.0.1:65536' }] }],
    ['no port', { dns: { address: 'api.test' } }],
  ])('with endpoints of %s', (_, given) => {
    expect(() => createHttpClient({ baseURL, endpoints: given }, { logger: silent })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG' }),
    );
  });
});
