/** `error.type` is one value for a failure, in spans, metrics and lines of calls and attempts. */
import type { Transport } from 'pillion';
import { createPrometheus } from 'pillion/metrics';
import { createMockTransport, type Reply } from 'pillion/testing';
import { describe, expect, it, vi } from 'vitest';
import { clientOver, collecting } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { recordSpans } from '../../support/spans.js';

fakeTimers();
const spans = recordSpans();

/** What each of them says of one call with one attempt. */
async function told(transport: Transport, config: object = {}, call: object = {}) {
  const { logger, lines } = collecting();
  const client = clientOver(transport, { retry: false, ...config }, { logger });
  const prometheus = createPrometheus([client]);
  const over = client.get('/', call).catch(() => {});
  await vi.advanceTimersByTimeAsync(60_000);
  await over;
  const text = prometheus.text();
  prometheus.close();
  const metric = (name: string) => new RegExp(`^${name}\\{[^}]*error_type="([^"]*)"`, 'm').exec(text)?.[1];
  const lineOf = (prefix: string) => lines.find(({ message }) => message.startsWith(prefix))?.fields ?? {};
  return {
    callLine: lineOf('GET')['error.type'],
    attemptLine: lineOf('attempt')['error.type'],
    callSpan: spans.call().attributes['error.type'],
    attemptSpan: spans.attempts()[0]?.attributes['error.type'],
    callMetric: metric('pillion_client_call_duration_seconds_count'),
    attemptMetric: metric('pillion_client_attempts_total'),
  };
}

const everywhere = (type: string | undefined) => ({
  ...{ callLine: type, attemptLine: type, callSpan: type, attemptSpan: type, callMetric: type, attemptMetric: type },
});

describe('error.type of a call and its attempt', () => {
  it.each<[string, Reply, object, object, string | undefined]>([
    ['a success', 200, {}, {}, undefined],
    ['a 404', 404, {}, {}, '404'],
    ['a 404 that the caller accepts', 404, {}, { validateStatus: () => true }, '404'],
    ['a 503', 503, {}, {}, '503'],
    ['a 304 that the caller does not accept', 304, {}, {}, undefined],
    ['a broken connection', { error: 'ECONNRESET' }, {}, {}, 'ECONNRESET'],
    ['an attempt that took too long', 'hang', {}, {}, 'ERR_ATTEMPT_TIMEOUT'],
    ['a call that took too long', 'hang', { timeouts: { total: '1s', attempt: false } }, {}, 'ERR_DEADLINE'],
  ])('of %s is the same everywhere', async (_, reply, config, call, type) => {
    expect(await told(createMockTransport([reply]), config, call)).toEqual(everywhere(type));
  });

  it('of an error without a code is _OTHER everywhere', async () => {
    expect(await told(() => Promise.reject(new TypeError('no')))).toEqual(everywhere('_OTHER'));
  });
});
