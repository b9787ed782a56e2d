/** An INTERNAL span for the call, a CLIENT span for each attempt, and the headers that carry them on. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { callOf, endpointOf, withCall } from '../call.js';
import { copyHeaders, getHeader, setHeader } from '../headers.js';
import { headerName } from '../options.js';
import { definePolicy, type Request } from '../policy.js';
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

/** Once per call: the request id, and where an OpenTelemetry SDK is registered an INTERNAL span. */
export const callTracing = definePolicy('tracing', tracingOptions, ({ requestIdHeader }, { client }) => ({
  wrap: (next) =>
    function tracing(original) {
      const request = requestIdHeader === false ? withCall(original) : identify(withCall(original), requestIdHeader);
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
