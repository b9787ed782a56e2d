/** Creates the spans of calls and attempts, and sends their context and the request id as headers. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { copyHeaders, getHeader, setHeader } from '../../call/headers.js';
import { inbound } from '../../call/inbound.js';
import type { Request } from '../../call/message.js';
import { tellOutcome, transportOf } from '../../call/receiver.js';
import { callOf, endpointOf, withCall } from '../../call/request.js';
import { headerName } from '../../options/header.js';
import { definePolicy } from '../policy.js';
import { inCallSpan, inClientSpan, injectContext, isTraced, propagates } from '../spans.js';

export const tracingOptions = z.lazy(() =>
  z.strictObject({
    propagation: z
      .boolean()
      .default(true)
      .describe(
        'Send the trace context (`traceparent`, baggage) with each attempt, by the propagator registered with OpenTelemetry. Default true. Set it to false for third-party upstreams.',
      ),
    requestIdHeader: headerName
      .or(z.literal(false))
      .default('x-request-id')
      .describe(
        'Name of the request header with the request id, which is the same on every attempt. Default `x-request-id`; `false`: not sent. The id is that of the caller or of the inbound request, else a new UUID.',
      ),
    attemptCountHeader: headerName
      .or(z.literal(false))
      .default(false)
      .describe(
        'Name of a request header with the number of the attempt, from 1, such as `x-envoy-attempt-count`. Default `false`: not sent. Set it if the upstream counts retries.',
      ),
  }),
);

/**
 * Runs once per call: adds the request id and the inbound baggage and, if an OpenTelemetry SDK is registered, an
 * INTERNAL span.
 */
export const callTracing = definePolicy('tracing', tracingOptions, ({ requestIdHeader, propagation }, { client }) => ({
  pass: (next) => {
    const transport = transportOf(next);
    return function tracing(original, receiver) {
      const served = inbound();
      const baggage = served?.baggage;
      const request = withCall(original);
      if (requestIdHeader !== false) identify(request, requestIdHeader, served?.requestId);
      // A registered propagator overwrites this header if the active context has baggage of its own.
      if (propagation && baggage !== undefined) addHeader(request, 'baggage', baggage);
      if (isTraced()) tellOutcome(inCallSpan(request, client, transport), receiver);
      else next(request, receiver);
    };
  },
}));

/**
 * Runs once per attempt, right above the wire: creates a CLIENT span by the HTTP semantic conventions and injects its
 * context.
 */
export const attemptTracing = definePolicy('tracing.attempt', tracingOptions, (options) => ({
  pass: (next) => {
    const transport = transportOf(next);
    return function attemptTracing(original, receiver) {
      if (hasNothingToSay(options)) {
        next(original, receiver);
        return;
      }
      const call = callOf(original);
      // A copy of the headers, so that the next attempt does not inherit those of this one.
      const request = { ...original, headers: copyHeaders(original.headers) };
      const counter = options.attemptCountHeader;
      if (counter !== false) setHeader(request.headers, counter, String(call.attempts + 1));
      if (!isTraced()) {
        if (options.propagation) injectContext(request);
        next(request, receiver);
        return;
      }
      const endpoint = endpointOf(request);
      const attributes = {
        ...(call.attempts > 0 && { 'http.request.resend_count': call.attempts }),
        ...(endpoint && { 'network.peer.address': endpoint.host, 'network.peer.port': endpoint.port }),
      };
      const span = { prefix: '', attributes, propagation: options.propagation };
      tellOutcome(inClientSpan(request, span, transport), receiver);
    };
  },
}));

/** True where there is no span to create, no context to send and no attempt to number. */
function hasNothingToSay({ propagation, attemptCountHeader }: z.output<typeof tracingOptions>): boolean {
  return attemptCountHeader === false && !isTraced() && !(propagation && propagates());
}

/**
 * Sets the request id of the call, and sends it unless the caller has set the header. The headers are the call's own: a copy would
 * cost a request more.
 */
function identify(request: Request, header: string, inherited: string | undefined): void {
  const { headers } = request;
  const given = getHeader(headers, header);
  const id = given ?? inherited ?? randomUUID();
  callOf(request).requestId = id;
  if (given === undefined) setHeader(headers, header, id);
}

/** Adds a header unless the caller has set it. */
function addHeader({ headers }: Request, name: string, value: string): void {
  if (getHeader(headers, name) === undefined) setHeader(headers, name, value);
}
