/** OpenTelemetry spans of calls and attempts, and the propagation of their context in request headers. */
import type { Attributes, Context, Span, TextMapSetter } from '@opentelemetry/api';
import { responseOf } from '../call/body.js';
import { errorTypeOf } from '../call/failure.js';
import type { Request, Response, Transport } from '../call/message.js';
import { openTelemetry } from '../call/on-demand.cjs';
import type { Call } from '../call/record.js';
import { callOf } from '../call/request.js';

/**
 * Where every 1.x of the API keeps what an SDK registers, so that several copies of it share that. While it is not there,
 * nothing is registered, and the API is not loaded.
 */
const registered = Symbol.for('opentelemetry.js.api.1');

const tracer = () => openTelemetry().trace.getTracer('pillion');

/** False while no OpenTelemetry SDK is registered: calls then skip spans altogether and pay nothing for them. */
export function isTraced(): boolean {
  if (!(registered in globalThis)) return false;
  const { ProxyTracerProvider, trace } = openTelemetry();
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('pillion') !== undefined;
}

/** Runs a whole call in an INTERNAL span. */
export function inCallSpan(request: Request, client: string, next: Transport): Promise<Response> {
  const { context, SpanKind, trace } = openTelemetry();
  const call = callOf(request);
  const attributes = { 'pillion.client': client, ...target(call) };
  const span = tracer().startSpan(name('call', call), { kind: SpanKind.INTERNAL, attributes });
  const { traceId, spanId, traceFlags } = span.spanContext();
  Object.assign(call, { traceId, spanId, traceSampled: isSampled(traceFlags) });
  const under = trace.setSpan(context.active(), span);
  const finish = (outcome: Attributes) => span.setAttributes({ 'pillion.attempts': call.attempts, ...outcome });
  return watch(span, () => context.with(under, next, undefined, request), finish);
}

export interface ClientSpan {
  /** First word of the span's name, before method and route; empty for none. */
  readonly prefix: string;
  readonly attributes: Attributes;
  /** Inject the span's context into the request headers. */
  readonly propagation: boolean;
}

/** Runs one request to the wire in a CLIENT span. */
export function inClientSpan(request: Request, options: ClientSpan, next: Transport): Promise<Response> {
  const { context, propagation, SpanKind, trace } = openTelemetry();
  const call = callOf(request);
  const attributes = { ...target(call), ...options.attributes };
  const span = tracer().startSpan(name(options.prefix, call), { kind: SpanKind.CLIENT, attributes });
  const under = trace.setSpan(context.active(), span);
  // Injected before suppression: while tracing is suppressed, propagators inject nothing.
  if (options.propagation) propagation.inject(under, request.headers, headerSetter);
  const finish = (outcome: Attributes) => span.setAttributes(outcome);
  return watch(span, () => context.with(suppressed(under), next, undefined, request), finish);
}

/** The context of the span in which this runs, such as that of an attempt; undefined without an SDK or a span. */
export function activeSpan(): { traceId: string; spanId: string; traceSampled: boolean } | undefined {
  const context = isTraced() ? openTelemetry().trace.getActiveSpan()?.spanContext() : undefined;
  if (context === undefined) return undefined;
  return { traceId: context.traceId, spanId: context.spanId, traceSampled: isSampled(context.traceFlags) };
}

function isSampled(flags: number): boolean {
  return (flags & openTelemetry().TraceFlags.SAMPLED) !== 0;
}

/** Injects the caller's active context into the headers, for requests without a span of ours. */
export function injectContext({ headers }: Request): void {
  if (!(registered in globalThis)) return;
  const { context, propagation } = openTelemetry();
  propagation.inject(context.active(), headers, headerSetter);
}

/** True where a propagator is registered with OpenTelemetry. */
export function propagates(): boolean {
  return registered in globalThis && openTelemetry().propagation.fields().length > 0;
}

/**
 * Runs `work` under the span that the headers of an inbound request name. Where an instrumentation of the server has made a
 * span of the request active, that one stays.
 */
export function underInbound<T>(headers: object, work: () => T): T {
  if (!propagates()) return work();
  const { context, propagation, trace } = openTelemetry();
  if (trace.getActiveSpan() !== undefined) return work();
  return context.with(propagation.extract(context.active(), headers), work);
}

const headerSetter: TextMapSetter<Request['headers']> = {
  set: (headers, key, value) => {
    headers.set(key, value);
  },
};

/**
 * The context key by which OpenTelemetry's SDK suppresses tracing. The API does not export it, but every SDK uses
 * `Symbol.for` of this text, and a test checks that. Without suppression, instrumentation-http and -undici would add a
 * second CLIENT span and overwrite our `traceparent`.
 */
const suppressTracing = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

function suppressed(under: Context): Context {
  return under.setValue(suppressTracing, true);
}

/** Methods known to the semantic conventions; any other becomes `HTTP` or `_OTHER`, to keep the cardinality low. */
export const knownMethods = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);

function name(prefix: string, { method, routeName }: Call): string {
  return [prefix, knownMethods.has(method) ? method : 'HTTP', routeName].filter(Boolean).join(' ');
}

/** Attributes that the HTTP semantic conventions require when the span starts. */
function target({ method, shownUrl, server, routeName }: Call): Attributes {
  return {
    ...(knownMethods.has(method)
      ? { 'http.request.method': method }
      : { 'http.request.method': '_OTHER', 'http.request.method_original': method }),
    'server.address': server.address,
    'server.port': server.port,
    'url.full': shownUrl,
    ...(routeName !== undefined && { 'url.template': routeName }),
  };
}

/** Runs the request and ends the span with its outcome; for a streamed response the span ends at the headers. */
async function watch(
  span: Span,
  run: () => Promise<Response>,
  finish: (outcome: Attributes) => void,
): Promise<Response> {
  try {
    const response = await run();
    finish({ 'http.response.status_code': response.status });
    return response;
  } catch (error) {
    const status = responseOf(error)?.status;
    const type = errorTypeOf({ status, code: (error as { code?: unknown } | null | undefined)?.code });
    finish({
      ...(type !== undefined && { 'error.type': type }),
      ...(status !== undefined && { 'http.response.status_code': status }),
    });
    // No description: status code and error.type say enough, and an error message may hold data that must not be
    // exported.
    span.setStatus({ code: openTelemetry().SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}
