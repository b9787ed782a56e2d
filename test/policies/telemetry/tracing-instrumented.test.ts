import { describe, expect, it } from 'vitest';
import { answer } from '../../support/behaviours.js';
import { runChild } from '../../support/child.js';
import { lanes } from '../../support/client.js';
import { startHttp } from '../../support/upstream.js';

/** A service with both instrumentations that asks the upstream through our client and without it. */
const service = (origin: string, lane: object) => `
import { createRequire } from 'node:module';
import { SpanKind } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
for (const instrumentation of [new HttpInstrumentation(), new UndiciInstrumentation()])
  instrumentation.setTracerProvider(provider);
const http = createRequire(import.meta.url)('node:http');
const { createHttpClient } = await import('pillion');
const { Agent, request } = await import('undici');

const client = createHttpClient({ baseURL: '${origin}' }, { random: () => 0 });
await client.get('/ours', ${JSON.stringify(lane)});
await client.close();
const agent = new http.Agent();
await new Promise((resolve) => http.get('${origin}/http', { agent }, (response) => response.resume().once('end', resolve)));
const dispatcher = new Agent();
await (await request('${origin}/undici', { dispatcher })).body.text();
await dispatcher.close();
for (const span of exporter.getFinishedSpans()) {
  if (span.kind === SpanKind.CLIENT) report({ scope: span.instrumentationScope.name, id: span.spanContext().spanId });
}
`;

describe.each(lanes)('with instrumentation-http and -undici registered, on %s', (_, lane) => {
  it('there is one CLIENT span for each attempt, ours, and the server sees its id', async () => {
    const { origin, requests } = await startHttp(answer(503), answer());
    const { reports, code, stderr } = await runChild(service(origin, lane));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(reports.map(({ scope }) => scope)).toEqual([
      'pillion',
      'pillion',
      // Without our client they are at work: the test would notice a second span.
      '@opentelemetry/instrumentation-http',
      '@opentelemetry/instrumentation-undici',
    ]);
    expect(requests.map(({ path }) => path)).toEqual(['/ours', '/ours', '/http', '/undici']);
    const seen = requests.map(({ headers }) => String(headers.traceparent).split('-')[2]);
    expect(seen).toEqual(reports.map(({ id }) => id));
  });
});
