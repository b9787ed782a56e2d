/** deadlineHeader and runWithDeadline: a deadline that comes in with a request goes on with the calls made for it. */
import fc from 'fast-check';
import { runWithDeadline } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { ended } from '../alone.js';

fakeTimers();

const name = 'x-request-timeout-ms';
const internal = 'http://billing.internal';

describe('the header', () => {
  it('says on each attempt how many milliseconds are left', async () => {
    const script = [{ status: 503, delay: 300 }, { status: 503, delay: 500 }, 200];
    const { client, transport } = scripted(script, {
      baseURL: internal,
      deadlineHeader: {},
      timeouts: { total: '5s' },
    });
    await ended(client.get('/'));
    expect(transport.requests.map(({ headers }) => headers[name])).toEqual(['5000', '4700', '4200']);
  });

  it('has the name it is given', async () => {
    const config = { baseURL: internal, deadlineHeader: { name: 'grpc-timeout-ms' } };
    const { client, transport } = scripted([200], config);
    await ended(client.get('/', { timeout: 1234 }));
    expect(transport.requests[0]?.headers['grpc-timeout-ms']).toBe('1234');
  });

  it('says with `ofAttempt` the time limit of the attempt where that is shorter', async () => {
    const { client, transport } = scripted([{ status: 503, delay: 300 }, { status: 503, delay: 500 }, 200], {
      baseURL: internal,
      deadlineHeader: { ofAttempt: true },
      timeouts: { total: 1500, attempt: 1000 },
    });
    await ended(client.get('/'));
    await ended(client.get('/', { timeouts: { attempt: false } }));
    await ended(client.get('/', { timeouts: { total: false, attempt: 70 } }));
    const said = transport.requests.map(({ headers }) => headers[name]);
    expect(said).toEqual(['1000', '1000', '700', '1500', '70']);
  });

  it('is not sent by a call without a deadline', async () => {
    const { client, transport } = scripted([200], { baseURL: internal, deadlineHeader: {}, timeouts: false });
    await ended(client.get('/'));
    expect(transport.requests[0]?.headers).not.toHaveProperty(name);
  });

  it.each([
    ['http://127.0.0.1:8080', true],
    ['http://10.1.2.3', true],
    ['http://172.16.0.1', true],
    ['http://172.32.0.1', false],
    ['http://192.168.1.1', true],
    ['http://8.8.8.8', false],
    ['http://[::1]', true],
    ['http://[fd00::1]', true],
    ['http://[2001:db8::1]', false],
    ['http://billing', true],
    ['http://billing.default.svc', true],
    ['http://billing.default.svc.cluster.local', true],
    ['http://api.internal', true],
    ['http://api.example.com', false],
    ['http://internal.example.com', false],
  ])('goes to %s by itself: %s', async (baseURL, sent) => {
    const { client, transport } = scripted([{ reply: 200 }], { baseURL, deadlineHeader: {} });
    await ended(client.get('/'));
    expect(name in (transport.requests[0]?.headers ?? {})).toBe(sent);
    client.update({ baseURL, deadlineHeader: { external: true } });
    await ended(client.get('/'));
    expect(transport.requests[1]?.headers).toHaveProperty(name);
  });
});

describe('runWithDeadline', () => {
  const hanging = (config: object = {}) => scripted([{ reply: 'hang' }], { retry: false, ...config });

  it.each([250, '250', ' 250 '])('ends calls made under it by then: %j', async (ms) => {
    const { client } = hanging();
    expect(await runWithDeadline(ms, () => ended(client.get('/')))).toMatchObject({ code: 'ERR_DEADLINE', ms: 250 });
  });

  it.each([undefined, '', 'soon', '-5', Number.NaN, -1])('with %j sets none', async (ms) => {
    const { client } = hanging();
    expect(await runWithDeadline(ms, () => ended(client.get('/')))).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT' });
  });

  it('is the earlier of two, and never later than the client’s own', async () => {
    const { client } = hanging({ timeouts: { total: 500, attempt: false } });
    const under = (outer: number, inner: number) =>
      runWithDeadline(outer, () => runWithDeadline(inner, () => ended(client.get('/'))));
    expect((await under(100, 400)).ms).toBe(100);
    expect((await under(400, 100)).ms).toBe(100);
    expect((await under(4000, 4000)).ms).toBe(500);
  });

  it('holds where the client has no timeouts of its own', async () => {
    const { client } = hanging({ timeouts: false });
    expect(await runWithDeadline(70, () => ended(client.get('/')))).toMatchObject({ code: 'ERR_DEADLINE', ms: 70 });
  });

  it('that has passed sends nothing', async () => {
    const { client, transport } = hanging();
    const call = runWithDeadline(50, async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return rejection(client.get('/'));
    });
    await vi.advanceTimersByTimeAsync(60);
    expect(await call).toMatchObject({ code: 'ERR_DEADLINE', attempts: 0 });
    expect(transport.requests).toHaveLength(0);
  });

  it('reaches the upstream, smaller with each service', async () => {
    const { client, transport } = scripted([{ reply: 200 }], { baseURL: internal, deadlineHeader: {} });
    const call = runWithDeadline('1000', async () => {
      await new Promise((resolve) => setTimeout(resolve, 400));
      return client.get('/');
    });
    await vi.advanceTimersByTimeAsync(400);
    await call;
    expect(transport.requests[0]?.headers[name]).toBe('600');
  });

  it('does not mix with others that run at the same time', async () => {
    const { client } = hanging({ timeouts: { attempt: false } });
    const ends = [30, 10, 20].map((ms) =>
      runWithDeadline(ms, async () => {
        const startedAt = performance.now();
        await rejection(client.get('/'));
        return performance.now() - startedAt;
      }),
    );
    await vi.advanceTimersByTimeAsync(30);
    expect(await Promise.all(ends)).toEqual([30, 10, 20]);
  });

  it('never lets a child have more time than its parent', async () => {
    const { client, transport } = scripted([{ reply: 200 }], {
      baseURL: internal,
      deadlineHeader: {},
      timeouts: { total: '1h' },
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 6 }),
        async (nested) => {
          const call = (rest: readonly number[]): Promise<unknown> =>
            rest.length === 0 ? client.get('/') : runWithDeadline(rest[0], () => call(rest.slice(1)));
          await call(nested);
          expect(Number(transport.requests.at(-1)?.headers[name])).toBe(Math.min(...nested));
        },
      ),
      { seed: 1 },
    );
  });
});
