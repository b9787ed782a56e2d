/** adaptiveConcurrency: the limit follows how fast the destination is, and slots come back whatever happens. */
import { PassThrough } from 'node:stream';
import { adaptiveConcurrency } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, outcomeOf } from '../alone.js';

fakeTimers();

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('the limit', () => {
  it('rejects a call over it at once: nothing is sent or retried, and the circuit does not count it', async () => {
    const { client, transport } = scripted([{ reply: 'hang' }], {
      adaptiveConcurrency: { initialLimit: 3, minLimit: 1 },
    });
    const rejected: number[] = [];
    client.on('adaptive_concurrency.rejected', ({ limit }) => rejected.push(limit));
    const running = Array.from({ length: 3 }, () => rejection(client.get('/', { timeout: 100 })));
    const error = await rejection(client.get('/'));
    expect(error).toMatchObject({ code: 'ERR_LIMIT', attempts: 0 });
    expect(error.message).toContain('3 requests to http://api.test are in flight');
    expect(transport.requests).toHaveLength(3);
    expect(rejected).toEqual([3]);
    await pass(100);
    await Promise.all(running);
  });

  it.each([{ initialLimit: 5 }, { initialLimit: 300 }, { minLimit: 30 }, { maxLimit: 15 }])(
    'is refused where it is out of its own bounds: %j',
    (options) => {
      expect(() => adaptiveConcurrency(options)).toThrow(/initialLimit: must be between minLimit and maxLimit/);
    },
  );
});

describe('a slot comes back', () => {
  const options = { initialLimit: 1, minLimit: 1 };

  it('after a success, a failure and an abort', async () => {
    const { client } = scripted([200, 500, 'hang', 200], { adaptiveConcurrency: options, retry: false });
    await client.get('/');
    await rejection(client.get('/'));
    await rejection(client.get('/', { signal: AbortSignal.abort() }));
    const controller = new AbortController();
    const hanging = rejection(client.get('/', { signal: controller.signal }));
    await pass(10);
    controller.abort();
    await hanging;
    expect((await client.get('/')).status).toBe(200);
  });

  it('with the end of a stream, not with its headers', async () => {
    const body = new PassThrough();
    const { next } = alone({ data: body }, 200);
    const stack = adaptiveConcurrency(options)(next);
    const { response } = await outcomeOf(stack(aRequest({ responseType: 'stream' })));
    expect((await outcomeOf(stack(aRequest()))).code).toBe('ERR_LIMIT');
    response?.data.resume();
    body.end('x');
    await new Promise((resolve) => body.once('close', resolve));
    expect((await outcomeOf(stack(aRequest()))).status).toBe(200);
  });
});

it('each destination has a limit of its own', async () => {
  const { client } = scripted([{ reply: 'hang' }], {
    adaptiveConcurrency: { initialLimit: 1, minLimit: 1 },
    allowAbsoluteUrls: true,
  });
  const hanging = [
    rejection(client.get('/', { timeout: 50 })),
    rejection(client.get('http://b.test/', { timeout: 50 })),
  ];
  expect((await rejection(client.get('/'))).code).toBe('ERR_LIMIT');
  expect((await rejection(client.get('http://b.test/'))).code).toBe('ERR_LIMIT');
  expect(Object.keys(client.stats().policies.adaptiveConcurrency as object)).toEqual([baseURL, 'http://b.test']);
  await pass(50);
  await Promise.all(hanging);
});
