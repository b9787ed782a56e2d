/** Bounds one attempt: to the last body byte of a buffered response, or to the headers of a streamed one. */
import { z } from 'zod';
import { ErrorCode, PillionError } from '../../call/errors.js';
import type { Request } from '../../call/message.js';
import { callOf, carriedCall } from '../../call/request.js';
import { boundedSend, type TimeLimit } from '../../call/time-limit.js';
import { duration } from '../../options/duration.js';
import { assumed } from '../../options/options.js';
import { definePolicy } from '../policy.js';
import { callTimeouts, limitName, timeoutOf } from './call-timeouts.js';

export const attemptTimeout = z.lazy(() =>
  duration({ min: 1 })
    .or(z.literal(false))
    .optional()
    .meta({ [assumed]: '2.5s' })
    .describe(
      "Time limit of one attempt, connecting included: to the last body byte, or to the headers of a streamed response. Default 2.5s, or `total` if that is shorter, or none where a call or its instance has axios's `timeout`; `false`: no limit. Raise it for slow endpoints; it must not exceed `total`.",
    ),
);

/** Milliseconds that an attempt may take where nobody says anything. */
export const defaultAttempt = 2500;

const timeoutOptions = z.lazy(() =>
  z
    .strictObject({ attempt: attemptTimeout })
    .transform(({ attempt }) => ({ attempt: attempt ?? defaultAttempt, isDefault: attempt === undefined })),
);

/**
 * Aborts an attempt with `ERR_ATTEMPT_TIMEOUT` after `attempt` milliseconds (default 2.5 s, `false`: never) and
 * destroys its socket. Like Envoy's `per_try_timeout`, but connecting and the body of a buffered response count too. The
 * default does not apply to a call that has axios's `timeout`.
 */
export const timeout = definePolicy('timeout', timeoutOptions, ({ attempt, isDefault }) => {
  const limit: TimeLimit = {
    until: 'headers',
    expired: (request, ms) => expired(request, ms, limitName('attempt', request, isDefault)),
  };
  return {
    pass: (next) =>
      function timeout(request, receiver) {
        const said = callTimeouts(request).attempt;
        const ms = said ?? (isDefault && hasOwnTimeout(request) ? false : attempt);
        if (ms === false) next(request, receiver);
        else boundedSend(next, request, receiver, ms, limit);
      },
  };
});

/** True where axios's `timeout` bounds the call; without a `deadline` policy it is still on the request. */
function hasOwnTimeout(request: Request): boolean {
  return carriedCall(request)?.hasOwnTimeout === true || timeoutOf(request) !== undefined;
}

function expired(request: Request, ms: number, option: string): PillionError {
  const call = callOf(request);
  call.flag('timeout');
  return new PillionError(
    ErrorCode.ATTEMPT_TIMEOUT,
    `${call.client}: the attempt did not end within ${ms} ms, ${option}.`,
    request,
  );
}
