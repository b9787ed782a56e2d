/** Records what one client does, from the creation of the admin handler until the client is removed; what it keeps is bounded. */
import type { ClientEvents } from '../call/events.js';
import { isTurnedAway } from '../call/failure.js';
import { Recent } from '../call/recent.js';
import type { CallView } from '../call/record.js';
import type { ClientHandle } from '../client/http-client.js';
import { followTransitions } from '../policies/telemetry/transitions.js';
import { type Change, Changes } from './changes.js';
import { type FailedCalls, Failures } from './failures.js';
import { type badShares, type CallEnd, CallHistory, type ClientHistory, type Recently } from './history.js';
import { wallTime } from './wall-time.js';

/** Destinations whose attempts are followed. */
const maxDestinations = 256;

/** A destination is not failing for so many milliseconds after a success. */
const mixedMs = 1000;

/** What the attempts at one destination came to last, as `performance.now()`. */
interface Attempts {
  failingSince: number | undefined;
  lastSuccessAt: number | undefined;
}

const untried = (): Attempts => ({ failingSince: undefined, lastSuccessAt: undefined });

/** The last half minute of a client that was not called. */
const silence: Recently = {
  ...{ rate: 0, failed: 0, refused: 0, p50: null, p99: null, refusedP50: null, refusedP99: null },
  ...{ badShare: null, latestBadShare: null },
  counts: { calls: 0, failed: 0, refused: 0 },
};

const noSlots: ClientHistory = { at: [], calls: [], failed: [], refused: [], p50: [], p99: [], refusedP99: [] };

/** Everything that is recorded of one client. */
export class ClientWatch {
  /** Made by the first call, as many clients of a configuration may never be called. */
  #history: CallHistory | undefined;
  readonly #failures = new Failures();
  readonly #changes = new Changes();
  readonly #destinations = new Recent<Attempts>({ max: maxDestinations });
  readonly #stops: readonly (() => void)[];

  constructor(client: ClientHandle) {
    this.#stops = [
      client.on('call.ended', (event) => this.#ofCall(event)),
      client.on('attempt.ended', (event) => this.#ofAttempt(event)),
      followTransitions(client, (transition) => this.#changes.add(transition)),
    ];
  }

  #ofCall(event: ClientEvents['call.ended']): void {
    const end = endOf(event);
    const hasTime = end === 'refused' || (end !== 'cancelled' && event.call.attempts > 0);
    this.#history ??= new CallHistory();
    this.#history.record(end, hasTime ? event.durationMs : undefined);
    if (end === 'failed' || end === 'refused') this.#failures.add(event, end === 'refused');
  }

  #ofAttempt(event: ClientEvents['attempt.ended']): void {
    const end = endOf(event);
    if (end === 'cancelled') return;
    const attempts = this.#destinations.use(destinationOfCall(event.call), untried);
    if (end !== 'succeeded') attempts.failingSince ??= performance.now();
    else {
      attempts.failingSince = undefined;
      attempts.lastSuccessAt = performance.now();
    }
  }

  recently(): Recently {
    return this.#history?.recently() ?? silence;
  }

  slots(since?: number): ClientHistory {
    return this.#history?.slots(since) ?? noSlots;
  }

  /** Since when calls fail, as `Date.now()`; null where they do not. */
  badSince(level: keyof typeof badShares): number | null {
    return timeOf(this.#history?.badSince(level));
  }

  failures(): { failures: readonly FailedCalls[]; moreFailures: number } {
    return this.#failures.shown();
  }

  changes(): readonly Change[] {
    return this.#changes.shown();
  }

  /** Destinations that were called lately. */
  get addresses(): readonly string[] {
    return [...this.#destinations].map(([address]) => address);
  }

  /** What is known of the attempts at a destination, as `Date.now()`. */
  attemptsAt(destination: string): { failingSince: number | null; lastSuccessAt: number | null } {
    const { failingSince, lastSuccessAt } = this.#destinations.get(destination) ?? untried();
    // Where some attempts fail and others go well, the last one alone tells nothing.
    const isMixed = lastSuccessAt !== undefined && performance.now() - lastSuccessAt < mixedMs;
    return { failingSince: isMixed ? null : timeOf(failingSince), lastSuccessAt: timeOf(lastSuccessAt) };
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}

/** The endpoint that was tried last, or else the origin: the name by which circuits and limits call it too. */
export function destinationOfCall({ tried, origin }: CallView): string {
  return tried.at(-1)?.address ?? origin;
}

function endOf({ status, code }: ClientEvents['attempt.ended'] | ClientEvents['call.ended']): CallEnd {
  if (code === 'ERR_CANCELED') return 'cancelled';
  if (isTurnedAway({ status, code })) return 'refused';
  // An error of somebody else may have no code.
  return code === undefined && status !== undefined ? 'succeeded' : 'failed';
}

function timeOf(moment: number | undefined): number | null {
  return moment === undefined ? null : wallTime(moment);
}
