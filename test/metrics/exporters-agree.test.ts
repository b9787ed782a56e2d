/** The same metrics by three ways: our text, OpenMetrics, and the Prometheus exporter of OpenTelemetry's SDK. */
import { context, trace } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { createHttpClient, type HttpClientConfig, loadHttpClients } from 'pillion';
import { createPrometheus, recordMetrics } from 'pillion/metrics';
import { createMockTransport, type Script } from 'pillion/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejection, silent } from '../support/client.js';
import { exposition, type Sample } from './exposition.js';

const baseURL = 'http://api.test';

function measured(script: Script, config: HttpClientConfig = {}) {
  const transport = createMockTransport(script);
  const client = createHttpClient(
    { name: 'billing', baseURL, ...config },
    { transport, logger: silent, random: () => 0 },
  );
  const registry = loadHttpClients(
    { name: 'test', load: () => ({ clients: { users: { baseURL } } }) },
    { transport, logger: silent },
  );
  const all = [client, registry];
  const prometheus = createPrometheus(all);
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const stop = recordMetrics(all, { meterProvider });
  onTestFinished(async () => {
    prometheus.close();
    stop();
    await Promise.all([client.close({ grace: 0 }), registry.close(), meterProvider.shutdown()]);
  });
  const sdk = async () => {
    const { resourceMetrics } = await reader.collect();
    // Without labels of the instrumentation scope, and without target_info.
    return `${new PrometheusSerializer('', false, undefined, true, true).serialize(resourceMetrics)}`;
  };
  return { client, prometheus, sdk };
}

/** Samples by name and labels, in any order. */
const keyed = (samples: readonly Sample[]) =>
  Object.fromEntries(
    samples.map(({ name, labels, value }) => [`${name} ${JSON.stringify(Object.entries(labels).toSorted())}`, value]),
  );

const openMetrics = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';

describe('our text', () => {
  it("has the samples of the SDK's exporter, which leaves the unit of durations out of their name", async () => {
    const { client, prometheus, sdk } = measured([503, 200, 404, 200], { limits: {}, circuitBreaker: {} });
    await client.get('/', { routeName: '/x/{id}' });
    await rejection(client.post('/', {}));
    const theirs = exposition((await sdk()).replace(/^# UNIT .*\n/gm, ''));
    const own = keyed(exposition(prometheus.text()));
    expect(Object.keys(own).length).toBeGreaterThan(50);
    expect(keyed(theirs.map((each) => ({ ...each, name: each.name.replace('call_duration', '$&_seconds') })))).toEqual(
      own,
    );
  });

  it('counts from zero what has no labels but that of the client, so that increase() sees the first', () => {
    const { prometheus } = measured([]);
    const zeros = exposition(prometheus.text()).filter(({ name, labels }) => name.endsWith('_total') && labels.client);
    expect(zeros.map(({ name, labels, value }) => [name, labels.client, value])).toEqual(
      [
        'hedges',
        'rate_limit_waits',
        'rate_limit_rejections',
        'endpoint_lookup_failures',
        'identity_rotations',
        'identity_rejections',
      ].flatMap((name) => ['billing', 'users'].map((client) => [`pillion_client_${name}_total`, client, 0])),
    );
  });
});

describe('what a scraper gets', () => {
  it.each([
    [undefined, 'text/plain'],
    ['', 'text/plain'],
    ['text/html,*/*;q=0.8', 'text/plain'],
    ['text/plain;version=0.0.4', 'text/plain'],
    ['text/plain, application/openmetrics-text;q=0.5', 'text/plain'],
    ['application/openmetrics-text;q=0, */*', 'text/plain'],
    ['application/openmetrics-text;q=x', 'text/plain'],
    ['application/openmetrics-text', 'application/openmetrics-text'],
    ['APPLICATION/OpenMetrics-Text ; version=1.0.0 , text/plain', 'application/openmetrics-text'],
    [openMetrics, 'application/openmetrics-text'],
  ])('with the header %s is %s', (accept, type) => {
    const { contentType, text } = measured([]).prometheus.scrape(accept);
    expect(contentType.split(';')[0]).toBe(type);
    expect(text.endsWith('# EOF\n')).toBe(type !== 'text/plain');
  });

  it('are the same samples in OpenMetrics, whose counters are families without _total and whose bounds are floats', async () => {
    const { client, prometheus } = measured([503, 200]);
    await client.get('/');
    const { text } = prometheus.scrape(openMetrics);
    expect(text).toContain('# TYPE pillion_client_attempts counter\n');
    expect(text).toContain('# UNIT pillion_client_call_duration_seconds seconds\n');
    expect(text).toContain('le="1.0"} ');
    const classic = text
      .replace('# EOF\n', '')
      .replace(/^# UNIT .*\n/gm, '')
      .replace(/^(# HELP )(\S+)(.*\n# TYPE )\S+ counter$/gm, '$1$2_total$3$2_total counter')
      .replace(/le="(\d+)\.0"/g, 'le="$1"');
    expect(keyed(exposition(classic))).toEqual(keyed(exposition(prometheus.text())));
  });
});

describe('exemplars', () => {
  /** Registers an SDK for the length of the test. */
  function traced(sampled = true) {
    const spans = new InMemorySpanExporter();
    const provider = new NodeTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(spans)],
      ...(!sampled && { sampler: { shouldSample: () => ({ decision: 0 }), toString: () => 'never' } }),
    });
    provider.register();
    onTestFinished(async () => {
      for (const api of [trace, context]) api.disable();
      await provider.shutdown();
    });
    return spans;
  }
  const exemplar =
    /^pillion_client_call_duration_seconds_bucket\{.*\} \d+ # \{trace_id="(\w{32})",span_id="(\w{16})"\} ([\d.e-]+) ([\d.]+)$/gm;

  it('name the trace of the last call in its bucket, in OpenMetrics only', async () => {
    const spans = traced();
    const { client, prometheus } = measured([200, 200]);
    await client.get('/');
    await client.get('/');
    const last = spans.getFinishedSpans().findLast(({ name }) => name.startsWith('call '));
    const found = [...prometheus.scrape(openMetrics).text.matchAll(exemplar)];
    expect(found.map(([, traceId, spanId]) => [traceId, spanId])).toContainEqual([
      last?.spanContext().traceId,
      last?.spanContext().spanId,
    ]);
    const [, , , seconds, at] = found.at(-1) ?? [];
    expect(Number(seconds)).toBeLessThan(1);
    expect(Math.abs(Number(at) - Date.now() / 1000)).toBeLessThan(5);
    expect(prometheus.text()).not.toContain('trace_id');
    expect(prometheus.scrape('text/plain').text).not.toContain('trace_id');
  });

  it.each([
    ['traces that are not sampled, which nobody could look up', () => traced(false)],
    ['calls without an SDK', () => {}],
  ])('leave out %s', async (_, start) => {
    start();
    const { client, prometheus } = measured([200]);
    await client.get('/');
    expect(prometheus.scrape(openMetrics).text).not.toContain('trace_id');
  });

  it('of an SDK find the span of the call in the context that the duration is recorded in', async () => {
    const spans = traced();
    const seen: unknown[] = [];
    const meterProvider = {
      getMeter: () => {
        const meter = new MeterProvider().getMeter('test');
        meter.createHistogram = () => ({
          record: (_value, _attributes, under) => void seen.push(under && trace.getSpanContext(under)?.spanId),
        });
        return meter;
      },
    };
    const client = createHttpClient({ baseURL }, { transport: createMockTransport([200]), logger: silent });
    const stop = recordMetrics([client], { meterProvider });
    await client.get('/');
    stop();
    const call = spans.getFinishedSpans().find(({ name }) => name.startsWith('call '));
    expect(seen).toEqual([call?.spanContext().spanId]);
  });
});
