/** logging: one line for each transition of circuits, endpoints, lookups, certificates and configurations. */
import { createTestClient } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { Events } from '../../../src/call/events.js';
import { collecting, type Line, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

fakeTimers();

/** Those about transitions, as JSON has them. */
const transitions = (lines: readonly Line[]) =>
  lines
    .filter(({ fields }) => 'event.name' in fields)
    .map(({ level, fields, message }) => ({ level, message, fields: JSON.parse(JSON.stringify(fields)) }));

const circuitBreaker = { volumeThreshold: 2, resetTimeout: '5s', trials: 3 } as const;

/** A client whose first two calls fail with 503, and the clock two trials further on. */
async function failing(script: readonly (number | object)[], config: object = {}) {
  const { logger, lines } = collecting();
  const { client } = scripted(
    script as never,
    { name: 'billing', retry: false, circuitBreaker, ...config },
    { logger },
  );
  const call = async (times: number) => {
    for (let i = 0; i < times; i++) await client.get('/').catch(() => {});
  };
  await call(2);
  return { client, lines, call };
}

const where = { client: 'billing', destination: 'http://api.test', 'server.address': 'api.test', 'server.port': 80 };

describe('a circuit', () => {
  it('that opens says how many attempts failed, with what the last, and when the next trial is', async () => {
    vi.setSystemTime('2026-03-01T03:00:00Z');
    const { lines } = await failing([200, { error: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:80' }]);
    expect(transitions(lines)).toEqual([]);
    const second = await failing([503, { error: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:80' }]);
    expect(transitions(second.lines)).toEqual([
      {
        level: 'warn',
        message:
          'circuit to http://api.test opened: 2 of 2 attempts failed, the last with ECONNREFUSED; next trial in 5 s',
        fields: {
          ...{ 'event.name': 'pillion.circuit.opened', ...where, outcomes: 2, failures: 2 },
          ...{ cause: 'ECONNREFUSED', cause_message: 'connect ECONNREFUSED 10.0.0.1:80' },
          ...{ retry_after_ms: 5000, next_trial_at: '2026-03-01T03:00:05.000Z' },
        },
      },
    ]);
  });

  it('that opened for a status names the status', async () => {
    const { lines } = await failing([503, 502]);
    expect(transitions(lines)[0]?.fields).toMatchObject({ cause: '502' });
    expect(transitions(lines)[0]?.fields).not.toHaveProperty('cause_message');
  });

  it('whose trials fail says how many did', async () => {
    const { lines, call } = await failing([503, 503, 200, 500, 504]);
    await vi.advanceTimersByTimeAsync(5000);
    await call(3);
    expect(transitions(lines)[1]).toEqual({
      level: 'warn',
      message: 'circuit to http://api.test opened again: 2 trials failed, the last with 504; next trial in 5 s',
      fields: expect.objectContaining({
        ...{ 'event.name': 'pillion.circuit.reopened', outcomes: 3, failures: 2, failed_trials: 2, cause: '504' },
      }),
    });
  });

  it('that closes says how long it was open, failed trials included', async () => {
    const { lines, call } = await failing([503, 503, 500, 500, 200, 200]);
    await vi.advanceTimersByTimeAsync(5000);
    await call(2);
    await vi.advanceTimersByTimeAsync(6000);
    await call(2);
    expect(transitions(lines).at(-1)).toEqual({
      level: 'info',
      message: 'circuit to http://api.test closed after 11 s',
      fields: { 'event.name': 'pillion.circuit.closed', ...where, open_for_ms: 11_000 },
    });
  });

  it('that is forced says to what, by whom and for how long, and when that is over', async () => {
    const { client, lines } = await failing([200, 200]);
    client.forceCircuit('open', { by: 'alice', for: '15m' });
    await vi.advanceTimersByTimeAsync(15 * 60_000);
    client.forceCircuit('closed');
    client.forceCircuit('auto', { by: 'bob' });
    expect(transitions(lines).map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'circuits forced open by alice for 15 min'],
      ['info', 'circuits are no longer forced, as the given time is over'],
      ['warn', 'circuits forced closed'],
      ['info', 'circuits set back to auto by bob'],
    ]);
    expect(transitions(lines)[0]?.fields).toEqual({
      ...{ 'event.name': 'pillion.circuit.forced', client: 'billing', state: 'open', by: 'alice', for_ms: 900_000 },
    });
  });

  it('has its lines with the names of the profile', async () => {
    const { lines } = await failing([503, 503], { logging: { profile: 'ecs' } });
    expect(lines.find(({ fields }) => 'event.action' in fields)?.fields).toMatchObject({
      ...{ 'event.action': 'pillion.circuit.opened', 'service.target.name': 'billing' },
      ...{ 'destination.address': 'api.test', 'destination.port': 80, 'pillion.destination': 'http://api.test' },
      ...{ 'pillion.failures': 2, 'pillion.cause': '503' },
    });
    const datadog = await failing([503, 503], { logging: { profile: 'datadog' } });
    expect(datadog.lines.find(({ fields }) => 'evt.name' in fields)?.fields).toMatchObject({ cause: '503' });
    const gcp = await failing([503, 503], { logging: { profile: 'gcp' } });
    expect(gcp.lines.find(({ fields }) => 'event' in fields)?.fields).toMatchObject({ cause: '503' });
  });

  it('has no line where logging is off', async () => {
    const { lines, client } = await failing([503, 503], { logging: false });
    client.forceCircuit('open');
    expect(lines).toEqual([]);
  });

  it('has one line where an update has replaced the logging policy while calls were in flight', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted(['hang', 200], {}, { logger });
    const hanging = rejection(client.get('/', { timeout: 60_000 }));
    await vi.advanceTimersByTimeAsync(0);
    for (const level of ['info', 'debug'] as const) client.update({ baseURL: 'http://api.test', logging: { level } });
    lines.length = 0;
    client.forceCircuit('closed');
    expect(lines).toHaveLength(1);
    client.update({ baseURL: 'http://api.test', logging: false });
    await vi.advanceTimersByTimeAsync(60_000);
    await hanging;
    lines.length = 0;
    client.forceCircuit('open');
    expect(lines).toEqual([]);
  });
});

describe('many circuits that open at once', () => {
  it('have twenty lines a second and one that counts the rest', async () => {
    const { logger, lines } = collecting();
    const config = { allowAbsoluteUrls: true, retry: false, circuitBreaker: { volumeThreshold: 1 } } as const;
    const { client } = scripted([{ reply: 503 }], { ...config, logging: { failureSampleRate: 0 } }, { logger });
    for (let i = 0; i < 1000; i++) await rejection(client.get(`http://host-${i}.test/`));
    await vi.advanceTimersByTimeAsync(1000);
    const told = transitions(lines);
    expect(told).toHaveLength(21);
    expect(told.at(-1)).toEqual({
      level: 'warn',
      message: '980 more of circuit.opened',
      fields: { 'event.name': 'pillion.circuit.opened', client: 'default', times: 980 },
    });
    await client.close();
  });
});

describe('endpoints', () => {
  const listed = (addresses: readonly string[]) => addresses.map((address) => ({ address }));

  function discovered(config: object = {}) {
    const { logger, lines } = collecting();
    const source = { tell: (_: readonly object[]) => {}, fail: (_: Error) => {} };
    const discovery = {
      watch: (tell: typeof source.tell, fail: typeof source.fail) => {
        Object.assign(source, { tell, fail });
        return () => {};
      },
    };
    const client = createTestClient(
      [{ path: '/fail', reply: { error: 'ECONNREFUSED' } }, { reply: 200 }],
      { name: 'billing', baseURL: 'http://api.test', retry: false, circuitBreaker: false, ...config },
      { logger, discovery: discovery as never },
    );
    const call = (path: string) => client.get(path).catch(() => {});
    return { client, lines, source, call };
  }

  it('that cannot be looked up have one line, and one when they can again', async () => {
    const { client, lines, source, call } = discovered();
    const first = call('/');
    source.tell(listed(['10.0.0.1:80']));
    await first;
    for (let i = 0; i < 50; i++) {
      source.fail(new Error('getaddrinfo ENOTFOUND api.test'));
      await vi.advanceTimersByTimeAsync(1000);
    }
    source.tell(listed(['10.0.0.1:80']));
    source.tell(listed(['10.0.0.1:80']));
    source.fail(new Error('again'));
    const about = transitions(lines).map(({ level, message }) => [level, message]);
    expect(about).toEqual([
      ['warn', 'endpoints cannot be looked up: getaddrinfo ENOTFOUND api.test'],
      ['info', 'endpoints can be looked up again after 50 s'],
      ['warn', 'endpoints cannot be looked up: again'],
    ]);
    expect(transitions(lines)[1]?.fields).toMatchObject({ client: 'billing', failures: 50, failing_for_ms: 50_000 });
    source.tell(listed(['10.0.0.1:80']));
    source.fail(new Error('GET https://me:hunter2@registry.test/v1?token=hunter2 failed'));
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(lines.at(-1)?.message).toContain('GET https://REDACTED@registry.test/v1?token=REDACTED failed');
    await client.close();
  });

  it('that can be looked up again after an update of their section have that line too', async () => {
    const { client, lines, source, call } = discovered();
    const first = call('/');
    source.tell(listed(['10.0.0.1:80']));
    await first;
    source.fail(new Error('away'));
    client.update({ baseURL: 'http://api.test', retry: false, balance: { strategy: 'random' } });
    const second = call('/');
    source.tell(listed(['10.0.0.1:80']));
    await second;
    expect(transitions(lines).map(({ message }) => message)).toEqual([
      'endpoints cannot be looked up: away',
      'configuration updated: circuitBreaker, balance',
      'endpoints can be looked up again after 0 ms',
    ]);
    await client.close();
  });

  it('that are ejected say why and for how long, and when they are back', async () => {
    const { client, lines, source, call } = discovered({ outlierDetection: { consecutiveFailures: 2 } });
    const first = call('/');
    source.tell(listed(['10.0.0.1:80', '10.0.0.2:80']));
    await first;
    for (let i = 0; i < 6; i++) await call('/fail');
    const [ejected] = transitions(lines);
    expect(ejected).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/^endpoint 10\.0\.0\.[12]:80 gets no calls for 30 s: consecutive_failures$/),
      fields: { 'event.name': 'pillion.endpoint.ejected', reason: 'consecutive_failures', for_ms: 30_000 },
    });
    expect(ejected?.fields).toMatchObject({
      'server.port': 80,
      destination: `${ejected?.fields['server.address']}:80`,
    });
    await vi.advanceTimersByTimeAsync(31_000);
    await call('/');
    expect(transitions(lines).at(-1)).toMatchObject({
      ...{ level: 'info', message: `endpoint ${ejected?.fields.destination} gets calls again` },
    });
    await client.close();
  });
});

describe('what other policies tell of', () => {
  const lineOf = async (name: string, event: object) => {
    const { logging } = await import('pillion');
    const { logger, lines } = collecting();
    const events = new Events();
    logging({}, { logger, events });
    events.emit(name as never, { client: 'billing', ...event } as never);
    return lines.map(({ level, message }) => `${level}: ${message}`);
  };

  it.each([
    [
      'endpoint.health_changed',
      { endpoint: '10.0.0.1:80', healthy: false },
      'warn: health checks find endpoint 10.0.0.1:80 unhealthy',
    ],
    [
      'endpoint.health_changed',
      { endpoint: '10.0.0.1:80', healthy: true },
      'info: health checks find endpoint 10.0.0.1:80 healthy again',
    ],
    [
      'endpoints.changed',
      { added: ['10.0.0.3:80'], removed: ['10.0.0.1:80'] },
      'info: endpoints changed: added 10.0.0.3:80; removed 10.0.0.1:80',
    ],
    ['config.updated', { sections: ['retry'] }, 'info: configuration updated: retry'],
    ['identity.rotated', { generation: 2 }, 'info: identity rotated'],
    [
      'identity.rejected',
      { generation: 2, message: 'no' },
      'warn: identity rejected, the previous one stays in force: no',
    ],
    [
      'identity.expiry_warned',
      { generation: 2, subject: 'CN=a', notAfter: '2999-01-01T00:00:00Z', daysLeft: 7 },
      'warn: certificate expires soon',
    ],
  ])('%s %j has the line %j', async (name, event, line) => {
    expect(await lineOf(name, event)).toEqual([line]);
  });

  it.each(['identity.rotated', 'identity.rejected', 'identity.expiry_warned'])(
    '%s of a shared identity has none here, as the identity writes it',
    async (name) => {
      expect(await lineOf(name, { shared: true, generation: 2, message: '' })).toEqual([]);
    },
  );
});
