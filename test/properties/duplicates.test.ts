/** Over 10,000 random faults nothing that could do harm twice is sent twice, and what was never sent is sent again. */
import type { AxiosError } from 'axios';
import { createHttpClient, type Request } from 'pillion';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { markUnsent } from '../../src/call/failure.js';
import { baseURL, silent } from '../client/scripted.js';
import { chance, finish, play, type Step, stopClock } from './world.js';

/** Nothing reached the upstream. */
const unsent = [
  // Sent, but HTTP/2 guarantees that the server made nothing of it (RFC 9113, 8.7).
  'REFUSED_STREAM',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_CONNECT_TIMEOUT',
  'marked',
];
/** It may have. */
const doubtful = [
  ...['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'ERR_NETWORK', 'HPE_INVALID_CONSTANT'],
  ...['ERR_HTTP2_STREAM_ERROR', 'ERR_BAD_RESPONSE', 'CERT_HAS_EXPIRED', 'hang', 'hang'],
];
const statuses = [200, 201, 400, 404, 409, 425, 429, 500, 501, 502, 503, 504];
const methods = ['get', 'head', 'options', 'put', 'delete', 'query', 'post', 'patch', 'post', 'patch'];
const everything = [
  '5xx',
  'gateway-error',
  'reset',
  'connect-failure',
  'refused-stream',
  'retriable-4xx',
  'rate-limited',
  425,
];
const harmless = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY']);

interface Sent {
  readonly what: Step['what'];
  readonly key: unknown;
}

interface Trip {
  readonly method: string;
  readonly key: string | undefined;
  readonly aborted: boolean;
  readonly sent: Sent[];
  code: string | undefined;
}

/** A fault that says of itself that nothing was sent, whatever its code. */
function playMarked(request: Request) {
  return play({ what: 'ECONNRESET', delay: 0 }, request).catch((error) => Promise.reject(markUnsent(error)));
}

/** Runs calls in batches, as a service would, each attempt with a fault of its own. */
async function run(count: number, seed: number, on: unknown[] | undefined): Promise<Trip[]> {
  const random = chance(seed);
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  const trips: Trip[] = [];
  const step = (): Step => {
    const what = pick([pick(unsent), pick(doubtful), pick(statuses)]);
    return {
      what,
      delay: Math.floor(random() * 50),
      retryAfter: random() < 0.3 ? pick(['0', '1', 'soon', '86400']) : undefined,
    };
  };
  const transport = (request: Request) => {
    const next = step();
    trips[request.headers['x-trip'] as number]?.sent.push({ what: next.what, key: request.headers['Idempotency-Key'] });
    return next.what === 'marked' ? playMarked(request) : play(next, request);
  };
  // Neither budget, nor circuit, nor a cap on retries at once may end a call early: here only safety may.
  const retry = { maxRetries: 4, maxConcurrentRetries: count, budget: false, ...(on && { on }) };
  const config = { baseURL, circuitBreaker: false, retry };
  const client = createHttpClient(config as object, { transport, logger: silent, random });
  const call = async (index: number): Promise<void> => {
    const controller = new AbortController();
    const aborted = random() < 0.1;
    const trip: Trip = {
      method: pick(methods),
      key: random() < 0.3 ? `key-${index}` : undefined,
      aborted,
      sent: [],
      code: undefined,
    };
    trips[index] = trip;
    if (aborted) setTimeout(() => controller.abort(), random() * 3000);
    const { method, key } = trip;
    const options = {
      ...{ url: '/', method, data: 'a body', headers: { 'x-trip': index }, signal: controller.signal },
      ...(key !== undefined && { idempotencyKey: key }),
      ...(random() < 0.3 && { validateStatus: () => true }),
    };
    await client.request(options).catch((error: AxiosError) => {
      trip.code = error.code;
    });
  };
  for (let first = 0; first < count; first += 250)
    await finish(Promise.all(Array.from({ length: 250 }, (_, i) => call(first + i))));
  return trips;
}

const isUnsent = ({ what }: Sent) => typeof what === 'string' && unsent.includes(what);

describe.each<[string, unknown[] | undefined]>([
  ['what is retried by default', undefined],
  ['everything that can be retried', everything],
])('over 5,000 calls of random faults with %s', (_, on) => {
  let trips: Trip[] = [];
  beforeAll(async () => {
    stopClock();
    trips = await run(5000, 7, on);
    vi.useRealTimers();
  });

  it('no POST or PATCH without a key is sent twice, but for those that provably were not sent', () => {
    const risky = trips.filter(({ method, key }) => !harmless.has(method.toUpperCase()) && key === undefined);
    for (const { sent } of risky) {
      // Every one before the last did not reach the upstream.
      expect(sent.slice(0, -1).filter((each) => !isUnsent(each))).toEqual([]);
    }
    expect(risky.filter(({ sent }) => sent.length > 1).length).toBeGreaterThan(400);
  });

  it('what provably was not sent is sent again, whatever the method', () => {
    // A caller who gave up, a deadline, and the last of five attempts end it rightly.
    const open = trips.filter(({ aborted, code, sent }) => !aborted && code !== 'ERR_DEADLINE' && sent.length < 5);
    for (const { sent } of open) expect(sent.at(-1)).toSatisfy((last: Sent) => !isUnsent(last));
    expect(open.filter(({ sent }) => sent.some(isUnsent)).length).toBeGreaterThan(1000);
  });

  it('a key is the same on every attempt of its call, and makes a POST one that is repeated', () => {
    for (const { key, sent } of trips) expect(sent.filter((each) => each.key !== key)).toEqual([]);
    const repeated = trips.filter(
      ({ key, method, sent }) => key && method === 'post' && !sent.slice(0, -1).every(isUnsent),
    );
    expect(repeated.length).toBeGreaterThan(50);
  });
});
