import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import type { AxiosRequestConfig } from 'axios';
import type { HttpClientConfig } from 'pillion';
import { describe, expect, it } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { lanes, rejection, watch } from '../../support/client.js';
import { recordSpans } from '../../support/spans.js';
import { startHttp } from '../../support/upstream.js';

const spans = recordSpans();
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The headers that reached the upstream, which fails twice and then answers, one set for each attempt. */
async function headersOf(options: AxiosRequestConfig, config: HttpClientConfig = {}) {
  const { origin, requests } = await startHttp(answer(503), answer(503), answer());
  const { client, lines } = watch({ baseURL: origin, ...config });
  await client.get('/', options);
  const headers = requests.map((request) => request.headers);
  return { headers, of: (name: string) => headers.map((each) => each[name]), line: lines[0] };
}

describe.each(lanes)('the headers of an attempt on %s', (_, lane) => {
  it('carry the id of its own span, a new one each time', async () => {
    const { of } = await headersOf(lane);
    const ids = spans.attempts().map((span) => span.spanContext());
    expect(new Set(ids.map(({ spanId }) => spanId)).size).toBe(3);
    expect(of('traceparent')).toEqual(ids.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`));
  });

  it('carry the trace state and baggage of the caller', async () => {
    const baggage = propagation.createBaggage({ tenant: { value: 'acme' } });
    await context.with(propagation.setBaggage(context.active(), baggage), async () => {
      expect((await headersOf(lane)).of('baggage')).toEqual(['tenant=acme', 'tenant=acme', 'tenant=acme']);
    });
  });

  it('replace a traceparent that the caller copied from somewhere', async () => {
    const { of } = await headersOf({ ...lane, headers: { Traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` } });
    const { traceId } = spans.call().spanContext();
    for (const value of of('traceparent')) expect(value).toContain(traceId);
  });

  it('go on with the trace of a remote caller', async () => {
    const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, isRemote: true };
    await context.with(trace.setSpanContext(context.active(), parent), async () => {
      for (const value of (await headersOf(lane)).of('traceparent')) expect(value).toMatch(/^00-a{32}-[\da-f]{16}-01$/);
    });
  });

  it('carry no trace with `propagation: false`, and the spans are made all the same', async () => {
    const { of } = await headersOf(lane, { tracing: { propagation: false } });
    expect(of('traceparent')).toEqual([undefined, undefined, undefined]);
    expect(spans.attempts()).toHaveLength(3);
  });

  it('have an x-request-id made for the call, the same on every attempt and in the log line', async () => {
    const { of, line } = await headersOf(lane);
    const [id] = of('x-request-id');
    expect(id).toMatch(uuid);
    expect(of('x-request-id')).toEqual([id, id, id]);
    expect(line?.fields.request_id).toBe(id);
  });

  it.each(['x-request-id', 'X-Request-ID'])('keep the %s of the caller', async (name) => {
    const { of, line } = await headersOf({ ...lane, headers: { [name]: 'mine' } });
    expect(of('x-request-id')).toEqual(['mine', 'mine', 'mine']);
    expect(line?.fields.request_id).toBe('mine');
  });

  it('have a different x-request-id for each call', async () => {
    const { origin, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    await client.get('/', lane);
    await client.get('/', lane);
    expect(requests[0]?.headers['x-request-id']).not.toBe(requests[1]?.headers['x-request-id']);
  });

  it('have the id under another name, or none', async () => {
    const { of } = await headersOf(lane, { tracing: { requestIdHeader: 'x-correlation-id' } });
    expect(of('x-correlation-id')[0]).toMatch(uuid);
    expect(of('x-request-id')).toEqual([undefined, undefined, undefined]);
    const { headers } = await headersOf(lane, { tracing: { requestIdHeader: false } });
    for (const each of headers) expect(each).not.toHaveProperty('x-request-id');
  });

  it('count the attempts from 1 where that is asked for', async () => {
    const { of } = await headersOf(lane, { tracing: { attemptCountHeader: 'x-envoy-attempt-count' } });
    expect(of('x-envoy-attempt-count')).toEqual(['1', '2', '3']);
    const { headers } = await headersOf(lane);
    for (const each of headers) expect(each).not.toHaveProperty('x-envoy-attempt-count');
  });

  it('are not found on the request of the caller afterwards', async () => {
    const headers = { 'x-own': 'yes' };
    await headersOf({ ...lane, headers });
    expect(headers).toEqual({ 'x-own': 'yes' });
  });
});

describe('a stream that was handed over', () => {
  it('runs its listeners where the caller is: spans made there are recorded', async () => {
    const { origin } = await startHttp((_, response) => {
      response.writeHead(200).write('first');
      setTimeout(() => response.end('last'), 20);
    });
    const { client } = watch({ baseURL: origin });
    const tracer = trace.getTracer('test');
    const parent = tracer.startSpan('parent', { kind: SpanKind.SERVER });
    const child = await context.with(trace.setSpan(context.active(), parent), async () => {
      const { data } = await client.get('/', { responseType: 'stream' });
      data.resume();
      return new Promise<{ traceId: string; recorded: boolean }>((resolve) => {
        data.once('end', () => {
          const span = tracer.startSpan('child');
          resolve({ traceId: span.spanContext().traceId, recorded: span.isRecording() });
        });
      });
    });
    expect(child).toEqual({ traceId: parent.spanContext().traceId, recorded: true });
  });
});

describe('a failed call', () => {
  it('has the request id that its attempts sent', async () => {
    const { origin, requests } = await startHttp(answer(503));
    const { client, lines } = watch({ baseURL: origin });
    await rejection(client.get('/'));
    const ids = new Set(requests.map(({ headers }) => headers['x-request-id']));
    expect([...ids]).toEqual([lines[0]?.fields.request_id]);
  });
});
