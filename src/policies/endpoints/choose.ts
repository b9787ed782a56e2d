/** Which endpoint the next attempt goes to. */
import { rendezvous } from '../hash.js';
import type { Host } from './host.js';

/** What a choice is made from. */
export interface Choice {
  /** At least one. */
  readonly hosts: readonly Host[];
  readonly now: number;
  readonly slowStart: number;
  readonly random: () => number;
  /** All have the same share. */
  readonly even: boolean;
  /** Milliseconds that attempts at these endpoints take as a rule. */
  readonly typical: (now: number) => number;
  /** For `hash`; without one the choice is random. */
  readonly key: string | undefined;
}

export const choosers = {
  'least-pending': leastPending,
  'round-robin': roundRobin,
  random: weightedRandom,
  hash: byHash,
} satisfies Record<string, (choice: Choice) => Host | undefined>;

/** From here on two are drawn and compared in place of all of them. */
const fullScan = 32;

/**
 * The least loaded for its weight, where who is clearly slower than the rest, or fails, counts as more loaded than it is.
 * Among equals the choice is random.
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

/** A request under way weighs as much as this many coin tosses. */
const perRequest = 4;
/** Nobody knows how fast it is until the first answer: one request is enough to learn it. */
const unknown = 1e9;

/** `drawn`: by its share already, so that only what it carries is held against it. */
function scoreOf(host: Host, typical: number, { now, slowStart, random }: Choice, drawn: boolean): number {
  const { load } = host;
  const share = host.share(now, slowStart);
  if (!load.known && load.pending > 0) return (unknown * load.pending) / share;
  // Exponential noise makes the choice among idle ones follow their weights exactly.
  const noise = -Math.log(1 - random()) / (drawn ? 1 : share);
  const slow = Math.max(1, load.latency(now) / (2 * typical));
  const failing = Math.max(0.05, load.successRate(now));
  return (((perRequest * load.pending) / share + noise) * slow * slow) / (failing * failing);
}

/** Two, by their shares; where these differ it may be the same one twice, or the heavy ones would get too little. */
function twoOf(choice: Choice): (Host | undefined)[] {
  const { hosts, random, even } = choice;
  if (!even) return [weightedRandom(choice), weightedRandom(choice)];
  const first = Math.floor(random() * hosts.length);
  const second = (first + 1 + Math.floor(random() * (hosts.length - 1))) % hosts.length;
  return [hosts[first], hosts[second]];
}

/** Smooth weighted round robin, as nginx does it: a heavy one's turns are spread among those of the others. */
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

/** Always the same for the same key, while the endpoints are the same. */
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
