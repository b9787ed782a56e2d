import { text } from 'node:stream/consumers';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import type { Policy, Request } from 'pillion';
import { describe, expect, it } from 'vitest';
import { answer, reset } from '../../support/behaviours.js';
import { lanes, rejection, watch } from '../../support/client.js';
import { recordSpans } from '../../support/spans.js';
import { closedPort, startHttp } from '../../support/upstream.js';

const spans = recordSpans();

describe.each(lanes)('the spans of a call on %s', (_, lane) => {
  it('are one INTERNAL for the call and a CLIENT for each attempt below it', async () => {
    const { origin } = await startHttp(answer(503), reset, answer());
    const { client } = watch({ baseURL: origin, name: 'billing' });
    await client.get('/invoices/7', lane);
    expect(spans.all().map(({ kind, name }) => [kind, name])).toEqual([
      [SpanKind.INTERNAL, 'call GET'],
      [SpanKind.CLIENT, 'GET'],
      [SpanKind.CLIENT, 'GET'],
      [SpanKind.CLIENT, 'GET'],
    ]);
    const { traceId, spanId } = spans.call().spanContext();
    for (const attempt of spans.attempts()) {
      expect(attempt.spanContext().traceId).toBe(traceId);
      expect(attempt.parentSpanContext?.spanId).toBe(spanId);
    }
  });

  it('are children of the span that the caller is in', async () => {
    const { origin } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    const parent = await trace.getTracer('test').startActiveSpan('parent', { kind: SpanKind.SERVER }, async (span) => {
      await client.get('/', lane);
      span.end();
      return span.spanContext();
    });
    expect(spans.call().spanContext().traceId).toBe(parent.traceId);
    expect(spans.call().parentSpanContext?.spanId).toBe(parent.spanId);
  });

  it('have what the conventions want at their start, where a sampler sees it', async () => {
    const { origin, port } = await startHttp(answer());
    const { client } = watch({ baseURL: origin, name: 'billing' });
    await client.get('/invoices/7?token=secret&page=2', { ...lane, routeName: '/invoices/{id}' });
    const target = {
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': port,
      'url.full': `${origin}/invoices/7?token=REDACTED&page=REDACTED`,
      'url.template': '/invoices/{id}',
    };
    expect(spans.atStart).toEqual([
      { name: 'call GET /invoices/{id}', attributes: { 'pillion.client': 'billing', ...target } },
      { name: 'GET /invoices/{id}', attributes: target },
    ]);
  });

  it('never show credentials of the URL', async () => {
    const { origin } = await startHttp(answer());
    const { client } = watch({ baseURL: origin.replace('//', '//ada:secret@') });
    await client.get('/', lane);
    expect(JSON.stringify(spans.atStart)).not.toMatch(/ada|secret/);
  });

  it('count resends, from the second attempt on', async () => {
    const { origin } = await startHttp(answer(503));
    const { client } = watch({ baseURL: origin });
    await rejection(client.get('/', lane));
    const counts = spans.attempts().map(({ attributes }) => attributes['http.request.resend_count']);
    expect(counts).toEqual([undefined, 1, 2]);
    expect(spans.call().attributes['pillion.attempts']).toBe(3);
    expect(spans.atStart.at(-1)?.attributes).toHaveProperty('http.request.resend_count', 2);
  });

  it('of a success have the status code and nothing of an error', async () => {
    const { origin } = await startHttp(answer(204, ''));
    const { client } = watch({ baseURL: origin });
    await client.get('/', lane);
    for (const { attributes, status } of spans.all()) {
      expect(attributes).toMatchObject({ 'http.response.status_code': 204 });
      expect(attributes).not.toHaveProperty('error.type');
      expect(status).toEqual({ code: SpanStatusCode.UNSET });
    }
  });

  it.each([404, 500])('of a status %d have it as error.type, and no description', async (status) => {
    const { origin } = await startHttp(answer(status));
    const { client } = watch({ baseURL: origin, retry: false });
    await rejection(client.get('/', lane));
    for (const span of spans.all()) {
      expect(span.attributes).toMatchObject({ 'error.type': String(status), 'http.response.status_code': status });
      expect(span.status).toEqual({ code: SpanStatusCode.ERROR });
    }
  });

  it('of a network failure have its code as error.type and no status code', async () => {
    const { client } = watch({ baseURL: `http://127.0.0.1:${await closedPort()}` });
    await rejection(client.get('/', lane));
    expect(spans.attempts()).toHaveLength(3);
    for (const span of spans.all()) {
      expect(span.attributes).toMatchObject({ 'error.type': 'ECONNREFUSED' });
      expect(span.attributes).not.toHaveProperty('http.response.status_code');
      expect(span.status).toEqual({ code: SpanStatusCode.ERROR });
    }
  });

  it('of attempts that failed before one succeeded leave the call a success', async () => {
    const { origin } = await startHttp(answer(503), answer(200));
    const { client } = watch({ baseURL: origin });
    await client.get('/', lane);
    expect(spans.attempts().map(({ status }) => status.code)).toEqual([SpanStatusCode.ERROR, SpanStatusCode.UNSET]);
    expect(spans.call()).toMatchObject({ status: { code: SpanStatusCode.UNSET } });
  });

  it('end with the headers of a stream', async () => {
    let finish = () => {};
    const { origin } = await startHttp((_request, response) => {
      response.writeHead(200).write('first');
      finish = () => response.end();
    });
    const { client } = watch({ baseURL: origin });
    const { data } = await client.get('/', { ...lane, responseType: 'stream' });
    expect(spans.all()).toHaveLength(2);
    finish();
    expect(await text(data)).toBe('first');
  });

  it('leave a log line with their ids', async () => {
    const { origin } = await startHttp(answer());
    const { client, lines } = watch({ baseURL: origin });
    await client.get('/', lane);
    const { traceId, spanId } = spans.call().spanContext();
    expect(lines[0]?.fields).toMatchObject({ trace_id: traceId, span_id: spanId });
  });

  it('have nothing of other calls at the same time', async () => {
    const { origin, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    await Promise.all(['/a', '/b', '/c'].map((path) => client.get(path, lane)));
    const ids = new Set(requests.map(({ headers }) => String(headers.traceparent).split('-')[1]));
    expect(ids.size).toBe(3);
  });
});

describe('the spans of a call', () => {
  it.each([
    ['ERR_ATTEMPT_TIMEOUT', { timeouts: { attempt: 150 }, retry: false }],
    ['ERR_DEADLINE', { timeouts: { attempt: false, total: 150 } }],
  ] as const)('that was ended by us have %s as error.type, the attempt too', async (code, config) => {
    const { origin } = await startHttp(() => {});
    const { client } = watch({ baseURL: origin, ...config });
    await rejection(client.get('/'));
    expect(spans.all().map(({ attributes }) => attributes['error.type'])).toEqual([code, code]);
  });

  it('that never reached the wire are the call span alone', async () => {
    const { origin } = await startHttp(answer(503));
    const { client } = watch({ baseURL: origin, retry: false, circuitBreaker: { volumeThreshold: 1 } });
    await rejection(client.get('/'));
    spans.reset();
    await rejection(client.get('/'));
    expect(spans.all().map(({ attributes }) => attributes['error.type'])).toEqual(['ERR_CIRCUIT_OPEN']);
  });

  it('of a method nobody knows are named HTTP, with the method beside', async () => {
    const { origin } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    await client.request({ method: 'PURGE', url: '/' });
    const [attempt] = spans.attempts();
    expect(attempt?.name).toBe('HTTP');
    expect(attempt?.attributes).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'PURGE',
    });
  });

  it('are not made with `tracing: false`', async () => {
    const { origin, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin, tracing: false });
    await client.get('/');
    expect(spans.all()).toEqual([]);
    expect(requests[0]?.headers).not.toHaveProperty('traceparent');
    expect(requests[0]?.headers).not.toHaveProperty('x-request-id');
  });
});

describe('the key of suppression', () => {
  it("is the one that the SDK's own check looks at, and holds for the wire alone", async () => {
    const suppressed: Record<string, boolean> = {};
    const note = (where: string) => {
      suppressed[where] = isTracingSuppressed(context.active());
    };
    const noting =
      (where: string): Policy =>
      (next) =>
      (request) => {
        note(where);
        return next(request);
      };
    const wire = async (config: Request) => {
      note('wire');
      return { data: '', status: 200, statusText: '', headers: {}, config };
    };
    const deps = { perCall: [noting('call')], perAttempt: [noting('attempt')], transport: wire };
    const { client } = watch({ baseURL: 'http://api.test' }, deps);
    await client.get('/');
    note('caller');
    expect(suppressed).toEqual({ call: false, attempt: false, wire: true, caller: false });
  });
});
