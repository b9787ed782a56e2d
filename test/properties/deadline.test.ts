/** Whatever the upstream does, a call has ended by its deadline, its body included. */
import { PassThrough, type Readable } from 'node:stream';
import fc from 'fast-check';
import { createHttpClient, type HttpClientConfig, type Request, type Response } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, silent } from '../client/scripted.js';
import { chance, finish, play, type Step, virtualTime } from './world.js';

virtualTime();

const seed = 20261123;
const tolerance = 10;

const anyStep: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom<number | string>(
    ...[200, 404, 429, 500, 503, 503, 504, 'hang', 'hang', 'ECONNRESET', 'ECONNREFUSED', 'ERR_CONNECT_TIMEOUT'],
  ),
  delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 0, max: 60_000 })),
  retryAfter: fc.constantFrom(undefined, undefined, '0', '1', '5', '86400', 'soon'),
});

const anyBackoff = fc
  .tuple(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 20_000 }))
  .map(([one, other]) => ({ base: Math.min(one, other), max: Math.max(one, other) }));

const anyConfig = fc
  .record({
    total: fc.integer({ min: 1, max: 20_000 }),
    attempt: fc.oneof(fc.constant(false as const), fc.integer({ min: 1, max: 20_000 })),
    maxRetries: fc.integer({ min: 0, max: 10 }),
    backoff: anyBackoff,
    maxConnections: fc.integer({ min: 1, max: 3 }),
    circuitBreaker: fc.constantFrom(false as const, { volumeThreshold: 2 }),
  })
  .map(({ total, attempt, maxRetries, backoff, maxConnections, circuitBreaker }): HttpClientConfig => {
    const timeouts = { total, attempt: attempt === false ? attempt : Math.min(attempt, total) };
    const retry = { maxRetries, backoff, budget: false } as const;
    return { timeouts, retry, circuitBreaker, limits: { maxRequests: maxConnections } };
  });

interface Asked {
  readonly after: number;
  readonly timeout: number | undefined;
  readonly stream: boolean;
  readonly deaf: boolean;
  readonly steps: readonly Step[];
}

const anyCall: fc.Arbitrary<Asked> = fc.record({
  after: fc.integer({ min: 0, max: 5000 }),
  timeout: fc.option(fc.integer({ min: 1, max: 30_000 }), { nil: undefined }),
  stream: fc.boolean(),
  deaf: fc.boolean(),
  steps: fc.array(anyStep, { maxLength: 12 }),
});

/** A wire that follows the steps of each call; a deaf one does not hear of aborts, and a stream never ends by itself. */
function wireOf(calls: readonly Asked[]) {
  const next = calls.map(() => 0);
  return async (request: Request): Promise<Response> => {
    const index = request.headers['x-call'] as number;
    const { steps, stream, deaf } = calls[index] as Asked;
    const attempt = next[index] ?? 0;
    next[index] = attempt + 1;
    const step = steps[attempt] ?? { what: 'hang', delay: 0 };
    const response = await play(step, deaf ? { ...request, signal: new AbortController().signal } : request);
    return stream ? { ...response, data: new PassThrough() } : response;
  };
}

describe('a call', () => {
  it('has always ended by its deadline, and so has its body', async () => {
    const late: unknown[] = [];
    const kinds = new Map<string, number>();
    const property = fc.asyncProperty(
      anyConfig,
      fc.array(anyCall, { minLength: 1, maxLength: 8 }),
      async (config, calls) => {
        const client = createHttpClient(
          { baseURL, ...config },
          { transport: wireOf(calls), logger: silent, random: chance(seed) },
        );
        const { total } = config.timeouts as { total: number };
        const run = async ({ after, timeout, stream }: Asked, index: number): Promise<void> => {
          await new Promise((resolve) => setTimeout(resolve, after));
          const startedAt = performance.now();
          const deadline = Math.min(total, timeout ?? total);
          const options = {
            ...{ headers: { 'x-call': index }, ...(timeout !== undefined && { timeout }) },
            ...(stream && { responseType: 'stream' as const }),
          };
          const end = await client.get('/', options).then(
            (response) => response,
            (error) => ({ ...error.response, kind: error.code as string }),
          );
          await ended(end.data);
          const kind = end.kind ?? String(end.status);
          kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
          const took = performance.now() - startedAt;
          if (took > deadline + tolerance) late.push({ took, deadline, kind });
        };
        await finish(Promise.all(calls.map(run)));
        expect(late).toEqual([]);
        expect(client.stats().calls.active).toBe(0);
        vi.clearAllTimers();
      },
    );
    await fc.assert(property, { seed, numRuns: 400 });
    // It has met all kinds of ends, or the property would say little.
    for (const kind of [
      '200',
      'ERR_DEADLINE',
      'ERR_ATTEMPT_TIMEOUT',
      'ERR_BAD_RESPONSE',
      'ECONNRESET',
      'ERR_CIRCUIT_OPEN',
    ])
      expect(kinds.get(kind), kind).toBeGreaterThan(10);
  });
});

/** Resolves when a stream is over, read or not. */
async function ended(data: Readable | string | undefined): Promise<void> {
  if (typeof data !== 'object' || data.closed) return;
  await new Promise((resolve) => data.once('close', resolve));
}
