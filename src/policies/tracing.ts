/** An INTERNAL span for the call, a CLIENT span for each attempt, and the headers that carry them on. */
import { randomUUID } from 'node:crypto';
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
import { z } from 'zod';
import { isStream, responseOf } from '../body.js';
import { type Call, callOf, withCall } from '../call.js';
import { copyHeaders, getHeader, setHeader } from '../headers.js';
import { headerName } from '../options.js';
import { definePolicy, type Request, type Response } from '../policy.js';

export const tracingOptions = z.strictObject({
  propagation: z
    .boolean()
    .default(true)
    .describe('Inject the trace context (`traceparent`, baggage) by the propagator registered with OpenTelemetry.'),
  requestIdHeader: headerName
    .or(z.literal(false))
    .default('x-request-id')
    .describe('Kept where the caller set it, made where not; the same on every attempt. `false`: not sent.'),
  attemptCountHeader: headerName
    .or(z.literal(false))
    .default(false)
    .describe('A header for the number of the attempt, from 1, such as `x-envoy-attempt-count`.'),
});

const tracer = () => trace.getTracer('pillion');

/** False while no SDK is registered: then there are no spans to make, and a call pays nothing for them. */
function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('pillion') !== undefined;
}

/** Once per call: the request id, and where an OpenTelemetry SDK is registered an INTERNAL span. */
export const callTracing = definePolicy('tracing', tracingOptions, ({ requestIdHeader }, { client }) => ({
  wrap: (next) =>
    function tracing(original) {
      const request = requestIdHeader === false ? withCall(original) : identify(withCall(original), requestIdHeader);
      if (!isTraced()) return next(request);
      const call = callOf(request);
      const attributes = { 'pillion.client': client, ...target(call) };
      const span = tracer().startSpan(name('call', call), { kind: SpanKind.INTERNAL, attributes });
      const { traceId, spanId } = span.spanContext();
      Object.assign(call, { traceId, spanId });
      const caller = context.active();
      const under = trace.setSpan(caller, span);
      const finish = (outcome: Attributes, response?: Response) => {
        span.setAttributes({ 'pillion.attempts': call.attempts, ...outcome });
        // Its events come out of the wire, where tracing is suppressed; they are the caller's.
        if (isStream(response?.data)) context.bind(caller, response.data);
      };
      return watch(span, () => context.with(under, next, undefined, request), finish);
    },
}));

/** Once per attempt, right around the wire: a CLIENT span by the HTTP semantic conventions, and its context in the headers. */
export const attemptTracing = definePolicy('tracing.attempt', tracingOptions, (options) => ({
  wrap: (next) =>
    function attemptTracing(original) {
      if (hasNothingToSay(options)) return next(original);
      const call = callOf(original);
      // Headers of its own: what is written here must not be found there by the next attempt.
      const request = { ...original, headers: copyHeaders(original.headers) };
      const counter = options.attemptCountHeader;
      if (counter !== false) setHeader(request.headers, counter, String(call.attempts + 1));
      if (!isTraced()) {
        if (options.propagation) propagation.inject(context.active(), request.headers, headerSetter);
        return next(request);
      }
      const resend = call.attempts > 0 && { 'http.request.resend_count': call.attempts };
      const span = tracer().startSpan(name('', call), {
        kind: SpanKind.CLIENT,
        attributes: { ...target(call), ...resend },
      });
      const under = trace.setSpan(context.active(), span);
      // Injected first: under suppression nothing would be.
      if (options.propagation) propagation.inject(under, request.headers, headerSetter);
      const finish = (outcome: Attributes) => span.setAttributes(outcome);
      return watch(span, () => context.with(suppressed(under), next, undefined, request), finish);
    },
}));

/** True where no span would be made, no context sent and no attempt counted. */
function hasNothingToSay({ propagation: sends, attemptCountHeader }: z.output<typeof tracingOptions>): boolean {
  return attemptCountHeader === false && !isTraced() && !(sends && propagation.fields().length > 0);
}

/** Sets `x-request-id` where the caller did not. */
function identify(request: Request, header: string): Request {
  const own = getHeader(request.headers, header);
  const id = own ?? randomUUID();
  callOf(request).requestId = id;
  if (id === own) return request;
  const headers = copyHeaders(request.headers);
  setHeader(headers, header, id);
  return { ...request, headers };
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
  finish: (outcome: Attributes, response?: Response) => void,
): Promise<Response> {
  try {
    const response = await run();
    finish({ 'http.response.status_code': response.status }, response);
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
