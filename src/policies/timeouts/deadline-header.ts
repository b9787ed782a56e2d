/** Sends the time left until the call's deadline as a header, so that the upstream can stop in time. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { copyHeaders, setHeader } from '../../call/headers.js';
import { manyDestinations, Recent } from '../../call/recent.js';
import { callOf } from '../../call/request.js';
import { attemptLimitOf } from '../../call/time-limit.js';
import { plainHost } from '../../call/url.js';
import { headerName } from '../../options/header.js';
import { definePolicy } from '../policy.js';

export const deadlineHeaderOptions = z.lazy(() =>
  z.strictObject({
    name: headerName
      .default('x-request-timeout-ms')
      .describe(
        'Name of the request header with the milliseconds left until the deadline. Default `x-request-timeout-ms`. Change it to the name that the upstream reads.',
      ),
    ofAttempt: z
      .boolean()
      .default(false)
      .describe(
        'Send the time limit of the attempt where that is shorter, as Envoy does in `x-envoy-expected-rq-timeout-ms`. Default false: the time left for the whole call.',
      ),
    external: z
      .boolean()
      .default(false)
      .describe(
        'Send the header to external hosts too. Default false: only internal hosts get it, which are loopback and private addresses, names without a dot, and names that end in `.internal`, `.local`, `.localhost`, `.svc` or `.lan`.',
      ),
  }),
);

/**
 * Adds a header to each attempt with the milliseconds left until the deadline of the call, rounded down. The time is
 * relative, so the clocks need not agree, as with `grpc-timeout` and Envoy's `x-envoy-expected-rq-timeout-ms`. It is at
 * least 1, as Envoy takes 0 for no limit. A call without a deadline gets no header.
 */
export const deadlineHeader = definePolicy(
  'deadlineHeader',
  deadlineHeaderOptions,
  ({ name, ofAttempt, external }) => ({
    pass: (next) =>
      function deadlineHeader(request, receiver) {
        const call = callOf(request);
        const limit = ofAttempt ? (attemptLimitOf(request) ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
        const left = Math.min(call.remaining(), limit);
        if (!Number.isFinite(left) || !(external || isInternal(call.origin))) {
          next(request, receiver);
          return;
        }
        const headers = copyHeaders(request.headers);
        setHeader(headers, name, String(Math.max(1, Math.floor(left))));
        next({ ...request, headers }, receiver);
      },
  }),
);

const known = new Recent<boolean>({ max: manyDestinations });

function isInternal(origin: string): boolean {
  return known.use(origin, isInternalOrigin);
}

function isInternalOrigin(origin: string): boolean {
  return isInternalHost(plainHost(new URL(origin)));
}

const internalName = /^[^.]+$|\.(internal|local|localhost|svc|lan)$/i;
const privateAddress = /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/;
const privateAddress6 = /^(::1$|f[cd][\da-f]{2}:|fe[89ab][\da-f]:)/i;

function isInternalHost(host: string): boolean {
  if (isIP(host) === 4) return privateAddress.test(host);
  return isIP(host) === 6 ? privateAddress6.test(host) : internalName.test(host);
}
