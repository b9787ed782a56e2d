/** logging: the fields of a line in each profile. */
import { describe, expect, it } from 'vitest';
import { type CallRecord, logProfiles } from '../../../src/policies/telemetry/log-fields.js';
import { collecting, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { ended } from '../alone.js';

fakeTimers();

/** A line as JSON has it: what is undefined is not there. */
const written = (fields: unknown) => JSON.parse(JSON.stringify(fields));

const answered: CallRecord = {
  client: 'billing',
  method: 'GET',
  url: 'https://billing.test/invoices/7?page=REDACTED',
  destination: 'https://billing.test',
  route: '/invoices/{id}',
  status: 200,
  code: undefined,
  message: undefined,
  durationMs: 12.345,
  attempts: 2,
  requestId: 'req-1',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  responseSize: 512,
  endpoints: ['10.0.0.1:80', '10.0.0.2:80'],
  flags: ['retried'],
  errorType: undefined,
  traceSampled: true,
  gcpProject: undefined,
  retryRefused: undefined,
};

const failed: CallRecord = {
  ...answered,
  errorType: 'ECONNRESET',
  ...{ status: undefined, code: 'ECONNRESET', message: 'socket hang up', responseSize: undefined, flags: undefined },
  ...{ route: undefined, traceId: undefined, spanId: undefined, requestId: undefined },
};

describe('the profile', () => {
  it.each(['otel', 'ecs', 'datadog', 'gcp'] as const)('%s has the code and message of a failure', (name) => {
    const line = JSON.stringify(logProfiles[name](failed));
    expect(line).toContain('ECONNRESET');
    expect(line).toContain('socket hang up');
  });

  it.each(['otel', 'ecs', 'datadog', 'gcp'] as const)(
    '%s is what a client writes where it is chosen',
    async (profile) => {
      const { logger, lines } = collecting();
      const { client } = scripted(
        [{ data: { ok: true }, delay: 5 }],
        { logging: { profile }, name: 'billing' },
        { logger },
      );
      await ended(
        client.get('/invoices/7?page=2', { routeName: '/invoices/{id}', headers: { 'x-request-id': 'req-1' } }),
      );
      const [line] = lines.filter(({ level }) => level === 'info');
      const record: CallRecord = {
        ...answered,
        ...{
          url: 'http://api.test/invoices/7?page=REDACTED',
          destination: 'http://api.test',
          durationMs: 5,
          attempts: 1,
        },
        ...{ flags: undefined, endpoints: undefined, responseSize: undefined, traceId: undefined, spanId: undefined },
        traceSampled: undefined,
      };
      expect(written(line?.fields)).toEqual(written(logProfiles[profile](record)));
    },
  );
});

describe('a line', () => {
  const fieldsOf = async (reply: object, call: object) => {
    const { logger, lines } = collecting();
    const { client } = scripted([reply], { retry: false }, { logger });
    await ended(client.request({ url: '/a', ...call }));
    return lines.find(({ level }) => level !== 'debug')?.fields as Record<string, unknown>;
  };

  it('shows neither query values, credentials nor fragment of the URL', async () => {
    const fields = await fieldsOf({ status: 200 }, { url: '/a?token=hunter2#hunter2', params: { key: 'hunter2' } });
    expect(fields['url.full']).toBe('http://api.test/a?token=REDACTED&key=REDACTED');
  });

  it('has the size of the answer where the server stated it', async () => {
    const fields = await fieldsOf({ status: 200, data: 'four', headers: { 'content-length': '4' } }, {});
    expect(fields['http.response.body.size']).toBe(4);
    expect((await fieldsOf({ status: 200 }, {}))['http.response.body.size']).toBeUndefined();
  });

  it('has a status or a code, not both', async () => {
    const answer = await fieldsOf({ status: 503 }, {});
    expect(answer).toMatchObject({ 'http.response.status_code': 503, 'error.type': '503' });
    expect(answer['error.message']).toBeUndefined();
    const none = await fieldsOf({ error: 'ECONNRESET', message: 'socket hang up' }, {});
    expect(none).toMatchObject({ 'error.type': 'ECONNRESET', 'error.message': 'socket hang up' });
    expect(none['http.response.status_code']).toBeUndefined();
  });

  it('has the time of the whole call', async () => {
    expect(await fieldsOf({ status: 200, delay: 250 }, {})).toMatchObject({ duration_ms: 250 });
  });

  it('has the method in upper case', async () => {
    expect(await fieldsOf({ status: 200 }, { method: 'delete' })).toMatchObject({ 'http.request.method': 'DELETE' });
  });

  it('has a made request id where the caller sent none', async () => {
    expect((await fieldsOf({ status: 200 }, {})).request_id).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
  });

  it('is plain JSON', async () => {
    const fields = await fieldsOf({ status: 503 }, { routeName: '/a' });
    expect(written(fields)).toEqual(written(structuredClone(fields)));
  });
});
