import { createHttpClient, createIdentity, type Logger } from 'pillion';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fakeTimers } from '../../support/clock.js';
import { dated, day, hour, minute } from './dated.js';
import { inPlace, type Pair } from './stores.js';

/** A whole second, as X.509 has it. */
const now = Date.parse('2026-03-01T12:00:00Z');

fakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now });

const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');

/** What is told of an identity, and when, in days from the start. */
function followed(first: Pair) {
  const { cert, key, put } = inPlace(first);
  const lines: { level: string; fields: object; text: string }[] = [];
  const at = (level: string) => (fields: object, text?: string) => {
    lines.push({ level, fields, text: text ?? '' });
  };
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const identity = createIdentity({ cert, key, reload: { interval: '1h' } }, { logger });
  onTestFinished(() => identity.close());
  const told: { at: number; daysLeft: number }[] = [];
  const events: object[] = [];
  identity.on('identity.expiry_warned', (event) => {
    told.push({ at: (Date.now() - now) / day, daysLeft: event.daysLeft });
    events.push(event);
  });
  const rotate = (pair: Pair) => {
    put(pair);
    expect(identity.refresh()).toBe(true);
  };
  return { identity, rotate, told, events, lines };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('a certificate', () => {
  it('of 30 days is warned of when a third of them, 7, 1 and 0 are left, once each', async () => {
    const { told } = followed(await dated('month', now, now + 30 * day));
    await pass(60 * day);
    expect(told).toEqual([
      { at: 20, daysLeft: 10 },
      { at: 23, daysLeft: 7 },
      { at: 29, daysLeft: 1 },
      { at: 30, daysLeft: 0 },
    ]);
  });

  it('with 5 days left when it is loaded is warned of at once, and then as the others', async () => {
    const { told } = followed(await dated('late', now - 25 * day, now + 5 * day));
    expect(told).toEqual([]);
    await pass(1);
    expect(told).toEqual([{ at: 0, daysLeft: 5 }]);
    await pass(10 * day);
    expect(told).toEqual([
      { at: 0, daysLeft: 5 },
      { at: 4, daysLeft: 1 },
      { at: 5, daysLeft: 0 },
    ]);
  });

  it('of 24 hours is warned of when a third is left, and at its end', async () => {
    const { told } = followed(await dated('short', now, now + day));
    await pass(3 * day);
    expect(told).toEqual([
      { at: 2 / 3, daysLeft: 0.3 },
      { at: 1, daysLeft: 0 },
    ]);
  });

  it('of 400 days, longer than any timer of Node, is not warned of before 14 are left', async () => {
    const { told } = followed(await dated('year', now, now + 400 * day));
    await pass(386 * day - 1);
    expect(told).toEqual([]);
    await pass(1);
    expect(told).toEqual([{ at: 386, daysLeft: 14 }]);
    await pass(30 * day);
    expect(told.map(({ at }) => at)).toEqual([386, 393, 399, 400]);
  });

  it('that is replaced in time is never warned of', async () => {
    const { rotate, told } = followed(await dated('1', now, now + 30 * day));
    for (const start of [15, 30, 45]) {
      await pass(15 * day);
      rotate(await dated(`after ${start}`, now + start * day, now + (start + 30) * day));
    }
    expect(told).toEqual([]);
  });

  it('that is replaced late is warned of no more, and the new one in its time', async () => {
    const { rotate, told } = followed(await dated('1', now, now + 30 * day));
    await pass(21 * day);
    expect(told).toEqual([{ at: 20, daysLeft: 10 }]);
    rotate(await dated('2', now + 18 * day, now + 60 * day));
    await pass(38 * day);
    expect(told.slice(1)).toEqual([
      { at: 46, daysLeft: 14 },
      { at: 53, daysLeft: 7 },
      { at: 59, daysLeft: 1 },
    ]);
  });

  it('is warned of no more once the identity is closed', async () => {
    const { identity, told } = followed(await dated('month', now, now + 30 * day));
    await pass(21 * day);
    identity.close();
    await pass(20 * day);
    expect(told).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('goes on after it has expired: nothing better is at hand', async () => {
    const { identity } = followed(await dated('month', now, now + 30 * day));
    await pass(31 * day);
    expect(identity.refresh()).toBe(false);
    expect(identity.stats()).toMatchObject({ generation: 1, subject: 'CN=month', daysLeft: -1, lastRejection: null });
  });
});

describe('the event', () => {
  it('names generation, subject and end', async () => {
    const { rotate, events } = followed(await dated('1', now, now + 90 * day));
    rotate(await dated('2', now, now + 30 * day));
    await pass(20 * day);
    expect(events).toEqual([{ generation: 2, subject: 'CN=2', notAfter: iso(now + 30 * day), daysLeft: 10 }]);
  });

  it('of a client names the client', async () => {
    const { cert, key } = inPlace(await dated('1', now, now + 30 * day));
    const tls = { cert, key, reload: { interval: '1h' } } as const;
    const silent = { debug() {}, info() {}, warn() {}, error() {} };
    const client = createHttpClient({ name: 'billing', tls }, { logger: silent });
    onTestFinished(() => client.close());
    const events: object[] = [];
    client.on('identity.expiry_warned', (event) => events.push(event));
    await pass(20 * day);
    expect(events).toEqual([
      { client: 'billing', generation: 1, subject: 'CN=1', notAfter: iso(now + 30 * day), daysLeft: 10 },
    ]);
  });
});

describe('the log', () => {
  it('warns before, and has an error at the end', async () => {
    const { lines } = followed(await dated('month', now, now + 30 * day));
    await pass(40 * day);
    const event = { 'event.name': 'pillion.identity.expiry_warned' };
    const fields = { ...event, generation: 1, subject: 'CN=month', not_after: iso(now + 30 * day) };
    expect(lines).toEqual([
      { level: 'warn', fields: { ...fields, days_left: 10 }, text: 'certificate expires soon' },
      { level: 'warn', fields: { ...fields, days_left: 7 }, text: 'certificate expires soon' },
      { level: 'warn', fields: { ...fields, days_left: 1 }, text: 'certificate expires soon' },
      { level: 'error', fields: { ...fields, days_left: 0 }, text: 'certificate has expired' },
    ]);
  });

  it('of a certificate of one hour does not say that it has expired twenty minutes before', async () => {
    const { lines } = followed(await dated('hour', now, now + hour));
    await pass(40 * minute);
    expect(lines).toEqual([expect.objectContaining({ level: 'warn', text: 'certificate expires soon' })]);
    await pass(20 * minute);
    expect(lines[1]).toMatchObject({ level: 'error', text: 'certificate has expired' });
  });

  it('of a certificate of one hour has a line twenty minutes before, and one at the end', async () => {
    const { told, lines } = followed(await dated('hour', now, now + hour));
    await pass(2 * hour);
    expect(told.map(({ at }) => at * 24)).toEqual([2 / 3, 1]);
    expect(lines).toHaveLength(2);
  });
});

describe('stats', () => {
  it.each([
    [0, 30],
    [minute, 29.9],
    [12 * hour, 29.5],
    [29 * day + 23 * hour, 0],
    [30 * day + hour, -0.1],
  ])('report the days left to one place, rounded down: after %d ms %d', async (ms, daysLeft) => {
    const { identity } = followed(await dated('month', now, now + 30 * day));
    await pass(ms);
    expect(identity.stats()).toMatchObject({ daysLeft, notAfter: iso(now + 30 * day) });
  });

  it('report the new certificate after a rotation', async () => {
    const { identity, rotate } = followed(await dated('1', now, now + 30 * day));
    await pass(10 * day);
    rotate(await dated('2', now + 10 * day, now + 50 * day));
    expect(identity.stats()).toMatchObject({
      subject: 'CN=2',
      issuer: 'CN=2',
      daysLeft: 40,
      notAfter: iso(now + 50 * day),
      lastRotation: iso(now + 10 * day),
    });
  });
});
