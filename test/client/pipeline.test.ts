import { limits, type Policy, timeout } from 'pillion';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { baseURL, collecting, rejection, scripted } from './scripted.js';

const standard = [
  'tracing',
  'logging',
  'deadline',
  'retry',
  'limits',
  'circuitBreaker',
  'timeout',
  'tracing.attempt',
] as const;

const without = (...names: string[]) => standard.filter((name) => !names.includes(name));

describe('the stack', () => {
  it('is the standard one, outermost first, with nothing but a baseURL', () => {
    const { client } = scripted([]);
    expect(client.pipeline).toEqual(standard);
  });

  it.each([
    ['tracing', ['tracing', 'tracing.attempt']],
    ['logging', ['logging']],
    ['timeouts', ['deadline', 'timeout']],
    ['retry', ['retry']],
    ['circuitBreaker', ['circuitBreaker']],
    ['limits', ['limits']],
  ])('leaves out what %s: false switches off', (section, removed) => {
    const { client } = scripted([], { [section]: false });
    expect(client.pipeline).toEqual(without(...removed));
  });

  it('may be empty, and a call still reaches the wire', async () => {
    const off = { tracing: false, logging: false, timeouts: false, retry: false, circuitBreaker: false, limits: false };
    const { client } = scripted([{ data: { ok: true } }], off as Parameters<typeof scripted>[1]);
    expect(client.pipeline).toEqual([]);
    expect((await client.get('/')).data).toEqual({ ok: true });
  });

  it('does not retry without its retry section, nor end an attempt without its timeouts', async () => {
    const { client, transport } = scripted([503, 200], { retry: false });
    expect(await rejection(client.get('/'))).toMatchObject({ status: 503, attempts: 1 });
    expect(transport.requests).toHaveLength(1);
  });

  it('shows a list that the caller cannot use to change it', () => {
    const { client } = scripted([]);
    (client.pipeline as string[]).length = 0;
    expect(client.pipeline).toEqual(standard);
  });
});

/** A policy that notes the name it was given each time a request passes. */
function noting(name: string, trace: string[]): Policy {
  return (next) =>
    function note(request) {
      trace.push(name);
      return next(request);
    };
}

describe('the slots', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('stand outside the deadline and around the attempt', () => {
    const outer: Policy = (next) => next;
    const inner: Policy = (next) => next;
    const { client } = scripted([], {}, { perCall: [outer], perAttempt: [inner] });
    expect(client.pipeline).toEqual([
      'tracing',
      'logging',
      'perCall:outer',
      'deadline',
      'retry',
      'limits',
      'circuitBreaker',
      'timeout',
      'perAttempt:inner',
      'tracing.attempt',
    ]);
  });

  it('run once per call and once per attempt, in the order given', async () => {
    const trace: string[] = [];
    const perCall = [noting('call 1', trace), noting('call 2', trace)];
    const perAttempt = [noting('attempt 1', trace), noting('attempt 2', trace)];
    const { client } = scripted([503, 503, 200], {}, { perCall, perAttempt });
    const response = client.get('/');
    await vi.runAllTimersAsync();
    expect((await response).status).toBe(200);
    const once = ['attempt 1', 'attempt 2'];
    expect(trace).toEqual(['call 1', 'call 2', ...once, ...once, ...once]);
  });

  it('keep every policy where two come from the same factory and so share a name', async () => {
    const header = (name: string): Policy => {
      const sets: Policy = (next) => (request) => {
        request.headers.set(name, 'set');
        return next(request);
      };
      return sets;
    };
    const { client, transport } = scripted([200], {}, { perAttempt: [header('x-one'), header('x-two')] });
    await client.get('/');
    expect(transport.requests[0]?.headers).toMatchObject({ 'x-one': 'set', 'x-two': 'set' });
    expect(new Set(client.pipeline).size).toBe(standard.length + 2);
  });

  it("take the library's own policies, each by its name", async () => {
    const perAttempt = [timeout({ attempt: '20ms' }), limits({ maxRequests: 1, maxPendingRequests: 0 })];
    const { client } = scripted(['hang'], { retry: false, timeouts: false, limits: false }, { perAttempt });
    expect(client.pipeline).toEqual([
      'tracing',
      'logging',
      'circuitBreaker',
      'perAttempt:timeout',
      'perAttempt:limits',
      'tracing.attempt',
    ]);
    const hung = rejection(client.get('/'));
    expect(await rejection(client.get('/'))).toMatchObject({ code: 'ERR_LIMIT' });
    await vi.advanceTimersByTimeAsync(20);
    expect(await hung).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT' });
  });

  it('let a perCall policy answer for a call whose deadline has passed, and the log line shows that answer', async () => {
    const fallback: Policy = (next) => async (request) => {
      try {
        return await next(request);
      } catch {
        return { status: 203, statusText: '', headers: {}, data: 'stored', config: request };
      }
    };
    const { logger, lines } = collecting();
    const { client } = scripted(['hang'], { timeouts: { total: 100 } }, { perCall: [fallback], logger });
    const response = client.get('/');
    await vi.advanceTimersByTimeAsync(100);
    expect((await response).data).toBe('stored');
    expect(lines.filter(({ level }) => level !== 'debug')).toMatchObject([{ level: 'info', message: 'GET 203' }]);
  });

  it('put a perAttempt policy inside the attempt timeout and before the headers of the attempt', async () => {
    const seen: unknown[] = [];
    const stuck: Policy = () => (request) => {
      seen.push(request.headers.get('x-try'));
      return new Promise(() => {});
    };
    const config = {
      baseURL,
      retry: false,
      timeouts: { attempt: 50 },
      tracing: { attemptCountHeader: 'x-try' },
    } as const;
    const { client, transport } = scripted([200], config, { perAttempt: [stuck] });
    const error = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(50);
    expect(await error).toMatchObject({ code: 'ERR_ATTEMPT_TIMEOUT' });
    expect(seen).toEqual([undefined]);
    expect(transport.requests).toEqual([]);
  });

  it("change a request without the caller's config showing it", async () => {
    const signs: Policy = (next) => (request) => {
      request.headers.set('x-signature', 'signed');
      return next(request);
    };
    const { client, transport } = scripted([200], {}, { perCall: [signs] });
    const response = await client.get('/');
    expect(transport.requests[0]?.headers['x-signature']).toBe('signed');
    expect(response.config.headers.has('x-signature')).toBe(false);
  });
});
