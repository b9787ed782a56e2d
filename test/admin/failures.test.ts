/** What the admin handler tells of failures, changes, circuits and the configuration: true, bounded, in the words of the log. */
import { createHttpClient, endpointOf, type HttpClient, healthOfClients, loadHttpClients } from 'pillion';
import { createMockTransport, type Script, times } from 'pillion/testing';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Failures } from '../../src/admin/failures.js';
import type { ClientSnapshot } from '../../src/admin/snapshot.js';
import { Watcher } from '../../src/admin/snapshot.js';
import type { ClientEvents } from '../../src/call/events.js';
import { leaks, secretBody, secretCall, secretQuery, secretReply } from '../secrets/planted.js';
import { baseURL, clientOver, collecting, rejection, scripted, silent } from '../support/client.js';
import { fakeTimers } from '../support/clock.js';

fakeTimers();
beforeEach(() => void vi.setSystemTime('2026-11-30T03:00:00Z'));

function watching(...clients: HttpClient[]) {
  const watcher = new Watcher(clients, { writable: false });
  onTestFinished(async () => {
    watcher.stop();
    await Promise.all(clients.map((client) => client.close({ grace: 0 })));
  });
  const of = (name?: string): ClientSnapshot => {
    const all = watcher.take().clients;
    return (name === undefined ? all[0] : all.find((client) => client.name === name)) as ClientSnapshot;
  };
  return { watcher, of };
}

const refusedConnection = { error: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:443' };
const calls = async (client: HttpClient, count: number, path = '/') => {
  for (let call = 0; call < count; call++) await client.get(path).catch(() => {});
};

describe('failures', () => {
  it('are told by destination, code and status, with count, first and last time, the newest first', async () => {
    const { client } = scripted([503, 503, refusedConnection, 404, 200], { retry: false });
    const { of } = watching(client);
    const start = Date.now();
    for (let call = 0; call < 4; call++) {
      await rejection(client.get('/'));
      await vi.advanceTimersByTimeAsync(1000);
    }
    await client.get('/');
    expect(of().failures).toMatchObject([
      { destination: baseURL, code: 'ERR_BAD_REQUEST', status: 404, count: 1, local: false, firstAt: start + 3000 },
      { code: 'ECONNREFUSED', status: null, message: refusedConnection.message, cause: null, count: 1 },
      { status: 503, count: 2, firstAt: start, lastAt: start + 1000, message: 'answered with status 503' },
    ]);
    expect(of().failures[1]).toMatchObject({
      advice: expect.stringContaining('Nothing listens'),
      runbook: 'runbook#econnrefused',
    });
    expect(of().moreFailures).toBe(0);
  });

  it('are counted once a call, whatever the retries, and not where a retry or the caller made it well', async () => {
    const { client } = scripted([503, 503, 503, 503, 200, 404], { retry: { maxRetries: 2 } });
    const { of } = watching(client);
    const call = rejection(client.get('/'));
    await vi.advanceTimersByTimeAsync(5000);
    await call;
    const retried = client.get('/');
    await vi.advanceTimersByTimeAsync(5000);
    expect((await retried).status).toBe(200);
    await client.get('/', { validateStatus: null });
    await rejection(client.get('/', { signal: AbortSignal.abort() }));
    expect(of()).toMatchObject({ failures: [{ status: 503, count: 1 }] });
  });

  it('of calls that were turned away stand apart from the real ones, and carry their cause', async () => {
    const circuitBreaker = { volumeThreshold: 2, resetTimeout: '60s' } as const;
    const { client } = scripted([{ reply: refusedConnection }], { retry: false, circuitBreaker });
    const { of } = watching(client);
    await calls(client, 2);
    await vi.advanceTimersByTimeAsync(2000);
    await calls(client, 8);
    const { failures, refused, failed, refusedP99, p99 } = of();
    expect(failures).toMatchObject([
      {
        ...{ code: 'ERR_CIRCUIT_OPEN', local: true, count: 8, destination: baseURL },
        cause: { code: 'ECONNREFUSED', status: null, message: refusedConnection.message },
      },
      { code: 'ECONNREFUSED', local: false, count: 2, cause: null },
    ]);
    expect({ refused, failed }).toEqual({ refused: 4, failed: 1 });
    expect([refusedP99, p99].every((ms) => typeof ms === 'number')).toBe(true);
  });

  it('of a circuit that was forced open say by whom', async () => {
    const { client } = scripted([200]);
    const { of } = watching(client);
    client.forceCircuit('open', { by: 'alice', for: '15m' });
    await calls(client, 1);
    const now = Date.now();
    expect(of()).toMatchObject({
      forced: { state: 'open', by: 'alice', since: now, until: now + 900_000 },
      failures: [{ code: 'ERR_CIRCUIT_OPEN', local: true, message: expect.stringContaining('forced open by alice') }],
      destinations: [],
    });
    client.forceCircuit('auto');
    expect(of().forced).toBeNull();
  });

  it('are forgotten after an hour without them, and their counts are those of the last hour', async () => {
    const replies: Script = [...times(6, 503), 500];
    const { client } = scripted(replies, { retry: false, circuitBreaker: false });
    const { of } = watching(client);
    const start = Date.now();
    for (let call = 0; call < 6; call++) {
      await calls(client, 1);
      await vi.advanceTimersByTimeAsync(1_200_000);
    }
    // At 0, 20, … 100 minutes; now it is 120.
    expect(of().failures).toMatchObject([{ status: 503, firstAt: start, count: 2 }]);
    await calls(client, 1);
    await vi.advanceTimersByTimeAsync(3_000_000);
    expect(of().failures).toMatchObject([{ status: 500, count: 1 }]);
    await vi.advanceTimersByTimeAsync(601_000);
    expect(of()).toMatchObject({ failures: [], moreFailures: 0 });
  });

  it('of an error without a code, or of no error at all, have a place and a general advice', async () => {
    const thrown: unknown[] = [new Error('odd'), Object.assign(new Error('odder'), { code: 42 }), 'text'];
    const client = clientOver(
      async () => {
        throw thrown.shift();
      },
      { retry: false },
    );
    const { of } = watching(client);
    await calls(client, 3);
    for (const { advice, runbook, message } of of().failures) {
      expect(advice.length).toBeGreaterThan(20);
      expect(runbook).toMatch(/^runbook#[\w-]+$/);
      expect(message).not.toBe('');
    }
    expect(of().failures.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(of().severity).toBe('failing');
  });

  it('are in bounds with 100,000 destinations, 10,000 statuses and codes of any size', () => {
    const failures = new Failures();
    const ended = (origin: string, status?: number, code?: string, message?: string) =>
      ({
        call: { origin, tried: [], failure: { message } },
        durationMs: 1,
        status,
        code,
      }) as unknown as ClientEvents['call.ended'];
    for (let call = 0; call < 100_000; call++) failures.add(ended(`http://host-${call}.test`, 503, 'E'), false);
    for (let status = 400; status < 10_400; status++) failures.add(ended(baseURL, status, 'E'), false);
    const megabyte = 'x'.repeat(1_000_000);
    for (let call = 0; call < 100; call++)
      failures.add(ended(megabyte + call, undefined, megabyte + call, megabyte + call), false);
    const { failures: shown, moreFailures } = failures.shown();
    expect([shown.length, moreFailures]).toEqual([20, 80]);
    expect(JSON.stringify(shown).length).toBeLessThan(20_000);
  });

  it('hold on to nothing of a message of a megabyte, and redact it in no time', async () => {
    const error = (call: number) => new Error(`${'a-'.repeat(500_000)} https://me:hunter2@api.test/${call}`);
    let made = 0;
    const client = clientOver(
      async () => {
        throw error(made++);
      },
      { retry: false, logging: false },
    );
    const { of } = watching(client);
    const began = process.hrtime.bigint();
    await calls(client, 20);
    expect(Number(process.hrtime.bigint() - began) / 1e6).toBeLessThan(2000);
    const [kind] = of().failures;
    expect(kind?.message.length).toBeLessThanOrEqual(200);
    expect(JSON.stringify(of())).not.toContain('hunter2');
  });

  it('tell no secret of call, error or answer', async () => {
    const message = `GET http://ada:planted-password@api.test/x?${secretQuery} failed, then http://ada:planted-password@${'x'.repeat(900)}`;
    const replies: Script = [
      { path: '/bad', reply: secretReply(500) },
      { path: '/worse', reply: { error: 'ECONNRESET', message } },
      { reply: secretReply(401) },
    ];
    const config = {
      baseURL: 'http://ada:planted-password@api.test',
      retry: false,
      circuitBreaker: { volumeThreshold: 1 },
    } as const;
    const { client } = scripted(replies, config);
    const { watcher, of } = watching(client);
    for (const path of ['/', '/bad', '/worse', '/'])
      await client.post(`${path}?${secretQuery}`, secretBody, secretCall).catch(() => {});
    client.forceCircuit('closed');
    await client.post(`/worse?${secretQuery}`, secretBody, secretCall).catch(() => {});
    expect(of().failures.length).toBeGreaterThan(2);
    expect(leaks(JSON.stringify([watcher.take(), watcher.history()]))).toEqual([]);
  });
});

describe('changes', () => {
  it('have the sentences of the log lines, the newest first', async () => {
    const { logger, lines } = collecting();
    const circuitBreaker = { volumeThreshold: 2, resetTimeout: '5s' } as const;
    const { client } = scripted([...times(4, 503), ...times(2, 200)], { retry: false, circuitBreaker }, { logger });
    const { of } = watching(client);
    await calls(client, 2);
    await vi.advanceTimersByTimeAsync(5000);
    await calls(client, 2);
    await vi.advanceTimersByTimeAsync(5000);
    await calls(client, 2);
    client.forceCircuit('open', { by: 'alice', for: '1m' });
    client.update({ baseURL, retry: false, circuitBreaker, timeouts: { total: '1s' } });
    const told = lines.filter(({ fields }) => 'event.name' in fields);
    expect(of().changes.map(({ level, message }) => [level, message])).toEqual(
      told.map(({ level, message }) => [level, message]).reverse(),
    );
    expect(of().changes.map(({ kind }) => kind)).toEqual(['config', 'forced', 'circuit', 'circuit', 'circuit']);
    expect(of().changes.at(-1)).toMatchObject({ destination: baseURL, at: Date.now() - 10_000 });
    // A minute longer than an hour, as the forced state ended by itself.
    await vi.advanceTimersByTimeAsync(3_661_000);
    expect(of().changes).toEqual([]);
  });

  it('are at most fifty', async () => {
    const { client } = scripted([200]);
    const { of } = watching(client);
    for (let turn = 0; turn < 200; turn++) client.forceCircuit('open', { by: `${turn} ${'x'.repeat(190)}` });
    expect(of().changes).toHaveLength(50);
    expect(of().changes[0]?.message).toContain('199 ');
  });
});

describe('a destination', () => {
  it('tells what its circuit does, since when, when it tries next, and when a call went well last', async () => {
    const circuitBreaker = { volumeThreshold: 2, resetTimeout: '5s' } as const;
    const { client } = scripted([200, ...times(4, 503)], { retry: false, circuitBreaker });
    const { of } = watching(client);
    const start = Date.now();
    await calls(client, 1);
    await vi.advanceTimersByTimeAsync(2000);
    await calls(client, 2);
    const failing = { failingSince: start + 2000, lastSuccessAt: start };
    expect(of().destinations).toMatchObject([
      { circuit: 'open', circuitSince: start + 2000, nextTrialAt: start + 7000, ...failing },
    ]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(of().destinations).toMatchObject([{ circuit: 'half_open', circuitSince: start + 2000, nextTrialAt: null }]);
    await calls(client, 2);
    // Opened again by its trials: it is not well since it opened first.
    expect(of().destinations).toMatchObject([
      { circuit: 'open', circuitSince: start + 2000, nextTrialAt: start + 12_000, ...failing },
    ]);
    client.forceCircuit('closed');
    expect(of().destinations).toMatchObject([{ circuit: 'closed', circuitSince: start + 7000, nextTrialAt: null }]);
  });

  it('is told where there is neither a circuit nor a limit, also where retries hide its failures', async () => {
    const endpoints = { static: [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80' }] };
    const config = { circuitBreaker: false, limits: false, retry: { maxRetries: 1 } } as const;
    const plain = scripted([200], { ...config, name: 'plain' }).client;
    const well = createMockTransport([{ reply: 200 }]);
    const client = clientOver(
      async (request) => {
        if (endpointOf(request)?.address === '10.0.0.1:80')
          throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' });
        return well(request as never);
      },
      { ...config, endpoints, name: 'many' },
    );
    const { of } = watching(plain, client);
    await calls(plain, 1);
    for (let call = 0; call < 10; call++) {
      const done = client.get('/');
      await vi.advanceTimersByTimeAsync(2000);
      expect((await done).status).toBe(200);
    }
    expect(of('plain').destinations).toMatchObject([{ address: baseURL, failingSince: null }]);
    expect(of('many')).toMatchObject({
      failures: [],
      destinations: [{ address: '10.0.0.1:80', failingSince: expect.any(Number), lastSuccessAt: null }, {}],
    });
  });

  it('that fails stands before those that are well', async () => {
    const client = createHttpClient(
      { name: 'many', allowAbsoluteUrls: true, retry: false, circuitBreaker: false },
      {
        logger: silent,
        transport: createMockTransport([200, 200, 503, 200]),
      },
    );
    const { of } = watching(client);
    for (const host of ['a', 'b', 'c', 'd']) await client.get(`http://${host}.test/`).catch(() => {});
    expect(of().destinations.map(({ address }) => address)).toEqual(
      ['c', 'a', 'b', 'd'].map((host) => `http://${host}.test`),
    );
  });
});

describe('severity', () => {
  const named = (name: string, ...replies: Script) =>
    scripted(replies, { name, retry: false, circuitBreaker: false }).client;

  it('puts the worst first: failing, degraded, well; by the share of failures, then by name', async () => {
    const clients = [
      named('well-b', { reply: 200 }),
      named('well-a', { reply: 200 }),
      named('few', 500, ...times(49, 200)),
      named('all', { reply: 500 }),
      named('half', 500, 200),
      named('idle'),
    ];
    const { watcher } = watching(...clients);
    for (const client of clients.slice(0, 4)) await calls(client, 50);
    await calls(clients[4] as HttpClient, 2);
    expect(watcher.take().clients.map(({ name, severity }) => `${name} ${severity}`)).toEqual([
      ...['all failing', 'half failing', 'few degraded', 'idle well', 'well-a well', 'well-b well'],
    ]);
  });

  it('is failing where every call is turned away, and where the client is closed', async () => {
    const refusing = scripted([200], { name: 'refusing' }).client;
    const closed = named('closed');
    const { of } = watching(refusing, closed);
    refusing.forceCircuit('open');
    await calls(refusing, 5);
    await closed.close();
    expect([of('refusing').severity, of('closed').severity]).toEqual(['failing', 'failing']);
  });

  it('is failing ten seconds after an outage began at the latest, and no longer ten seconds after its end', async () => {
    const { client } = scripted([...times(60, 200), ...times(40, 503), ...times(30, 200)], {
      ...{ name: 'outage', retry: false, circuitBreaker: false },
    });
    const { of } = watching(client);
    const told: string[] = [];
    for (let second = 0; second < 65; second++) {
      await calls(client, 2);
      await vi.advanceTimersByTimeAsync(1000);
      const { severity } = of();
      if (severity !== told.at(-1)?.split(' ')[1]) told.push(`${second} ${severity}`);
    }
    expect(told).toEqual(['0 well', '30 degraded', '34 failing', '54 degraded']);
  });

  it('of a client without calls in 30 s is by its health alone', async () => {
    const circuitBreaker = { volumeThreshold: 2, resetTimeout: '60s' } as const;
    const open = scripted([{ reply: 503 }], { name: 'open', retry: false, circuitBreaker }).client;
    const none = named('none', { reply: 503 });
    const { of } = watching(open, none);
    await calls(open, 2);
    await calls(none, 2);
    await vi.advanceTimersByTimeAsync(31_000);
    expect([of('open'), of('none')]).toMatchObject([
      { severity: 'degraded', status: 'degraded', rate: 0 },
      { severity: 'well', status: 'up', failingSince: null },
    ]);
    // Readiness is by health as ever.
    expect(healthOfClients([open, none]).status).toBe('degraded');
  });

  it('tells since when, through a pause of calls, until it is over', async () => {
    const failing = named('y', ...times(3, 503), ...times(99, 200));
    const { of } = watching(failing);
    const start = Date.now();
    await calls(failing, 2);
    await vi.advanceTimersByTimeAsync(600_000);
    await calls(failing, 1);
    const { failingSince } = of('y');
    expect(failingSince).toBeGreaterThanOrEqual(start);
    expect(failingSince).toBeLessThan(start + 2000);
    await calls(failing, 99);
    await vi.advanceTimersByTimeAsync(31_000);
    expect(of('y')).toMatchObject({ failingSince: null, severity: 'well' });
  });
});

describe('the configuration', () => {
  it('that was refused has its faults with file, line and column until one is applied', async () => {
    const text = (retries: string) =>
      `clients:\n  billing:\n    baseURL: http://api.test\n    retry:\n      maxRetries: ${retries}\n`;
    let current = text('2');
    const registry = loadHttpClients({ name: 'clients.yaml', load: () => current }, { logger: silent });
    const watcher = new Watcher(registry, { writable: false });
    onTestFinished(async () => {
      watcher.stop();
      await registry.close();
    });
    const start = Date.now();
    expect(watcher.take().configs).toEqual([
      { source: 'clients.yaml', version: 1, hash: expect.any(String), appliedAt: start, refused: null },
    ]);
    await vi.advanceTimersByTimeAsync(5000);
    current = text('99');
    await registry.refresh();
    expect(watcher.take().configs).toMatchObject([
      {
        ...{ version: 1, appliedAt: start },
        refused: {
          at: start + 5000,
          faults: [{ file: 'clients.yaml', line: 5, column: 19, path: 'clients.billing.retry.maxRetries' }],
          more: 0,
        },
      },
    ]);
    current = `clients:\n  billing:\n    baseURL: http://api.test\n${'abcdefgh'.replace(/./g, '    wrong$&: 1\n')}`;
    await registry.refresh();
    expect(watcher.take().configs[0]?.refused).toMatchObject({ faults: { length: 5 }, more: 3 });
    current = text('3');
    await registry.refresh();
    expect(watcher.take().configs).toMatchObject([{ version: 2, appliedAt: start + 5000, refused: null }]);
  });
});
