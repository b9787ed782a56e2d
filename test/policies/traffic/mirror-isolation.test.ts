/** mirror: whatever becomes of a copy, the call is the same; and whatever becomes of the call, a copy keeps to its limits. */
import { PassThrough, Readable } from 'node:stream';
import { AxiosError } from 'axios';
import type { HttpClientConfig, Request } from 'pillion';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { pass, stopClock, turn } from '../../properties/world.js';
import { baseURL, clientOver, collecting, rejection, until, watch } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

const shadow = 'http://shadow.test';
type Answer = (request: Request) => unknown;
type Config = Omit<HttpClientConfig, 'mirror'>;

const answer = (request: Request, more: object = {}) => ({
  status: 200,
  statusText: '',
  data: 'ok',
  headers: {},
  config: request,
  request: {},
  ...more,
});
const hang = () => new Promise(() => {});

afterEach(() => {
  vi.useRealTimers();
});

/** Calls are answered by `primary`, copies by `copy`; `sent` has both in their order. */
function mirrored(
  copy: Answer,
  options: object | false = {},
  config: Config = {},
  primary: Answer = async (r) => answer(r),
) {
  const sent: string[] = [];
  const copies: Request[] = [];
  const { logger, lines } = collecting();
  const transport = (request: Request) => {
    const isCopy = String(request.baseURL).startsWith(shadow);
    sent.push(isCopy ? 'copy' : 'call');
    if (isCopy) copies.push(request);
    return isCopy ? copy(request) : primary(request);
  };
  const mirror = options === false ? {} : { mirror: [{ baseURL: shadow, ...options }] };
  const client = clientOver(transport as never, { ...config, ...mirror }, { logger });
  onTestFinished(() => client.close({ grace: 0 }));
  const stats = () => client.stats().policies.mirror?.[shadow];
  return { client, sent, copies, lines, stats };
}

/** Rejections and exceptions that nobody caught while the test ran. */
function uncaught(): unknown[] {
  const seen: unknown[] = [];
  const note = (reason: unknown) => seen.push(reason);
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  onTestFinished(() => {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
  });
  return seen;
}

const turns = async () => {
  for (let i = 0; i < 5; i++) await turn();
};

describe('calls come to the same with copies as without', () => {
  const broken = () => {
    const body = new PassThrough();
    setImmediate(() => body.destroy(new Error('the body broke')));
    return body;
  };

  it.each<[string, Answer]>([
    ['answers', (request) => Promise.resolve(answer(request))],
    ['never answers', hang],
    ['answers 500', (request) => Promise.resolve(answer(request, { status: 500 }))],
    [
      'answers 429 with Retry-After',
      (r) => Promise.resolve(answer(r, { status: 429, headers: { 'retry-after': '9' } })),
    ],
    ['loses the connection', (request) => Promise.reject(new AxiosError('lost', 'ECONNRESET', request))],
    [
      'throws synchronously',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects with nothing', () => Promise.reject(undefined)],
    ['answers nothing', () => Promise.resolve(undefined)],
    ['breaks off its body', (request) => Promise.resolve(answer(request, { data: broken() }))],
    ['never ends its body', (request) => Promise.resolve(answer(request, { data: new PassThrough() }))],
  ])('where the shadow %s', async (_, copy) => {
    const seen = uncaught();
    const of = async (options: object | false) => {
      // Every third attempt fails, so that there are retries too.
      let count = 0;
      const primary: Answer = (request) => Promise.resolve(answer(request, { status: ++count % 3 === 0 ? 503 : 200 }));
      const { client, lines, copies } = mirrored(copy, options, {}, primary);
      const events: unknown[] = [];
      const mirrors: string[] = [];
      for (const name of ['call.started', 'attempt.started', 'attempt.ended', 'call.ended', 'retry.scheduled'] as const)
        client.on(name, ({ call }) => events.push([name, call.attempts, call.href, [...call.flags]]));
      for (const name of ['circuit.opened', 'circuit.closed', 'limits.rejected'] as const)
        client.on(name, () => events.push(name));
      client.on('mirror.ended', () => mirrors.push('end'));
      const results: unknown[] = [];
      for (let i = 0; i < 30; i++) {
        const { status, data, config } = await client.get(`/${i}`, { headers: { 'x-request-id': `r${i}` } });
        results.push([status, data, config.url, config.baseURL, config.responseType]);
        await turns();
      }
      const { calls, attempts, policies } = client.stats();
      const { mirror, ...others } = policies;
      const told = lines.map(({ level, message, fields: { duration_ms, trace_id, span_id, ...rest } }) => {
        return [level, message, rest, typeof duration_ms];
      });
      return { asked: copies.length, calm: { results, events, calls, attempts, others, told } };
    };
    const [without, beside] = [await of(false), await of({ maxConcurrent: 10 })];
    expect(without.asked).toBe(0);
    expect(beside.asked).toBeGreaterThanOrEqual(10);
    expect(beside.calm).toEqual(without.calm);
    expect(seen).toEqual([]);
  });

  it('where a listener of its events throws', async () => {
    const seen = uncaught();
    const { client } = mirrored((request) => Promise.resolve(answer(request)));
    client.on('mirror.ended', () => {
      throw new Error('the listener broke');
    });
    expect((await client.get('/')).status).toBe(200);
    await turns();
    expect(seen).toEqual([]);
  });

  it('where the stream of the answer is read while the copy hangs', async () => {
    const { client } = mirrored(hang, {}, {}, async (r) => answer(r, { data: Readable.from(['a', 'b', 'c']) }));
    const { data } = await client.get('/', { responseType: 'stream' });
    const parts: string[] = [];
    for await (const part of data) parts.push(String(part));
    expect(parts.join('')).toBe('abc');
  });

  it("with the client's own circuit open for failures of its own only", async () => {
    const copy: Answer = (request) => Promise.resolve(answer(request, { status: 500 }));
    const { client, stats } = mirrored(copy, {}, { circuitBreaker: { volumeThreshold: 5 } });
    const opened: string[] = [];
    client.on('circuit.opened', ({ destination }) => opened.push(destination));
    for (let i = 0; i < 30; i++) {
      await client.get('/');
      await turns();
    }
    expect(stats()).toMatchObject({ circuit: 'open' });
    expect(opened).toEqual([]);
    expect(Object.keys(client.stats().policies.circuitBreaker as object)).toEqual([baseURL]);
  });
});

describe('a copy leaves no sooner than the call itself', () => {
  it('where the call goes at once', async () => {
    const { client, sent } = mirrored(async (r) => answer(r));
    await Promise.all([client.get('/'), client.get('/')]);
    await turns();
    expect(sent).toEqual(['call', 'call', 'copy', 'copy']);
  });
});

describe('a copy under way', () => {
  it('goes on where the caller gives up', async () => {
    let reply: () => void = () => {};
    const copy: Answer = (request) => new Promise((resolve) => (reply = () => resolve(answer(request))));
    const { client, copies, stats } = mirrored(copy, {}, {}, hang);
    const controller = new AbortController();
    const error = rejection(client.get('/', { signal: controller.signal }));
    await turns();
    controller.abort();
    expect((await error).code).toBe('ERR_CANCELED');
    expect(copies[0]?.signal?.aborted).toBe(false);
    reply();
    await turns();
    expect(stats()).toMatchObject({ sent: 1, succeeded: 1, active: 0 });
  });

  it('ends with its own timeout, and so does the body of one that has answered; its place is free then', async () => {
    stopClock();
    const bodies: PassThrough[] = [];
    const copy: Answer = async (request) => {
      bodies.push(new PassThrough());
      return request.url === '/hang' ? hang() : answer(request, { data: bodies.at(-1) });
    };
    const { client, copies, stats } = mirrored(copy, { timeout: '200ms' });
    await client.get('/hang');
    await client.get('/dribble');
    await turns();
    expect(stats()).toMatchObject({ sent: 2, active: 2 });
    await pass(199);
    expect(copies.map(({ signal }) => signal?.aborted)).toEqual([false, false]);
    await pass(1);
    await turns();
    expect(copies[0]?.signal?.aborted).toBe(true);
    expect(bodies[1]?.destroyed).toBe(true);
    expect(stats()).toMatchObject({ active: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not ended by the timeouts of the call or the client', async () => {
    stopClock();
    const timeouts = { total: 50, attempt: 50 };
    const { client, copies } = mirrored(hang, { timeout: '1s' }, { timeouts });
    await client.get('/', { timeout: 20 });
    await turns();
    await pass(500);
    expect(copies.map(({ signal }) => signal?.aborted)).toEqual([false]);
  });

  it('ends with close(), and none is sent after it; no timer is left', async () => {
    stopClock();
    const { client, copies, sent } = mirrored(hang);
    await client.get('/1');
    await turns();
    await client.get('/2');
    await client.close();
    await turns();
    expect(copies.map(({ url, signal }) => [url, signal?.aborted])).toEqual([['/1', true]]);
    expect(sent.filter((each) => each === 'copy')).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends when an update takes its mirror away', async () => {
    const { client, copies } = mirrored(hang);
    await client.get('/');
    await turns();
    client.update({ baseURL });
    await turns();
    expect(copies.map(({ signal }) => signal?.aborted)).toEqual([true]);
    await client.get('/');
    await turns();
    expect(copies).toHaveLength(1);
  });

  it('keeps to maxConcurrent until its body has been read, not only its headers', async () => {
    const bodies: PassThrough[] = [];
    const copy: Answer = async (request) => {
      const body = new PassThrough();
      bodies.push(body);
      return answer(request, { data: body });
    };
    const { client, stats } = mirrored(copy, { maxConcurrent: 2 });
    for (let i = 0; i < 5; i++) {
      await client.get('/');
      await turns();
    }
    expect(stats()).toMatchObject({ sent: 2, active: 2, skipped: { overflow: 3 } });
    for (const body of bodies) body.end('x'.repeat(100_000));
    await until(() => stats()?.active === 0);
    await client.get('/');
    await turns();
    expect(stats()).toMatchObject({ sent: 3 });
  });
});

describe('the circuit of a mirror', () => {
  it('lets a trial through after a while, and copies again once that goes well', async () => {
    stopClock();
    let well = false;
    const { client, stats } = mirrored(async (request) => answer(request, { status: well ? 200 : 500 }));
    const send = async (count: number) => {
      for (let i = 0; i < count; i++) {
        await client.get('/');
        await turns();
      }
    };
    await send(25);
    expect(stats()).toMatchObject({ sent: 20, failed: 20, circuit: 'open', skipped: { circuit: 5 } });
    well = true;
    await pass(5100);
    await send(3);
    expect(stats()).toMatchObject({ succeeded: 3, circuit: 'closed', skipped: { circuit: 5 } });
  });

  it('counts no answer below 500 as a failure', async () => {
    const { client, stats } = mirrored(async (request) => answer(request, { status: 404 }));
    for (let i = 0; i < 25; i++) {
      await client.get('/');
      await turns();
    }
    expect(stats()).toMatchObject({ sent: 25, failed: 25, circuit: 'closed' });
  });
});

it('each copy emits mirror.ended once, with its status or why it has none', async () => {
  stopClock();
  const copy: Answer = async (request) => {
    if (request.url === '/hang') return hang();
    if (request.url === '/lost') throw new AxiosError('lost', 'ECONNRESET', request);
    return answer(request, { status: Number(String(request.url).slice(1)) });
  };
  const { client } = mirrored(copy, { timeout: '100ms' });
  const told: unknown[] = [];
  client.on('mirror.ended', (event) => told.push(event));
  for (const url of ['/200', '/404', '/503', '/lost', '/hang']) {
    await client.get(url);
    await turns();
  }
  await pass(100);
  const end = { client: 'default', target: shadow };
  expect(told).toEqual([
    { ...end, status: 200 },
    { ...end, status: 404, code: 'ERR_BAD_REQUEST' },
    { ...end, status: 503, code: 'ERR_BAD_RESPONSE' },
    { ...end, status: undefined, code: 'ECONNRESET' },
    { ...end, status: undefined, code: 'ETIMEDOUT' },
  ]);
});

describe('over real sockets', () => {
  it('1,000 copies with large answers keep to a few connections, and nothing is left under way', async () => {
    const upstream = await startHttp((_, response) => void response.end('ok'));
    const target = await startHttp((_, response) => void response.end(Buffer.alloc(100_000, 'x')));
    const { client } = watch({ baseURL: upstream.origin, mirror: [{ baseURL: target.origin, maxConcurrent: 8 }] });
    const stats = () =>
      (client.stats().policies.mirror as Record<string, { sent: number; succeeded: number; active: number }>)[
        target.origin
      ];
    while ((stats()?.sent ?? 0) < 1000) await client.get('/');
    await until(() => stats()?.active === 0);
    expect(stats()?.succeeded).toBe(stats()?.sent);
    expect(target.requests.length).toBeGreaterThanOrEqual(1000);
    expect(target.connections.length).toBeLessThanOrEqual(16);
  });

  it('a shadow that never answers holds at most maxConcurrent sockets, and the calls go on', async () => {
    const upstream = await startHttp((_, response) => void response.end('ok'));
    const target = await startHttp(() => {});
    const { client, lines } = watch({
      baseURL: upstream.origin,
      mirror: [{ baseURL: target.origin, maxConcurrent: 5, timeout: '10s' }],
    });
    for (let i = 0; i < 50; i++) await client.get('/');
    await until(() => target.requests.length === 5);
    expect(target.connections.length).toBeLessThanOrEqual(5);
    expect(upstream.requests).toHaveLength(50);
    expect(lines.filter(({ level }) => level === 'info')).toHaveLength(50);
    await client.close();
    await Promise.all(target.connections.map(({ closed }) => closed));
  });

  it('the shadow gets the Host with -shadow before its port, body and path, and nothing secret', async () => {
    const upstream = await startHttp((_, response) => void response.end('ok'));
    const target = await startHttp((_, response) => void response.end('ok'));
    const { client } = watch({ baseURL: upstream.origin, mirror: [{ baseURL: `${target.origin}/copy` }] });
    const headers = { authorization: 'Bearer s', cookie: 's', 'proxy-authorization': 's' };
    await client.put('/x?y=1', { a: 1 }, { headers });
    await client.get('/basic', { auth: { username: 'u', password: 'p' } });
    await until(() => target.requests.length === 2);
    expect(target.requests[0]).toMatchObject({ method: 'PUT', path: '/copy/x?y=1', body: '{"a":1}' });
    for (const { headers: got } of target.requests) {
      expect(got.host).toBe(`127.0.0.1-shadow:${upstream.port}`);
      expect(Object.keys(got).filter((name) => name in headers)).toEqual([]);
    }
    const ids = [upstream, target].map(({ requests }) => requests.map((each) => each.headers['x-request-id']));
    expect(ids[0]).toEqual(ids[1]);
    expect(upstream.requests[0]?.headers.authorization).toBe('Bearer s');
    expect(upstream.requests[1]?.headers.authorization).toMatch(/^Basic /);
  });
});
