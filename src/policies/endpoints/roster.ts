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
  readonly #heap: Host[];

  constructor(hosts: readonly Host[]) {
    const known = hosts.reduce((least, { dueAt }) => Math.min(least, dueAt ?? least), Number.POSITIVE_INFINITY);
    const now = Number.isFinite(known) ? known : 0;
    // Each begins at another part of its round, or all that have the same weight would be due together.
    for (const [index, host] of hosts.entries()) host.dueAt ??= now + (index + 0.5) / hosts.length / host.weight;
    this.#heap = hosts.toSorted(byTurn);
  }

  next(shareOf: (host: Host) => number): Host | undefined {
    const [host] = this.#heap;
    if (host === undefined) return undefined;
    host.dueAt = (host.dueAt ?? 0) + 1 / shareOf(host);
    this.#sink(host);
    return host;
  }

  /** Moves the first endpoint of the heap to its place. */
  #sink(host: Host): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let least = heap[child];
      const right = heap[child + 1];
      if (right !== undefined && least !== undefined && byTurn(right, least) < 0) {
        least = right;
        child++;
      }
      if (least === undefined || byTurn(host, least) < 0) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = host;
  }
}

const byTurn = (a: Host, b: Host) => (a.dueAt ?? 0) - (b.dueAt ?? 0);
