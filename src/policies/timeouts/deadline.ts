/** Bounds the whole call: every attempt, every wait, and the response body to its last byte. */
import { z } from 'zod';
import { ErrorCode, PillionError } from '../../call/errors.js';
import { inboundRemaining } from '../../call/inbound.js';
import type { Request } from '../../call/message.js';
import { callOf, withCall } from '../../call/request.js';
import { bounded, type TimeLimit } from '../../call/time-limit.js';
import { duration } from '../../options/duration.js';
import { definePolicy } from '../policy.js';
import { callTimeouts, timeoutOf } from './call-timeouts.js';

export const totalTimeout = duration({ min: 1 })
  .or(z.literal(false))
  .prefault('10s')
  .describe(
    "Time limit of the whole call: all attempts, all waits and the response body, streams included. Default 10s; `false`: no limit. A call's own `timeouts.total` replaces it; axios's `timeout` can only shorten it. Raise it, or set it to `false`, for long streams.",
  );

/**
 * Aborts a call with `ERR_DEADLINE` after `total` milliseconds (default 10 s, `false`: never), also while its body
 * streams. The call's own `timeouts.total` replaces `total`; its `timeout` and `runWithDeadline` can only shorten it.
 */
export const deadline = definePolicy('deadline', z.strictObject({ total: totalTimeout }), ({ total }) => ({
  wrap: (next) =>
    function deadline(original) {
      const request = withCall(original);
      const ms = limitOf(request, total);
      if (ms === undefined) return next(request);
      if (ms <= 0) return Promise.reject(expired(request, 0));
      const call = callOf(request);
      call.endsAt = performance.now() + ms;
      const limit: TimeLimit = { ms, until: 'body', expired: () => expired(request, ms) };
      return bounded(next, request, limit, ownTimeKept);
    },
}));

/**
 * The shortest of three limits: the client's `total` (or the call's `timeouts.total` in its place), the call's own
 * `timeout`, and the time left for the inbound request that is being served. Undefined: no limit.
 */
function limitOf(request: Request, configured: number | false): number | undefined {
  const total = callTimeouts(request).total ?? configured;
  const own = timeoutOf(request) ?? Number.POSITIVE_INFINITY;
  const inbound = inboundRemaining() ?? Number.POSITIVE_INFINITY;
  const ms = Math.min(total === false ? own : Math.min(total, own), inbound);
  return ms === Number.POSITIVE_INFINITY ? undefined : ms;
}

/** The wire would apply axios's `timeout` once more to each attempt; the deadline already includes it. */
const ownTimeKept = { timeout: 0 };

function expired(request: Request, ms: number): PillionError {
  const call = callOf(request);
  call.flag('deadline');
  const tries = call.attempts === 1 ? '1 attempt' : `${call.attempts} attempts`;
  return new PillionError(
    ErrorCode.DEADLINE,
    ms > 0
      ? `${call.client}: the call did not end within ${Math.round(ms)} ms (${tries}).`
      : `${call.client}: the deadline had passed before the call began, so nothing was sent.`,
    request,
  );
}
