/** timeout: bounds one attempt, alone and in a client. */
import { PassThrough } from 'node:stream';
import type { Response } from 'pillion';
import { timeout } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { clientOver, collecting, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, outcomeOf, times } from '../alone.js';

fakeTimers();

/** A wire that goes on listening to the signal while the body comes, as the real one does. */
function listening(status: number, body: PassThrough) {
  return async (request: { signal?: unknown }): Promise<Response> => {
    const signal = request.signal as AbortSignal;
    signal.addEventListener('abort', () => body.destroy(signal.reason));
    return { status, statusText: '', data: body, headers: {}, config: aRequest() };
  };
}

describe('timeout alone', () => {
  it('ends an attempt after 2.5 seconds where nothing is said', async () => {
    const { next } = alone('hang');
    const { code, ms } = await ended(timeout()(next)(aRequest()));
    expect({ code, ms }).toEqual({ code: 'ERR_ATTEMPT_TIMEOUT', ms: 2500 });
  });

  it('takes its time from the options', async () => {
    const { error, ms } = await ended(timeout({ attempt: '1s' })(alone('hang').next)(aRequest()));
    expect(ms).toBe(1000);
    expect(error?.message).toBe('pillion: the attempt did not end within 1000 ms, timeouts.attempt.');
  });

  it('aborts the wire with its own error, and rejects where the wire does not listen', async () => {
    let signal: AbortSignal | undefined;
    const deaf = timeout({ attempt: '1s' })((request) => {
      signal = request.signal as AbortSignal;
      return new Promise(() => {});
    });
    expect(await ended(deaf(aRequest()))).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT', ms: 1000 });
    expect(signal?.reason).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT' });
  });

  it('waits for the last byte of a buffered body', async () => {
    const slow = timeout({ attempt: '1s' })(alone({ data: 'all of it', delay: 1001 }).next);
    expect(await ended(slow(aRequest()))).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT', ms: 1000 });
    const justInTime = timeout({ attempt: '1s' })(alone({ data: 'all of it', delay: 999 }).next);
    expect(await ended(justInTime(aRequest()))).toMatchObject({ status: 200, ms: 999 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits for the headers of a stream, however long its body takes', async () => {
    const body = new PassThrough();
    const next = timeout({ attempt: '1s' })(alone({ data: body, delay: 900 }).next);
    const { status } = await ended(next(aRequest({ responseType: 'stream' })));
    expect({ status, timers: vi.getTimerCount() }).toEqual({ status: 200, timers: 0 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(body.destroyed).toBe(false);
  });

  it('destroys a body whose headers came too late', async () => {
    const late = new PassThrough();
    const response = { data: late, status: 200, statusText: '', headers: {}, config: aRequest() };
    const next = timeout({ attempt: '1s' })(() => new Promise((r) => setTimeout(() => r(response), 2000)));
    await ended(next(aRequest()));
    await vi.advanceTimersByTimeAsync(1000);
    expect(late.destroyed).toBe(true);
  });

  it('destroys the body of a failure whose headers came too late', async () => {
    const late = new PassThrough();
    const response = { data: late, status: 503, statusText: '', headers: {}, config: aRequest() };
    const failure = Object.assign(new Error('503'), { response });
    const next = timeout({ attempt: '1s' })(() => new Promise((_, r) => setTimeout(() => r(failure), 2000)));
    await ended(next(aRequest()));
    await vi.advanceTimersByTimeAsync(1000);
    expect(late.destroyed).toBe(true);
  });

  it('false bounds nothing', async () => {
    const next = timeout({ attempt: false })(alone({ status: 200, delay: 60_000 }).next);
    expect(await ended(next(aRequest()))).toMatchObject({ status: 200, ms: 60_000 });
  });

  it('begins anew with each attempt', async () => {
    const next = timeout({ attempt: '1s' })(alone('hang', { status: 200, delay: 900 }).next);
    await ended(next(aRequest()));
    expect(await ended(next(aRequest()))).toMatchObject({ status: 200, ms: 900 });
  });

  it('passes the abort of the caller on, and it ends the attempt at once', async () => {
    const controller = new AbortController();
    const { next } = alone('hang');
    const outcome = outcomeOf(timeout()(next)(aRequest({ signal: controller.signal })));
    await vi.advanceTimersByTimeAsync(100);
    controller.abort();
    expect(await outcome).toMatchObject({ code: 'ERR_CANCELED', ms: 100 });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the attempt timeout of a client', () => {
  it('counts as a reset: a GET is sent again', async () => {
    const { client, transport } = scripted(['hang', 200]);
    expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: 2500 });
    expect(times(transport)).toEqual([0, 2500]);
  });

  it('may leave its mark upstream, so a POST without a key is not sent again', async () => {
    const { client, transport } = scripted(['hang', 200]);
    expect(await ended(client.post('/', {}))).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT', ms: 2500 });
    expect(transport.requests).toHaveLength(1);
  });

  it('is not spent while the attempt waits for a connection', async () => {
    const config = { limits: { maxRequests: 1 }, retry: false, timeouts: { attempt: '1s' } } as const;
    const { client } = scripted([{ reply: { status: 200, delay: 900 } }], config);
    const outcomes = await Promise.all(['/1', '/2', '/3'].map((path) => ended(client.get(path))));
    expect(outcomes).toMatchObject([
      { status: 200, ms: 900 },
      { status: 200, ms: 1800 },
      { status: 200, ms: 2700 },
    ]);
  });

  it('of a connection that is not made lets a POST be sent again: nothing was sent', async () => {
    const { client, transport } = scripted([{ error: 'ERR_CONNECT_TIMEOUT', delay: 1000 }, 201]);
    expect(await ended(client.post('/', { amount: 1 }))).toMatchObject({ status: 201, ms: 1000 });
    expect(transport.requests.map(({ body }) => body)).toEqual([{ amount: 1 }, { amount: 1 }]);
  });

  it('can be another one for a call, or none', async () => {
    const { client } = scripted([{ reply: { status: 200, delay: 5000 } }], { retry: false });
    expect(await ended(client.get('/', { timeouts: { attempt: '6s' } }))).toMatchObject({ status: 200 });
    expect(await ended(client.get('/', { timeouts: { attempt: false } }))).toMatchObject({ status: 200 });
    expect(await ended(client.get('/', { timeouts: { attempt: '100ms' } }))).toMatchObject({ ms: 100 });
  });

  it.each([200, 503])('is over with the headers of a %d, so a stream may take its time', async (status) => {
    const body = new PassThrough();
    const client = clientOver(listening(status, body), { retry: false });
    const { data } = await client.get('/', { responseType: 'stream', validateStatus: () => true });
    const chunks: string[] = [];
    data.on('error', (error: Error) => chunks.push(error.message));
    data.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    for (const second of [1, 2, 3, 4, 5]) {
      body.write(`${second}`);
      await vi.advanceTimersByTimeAsync(1000);
    }
    body.end();
    await vi.advanceTimersByTimeAsync(0);
    expect(chunks.join('')).toBe('12345');
  });

  it('flags the log line of the call, also where a later attempt succeeds', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted(['hang', 200], {}, { logger });
    await ended(client.get('/'));
    expect(lines.filter(({ level }) => level !== 'debug')).toMatchObject([
      { level: 'info', fields: { flags: ['timeout', 'retried'], attempts: 2 } },
    ]);
  });

  it('is shorter than the deadline, or the configuration is refused', async () => {
    expect(() => scripted([], { timeouts: { total: '1s', attempt: '2s' } })).toThrow(/attempt: must not be longer/);
  });
});
