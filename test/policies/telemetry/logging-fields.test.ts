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
};

const failed: CallRecord = {
  ...answered,
  ...{ status: undefined, code: 'ECONNRESET', message: 'socket hang up', responseSize: undefined, flags: undefined },
  ...{ route: undefined, traceId: undefined, spanId: undefined, requestId: undefined },
};

const common = {
  client: 'billing',
  destination: 'https://billing.test',
  attempts: 2,
  endpoints: ['10.0.0.1:80', '10.0.0.2:80'],
};
const { url, traceId, spanId } = answered;

describe('the profile', () => {
  it('otel has the names of the HTTP semantic conventions', () => {
    expect(written(logProfiles.otel(answered))).toEqual({
      ...common,
      'http.request.method': 'GET',
      'url.full': url,
      'url.template': '/invoices/{id}',
      'http.response.status_code': 200,
      'http.response.body.size': 512,
      ...{ duration_ms: 12.345, flags: ['retried'], request_id: 'req-1', trace_id: traceId, span_id: spanId },
    });
    expect(written(logProfiles.otel(failed))).toEqual({
      ...common,
      ...{ 'http.request.method': 'GET', 'url.full': url, duration_ms: 12.345 },
      ...{ 'error.type': 'ECONNRESET', 'error.message': 'socket hang up' },
    });
    expect(logProfiles.otel({ ...answered, status: 503 })['error.type']).toBe('503');
  });

  it('ecs has the names of the Elastic Common Schema, and nanoseconds', () => {
    expect(written(logProfiles.ecs(answered))).toEqual({
      ...common,
      'http.request.method': 'GET',
      'url.full': url,
      'url.template': '/invoices/{id}',
      'http.response.status_code': 200,
      'http.response.body.bytes': 512,
      ...{ 'event.duration': 12_345_000, 'event.outcome': 'success', flags: ['retried'], request_id: 'req-1' },
      ...{ 'trace.id': traceId, 'span.id': spanId },
    });
    expect(written(logProfiles.ecs(failed))).toEqual({
      ...common,
      ...{ 'http.request.method': 'GET', 'url.full': url, 'event.duration': 12_345_000, 'event.outcome': 'failure' },
      ...{ 'error.code': 'ECONNRESET', 'error.message': 'socket hang up' },
    });
    expect(logProfiles.ecs({ ...answered, status: 404 })['event.outcome']).toBe('failure');
  });

  it('datadog has the standard attributes, and nanoseconds', () => {
    expect(written(logProfiles.datadog(answered))).toEqual({
      ...common,
      'http.method': 'GET',
      'http.url': url,
      'http.route': '/invoices/{id}',
      'http.status_code': 200,
      'network.bytes_read': 512,
      ...{ duration: 12_345_000, flags: ['retried'], request_id: 'req-1' },
      ...{ 'dd.trace_id': expect.any(String), 'dd.span_id': expect.any(String) },
    });
    expect(written(logProfiles.datadog(failed))).toEqual({
      ...common,
      ...{ 'http.method': 'GET', 'http.url': url, duration: 12_345_000 },
      ...{ 'error.kind': 'ECONNRESET', 'error.message': 'socket hang up' },
    });
  });

  it('gcp has an httpRequest, and seconds with a unit', () => {
    expect(written(logProfiles.gcp(answered))).toMatchObject({
      ...common,
      httpRequest: {
        ...{ requestMethod: 'GET', requestUrl: url, status: 200, responseSize: '512', latency: '0.012345s' },
      },
      ...{ duration_ms: 12.345, flags: ['retried'], request_id: 'req-1' },
      'logging.googleapis.com/spanId': spanId,
    });
    expect(written(logProfiles.gcp(failed))).toMatchObject({
      ...common,
      httpRequest: { requestMethod: 'GET', requestUrl: url, latency: '0.012345s' },
    });
  });

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
