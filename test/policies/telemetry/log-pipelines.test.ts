/** logging: every line of a profile is what its vendor documents, whatever the line is about; the rules are cited. */
import type { HttpClientConfig } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { collecting, rejection, scripted } from '../../support/client.js';
import { fakeTimers } from '../../support/clock.js';
import { recordSpans } from '../../support/spans.js';

fakeTimers();
const spans = recordSpans();

type Profile = NonNullable<Exclude<HttpClientConfig['logging'], false>>['profile'];
type Fields = Readonly<Record<string, unknown>>;

/** Lines of every kind as JSON has them: calls and attempts that went well and failed, calls turned away, transitions. */
async function everyLine(profile: Profile, options: object = {}): Promise<Fields[]> {
  const { logger, lines } = collecting();
  const config = { name: 'billing', circuitBreaker: { volumeThreshold: 3 }, allowAbsoluteUrls: true } as const;
  const script = [200, 404, 503, { error: 'ECONNRESET' }, 503, 503, 503, 503];
  const { client } = scripted(script, { ...config, logging: { profile, ...options } }, { logger });
  const headers = { 'x-request-id': 'req-1' };
  const call = { headers, routeName: '/invoices/{id}' };
  const calls = Array.from({ length: 40 }, () => client.get('/invoices/7?page=2', call).catch(() => {}));
  await vi.advanceTimersByTimeAsync(3000);
  await Promise.all(calls);
  for (let i = 0; i < 3; i++) await client.request({ url: '/a', method: 'PURGE', ...call }).catch(() => {});
  client.forceCircuit('open', { by: 'alice', for: '1s' });
  await rejection(client.get('/invoices/8', call));
  await vi.advanceTimersByTimeAsync(3000);
  client.update({ baseURL: 'http://api.test', name: 'billing', logging: { profile, ...options }, retry: false });
  await client.close();
  const all = lines.map(({ fields }) => JSON.parse(JSON.stringify(fields)) as Fields);
  expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(['debug', 'info', 'warn', 'error']));
  expect(all.length).toBeGreaterThan(15);
  return all;
}

describe('ecs', () => {
  // https://www.elastic.co/docs/reference/ecs/ecs-field-reference: the fields that we use, with their types; `long` and
  // `keyword` are strict in what they take.
  const ofEcs: Readonly<Record<string, 'keyword' | 'long'>> = {
    'service.target.name': 'keyword',
    'destination.address': 'keyword',
    'destination.port': 'long',
    'http.request.id': 'keyword',
    'http.request.method': 'keyword',
    'http.response.status_code': 'long',
    'http.response.body.bytes': 'long',
    'url.full': 'keyword',
    'error.code': 'keyword',
    'error.type': 'keyword',
    'error.message': 'keyword',
    'event.action': 'keyword',
    'event.duration': 'long',
    'event.outcome': 'keyword',
    'trace.id': 'keyword',
    'span.id': 'keyword',
  };

  it('has no field that is neither in the schema nor in a namespace of its own', async () => {
    // https://www.elastic.co/docs/reference/ecs/ecs-custom-fields-in-ecs: custom fields stand under a name of their own.
    for (const line of await everyLine('ecs'))
      for (const name of Object.keys(line)) expect(name in ofEcs || name.startsWith('pillion.'), name).toBe(true);
  });

  it('has values of the types that the schema names', async () => {
    for (const line of await everyLine('ecs'))
      for (const [name, value] of Object.entries(line)) {
        if (ofEcs[name] === 'long') expect(Number.isInteger(value), `${name} ${value}`).toBe(true);
        if (ofEcs[name] === 'keyword') expect(value, name).toEqual(expect.any(String));
      }
  });

  it('has no field whose name is an object elsewhere, and each custom field has one type in all lines', async () => {
    const lines = await everyLine('ecs');
    const names = new Set([...lines.flatMap(Object.keys), ...Object.keys(ofEcs)]);
    for (const name of names)
      for (const other of names) expect(other.startsWith(`${name}.`), `${name} and ${other}`).toBe(false);
    const types = new Map<string, string>();
    for (const line of lines)
      for (const [name, value] of Object.entries(line)) {
        const type = Array.isArray(value) ? typeof value[0] : typeof value;
        expect(type, name).toBe(types.get(name) ?? type);
        expect(type, name).not.toBe('object');
        types.set(name, type);
      }
  });

  // https://www.elastic.co/docs/reference/ecs/ecs-event: outcome is one of failure, success, unknown.
  it('has an outcome that the schema allows, failure for each with an error', async () => {
    for (const line of (await everyLine('ecs')).filter((each) => 'event.outcome' in each))
      expect(line['event.outcome']).toBe('error.type' in line ? 'failure' : 'success');
  });
});

describe('datadog', () => {
  // https://docs.datadoghq.com/tracing/other_telemetry/connect_logs_and_traces/opentelemetry/: "translate TraceId and SpanId
  // from their OpenTelemetry formats (a 128bit unsigned int and 64bit unsigned int represented as a 32-hex-character and
  // 16-hex-character lowercase string) into their Datadog Formats (a 64bit unsigned int)"; its examples write
  // str(trace_id & 0xFFFFFFFFFFFFFFFF) and str(span_id).
  it('has dd.trace_id and dd.span_id as decimal numbers of 64 bits in text, those of the spans', async () => {
    const lines = await everyLine('datadog');
    const ids = spans.all().map((span) => span.spanContext());
    const decimal = (hex: string) => BigInt.asUintN(64, BigInt(`0x${hex}`)).toString();
    const known = new Set(ids.map(({ traceId, spanId }) => `${decimal(traceId)} ${decimal(spanId)}`));
    const traced = lines.filter((line) => 'http.method' in line);
    expect(traced.length).toBeGreaterThan(10);
    for (const line of traced) expect(known).toContain(`${line['dd.trace_id']} ${line['dd.span_id']}`);
  });

  // https://docs.datadoghq.com/logs/log_configuration/attributes_naming_convention/#reserved-attributes
  it('has no field of its own under a name that Datadog reserves', async () => {
    const reserved = ['host', 'source', 'ddsource', 'status', 'service', 'trace_id', 'message', 'env', 'version'];
    for (const line of await everyLine('datadog')) for (const name of reserved) expect(line).not.toHaveProperty([name]);
  });

  // The same page, standard attributes: duration "in nanoseconds", http.status_code a number, error.kind the error type.
  it('has the standard attributes with their types', async () => {
    for (const line of (await everyLine('datadog')).filter((each) => 'http.method' in each)) {
      expect(line).toMatchObject({ 'http.url': expect.any(String), duration: expect.any(Number) });
      expect(Number.isInteger(line.duration)).toBe(true);
      if ('http.status_code' in line) expect(line['http.status_code']).toEqual(expect.any(Number));
      if ('error.kind' in line) expect(line['error.kind']).toEqual(expect.any(String));
    }
  });
});

describe('gcp', () => {
  // https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields
  const special = {
    'logging.googleapis.com/trace': /^projects\/shop\/traces\/[\da-f]{32}$/,
    'logging.googleapis.com/spanId': /^[\da-f]{16}$/,
  };

  it('has the resource name of the trace, the span and whether it is sampled', async () => {
    const lines = (await everyLine('gcp', { gcpProject: 'shop' })).filter((line) => 'httpRequest' in line);
    const ids = new Set(spans.all().map((span) => span.spanContext().spanId));
    for (const line of lines) {
      for (const [name, form] of Object.entries(special)) expect(line[name]).toMatch(form);
      expect(ids).toContain(line['logging.googleapis.com/spanId']);
      expect(line['logging.googleapis.com/trace_sampled']).toBe(true);
    }
  });

  // https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest: responseSize is a string of int64,
  // latency a duration "in seconds with up to nine fractional digits, ending with 's'".
  it('has an httpRequest of the documented fields and types', async () => {
    const known = ['requestMethod', 'requestUrl', 'requestSize', 'status', 'responseSize', 'userAgent', 'latency'];
    for (const { httpRequest } of (await everyLine('gcp')).filter((line) => 'httpRequest' in line)) {
      const fields = httpRequest as Fields;
      for (const name of Object.keys(fields)) expect(known).toContain(name);
      expect(fields.latency).toMatch(/^\d+\.\d{1,9}s$/);
      if ('status' in fields) expect(fields.status).toEqual(expect.any(Number));
    }
  });

  it('takes the project from GOOGLE_CLOUD_PROJECT where none is set, and has the bare id where neither is', async () => {
    const traceOf = (lines: readonly Fields[]) => lines.find((line) => 'httpRequest' in line)?.[traceField];
    const traceField = 'logging.googleapis.com/trace';
    vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'from-env');
    try {
      expect(traceOf(await everyLine('gcp'))).toMatch(/^projects\/from-env\/traces\//);
      expect(traceOf(await everyLine('gcp', { gcpProject: 'shop' }))).toMatch(/^projects\/shop\/traces\//);
      vi.stubEnv('GOOGLE_CLOUD_PROJECT', '');
      expect(traceOf(await everyLine('gcp'))).toMatch(/^[\da-f]{32}$/);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('otel', () => {
  // https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
  it('has the attributes of the span that it belongs to, with their values', async () => {
    const lines = (await everyLine('otel')).filter((line) => 'url.full' in line);
    const byId = new Map(spans.all().map((span) => [span.spanContext().spanId, span]));
    const shared = ['server.address', 'server.port', 'url.full', 'url.template', 'error.type', 'http.request.method'];
    for (const line of lines) {
      const span = byId.get(String(line.span_id));
      expect(line.trace_id).toBe(span?.spanContext().traceId);
      for (const name of [...shared, 'http.request.method_original', 'http.response.status_code'])
        expect(line[name], name).toEqual(span?.attributes[name]);
    }
    // "If the HTTP request method is not known to instrumentation, it MUST set the http.request.method attribute to _OTHER."
    expect(lines).toContainEqual(
      expect.objectContaining({ 'http.request.method': '_OTHER', 'http.request.method_original': 'PURGE' }),
    );
  });
});
