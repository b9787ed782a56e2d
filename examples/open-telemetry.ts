/** Spans and metrics with the real OpenTelemetry SDK: one call, two attempts, read back from memory. */
import { fileURLToPath } from 'node:url';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { createHttpClient, type HttpClientDeps } from 'pillion';
import { recordMetrics } from 'pillion/metrics';
import { createMockTransport } from 'pillion/testing';
import { pino } from 'pino';

export async function main(deps: HttpClientDeps = {}): Promise<string[]> {
  // In a service: exporters to a collector, and meterProvider registered with metrics.setGlobalMeterProvider.
  const spans = new InMemorySpanExporter();
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  tracerProvider.register();
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter });
  const meterProvider = new MeterProvider({ readers: [reader] });

  const transport = createMockTransport([503, { data: { id: 'INV-1' } }]);
  const billing = createHttpClient({ name: 'billing', baseURL: 'https://billing.test' }, { transport, ...deps });
  const stop = recordMetrics([billing], { meterProvider });
  await billing.get('/invoices/INV-1', { routeName: '/invoices/{id}' });

  await reader.forceFlush();
  const told = spans.getFinishedSpans().map(({ name, attributes }) => {
    const { 'http.response.status_code': status, 'http.request.resend_count': resends } = attributes;
    return `span ${name}${status ? `: ${status}` : ''}${resends ? `, resend ${resends}` : ''}`;
  });
  const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  for (const { descriptor, dataPoints } of metrics)
    if (/attempts|retries$/.test(descriptor.name))
      for (const { attributes, value } of dataPoints)
        told.push(`${descriptor.name} ${attributes['error.type'] ?? 'ok'}: ${value}`);

  stop();
  await billing.close();
  await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
  return told;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await main({ logger: pino() })).join('\n'));
