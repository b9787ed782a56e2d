/** Every start has exactly one end, for calls and for attempts, whatever happens in between. */
import fc from 'fast-check';
import { type Call, createHttpClient, type HttpClientConfig, type Policy, type Request } from 'pillion';
import { createMockTransport } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, collecting } from '../support/client.js';
import { chance, finish, pass, play, type Step, virtualTime } from './world.js';

virtualTime();

interface Asked {
  readonly method: string;
  readonly after: number;
  readonly abortAfter: number | undefined;
  readonly timeout: number | undefined;
  readonly validateStatus: (() => boolean) | undefined;
  readonly steps: readonly Step[];
}

const soon = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 }));
const perhaps = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const onOrOff = <T>(options: T) => fc.constantFrom<T | false>(options, options, false);

const anyStep: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom<number | string>(
    ...[200, 204, 302, 404, 429, 500, 503, 'hang', 'ECONNRESET', 'ECONNREFUSED', 'CERT_HAS_EXPIRED', 'ERR_INVALID_URL'],
  ),
  delay: soon,
  retryAfter: fc.constantFrom(undefined, '0', '86400'),
});

const anyCall: fc.Arbitrary<Asked> = fc.record({
  method: fc.constantFrom('get', 'post', 'delete', 'patch'),
  after: soon,
  abortAfter: perhaps(soon),
  timeout: perhaps(fc.integer({ min: 1, max: 120 })),
  validateStatus: fc.constantFrom(
    undefined,
    () => true,
    () => false,
  ),
  steps: fc.array(anyStep, { minLength: 1, maxLength: 4 }),
});

const anyConfig: fc.Arbitrary<HttpClientConfig> = fc.record({
  timeouts: fc.constant({ total: 200, attempt: 80 }),
  retry: onOrOff({ maxRetries: 3, backoff: { base: 20, max: 40 } }),
  circuitBreaker: onOrOff({ volumeThreshold: 3, resetTimeout: 50 }),
  limits: onOrOff({ maxRequests: 2, maxPendingRequests: 2 }),
});

/** Counts starts and ends by call, and by attempt of it. */
class Ledger {
  readonly calls = new Map<Call, { starts: number; ends: number }>();
  readonly attempts = new Map<Call, { starts: number; ends: number }[]>();

  call(call: Call, edge: 'starts' | 'ends'): void {
    const entry = this.calls.get(call) ?? { starts: 0, ends: 0 };
    entry[edge]++;
    this.calls.set(call, entry);
  }

  attempt(call: Call, attempt: number, edge: 'starts' | 'ends'): void {
    const entries = this.attempts.get(call) ?? [];
    const entry = entries[attempt - 1] ?? { starts: 0, ends: 0 };
    entry[edge]++;
    entries[attempt - 1] = entry;
    this.attempts.set(call, entries);
  }
}

const once = { starts: 1, ends: 1 };

describe('every start', () => {
  it('has exactly one end, and every call exactly one log line', async () => {
    const kinds = new Map<string, number>();
    const property = fc.asyncProperty(
      anyConfig,
      fc.array(anyCall, { minLength: 1, maxLength: 12 }),
      fc.option(fc.integer({ min: 0, max: 150 }), { nil: undefined, freq: 4 }),
      async (config, asked, closeAfter) => {
        const { logger, lines } = collecting();
        const next = asked.map(() => 0);
        const sentBy = asked.map(() => 0);
        const transport = (request: Request) => {
          const index = request.headers['x-call'] as number;
          const { steps } = asked[index] as Asked;
          const attempt = next[index] ?? 0;
          next[index] = attempt + 1;
          sentBy[index] = attempt + 1;
          return play(steps[attempt % steps.length] as Step, request);
        };
        const client = createHttpClient({ baseURL, ...config }, { transport, logger, random: chance(3) });
        const ledger = new Ledger();
        client.on('call.started', ({ call }) => ledger.call(call, 'starts'));
        client.on('call.ended', ({ call, code, status }) => {
          ledger.call(call, 'ends');
          const kind = code ?? String(status);
          kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        });
        client.on('attempt.started', ({ call, attempt }) => ledger.attempt(call, attempt, 'starts'));
        client.on('attempt.ended', ({ call, attempt }) => ledger.attempt(call, attempt, 'ends'));
        const all = Promise.all(asked.map((call, index) => run(client, call, index)));
        const closing = closeAfter === undefined ? undefined : setTimeout(() => client.close({ grace: 0 }), closeAfter);
        await finish(all);
        clearTimeout(closing);
        await pass(1);
        const entered = [...ledger.calls.values()];
        expect(entered).toEqual(entered.map(() => once));
        for (const attempts of ledger.attempts.values()) expect([...attempts]).toEqual(attempts.map(() => once));
        // Each attempt that reached the wire is told of, and no other.
        const told = [...ledger.attempts.values()].map((attempts) => attempts.length);
        expect(told.sort()).toEqual(sentBy.filter((count) => count > 0).sort());
        expect(lines.filter(({ level }) => level === 'debug')).toHaveLength(
          told.reduce((sum, count) => sum + count, 0),
        );
        const { started, active, succeeded, failed, cancelled } = client.stats().calls;
        expect([started, active, succeeded + failed + cancelled]).toEqual([entered.length, 0, entered.length]);
        // What holds something for a call has let go of it.
        const { limits = {}, retry } = client.stats().policies as { limits?: object; retry?: { active: number } };
        expect([limits, retry?.active ?? 0]).toEqual([{}, 0]);
        await client.close();
        // Each call stands in exactly one line, of its own or with others that were turned away too.
        const ofCalls = lines.filter(
          ({ level, fields }) => level !== 'debug' && (!('event.name' in fields) || fields.calls),
        );
        expect(ofCalls.reduce((sum, { fields }) => sum + Number(fields.calls ?? 1), 0)).toBe(entered.length);
        expect(vi.getTimerCount()).toBe(0);
      },
    );
    await fc.assert(property, { seed: 20261123, numRuns: 300 });
    // It has met all kinds of ends, or the property would say little.
    const all = [
      '200',
      '302',
      '404',
      '503',
      'ECONNABORTED',
      'ERR_CANCELED',
      'ECONNRESET',
      'ERR_LIMIT',
      'ERR_CIRCUIT_OPEN',
    ];
    for (const kind of [...all, 'ERR_CLOSED', 'ERR_ATTEMPT_TIMEOUT', 'CERT_HAS_EXPIRED'])
      expect(kinds.get(kind), kind).toBeGreaterThan(5);
  });

  it.each(['never answers', 'answers late', 'fails late'])(
    'has exactly one end where the wire does not listen and %s',
    async (how) => {
      const transport = ({ headers: _, ...request }: Request): Promise<never> =>
        new Promise((resolve, reject) => {
          const late = { status: 200, statusText: '', data: '', headers: {}, config: request };
          if (how === 'answers late') setTimeout(() => resolve(late as never), 5000);
          if (how === 'fails late') setTimeout(() => reject(new Error('late')), 5000);
        });
      const { logger } = collecting();
      const config = { baseURL, timeouts: { total: 1000, attempt: 300 }, retry: { maxRetries: 1 } };
      const client = createHttpClient(config, { transport, logger, random: () => 0 });
      const ledger = new Ledger();
      client.on('call.started', ({ call }) => ledger.call(call, 'starts'));
      client.on('call.ended', ({ call }) => ledger.call(call, 'ends'));
      client.on('attempt.started', ({ call, attempt }) => ledger.attempt(call, attempt, 'starts'));
      client.on('attempt.ended', ({ call, attempt }) => ledger.attempt(call, attempt, 'ends'));
      await finish(client.get('/').catch(() => {}));
      await pass(10_000);
      expect([...ledger.calls.values()]).toEqual([once]);
      expect([...ledger.attempts.values()]).toEqual([[once, once]]);
    },
  );

  it.each<[string, unknown]>([
    ['nothing at all', undefined],
    ['text', 'text'],
    ['an error whose response is null', Object.assign(new Error('lost'), { code: 'ECONNRESET', response: null })],
    ['an error that cannot be changed', Object.freeze(Object.assign(new Error('lost'), { code: 'ECONNRESET' }))],
  ])('has exactly one end where the wire rejects with %s', async (_, thrown) => {
    const { logger, lines } = collecting();
    const client = createHttpClient({ baseURL, retry: false }, { transport: () => Promise.reject(thrown), logger });
    const ledger = new Ledger();
    client.on('call.started', ({ call }) => ledger.call(call, 'starts'));
    client.on('call.ended', ({ call }) => ledger.call(call, 'ends'));
    client.on('attempt.started', ({ call, attempt }) => ledger.attempt(call, attempt, 'starts'));
    client.on('attempt.ended', ({ call, attempt }) => ledger.attempt(call, attempt, 'ends'));
    await finish(client.get('/').catch(() => {}));
    expect([...ledger.calls.values()]).toEqual([once]);
    expect([...ledger.attempts.values()]).toEqual([[once]]);
    expect(lines.filter(({ level }) => level !== 'debug')).toHaveLength(1);
    await client.close();
  });

  it('is of an attempt that reaches the wire: one aborted on its way there is none', async () => {
    const controller = new AbortController();
    const transport = createMockTransport([{ reply: 200 }]);
    const giveUp: Policy = (next) => (request) => {
      controller.abort();
      return next(request);
    };
    const { logger } = collecting();
    const client = createHttpClient({ baseURL }, { transport, logger, perAttempt: [giveUp] });
    const started: unknown[] = [];
    client.on('attempt.started', (event) => started.push(event));
    await finish(client.get('/', { signal: controller.signal }).catch(() => {}));
    expect([started, transport.requests, client.stats().attempts]).toEqual([[], [], 0]);
    expect(client.stats().calls).toMatchObject({ active: 0, cancelled: 1 });
  });
});

async function run(
  client: ReturnType<typeof createHttpClient>,
  { method, after, abortAfter, timeout, validateStatus }: Asked,
  index: number,
): Promise<void> {
  if (after > 0) await new Promise((resolve) => setTimeout(resolve, after));
  const controller = new AbortController();
  const abort = abortAfter === undefined ? undefined : setTimeout(() => controller.abort(), abortAfter);
  const options = {
    ...{ url: '/', method, headers: { 'x-call': index }, signal: controller.signal },
    ...(timeout !== undefined && { timeout }),
    ...(validateStatus !== undefined && { validateStatus }),
  };
  await client.request(options).catch(() => {});
  clearTimeout(abort);
}
