/** fault: what it makes of calls, how often, and that production is spared. */
import { Readable } from 'node:stream';
import { createHttpClient, fault, type Request } from 'pillion';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { baseURL, collecting, rejection, scripted, silent } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, outcomeOf } from '../alone.js';

fakeTimers();
afterEach(() => {
  vi.unstubAllEnvs();
});

const ok = { reply: { data: 'ok' } };

describe('a fault', () => {
  it('holds an attempt up', async () => {
    const { client } = scripted([ok], { fault: { delay: { duration: '2s' } } });
    const { status, ms } = await ended(client.get('/'));
    expect({ status, ms }).toEqual({ status: 200, ms: 2000 });
  });

  it('in a delay ends with the attempt, and leaves no timer', async () => {
    const { client, transport } = scripted([ok], { fault: { delay: { duration: '1h' } }, retry: false });
    expect((await ended(client.get('/'))).code).toBe('ERR_ATTEMPT_TIMEOUT');
    expect(transport.requests).toHaveLength(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('answers in place of the upstream, like an upstream: it is retried and counted', async () => {
    const { client, transport } = scripted([ok], { fault: { abort: { status: 503 } } });
    expect(await ended(client.get('/'))).toMatchObject({ status: 503, code: 'ERR_BAD_RESPONSE' });
    expect(transport.requests).toHaveLength(0);
    const { circuitBreaker, fault: counts } = client.stats().policies as Record<string, Record<string, never>>;
    expect(circuitBreaker?.[baseURL]).toMatchObject({ failures: 3 });
    expect(counts).toMatchObject({ abort: 3 });
  });

  it('may answer well, too', async () => {
    const { client } = scripted([ok], { fault: { abort: { status: 204 } } });
    expect((await ended(client.get('/'))).status).toBe(204);
  });

  it('resets: a GET is sent again, a POST is not', async () => {
    const { client } = scripted([ok], { fault: { reset: {} } });
    expect(await rejection(ended(client.get('/')).then(({ error }) => Promise.reject(error)))).toMatchObject({
      code: 'ECONNRESET',
    });
    expect(client.stats().policies.fault).toMatchObject({ reset: 3 });
    await ended(client.post('/'));
    expect(client.stats().policies.fault).toMatchObject({ reset: 4 });
  });

  it('cuts a buffered body off as a reset, and a stream after its first chunk', async () => {
    const { client } = scripted([ok], { fault: { truncate: {} }, retry: false });
    expect((await ended(client.get('/'))).code).toBe('ECONNRESET');
    const stack = fault({ truncate: {} })(
      async (config) =>
        ({ status: 200, data: Readable.from(['a', 'b']), headers: {}, statusText: '', config }) as never,
    );
    const { data } = await stack(aRequest());
    const chunks: unknown[] = [];
    const error = await (async () => {
      for await (const chunk of data as Readable) chunks.push(String(chunk));
    })().catch((reason: Error & { code?: string }) => reason);
    expect(chunks).toEqual(['a']);
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('is made of matching calls only, flagged and told', async () => {
    const { client } = scripted([ok], {
      fault: { abort: { status: 500 }, match: { path: { prefix: '/bad' } } },
      retry: false,
    });
    const told: string[] = [];
    client.on('fault.injected', ({ call, fault: kind }) => told.push(`${kind} ${call.path} ${call.flags}`));
    expect((await ended(client.get('/good'))).status).toBe(200);
    expect((await ended(client.get('/bad/1'))).status).toBe(500);
    expect(told).toEqual(['abort /bad/1 fault']);
  });

  it.each([
    [true, { 'x-chaos': 'on' }, 500],
    [true, { 'X-Chaos': '' }, 500],
    [true, {}, 200],
    [false, { 'x-chaos': 'on' }, 200],
    [false, {}, 500],
    ['on', { 'x-chaos': 'on' }, 500],
    ['on', { 'x-chaos': 'off' }, 200],
  ])('is made where x-chaos is %j of a call with %j: %i', async (asked, headers, status) => {
    const match = { headers: { 'x-chaos': asked } };
    const { client } = scripted([ok], { fault: { abort: { status: 500 }, match }, retry: false });
    expect((await ended(client.get('/', { headers: headers as Record<string, string> }))).status).toBe(status);
  });
});

describe('the share', () => {
  /** Which of the attempts were answered by the fault. */
  async function struck(options: object, count: number): Promise<boolean[]> {
    const stack = fault({ abort: { status: 204, fraction: 0.2 }, ...options })(
      async (config: Request) => ({ status: 200, data: '', headers: {}, statusText: '', config }) as never,
    );
    const answers: boolean[] = [];
    for (let i = 0; i < count; i++) answers.push((await stack(aRequest())).status === 204);
    return answers;
  }

  it('is what fraction says, within four sigma of 20,000', async () => {
    const hits = (await struck({ seed: 42 }, 20_000)).filter(Boolean).length;
    expect(Math.abs(hits - 4000)).toBeLessThan(4 * Math.sqrt(20_000 * 0.2 * 0.8));
  });

  it('falls on the same attempts with the same seed, and on others with another', async () => {
    const [one, two, other] = [
      await struck({ seed: 1 }, 200),
      await struck({ seed: 1 }, 200),
      await struck({ seed: 2 }, 200),
    ];
    expect(two).toEqual(one);
    expect(other).not.toEqual(one);
  });
});

describe('in production', () => {
  it('fault is not in the stack, and a log line says so', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const { logger, lines } = collecting();
    const { client } = scripted([ok], { fault: { abort: { status: 503 } } }, { logger });
    expect(client.pipeline).not.toContain('fault');
    expect((await ended(client.get('/'))).status).toBe(200);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      fields: { sections: [{ section: 'fault', why: 'NODE_ENV is production' }] },
    });
  });

  it('fault is in the stack where its options allow it', () => {
    vi.stubEnv('NODE_ENV', 'production');
    const config = { baseURL, fault: { abort: { status: 503 }, allowInProduction: true } };
    expect(createHttpClient(config, { logger: silent }).pipeline).toContain('fault');
  });
});

it('alone rejects as an upstream would', async () => {
  const { next } = alone(200);
  const { status, error } = await outcomeOf(fault({ abort: { status: 429 } })(next)(aRequest()));
  expect({ status, name: error?.name }).toEqual({ status: 429, name: 'AxiosError' });
});
