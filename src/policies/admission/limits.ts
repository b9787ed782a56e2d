/** Caps how many requests run at once for each destination; the next ones wait, the ones after that are turned away. */
import { z } from 'zod';
import { onBodyEnd, responseOf } from '../../call/body.js';
import { ErrorCode, type LimitReason, PillionError, traceless } from '../../call/errors.js';
import type { Request, Response, Transport } from '../../call/message.js';
import { callOf, destinationOf } from '../../call/request.js';
import { waitUnlessAborted } from '../../call/wait.js';
import { definePolicy, type PolicyContext } from '../policy.js';

export const limitsOptions = z.lazy(() =>
  z.strictObject({
    maxRequests: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(128)
      .describe(
        'Requests in flight at once to each destination; further ones wait. Under HTTP/1.1 each needs a connection of its own.',
      ),
    maxPendingRequests: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(1024)
      .describe(
        'Requests that wait for each destination while `maxRequests` are in flight; one more is rejected with `ERR_LIMIT`.',
      ),
    per: z
      .enum(['destination', 'origin'])
      .default('destination')
      .describe(
        'What the limits count for: `destination`, each endpoint by itself, or `origin`, all endpoints of a `baseURL` together, as in Envoy those of a cluster. Default `destination`. Set it to `origin` to limit what the client asks of a service as a whole.',
      ),
  }),
);

type LimitsOptions = z.output<typeof limitsOptions>;

/** One destination: who runs, who waits. */
class Gate {
  running = 0;
  /** In order of arrival. */
  readonly waiting: (() => void)[] = [];

  leave(): void {
    const next = this.waiting.shift();
    // The slot goes from one to the next without ever being free, so nobody can overtake.
    if (next === undefined) this.running--;
    else next();
  }

  get idle(): boolean {
    return this.running === 0 && this.waiting.length === 0;
  }
}

/**
 * For each destination lets `maxRequests` requests run (default 128) and `maxPendingRequests` wait (default 1024), in
 * order of arrival; the next one is rejected with `ERR_LIMIT`. As Envoy's `max_requests` and `max_pending_requests`.
 */
export const limits = definePolicy('limits', limitsOptions, (options, context) => {
  const gates = new Map<string, Gate>();
  const run = async (next: Transport, request: Request, destination: string, gate: Gate): Promise<Response> => {
    const leave = () => {
      gate.leave();
      if (gate.idle) gates.delete(destination);
    };
    try {
      const response = await next(request);
      onBodyEnd(response, leave);
      return response;
    } catch (error) {
      onBodyEnd(responseOf(error), leave);
      // The pool of connections knows no call, so its refusal is announced here.
      if ((error as { reason?: unknown } | null | undefined)?.reason === full) announce(request, gate, context);
      throw error;
    }
  };
  return {
    wrap: (next) =>
      function limits(request) {
        const destination = options.per === 'origin' ? callOf(request).origin : destinationOf(request);
        const gate = gates.get(destination) ?? new Gate();
        gates.set(destination, gate);
        if (gate.running < options.maxRequests) {
          gate.running++;
          return run(next, request, destination, gate);
        }
        if (gate.waiting.length >= options.maxPendingRequests)
          return Promise.reject(overflow(request, destination, gate, options, context));
        return turn(gate, request).then(() => run(next, request, destination, gate));
      },
    stats: (): Record<string, LimitStats> =>
      Object.fromEntries(
        [...gates].map(([destination, { running, waiting }]) => [destination, { running, pending: waiting.length }]),
      ),
  };
});

/** Resolves when a slot is handed over; an abort leaves the queue at once. */
function turn(gate: Gate, request: Request): Promise<void> {
  return waitUnlessAborted(request, (admit) => {
    gate.waiting.push(admit);
    return () => gate.waiting.splice(gate.waiting.indexOf(admit), 1);
  });
}

/** The reason of a refusal, by this policy or by the pool of connections. */
const full: LimitReason = 'max_pending_requests';

function announce(request: Request, gate: Gate, { events }: PolicyContext): void {
  const call = callOf(request);
  call.flag('limited');
  events.emit('limits.rejected', { call, destination: destinationOf(request), pending: gate.waiting.length });
}

function overflow(
  request: Request,
  destination: string,
  gate: Gate,
  options: LimitsOptions,
  context: PolicyContext,
): PillionError {
  announce(request, gate, context);
  const call = callOf(request);
  const message =
    `${call.client}: ${gate.running} requests to ${destination} are running and ${gate.waiting.length} are waiting ` +
    `(limits.maxRequests ${options.maxRequests}, limits.maxPendingRequests ${options.maxPendingRequests}).`;
  return traceless(() => new PillionError(ErrorCode.LIMIT, message, request, { reason: full }));
}

/** Requests of one destination. */
export interface LimitStats {
  readonly running: number;
  readonly pending: number;
}
