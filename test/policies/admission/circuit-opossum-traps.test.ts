/** What opossum does by itself, measured; here each of it must not happen. */
import type CircuitBreaker from 'opossum';
import type { HttpClient } from 'pillion';
import { holdReply, type Reply } from 'pillion/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { baseURL, clientOver, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

interface Made {
  /** A copy: opossum writes its defaults into the object it is given. */
  asked: CircuitBreaker.Options;
  given: CircuitBreaker.Options;
  breaker: CircuitBreaker;
}

/** Every breaker made, with the very object it was given. */
const made = vi.hoisted<Made[]>(() => []);

vi.mock('opossum', async (original) => {
  const { default: Real } = await original<{ default: typeof CircuitBreaker }>();
  class Watched extends Real {
    constructor(action: (...args: unknown[]) => Promise<unknown>, given: CircuitBreaker.Options) {
      const asked = { ...given };
      super(action, given);
      made.push({ asked, given, breaker: this as unknown as CircuitBreaker });
    }
  }
  return { default: Watched };
});

fakeTimers();
beforeEach(() => {
  made.length = 0;
});

const plain = { retry: false, allowAbsoluteUrls: true } as const;
const times = (count: number, reply: Reply) => new Array<Reply>(count).fill(reply);

async function send(client: HttpClient, count: number, url = '/'): Promise<void> {
  for (let i = 0; i < count; i++) await client.get(url).catch(() => {});
}

interface CircuitStats {
  readonly state: string;
  readonly outcomes: number;
  readonly failures: number;
}

function circuitOf(client: HttpClient): CircuitStats | undefined {
  return (client.stats().policies.circuitBreaker as Record<string, CircuitStats>)[baseURL];
}

function stateOf(client: HttpClient): string | undefined {
  return circuitOf(client)?.state;
}

function only(): Made {
  expect(made).toHaveLength(1);
  return made[0] as Made;
}

describe('the volume threshold', () => {
  it('is never 0: the first failure does not open', async () => {
    const { client } = scripted([503], plain);
    await send(client, 1);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 1, failures: 1 });
  });

  it('of 0 is refused', () => {
    expect(() => scripted([], { circuitBreaker: { volumeThreshold: 0 } })).toThrow(/volumeThreshold/);
  });
});

describe('the error rate', () => {
  it('does not count calls in flight, refused ones or ignored ones as fires', async () => {
    const held = holdReply();
    const { client } = scripted([held, ...times(9, 503), { error: 'CERT_HAS_EXPIRED' }], plain);
    const running = client.get('/');
    await held.arrived;
    await send(client, 10);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 9, failures: 9 });
    held.reply(200);
    await running;
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 10, failures: 9 });
  });

  it('is not watered down by what was refused while it was open', async () => {
    const { client } = scripted([...times(20, 503), 200], plain);
    await send(client, 120);
    expect(circuitOf(client)).toMatchObject({ state: 'open', outcomes: 20, failures: 20 });
  });
});

describe('an outcome that is ignored', () => {
  it('is neither a success nor a failure, so it does not close a half-open circuit', async () => {
    const { client } = scripted([...times(20, 503), 'hang'], plain);
    await send(client, 20);
    await vi.advanceTimersByTimeAsync(5000);
    const controller = new AbortController();
    const trial = rejection(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(1);
    controller.abort();
    await trial;
    expect(circuitOf(client)).toMatchObject({ state: 'half_open', outcomes: 20, failures: 20 });
  });
});

describe('a half-open circuit', () => {
  it('is not stuck by a trial that never ends', async () => {
    const { client } = scripted([...times(20, 503), 'hang', 200, 200], { ...plain, timeouts: false });
    await send(client, 20);
    await vi.advanceTimersByTimeAsync(5000);
    const controller = new AbortController();
    const trial = rejection(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await client.get('/')).status).toBe(200);
    expect((await client.get('/')).status).toBe(200);
    expect(stateOf(client)).toBe('closed');
    controller.abort();
    await trial;
  });

  it('is not closed by a slow success from before the opening', async () => {
    const held = holdReply();
    const { client } = scripted([held, ...times(20, 503)], { ...plain, timeouts: false });
    const slow = client.get('/');
    await held.arrived;
    await send(client, 20);
    await vi.advanceTimersByTimeAsync(5000);
    held.reply(200);
    await slow;
    expect(stateOf(client)).toBe('half_open');
  });
});

describe('capacity', () => {
  it("is not opossum's business: what limits turn away is no failure", async () => {
    const held = holdReply();
    const { client } = scripted([held], { ...plain, limits: { maxRequests: 1, maxPendingRequests: 0 } });
    const running = client.get('/');
    await held.arrived;
    await send(client, 50);
    expect(stateOf(client)).toBe('closed');
    held.reply(503);
    await rejection(running);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 1, failures: 1 });
  });

  it('is held by an attempt until it has ended: no more run at once after a timeout', async () => {
    let running = 0;
    let most = 0;
    const client = clientOver(
      (config) =>
        new Promise((_, reject) => {
          most = Math.max(most, ++running);
          config.signal?.addEventListener?.('abort', () => {
            running--;
            reject((config.signal as AbortSignal).reason);
          });
        }),
      { ...plain, limits: { maxRequests: 1 }, timeouts: { attempt: 50 }, circuitBreaker: { volumeThreshold: 100 } },
    );
    const all = Promise.allSettled(Array.from({ length: 5 }, () => client.get('/')));
    await vi.advanceTimersByTimeAsync(1000);
    await all;
    expect(most).toBe(1);
  });
});

describe('a timeout', () => {
  it('of one call does not abort the others', async () => {
    const held = holdReply();
    const { client } = scripted(['hang', held], { ...plain, timeouts: { attempt: 100 } });
    const first = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(50);
    const second = client.get('/');
    await vi.advanceTimersByTimeAsync(60);
    expect((await first).code).toBe('ERR_ATTEMPT_TIMEOUT');
    held.reply({ data: { fine: true } });
    expect((await second).data).toEqual({ fine: true });
  });

  it('is not opossum’s: its own would be 10 s', async () => {
    const { client } = scripted([503, { delay: 15_000, data: { late: true } }], { ...plain, timeouts: false });
    await send(client, 1);
    const answer = client.get('/');
    await vi.advanceTimersByTimeAsync(15_000);
    expect((await answer).data).toEqual({ late: true });
  });
});

describe('a breaker', () => {
  it('has options of its own: changing those of one circuit does not change another', async () => {
    const { client } = scripted([{ reply: 503 }], plain);
    await send(client, 20, 'http://a.test/');
    await send(client, 20, 'http://b.test/');
    const [a, b] = made;
    expect(made).toHaveLength(2);
    expect(a?.given).not.toBe(b?.given);
    for (const name of ['capacity', 'abortController', 'cache', 'coalesce', 'errorFilter'])
      expect(a?.asked).not.toHaveProperty(name);
    expect(a?.asked).toMatchObject({ timeout: false, enableSnapshots: false, rollingPercentilesEnabled: false });
  });

  it('is there from the opening to the closing only, and holds nothing afterwards', async () => {
    const { client } = scripted([...times(20, 503), 200, 200, 503, 200], plain);
    await send(client, 19);
    expect(made).toHaveLength(0);
    await send(client, 1);
    await vi.advanceTimersByTimeAsync(5000);
    await send(client, 4);
    const { breaker } = only();
    expect(breaker.isShutdown).toBe(true);
    expect(breaker.eventNames()).toEqual([]);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 2, failures: 1 });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('cache, coalescing, fallback and health checks', () => {
  it('are off: the same request twice at once is two requests with an answer each', async () => {
    const { client, transport } = scripted([503, { data: { n: 1 } }, { data: { n: 2 } }], plain);
    await send(client, 1);
    const answers = await Promise.all([client.get('/same'), client.get('/same')]);
    expect(answers.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }]);
    expect(transport.requests).toHaveLength(3);
  });

  it('do not stand in for a failure: the caller gets the real one, and no code of opossum’s', async () => {
    const { client } = scripted([...times(20, { status: 503, data: { why: 'busy' } })], plain);
    expect(await rejection(client.get('/'))).toMatchObject({ response: { status: 503, data: { why: 'busy' } } });
    await send(client, 19);
    expect((await rejection(client.get('/'))).code).toBe('ERR_CIRCUIT_OPEN');
  });

  it('run no more after close', async () => {
    const { client } = scripted([...times(20, 503)], plain);
    await send(client, 20);
    await client.close();
    expect(only().breaker.isShutdown).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the cost', () => {
  it('of an outcome does not grow with the window, and none keeps a number of its own: opossum keeps a latency each', async () => {
    const { client } = scripted([...times(20, 503), ...times(2000, 200)], plain);
    await send(client, 20);
    const { breaker } = only();
    const snapshots: unknown[] = [];
    breaker.status.on('snapshot', (stats) => snapshots.push(stats));
    await vi.advanceTimersByTimeAsync(5000);
    await send(client, 2000);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(breaker.status.window.map(({ latencyTimes }) => latencyTimes.length)).toEqual([0]);
    expect(snapshots).toEqual([]);
  });

  it('of a circuit that is closed is no timer', async () => {
    const { client } = scripted([{ reply: 503 }], plain);
    for (let i = 0; i < 100; i++) await send(client, 1, `http://h${i}.test/`);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the window', () => {
  it('slides: outcomes leave it a tenth at a time', async () => {
    const { client } = scripted([...times(30, 200), ...times(30, 503), 200], plain);
    await send(client, 15);
    await vi.advanceTimersByTimeAsync(5000);
    await send(client, 45);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 60, failures: 30 });
    await vi.advanceTimersByTimeAsync(5001);
    await send(client, 1);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 46, failures: 30 });
    await vi.advanceTimersByTimeAsync(9000);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 1, failures: 0 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(circuitOf(client)).toEqual({ state: 'closed', outcomes: 0, failures: 0 });
  });
});
