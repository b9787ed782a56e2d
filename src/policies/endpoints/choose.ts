/** The strategies by which `balance` chooses the endpoint of the next attempt. */
import { rendezvous } from '../hash.js';
import type { Host } from './host.js';

/** The input of a strategy. */
export interface Choice {
  /** Endpoints to choose from, at least one. */
  readonly hosts: readonly Host[];
  readonly now: number;
  readonly slowStart: number;
  readonly random: () => number;
  /** True where all endpoints have the same share of the traffic. */
  readonly even: boolean;
  /** Typical latency of these endpoints in milliseconds; infinite while none is known. */
  readonly typical: (now: number) => number;
  /** Key for `hash`; without one the choice is random. */
  readonly key: string | undefined;
}

export const choosers = {
  'least-pending': leastPending,
  'round-robin': roundRobin,
  random: weightedRandom,
  hash: byHash,
} satisfies Record<string, (choice: Choice) => Host | undefined>;

/** Above this number of endpoints, two are drawn and compared instead of scanning all. */
const fullScan = 32;

/**
 * The endpoint with the least load for its weight. An endpoint that is clearly slower than the others, or fails, counts
 * as more loaded than it is. Among equals the choice is random.
 */
function leastPending(choice: Choice): Host | undefined {
  const { hosts } = choice;
  if (hosts.length === 1) return hosts[0];
  const typical = choice.typical(choice.now);
  const many = hosts.length > fullScan;
  const candidates = many ? twoOf(choice) : hosts;
  let best: Host | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const host of candidates) {
    if (host === undefined) continue;
    const score = scoreOf(host, typical, choice, many);
    if (score >= least) continue;
    least = score;
    best = host;
  }
  return best;
}

/** Weight of a request in flight against the random part of the score, whose mean is 1. */
const perRequest = 4;
/**
 * Weight of a request in flight to an endpoint without a first response: one request is enough to measure its latency.
 */
const unknown = 1e9;

/**
 * The load score, lower is better. `drawn`: the endpoint was drawn by its share, so the share must not count in the
 * noise again.
 */
function scoreOf(host: Host, typical: number, { now, slowStart, random }: Choice, drawn: boolean): number {
  const { load } = host;
  const share = host.share(now, slowStart);
  if (!load.known && load.pending > 0) return (unknown * load.pending) / share;
  // Exponential noise makes the choice among idle endpoints follow their weights exactly.
  const noise = -Math.log(1 - random()) / (drawn ? 1 : share);
  const slow = Math.max(1, load.latency(now) / (2 * typical));
  const failing = Math.max(0.05, load.successRate(now));
  return (((perRequest * load.pending) / share + noise) * slow * slow) / (failing * failing);
}

/**
 * Draws two endpoints by their shares. With uneven shares both may be the same, or heavy endpoints would get too
 * little.
 */
function twoOf(choice: Choice): (Host | undefined)[] {
  const { hosts, random, even } = choice;
  if (!even) return [weightedRandom(choice), weightedRandom(choice)];
  const first = Math.floor(random() * hosts.length);
  const second = (first + 1 + Math.floor(random() * (hosts.length - 1))) % hosts.length;
  return [hosts[first], hosts[second]];
}

/** Smooth weighted round robin, as in nginx: the turns of a heavy endpoint are spread among those of the others. */
function roundRobin({ hosts, now, slowStart }: Choice): Host | undefined {
  let best: Host | undefined;
  let total = 0;
  for (const host of hosts) {
    const share = host.share(now, slowStart);
    total += share;
    host.turn += share;
    if (best === undefined || host.turn > best.turn) best = host;
  }
  if (best !== undefined) best.turn -= total;
  return best;
}

function weightedRandom({ hosts, now, slowStart, random }: Choice): Host | undefined {
  let left = random() * hosts.reduce((sum, host) => sum + host.share(now, slowStart), 0);
  for (const host of hosts) {
    left -= host.share(now, slowStart);
    if (left < 0) return host;
  }
  return hosts.at(-1);
}

/** The same endpoint for the same key, as long as the endpoints stay the same. */
function byHash(choice: Choice): Host | undefined {
  const { key, hosts } = choice;
  if (key === undefined) return weightedRandom(choice);
  return rendezvous(
    key,
    hosts,
    ({ address }) => address,
    ({ weight }) => weight,
  );
}
