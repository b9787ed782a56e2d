/** Bounds one attempt: to the last body byte of a buffered response, or to the headers of a streamed one. */
import { z } from 'zod';
import { ErrorCode, PillionError } from '../../call/errors.js';
import type { Request } from '../../call/message.js';
import { callOf } from '../../call/request.js';
import { bounded } from '../../call/time-limit.js';
import { duration } from '../../options/duration.js';
import { definePolicy } from '../policy.js';
import { callTimeouts } from './call-timeouts.js';

export const attemptTimeout = duration({ min: 1 })
  .or(z.literal(false))
  .describe(
    'Time limit of one attempt, connecting included: to the last body byte, or to the headers of a streamed response. Default 2.5s, or `total` if that is shorter; `false`: no limit. Raise it for slow endpoints; it must not exceed `total`.',
  );

const timeoutOptions = z.strictObject({ attempt: attemptTimeout.prefault('2.5s') });

/**
 * Aborts an attempt with `ERR_ATTEMPT_TIMEOUT` after `attempt` milliseconds (default 2.5 s, `false`: never) and
 * destroys its socket. Like Envoy's `per_try_timeout`, but connecting and the body of a buffered response count too.
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
