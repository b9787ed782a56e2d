/** logging: calls that this process turned away are counted, one line a second for each destination and code. */
import type { Logger } from 'pillion';
import { holdReply } from 'pillion/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { baseURL, collecting, type Line, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';

fakeTimers();

// What has not been written would be written at the exit of the process.
afterEach(() => vi.advanceTimersByTimeAsync(3000));

const refused = (lines: readonly Line[]) => lines.filter(({ fields }) => 'calls' in fields);
const counts = (lines: readonly Line[]) => refused(lines).map(({ fields }) => fields.calls);

/** A client whose circuit has opened for ECONNREFUSED, and its lines since then. */
async function opened(config: object = {}, deps: object = {}) {
  const { logger, lines } = collecting();
  const circuitBreaker = { volumeThreshold: 1, resetTimeout: '60s' } as const;
  const failure = { error: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:443' };
  const { client } = scripted([{ reply: failure }], { retry: false, circuitBreaker, ...config }, { logger, ...deps });
  await rejection(client.get('/'));
  lines.length = 0;
  const refuse = async (times = 1, path = '/') => {
    for (let i = 0; i < times; i++) await rejection(client.get(path));
  };
  return { client, lines, refuse };
}

describe('a call that this process turned away', () => {
  it('has its line at once, with the failure for which the circuit opened', async () => {
    const { lines, refuse } = await opened();
    const timers = vi.getTimerCount();
    await refuse();
    expect(lines).toMatchObject([
      {
        ...{ level: 'error', message: 'GET ERR_CIRCUIT_OPEN' },
        fields: {
          ...{ 'error.type': 'ERR_CIRCUIT_OPEN', 'url.full': `${baseURL}/`, calls: 1 },
          ...{ cause: 'ECONNREFUSED', cause_message: 'connect ECONNREFUSED 10.0.0.1:443' },
        },
      },
    ]);
    expect(vi.getTimerCount()).toBe(timers);
  });

  it('is counted where it is not the first of its second, and told at the end of it', async () => {
    const { lines, refuse } = await opened();
    await refuse(1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(counts(lines)).toEqual([1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(counts(lines)).toEqual([1, 999]);
    expect(lines[1]).toMatchObject({
      message: '999 calls ERR_CIRCUIT_OPEN',
      fields: { 'error.type': 'ERR_CIRCUIT_OPEN', destination: baseURL, cause: 'ECONNREFUSED' },
    });
  });

  it('has one line a second while it goes on, and the sum of all is the number of calls', async () => {
    const { client, lines, refuse } = await opened();
    const timers = vi.getTimerCount();
    for (let i = 0; i < 100; i++) {
      await refuse(20);
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect(counts(lines)).toHaveLength(11);
    expect(counts(lines).reduce((sum: number, each) => sum + Number(each), 0)).toBe(2000);
    expect(client.stats().calls.failed).toBe(2001);
    expect(vi.getTimerCount()).toBe(timers);
  });

  it('after a quiet second has its line at once again', async () => {
    const { lines, refuse } = await opened();
    await refuse();
    await vi.advanceTimersByTimeAsync(1500);
    await refuse();
    expect(counts(lines)).toEqual([1, 1]);
  });

  it('has a line of its own for each destination and code', async () => {
    const { logger, lines } = collecting();
    const held = holdReply();
    const limits = { maxRequests: 1, maxPendingRequests: 0 };
    const config = { allowAbsoluteUrls: true, limits, rateLimit: { requests: 3, per: '1m', maxPending: 0 } } as const;
    const { client } = scripted([held, held], config, { logger });
    const running = ['http://one.test/', 'http://two.test/'].map((url) => client.get(url));
    await vi.advanceTimersByTimeAsync(0);
    await rejection(client.get('http://one.test/'));
    for (const url of ['http://one.test/', 'http://two.test/']) await rejection(client.get(url));
    expect(refused(lines).map(({ fields }) => [fields.destination, fields['error.type']])).toEqual([
      ['http://one.test', 'ERR_LIMIT'],
      ['http://one.test', 'ERR_RATE_LIMITED'],
      ['http://two.test', 'ERR_RATE_LIMITED'],
    ]);
    held.reply(200);
    await Promise.allSettled(running);
  });

  it('for want of an endpoint says why none is known', async () => {
    const { logger, lines } = collecting();
    let fail: (error: Error) => void = () => {};
    const watch = (_: unknown, failed: typeof fail) => {
      fail = failed;
    };
    const { client } = scripted([], { retry: false }, { logger, discovery: { watch } as never });
    const call = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(0);
    fail(new Error('the registry is away'));
    await call;
    expect(refused(lines)).toMatchObject([
      { fields: { 'error.type': 'ERR_NO_ENDPOINT', calls: 1, cause_message: 'the registry is away' } },
    ]);
  });

  it('says by whom its circuit was forced open', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([], {}, { logger });
    client.forceCircuit('open', { by: 'alice' });
    const error = await rejection(client.get('/'));
    expect(error.message).toContain('is forced open by alice.');
    expect(refused(lines)).toMatchObject([{ fields: { cause_message: 'forced open by alice' } }]);
    expect(refused(lines)[0]?.fields).not.toHaveProperty('cause');
  });

  it('of a thousand destinations has at most twenty lines a second at once, and the rest in one that counts', async () => {
    const { logger, lines } = collecting();
    const config = { allowAbsoluteUrls: true, retry: false } as const;
    const { client } = scripted([], config, { logger });
    client.forceCircuit('open');
    lines.length = 0;
    for (let second = 0; second < 3; second++) {
      for (let i = 0; i < 1000; i++) await rejection(client.get(`http://host-${i}.test/`));
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(counts(lines).reduce((sum: number, each) => sum + Number(each), 0)).toBe(3000);
    expect(lines.length).toBeLessThanOrEqual(3 * 22);
    expect(lines.find(({ fields }) => Number(fields.calls) > 900)).toMatchObject({
      message: '980 calls ERR_CIRCUIT_OPEN',
      fields: { 'event.name': 'pillion.calls.refused', client: 'default', 'error.type': 'ERR_CIRCUIT_OPEN' },
    });
  });

  it.each([
    ['ecs', { 'pillion.calls': 1, 'pillion.cause': 'ECONNREFUSED', 'error.type': 'ERR_CIRCUIT_OPEN' }],
    ['datadog', { calls: 1, cause: 'ECONNREFUSED', 'error.kind': 'ERR_CIRCUIT_OPEN' }],
    ['gcp', { calls: 1, cause: 'ECONNREFUSED', error_type: 'ERR_CIRCUIT_OPEN' }],
  ] as const)('has its number and cause under the names of the profile %s', async (profile, fields) => {
    const { lines, refuse } = await opened({ logging: { profile } });
    await refuse();
    expect(lines).toMatchObject([{ fields }]);
  });

  it('is not left out by failureSampleRate, which leaves out other failures', async () => {
    const { lines, refuse } = await opened({ logging: { failureSampleRate: 0 } });
    await refuse(5);
    await vi.advanceTimersByTimeAsync(1000);
    expect(counts(lines)).toEqual([1, 4]);
  });

  it('that was counted is written when the client closes', async () => {
    const { client, lines, refuse } = await opened();
    await refuse(5);
    await client.close();
    expect(counts(lines)).toEqual([1, 4]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is counted on where the logger throws', async () => {
    const throwing = () => {
      throw new Error('the disk is full');
    };
    const logger: Logger = { debug: throwing, info: throwing, warn: throwing, error: throwing };
    const { refuse } = await opened({}, { logger });
    await refuse(5);
    await vi.advanceTimersByTimeAsync(1000);
    await refuse(1);
  });
});

describe('failureSampleRate', () => {
  it.each([
    [0.25, 0.24, 1],
    [0.25, 0.25, 0],
    [0, 0, 0],
  ])('%d keeps its share of calls that failed: with chance %d there are %d lines', async (rate, random, count) => {
    for (const reply of [503, 404, { error: 'ECONNRESET' }]) {
      const { logger, lines } = collecting();
      const config = { retry: false, logging: { failureSampleRate: rate } } as const;
      const { client } = scripted([reply], config, { logger, random: () => random });
      await rejection(client.get('/'));
      expect(lines.filter(({ level }) => level !== 'debug')).toHaveLength(count);
    }
  });

  it('leaves calls alone that went well, whatever happened on their way', async () => {
    const { logger, lines } = collecting();
    const { client } = scripted([503, 200, 200], { logging: { failureSampleRate: 0 } }, { logger });
    const retried = client.get('/');
    await vi.advanceTimersByTimeAsync(100);
    await retried;
    await client.get('/');
    expect(lines.filter(({ level }) => level === 'info')).toHaveLength(2);
  });
});

describe('logging.level', () => {
  it.each([
    ['debug', ['attempt 1 200', 'GET 200', 'attempt 1 404', 'GET 404', 'attempt 1 500', 'GET 500']],
    ['info', ['GET 200', 'GET 404', 'GET 500']],
    ['warn', ['GET 404', 'GET 500']],
    ['error', ['GET 500']],
    ['silent', []],
  ] as const)('%s is the least that is written', async (level, messages) => {
    const { logger, lines } = collecting();
    const { client } = scripted([200, 404, 500], { retry: false, logging: { level } }, { logger });
    await client.get('/');
    for (let i = 0; i < 2; i++) await rejection(client.get('/'));
    client.forceCircuit('closed');
    expect(lines.map(({ message }) => message).filter((text) => /^GET|^attempt/.test(text))).toEqual(messages);
    const transitions = lines.filter(({ fields }) => 'event.name' in fields);
    expect(transitions).toHaveLength(['error', 'silent'].includes(level) ? 0 : 1);
  });
});
