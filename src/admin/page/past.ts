/** The history that was read so far: an hour of slots of ten seconds for each client. */
import type { History } from '../history.js';

export type PastSlots = History['clients'][string];

/** Milliseconds that the plots show: an hour, or what there is of it. */
export const shownMs = 3_600_000;
const leastMs = 300_000;

const columns = ['at', 'calls', 'failed', 'refused', 'p50', 'p99', 'refusedP99'] as const;

const empty: PastSlots = { at: [], calls: [], failed: [], refused: [], p50: [], p99: [], refusedP99: [] };

export class Past {
  #clients = new Map<string, PastSlots>();
  #newest = 0;
  interval = 10_000;

  /** When the newest slot of any client ended; 0 without. */
  get newest(): number {
    return this.#newest;
  }

  /** The time that the plots show before `now`, the same for all clients. */
  range(now: number): number {
    let oldest = now;
    for (const { at } of this.#clients.values()) oldest = Math.min(oldest, at[0] ?? now);
    return Math.min(shownMs, Math.max(leastMs, now - oldest + this.interval));
  }

  /** Up to when the history was read; to be asked for what came after it. */
  get since(): number | undefined {
    return this.#newest > 0 ? this.#newest : undefined;
  }

  of(name: string): PastSlots {
    return this.#clients.get(name) ?? empty;
  }

  add({ interval, clients }: History): void {
    this.interval = interval;
    const next = new Map<string, PastSlots>();
    for (const [name, slots] of Object.entries(clients)) {
      next.set(name, joined(this.of(name), slots));
      this.#newest = Math.max(this.#newest, slots.at.at(-1) ?? 0);
    }
    // A client without a new slot keeps those that it has.
    for (const [name, slots] of this.#clients) if (!next.has(name)) next.set(name, joined(slots, empty));
    for (const [name, slots] of next) next.set(name, from(slots, this.#newest - shownMs));
    this.#clients = next;
  }

  clear(): void {
    this.#clients.clear();
    this.#newest = 0;
  }
}

/** PastSlots that are known already are not added again; the same slot may be told a few milliseconds later. */
function joined(before: PastSlots, after: PastSlots): PastSlots {
  const last = before.at.at(-1) ?? Number.NEGATIVE_INFINITY;
  const fresh = from(after, last + 1000);
  return mapped((column) => [...before[column], ...fresh[column]]);
}

function from(slots: PastSlots, start: number): PastSlots {
  const first = slots.at.findIndex((at) => at >= start);
  return first === 0 ? slots : mapped((column) => (first < 0 ? [] : slots[column].slice(first)));
}

function mapped(of: (column: (typeof columns)[number]) => readonly (number | null)[]): PastSlots {
  return Object.fromEntries(columns.map((column) => [column, of(column)])) as unknown as PastSlots;
}
