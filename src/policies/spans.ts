/** Spans of OpenTelemetry: what is in them, and the headers that carry them on. */
import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  ProxyTracerProvider,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import { responseOf } from '../call/body.js';
import type { Request, Response, Transport } from '../call/message.js';
import { type Call, callOf } from '../call/record.js';

const tracer = () => trace.getTracer('pillion');

/** False while no SDK is registered: then there are no spans to make, and a call pays nothing for them. */
export function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('pillion') !== undefined;
}

/** An INTERNAL span around a whole call. */
export function inCallSpan(request: Request, client: string, next: Transport): Promise<Response> {
  const call = callOf(request);
  const attributes = { 'pillion.client': client, ...target(call) };
  const span = tracer().startSpan(name('call', call), { kind: SpanKind.INTERNAL, attributes });
  const { traceId, spanId } = span.spanContext();
  Object.assign(call, { traceId, spanId });
  const under = trace.setSpan(context.active(), span);
  const finish = (outcome: Attributes) => span.setAttributes({ 'pillion.attempts': call.attempts, ...outcome });
  return watch(span, () => context.with(under, next, undefined, request), finish);
}

export interface ClientSpan {
  /** What the name begins with, beside method and route. */
  readonly prefix: string;
  readonly attributes: Attributes;
  /** Write its context into the headers of the request. */
  readonly propagation: boolean;
}

/** A CLIENT span around what goes to the wire. */
export function inClientSpan(request: Request, options: ClientSpan, next: Transport): Promise<Response> {
  const call = callOf(request);
  const attributes = { ...target(call), ...options.attributes };
  const span = tracer().startSpan(name(options.prefix, call), { kind: SpanKind.CLIENT, attributes });
  const under = trace.setSpan(context.active(), span);
  // Injected first: under suppression nothing would be.
  if (options.propagation) propagation.inject(under, request.headers, headerSetter);
  const finish = (outcome: Attributes) => span.setAttributes(outcome);
  return watch(span, () => context.with(suppressed(under), next, undefined, request), finish);
}

/** Writes the caller's own context into the headers, where there is no span to be made. */
export function injectContext({ headers }: Request): void {
  propagation.inject(context.active(), headers, headerSetter);
}

/** True where a propagator is registered. */
export function propagates(): boolean {
  return propagation.fields().length > 0;
}

const headerSetter: TextMapSetter<Request['headers']> = {
  set: (headers, key, value) => {
    headers.set(key, value);
  },
};

/**
 * The key under which OpenTelemetry's SDK looks whether tracing is suppressed. It is not in the API, but it is a
 * `Symbol.for` of this text in every SDK; a test holds it. Without it instrumentation-http and -undici would add a
 * second CLIENT span and overwrite our `traceparent`.
 */
const suppressTracing = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

function suppressed(under: Context): Context {
  return under.setValue(suppressTracing, true);
}

/** Known to the semantic conventions; others would make names and attributes without number. */
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY']);

function name(prefix: string, { method, routeName }: Call): string {
  return [prefix, knownMethods.has(method) ? method : 'HTTP', routeName].filter(Boolean).join(' ');
}

/** Attributes that the HTTP semantic conventions want at the start of the span. */
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

/** Runs and ends the span with what became of it. For a stream that is at its headers. */
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
    const { code, name: type } = (error ?? {}) as { code?: string; name?: string };
    const status = responseOf(error)?.status;
    finish({
      'error.type': String(status ?? code ?? type ?? '_OTHER'),
      ...(status !== undefined && { 'http.response.status_code': status }),
    });
    // No description: the status code or error.type explains it, and a message may hold what should not be exported.
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}
