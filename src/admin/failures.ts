/** What failed in a client in the last hour: by destination, code and status, with counts, times and what to do. Bounded. */
import type { ClientEvents, FailureCause } from '../call/events.js';
import type { Call, CallView } from '../call/record.js';
import { shortText } from '../call/redact.js';
import { adviceOn, runbookPathOf } from './failure-advice.js';
import { wallTime } from './wall-time.js';

/** Calls of one client that failed in the same way at the same destination. */
export interface FailedCalls {
  /** The origin, or the address of the last endpoint that was tried; null where the URL has none. */
  readonly destination: string | null;
  /** `ERR_…`, or a code of the network such as `ECONNREFUSED`; `_OTHER` where the error had none. */
  readonly code: string;
  /** HTTP status, where the upstream answered. */
  readonly status: number | null;
  /** True for calls that were turned away in this process, such as by an open circuit. */
  readonly local: boolean;
  /** Calls in the last hour, to five minutes. */
  readonly count: number;
  /** When it was seen first; forgotten after an hour in which it was not seen. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** The message of the last one, at most 200 characters, URLs in it redacted. */
  readonly message: string;
  /** Of calls that were turned away: the failure that is really wrong, such as the last one before the circuit opened. */
  readonly cause: {
    readonly code: string | null;
    readonly status: number | null;
    readonly message: string | null;
  } | null;
  /** What to check, in one sentence. */
  readonly advice: string;
  /** Its section of the runbook, as a path below that of the admin handler: `runbook#econnrefused`. */
  readonly runbook: string;
}

/** Kinds that are kept of a client. */
const maxKinds = 100;
/** Kinds that are shown. */
export const maxShown = 20;
const hour = 3_600_000;
/** An hour by five minutes. */
const parts = 12;
const partMs = hour / parts;
/** How often the message of calls that are turned away is taken anew, as there may be thousands a second. */
const refusedMessageMs = 1000;

/** Codes, hosts and messages may come from anywhere. */
const longest = { message: 200, code: 100, destination: 260 } as const;

class Kind {
  readonly destination: string | null;
  readonly code: string;
  readonly status: number | undefined;
  readonly local: boolean;
  readonly #firstAt = performance.now();
  lastAt = this.#firstAt;
  #messageAt = Number.NEGATIVE_INFINITY;
  #message = '';
  #cause: FailureCause | undefined;
  readonly #counts = new Uint32Array(parts);
  #part = Math.floor(this.#firstAt / partMs);

  constructor(origin: string, code: string, status: number | undefined, local: boolean) {
    this.destination = origin === 'null' ? null : shortText(origin, longest.destination);
    this.code = shortText(code, longest.code);
    this.status = status;
    this.local = local;
  }

  add(call: CallView): void {
    const now = performance.now();
    this.#advance(now);
    const place = this.#part % parts;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.lastAt = now;
    if (this.local && now - this.#messageAt < refusedMessageMs) return;
    this.#messageAt = now;
    this.#message = shortText(this.#messageOf(call), longest.message);
    this.#cause = call.refusedFor;
  }

  /** As in log lines the message of an error with an answer is left out: it may quote the answer. */
  #messageOf(call: CallView): string {
    if (this.status !== undefined && this.status >= 400) return `answered with status ${this.status}`;
    const { message } = ((call as Call).failure ?? {}) as { message?: unknown };
    return typeof message === 'string' ? message : '';
  }

  #advance(now: number): void {
    const part = Math.floor(now / partMs);
    for (let gone = Math.min(part - this.#part, parts); gone > 0; gone--) this.#counts[(part - gone + 1) % parts] = 0;
    this.#part = part;
  }

  shown(): FailedCalls {
    this.#advance(performance.now());
    const { code, status, local, destination } = this;
    // Only what was decided by hand has no failure behind it, and its message says so.
    const cause = local ? this.#cause : undefined;
    return {
      ...{ destination, code, status: status ?? null, local },
      count: this.#counts.reduce((sum, count) => sum + count, 0),
      firstAt: wallTime(this.#firstAt),
      lastAt: wallTime(this.lastAt),
      message: this.#message,
      cause: cause === undefined ? null : shownCause(cause),
      advice: adviceOn(code, status),
      runbook: runbookPathOf(code, status),
    };
  }
}

/** The failures of one client. Beyond `maxKinds` the kind that was seen longest ago is forgotten. */
export class Failures {
  readonly #kinds = new Map<string, Kind>();

  add(event: ClientEvents['call.ended'], local: boolean): void {
    const { call, status } = event;
    const code = typeof event.code === 'string' ? event.code : '_OTHER';
    const destination = call.tried.at(-1)?.address ?? call.origin;
    const key = `${status} ${code} ${destination}`;
    const known = this.#kinds.get(key);
    const kind = known ?? new Kind(destination, code, status, local);
    this.#kinds.delete(key);
    this.#kinds.set(key, kind);
    kind.add(call);
    if (known === undefined && this.#kinds.size > maxKinds)
      this.#kinds.delete(this.#kinds.keys().next().value as string);
  }

  /** Those of the last hour, the newest first, and how many more there are. */
  shown(): { failures: readonly FailedCalls[]; moreFailures: number } {
    const now = performance.now();
    for (const [key, { lastAt }] of this.#kinds) if (now - lastAt >= hour) this.#kinds.delete(key);
    const newest = [...this.#kinds.values()].reverse();
    const failures = newest.slice(0, maxShown).map((kind) => kind.shown());
    return { failures, moreFailures: newest.length - failures.length };
  }
}

function shownCause({ code, status, message }: FailureCause): FailedCalls['cause'] {
  return {
    code: code === undefined ? null : shortText(code, longest.code),
    status: status ?? null,
    message: message === undefined ? null : shortText(message, longest.message),
  };
}
