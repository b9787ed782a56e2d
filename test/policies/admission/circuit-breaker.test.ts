import { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { circuitBreaker, type HttpClient, type HttpClientConfig, type HttpClientDeps } from 'pillion';
import { holdReply, type Reply, type Script } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { baseURL, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

fakeTimers();

/** A client without retries: one call, one sample. */
function breaking(script: Script, config: HttpClientConfig = {}, deps: HttpClientDeps = {}) {
  return scripted(script, { retry: false, ...config }, deps);
}

interface CircuitStats {
  state: string;
  outcomes: number;
  failures: number;
  retryAfter?: number;
}

function circuitOf(client: HttpClient, origin = baseURL): CircuitStats | undefined {
  return (client.stats().policies.circuitBreaker as Record<string, CircuitStats>)[origin];
}

async function send(client: HttpClient, count: number, url = '/'): Promise<void> {
  for (let i = 0; i < count; i++) await client.get(url).catch(() => {});
}

const times = (count: number, reply: Reply) => new Array<Reply>(count).fill(reply);

/** A client whose circuit has just opened; what it is asked next comes from `script`. */
async function opened(script: Script, config: HttpClientConfig = {}, deps: HttpClientDeps = {}) {
  const made = breaking([...times(20, 503), ...script], config, deps);
  await send(made.client, 20);
  expect(circuitOf(made.client)?.state).toBe('open');
  return made;
}

/** The same, ready for its trial. */
async function halfOpen(script: Script, config: HttpClientConfig = {}) {
  const made = await opened(script, config);
  await vi.advanceTimersByTimeAsync(5000);
  expect(circuitOf(made.client)?.state).toBe('half_open');
  return made;
}

describe('a closed circuit', () => {
  it('opens with the twentieth failure and not before', async () => {
    const { client } = breaking([{ reply: 503 }]);
    await send(client, 19);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 19, failures: 19 });
    await send(client, 1);
    expect(circuitOf(client)).toMatchObject({ state: 'open', failures: 20 });
  });

  it('stays closed at half of the outcomes failed and opens above', async () => {
    const mixed = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 200 : 503));
    const { client } = breaking([...mixed, 503]);
    await send(client, 40);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 40, failures: 20 });
    await send(client, 1);
    expect(circuitOf(client)?.state).toBe('open');
  });

  it('keeps to a threshold and a volume of its own', async () => {
    const section = { volumeThreshold: 5, errorThresholdPercentage: 79 };
    const { client } = breaking([200, ...times(4, 503)], { circuitBreaker: section });
    await send(client, 4);
    expect(circuitOf(client)?.state).toBe('closed');
    await send(client, 1);
    expect(circuitOf(client)?.state).toBe('open');
  });

  it('forgets outcomes that have left the window', async () => {
    const { client } = breaking([{ reply: 503 }]);
    await send(client, 15);
    await vi.advanceTimersByTimeAsync(8900);
    expect(circuitOf(client)).toMatchObject({ outcomes: 15, failures: 15 });
    await vi.advanceTimersByTimeAsync(1100);
    expect(circuitOf(client)).toMatchObject({ outcomes: 0, failures: 0 });
    await send(client, 15);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 15, failures: 15 });
  });

  it('counts outcomes in different parts of the window together', async () => {
    const { client } = breaking([{ reply: 503 }]);
    for (let second = 0; second < 4; second++) {
      await send(client, 5);
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(circuitOf(client)?.state).toBe('open');
  });

  it('does not let calls in flight dilute the error rate: 9 of 9 failed with 10 in flight open it', async () => {
    const held = Array.from({ length: 10 }, () => holdReply());
    const { client } = breaking([...held, ...times(9, 503)], { circuitBreaker: { volumeThreshold: 9 } });
    const running = held.map(() => client.get('/'));
    await Promise.all(held.map(({ arrived }) => arrived));
    await send(client, 9);
    expect(circuitOf(client)).toMatchObject({ state: 'open', outcomes: 9, failures: 9 });
    for (const each of held) each.reply(200);
    await Promise.all(running);
  });

  it('is not moved by a wall clock that jumps an hour', async () => {
    const { client } = breaking([{ reply: 503 }]);
    await send(client, 10);
    vi.setSystemTime(Date.now() + 3_600_000);
    await send(client, 5);
    vi.setSystemTime(Date.now() - 7_200_000);
    expect(circuitOf(client)).toMatchObject({ state: 'closed', outcomes: 15 });
    await send(client, 5);
    expect(circuitOf(client)?.state).toBe('open');
  });
});

describe('an outcome', () => {
  it.each<[string, Reply, number, number]>([
    ...[200, 204, 301, 304, 400, 401, 404, 408, 409, 429, 499].map(
      (status) => [`status ${status}`, status, 1, 0] as [string, Reply, number, number],
    ),
    ...[500, 501, 502, 503, 504, 599].map(
      (status) => [`status ${status}`, status, 1, 1] as [string, Reply, number, number],
    ),
    ...['ECONNRESET', 'ECONNREFUSED', 'ENOTFOUND', 'EPIPE', 'ERR_CONNECT_TIMEOUT', 'ECONNABORTED'].map(
      (error) => [error, { error }, 1, 1] as [string, Reply, number, number],
    ),
    ...['CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_TLS_IDENTITY', 'EPROTO', 'ERR_BAD_REQUEST'].map(
      (error) => [error, { error }, 0, 0] as [string, Reply, number, number],
    ),
    ['ERR_INVALID_URL', { error: 'ERR_INVALID_URL' }, 0, 0],
    ['a stream that HTTP/2 refuses', { error: 'REFUSED_STREAM' }, 0, 0],
    ['a cancellation', { error: 'ERR_CANCELED' }, 0, 0],
  ])('of %s counts as it should', async (_, reply, outcomes, failures) => {
    const { client } = breaking([reply]);
    await send(client, 1);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes, failures });
  });

  it('counts by the status whatever the caller accepts', async () => {
    const { client } = breaking([{ reply: 503 }]);
    for (let i = 0; i < 20; i++) await client.get('/', { validateStatus: () => true });
    expect(circuitOf(client)).toMatchObject({ state: 'open', failures: 20 });
  });

  it('of an attempt timeout is a failure', async () => {
    const { client } = breaking(['hang'], { timeouts: { attempt: 50 } });
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(50);
    expect((await failed).code).toBe('ERR_ATTEMPT_TIMEOUT');
    expect(circuitOf(client)).toMatchObject({ outcomes: 1, failures: 1 });
  });

  it('of a deadline that ran out on the wire is a failure', async () => {
    const { client } = breaking(['hang'], { timeouts: { total: 50, attempt: false } });
    const failed = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(50);
    expect((await failed).code).toBe('ERR_DEADLINE');
    expect(circuitOf(client)).toMatchObject({ outcomes: 1, failures: 1 });
  });

  it('of a deadline that ran out in our own queue counts as nothing', async () => {
    const held = holdReply();
    const { client } = breaking([held], { limits: { maxRequests: 1 } });
    const running = client.get('/', { timeouts: { total: false, attempt: false } });
    await held.arrived;
    const waited = rejection(client.get('/', { timeout: 50 }));
    await vi.advanceTimersByTimeAsync(50);
    expect(await waited).toMatchObject({ code: 'ECONNABORTED', attempts: 0 });
    expect(circuitOf(client)).toMatchObject({ outcomes: 0, failures: 0 });
    held.reply(200);
    await running;
  });

  it("of the caller's abort counts as nothing", async () => {
    const { client } = breaking(['hang']);
    const controller = new AbortController();
    const failed = rejection(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    await failed;
    expect(circuitOf(client)).toMatchObject({ outcomes: 0, failures: 0 });
  });

  it('of a local overflow counts as nothing, however many there are', async () => {
    const held = holdReply();
    const { client } = breaking([held], { limits: { maxRequests: 1, maxPendingRequests: 0 } });
    const running = client.get('/');
    await held.arrived;
    for (let i = 0; i < 50; i++) expect((await rejection(client.get('/'))).code).toBe('ERR_LIMIT');
    held.reply(200);
    await running;
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 1, failures: 0 });
  });

  it('is that of every attempt, not of the call', async () => {
    const { client } = scripted([503, 503, 200]);
    const answer = client.get('/');
    await vi.advanceTimersByTimeAsync(1000);
    await answer;
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 3, failures: 2 });
  });
});

describe('an open circuit', () => {
  it('rejects at once with ERR_CIRCUIT_OPEN and how long to wait; nothing is sent', async () => {
    const { client, transport } = await opened([]);
    await vi.advanceTimersByTimeAsync(1200);
    const error = await rejection(client.get('/'));
    expect(error).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', retryAfter: 3800, attempts: 0 });
    expect(error).toBeInstanceOf(AxiosError);
    expect(error.message).toContain(baseURL);
    expect(transport.requests).toHaveLength(20);
  });

  it('is not retried, whatever is in `on`', async () => {
    const { client, transport } = scripted([{ reply: 503 }], { retry: { on: ['5xx', 'reset', 'connect-failure'] } });
    const filled = send(client, 20);
    await vi.advanceTimersByTimeAsync(100);
    await filled;
    const before = transport.requests.length;
    const scheduled: unknown[] = [];
    client.on('retry.scheduled', (event) => scheduled.push(event));
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', attempts: 0 });
    expect(scheduled).toEqual([]);
    expect(transport.requests).toHaveLength(before);
  });

  it('ends the retries of a call that was under way', async () => {
    const { client, transport } = scripted([{ reply: 503 }], { circuitBreaker: { volumeThreshold: 2 } });
    const failed = rejection(client.get('/', { retry: { maxRetries: 10 } }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await failed).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', attempts: 2 });
    expect(transport.requests).toHaveLength(2);
  });

  it('is not changed by calls that began before and succeed or fail now', async () => {
    const held = [holdReply(), holdReply()];
    const { client } = breaking([...held, ...times(20, 503)]);
    const running = held.map(() => client.get('/').catch(() => {}));
    await Promise.all(held.map(({ arrived }) => arrived));
    await send(client, 20);
    const before = circuitOf(client);
    expect(before?.state).toBe('open');
    held[0]?.reply(200);
    held[1]?.reply(503);
    await Promise.all(running);
    expect(circuitOf(client)).toEqual(before);
  });

  it('keeps its time when the wall clock jumps an hour either way', async () => {
    const { client } = await opened([200]);
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', retryAfter: 5000 });
    vi.setSystemTime(Date.now() - 7_200_000);
    await vi.advanceTimersByTimeAsync(4999);
    expect((await rejection(client.get('/'))).retryAfter).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await client.get('/')).status).toBe(200);
  });
});

describe('a half-open circuit', () => {
  it('lets three of 1000 concurrent callers through and turns the others away', async () => {
    const held = [holdReply(), holdReply(), holdReply()];
    const { client, transport } = await halfOpen(held);
    const all = Promise.allSettled(Array.from({ length: 1000 }, () => client.get('/')));
    await Promise.all(held.map(({ arrived }) => arrived));
    // Those who wait in `limits` ask the circuit as well, while the trials are under way.
    await vi.advanceTimersByTimeAsync(0);
    for (const each of held) each.reply({ data: 'a trial' });
    const results = await all;
    expect(transport.requests).toHaveLength(23);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused).toHaveLength(997);
    for (const error of refused) {
      expect(error.code).toBe('ERR_CIRCUIT_OPEN');
      expect(error.retryAfter).toBeGreaterThan(0);
    }
    expect(circuitOf(client)?.state).toBe('closed');
  });

  it.each<[string, Reply]>([
    ['success', 200],
    ['404', 404],
  ])('closes with the second %s', async (_, reply) => {
    const { client } = await halfOpen([reply, reply]);
    await send(client, 1);
    expect(circuitOf(client)?.state).toBe('half_open');
    await send(client, 1);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 0, failures: 0 });
  });

  it('has forgotten the old failures once it is closed', async () => {
    const { client } = await halfOpen([200, 200, ...times(20, 503)]);
    await send(client, 2);
    await send(client, 19);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 19, failures: 19 });
    await send(client, 1);
    expect(circuitOf(client)?.state).toBe('open');
  });

  it('opens again with the second failure', async () => {
    const { client } = await halfOpen([503, 503]);
    await send(client, 1);
    expect(circuitOf(client)?.state).toBe('half_open');
    await send(client, 1);
    expect(circuitOf(client)).toMatchObject({ state: 'open', retryAfter: 5000 });
  });

  it('closes although one of three trials failed, and opens although one succeeded', async () => {
    const { client } = await halfOpen([200, 503, 200]);
    await send(client, 3);
    expect(circuitOf(client)?.state).toBe('closed');
    const failing = await halfOpen([503, 200, 503]);
    await send(failing.client, 3);
    expect(circuitOf(failing.client)?.state).toBe('open');
  });

  it('with one trial decides by the first outcome', async () => {
    const { client } = await halfOpen([503, 200], { circuitBreaker: { trials: 1 } });
    await send(client, 1);
    expect(circuitOf(client)?.state).toBe('open');
    await vi.advanceTimersByTimeAsync(5000);
    await send(client, 1);
    expect(circuitOf(client)?.state).toBe('closed');
  });

  it('neither opens nor closes by a trial that its caller cancels, and lets the next one try', async () => {
    const { client } = await halfOpen(['hang', 200], { circuitBreaker: { trials: 1 } });
    const controller = new AbortController();
    const cancelled = rejection(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(10);
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
    controller.abort();
    expect((await cancelled).code).toBe('ERR_CANCELED');
    expect(circuitOf(client)?.state).toBe('half_open');
    expect((await client.get('/')).status).toBe(200);
    expect(circuitOf(client)?.state).toBe('closed');
  });

  it.each(['CERT_HAS_EXPIRED', 'ERR_BAD_REQUEST', 'ERR_LIMIT'])(
    'neither opens nor closes by a trial that ends with %s, and lets the next one try',
    async (error) => {
      const { client } = await halfOpen([{ error }, 503, 503]);
      await send(client, 2);
      expect(circuitOf(client)?.state).toBe('half_open');
      await send(client, 1);
      expect(circuitOf(client)?.state).toBe('open');
    },
  );

  it('opens again where the trials hang: the attempt timeout ends them', async () => {
    const { client } = await halfOpen(['hang', 'hang', 200, 200]);
    const failed = [rejection(client.get('/')), rejection(client.get('/'))];
    await vi.advanceTimersByTimeAsync(2500);
    for (const each of failed) expect((await each).code).toBe('ERR_ATTEMPT_TIMEOUT');
    expect(circuitOf(client)?.state).toBe('open');
    await vi.advanceTimersByTimeAsync(5000);
    expect((await client.get('/')).status).toBe(200);
  });

  it('lets further trials through each second while earlier ones hang, so that a recovery is seen', async () => {
    const { client, transport } = await halfOpen(['hang', 'hang', 'hang', 200, 200], { timeouts: false });
    const controller = new AbortController();
    const hung = [1, 2, 3].map(() => rejection(client.get('/', { signal: controller.signal })));
    await vi.advanceTimersByTimeAsync(999);
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', retryAfter: 1000 });
    await vi.advanceTimersByTimeAsync(1);
    expect((await client.get('/')).status).toBe(200);
    expect((await client.get('/')).status).toBe(200);
    expect(circuitOf(client)?.state).toBe('closed');
    expect(transport.requests).toHaveLength(25);
    controller.abort();
    await Promise.all(hung);
  });

  it('counts a cancelled trial that had left its place only once', async () => {
    const held = [holdReply(), holdReply(), holdReply()];
    const { client, transport } = await halfOpen(['hang', ...held], { timeouts: false });
    const controller = new AbortController();
    const lost = rejection(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(1000);
    const trials = held.map(() => client.get('/'));
    await Promise.all(held.map(({ arrived }) => arrived));
    controller.abort();
    await lost;
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
    expect(transport.requests).toHaveLength(24);
    for (const each of held) each.reply(200);
    await Promise.all(trials);
  });

  it.each<[string, Reply]>([
    ['success', 200],
    ['failure', 503],
  ])('is not changed by a %s that began before the opening', async (_, reply) => {
    const held = holdReply();
    const { client } = breaking([held, ...times(20, 503)], { timeouts: false });
    const running = client.get('/').catch(() => {});
    await held.arrived;
    await send(client, 20);
    await vi.advanceTimersByTimeAsync(5000);
    expect(circuitOf(client)?.state).toBe('half_open');
    held.reply(reply);
    await running;
    expect(circuitOf(client)?.state).toBe('half_open');
  });

  it('that has closed is not charged with a failure from before the opening', async () => {
    const held = holdReply();
    const { client } = breaking([held, ...times(20, 503), 200, 200], { timeouts: false });
    const running = rejection(client.get('/'));
    await held.arrived;
    await send(client, 20);
    await vi.advanceTimersByTimeAsync(5000);
    await send(client, 2);
    held.reply(503);
    await running;
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 0, failures: 0 });
  });
});

describe('the time a circuit stays open', () => {
  async function openings(random: number, count: number, section: object = {}): Promise<number[]> {
    const { client } = breaking([{ reply: 503 }], { circuitBreaker: section }, { random: () => random });
    const seen: number[] = [];
    client.on('circuit.opened', ({ retryAfter }) => seen.push(retryAfter));
    await send(client, 20);
    while (seen.length < count) {
      await vi.advanceTimersByTimeAsync(seen.at(-1) ?? Number.NaN);
      const before = seen.length;
      await send(client, 2);
      expect(seen).toHaveLength(before + 1);
    }
    return seen;
  }

  it('is 5 s each time, however long the outage lasts', async () => {
    expect(await openings(0, 6)).toEqual([5000, 5000, 5000, 5000, 5000, 5000]);
  });

  it('is shortened by up to a fifth of jitter, the first time too', async () => {
    expect(await openings(0.5, 3)).toEqual([4500, 4500, 4500]);
    for (const ms of await openings(0.999, 3)) {
      expect(ms).toBeGreaterThan(4000);
      expect(ms).toBeLessThan(4050);
    }
  });

  it('keeps to a resetTimeout of its own', async () => {
    expect(await openings(0, 3, { resetTimeout: '1s' })).toEqual([1000, 1000, 1000]);
  });
});

describe('destinations', () => {
  it('have a circuit each: one that is open does not stand in the way of another', async () => {
    const { client } = breaking([{ path: '/bad', reply: 503 }, { reply: 200 }], { allowAbsoluteUrls: true });
    await send(client, 20, 'http://a.test/bad');
    expect((await rejection(client.get('http://a.test/good'))).code).toBe('ERR_CIRCUIT_OPEN');
    expect((await client.get('http://b.test/good')).status).toBe(200);
    expect((await client.get('http://a.test:8080/good')).status).toBe(200);
    expect((await client.get('https://a.test/good')).status).toBe(200);
    expect(Object.keys(client.stats().policies.circuitBreaker as object)).toEqual([
      'http://a.test',
      'http://b.test',
      'http://a.test:8080',
      'https://a.test',
    ]);
  });

  it('share a circuit whatever the path, the query and the default port', async () => {
    const { client } = breaking([{ reply: 503 }]);
    for (let i = 0; i < 20; i++) await send(client, 1, i % 2 === 0 ? `/${i}?a=${i}` : '/');
    expect(circuitOf(client)?.state).toBe('open');
  });

  const bare = { allowAbsoluteUrls: true, logging: false, tracing: false } as const;
  const known = (client: HttpClient) => client.stats().policies.circuitBreaker as Record<string, CircuitStats>;

  it('are remembered up to 16,384; the one unused for the longest time is forgotten first, unless it is open', async () => {
    const held = holdReply();
    const replies = [{ path: '/slow', reply: held }, { path: '/bad', reply: 503 }, { reply: 200 }] as const;
    const { client } = breaking([...replies], { ...bare, timeouts: false });
    await send(client, 20, 'http://down.test/bad');
    const slow = send(client, 1, 'http://slow.test/slow');
    await held.arrived;
    for (let i = 0; i < 16_382; i++) await send(client, 1, `http://h${i}.test/`);
    await send(client, 1, 'http://h0.test/');
    expect(Object.keys(known(client))).toHaveLength(16_384);
    await send(client, 2, 'http://new.test/');
    await send(client, 1, 'http://newer.test/');
    expect(Object.keys(known(client))).toHaveLength(16_384);
    for (const host of ['slow', 'h1']) expect(known(client)).not.toHaveProperty([`http://${host}.test`]);
    expect(known(client)).toMatchObject({
      'http://h0.test': { outcomes: 2 },
      'http://new.test': { outcomes: 2 },
      'http://down.test': { state: 'open' },
    });
    held.reply(503);
    await slow;
    expect(known(client)).not.toHaveProperty(['http://slow.test']);
  });

  it('that are forgotten while open leave no timer', async () => {
    const { client } = breaking([{ reply: 503 }], { ...bare, circuitBreaker: { volumeThreshold: 1 } });
    await send(client, 1, 'http://first.test/');
    expect(vi.getTimerCount()).toBe(1);
    for (let i = 1; i < 16_384; i++) await send(client, 1, `http://h${i}.test/`);
    expect(circuitOf(client, 'http://first.test')?.state).toBe('open');
    const timers = vi.getTimerCount();
    await send(client, 1, 'http://last.test/');
    expect(known(client)).not.toHaveProperty(['http://first.test']);
    expect(vi.getTimerCount()).toBe(timers);
  });
});

describe('the circuit shows', () => {
  it('each change of state as one event, with client and destination', async () => {
    const { client } = breaking([...times(22, 503), 200, 200], { name: 'billing' });
    const seen: unknown[] = [];
    client.on('circuit.opened', (event) => seen.push(['open', event]));
    client.on('circuit.half_opened', (event) => seen.push(['half_open', event]));
    client.on('circuit.closed', (event) => seen.push(['close', event]));
    await send(client, 20);
    await vi.advanceTimersByTimeAsync(5000);
    await send(client, 2);
    await vi.advanceTimersByTimeAsync(5000);
    await send(client, 2);
    const where = { client: 'billing', destination: baseURL };
    expect(seen).toEqual([
      ['open', { ...where, retryAfter: 5000, outcomes: 20, failures: 20, cause: { status: 503 } }],
      ['half_open', where],
      ['open', { ...where, retryAfter: 5000, outcomes: 2, failures: 2, failedTrials: 2, cause: { status: 503 } }],
      ['half_open', where],
      ['close', { ...where, openForMs: 10_000 }],
    ]);
  });

  it('its state in stats, with the time left while it is open, and since when it is not closed', async () => {
    const { client } = await opened([]);
    const since = new Date().toISOString();
    await vi.advanceTimersByTimeAsync(1500);
    const openedAt = since;
    const counts = { outcomes: 20, failures: 20 };
    expect(circuitOf(client)).toEqual({ state: 'open', ...counts, since, openedAt, retryAfter: 3500 });
    await vi.advanceTimersByTimeAsync(3500);
    expect(circuitOf(client)).not.toHaveProperty('retryAfter');
    expect(circuitOf(client)).toMatchObject({ state: 'half_open', since: new Date().toISOString(), openedAt });
  });
});

describe('timers', () => {
  it('are none while a circuit is closed, however long and busy', async () => {
    const { client } = breaking([{ reply: 200 }]);
    await send(client, 50);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are one while it is open, and none after close()', async () => {
    const { client } = await opened([]);
    expect(vi.getTimerCount()).toBe(1);
    await client.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are none after update() replaced the open circuit', async () => {
    const { client } = await opened([200]);
    client.update({ baseURL, retry: false, circuitBreaker: { volumeThreshold: 30 } });
    expect(vi.getTimerCount()).toBe(0);
    expect((await client.get('/')).status).toBe(200);
  });
});

describe('circuitBreaker alone', () => {
  const request = () =>
    ({ url: '/', baseURL, method: 'get', headers: new AxiosHeaders() }) as InternalAxiosRequestConfig;

  it('stands around any transport', async () => {
    let calls = 0;
    const transport = circuitBreaker({ volumeThreshold: 2 })(async (config) => {
      calls++;
      throw new AxiosError('reset', 'ECONNRESET', config);
    });
    await rejection(transport(request()));
    await rejection(transport(request()));
    expect(await rejection(transport(request()))).toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
    expect(calls).toBe(2);
  });
});
