/** What the page says, without a browser: sentences, their order, durations and times. */
import { describe, expect, it } from 'vitest';
import type { FailedCalls } from '../../src/admin/failures.js';
import type { DestinationFigures } from '../../src/admin/figures.js';
import * as say from '../../src/admin/page/sentences.js';
import { clock, listed, percent, span } from '../../src/admin/page/words.js';
import type { ClientSnapshot } from '../../src/admin/snapshot.js';

const second = 1000;
const minute = 60 * second;
const now = new Date(2026, 4, 7, 3, 16, 4).getTime();
const began = now - 4 * minute;
const address = 'https://api.example.com';

const destination = (more: Partial<DestinationFigures> = {}): DestinationFigures => ({
  ...{ address, circuit: 'closed', circuitSince: null, nextTrialAt: null, endpoint: null, running: 0, pending: 0 },
  ...{ latencyMs: null, failingSince: null, lastSuccessAt: null, ...more },
});

const failure = (more: Partial<FailedCalls> = {}): FailedCalls => ({
  ...{ destination: address, code: 'ERR_BAD_RESPONSE', status: 503, local: false, count: 312 },
  ...{ firstAt: began, lastAt: now - 2 * second, message: 'Request failed with status code 503', cause: null },
  ...{ advice: 'Look at the upstream.', runbook: 'runbook#5xx', ...more },
});

const turnedAway = failure({ code: 'ERR_CIRCUIT_OPEN', status: null, local: true, advice: 'Look at the cause.' });

const client = (more: Partial<ClientSnapshot> = {}): ClientSnapshot => ({
  ...{ name: 'payments', status: 'up', reasons: [], severity: 'well', failingSince: null, rate: 10.4, failed: 0 },
  ...{
    counts: { calls: 312, failed: 0, refused: 0 },
    refused: 0,
    p50: 21,
    p99: 48,
    refusedP50: null,
    refusedP99: null,
    failures: [],
    moreFailures: 0,
    changes: [],
  },
  ...{ active: 0, attempts: 0, destinations: [destination()], hidden: 0, forced: null, breaker: true, budget: null },
  ...{ running: 0, pending: 0, limits: null, connections: null, certificate: null, ...more },
});

const failing = (more: Partial<ClientSnapshot> = {}) =>
  client({
    ...{ severity: 'failing', failingSince: began, failed: 0.3, refused: 10.1, failures: [turnedAway, failure()] },
    counts: { calls: 312, failed: 9, refused: 303 },
    ...more,
  });

describe('the line at the top', () => {
  const of = (...severities: ClientSnapshot['severity'][]) =>
    say.overallOf({ clients: severities.map((severity, at) => client({ name: `c${at}`, severity })), configs: [] });

  it.each([
    [[], 'There are no clients.'],
    [['well'], 'The client c0 is well.'],
    [['well', 'well'], 'All 2 clients are well.'],
    [['failing'], 'The client c0 is failing.'],
    [['failing', 'degraded', 'well'], '1 of 3 clients is failing (c0), 1 is degraded, 1 is well.'],
    [['failing', 'failing', 'well', 'well'], '2 of 4 clients are failing (c0 and c1), 2 are well.'],
    [['degraded', 'well'], '1 of 2 clients is degraded (c0), 1 is well.'],
  ] as const)('says of %j: %s', (severities, text) => {
    expect(of(...severities)).toBe(text);
  });

  it('tells of a configuration that was refused', () => {
    const refused = { at: now, faults: [], more: 0 };
    const configs = [{ source: 'a.yaml', version: 1, hash: 'aa', appliedAt: began, refused }];
    expect(say.overallOf({ clients: [client()], configs })).toBe(
      'The client payments is well. A newer configuration was refused.',
    );
  });

  it('is short in the title of the tab', () => {
    expect(say.titleOf([failing(), client({ severity: 'degraded' })])).toBe('1 failing – pillion');
    expect(say.titleOf([client({ severity: 'degraded' })])).toBe('1 degraded – pillion');
    expect(say.titleOf([client()])).toBe('pillion');
  });
});

describe('how many calls fail', () => {
  it('says that all of them do, since when, how many were not sent, and what callers get', () => {
    expect(say.failingOf(failing(), now)).toBe(
      'All 312 calls of the last 30 s failed; 303 of these were turned away in this process, without a request: callers get ERR_CIRCUIT_OPEN at once. Calls have been failing since 03:12:04 (4 min).',
    );
  });

  it('says how many of them do', () => {
    expect(say.failingOf(client({ counts: { calls: 312, failed: 15, refused: 0 } }), now)).toBe(
      '15 of 312 calls of the last 30 s failed (5 %).',
    );
    expect(say.failingOf(client({ counts: { calls: 30_000, failed: 3, refused: 0 } }), now)).toMatch(
      /failed \(less than 1 %\)\.$/,
    );
    expect(say.failingOf(client(), now)).toBe('All 312 calls of the last 30 s succeeded.');
    expect(say.failingOf(client({ counts: { calls: 0, failed: 0, refused: 0 } }), now)).toBe(
      'No call ended in the last 30 s.',
    );
  });

  it('says that nothing fails any more', () => {
    const counts = { calls: 312, failed: 15, refused: 0 };
    const over = failing({ counts, failures: [failure({ lastAt: now - 12_000 })], destinations: [] });
    expect(say.destinationsOf(over, now)[0]).toMatch(/^Calls to https:\/\/api\.example\.com failed, the last with/);
    const refused = { calls: 312, failed: 0, refused: 15 };
    expect(say.failingOf({ ...over, counts: refused, failures: [{ ...turnedAway, lastAt: now - 12_000 }] }, now)).toBe(
      '15 of 312 calls of the last 30 s failed (5 %); all of these were turned away in this process, without a request. The last one failed at 03:15:52 (12 s ago).',
    );
    expect(say.failingOf(over, now)).toBe(
      '15 of 312 calls of the last 30 s failed (5 %). The last one failed at 03:15:52 (12 s ago).',
    );
    expect(say.briefOf(over, now)).toBe(
      '5 % of the calls of the last 30 s failed, none for 12 s; 10.4 calls/s, p99 48 ms',
    );
  });

  it('is told in one line of a closed card', () => {
    expect(say.briefOf(failing(), now)).toBe('all 312 calls of the last 30 s failed');
    expect(say.briefOf(client({ counts: { calls: 312, failed: 15, refused: 0 } }), now)).toBe(
      '5 % of the calls of the last 30 s failed; 10.4 calls/s, p99 48 ms',
    );
    expect(say.briefOf(client(), now)).toBe('10.4 calls/s, p99 48 ms');
    const reasons = ['the certificate expires at 2026-05-08'];
    expect(say.briefOf(client({ severity: 'degraded', reasons }), now)).toBe(`${reasons[0]}; 10.4 calls/s, p99 48 ms`);
    expect(say.briefOf(client({ counts: { calls: 0, failed: 0, refused: 0 } }), now)).toBe('no calls in the last 30 s');
  });
});

describe('what is wrong at a destination', () => {
  const open = { circuit: 'open', circuitSince: began + 2 * second, failingSince: began } as const;
  const of = (more: Partial<DestinationFigures>, all: Partial<ClientSnapshot> = {}) =>
    say.destinationsOf(failing({ destinations: [destination(more)], ...all }), now);

  it('says what it does, what its circuit does, when it tries next, and when it worked last', () => {
    expect(of({ ...open, nextTrialAt: now + 3 * second, lastSuccessAt: began - 200 })).toEqual([
      'The upstream https://api.example.com has been answering 503 since 03:12:04 (4 min). The circuit has been open since 03:12:06 (3 min): callers get ERR_CIRCUIT_OPEN at once, without a request. The next trial is in 3 s. The last call there that succeeded ended at 03:12:03 (4 min ago).',
    ]);
  });

  it('counts down to the trial, and says when the next call is one', () => {
    expect(of({ ...open, nextTrialAt: now + 2 * second })[0]).toContain('The next trial is in 2 s.');
    expect(of({ ...open, nextTrialAt: now - 5 })[0]).toContain('The next call is sent as a trial.');
    expect(of({ ...open, nextTrialAt: null })[0]).not.toContain('trial');
  });

  it('says what callers get while the circuit is half-open, closed, or where there is none', () => {
    expect(of({ ...open, circuit: 'half_open' })[0]).toContain(
      'The circuit opened at 03:12:06 (3 min ago) and is half-open now: a few calls are sent as trials',
    );
    const closed = of({ failingSince: began });
    expect(closed[0]).toContain(
      'The circuit is closed: each call is sent, and callers get ERR_BAD_RESPONSE with the status 503.',
    );
    const failures = [failure({ code: 'ENOTFOUND', status: null })];
    expect(of({ circuit: null, failingSince: began }, { failures })[0]).toMatch(
      /has not been found by name \(ENOTFOUND\) since .* There is no circuit here: each call is sent, and callers get ENOTFOUND\. No call there has succeeded yet\.$/,
    );
  });

  it('takes the cause from the calls that were turned away where no other failure is known', () => {
    const cause = { code: 'ECONNREFUSED', status: null, message: null };
    expect(of(open, { failures: [{ ...turnedAway, cause }] })[0]).toContain(
      'has been refusing connections (ECONNREFUSED) since 03:12:04 (4 min).',
    );
  });

  it('names a code that it does not know', () => {
    const failures = [failure({ code: 'E_STRANGE', status: null })];
    expect(of(open, { failures })[0]).toContain('has been failing with E_STRANGE since');
  });

  it('says it of addresses without figures and of those where only some calls fail', () => {
    const text = 'Calls to https://api.example.com fail, the last with status 503 at 03:16:02 (2 s ago).';
    expect(of({})).toEqual([text]);
    expect(say.destinationsOf(failing({ destinations: [] }), now)).toEqual([text]);
    expect(of({}, { failures: [failure({ lastAt: now - 2 * minute })] })).toEqual([]);
  });

  it('leaves circuits out while they are forced, because the card says what that does', () => {
    const forced = { state: 'open', by: 'alice', since: now - minute, until: now + 14 * minute } as const;
    expect(of(open, { forced })[0]).not.toContain('circuit');
    expect(say.forcedOf(failing({ forced }), now)).toBe(
      'The circuits were forced open by alice at 03:15:04 (60 s ago). This holds until 03:30:04 (in 14 min). Callers get ERR_CIRCUIT_OPEN at once, without a request, and no trial is made.',
    );
    expect(say.forcedOf(failing({ forced: { ...forced, state: 'closed', by: null, until: null } }), now)).toBe(
      'The circuits were forced closed at 03:15:04 (60 s ago). This holds until somebody changes it. Every call is sent, however many fail.',
    );
  });

  it('tells of a few of very many', () => {
    const many = Array.from({ length: 50 }, (_, at) => destination({ ...open, address: `https://${at}.test` }));
    const told = say.destinationsOf(failing({ destinations: many }), now);
    expect(told).toHaveLength(6);
    expect(told.at(-1)).toBe('45 further destinations are in trouble, listed below.');
  });

  it('does not say that a destination fails where its last attempt went well', () => {
    const half = { circuit: 'half_open', circuitSince: began, failingSince: null } as const;
    expect(of(half)[0]).toMatch(
      /^The last failure at https:\/\/api\.example\.com was status 503, at 03:16:02 \(2 s ago\)\. /,
    );
  });

  it('says where endpoints are left out', () => {
    expect(of({ endpoint: 'ejected' })[0]).toContain('calls go to the other endpoints');
    expect(of({ endpoint: 'unhealthy' })[0]).toContain('Health checks find it unhealthy');
  });
});

describe('what changed', () => {
  const change = (at: number, message: string, kind: 'config' | 'circuit' = 'config') =>
    ({ at, kind, level: 'info', message }) as const;

  it('says how long before the failures it was', () => {
    const changes = [
      change(began + 2000, 'circuit opened', 'circuit'),
      change(began - 14_000, 'configuration updated'),
    ];
    expect(say.lastChangeOf(failing({ changes }), [], now)).toBe(
      'Last change before calls began to fail: configuration updated, at 03:11:50 (4 min ago), 14 s before.',
    );
  });

  it('keeps to what preceded the failures where something changed since', () => {
    const changes = [change(now - 9000, 'identity rotated'), change(began - 14_000, 'configuration updated')];
    expect(say.lastChangeOf(failing({ changes }), [], now)).toMatch(
      /^Last change before calls began to fail: configuration updated/,
    );
    expect(say.lastChangeOf(failing({ changes: changes.slice(0, 1) }), [], now)).toBe(
      'Last change: identity rotated, at 03:15:55 (9 s ago).',
    );
  });

  it('counts a configuration that was applied, unless the client has told of it', () => {
    const config = { source: 'a.yaml', version: 7, hash: 'aa', appliedAt: began - 14_000, refused: null };
    expect(say.lastChangeOf(failing(), [config], now)).toBe(
      'Last change before calls began to fail: configuration 7 applied, at 03:11:50 (4 min ago), 14 s before.',
    );
    const changes = [change(began - 14_100, 'configuration updated')];
    expect(say.lastChangeOf(failing({ changes }), [config], now)).toMatch(
      /^Last change before calls began to fail: configuration updated/,
    );
    expect(say.lastChangeOf(failing(), [{ ...config, appliedAt: now - 61 * minute }], now)).toMatch(/^No change/);
  });

  it('is told once where it differs in nothing but numbers', () => {
    const again = (at: number, wait: number) =>
      change(at, `circuit to x opened again: 2 trials failed, the last with 503; next trial in ${wait} s`, 'circuit');
    const changes = [
      again(now, 4.5),
      change(now - 2000, 'configuration updated'),
      again(now - 5000, 5),
      again(began, 4),
    ];
    expect(say.foldedOf(changes).map((one) => say.changeOf(one, now))).toEqual([
      '03:16:04 (just now): circuit to x opened again: 2 trials failed, the last with 503; next trial in 4.5 s (3 times like this since 03:12:04)',
      '03:16:02 (2 s ago): configuration updated',
    ]);
  });

  it('says where nothing did', () => {
    expect(say.lastChangeOf(failing({ changes: [change(began, 'circuit opened', 'circuit')] }), [], now)).toBe(
      'No change of a configuration, certificate or endpoint is known of the last hour.',
    );
  });
});

describe('failures and advice', () => {
  it('has a count and times for each kind', () => {
    expect(say.failureOf(failure(), now)).toEqual({
      count: '312 ×',
      what: '503 (ERR_BAD_RESPONSE) from https://api.example.com',
      when: 'last at 03:16:02 (2 s ago), first at 03:12:04',
    });
    expect(say.failureOf({ ...turnedAway, count: 1, lastAt: now }, now)).toEqual({
      count: '1 ×',
      what: 'ERR_CIRCUIT_OPEN for https://api.example.com',
      when: '03:16:04 (just now)',
    });
  });

  it('gives the advice for failures of the wire first, and each once', () => {
    const failures = [turnedAway, failure(), failure({ status: 502 })];
    expect(say.adviceOf(failing({ failures })).map(({ text, code }) => [text, code])).toEqual([
      ['Look at the upstream.', '503'],
      ['Look at the cause.', 'ERR_CIRCUIT_OPEN'],
      ['What failing means, and where to begin.', 'failing'],
    ]);
  });
});

describe('figures', () => {
  it('show limits, connections, retries and the certificate, or that there are none', () => {
    const certificate = { subject: 'CN=ledger', notAfter: '2026-05-10T00:00:00Z', daysLeft: 3.5, expired: false };
    const limits = { running: 7, pending: 9 };
    const connections = { used: 2, idle: 1 };
    expect(say.figuresShown(client({ certificate, limits, connections, budget: 1, running: 3 }))).toMatchObject({
      ...{ running: '3', maxRunning: 'of 7 each', maxPending: 'of 9 each', connections: '2 used', idle: '1 idle' },
      ...{ budget: '1', budgetNote: 'retry left', certificate: '3 days', subject: 'CN=ledger', latency: '48 ms' },
    });
    expect(say.figuresShown(client())).toMatchObject({
      ...{ running: '–', maxRunning: 'no limit', connections: '–', idle: 'injected wire', budget: '–' },
      ...{ certificate: '–', subject: 'none', refused: '0/s' },
    });
    const expired = { ...certificate, daysLeft: -1, expired: true };
    expect(say.figuresShown(client({ certificate: expired })).certificate).toBe('expired');
  });

  it('set apart the states of a destination that are not as they should be', () => {
    expect(say.statesOf(destination({ circuit: 'half_open', endpoint: 'usable', running: 2, latencyMs: 12 }))).toEqual({
      unwell: ['circuit half-open'],
      rest: ['usable', '2 running', '12 ms'],
    });
  });
});

describe('a refused configuration', () => {
  it('is told with file, line, column, fault and time, and what is in force since when', () => {
    const faults = [
      { message: 'must be at least 0', path: 'clients.a.retry', file: '/etc/clients.yaml', line: 12, column: 19 },
      { message: 'clients.b: unknown option', path: 'clients.b' },
    ];
    const config = { source: 'clients.yaml', version: 7, hash: '9c1f', appliedAt: began };
    expect(say.refusalOf({ ...config, refused: { at: now - minute, faults, more: 2 } }, false, now)).toEqual({
      title: 'A newer configuration was refused',
      faults: [
        '/etc/clients.yaml, line 12, column 19: clients.a.retry: must be at least 0',
        'clients.b: unknown option',
        'and 2 further faults',
      ],
      state: 'Refused at 03:15:04 (60 s ago). Version 7 (9c1f) stays in force; it has been since 03:12:04 (4 min).',
    });
    expect(say.refusalOf({ ...config, refused: null }, false, now)).toBeNull();
  });
});

describe('forcing a circuit', () => {
  it('says what it does to callers, and when it ends', () => {
    expect(say.forcingOf(client(), 'open')).toMatch(
      /^No call of payments is sent any more: callers get ERR_CIRCUIT_OPEN/,
    );
    expect(say.forcingOf(client({ hidden: 2 }), 'closed')).toMatch(
      /^Every call of payments is sent, to any of its 3 destinations, even while all of them fail/,
    );
    expect(say.limitOf(15, now)).toMatch(/^It ends by itself at 03:31:04;/);
    expect(say.limitOf(null, now)).toMatch(/^It holds until somebody changes it/);
  });
});

describe('durations, times and lists', () => {
  it.each([
    [0, '0 s'],
    [1499, '1 s'],
    [119_000, '119 s'],
    [4 * minute + 59_000, '4 min'],
    [65 * minute, '1 h 5 min'],
    [120 * minute, '2 h'],
    [49 * 60 * minute, '2 days'],
    [-5, '0 s'],
  ])('%i ms are %s', (duration, text) => {
    expect(span(duration)).toBe(text);
  });

  it('tells the date of another day', () => {
    expect(clock(now - 24 * 60 * minute, now)).toBe('6 May 2026 03:16:04');
  });

  it('never rounds to all or nothing', () => {
    expect([percent(999, 1000), percent(1, 1000), percent(1, 2), percent(0, 2), percent(2, 2)]).toEqual([
      'more than 99 %',
      'less than 1 %',
      '50 %',
      '0 %',
      '100 %',
    ]);
  });

  it('lists a few names', () => {
    expect(listed(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
    expect(listed(['a', 'b', 'c', 'd'])).toBe('a, b, c and d');
  });
});
