/** A copy has a span of its own, under that of the call. */
import { expect, it } from 'vitest';
import { until, watch } from '../../support/client.js';
import { recordSpans } from '../../support/spans.js';
import { startHttp } from '../../support/upstream.js';

const spans = recordSpans();

it('is a CLIENT span "mirror GET" that the target sees as its parent, and no attempt of the call', async () => {
  const upstream = await startHttp((_, response) => void response.end('ok'));
  const target = await startHttp((_, response) => void response.end('ok'));
  const { client } = watch({ baseURL: upstream.origin, mirror: [{ baseURL: target.origin }] });
  await client.get('/x', { routeName: '/x' });
  await until(() => spans.attempts().length === 2);
  const copy = spans.attempts().find(({ name }) => name === 'mirror GET /x');
  const attempt = spans.attempts().find(({ name }) => name === 'GET /x');
  const { traceId, spanId } = spans.call().spanContext();
  expect(copy?.parentSpanContext).toMatchObject({ traceId, spanId });
  expect(copy?.attributes).toMatchObject({ 'url.full': `${target.origin}/x`, 'http.response.status_code': 200 });
  expect(target.requests[0]?.headers.traceparent).toBe(`00-${traceId}-${copy?.spanContext().spanId}-01`);
  expect(upstream.requests[0]?.headers.traceparent).toBe(`00-${traceId}-${attempt?.spanContext().spanId}-01`);
  expect(spans.call().attributes['pillion.attempts']).toBe(1);
});
