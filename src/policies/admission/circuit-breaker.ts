/** Stops sending attempts to a destination that keeps failing, and admits one trial from time to time. */

import { ErrorCode, PillionError, traceless } from '../../call/errors.js';
import type { ForcedCircuit } from '../../call/events.js';
import { healthOf } from '../../call/failure.js';
import type { Request } from '../../call/message.js';
import { type OutcomeReceiver, Passage } from '../../call/receiver.js';
import { manyDestinations, Recent } from '../../call/recent.js';
import type { Call, FailureCause } from '../../call/record.js';
import { callOf, destinationOf } from '../../call/request.js';
import { Circuit, circuitBreakerOptions, type Pass } from '../circuit.js';
import { definePolicy } from '../policy.js';

/**
 * Keeps one circuit for each destination: for each endpoint where there are several, else for each origin. Statuses >=
 * 500, timeouts and network failures count as failures, any other response as a success; cancellations, local
 * rejections and TLS errors do not count. An open circuit rejects with `ERR_CIRCUIT_OPEN`. A state set by
 * `forceCircuit` applies to all destinations, future ones included, and outcomes do not count while it holds.
 */
export const circuitBreaker = definePolicy(
  'circuitBreaker',
  circuitBreakerOptions,
  (options, context, before?: Hand) => {
    // Shared with the replaced policy, so that attempts still in flight in its stack obey the forced state too.
    const hand: Hand = before ?? { forced: 'auto' };
    // A closed circuit takes 0.7 KB, an open one 5 KB.
    const circuits = new Recent<Circuit>({
      ...{ max: manyDestinations, whenBusy: 'evict' },
      busy: ({ state }) => state !== 'closed',
      evicted: (circuit) => circuit.forget(),
    });
    const circuitTo = (destination: string) => new Circuit(destination, options, context);
    return {
      pass: (next) =>
        function circuitBreaker(request, receiver) {
          if (hand.forced === 'open') {
            receiver.failed(refusal(request, undefined, { message: forcedBy(hand) }));
            return;
          }
          if (hand.forced === 'closed') {
            next(request, receiver);
            return;
          }
          const call = callOf(request);
          const circuit = circuits.use(destinationOf(request), circuitTo);
          const pass = circuit.admit(call.attempts);
          if (typeof pass === 'number') receiver.failed(refusal(request, pass, circuit.cause));
          else next(request, new Judged(receiver, circuit, pass, call));
        },
      stats: () => {
        const forced = hand.forced !== 'auto' && { state: hand.forced, forced: true };
        return Object.fromEntries(
          [...circuits].map(([destination, circuit]) => [destination, { ...circuit.stats(), ...forced }]),
        );
      },
      force: (state, by) => {
        hand.forced = state;
        hand.by = by;
      },
      state: hand,
      close: () => {
        for (const circuit of circuits.values()) circuit.forget();
        circuits.clear();
      },
    };
  },
);

/** An attempt that was let through, whose outcome counts. */
class Judged extends Passage {
  readonly #circuit: Circuit;
  readonly #pass: Pass;
  readonly #call: Call;

  constructor(outer: OutcomeReceiver, circuit: Circuit, pass: Pass, call: Call) {
    super(outer);
    this.#circuit = circuit;
    this.#pass = pass;
    this.#call = call;
  }

  protected onAnswer(): void {
    this.#circuit.settle(this.#pass, 'success');
  }

  protected onFailure(error: unknown): unknown {
    this.#circuit.settle(this.#pass, healthOf(error, this.#call.attempts > this.#pass.attempts), error);
    return error;
  }
}

/** State set by `forceCircuit`; survives updates. */
interface Hand {
  forced: ForcedCircuit;
  by?: string | undefined;
}

function forcedBy({ by }: Hand): string {
  return by === undefined ? 'forced open' : `forced open by ${by}`;
}

/** The error of a rejected attempt; without `retryAfter` the circuit was opened by `forceCircuit`. */
function refusal(request: Request, retryAfter: number | undefined, cause: FailureCause): PillionError {
  const call = callOf(request);
  call.flag('circuit_open');
  call.refusedFor = cause;
  const until = retryAfter === undefined ? cause.message : `open; retry in ${retryAfter} ms`;
  const message = `${call.client}: the circuit to ${destinationOf(request)} is ${until}.`;
  const details = retryAfter === undefined ? {} : { retryAfter };
  return traceless(() => new PillionError(ErrorCode.CIRCUIT_OPEN, message, request, details));
}
