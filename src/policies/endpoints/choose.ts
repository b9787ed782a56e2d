/** The strategies by which `balance` chooses the endpoint of the next attempt. */
import type { Host } from './host.js';
import { Roster } from './roster.js';

/** The input of a strategy. */
export interface Choice {
  readonly roster: Roster;
  /** True for an endpoint that may be chosen. */
  readonly isOpen: (host: Host) => boolean;
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

/** Each returns undefined only where no endpoint may be chosen. */
export const choosers = {
  'least-pending': leastPending,
  'round-robin': roundRobin,
  random: weightedRandom,
  hash: byHash,
} satisfies Record<string, (choice: Choice) => Host | undefined>;

/** Up to this number of endpoints all are visited; of more, some are drawn until one may be chosen. */
const fullScan = 32;
/** Draws without success after which all are visited all the same: nearly none of them may be chosen. */
const draws = 64;

const isSmall = ({ roster }: Choice) => roster.hosts.length <= fullScan;

/** For `isOpen`, where every endpoint may be chosen. */
export const anyone = (): boolean => true;

function openOnes({ roster, isOpen }: Choice): readonly Host[] {
  return isOpen === anyone ? roster.hosts : roster.hosts.filter((host) => isOpen(host));
}

/**
 * The endpoint with the least load for its weight. An endpoint that is clearly slower than the others, or fails, counts
 * as more loaded than it is. Among equals the choice is random.
 */
function leastPending(choice: Choice): Host | undefined {
  const drawn = !isSmall(choice);
  const candidates = drawn ? twoOf(choice) : openOnes(choice);
  if (candidates.length < 2) return candidates[0];
  const typical = choice.typical(choice.now);
  let best: Host | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const host of candidates) {
    const score = scoreOf(host, typical, choice, drawn);
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
function twoOf(choice: Choice): readonly Host[] {
  const first = weightedRandom(choice);
  if (first === undefined) return [];
  let second = weightedRandom(choice) as Host;
  // It stays the same where hardly another may be chosen.
  for (let again = 0; choice.even && second === first && again < 3; again++) second = weightedRandom(choice) as Host;
  return [first, second];
}

/** Takes turns by weight: the turns of a heavy endpoint are spread among those of the others. */
function roundRobin(choice: Choice): Host | undefined {
  const { roster, isOpen, now, slowStart } = choice;
  const shareOf = (host: Host) => host.share(now, slowStart);
  if (isSmall(choice)) return smoothTurn(openOnes(choice), shareOf);
  for (let turn = 0; turn < draws; turn++) {
    const host = roster.next(shareOf);
    if (host !== undefined && isOpen(host)) return host;
  }
  return smoothTurn(openOnes(choice), shareOf);
}

/** Smooth weighted round robin, as in nginx. */
function smoothTurn(hosts: readonly Host[], shareOf: (host: Host) => number): Host | undefined {
  let best: Host | undefined;
  let total = 0;
  for (const host of hosts) {
    const share = shareOf(host);
    total += share;
    host.turn += share;
    if (best === undefined || host.turn > best.turn) best = host;
  }
  if (best !== undefined) best.turn -= total;
  return best;
}

function weightedRandom(choice: Choice): Host | undefined {
  const { roster, isOpen, now, slowStart, random } = choice;
  for (let draw = 0; draw < draws && !isSmall(choice); draw++) {
    const host = roster.draw(random);
    if (host === undefined || !isOpen(host)) continue;
    const share = host.share(now, slowStart);
    // Drawn by its weight, of which the share may be less during slow start.
    if (share === host.weight || random() * host.weight < share) return host;
  }
  const hosts = openOnes(choice);
  let left = random() * hosts.reduce((sum, host) => sum + host.share(now, slowStart), 0);
  for (const host of hosts) {
    left -= host.share(now, slowStart);
    if (left < 0) return host;
  }
  return hosts.at(-1);
}

/**
 * The same endpoint for the same key, as long as the endpoints stay the same. The keys of one that may not be chosen are
 * spread over the others, which keep their own.
 */
function byHash(choice: Choice): Host | undefined {
  const { key, roster, isOpen } = choice;
  if (key === undefined) return weightedRandom(choice);
  for (let attempt = 0; attempt < draws; attempt++) {
    const host = roster.at(key, attempt);
    if (host !== undefined && isOpen(host)) return host;
  }
  return new Roster(openOnes(choice)).at(key, 0);
}
