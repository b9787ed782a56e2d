/** Tells the upstream how long it is worth working on a request. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { copyHeaders, setHeader } from '../../call/headers.js';
import { callOf } from '../../call/record.js';
import { plainHost } from '../../call/url.js';
import { headerName } from '../../options/options.js';
import { definePolicy } from '../policy.js';

export const deadlineHeaderOptions = z.strictObject({
  name: headerName.default('x-request-timeout-ms').describe('Name of the header.'),
  external: z
    .boolean()
    .default(false)
    .describe(
      'Send it to any host. By default only to internal ones: loopback and private addresses, names without a dot or that end in `.internal`, `.local`, `.localhost`, `.svc` or `.lan`.',
    ),
});

/**
 * Sends the milliseconds left until the deadline of the call, rounded down, with each attempt: relative, so that clocks need
 * not agree, as `grpc-timeout` and Envoy's `x-envoy-expected-rq-timeout-ms`. Nothing is sent for a call without a deadline.
 */
export const deadlineHeader = definePolicy('deadlineHeader', deadlineHeaderOptions, ({ name, external }) => ({
  wrap: (next) =>
    function deadlineHeader(request) {
      const call = callOf(request);
      const left = call.remaining();
      if (!Number.isFinite(left) || !(external || isInternal(call.origin))) return next(request);
      const headers = copyHeaders(request.headers);
      setHeader(headers, name, String(Math.max(0, Math.floor(left))));
      return next({ ...request, headers });
    },
}));

const known = new Map<string, boolean>();

function isInternal(origin: string): boolean {
  const internal = known.get(origin) ?? isInternalHost(plainHost(new URL(origin)));
  if (known.size >= 1024) known.clear();
  known.set(origin, internal);
  return internal;
}

const internalName = /^[^.]+$|\.(internal|local|localhost|svc|lan)$/i;
const privateAddress = /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/;
const privateAddress6 = /^(::1$|f[cd][\da-f]{2}:|fe[89ab][\da-f]:)/i;

function isInternalHost(host: string): boolean {
  if (isIP(host) === 4) return privateAddress.test(host);
  return isIP(host) === 6 ? privateAddress6.test(host) : internalName.test(host);
}
