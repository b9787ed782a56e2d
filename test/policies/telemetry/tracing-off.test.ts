import { trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { lanes, watch } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

describe.each(lanes)('without an SDK, on %s', (_, lane) => {
  it('nothing is injected, and calls work', async () => {
    const { origin, requests } = await startHttp(answer(503), answer(200, 'fine'));
    const { client, lines } = watch({ baseURL: origin });
    expect((await client.get('/', lane)).data).toBe('fine');
    for (const { headers } of requests) {
      expect(Object.keys(headers).filter((name) => /^(trace|baggage|b3|x-b3)/.test(name))).toEqual([]);
      expect(headers['x-request-id']).toBe(lines[0]?.fields.request_id);
    }
    expect(lines[0]?.fields).toMatchObject({ trace_id: undefined, span_id: undefined });
  });

  it('a traceparent that the caller set goes through untouched, on every attempt', async () => {
    const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
    const { origin, requests } = await startHttp(answer(503), answer());
    const { client } = watch({ baseURL: origin });
    await client.get('/', { ...lane, headers: { traceparent } });
    expect(requests.map(({ headers }) => headers.traceparent)).toEqual([traceparent, traceparent]);
  });
});

describe('an SDK that is registered after the client was made', () => {
  it('has its spans from then on', async () => {
    const { origin, requests } = await startHttp(answer());
    const { client } = watch({ baseURL: origin });
    await client.get('/');
    const { NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node');
    const provider = new NodeTracerProvider();
    provider.register();
    await client.get('/');
    trace.disable();
    await provider.shutdown();
    expect(requests.map(({ headers }) => typeof headers.traceparent)).toEqual(['undefined', 'string']);
  });
});
