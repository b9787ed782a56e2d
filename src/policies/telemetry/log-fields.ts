/** How the log lines of calls and of events are spelled for each log pipeline. */
import { errorTypeOf } from '../../call/failure.js';
import type { LogProfileName } from '../../call/logger.js';
import { type CallFlag, type FailureCause, type RetryRefusal, serverOf } from '../../call/record.js';
import { knownMethods } from '../spans.js';

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
  /** One value in spans, metrics and lines; undefined for a success. */
  errorType: string | undefined;
  durationMs: number;
  attempts: number;
  requestId: string | undefined;
  traceId: string | undefined;
  spanId: string | undefined;
  traceSampled: boolean | undefined;
  /** The Google Cloud project of the trace. */
  gcpProject: string | undefined;
  responseSize: number | undefined;
  /** Addresses of the endpoints it went to, in order; undefined where there is one destination only. */
  endpoints: readonly string[] | undefined;
  /** What happened on the way; undefined where nothing did. */
  flags: readonly CallFlag[] | undefined;
  retryRefused: RetryRefusal | undefined;
}

export type LogProfile = (record: CallRecord) => Record<string, unknown>;

/** The fields of a call in each profile. */
export const logProfiles = { otel, ecs, datadog, gcp } satisfies Record<LogProfileName, LogProfile>;

/**
 * Loggers leave out a field that is undefined, so a profile is one plain literal. It is written out in each: this runs once
 * for every call, and a literal that begins with a spread costs 8 us more.
 */

/**
 * OpenTelemetry's attributes of HTTP client spans, as in
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span.
 */
function otel(record: CallRecord): Record<string, unknown> {
  const { address, port } = serverOf(record.destination);
  const known = knownMethods.has(record.method);
  return {
    client: record.client,
    destination: record.destination,
    attempts: record.attempts,
    endpoints: record.endpoints,
    flags: record.flags,
    retry_refused: record.retryRefused,
    request_id: record.requestId,
    'http.request.method': known ? record.method : '_OTHER',
    'http.request.method_original': known ? undefined : record.method,
    'url.full': record.url,
    'url.template': record.route,
    'server.address': address,
    'server.port': port,
    'http.response.status_code': record.status,
    'http.response.body.size': record.responseSize,
    'error.type': record.errorType,
    'error.message': record.message,
    duration_ms: record.durationMs,
    trace_id: record.traceId,
    span_id: record.spanId,
  };
}

/**
 * Elastic Common Schema, https://www.elastic.co/docs/reference/ecs/ecs-field-reference. There `client` and `destination` are
 * objects: a text under such a name makes Elasticsearch refuse the line.
 */
function ecs(record: CallRecord): Record<string, unknown> {
  const { address, port } = serverOf(record.destination);
  return {
    'service.target.name': record.client,
    'destination.address': address,
    'destination.port': port,
    'pillion.attempts': record.attempts,
    'pillion.endpoints': record.endpoints,
    'pillion.flags': record.flags,
    'pillion.retry_refused': record.retryRefused,
    'pillion.route': record.route,
    'http.request.id': record.requestId,
    'http.request.method': record.method,
    'url.full': record.url,
    'http.response.status_code': record.status,
    'http.response.body.bytes': record.responseSize,
    'error.code': record.code,
    'error.type': record.errorType,
    'error.message': record.message,
    'event.duration': nanoseconds(record.durationMs),
    'event.outcome': record.errorType === undefined ? 'success' : 'failure',
    'trace.id': record.traceId,
    'span.id': record.spanId,
  };
}

/** Datadog's standard attributes, https://docs.datadoghq.com/standard-attributes/?product=log; durations in nanoseconds. */
function datadog(record: CallRecord): Record<string, unknown> {
  return {
    client: record.client,
    destination: record.destination,
    attempts: record.attempts,
    endpoints: record.endpoints,
    flags: record.flags,
    retry_refused: record.retryRefused,
    'http.request_id': record.requestId,
    'http.method': record.method,
    'http.url': record.url,
    'http.route': record.route,
    'http.status_code': record.status,
    'network.bytes_read': record.responseSize,
    'error.kind': record.errorType,
    'error.message': record.message,
    duration: nanoseconds(record.durationMs),
    'dd.trace_id': decimal(record.traceId),
    'dd.span_id': decimal(record.spanId),
  };
}

/**
 * The lower 64 bits of an id as a decimal number, as Datadog's tracers write it:
 * https://docs.datadoghq.com/tracing/other_telemetry/connect_logs_and_traces/opentelemetry/.
 */
function decimal(id: string | undefined): string | undefined {
  return id === undefined ? undefined : BigInt(`0x${id.slice(-16)}`).toString();
}

/** Google Cloud Logging, https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields. */
function gcp(record: CallRecord): Record<string, unknown> {
  return {
    client: record.client,
    destination: record.destination,
    attempts: record.attempts,
    endpoints: record.endpoints,
    flags: record.flags,
    retry_refused: record.retryRefused,
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
    error_type: record.errorType,
    error_message: record.message,
    duration_ms: record.durationMs,
    'logging.googleapis.com/trace': traceName(record),
    'logging.googleapis.com/spanId': record.spanId,
    'logging.googleapis.com/trace_sampled': record.traceSampled,
  };
}

/** The resource name of a trace, by which Cloud Logging finds it; the id alone where no project is known. */
function traceName({ traceId, gcpProject }: CallRecord): string | undefined {
  return traceId === undefined || gcpProject === undefined ? traceId : `projects/${gcpProject}/traces/${traceId}`;
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

/** Something that happened to a client or to the configuration, rather than to one call. */
export interface EventRecord {
  /** `circuit.opened`, as the event of the client. */
  readonly event: string;
  /** Absent where it concerns all clients. */
  readonly client?: string | undefined;
  /** An origin, or the address of an endpoint. */
  readonly destination?: string | undefined;
  /** What it has to do with an error, as in the lines of calls. */
  readonly errorType?: string | undefined;
  /** Fields of our own, in snake_case. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Names of an event's fields that differ between the profiles. */
const eventNames = {
  otel: { event: 'event.name', client: 'client', type: 'error.type', address: 'server.address', port: 'server.port' },
  ecs: {
    ...{ event: 'event.action', client: 'service.target.name', type: 'error.type' },
    ...{ address: 'destination.address', port: 'destination.port' },
  },
  datadog: { event: 'evt.name', client: 'client', type: 'error.kind', address: undefined, port: undefined },
  gcp: { event: 'event', client: 'client', type: 'error_type', address: undefined, port: undefined },
} as const;

/** The fields of an event in a profile. */
export function eventFields(profile: LogProfileName, record: EventRecord): Record<string, unknown> {
  const { event, client, destination, errorType, details = {} } = record;
  const names = eventNames[profile];
  const fields: Record<string, unknown> = { [names.event]: `pillion.${event}` };
  if (client !== undefined) fields[names.client] = client;
  if (errorType !== undefined) fields[names.type] = errorType;
  if (destination !== undefined && names.address !== undefined) {
    const { address, port } = serverOf(destination);
    Object.assign(fields, { [names.address]: address, [names.port]: port });
  }
  return Object.assign(fields, ownFields(profile, { destination, ...details }));
}

/** Adds the namespace that ECS wants for fields which are not its own. */
export function ownFields(profile: LogProfileName, fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const told = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(profile === 'ecs' ? told.map(([name, value]) => [`pillion.${name}`, value]) : told);
}

/** The fields of a failure for which something else happened: `cause` has the form of `error.type`. */
export function causeFields(cause: FailureCause | undefined): Record<string, unknown> {
  if (cause === undefined) return {};
  const { status, code, message } = cause;
  const isKnown = status !== undefined || code !== undefined;
  return { cause: isKnown ? errorTypeOf({ status, code }) : undefined, cause_message: message };
}
