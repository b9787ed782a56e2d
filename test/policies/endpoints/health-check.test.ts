/** healthCheck: when endpoints are asked, with what, and which of them get no calls. */
import type { HttpClientConfig } from 'pillion';
import type { Reply } from 'pillion/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { baseURL, collecting } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { outcomeOf } from '../alone.js';
import { addresses, balanceOf, fleet, inState, listOf, type Replies } from './fleet.js';

const [one = '', two = '', three = ''] = addresses(3);

fakeTimers();
beforeEach(() => vi.advanceTimersByTimeAsync(1000));

const configOf = (count: number, more: HttpClientConfig = {}): HttpClientConfig => ({
  baseURL,
  endpoints: { static: listOf(addresses(count)) },
  balance: { strategy: 'round-robin', slowStart: 0 },
  healthCheck: { path: '/health' },
  retry: false,
  circuitBreaker: false,
  ...more,
});

/** Answers its checks with `health` and calls with 200. */
function checkedFleet(count: number, more: HttpClientConfig = {}, deps = {}) {
  const health: Replies = {};
  const replies: Replies = {};
  for (const address of addresses(count)) {
    replies[address] = ({ path }): Reply => (path.endsWith('/health') ? (health[address] ?? 200) : 200);
  }
  const made = fleet(replies, configOf(count, more), { random: () => 0, ...deps });
  const told: { endpoint: string; healthy: boolean }[] = [];
  made.client.on('endpoint.health_changed', ({ endpoint, healthy }) => told.push({ endpoint, healthy }));
  const isCheck = (index: number) => made.requests[index]?.url?.endsWith('/health') ?? false;
  return {
    ...made,
    health,
    told,
    /** Where the checks went. */
    checks: () => made.sent.filter((_, index) => isCheck(index)),
    checkRequests: () => made.requests.filter((_, index) => isCheck(index)),
    unhealthy: () => inState(made.client, 'unhealthy'),
    /** Which endpoints so many calls reach. */
    reached: async (calls: number) => {
      const start = made.sent.length;
      for (let i = 0; i < calls; i++) await made.client.get('/');
      return [...new Set(made.sent.slice(start))].sort();
    },
  };
}

const rounds = (count: number) => vi.advanceTimersByTimeAsync(count * 10_000);

describe('checks', () => {
  it('begin with the first call, and ask each endpoint every interval', async () => {
    const { client, checks } = checkedFleet(3);
    await rounds(5);
    expect(checks()).toEqual([]);
    await client.get('/');
    await vi.advanceTimersByTimeAsync(0);
    expect(checks()).toEqual([one, two, three]);
    await vi.advanceTimersByTimeAsync(9999);
    expect(checks()).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(1);
    expect(checks()).toEqual([one, two, three, one, two, three]);
    await rounds(8);
    expect(checks()).toHaveLength(30);
    expect(client.stats().policies.healthCheck).toEqual({ checks: 30, failures: 0 });
  });

  it('go on at the same pace, however many calls there are', async () => {
    const { client, checks } = checkedFleet(2);
    for (let i = 0; i < 100; i++) {
      await client.get('/');
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(checks()).toHaveLength(4);
  });

  it('are a GET of the path at the origin of baseURL, without any header of the client', async () => {
    const { client, checkRequests } = checkedFleet(1, {
      baseURL: 'http://api.test/v1',
      headers: { authorization: 'Bearer secret', 'x-tenant': '7' },
    });
    await client.get('/', { headers: { cookie: 'id=1' } });
    await rounds(1);
    for (const { url, method, headers, maxRedirects } of checkRequests()) {
      expect({ url, method, maxRedirects }).toEqual({ url: 'http://api.test/health', method: 'get', maxRedirects: 0 });
      expect(Object.keys(headers.toJSON())).toEqual([]);
    }
    expect(checkRequests()).toHaveLength(2);
  });

  it('may have a method, headers and a port of their own', async () => {
    const { client, sent, checkRequests } = checkedFleet(1, {
      healthCheck: { path: '/health', method: 'HEAD', headers: { host: 'checks.test', 'x-probe': '1' }, port: 9000 },
    });
    await client.get('/');
    await vi.advanceTimersByTimeAsync(0);
    expect([...sent].sort()).toEqual([one, '10.0.0.1:9000']);
    expect(checkRequests()[0]).toMatchObject({ method: 'head', headers: { host: 'checks.test', 'x-probe': '1' } });
  });

  it('are no attempts: nobody is told of them, and no line is logged', async () => {
    const { logger, lines } = collecting();
    const { client, checks, health } = checkedFleet(2, {}, { logger });
    const events: string[] = [];
    for (const name of ['attempt.started', 'attempt.ended', 'call.started'] as const)
      client.on(name, () => events.push(name));
    health[one] = 500;
    await client.get('/');
    await rounds(5);
    expect(checks()).toHaveLength(12);
    expect(events).toEqual(['call.started', 'attempt.started', 'attempt.ended']);
    expect(client.stats()).toMatchObject({ attempts: 1, calls: { started: 1 } });
    expect(lines.filter(({ message }) => message.startsWith('GET'))).toHaveLength(1);
  });

  it('go past circuits, limits and retries', async () => {
    const { client, checks, replies, health } = checkedFleet(1, {
      retry: { maxRetries: 2, budget: false },
      circuitBreaker: { volumeThreshold: 1, errorThresholdPercentage: 1, resetTimeout: '1h' },
      limits: { maxRequests: 1, maxPendingRequests: 0 },
      timeouts: false,
    });
    health[one] = 503;
    const reply = replies[one] as (request: { path: string }) => Reply;
    replies[one] = (request) => (request.path.endsWith('/hang') ? 'hang' : reply(request));
    outcomeOf(client.get('/hang'));
    await rounds(4);
    expect(checks()).toHaveLength(5);
    expect(client.stats().policies.circuitBreaker).toMatchObject({ [one]: { state: 'closed', outcomes: 0 } });
    expect(client.stats().policies.limits).toEqual({ [one]: { running: 1, pending: 0 } });
  });

  it('end when the client is closed, and no timer is left', async () => {
    const { client, checks } = checkedFleet(2);
    await client.get('/');
    await rounds(1);
    await client.close();
    const before = checks().length;
    expect(vi.getTimerCount()).toBe(0);
    await rounds(5);
    expect(checks()).toHaveLength(before);
  });

  it('that are under way when the client is closed leave no timer either', async () => {
    const { client, health } = checkedFleet(2);
    health[one] = 'hang';
    await client.get('/');
    await client.close();
    await vi.advanceTimersByTimeAsync(1000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('know the endpoints of an updated list', async () => {
    const { client, checks } = checkedFleet(3, { endpoints: { static: listOf([one]) } });
    await client.get('/');
    client.update(configOf(3, { endpoints: { static: listOf([two, three]) } }));
    await client.get('/');
    await rounds(1);
    expect(checks()).toEqual([one, two, three]);
  });
});

describe('an endpoint', () => {
  it('gets no calls after three checks that failed, not before', async () => {
    const { client, health, reached, unhealthy, told } = checkedFleet(3);
    health[one] = 500;
    await client.get('/');
    await rounds(1);
    expect(unhealthy()).toEqual([]);
    await rounds(1);
    expect(unhealthy()).toEqual([one]);
    expect(await reached(30)).toEqual([two, three]);
    expect(told).toEqual([{ endpoint: one, healthy: false }]);
  });

  it('gets calls again after two checks that succeeded, not before', async () => {
    const { client, health, reached, unhealthy, told } = checkedFleet(3);
    health[one] = 500;
    await client.get('/');
    await rounds(5);
    health[one] = 200;
    await rounds(1);
    expect(unhealthy()).toEqual([one]);
    await rounds(1);
    expect(unhealthy()).toEqual([]);
    expect(await reached(30)).toEqual([one, two, three]);
    expect(told).toEqual([
      { endpoint: one, healthy: false },
      { endpoint: one, healthy: true },
    ]);
  });

  it('is not found unhealthy by failures that are not in a row', async () => {
    const { client, health, told } = checkedFleet(1);
    let count = 0;
    health[one] = () => (++count % 3 === 0 ? 200 : 500);
    await client.get('/');
    await rounds(30);
    expect(told).toEqual([]);
  });

  it.each<[string, Reply]>([
    ['a status that is not expected', 204],
    ['a 404', 404],
    ['a lost connection', { error: 'ECONNRESET' }],
    ['no answer within the timeout', 'hang'],
    ['an answer later than the timeout', { status: 200, delay: 1001 }],
    ['a redirect', { status: 302, headers: { location: 'http://elsewhere.test/' } }],
  ])('fails a check by %s', async (_, reply) => {
    const { client, health, unhealthy } = checkedFleet(3);
    health[one] = reply;
    await client.get('/');
    await rounds(4);
    expect(unhealthy()).toEqual([one]);
  });

  it('may be expected to answer otherwise', async () => {
    const expectedStatuses = [204, 404];
    const { client, health, unhealthy } = checkedFleet(3, { healthCheck: { path: '/health', expectedStatuses } });
    health[one] = 204;
    health[two] = 404;
    await client.get('/');
    await rounds(4);
    expect(unhealthy()).toEqual([three]);
  });

  it('is unhealthy at once after a status that is not retriable, but not after a lost connection', async () => {
    const healthCheck = { path: '/health', retriableStatuses: [503] };
    const { client, health, unhealthy } = checkedFleet(3, { healthCheck });
    Object.assign(health, { [one]: 500, [two]: 503, [three]: { error: 'ECONNRESET' } });
    await client.get('/');
    await vi.advanceTimersByTimeAsync(0);
    expect(unhealthy()).toEqual([one]);
    await rounds(2);
    expect(unhealthy()).toEqual([one, two, three]);
  });

  it.each([true, false])('that was ejected is back after a check where endsEjection is %s', async (endsEjection) => {
    const made = checkedFleet(3, {
      healthCheck: { path: '/health', endsEjection },
      outlierDetection: { consecutiveFailures: 1, baseEjectionTime: '1h', maxEjectionTime: '1h' },
    });
    await made.client.get('/');
    await made.client.get('/', { validateStatus: null });
    const replies = made.replies[three];
    made.replies[three] = 503;
    await made.client.get('/').catch(() => {});
    if (replies !== undefined) made.replies[three] = replies;
    expect(inState(made.client, 'ejected')).toEqual([three]);
    await rounds(1);
    await made.client.get('/');
    expect(inState(made.client, 'ejected')).toEqual(endsEjection ? [] : [three]);
  });

  it('starts slowly when it is well again', async () => {
    const { client, health, sent } = checkedFleet(3, { balance: { strategy: 'round-robin', slowStart: '100s' } });
    health[one] = 500;
    await client.get('/');
    await rounds(3);
    health[one] = 200;
    await rounds(2);
    const start = sent.length;
    for (let i = 0; i < 210; i++) await client.get('/');
    const share = sent.slice(start).filter((address) => address === one).length / 210;
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.1);
  });
});

describe('where all are unhealthy', () => {
  it('all are used', async () => {
    const { client, health, reached, unhealthy } = checkedFleet(3);
    for (const address of addresses(3)) health[address] = 500;
    await client.get('/');
    await rounds(3);
    expect(unhealthy()).toEqual([one, two, three]);
    expect(balanceOf(client).panicking).toBe(true);
    expect(await reached(30)).toEqual([one, two, three]);
  });
});

describe('without healthCheck any more', () => {
  it('all endpoints count as well', async () => {
    const { client, health, reached, unhealthy } = checkedFleet(3);
    health[one] = 500;
    await client.get('/');
    await rounds(3);
    const { healthCheck: _, ...rest } = configOf(3);
    client.update(rest);
    expect(unhealthy()).toEqual([]);
    expect(await reached(30)).toEqual([one, two, three]);
  });

  it('an update of its options asks on, and keeps calls from who is unhealthy', async () => {
    const { client, health, checks, unhealthy } = checkedFleet(3);
    health[one] = 500;
    await client.get('/');
    await rounds(3);
    client.update(configOf(3, { healthCheck: { path: '/health', interval: '5s' } }));
    await client.get('/');
    const before = checks().length;
    await rounds(2);
    expect(checks().length - before).toBeGreaterThanOrEqual(4 * 3);
    expect(unhealthy()).toEqual([one]);
  });
});
