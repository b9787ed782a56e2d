/** Caps how many requests run at once for each destination; the next ones wait, the ones after that are turned away. */
import { z } from 'zod';
import { onBodyEnd, responseOf } from '../../call/body.js';
import { ErrorCode, type LimitReason, PillionError, traceless } from '../../call/errors.js';
import type { Request, Response } from '../../call/message.js';
import { Queue } from '../../call/queue.js';
import { type OutcomeReceiver, Passage } from '../../call/receiver.js';
import { manyDestinations, Recent } from '../../call/recent.js';
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
  readonly destination: string;
  running = 0;
  /** In order of arrival. */
  readonly waiting = new Queue<() => void>();

  constructor(destination: string) {
    this.destination = destination;
  }

  get busy(): boolean {
    return this.running > 0 || this.waiting.size > 0;
  }

  /** A function of its own, since it is called at the end of bodies; one for all requests. */
  readonly leave = (): void => {
    const next = this.waiting.shift();
    // The slot goes from one to the next without ever being free, so nobody can overtake.
    if (next === undefined) this.running--;
    else next();
  };
}

/**
 * For each destination lets `maxRequests` requests run (default 128) and `maxPendingRequests` wait (default 1024), in
 * order of arrival; the next one is rejected with `ERR_LIMIT`. As Envoy's `max_requests` and `max_pending_requests`.
 */
export const limits = definePolicy('limits', limitsOptions, (options, context) => {
  // A gate in use is kept whatever their number: another one would let as many requests run again.
  const gates = new Recent<Gate>({ max: manyDestinations, busy: (gate) => gate.busy });
  return {
    pass: (next) =>
      function limits(request, receiver) {
        const destination = options.per === 'origin' ? callOf(request).origin : destinationOf(request);
        const gate = gates.use(destination, gateTo);
        const admitted = new Admitted(receiver, request, gate, context);
        if (gate.running < options.maxRequests) {
          gate.running++;
          next(request, admitted);
        } else if (gate.waiting.size >= options.maxPendingRequests) {
          receiver.failed(overflow(request, gate, options, context));
        } else {
          turn(gate, request).then(
            () => next(request, admitted),
            (error) => receiver.failed(error),
          );
        }
      },
    stats: (): Record<string, LimitStats> =>
      Object.fromEntries(
        [...gates]
          .filter(([, gate]) => gate.busy)
          .map(([destination, { running, waiting }]) => [destination, { running, pending: waiting.size }]),
      ),
  };
});

function gateTo(destination: string): Gate {
  return new Gate(destination);
}

/** A request that holds a slot until the end of its answer's body. */
class Admitted extends Passage {
  readonly #request: Request;
  readonly #gate: Gate;
  readonly #context: PolicyContext;

  constructor(outer: OutcomeReceiver, request: Request, gate: Gate, context: PolicyContext) {
    super(outer);
    this.#request = request;
    this.#gate = gate;
    this.#context = context;
  }

  protected onAnswer(response: Response): void {
    onBodyEnd(response, this.#gate.leave);
  }

  protected onFailure(error: unknown): unknown {
    onBodyEnd(responseOf(error), this.#gate.leave);
    // The pool of connections knows no call, so its refusal is announced here.
    if ((error as { reason?: unknown } | null | undefined)?.reason === full)
      announce(this.#request, this.#gate, this.#context);
    return error;
  }
}

/** Resolves when a slot is handed over; an abort leaves the queue at once. */
function turn(gate: Gate, request: Request): Promise<void> {
  return waitUnlessAborted(request, (admit) => {
    const place = gate.waiting.add(admit);
    return () => gate.waiting.remove(place);
  });
}

/** The reason of a refusal, by this policy or by the pool of connections. */
const full: LimitReason = 'max_pending_requests';

function announce(request: Request, gate: Gate, { events }: PolicyContext): void {
  const call = callOf(request);
  call.flag('limited');
  events.emit('limits.rejected', { call, destination: destinationOf(request), pending: gate.waiting.size });
}

function overflow(request: Request, gate: Gate, options: LimitsOptions, context: PolicyContext): PillionError {
  announce(request, gate, context);
  const call = callOf(request);
  const message =
    `${call.client}: ${gate.running} requests to ${gate.destination} are running and ${gate.waiting.size} are waiting ` +
    `(limits.maxRequests ${options.maxRequests}, limits.maxPendingRequests ${options.maxPendingRequests}).`;
  return traceless(() => new PillionError(ErrorCode.LIMIT, message, request, { reason: full }));
}

/** Requests of one destination. */
export interface LimitStats {
  readonly running: number;
  readonly pending: number;
}
