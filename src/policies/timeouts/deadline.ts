/** Bounds the whole call: every attempt, every wait, and the response body to its last byte. */
import { z } from 'zod';
import { ErrorCode, PillionError } from '../../call/errors.js';
import { markCallEnded } from '../../call/failure.js';
import { inboundRemaining } from '../../call/inbound.js';
import type { Request } from '../../call/message.js';
import { callOf, withCall } from '../../call/request.js';
import { boundedSend, type TimeLimit } from '../../call/time-limit.js';
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
export const deadline = definePolicy('deadline', deadlineOptions, ({ total, isDefault }) => {
  const ofPolicy = limitOf((request, ms) => expired(request, ms, limitName('total', request, isDefault)));
  return {
    pass: (next) =>
      function deadline(original, receiver) {
        const request = withCall(original);
        const own = timeoutOf(request);
        const said = callTimeouts(request).total;
        const call = callOf(request);
        if (own !== undefined) call.hasOwnTimeout = true;
        const limit = said ?? (isDefault && call.hasOwnTimeout ? false : total);
        const inbound = inboundRemaining() ?? Number.POSITIVE_INFINITY;
        const ms = Math.min(
          limit === false ? Number.POSITIVE_INFINITY : limit,
          own ?? Number.POSITIVE_INFINITY,
          inbound,
        );
        if (ms === Number.POSITIVE_INFINITY) {
          next(request, receiver);
          return;
        }
        const bound = ms === own ? ofCall : ms === inbound ? ofInbound : ofPolicy;
        if (ms <= 0) throw bound.expired(request, ms);
        call.endsAt = performance.now() + ms;
        boundedSend(next, request, receiver, ms, bound, request.timeout ? ownTimeKept : undefined);
      },
  };
});

function limitOf(error: TimeLimit['expired']): TimeLimit {
  const expired: TimeLimit['expired'] = (request, ms) => {
    callOf(request).flag('deadline');
    return error(request, ms);
  };
  return { until: 'body', expired };
}

/** axios's own `timeout`, and the deadline of `runWithDeadline`. */
const ofCall = limitOf((request) => markCallEnded(timeoutError(request)));
const ofInbound = limitOf((request, ms) => expired(request, ms, 'the deadline of the inbound request'));

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
