/** Bounds one attempt: to the last body byte of a buffered response, to the headers of a stream. */
import { z } from 'zod';
import { ErrorCode, PillionError } from '../../call/errors.js';
import type { Request } from '../../call/message.js';
import { callOf } from '../../call/record.js';
import { bounded } from '../../call/scope.js';
import { duration } from '../../options/options.js';
import { definePolicy } from '../policy.js';
import { callTimeouts } from './call-timeouts.js';

export const attemptTimeout = duration({ min: 1 })
  .or(z.literal(false))
  .describe(
    'One attempt, connecting included: to the last body byte, for a stream to its headers. The shorter of this and `total` by default.',
  );

const timeoutOptions = z.strictObject({ attempt: attemptTimeout.prefault('2.5s') });

/**
 * Ends an attempt with `ERR_ATTEMPT_TIMEOUT` after `attempt` milliseconds (default 2.5 s, `false`: never) and destroys its
 * socket; like Envoy's `per_try_timeout`, but to the last body byte and with connecting included.
 */
export const timeout = definePolicy('timeout', timeoutOptions, ({ attempt }) => ({
  wrap: (next) =>
    function timeout(request) {
      const ms = callTimeouts(request).attempt ?? attempt;
      if (ms === false) return next(request);
      return bounded(next, request, { ms, until: 'headers', expired: () => expired(request, ms) });
    },
}));

function expired(request: Request, ms: number): PillionError {
  const call = callOf(request);
  call.flag('timeout');
  return new PillionError(
    ErrorCode.ATTEMPT_TIMEOUT,
    `${call.client}: the attempt did not end within ${ms} ms.`,
    request,
  );
}
