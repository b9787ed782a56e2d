/** An INTERNAL span for the call, a CLIENT span for each attempt, and the headers that carry them on. */
import { randomUUID } from 'node:crypto';
import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import { AxiosHeaders } from 'axios';
import { z } from 'zod';
import { type Call, callOf, withCall } from '../call.js';
import { definePolicy, type Request, type Response } from '../policy.js';
import { redactUrl } from '../redact.js';

export const tracingOptions = z.strictObject({
  propagation: z
    .boolean()
    .default(true)
    .describe('Inject the trace context (`traceparent`, baggage) by the propagator registered with OpenTelemetry.'),
  requestIdHeader: z
    .string()
    .min(1)
    .or(z.literal(false))
    .default('x-request-id')
    .describe('Kept where the caller set it, made where not; the same on every attempt. `false`: not sent.'),
  attemptCountHeader: z
    .string()
    .min(1)
    .or(z.literal(false))
    .default(false)
    .describe('A header for the number of the attempt, from 1, such as `x-envoy-attempt-count`.'),
});

const tracer = () => trace.getTracer('pillion');

/** Once per call. */
export const callTracing = definePolicy('tracing', tracingOptions, ({ requestIdHeader }, { client }) => ({
  wrap: (next) =>
    function tracing(original) {
      const request = requestIdHeader === false ? withCall(original) : identify(withCall(original), requestIdHeader);
      const call = callOf(request);
      const attributes = { 'pillion.client': client, ...target(call) };
      const span = tracer().startSpan(name('call', call), { kind: SpanKind.INTERNAL, attributes });
      const { traceId, spanId } = span.spanContext();
      if (trace.isSpanContextValid(span.spanContext())) Object.assign(call, { traceId, spanId });
      const under = span.isRecording() ? trace.setSpan(context.active(), span) : context.active();
      return watch(
        span,
        () => context.with(under, next, undefined, request),
        (outcome) => {
          span.setAttributes({ 'pillion.attempts': call.attempts, ...outcome });
        },
      );
    },
}));

/** Once per attempt, right around the wire. */
export const attemptTracing = definePolicy('tracing.attempt', tracingOptions, (options) => ({
  wrap: (next) =>
    function attemptTracing(request) {
      const call = callOf(request);
      const resend = call.attempts > 0 && { 'http.request.resend_count': call.attempts };
      const span = tracer().startSpan(name('', call), {
        kind: SpanKind.CLIENT,
        attributes: { ...target(call), ...resend },
      });
      const under = trace.setSpan(context.active(), span);
      const sent = options.attemptCountHeader === false ? request : count(request, options.attemptCountHeader, call);
      // Injected first: under suppression nothing would be.
      if (options.propagation) propagation.inject(under, sent.headers, headerSetter);
      if (!span.isRecording()) return next(sent);
      return watch(
        span,
        () => context.with(suppressed(under), next, undefined, sent),
        (outcome) => span.setAttributes(outcome),
      );
    },
}));

/** Sets `x-request-id` where the caller did not. */
function identify(request: Request, header: string): Request {
  const own = request.headers.get(header);
  const id = typeof own === 'string' && own !== '' ? own : randomUUID();
  callOf(request).requestId = id;
  if (id === own) return request;
  return { ...request, headers: copyHeaders(request).set(header, id) as Request['headers'] };
}

function count(request: Request, header: string, call: Call): Request {
  return { ...request, headers: copyHeaders(request).set(header, String(call.attempts + 1)) as Request['headers'] };
}

function copyHeaders(request: Request): AxiosHeaders {
  return Object.assign(new AxiosHeaders(), request.headers);
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

function name(prefix: string, { method, routeName }: Call): string {
  return [prefix, method, routeName].filter(Boolean).join(' ');
}

/** Attributes that the HTTP semantic conventions want at the start of the span. */
function target({ method, href, origin, routeName }: Call): Attributes {
  const { hostname, port, protocol } = new URL(origin);
  return {
    'http.request.method': method,
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
    'url.full': redactUrl(href),
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
    const { response, code, name: type } = error as { response?: Response; code?: string; name?: string };
    const status = response?.status;
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
