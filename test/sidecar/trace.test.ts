/** One trace through the listener. */
import { createHttpClient } from 'pillion';
import { serveSidecar } from 'pillion/sidecar';
import { expect, it, onTestFinished } from 'vitest';
import { answer } from '../support/behaviours.js';
import { silent } from '../support/client.js';
import { recordSpans } from '../support/spans.js';
import { startHttp } from '../support/upstream.js';

const spans = recordSpans();

it('a traceparent of the request is the parent of the spans of the call, and each request has its own', async () => {
  const upstream = await startHttp(answer());
  const client = createHttpClient({ baseURL: upstream.origin }, { logger: silent });
  const sidecar = await serveSidecar(client);
  onTestFinished(async () => {
    await sidecar.close({ grace: 0 });
    await client.close();
  });
  const trace = '0af7651916cd43dd8448eb211c80319c';
  await fetch(sidecar.url, { headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` } });
  expect(spans.call().spanContext().traceId).toBe(trace);
  expect(spans.call().parentSpanContext?.spanId).toBe('b7ad6b7169203331');
  expect(upstream.requests[0]?.headers.traceparent).toMatch(
    new RegExp(`^00-${trace}-${spans.attempts()[0]?.spanContext().spanId}`),
  );
  spans.reset();
  await fetch(sidecar.url);
  expect(spans.call().parentSpanContext).toBeUndefined();
});
