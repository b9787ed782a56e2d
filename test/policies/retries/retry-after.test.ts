/** retry: what an upstream asks for with Retry-After. */
import { retry } from 'pillion';
import type { Reply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { alone, aRequest, ended, times } from '../alone.js';

const now = new Date('2026-11-23T12:00:00Z');

fakeTimers({ now });

const asking = (retryAfter: string, status = 503): Reply => ({
  status,
  headers: { 'Retry-After': retryAfter },
  data: { reason: 'busy' },
});
const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1000).toUTCString();

describe('Retry-After', () => {
  it.each([
    ['in seconds', '3', 3000],
    ['as a date', inSeconds(4), 4000],
    ['of 0', '0', 0],
    ['as a date gone by', inSeconds(-60), 0],
  ])('%s is waited for', async (_, value, wait) => {
    const { client, transport } = scripted([asking(value), 200]);
    expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: wait });
    expect(times(transport)).toEqual([0, wait]);
  });

  it.each([502, 503, 504, 429])('is honoured with a %d', async (status) => {
    const { client } = scripted([asking('3', status), 200]);
    expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: 3000 });
  });

  it('is the least that is waited: jitter comes on top, so that callers do not come back in one instant', async () => {
    const { client } = scripted([asking('3'), 200], {}, { random: () => 0.5 });
    expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: 3025 });
  });

  it('is not bounded by the backoff', async () => {
    const config = { retry: { backoff: { base: '10ms', max: '10ms' } } } as const;
    const { client } = scripted([asking('5'), 200], config);
    expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: 5000 });
  });

  it('is honoured again on every attempt', async () => {
    const { client, transport } = scripted([asking('1'), asking('2'), 200]);
    await ended(client.get('/'));
    expect(times(transport)).toEqual([0, 1000, 3000]);
  });

  it.each(['soon', '-5', '1.5', '1e3', '3 seconds', '', 'tomorrow', '0x10', 'Mon', '2026-11-23T12:00:05Z'])(
    'that is garbage (%j) is ignored: the usual backoff is waited',
    async (value) => {
      const { client } = scripted([asking(value), 200], {}, { random: () => 0.5 });
      expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: 25 });
    },
  );

  it.each(['soon', '-5', ''])('that is garbage (%j) does not make a 429 worth repeating', async (value) => {
    const { client, transport } = scripted([asking(value, 429), 200]);
    expect(await ended(client.get('/'))).toMatchObject({ status: 429 });
    expect(transport.requests).toHaveLength(1);
  });

  it('does not make a POST without a key safe to repeat', async () => {
    const { client, transport } = scripted([asking('1', 429), 201]);
    expect(await ended(client.post('/', {}))).toMatchObject({ status: 429, ms: 0 });
    expect(transport.requests).toHaveLength(1);
  });

  it('means nothing on an answer that is not retried', async () => {
    const { client } = scripted([asking('1', 404)]);
    expect(await ended(client.get('/'))).toMatchObject({ status: 404, ms: 0 });
  });
});

describe('Retry-After beyond the deadline', () => {
  it.each(['86400', '10', '99999999999999999999', inSeconds(3600), 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'of %s fails at once with the real answer',
    async (value) => {
      const { client, transport } = scripted([asking(value), 200]);
      const { status, ms, response } = await ended(client.get('/'));
      expect({ status, ms, data: response?.data }).toEqual({ status: 503, ms: 0, data: { reason: 'busy' } });
      expect(transport.requests).toHaveLength(1);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it('is measured by what is left of it', async () => {
    const { client, transport } = scripted([{ status: 503, delay: 2000 }, asking('8'), 200]);
    expect(await ended(client.get('/'))).toMatchObject({ status: 503, ms: 2000 });
    expect(transport.requests).toHaveLength(2);
  });

  it("is measured by the call's own timeout", async () => {
    const { client } = scripted([asking('3'), 200]);
    expect(await ended(client.get('/', { timeout: 2000 }))).toMatchObject({ status: 503, ms: 0 });
  });

  it('is waited for where it ends just before', async () => {
    const { client } = scripted([asking('9'), 200]);
    expect(await ended(client.get('/'))).toMatchObject({ status: 200, ms: 9000 });
  });

  it('costs nothing of the retry budget', async () => {
    const { client } = scripted([asking('86400')]);
    await ended(client.get('/'));
    expect(client.stats().policies.retry).toMatchObject({ calls: 1, retries: 0, active: 0 });
  });

  it('without any deadline is waited for, as long as a timer can hold it', async () => {
    const policy = retry({}, { random: () => 0 });
    const day = alone(asking('86400'), 200);
    expect(await ended(policy(day.next)(aRequest()))).toMatchObject({ status: 200, ms: 86_400_000 });
    const month = alone(asking(String(31 * 86_400)), 200);
    expect(await ended(policy(month.next)(aRequest()))).toMatchObject({ status: 503, ms: 0 });
  });
});
