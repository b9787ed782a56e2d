/** Bounds the whole call: every attempt, every wait, and the body to its last byte. */
import { z } from 'zod';
import { ErrorCode, PillionError } from '../../call/errors.js';
import { inboundRemaining } from '../../call/inbound.js';
import type { Request } from '../../call/message.js';
import { callOf, withCall } from '../../call/record.js';
import { bounded, type TimeLimit } from '../../call/scope.js';
import { duration } from '../../options/options.js';
import { definePolicy } from '../policy.js';
import { callTimeouts, timeoutOf } from './call-timeouts.js';

export const totalTimeout = duration({ min: 1 })
  .or(z.literal(false))
  .prefault('10s')
  .describe("The whole call: all attempts, all waits, the body. A call's own `timeout` can only shorten it.");

/**
 * Ends a call with `ERR_DEADLINE` after `total` milliseconds (default 10 s, `false`: never); a stream's body too.
 * The call's own `timeouts.total` stands in for `total`; its `timeout` and `runWithDeadline` can shorten it.
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
 * The tightest of the client's limit (or the call's `timeouts.total` in its place), the call's own `timeout` and what is left
 * of the request that it is made for.
 */
function limitOf(request: Request, configured: number | false): number | undefined {
  const total = callTimeouts(request).total ?? configured;
  const own = timeoutOf(request) ?? Number.POSITIVE_INFINITY;
  const inbound = inboundRemaining() ?? Number.POSITIVE_INFINITY;
  const ms = Math.min(total === false ? own : Math.min(total, own), inbound);
  return ms === Number.POSITIVE_INFINITY ? undefined : ms;
}

/** The wire honours axios's `timeout` too; here it has been taken care of. */
const ownTimeKept = { timeout: 0 };

function expired(request: Request, ms: number): PillionError {
  const call = callOf(request);
  call.flag('deadline');
  const tries = call.attempts === 1 ? '1 attempt' : `${call.attempts} attempts`;
  return new PillionError(
    ErrorCode.DEADLINE,
    ms > 0
      ? `${call.client}: the call did not end within ${Math.round(ms)} ms (${tries}).`
      : `${call.client}: no time was left for the call by the deadline it was made under.`,
    request,
  );
}
