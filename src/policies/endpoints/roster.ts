/** A list of endpoints from which one is drawn, comes next or is found by a key, at a cost that hardly grows with their number. */
import { Rendezvous } from '../hash.js';
import type { Host } from './host.js';

/** The list stays the same while endpoints are ejected and return: only a new list of the discovery makes another one. */
export class Roster {
  readonly hosts: readonly Host[];
  /** True where all weights are the same. */
  readonly #even: boolean;
  /** For each endpoint the sum of the weights up to it. */
  #sums: Float64Array | undefined;
  #turns: Turns | undefined;
  #keys: Rendezvous<Host> | undefined;

  constructor(hosts: readonly Host[]) {
    this.hosts = hosts;
    const weight = hosts[0]?.weight;
    this.#even = hosts.every((host) => host.weight === weight);
  }

  /** How many of the endpoints are usable. */
  usable(now: number): number {
    let count = 0;
    for (const host of this.hosts) if (host.isUsable(now)) count++;
    return count;
  }

  /** An endpoint at random, by weight. */
  draw(random: () => number): Host | undefined {
    const { hosts } = this;
    if (this.#even) return hosts[Math.floor(random() * hosts.length)];
    this.#sums ??= sumsOf(hosts);
    const drawn = random() * (this.#sums[hosts.length - 1] ?? 0);
    let [low, high] = [0, hosts.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sums[middle] ?? 0) > drawn) high = middle;
      else low = middle + 1;
    }
    return hosts[low];
  }

  /** The endpoint whose turn it is; heavy ones have more turns, spread among those of the others. */
  next(shareOf: (host: Host) => number): Host | undefined {
    this.#turns ??= new Turns(this.hosts);
    return this.#turns.next(shareOf);
  }

  /** The endpoint of a key; another `attempt` finds another one, in an order that the key alone decides. */
  at(key: string, attempt: number): Host | undefined {
    this.#keys ??= new Rendezvous(
      this.hosts,
      ({ address }) => address,
      ({ weight }) => weight,
    );
    return this.#keys.at(key, attempt);
  }
}

function sumsOf(hosts: readonly Host[]): Float64Array {
  let sum = 0;
  return Float64Array.from(hosts, ({ weight }) => {
    sum += weight;
    return sum;
  });
}

/**
 * Stride scheduling: each endpoint is due again after a time that is the shorter the larger its share is, and the one
 * that is due first is next. Smooth weighted round robin has to visit every endpoint, this one only some levels of a heap.
 */
class Turns {
  /** The endpoint that is due first is the first one, and each is due before the two at twice its place. */
  readonly #heap: Turn[];

  constructor(hosts: readonly Host[]) {
    const known = hosts.reduce((least, { dueAt }) => Math.min(least, dueAt ?? least), Number.POSITIVE_INFINITY);
    const now = Number.isFinite(known) ? known : 0;
    // Each begins at another part of its round, or all that have the same weight would be due together.
    for (const [index, host] of hosts.entries()) host.dueAt ??= now + (index + 0.5) / hosts.length / host.weight;
    this.#heap = hosts.map((host) => ({ host, dueAt: host.dueAt as number })).sort(byTurn);
  }

  next(shareOf: (host: Host) => number): Host | undefined {
    let first = this.#heap[0];
    // An endpoint may have had turns in another list meanwhile.
    for (; first !== undefined && first.dueAt !== first.host.dueAt; first = this.#heap[0])
      this.#moveOn(first, first.host.dueAt as number);
    if (first === undefined) return undefined;
    this.#moveOn(first, first.dueAt + 1 / shareOf(first.host));
    return first.host;
  }

  /** Moves the first one of the heap to its new place. */
  #moveOn(turn: Turn, dueAt: number): void {
    const heap = this.#heap;
    turn.dueAt = dueAt;
    turn.host.dueAt = dueAt;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let least = heap[child];
      const right = heap[child + 1];
      if (right !== undefined && least !== undefined && byTurn(right, least) < 0) {
        least = right;
        child++;
      }
      if (least === undefined || byTurn(turn, least) < 0) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = turn;
  }
}

/** An endpoint and when its next turn was when it was looked at last. */
interface Turn {
  readonly host: Host;
  dueAt: number;
}

const byTurn = (a: Turn, b: Turn) => a.dueAt - b.dueAt;
