/** How the log line of a call is spelled for each log pipeline. */
import type { CallFlag } from '../../call/record.js';

/** What is known of a finished call: an allow-list, so that no header, body or query value can slip into a line. */
export interface CallRecord {
  client: string;
  method: string;
  /** Without credentials, query values and fragment. */
  url: string;
  /** Scheme, host and port. */
  destination: string;
  route: string | undefined;
  status: number | undefined;
  code: string | undefined;
  message: string | undefined;
  durationMs: number;
  attempts: number;
  requestId: string | undefined;
  traceId: string | undefined;
  spanId: string | undefined;
  responseSize: number | undefined;
  /** Addresses of the endpoints it went to, in order; undefined where there is one destination only. */
  endpoints: readonly string[] | undefined;
  /** What happened on the way; undefined where nothing did. */
  flags: readonly CallFlag[] | undefined;
}

export type LogProfile = (record: CallRecord) => Record<string, unknown>;

/** Field names: OpenTelemetry (the default), Elastic Common Schema, Datadog, Google Cloud. */
export const logProfiles = { otel, ecs, datadog, gcp } satisfies Record<string, LogProfile>;
export const logProfileNames = ['otel', 'ecs', 'datadog', 'gcp'] as const;

/**
 * Loggers leave out a field that is undefined, so a profile is one plain literal. It is written out in each: this runs once
 * for every call, and a literal that begins with a spread costs 8 us more.
 */

/** OpenTelemetry's HTTP semantic conventions. */
function otel(record: CallRecord): Record<string, unknown> {
  const { status } = record;
  return {
    client: record.client,
    destination: record.destination,
    attempts: record.attempts,
    endpoints: record.endpoints,
    flags: record.flags,
    request_id: record.requestId,
    'http.request.method': record.method,
    'url.full': record.url,
    'url.template': record.route,
    'http.response.status_code': status,
    'http.response.body.size': record.responseSize,
    'error.type': record.code ?? (status !== undefined && status >= 400 ? String(status) : undefined),
    'error.message': record.message,
    duration_ms: record.durationMs,
    trace_id: record.traceId,
    span_id: record.spanId,
  };
}

/** Elastic Common Schema: durations in nanoseconds. */
function ecs(record: CallRecord): Record<string, unknown> {
  return {
    client: record.client,
    destination: record.destination,
    attempts: record.attempts,
    endpoints: record.endpoints,
    flags: record.flags,
    request_id: record.requestId,
    'http.request.method': record.method,
    'url.full': record.url,
    'url.template': record.route,
    'http.response.status_code': record.status,
    'http.response.body.bytes': record.responseSize,
    'error.code': record.code,
    'error.message': record.message,
    'event.duration': nanoseconds(record.durationMs),
    'event.outcome': record.code === undefined && (record.status ?? 0) < 400 ? 'success' : 'failure',
    'trace.id': record.traceId,
    'span.id': record.spanId,
  };
}

/** Datadog's standard attributes: durations in nanoseconds. */
function datadog(record: CallRecord): Record<string, unknown> {
  return {
    client: record.client,
    destination: record.destination,
    attempts: record.attempts,
    endpoints: record.endpoints,
    flags: record.flags,
    request_id: record.requestId,
    'http.method': record.method,
    'http.url': record.url,
    'http.route': record.route,
    'http.status_code': record.status,
    'network.bytes_read': record.responseSize,
    'error.kind': record.code,
    'error.message': record.message,
    duration: nanoseconds(record.durationMs),
    'dd.trace_id': record.traceId,
    'dd.span_id': record.spanId,
  };
}

/** Google Cloud Logging: an `httpRequest` object, durations as seconds with a unit. */
function gcp(record: CallRecord): Record<string, unknown> {
  return {
    client: record.client,
    destination: record.destination,
    attempts: record.attempts,
    endpoints: record.endpoints,
    flags: record.flags,
    request_id: record.requestId,
    httpRequest: {
      requestMethod: record.method,
      requestUrl: record.url,
      status: record.status,
      responseSize: record.responseSize === undefined ? undefined : String(record.responseSize),
      latency: `${(record.durationMs / 1000).toFixed(6)}s`,
    },
    route: record.route,
    code: record.code,
    error_message: record.message,
    duration_ms: record.durationMs,
    'logging.googleapis.com/trace': record.traceId,
    'logging.googleapis.com/spanId': record.spanId,
  };
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}
