/** retry: which failures are repeated, how often and after how long. */
import { retry } from 'pillion';
import type { Reply } from 'pillion/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { scripted } from '../client/scripted.js';
import { alone, aRequest, ended, times } from './alone.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('retry alone', () => {
  it('repeats twice where nothing is said, and the caller gets the answer', async () => {
    const { next, wire } = alone(503, 502, { data: { ok: true } });
    const { status, response } = await ended(retry()(next)(aRequest()));
    expect(status).toBe(200);
    expect(response?.data).toBe('{"ok":true}');
    expect(wire.requests).toHaveLength(3);
  });

  it('gives up after maxRetries with the last failure, not the first', async () => {
    const { next, wire } = alone(502, 503, { status: 504, data: { reason: 'the last' } });
    const { status, response } = await ended(retry({ maxRetries: 2 })(next)(aRequest()));
    expect(status).toBe(504);
    expect(response?.data).toBe('{"reason":"the last"}');
    expect(wire.requests).toHaveLength(3);
  });

  it('hands on the very error of the last attempt, never a wrapper', async () => {
    const failures = [new Error('first'), new Error('second')].map((each) =>
      Object.assign(each, { code: 'ECONNRESET' }),
    );
    const left = [...failures];
    const { error } = await ended(retry({ maxRetries: 1 })(() => Promise.reject(left.shift()))(aRequest()));
    expect(error).toBe(failures[1]);
  });

  it('sends an attempt that succeeds just once, and leaves no timer', async () => {
    const { next, wire } = alone(200);
    expect(await ended(retry()(next)(aRequest()))).toMatchObject({ status: 200, ms: 0 });
    expect(wire.requests).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('with maxRetries 0 sends once', async () => {
    const { next, wire } = alone(503, 200);
    expect(await ended(retry({ maxRetries: 0 })(next)(aRequest()))).toMatchObject({ status: 503 });
    expect(wire.requests).toHaveLength(1);
  });

  it('counts afresh for each call', async () => {
    const { next, wire } = alone({ reply: 503 });
    const stack = retry({ maxRetries: 1 })(next);
    await ended(stack(aRequest()));
    await ended(stack(aRequest()));
    expect(wire.requests).toHaveLength(4);
  });

  it('gives each attempt headers of its own', async () => {
    const seen: unknown[] = [];
    const stack = retry()((request) => {
      seen.push(request.headers['x-once']);
      request.headers['x-once'] = 'set by a policy below';
      return Promise.reject(Object.assign(new Error('lost'), { code: 'ECONNRESET' }));
    });
    const request = aRequest();
    await ended(stack(request));
    expect(seen).toEqual([undefined, undefined, undefined]);
    expect(request.headers['x-once']).toBeUndefined();
  });
});

describe('the wait before a retry', () => {
  const waits = async (random: number, backoff: object) => {
    const { next, wire, events } = alone({ reply: 503 });
    const told: number[] = [];
    events.on('retry.scheduled', ({ waitMs }) => told.push(waitMs));
    const policy = retry({ maxRetries: 8, backoff, budget: false }, { random: () => random, events });
    await ended(policy(next)(aRequest()));
    // The clock has whole milliseconds, and takes one for a timer of 0 that a timer sets.
    const waited = times(wire).flatMap((at, i, all) => (i === 0 ? [] : [at - (all[i - 1] ?? 0)]));
    told.forEach((wait, i) => {
      expect(Math.abs(wait - (waited[i] ?? Number.NaN))).toBeLessThanOrEqual(1);
    });
    return told;
  };

  it('is uniform below 50 ms for the first retry, doubling up to 2 s', async () => {
    expect(await waits(0.5, {})).toEqual([25, 50, 100, 200, 400, 800, 1000, 1000]);
  });

  it('may be nothing at all', async () => {
    expect(await waits(0, {})).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('never reaches its bound', async () => {
    const bounds = [50, 100, 200, 400, 800, 1600, 2000, 2000];
    const highest = await waits(1 - Number.EPSILON, {});
    expect(highest.every((wait, i) => wait < (bounds[i] ?? 0))).toBe(true);
    expect(highest.map(Math.ceil)).toEqual(bounds);
  });

  it('takes base and max from the options', async () => {
    expect(await waits(0.5, { base: '10ms', max: '30ms' })).toEqual([5, 10, 15, 15, 15, 15, 15, 15]);
  });

  it('has a base as its bound where that is longer than 2 s', async () => {
    expect(await waits(0.5, { base: '4s' })).toEqual([2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000]);
  });
});

/** Everything that can become of an attempt of a GET, by name. */
const outcomes: Record<string, Reply> = {
  '404': 404,
  '409': 409,
  '425': 425,
  '429': 429,
  '429 with Retry-After': { status: 429, headers: { 'retry-after': '0' } },
  '500': 500,
  '501': 501,
  '502': 502,
  '503': 503,
  '503 with Retry-After': { status: 503, headers: { 'retry-after': '0' } },
  '504': 504,
  'connection refused': { error: 'ECONNREFUSED' },
  'name not found': { error: 'ENOTFOUND' },
  'no connection in time': { error: 'ERR_CONNECT_TIMEOUT' },
  'connection reset': { error: 'ECONNRESET' },
  'broken pipe': { error: 'EPIPE' },
  'not HTTP': { error: 'HPE_INVALID_CONSTANT' },
  'no answer in time': 'hang',
  'refused stream': { error: 'REFUSED_STREAM' },
  'expired certificate': { error: 'CERT_HAS_EXPIRED' },
  'wrong host name': { error: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  'wrong pin': { error: 'ERR_TLS_IDENTITY' },
  'no client certificate': { error: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' },
  'bad URL': { error: 'ERR_INVALID_URL' },
  'bad option': { error: 'ERR_BAD_OPTION_VALUE' },
  'too many redirects': { error: 'ERR_FR_TOO_MANY_REDIRECTS' },
  'answer too large': { error: 'ERR_BAD_RESPONSE' },
};

const noConnection = ['connection refused', 'name not found', 'no connection in time'];
const resets = [...noConnection, 'connection reset', 'broken pipe', 'not HTTP', 'no answer in time', 'refused stream'];
const rateLimited = ['429 with Retry-After', '503 with Retry-After'];
const gateway = ['502', '503', '503 with Retry-After', '504', ...resets];

const vocabulary: [string, readonly unknown[] | undefined, string[]][] = [
  ['by default', undefined, [...gateway, ...rateLimited]],
  ['5xx', ['5xx'], ['500', '501', ...gateway]],
  ['gateway-error', ['gateway-error'], gateway],
  ['reset', ['reset'], resets],
  ['connect-failure', ['connect-failure'], noConnection],
  ['refused-stream', ['refused-stream'], ['refused stream']],
  ['retriable-4xx', ['retriable-4xx'], ['409']],
  ['rate-limited', ['rate-limited'], rateLimited],
  ['425', [425], ['425']],
  ['503', [503], ['503', '503 with Retry-After']],
  ['several words at once', ['retriable-4xx', 425], ['409', '425']],
  ['nothing', [], []],
];

describe.each(vocabulary)('what is retried: %s', (_, on, retried) => {
  it.each(Object.keys(outcomes))('%s', async (name) => {
    const config = on === undefined ? {} : { retry: { on } };
    const { client, transport } = scripted([outcomes[name] as Reply, 200], config as object);
    const { status } = await ended(client.get('/'));
    const expected = retried.includes(name) ? { sent: 2, status: 200 } : { sent: 1 };
    expect({ sent: transport.requests.length, status }).toMatchObject(expected);
  });
});

describe('the events of retries', () => {
  const told = async (script: Reply[], config: object = {}, call: object = {}) => {
    const { client } = scripted(script, config, { random: () => 0.5 });
    const events: unknown[] = [];
    client.on('retry.scheduled', ({ retry: nth, waitMs, status, code }) => events.push({ nth, waitMs, status, code }));
    client.on('retry.refused', ({ reason, status, code }) => events.push({ reason, status, code }));
    await ended(client.get('/', call));
    return events;
  };

  it('tell of each wait and of the limit that was reached', async () => {
    expect(await told([503, { error: 'ECONNRESET' }, 503])).toEqual([
      { nth: 1, waitMs: 25, status: 503, code: 'ERR_BAD_RESPONSE' },
      { nth: 2, waitMs: 50, status: undefined, code: 'ECONNRESET' },
      { reason: 'limit', status: 503, code: 'ERR_BAD_RESPONSE' },
    ]);
  });

  it('are none for a failure that would never be retried', async () => {
    expect(await told([404])).toEqual([]);
  });

  it('are none with maxRetries 0', async () => {
    expect(await told([503], { retry: { maxRetries: 0 } })).toEqual([]);
    expect(await told([404], {}, { retry: { maxRetries: 0 } })).toEqual([]);
  });

  it('are none with retry: false', async () => {
    expect(await told([503], {}, { retry: false })).toEqual([]);
  });

  it('tell of a wait that the deadline does not allow', async () => {
    const slow = { status: 503, headers: { 'retry-after': '60' } };
    expect(await told([slow])).toEqual([{ reason: 'deadline', status: 503, code: 'ERR_BAD_RESPONSE' }]);
  });
});
