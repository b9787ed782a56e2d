/** Whatever comes, in whatever order, and however many give up: the limits are never exceeded, and no slot is lost. */
import { PassThrough } from 'node:stream';
import type { AxiosError } from 'axios';
import fc from 'fast-check';
import { createHttpClient, type Request, type Response } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { silent } from '../support/client.js';
import { chance, finish, play, type Step, virtualTime } from './world.js';

virtualTime();

const origins = ['http://one.test', 'http://two.test'];

interface Asked {
  readonly origin: string;
  readonly after: number;
  readonly abortAfter: number | undefined;
  readonly timeout: number | undefined;
  /** How long the caller takes to read a stream; undefined: the answer is buffered. */
  readonly reads: number | undefined;
  readonly steps: readonly Step[];
}

const soon = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 }));
const perhaps = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 3 });

const anyCall: fc.Arbitrary<Asked> = fc.record({
  origin: fc.constantFrom(...origins),
  after: soon,
  abortAfter: perhaps(soon),
  timeout: perhaps(fc.integer({ min: 1, max: 100 })),
  reads: perhaps(soon),
  steps: fc.array(
    fc.record({ what: fc.constantFrom<number | string>(200, 200, 503, 404, 'hang', 'ECONNRESET'), delay: soon }),
    { minLength: 1, maxLength: 4 },
  ),
});

const anyLimits = fc.record({
  maxRequests: fc.integer({ min: 1, max: 4 }),
  maxPendingRequests: fc.integer({ min: 0, max: 6 }),
  maxConcurrentRetries: fc.integer({ min: 0, max: 3 }),
});

/** Counts what runs on the wire of each origin, a stream until its body is over, and retries among them. */
class Wire {
  readonly running = new Map<string, number>();
  retries = 0;
  readonly most = { running: 0, retries: 0 };
  readonly #calls: readonly Asked[];
  readonly #attempts = new Map<number, number>();

  constructor(calls: readonly Asked[]) {
    this.#calls = calls;
  }

  readonly send = async (request: Request): Promise<Response> => {
    const index = request.headers['x-call'] as number;
    const { origin, steps, reads } = this.#calls[index] as Asked;
    const attempt = this.#attempts.get(index) ?? 0;
    this.#attempts.set(index, attempt + 1);
    this.#count(origin, 1);
    this.#countRetry(attempt > 0 ? 1 : 0);
    try {
      const response = await play(steps[attempt % steps.length] as Step, request);
      if (reads === undefined) this.#count(origin, -1);
      else response.data = this.#stream(origin);
      return response;
    } catch (error) {
      this.#count(origin, -1);
      throw error;
    } finally {
      this.#countRetry(attempt > 0 ? -1 : 0);
    }
  };

  #stream(origin: string): PassThrough {
    const body = new PassThrough().end('body');
    return body.once('close', () => this.#count(origin, -1));
  }

  #count(origin: string, by: number): void {
    const running = (this.running.get(origin) ?? 0) + by;
    this.running.set(origin, running);
    this.most.running = Math.max(this.most.running, running);
  }

  #countRetry(by: number): void {
    this.retries += by;
    this.most.retries = Math.max(this.most.retries, this.retries);
  }
}

interface Stats {
  limits: Record<string, { running: number; pending: number }>;
  retry: { active: number };
}

describe('limits', () => {
  it('are never exceeded, and every slot is free in the end', async () => {
    const met = { limit: 0, full: 0, retries: 0, aborted: 0, waited: 0 };
    const calls = fc.array(anyCall, { minLength: 1, maxLength: 25 });
    const property = fc.asyncProperty(anyLimits, calls, async ({ maxConcurrentRetries, ...limits }, asked) => {
      const wire = new Wire(asked);
      const client = createHttpClient(
        {
          // Log lines of refused calls are counted for a second, by a timer.
          ...{ limits, timeouts: { total: 500, attempt: 60 }, circuitBreaker: false, tracing: false, logging: false },
          retry: { maxRetries: 3, backoff: { base: 20, max: 40 }, budget: false, maxConcurrentRetries },
        },
        { transport: wire.send, logger: silent, random: chance(5) },
      );
      const stats = () => client.stats().policies as unknown as Stats;
      const check = () => {
        const { limits: gates, retry } = stats();
        for (const { running, pending } of Object.values(gates)) {
          expect(running).toBeLessThanOrEqual(limits.maxRequests);
          expect(pending).toBeLessThanOrEqual(limits.maxPendingRequests);
          if (pending > 0) {
            met.waited++;
            // Nobody waits while there is room.
            expect(running).toBe(limits.maxRequests);
          }
        }
        expect(retry.active).toBeLessThanOrEqual(maxConcurrentRetries);
      };
      // A listener's fault is not the call's, so what it finds is kept.
      const faults: unknown[] = [];
      const guarded = (look: () => void) => {
        try {
          look();
        } catch (fault) {
          faults.push(fault);
        }
      };
      for (const event of [
        'attempt.started',
        'attempt.ended',
        'retry.scheduled',
        'retry.refused',
        'call.ended',
      ] as const)
        client.on(event, () => guarded(check));
      client.on('limits.rejected', ({ pending }) => {
        met.limit++;
        guarded(() => expect(pending).toBe(limits.maxPendingRequests));
        guarded(check);
      });
      await finish(Promise.all(asked.map((call, index) => run(client, call, index, met))));
      expect(faults).toEqual([]);
      expect(wire.most.running).toBeLessThanOrEqual(limits.maxRequests);
      expect(wire.most.retries).toBeLessThanOrEqual(maxConcurrentRetries);
      if (wire.most.running === limits.maxRequests) met.full++;
      if (wire.most.retries > 0) met.retries++;
      expect(stats().limits).toEqual({});
      expect(stats().retry.active).toBe(0);
      expect([...wire.running.values(), wire.retries].filter(Boolean)).toEqual([]);
      expect(vi.getTimerCount()).toBe(0);
    });
    await fc.assert(property, { seed: 20261123, numRuns: 400 });
    // It has met full queues, retries and callers who gave up, or the property would say little.
    for (const [what, count] of Object.entries(met)) expect(count, what).toBeGreaterThan(100);
  });
});

async function run(
  client: ReturnType<typeof createHttpClient>,
  { origin, after, abortAfter, timeout, reads }: Asked,
  index: number,
  met: { aborted: number },
): Promise<void> {
  if (after > 0) await new Promise((resolve) => setTimeout(resolve, after));
  const controller = new AbortController();
  const abort = abortAfter === undefined ? undefined : setTimeout(() => controller.abort(), abortAfter);
  const options = {
    ...{ headers: { 'x-call': index }, signal: controller.signal, ...(timeout !== undefined && { timeout }) },
    ...(reads !== undefined && { responseType: 'stream' as const }),
  };
  const end = await client.get(`${origin}/`, options).then(
    (response) => response,
    (error: AxiosError) => {
      if (error.code === 'ERR_CANCELED') met.aborted++;
      return error.response;
    },
  );
  if (end !== undefined && reads !== undefined) {
    end.data.on('error', () => {});
    const over = new Promise((resolve) => end.data.once('close', resolve));
    const reading = setTimeout(() => end.data.resume(), reads);
    if (!end.data.closed) await over;
    clearTimeout(reading);
  }
  clearTimeout(abort);
}
