/** What the calls of one client came to: for an hour by ten seconds, for half a minute by the second. Bounded, without a timer. */
import { Latencies } from '../policies/retries/latencies.js';
import { wallTime } from './wall-time.js';

/** Length of a slot, in milliseconds. */
export const slotMs = 10_000;
/** An hour. */
const slots = 360;
/** More than the 30 that are read, so that the second in progress has a place of its own. */
const seconds = 32;
/** Seconds in the window of rates and severity, the one in progress included. */
export const windowSeconds = 30;
/** Seconds by which a client counts as failing, so that it does so soon after the first failure, and no longer than it fails. */
const latestSeconds = 10;
/** A percentile is at most 5 % too high. */
const growth = 1.05;

/** `GET /history`: the slots of each client, oldest first, without those in which it had no calls. */
export interface History {
  /** Length of a slot, in milliseconds. */
  readonly interval: typeof slotMs;
  readonly clients: Readonly<Record<string, ClientHistory>>;
}

/** One entry for each slot in each list. */
export interface ClientHistory {
  /** When the slot ended, as `Date.now()`. */
  readonly at: readonly number[];
  /** Calls that ended. */
  readonly calls: readonly number[];
  /** Calls among them that failed, those that were refused left out. */
  readonly failed: readonly number[];
  /** Calls among them that this process turned away. */
  readonly refused: readonly number[];
  /** Milliseconds of calls that went to the wire; null without. */
  readonly p50: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  /** Milliseconds of calls that were turned away; null without. */
  readonly refusedP99: readonly (number | null)[];
}

/** How a call ended; `cancelled` by its caller. */
export type CallEnd = 'succeeded' | 'failed' | 'refused' | 'cancelled';

/** The last half minute of a client: calls per second, and percentiles in milliseconds. */
export interface Recently {
  /** Calls that ended, also those that failed or were refused. */
  readonly rate: number;
  readonly failed: number;
  readonly refused: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly refusedP50: number | null;
  readonly refusedP99: number | null;
  /** The calls themselves: `rate`, `failed` and `refused` are rounded, and of a client that is called seldom they are 0. */
  readonly counts: { readonly calls: number; readonly failed: number; readonly refused: number };
  /** The share of calls that failed or were refused, from 0 to 1; null without calls. */
  readonly badShare: number | null;
  /** The same of the last ten seconds; of the half minute where those had no calls. */
  readonly latestBadShare: number | null;
}

/** Shares of calls that fail, from which a client counts as degraded and as failing. */
export const badShares = { degraded: 0.01, failing: 0.5 } as const;

/** `#turns` and `#seconds` say which slot a place holds, counted from 1, as 0 stands for none. */
export class CallHistory {
  readonly #startedAt = performance.now();
  readonly #turns = new Uint32Array(slots);
  readonly #calls = new Uint32Array(slots);
  readonly #failed = new Uint32Array(slots);
  readonly #refused = new Uint32Array(slots);
  readonly #p50 = new Float32Array(slots);
  readonly #p99 = new Float32Array(slots);
  readonly #refusedP99 = new Float32Array(slots);
  readonly #seconds = new Uint32Array(seconds);
  readonly #callsOf = new Uint32Array(seconds);
  readonly #failedOf = new Uint32Array(seconds);
  readonly #refusedOf = new Uint32Array(seconds);
  /** The last second with calls. */
  #latest = -1;
  readonly #answers = new Latencies(growth, (turn) => {
    this.#note(this.#p50, turn, this.#answers.percentileOfNewest(50));
    this.#note(this.#p99, turn, this.#answers.percentileOfNewest(99));
  });
  /** Made by the first call that is turned away. */
  #refusals: Latencies | undefined;
  /** Since when at least this share of calls is bad, as `performance.now()`; undefined while it is not. */
  readonly #since: Record<keyof typeof badShares, number | undefined> = { degraded: undefined, failing: undefined };

  /** Counts a call that has ended. `durationMs` is undefined for one that neither went to the wire nor was refused. */
  record(end: CallEnd, durationMs: number | undefined): void {
    const now = performance.now();
    const slot = this.#slotAt(now);
    const second = this.#secondAt(now);
    add(this.#calls, slot);
    add(this.#callsOf, second);
    if (end === 'failed') {
      add(this.#failed, slot);
      add(this.#failedOf, second);
    } else if (end === 'refused') {
      add(this.#refused, slot);
      add(this.#refusedOf, second);
    }
    if (durationMs === undefined) return;
    if (end === 'refused') this.#refusalTimes().record(durationMs);
    else this.#answers.record(durationMs);
  }

  #refusalTimes(): Latencies {
    const made = this.#refusals;
    if (made !== undefined) return made;
    const refusals = new Latencies(growth, (turn) => {
      this.#note(this.#refusedP99, turn, refusals.percentileOfNewest(99));
    });
    this.#refusals = refusals;
    return refusals;
  }

  /** Notes a value of a slot that is over, unless its place has been taken: after an hour without calls. */
  #note(values: Float32Array, turn: number, value: number): void {
    if (this.#turns[turn % slots] === turn + 1) values[turn % slots] = value;
  }

  /** The place of the slot in progress, emptied of the one that was there an hour ago. */
  #slotAt(now: number): number {
    const turn = Math.floor(now / slotMs);
    const place = turn % slots;
    if (this.#turns[place] !== turn + 1) {
      this.#turns[place] = turn + 1;
      for (const each of [this.#calls, this.#failed, this.#refused]) each[place] = 0;
      for (const each of [this.#p50, this.#p99, this.#refusedP99]) each[place] = Number.NaN;
    }
    return place;
  }

  #secondAt(now: number): number {
    const second = Math.floor(now / 1000);
    const place = second % seconds;
    if (this.#seconds[place] !== second + 1) {
      // What the seconds before came to, while all of them are still there; a pause of calls may lie between.
      this.#judge(this.#latest);
      this.#latest = second;
      this.#seconds[place] = second + 1;
      for (const each of [this.#callsOf, this.#failedOf, this.#refusedOf]) each[place] = 0;
    }
    return place;
  }

  /** Notes since when calls fail, by the window that ends with this second. A window without calls tells nothing new. */
  #judge(last: number): void {
    const { calls, bad } = this.#totals(last);
    if (calls === 0) return;
    for (const level of ['degraded', 'failing'] as const) {
      const isSo = bad >= calls * badShares[level];
      this.#since[level] = isSo ? (this.#since[level] ?? this.#beginOf(badShares[level], last)) : undefined;
    }
  }

  /** The start of the earliest second from which on at least this share of calls was bad, itself included. */
  #beginOf(share: number, last: number): number {
    let [calls, bad, begin] = [0, 0, last];
    for (let second = last; second > last - windowSeconds; second--) {
      const at = this.#of(second);
      calls += at.calls;
      bad += at.bad;
      if (at.bad > 0 && at.bad >= at.calls * share && bad >= calls * share) begin = second;
    }
    return Math.max(begin * 1000, this.#startedAt);
  }

  #of(second: number): { calls: number; failed: number; refused: number; bad: number } {
    const place = second % seconds;
    if (second < 0 || this.#seconds[place] !== second + 1) return { calls: 0, failed: 0, refused: 0, bad: 0 };
    const [failed, refused] = [this.#failedOf[place] ?? 0, this.#refusedOf[place] ?? 0];
    return { calls: this.#callsOf[place] ?? 0, failed, refused, bad: failed + refused };
  }

  #totals(last: number, span = windowSeconds): { calls: number; failed: number; refused: number; bad: number } {
    const sum = { calls: 0, failed: 0, refused: 0, bad: 0 };
    for (let second = last; second > last - span; second--) {
      const at = this.#of(second);
      sum.calls += at.calls;
      sum.failed += at.failed;
      sum.refused += at.refused;
      sum.bad += at.bad;
    }
    return sum;
  }

  /** The last half minute. Of a client that was called first later than that, rates are of the time since then. */
  recently(): Recently {
    const now = performance.now();
    const second = Math.floor(now / 1000);
    const { calls, failed, refused, bad } = this.#totals(second);
    const latest = this.#totals(second, latestSeconds);
    const badShare = calls === 0 ? null : bad / calls;
    const covered = windowSeconds - 1 + (now % 1000) / 1000;
    const span = Math.max(1, Math.min(covered, (now - this.#startedAt) / 1000));
    return {
      rate: rounded(calls / span),
      failed: rounded(failed / span),
      refused: rounded(refused / span),
      ...{ p50: percentileOf(this.#answers, 50), p99: percentileOf(this.#answers, 99) },
      ...{ refusedP50: percentileOf(this.#refusals, 50), refusedP99: percentileOf(this.#refusals, 99) },
      counts: { calls, failed, refused },
      badShare,
      latestBadShare: latest.calls === 0 ? badShare : latest.bad / latest.calls,
    };
  }

  /** Since when at least the share of `level` of calls is bad, as `performance.now()`; undefined while it is not. */
  badSince(level: keyof typeof badShares): number | undefined {
    this.#judge(Math.floor(performance.now() / 1000));
    return this.#since[level];
  }

  /** The slots that have ended, of those the ones that ended after `since`. */
  slots(since = Number.NEGATIVE_INFINITY): ClientHistory {
    const current = Math.floor(performance.now() / slotMs);
    // Their last slots may have ended without a call after them.
    this.#answers.count;
    this.#refusals?.count;
    const turns = [...this.#turns]
      .filter((turn) => turn > 0 && turn <= current && turn > current - slots)
      .sort(ascending);
    // A moment may be told a few milliseconds later than the time before, as the clocks drift.
    const told = turns.map((turn) => turn - 1).filter((turn) => endOf(turn) > since + 100);
    const pick = (values: Uint32Array | Float32Array) => told.map((turn) => values[turn % slots] ?? 0);
    const times = (values: Float32Array) => pick(values).map((value) => (Number.isNaN(value) ? null : rounded(value)));
    return {
      at: told.map(endOf),
      ...{ calls: pick(this.#calls), failed: pick(this.#failed), refused: pick(this.#refused) },
      ...{ p50: times(this.#p50), p99: times(this.#p99), refusedP99: times(this.#refusedP99) },
    };
  }
}

function endOf(turn: number): number {
  return wallTime((turn + 1) * slotMs);
}

function percentileOf(latencies: Latencies | undefined, percent: number): number | null {
  return latencies === undefined || latencies.count === 0 ? null : rounded(latencies.percentile(percent));
}

function add(counts: Uint32Array, place: number): void {
  counts[place] = (counts[place] ?? 0) + 1;
}

function ascending(a: number, b: number): number {
  return a - b;
}

export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
