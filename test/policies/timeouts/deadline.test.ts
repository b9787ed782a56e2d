/** deadline: bounds the whole call, alone and in a client. */
import { PassThrough } from 'node:stream';
import { compose, deadline, limits, retry, timeout } from 'pillion';
import { holdReply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { collecting, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, outcomeOf, times } from '../alone.js';

fakeTimers();

describe('deadline alone', () => {
  it('ends a call after ten seconds where nothing is said', async () => {
    const { next } = alone('hang');
    const { code, ms } = await ended(deadline()(next)(aRequest()));
    expect({ code, ms }).toEqual({ code: 'ERR_DEADLINE', ms: 10_000 });
  });

  it('takes its time from the options, as a number or with a unit', async () => {
    for (const total of [1500, '1500ms', '1.5s'] as const) {
      const { ms } = await ended(deadline({ total })(alone('hang').next)(aRequest()));
      expect(ms).toBe(1500);
    }
  });

  it('aborts the wire with its own error', async () => {
    let signal: AbortSignal | undefined;
    const next = deadline({ total: '1s' })((request) => {
      signal = request.signal as AbortSignal;
      return new Promise(() => {});
    });
    await ended(next(aRequest()));
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toMatchObject({ code: 'ERR_DEADLINE' });
  });

  it('says how long the call had and how many attempts it made', async () => {
    const { next } = alone(503, 'hang');
    const stack = compose([deadline({ total: '1s' }), retry({}, { random: () => 0 })], next);
    const { error } = await ended(stack(aRequest()));
    expect(error?.message).toBe('pillion: the call did not end within 1000 ms, timeouts.total (2 attempts).');
  });

  it('ends a call whose wire does not listen', async () => {
    const deaf = deadline({ total: '1s' })(() => new Promise(() => {}));
    expect(await ended(deaf(aRequest()))).toMatchObject({ code: 'ERR_DEADLINE', ms: 1000 });
  });

  it('tells a retry below it when the call ends: one that cannot finish its wait is not made', async () => {
    const { next, wire } = alone(503, 200);
    const patient = retry({ backoff: { base: '4s', max: '4s' } }, { random: () => 0.5 });
    expect(await ended(compose([deadline({ total: '1s' }), patient], next)(aRequest()))).toMatchObject({
      ...{ status: 503, ms: 0 },
    });
    expect(wire.requests).toHaveLength(1);
  });

  it("takes a call's own timeout upon itself: the wire would give it to each attempt", async () => {
    let given: number | undefined;
    const next = deadline()(async (request) => {
      given = request.timeout;
      return { data: '', status: 200, statusText: '', headers: {}, config: request };
    });
    await ended(next(aRequest({ timeout: 700 })));
    expect(given).toBe(0);
  });

  it('leaves an answer in time alone, and no timer behind', async () => {
    const { next } = alone({ data: 'ok', delay: 999 });
    const { status, ms } = await ended(deadline({ total: '1s' })(next)(aRequest()));
    expect({ status, ms, timers: vi.getTimerCount() }).toEqual({ status: 200, ms: 999, timers: 0 });
  });

  it('leaves no timer behind after a failure or a throw', async () => {
    await ended(deadline()(alone(404).next)(aRequest()));
    const throwing = deadline()(() => {
      throw new Error('thrown, not rejected');
    });
    expect((await ended(throwing(aRequest()))).error?.message).toBe('thrown, not rejected');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('destroys a body that comes after the call has ended', async () => {
    const late = new PassThrough();
    const response = { data: late, status: 200, statusText: '', headers: {}, config: aRequest() };
    const next = deadline({ total: '1s' })(() => new Promise((r) => setTimeout(() => r(response), 2000)));
    await ended(next(aRequest()));
    await vi.advanceTimersByTimeAsync(1000);
    expect(late.destroyed).toBe(true);
  });

  it('false bounds nothing but a call that has a timeout of its own', async () => {
    const unbounded = deadline({ total: false });
    const { next } = alone({ status: 200, delay: 86_400_000 }, 'hang');
    expect(await ended(unbounded(next)(aRequest()))).toMatchObject({ status: 200 });
    expect(await ended(unbounded(next)(aRequest({ timeout: 300 })))).toMatchObject({ code: 'ECONNABORTED', ms: 300 });
  });
});

describe("a call's own timeout", () => {
  it('tightens the deadline', async () => {
    const { client } = scripted(['hang']);
    expect(await ended(client.get('/', { timeout: 700 }))).toMatchObject({ code: 'ECONNABORTED', ms: 700 });
  });

  it('never lengthens one that the configuration sets', async () => {
    const { client } = scripted([{ reply: 'hang' }], { timeouts: { total: '1s', attempt: false } });
    expect(await ended(client.get('/', { timeout: 60_000 }))).toMatchObject({ code: 'ERR_DEADLINE', ms: 1000 });
  });

  it('0 leaves the deadline as it is', async () => {
    const { client } = scripted([{ reply: 'hang' }], { timeouts: { total: '1s', attempt: false } });
    expect(await ended(client.get('/', { timeout: 0 }))).toMatchObject({ code: 'ERR_DEADLINE', ms: 1000 });
  });

  it('bounds all attempts together, not each of them', async () => {
    const { client, transport } = scripted([{ reply: { status: 503, delay: 400 } }]);
    expect(await ended(client.get('/', { timeout: 1000 }))).toMatchObject({ code: 'ECONNABORTED', ms: 1000 });
    expect(times(transport)).toEqual([0, 400, 800]);
  });

  it('that no timer can hold does not end the call at once', async () => {
    const { client } = scripted([{ status: 200, delay: 5000 }], { timeouts: { total: false, attempt: false } });
    expect(await ended(client.get('/', { timeout: 2 ** 31 }))).toMatchObject({ status: 200, ms: 5000 });
  });

  it('is not the other way round: timeouts.total of a call may lengthen the deadline', async () => {
    const { client } = scripted([{ status: 200, delay: 15_000 }], { timeouts: { attempt: false } });
    const patient = client.get('/', { timeouts: { total: '20s' } });
    expect(await ended(patient)).toMatchObject({ status: 200, ms: 15_000 });
  });
});

describe('the deadline of a client', () => {
  it('bounds attempts, waits and queues together', async () => {
    const config = { timeouts: { total: '5s', attempt: '2s' }, retry: { maxRetries: 10, backoff: { base: '500ms' } } };
    const { client, transport } = scripted([{ reply: 'hang' }], config as object, { random: () => 0.5 });
    const { code, ms } = await ended(client.get('/'));
    expect({ code, ms }).toEqual({ code: 'ERR_DEADLINE', ms: 5000 });
    expect(times(transport)).toEqual([0, 2250, 4750]);
  });

  it('ends a call that waits for a connection, and the place in the queue is free again', async () => {
    const held = holdReply();
    const { client } = scripted([held, 200], { limits: { maxRequests: 1 }, timeouts: { attempt: false } });
    const first = client.get('/first');
    expect(await ended(client.get('/second', { timeout: 300 }))).toMatchObject({ code: 'ECONNABORTED', ms: 300 });
    expect(client.stats().policies.limits).toEqual({ 'http://api.test': { running: 1, pending: 0 } });
    held.reply(200);
    expect((await first).status).toBe(200);
  });

  it('is not waited for by a retry that cannot finish its wait before it', async () => {
    const config = { timeouts: { total: '1s' }, retry: { backoff: { base: '4s', max: '4s' } } } as const;
    const { client, transport } = scripted([503, 200], config, { random: () => 0.5 });
    expect(await ended(client.get('/'))).toMatchObject({ status: 503, ms: 0 });
    expect(transport.requests).toHaveLength(1);
  });

  it('ends a buffered body that dribbles for ever', async () => {
    const { client } = scripted([{ reply: 'hang' }], { timeouts: { attempt: false } });
    expect(await ended(client.get('/'))).toMatchObject({ code: 'ERR_DEADLINE', ms: 10_000 });
  });

  it.each([200, 503])('ends the stream of a %d that dribbles for ever', async (status) => {
    const body = new PassThrough();
    const dribble = setInterval(() => body.write('.'), 100);
    body.on('close', () => clearInterval(dribble));
    const { client } = scripted([{ status, data: body }], { retry: false });
    const response = await client.get('/', { responseType: 'stream', validateStatus: () => true });
    const failure = new Promise<Error>((resolve) => response.data.on('error', resolve));
    response.data.resume();
    await vi.advanceTimersByTimeAsync(9999);
    expect(body.destroyed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(body.destroyed).toBe(true);
    expect(await failure).toMatchObject({ code: 'ERR_DEADLINE' });
    expect(client.stats().calls.active).toBe(0);
  });

  it.each([200, 503])('frees the connection of the stream of a %d that nobody reads', async (status) => {
    const body = new PassThrough();
    const { client } = scripted([{ status, data: body }], { retry: false });
    await outcomeOf(client.get('/', { responseType: 'stream' }));
    expect(client.stats().policies.limits).toEqual({ 'http://api.test': { running: 1, pending: 0 } });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(body.destroyed).toBe(true);
    expect(client.stats().policies.limits).toEqual({});
  });

  it('leaves the stream alone once it has been read', async () => {
    const { client } = scripted([{ data: 'all of it' }]);
    const { data } = await client.get('/', { responseType: 'stream' });
    expect(Buffer.concat(await data.toArray()).toString()).toBe('all of it');
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('flags the log line and is logged as an error', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([{ reply: 'hang' }], { timeouts: { attempt: false } }, { logger });
    await ended(client.get('/', { timeout: 100 }));
    expect(lines.filter(({ level }) => level !== 'debug')).toMatchObject([
      { level: 'error', message: 'GET ECONNABORTED', fields: { flags: ['deadline'], duration_ms: 100, attempts: 1 } },
    ]);
  });

  it('is none with timeouts: false', async () => {
    const { client } = scripted([{ status: 200, delay: 3_600_000 }], { timeouts: false });
    expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: 3_600_000 });
  });

  it.each([
    ['ECONNABORTED', { timeout: 300 }],
    ['ERR_DEADLINE', { timeouts: { total: '300ms' } }],
  ] as const)('with timeouts: false is that of the call, where it has one: %s by %j', async (code, own) => {
    const { client } = scripted([{ status: 200, delay: 3_600_000 }], { timeouts: false });
    expect(await ended(client.get('/', own))).toMatchObject({ code, ms: 300 });
  });

  it('bounds other policies put together by hand', async () => {
    const { next } = alone('hang');
    const stack = compose([deadline({ total: '3s' }), limits(), timeout({ attempt: '5s' })], next);
    expect(await ended(stack(aRequest()))).toMatchObject({ code: 'ERR_DEADLINE', ms: 3000 });
  });
});
