/** rateLimit: what servers say in their headers holds, in whatever order their answers come in. */
import { rateLimit } from 'pillion';
import type { HttpReply, Reply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, outcomeOf, times } from '../alone.js';

fakeTimers();

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A wire that gives these replies in order, and the last one for ever. */
function inOrder(...replies: readonly Reply[]) {
  let asked = 0;
  return alone({ reply: () => replies[Math.min(asked++, replies.length - 1)] as Reply });
}

/** The policy alone over such a wire; `go` starts so many calls at once. */
function heard(replies: readonly Reply[], options: object = {}) {
  const { next, wire } = inOrder(...replies);
  const policy = rateLimit(options);
  const stack = policy(next);
  const go = (count = 1) => Promise.all(Array.from({ length: count }, () => outcomeOf(stack(aRequest()))));
  return { go, wire, policy };
}

const quota = (left: number, seconds: number, delay = 0): HttpReply => ({
  headers: { RateLimit: `"a";r=${left};t=${seconds}` },
  ...(delay > 0 && { delay }),
});

describe('a quota of the server', () => {
  it('"a";r=2;t=10 lets two more go and holds the others until the 10 s are over', async () => {
    const { go, wire } = heard([quota(2, 10), quota(1, 10), quota(0, 10), 200]);
    await go();
    const calls = go(6);
    await pass(9999);
    expect(wire.requests).toHaveLength(3);
    await pass(1);
    await calls;
    expect(times(wire)).toEqual([0, 0, 0, 10_000, 10_000, 10_000, 10_000]);
  });

  it('is spent by requests whose answers are still to come', async () => {
    const { go, wire } = heard([quota(2, 10), 'hang']);
    await go();
    go(5);
    await pass(5000);
    expect(wire.requests).toHaveLength(3);
  });

  it('counts requests under way as not yet counted by the server', async () => {
    const { go, wire } = heard([quota(3, 10, 100), 'hang']);
    go(3);
    await pass(100);
    go(5);
    await pass(1000);
    expect(wire.requests).toHaveLength(4);
  });

  it('is not exceeded where answers arrive in another order than they were given', async () => {
    // The server counts 2, 1, 0; its last answer is the first to arrive.
    const { go, wire } = heard([quota(2, 10, 300), quota(1, 10, 200), quota(0, 10, 100), 200]);
    const first = go(3);
    await pass(300);
    await first;
    const more = go(3);
    await pass(5000);
    expect(wire.requests).toHaveLength(3);
    await pass(10_000);
    await more;
  });

  it('is used up, not given away, where the last answer given is the first to arrive', async () => {
    // The server counts 7, 6, 5: when all have answered, five more may go.
    const { go, wire } = heard([quota(7, 60, 300), quota(6, 60, 200), quota(5, 60, 100), 'hang']);
    const first = go(3);
    await pass(300);
    await first;
    go(9);
    await pass(1000);
    expect(wire.requests).toHaveLength(8);
  });

  it('that is small is not taken for a pause because of requests it has counted already', async () => {
    // The server counts 3, 2, 1: one more may go, and does not have to wait for the minute.
    const { go, wire } = heard([quota(3, 60, 300), quota(2, 60, 200), quota(1, 60, 100), 'hang']);
    const first = go(3);
    await pass(300);
    await first;
    go(3);
    await pass(1000);
    expect(wire.requests).toHaveLength(4);
  });

  it('is known after a failure too', async () => {
    const { go, wire } = heard([{ ...quota(0, 4), status: 500 }, 200]);
    await go();
    const next = go();
    await pass(3999);
    expect(wire.requests).toHaveLength(1);
    await pass(1);
    await next;
    expect(wire.requests).toHaveLength(2);
  });

  it('that is tighter than our own holds, and our own where it is tighter', async () => {
    const server = heard([quota(0, 5), 200], { requests: 100, per: '1s' });
    await server.go();
    const held = server.go();
    await pass(5000);
    await held;
    expect(times(server.wire)).toEqual([0, 5000]);
    const own = heard([quota(1000, 5), 200], { requests: 1, per: '7s' });
    await own.go();
    const waiting = own.go();
    await pass(7000);
    await waiting;
    expect(times(own.wire)).toEqual([0, 7000]);
  });

  it('of one key does not hold back another one', async () => {
    const { next, wire } = inOrder(quota(0, 60), 200);
    const stack = rateLimit({ keyHeader: 'x-key' })(next);
    const as = (key: string) => outcomeOf(stack(aRequest({ headers: { 'x-key': key } as never })));
    await as('one');
    expect(await as('two')).toMatchObject({ status: 200, ms: 0 });
    as('one');
    await pass(1000);
    expect(wire.requests).toHaveLength(2);
  });
});

describe('a pause that a server asks for', () => {
  it.each([429, 503])('with Retry-After of a %d holds back the next call, not the one that failed', async (status) => {
    const { go, wire } = heard([{ status, headers: { 'Retry-After': '3' } }, 200]);
    expect(await go()).toMatchObject([{ status, ms: 0 }]);
    const next = go();
    await pass(2999);
    expect(wire.requests).toHaveLength(1);
    await pass(1);
    expect(await next).toMatchObject([{ status: 200 }]);
    expect(times(wire)).toEqual([0, 3000]);
  });

  it.each([200, 500, 404])('with Retry-After of a %d means nothing', async (status) => {
    const { go, wire } = heard([{ status, headers: { 'Retry-After': '3' } }, 200]);
    await go();
    await go();
    expect(times(wire)).toEqual([0, 0]);
  });

  it('may be a date', async () => {
    vi.setSystemTime(new Date('2030-01-01T00:00:00Z'));
    const { go, wire } = heard([{ status: 429, headers: { 'Retry-After': 'Tue, 01 Jan 2030 00:00:07 GMT' } }, 200]);
    await go();
    const next = go();
    await pass(7000);
    await next;
    expect(times(wire)).toEqual([0, 7000]);
  });

  it('is not cut short by a shorter one', async () => {
    const pause = (seconds: number, delay: number) => ({
      ...{ status: 429, headers: { 'Retry-After': String(seconds) }, delay },
    });
    const { go, wire } = heard([pause(10, 100), pause(1, 200), 200]);
    const first = go(2);
    await pass(200);
    await first;
    const next = go();
    await pass(9899);
    expect(wire.requests).toHaveLength(2);
    await pass(1);
    await next;
    expect(wire.requests).toHaveLength(3);
  });

  it('is not ended by the answer to a request that was sent before it, however long that one’s quota holds', async () => {
    const { go, wire } = heard([
      { status: 429, headers: { 'Retry-After': '5' }, delay: 100 },
      quota(100, 3600, 200),
      200,
    ]);
    const first = go(2);
    await pass(200);
    await first;
    const next = go();
    await pass(4899);
    expect(wire.requests).toHaveLength(2);
    await pass(1);
    await next;
  });

  it('lasts maxServerWait at the most: 5 minutes where nothing is said', async () => {
    const { go, wire } = heard([{ status: 429, headers: { 'Retry-After': '999999999999' } }, 200]);
    await go();
    const next = go();
    await pass(300_000);
    await next;
    expect(times(wire)).toEqual([0, 300_000]);
  });
});

describe('headers', () => {
  it.each([
    [{ RateLimit: 'soon' }],
    [{ RateLimit: '"a";r=-1;t=10' }],
    [{ RateLimit: '"a";r=0' }],
    [{ RateLimit: '"a";r=0;t=1e9' }],
    [{ 'X-RateLimit-Remaining': '0' }],
    [{ 'X-RateLimit-Remaining': 'none', 'X-RateLimit-Reset': '10' }],
    [{ 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': 'tomorrow' }],
    [{ 'X-RateLimit-Remaining': '', 'X-RateLimit-Reset': '' }],
  ])('that are malformed hold nobody back: %j', async (headers) => {
    const { go, wire } = heard([{ headers }]);
    await go();
    await go(20);
    expect(times(wire)).toEqual(Array(21).fill(0));
  });

  it('are not read with serverHeaders: false, not even the Retry-After of a 429', async () => {
    const headers = { 'Retry-After': '60', RateLimit: '"a";r=0;t=60' };
    const { go, wire } = heard([{ status: 429, headers }], { serverHeaders: false });
    await go();
    await go(3);
    expect(times(wire)).toEqual([0, 0, 0, 0]);
  });

  it('are all that limits where `requests` is not said: 2,000 at once until the server speaks', async () => {
    const { go, wire, policy } = heard([200]);
    await go(2000);
    expect(times(wire)).toEqual(Array(2000).fill(0));
    expect(policy.stats?.()).toEqual({ keys: 1, waiting: 0, running: 0, longestWaitMs: 0 });
  });
});
