/** logging: one line for each finished call, alone and in a client. */
import { compose, deadline, type Logger, logging, type Request, type Response, retry } from 'pillion';
import { holdReply, type Reply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { callOf } from '../../../src/call/request.js';
import { chance } from '../../properties/world.js';
import { collecting, type Line, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, outcomeOf } from '../alone.js';

fakeTimers();

/** The lines about calls; those about attempts are debug lines, those about transitions have a name. */
const calls = (lines: Line[]) => lines.filter(({ level, fields }) => level !== 'debug' && !('event.name' in fields));

async function lineOf(script: Reply[], config: object = {}, call: object = {}): Promise<Line> {
  const { logger, lines } = collecting();
  const { client } = scripted(script, config, { logger });
  await ended(client.request({ url: '/', ...call }));
  expect(calls(lines)).toHaveLength(1);
  return calls(lines)[0] as Line;
}

describe('logging alone', () => {
  it('writes one line for a call and hands on its answer', async () => {
    const { logger, lines } = collecting();
    const { status } = await ended(logging({}, { logger })(alone(200).next)(aRequest({ url: '/a' })));
    expect(status).toBe(200);
    expect(lines).toMatchObject([{ level: 'info', message: 'GET 200', fields: { client: 'pillion', attempts: 1 } }]);
  });

  it('writes one line for a failure and hands on the very error', async () => {
    const { logger, lines } = collecting();
    const failure = Object.assign(new Error('lost'), { code: 'ECONNRESET' });
    const { error } = await ended(logging({}, { logger })(() => Promise.reject(failure))(aRequest()));
    expect(error).toBe(failure);
    expect(lines).toMatchObject([{ level: 'error', message: 'GET ECONNRESET' }]);
  });

  it.each([undefined, null])('writes one line where what it is to hand on is %s, and hands it on', async (thrown) => {
    const { logger, lines } = collecting();
    const rejected = logging(
      {},
      { logger },
    )(() => Promise.reject(thrown))(aRequest()).then(
      () => 'it resolved',
      (reason: unknown) => ({ reason }),
    );
    expect(await rejected).toEqual({ reason: thrown });
    expect(lines).toMatchObject([{ level: 'error', message: 'GET failed' }]);
  });

  it('writes one line for all attempts of the policies below it', async () => {
    const { logger, lines } = collecting();
    const stack = compose(
      [logging({}, { logger }), deadline(), retry({}, { random: () => 0 })],
      alone(503, 502, 200).next,
    );
    await ended(stack(aRequest()));
    expect(calls(lines)).toMatchObject([{ level: 'info', fields: { attempts: 3, flags: ['retried'] } }]);
  });
});

/** What every profile but ECS says in the same words. */
const common = { client: 'pillion', destination: 'http://api.test', attempts: 2, flags: ['retried'] };
const traced = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceSampled: true };
const asked = { method: 'GET', url: 'http://api.test/a?page=REDACTED', route: '/a' };

describe('the fields are these and no others in the profile', () => {
  it.each([
    [
      'otel',
      {
        ...{ ...common, request_id: 'req-1', 'server.address': 'api.test', 'server.port': 80 },
        ...{ 'http.request.method': asked.method, 'url.full': asked.url, 'url.template': asked.route },
        ...{ 'http.response.status_code': 200, 'http.response.body.size': 512, duration_ms: 250 },
        ...{ trace_id: traced.traceId, span_id: traced.spanId },
      },
      { 'error.type': 'ECONNRESET', 'error.message': 'socket hang up' },
    ],
    [
      'ecs',
      {
        ...{ 'service.target.name': 'pillion', 'destination.address': 'api.test', 'destination.port': 80 },
        ...{ 'pillion.attempts': 2, 'pillion.flags': ['retried'], 'pillion.route': asked.route },
        ...{ 'http.request.id': 'req-1', 'http.request.method': asked.method, 'url.full': asked.url },
        ...{ 'http.response.status_code': 200, 'http.response.body.bytes': 512 },
        ...{ 'event.duration': 250_000_000, 'event.outcome': 'success' },
        ...{ 'trace.id': traced.traceId, 'span.id': traced.spanId },
      },
      {
        ...{ 'error.code': 'ECONNRESET', 'error.type': 'ECONNRESET', 'error.message': 'socket hang up' },
        'event.outcome': 'failure',
      },
    ],
    [
      'datadog',
      {
        ...{ ...common, 'http.request_id': 'req-1' },
        ...{ 'http.method': asked.method, 'http.url': asked.url, 'http.route': asked.route },
        ...{ 'http.status_code': 200, 'network.bytes_read': 512, duration: 250_000_000 },
        ...{ 'dd.trace_id': '9532127138774266268', 'dd.span_id': '13235353014750950193' },
      },
      { 'error.kind': 'ECONNRESET', 'error.message': 'socket hang up' },
    ],
    [
      'gcp',
      {
        ...{ ...common, request_id: 'req-1' },
        httpRequest: {
          ...{ requestMethod: asked.method, requestUrl: asked.url, status: 200, responseSize: '512' },
          latency: '0.250000s',
        },
        ...{ route: asked.route, duration_ms: 250 },
        'logging.googleapis.com/trace': `projects/shop/traces/${traced.traceId}`,
        ...{ 'logging.googleapis.com/spanId': traced.spanId, 'logging.googleapis.com/trace_sampled': true },
      },
      { code: 'ECONNRESET', error_type: 'ECONNRESET', error_message: 'socket hang up' },
    ],
  ] as const)('%s', async (profile, fields, failure) => {
    const { logger, lines } = collecting();
    const outcomes = [
      () => Promise.resolve({ status: 200, headers: { 'content-length': '512' } } as unknown as Response),
      () => Promise.reject(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })),
    ];
    for (const outcome of outcomes) {
      const next = async (request: Request) => {
        const call = callOf(request);
        Object.assign(call, { ...traced, requestId: 'req-1', attempts: 2 }).flag('retried');
        await new Promise((resolve) => setTimeout(resolve, 250));
        return outcome();
      };
      const policy = logging({ profile, gcpProject: 'shop' }, { logger });
      await ended(policy(next)(aRequest({ url: '/a?page=2', routeName: '/a' })));
    }
    const [answered, failed] = lines.map((line) => JSON.parse(JSON.stringify(line.fields)));
    expect(answered).toEqual(fields);
    // Of an answer that never came there is no status and no size.
    const gone = new Set(Object.keys(fields).filter((name) => /status_code$|body|bytes_read$/.test(name)));
    const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => !gone.has(name)));
    const { status: _, responseSize: __, ...request } = 'httpRequest' in fields ? fields.httpRequest : {};
    const http = 'httpRequest' in fields ? { httpRequest: request } : {};
    expect(failed).toEqual({ ...rest, ...http, ...failure });
  });
});

describe('a line', () => {
  const answer = { status: 200, headers: { 'content-length': '512' } } as unknown as Response;

  it('has the bytes that the wire counted, where it did, and not what the server said', async () => {
    const { logger, lines } = collecting();
    const next = async (request: Request) => {
      callOf(request).responseSize = 20;
      return answer;
    };
    await ended(logging({}, { logger })(next)(aRequest()));
    expect(lines).toMatchObject([{ fields: { 'http.response.body.size': 20 } }]);
  });

  it('has the time to the microsecond', async () => {
    const { logger, lines } = collecting();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
    const next = async () => {
      clock.mockReturnValue(1001.23456789);
      return answer;
    };
    await logging({}, { logger })(next)(aRequest());
    clock.mockRestore();
    expect(lines).toMatchObject([{ fields: { duration_ms: 1.235 } }]);
  });
});

describe('the level', () => {
  it.each<[Reply, string, string]>([
    [200, 'info', 'GET 200'],
    [204, 'info', 'GET 204'],
    [302, 'info', 'GET 302'],
    [304, 'info', 'GET 304'],
    [400, 'warn', 'GET 400'],
    [404, 'warn', 'GET 404'],
    [429, 'warn', 'GET 429'],
    [499, 'warn', 'GET 499'],
    [500, 'error', 'GET 500'],
    [503, 'error', 'GET 503'],
    [{ error: 'ECONNRESET' }, 'error', 'GET ECONNRESET'],
    [{ error: 'CERT_HAS_EXPIRED' }, 'error', 'GET CERT_HAS_EXPIRED'],
    ['hang', 'error', 'GET ERR_ATTEMPT_TIMEOUT'],
  ])('after %j is %s', async (reply, level, message) => {
    expect(await lineOf([reply], { retry: false })).toMatchObject({ level, message });
  });

  it('goes by what the upstream said, not by what the caller accepts', async () => {
    const accepts = { validateStatus: () => true };
    expect(await lineOf([503], { retry: false }, accepts)).toMatchObject({ level: 'error', message: 'GET 503' });
    expect(await lineOf([404], {}, accepts)).toMatchObject({ level: 'warn', message: 'GET 404' });
  });

  it('of an aborted call is info', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted(['hang'], {}, { logger });
    const controller = new AbortController();
    const call = outcomeOf(client.get('/', { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    await call;
    expect(calls(lines)).toMatchObject([
      { level: 'info', message: 'GET ERR_CANCELED', fields: { flags: ['cancelled'] } },
    ]);
  });

  it('of a call that failed and was retried with success is info', async () => {
    expect(await lineOf([503, 200])).toMatchObject({
      level: 'info',
      message: 'GET 200',
      fields: { flags: ['retried'] },
    });
  });
});

describe('the flags of a log line after', () => {
  it('nothing', async () => {
    expect((await lineOf([200])).fields.flags).toBeUndefined();
  });

  it('retried, and retries that ran out', async () => {
    expect((await lineOf([503, 503, 503])).fields).toMatchObject({
      flags: ['retried'],
      retry_refused: 'limit',
      attempts: 3,
    });
  });

  it('a retry refused', async () => {
    const { fields } = await lineOf([503], { retry: { budget: { ratio: 0, minPerSecond: 0 } } });
    expect(fields).toMatchObject({ flags: ['retry_refused'], retry_refused: 'budget' });
  });

  it('timeout and retried', async () => {
    expect((await lineOf(['hang', 200])).fields.flags).toEqual(['timeout', 'retried']);
  });

  it('a connection that was not made in time', async () => {
    const { fields } = await lineOf([{ error: 'ERR_CONNECT_TIMEOUT' }], { retry: false });
    expect(fields.flags).toEqual(['timeout']);
  });

  it('deadline', async () => {
    expect((await lineOf(['hang'], {}, { timeout: 50 })).fields.flags).toEqual(['deadline']);
  });

  it('circuit_open', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([503], { retry: false, circuitBreaker: { volumeThreshold: 1 } }, { logger });
    for (let i = 0; i < 2; i++) await outcomeOf(client.get('/'));
    expect(calls(lines)[1]).toMatchObject({ level: 'error', fields: { flags: ['circuit_open'], attempts: 0 } });
  });

  it('limited', async () => {
    const { logger, lines } = collecting();
    const held = holdReply();
    const { client } = scripted([held], { limits: { maxRequests: 1, maxPendingRequests: 0 } }, { logger });
    const first = client.get('/');
    await outcomeOf(client.get('/'));
    expect(calls(lines)[0]).toMatchObject({ level: 'error', fields: { flags: ['limited'], attempts: 0 } });
    held.reply(200);
    await first;
  });
});

describe('sampling', () => {
  const lineCount = async (rate: number, script: Reply[], random: () => number, call: object = {}) => {
    const { logger, lines } = collecting();
    const { client } = scripted(script, { logging: { successSampleRate: rate } }, { logger, random });
    await ended(client.get('/', call));
    return calls(lines).length;
  };

  it('keeps its share of the calls that went well', async () => {
    expect(await lineCount(0.25, [200], () => 0.24)).toBe(1);
    expect(await lineCount(0.25, [200], () => 0.25)).toBe(0);
    expect(await lineCount(0, [200], () => 0)).toBe(0);
    expect(await lineCount(1, [200], () => 0.999)).toBe(1);
  });

  it('keeps every call on whose way something happened', async () => {
    expect(await lineCount(0, [503, 200], () => 0)).toBe(1);
    expect(await lineCount(0, ['hang', 200], () => 0)).toBe(1);
    expect(await lineCount(0, [404], () => 0)).toBe(1);
    expect(await lineCount(0, [{ error: 'CERT_HAS_EXPIRED' }], () => 0)).toBe(1);
    expect(await lineCount(0, ['hang'], () => 0, { timeout: 10 })).toBe(1);
  });

  it('keeps about its share of many', async () => {
    const { logger, lines } = collecting();
    const random = chance(20261123);
    const { client } = scripted([{ reply: 200 }], { logging: { successSampleRate: 0.1 } }, { logger, random });
    for (let i = 0; i < 1000; i++) await client.get('/');
    // Six standard deviations.
    expect(Math.abs(calls(lines).length - 100)).toBeLessThan(57);
  });
});

/** A line as a logger writes it, which leaves out what is undefined. */
function given({ message, fields }: Line): { message: string; fields: Record<string, unknown> } {
  return { message, fields: JSON.parse(JSON.stringify(fields)) };
}

describe('attempts', () => {
  it('have a debug line each, in their order', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([503, { error: 'ECONNRESET' }, { status: 200, delay: 40 }], {}, { logger });
    const headers = { 'x-request-id': 'the-id' };
    await ended(client.get('/', { headers }));
    const shared = {
      client: 'default',
      destination: 'http://api.test',
      'http.request.method': 'GET',
      'url.full': 'http://api.test/',
      'server.address': 'api.test',
      'server.port': 80,
      request_id: 'the-id',
    };
    expect(lines.filter(({ level }) => level === 'debug').map(given)).toEqual([
      {
        message: 'attempt 1 503',
        fields: { ...shared, attempts: 1, 'http.response.status_code': 503, 'error.type': '503', duration_ms: 0 },
      },
      {
        message: 'attempt 2 ECONNRESET',
        fields: { ...shared, attempts: 2, 'error.type': 'ECONNRESET', duration_ms: 0 },
      },
      {
        message: 'attempt 3 200',
        fields: { ...shared, attempts: 3, 'http.response.status_code': 200, duration_ms: 40 },
      },
    ]);
  });

  it('have the field names of the profile, as the line of the call has them', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([200], { logging: { profile: 'datadog' } }, { logger });
    await client.get('/');
    const [attempt, call] = lines.map(given);
    expect(Object.keys(attempt?.fields ?? {})).toEqual(Object.keys(call?.fields ?? {}));
    expect(attempt?.fields).toMatchObject({ 'http.method': 'GET', 'http.status_code': 200, attempts: 1 });
  });

  it('are logged once, also after an update put another logging in force', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([{ reply: 200 }], {}, { logger });
    await client.get('/');
    client.update({ baseURL: 'http://api.test', logging: { profile: 'ecs' } });
    await client.get('/');
    expect(lines.map(({ message }) => message)).toEqual([
      ...['attempt 1 200', 'GET 200', 'configuration updated: logging', 'attempt 1 200', 'GET 200'],
    ]);
  });

  it('have none where the logger does not want debug lines', async () => {
    const { logger, lines } = collecting();
    const wanted = (level: string) => level !== 'debug';
    const { client } = scripted([503, 200], {}, { logger: { ...logger, isLevelEnabled: wanted } });
    await ended(client.get('/'));
    expect(lines.map(({ level }) => level)).toEqual(['info']);
  });
});

describe('a logger', () => {
  const throwing = () => {
    throw new Error('the disk is full');
  };

  it.each(['debug', 'info', 'warn', 'error'] as const)('that throws at %s never breaks a call', async (level) => {
    const { logger } = collecting();
    const { client } = scripted([503, 200, 404, 500], {}, { logger: { ...logger, [level]: throwing } });
    expect(await ended(client.get('/'))).toMatchObject({ status: 200 });
    expect(await ended(client.get('/'))).toMatchObject({ status: 404, code: 'ERR_BAD_REQUEST' });
    expect(await ended(client.get('/'))).toMatchObject({ status: 500, code: 'ERR_BAD_RESPONSE' });
  });

  it('that throws at every turn, isLevelEnabled too, breaks neither client nor call', async () => {
    const logger: Logger = {
      ...{ debug: throwing, info: throwing, warn: throwing, error: throwing },
      isLevelEnabled: throwing,
    };
    const { client } = scripted([503, 200, 404], {}, { logger });
    expect(await ended(client.get('/'))).toMatchObject({ status: 200 });
    expect(await ended(client.get('/'))).toMatchObject({ status: 404 });
  });

  it('that rejects in its own time never breaks the process either', async () => {
    const unhandled: unknown[] = [];
    // vitest's own listeners would take it for a fault of the test.
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', (reason) => unhandled.push(reason));
    const rejecting = async () => throwing();
    const logger: Logger = { debug: rejecting, info: rejecting, warn: rejecting, error: rejecting };
    try {
      const { client } = scripted([200, 404], {}, { logger });
      expect(await ended(client.get('/'))).toMatchObject({ status: 200 });
      expect(await ended(client.get('/'))).toMatchObject({ status: 404 });
      // Node tells of them after the promises of a turn have run.
      vi.useRealTimers();
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of others) process.on('unhandledRejection', listener);
    }
    expect(unhandled).toEqual([]);
  });

  it('need not have isLevelEnabled', async () => {
    const { logger, lines } = collecting();
    expect(logger).not.toHaveProperty('isLevelEnabled');
    const { client } = scripted([200], {}, { logger });
    await client.get('/');
    expect(lines.map(({ level }) => level)).toEqual(['debug', 'info']);
  });

  it('that has it is asked before a line is built', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([200, 404], {}, { logger: { ...logger, isLevelEnabled: (level) => level === 'warn' } });
    await ended(client.get('/'));
    await ended(client.get('/'));
    expect(lines.map(({ message }) => message)).toEqual(['GET 404']);
  });

  it('may be given another level while the client lives', async () => {
    const { logger, lines } = collecting();
    let level = 'info';
    const isLevelEnabled = (asked: string) => level === 'debug' || asked !== 'debug';
    const { client } = scripted([{ reply: 200 }], {}, { logger: { ...logger, isLevelEnabled } });
    for (level of ['info', 'debug', 'info']) await client.get('/');
    expect(lines.map(({ message }) => message)).toEqual(['GET 200', 'attempt 1 200', 'GET 200', 'GET 200']);
  });

  it('is called as a method: one that needs its `this` works', async () => {
    class Mine implements Logger {
      readonly lines: string[] = [];
      debug(_: object, message: string) {
        this.lines.push(message);
      }
      info(_: object, message: string) {
        this.lines.push(message);
      }
      warn() {}
      error() {}
    }
    const logger = new Mine();
    const { client } = scripted([200], {}, { logger });
    await client.get('/');
    expect(logger.lines).toEqual(['attempt 1 200', 'GET 200']);
  });

  it('hears nothing with logging: false', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([503, 200], { logging: false }, { logger });
    await ended(client.get('/'));
    expect(lines).toEqual([]);
  });
});
