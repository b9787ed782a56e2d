/** retry: what may be repeated at all. Nothing is sent twice that could do harm twice. */
import { PassThrough, Readable } from 'node:stream';
import { retry } from 'pillion';
import type { Reply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { markUnsent } from '../../../src/call/failure.js';
import { clientOver, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, methods, outcomeOf } from '../alone.js';

fakeTimers();

const idempotent = methods.slice(0, 6);
const others = methods.slice(6);

const sent = async (method: string, reply: Reply, call: object = {}) => {
  const { client, transport } = scripted([reply, 200]);
  await ended(client.request({ url: '/', method, ...call }));
  return transport.requests.length;
};

/** Failures after which the upstream may have done the work. */
const doubtful: [string, Reply][] = [
  ['a 503', 503],
  ['a 503 with Retry-After', { status: 503, headers: { 'retry-after': '1' } }],
  ['a 429 with Retry-After', { status: 429, headers: { 'retry-after': '1' } }],
  ['a reset', { error: 'ECONNRESET' }],
  ['no answer in time', 'hang'],
  ["axios's own timeout", { error: 'ETIMEDOUT' }],
];

/** Failures before anything was sent. */
const unsent: [string, Reply][] = [
  ['a refused connection', { error: 'ECONNREFUSED' }],
  ['a name that is not found', { error: 'ENOTFOUND' }],
  ['no connection in time', { error: 'ERR_CONNECT_TIMEOUT' }],
];

describe.each(doubtful)('after %s', (_, reply) => {
  it.each(idempotent)('a %s is repeated', async (method) => {
    expect(await sent(method, reply)).toBe(2);
  });

  it.each(others)('a %s without a key is not repeated', async (method) => {
    expect(await sent(method, reply, { data: { amount: 1 } })).toBe(1);
  });

  it.each(others)('a %s with a key is repeated', async (method) => {
    expect(await sent(method, reply, { data: { amount: 1 }, idempotencyKey: 'order-1' })).toBe(2);
  });
});

describe.each(unsent)('after %s', (_, reply) => {
  it.each(others)('a %s without a key is repeated: nothing was sent', async (method) => {
    expect(await sent(method, reply, { data: { amount: 1 } })).toBe(2);
  });
});

describe('nothing was sent', () => {
  it('where the wire says so of a reset, in a handshake say', async () => {
    const failures = [markUnsent(Object.assign(new Error('lost in TLS'), { code: 'ECONNRESET' }))];
    const { next, wire } = alone(201);
    const stack = retry()((request) => {
      const failure = failures.shift();
      return failure === undefined ? next(request) : Promise.reject(failure);
    });
    expect(await ended(stack(aRequest({ method: 'post' })))).toMatchObject({ status: 201 });
    expect(wire.requests).toHaveLength(1);
  });

  it("where the kernel's connect timed out, which has the code of axios's own timeout", async () => {
    const kernel = Object.assign(new Error('connect'), { code: 'ETIMEDOUT', syscall: 'connect' });
    let count = 0;
    const stack = retry()(() => {
      count++;
      return Promise.reject(kernel);
    });
    await ended(stack(aRequest({ method: 'post' })));
    expect(count).toBe(3);
  });

  it('after a certificate was refused, yet the call is not retried, as it would be refused again', async () => {
    const { client, transport } = scripted([{ reply: { error: 'CERT_HAS_EXPIRED' } }]);
    await ended(client.post('/', {}));
    await ended(client.get('/'));
    expect(transport.requests).toHaveLength(2);
  });
});

describe('a retry that is turned away in this process', () => {
  it.each(['get', 'post'])('ends the call, although the attempt before it was never sent: a %s', async (method) => {
    let sent = 0;
    const client = clientOver(
      () => {
        sent++;
        return Promise.reject(markUnsent(Object.assign(new Error('lost in TLS'), { code: 'ECONNRESET' })));
      },
      { circuitBreaker: { volumeThreshold: 1 }, retry: { maxRetries: 5 } },
    );
    const scheduled: unknown[] = [];
    client.on('retry.scheduled', ({ code }) => scheduled.push(code));
    const { code, error } = await ended(client.request({ url: '/', method }));
    expect({ code, sent, scheduled }).toEqual({ code: 'ERR_CIRCUIT_OPEN', sent: 1, scheduled: ['ECONNRESET'] });
    expect(error).toMatchObject({ cause: { message: 'lost in TLS' } });
  });
});

describe('a caller who gives up', () => {
  it('because another call found no connection is cancelled all the same, and no failure of the upstream', async () => {
    const controller = new AbortController();
    const { client } = scripted(['hang'], { circuitBreaker: { volumeThreshold: 1 } });
    const scheduled: unknown[] = [];
    client.on('retry.scheduled', ({ code }) => scheduled.push(code));
    const call = outcomeOf(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(10);
    controller.abort(markUnsent(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })));
    expect(await call).toMatchObject({ code: 'ERR_CANCELED', ms: 10 });
    expect(scheduled).toEqual([]);
    expect(client.stats()).toMatchObject({
      calls: { cancelled: 1, failed: 0 },
      policies: { circuitBreaker: { 'http://api.test': { state: 'closed', outcomes: 0 } } },
    });
  });
});

describe('the key of a call', () => {
  it('is sent as Idempotency-Key, the same on every attempt', async () => {
    const { client, transport } = scripted([503, { error: 'ECONNRESET' }, 201]);
    await ended(client.post('/', { amount: 1 }, { idempotencyKey: 'order-1' }));
    expect(transport.requests.map(({ headers }) => headers['idempotency-key'])).toEqual([
      'order-1',
      'order-1',
      'order-1',
    ]);
  });

  it('does not make a 400 worth repeating', async () => {
    expect(await sent('POST', 400, { data: {}, idempotencyKey: 'order-1' })).toBe(1);
  });
});

describe('a body', () => {
  it.each<[string, unknown]>([
    ['a string', 'text'],
    ['an object', { amount: 1 }],
    ['a Buffer', Buffer.from('bytes')],
    ['an ArrayBuffer', new TextEncoder().encode('bytes').buffer],
    ['URLSearchParams', new URLSearchParams('a=1')],
  ])('that is %s is sent again, the same', async (_, data) => {
    const { client, transport } = scripted([503, 200]);
    await ended(client.put('/', data));
    const [first, second] = transport.requests;
    expect(second?.body).toEqual(first?.body);
    expect(second?.headers['content-type']).toBe(first?.headers['content-type']);
    expect(transport.requests).toHaveLength(2);
  });

  it.each<[string, () => unknown]>([
    ['a Node stream', () => Readable.from(['bytes'])],
    ['a stream that writes itself', () => new PassThrough().end('bytes')],
    ['a web stream', () => new Blob(['bytes']).stream()],
    [
      'an async generator',
      async function* bytes() {
        yield 'bytes';
      },
    ],
  ])('that is %s is never sent again, not even where nothing was sent', async (_, make) => {
    for (const reply of [503, { error: 'ECONNRESET' }, { error: 'ECONNREFUSED' }]) {
      const { next, wire } = alone(reply, 200);
      const { status } = await ended(retry()(next)(aRequest({ method: 'put', data: make() })));
      expect({ status, sent: wire.requests.length }).toEqual({ status: reply === 503 ? 503 : undefined, sent: 1 });
    }
  });

  it('of a stream is not sent again for its key either', async () => {
    const call = { data: Readable.from(['bytes']), idempotencyKey: 'order-1' };
    expect(await sent('POST', 503, call)).toBe(1);
  });
});

describe('an answer that a retry takes the place of', () => {
  it('has its stream destroyed, so that its connection is free', async () => {
    const discarded = [new PassThrough(), new PassThrough()];
    const { client } = scripted([...discarded.map((data) => ({ status: 503, data })), { data: 'the answer' }]);
    const { response } = await ended(client.get('/', { responseType: 'stream' }));
    expect(discarded.map(({ destroyed }) => destroyed)).toEqual([true, true]);
    expect(Buffer.concat(await response?.data.toArray()).toString()).toBe('the answer');
    expect(client.stats().policies.limits).toEqual({});
  });

  it('keeps its stream where it is the last one', async () => {
    const last = new PassThrough().end('busy');
    const { client } = scripted([503, 503, { status: 503, data: last }]);
    const { response } = await ended(client.get('/', { responseType: 'stream' }));
    expect(Buffer.concat(await response?.data.toArray()).toString()).toBe('busy');
  });

  it('may fail while it is destroyed without ending the process', async () => {
    const failing = new PassThrough({ destroy: (_, callback) => callback(new Error('late')) });
    const { client } = scripted([{ status: 503, data: failing }, 200]);
    expect(await ended(client.get('/', { responseType: 'stream' }))).toMatchObject({ status: 200 });
  });
});
