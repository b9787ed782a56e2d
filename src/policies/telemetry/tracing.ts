/** An INTERNAL span for the call, a CLIENT span for each attempt, and the headers that carry them on. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { copyHeaders, getHeader, setHeader } from '../../call/headers.js';
import { inbound } from '../../call/inbound.js';
import type { Request } from '../../call/message.js';
import { callOf, endpointOf, withCall } from '../../call/record.js';
import { headerName } from '../../options/options.js';
import { definePolicy } from '../policy.js';
import { inCallSpan, inClientSpan, injectContext, isTraced, propagates } from '../spans.js';

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

/** Once per call: the request id, the inbound baggage, and where an OpenTelemetry SDK is registered an INTERNAL span. */
export const callTracing = definePolicy('tracing', tracingOptions, ({ requestIdHeader, propagation }, { client }) => ({
  wrap: (next) =>
    function tracing(original) {
      const served = inbound();
      const baggage = served?.baggage;
      let request = withCall(original);
      if (requestIdHeader !== false) request = identify(request, requestIdHeader, served?.requestId);
      // A propagator that has baggage of its own writes over it.
      if (propagation && baggage !== undefined) request = withHeader(request, 'baggage', baggage);
      return isTraced() ? inCallSpan(request, client, next) : next(request);
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
        if (options.propagation) injectContext(request);
        return next(request);
      }
      const endpoint = endpointOf(request);
      const attributes = {
        ...(call.attempts > 0 && { 'http.request.resend_count': call.attempts }),
        ...(endpoint && { 'network.peer.address': endpoint.host, 'network.peer.port': endpoint.port }),
      };
      return inClientSpan(request, { prefix: '', attributes, propagation: options.propagation }, next);
    },
}));

/** True where no span would be made, no context sent and no attempt counted. */
function hasNothingToSay({ propagation, attemptCountHeader }: z.output<typeof tracingOptions>): boolean {
  return attemptCountHeader === false && !isTraced() && !(propagation && propagates());
}

/** Gives the call its id, and the header where the caller did not set it. */
function identify(request: Request, header: string, inherited: string | undefined): Request {
  const id = getHeader(request.headers, header) ?? inherited ?? randomUUID();
  callOf(request).requestId = id;
  return withHeader(request, header, id);
}

/** The request with a header that the caller's own goes before. */
function withHeader(request: Request, name: string, value: string): Request {
  if (getHeader(request.headers, name) !== undefined) return request;
  const headers = copyHeaders(request.headers);
  setHeader(headers, name, value);
  return { ...request, headers };
}
