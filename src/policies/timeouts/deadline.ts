/** Bounds the whole call: every attempt, every wait, and the response body to its last byte. */
import { z } from 'zod';
import { ErrorCode, PillionError } from '../../call/errors.js';
import { markCallEnded } from '../../call/failure.js';
import { inboundRemaining } from '../../call/inbound.js';
import type { Request } from '../../call/message.js';
import { callOf, withCall } from '../../call/request.js';
import { bounded, type TimeLimit } from '../../call/time-limit.js';
import { duration } from '../../options/duration.js';
import { assumed } from '../../options/options.js';
import { definePolicy } from '../policy.js';
import { callTimeouts, limitName, timeoutError, timeoutOf } from './call-timeouts.js';

/** Milliseconds that a call may take where nobody says anything. */
export const defaultTotal = 10_000;

export const totalTimeout = z.lazy(() =>
  duration({ min: 1 })
    .or(z.literal(false))
    .optional()
    .meta({ [assumed]: '10s' })
    .describe(
      "Time limit of the whole call: all attempts, all waits and the response body, streams included. Default 10s, or axios's `timeout` where a call or its instance has one; `false`: no limit. A call's own `timeouts.total` replaces it; where it is set, axios's `timeout` can only shorten it. Raise it, or set it to `false`, for long streams.",
    ),
);

const deadlineOptions = z.lazy(() =>
  z
    .strictObject({ total: totalTimeout })
    .transform(({ total }) => ({ total: total ?? defaultTotal, isDefault: total === undefined })),
);

/**
 * Aborts a call with `ERR_DEADLINE` after `total` milliseconds (default 10 s, `false`: never), also while its body
 * streams. The call's own `timeouts.total` replaces `total`. Its `timeout` replaces the default, can shorten any other
 * `total`, and ends the call with axios's error, `ECONNABORTED`. `runWithDeadline` can only shorten it.
 */
export const deadline = definePolicy('deadline', deadlineOptions, ({ total, isDefault }) => ({
  wrap: (next) =>
    function deadline(original) {
      const request = withCall(original);
      const own = timeoutOf(request);
      const said = callTimeouts(request).total;
      const call = callOf(request);
      if (own !== undefined) call.hasOwnTimeout = true;
      const limit = said ?? (isDefault && call.hasOwnTimeout ? false : total);
      const inbound = inboundRemaining() ?? Number.POSITIVE_INFINITY;
      const ms = Math.min(limit === false ? Number.POSITIVE_INFINITY : limit, own ?? Number.POSITIVE_INFINITY, inbound);
      if (ms === Number.POSITIVE_INFINITY) return next(request);
      const why = (): Error => {
        call.flag('deadline');
        if (ms === own) return markCallEnded(timeoutError(request));
        if (ms === inbound) return expired(request, ms, 'the deadline of the inbound request');
        return expired(request, ms, limitName('total', request, isDefault));
      };
      if (ms <= 0) return Promise.reject(why());
      call.endsAt = performance.now() + ms;
      const bound: TimeLimit = { ms, until: 'body', expired: why };
      return bounded(next, request, bound, ownTimeKept);
    },
}));

/** The wire would apply axios's `timeout` once more to each attempt; the deadline already includes it. */
const ownTimeKept = { timeout: 0 };

function expired(request: Request, ms: number, option: string): PillionError {
  const call = callOf(request);
  const tries = call.attempts === 1 ? '1 attempt' : `${call.attempts} attempts`;
  return new PillionError(
    ErrorCode.DEADLINE,
    ms > 0
      ? `${call.client}: the call did not end within ${Math.round(ms)} ms, ${option} (${tries}).`
      : `${call.client}: the deadline had passed before the call began, so nothing was sent.`,
    request,
  );
}
