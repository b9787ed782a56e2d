/** Consistent hashing of keys to weighted targets: few keys move when a target comes or goes. */

/** The 32-bit FNV-1a hash of a text. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * The target with the highest score for the key (weighted rendezvous hashing); undefined where no weight is above 0.
 */
export function rendezvous<T>(
  key: string,
  targets: readonly T[],
  nameOf: (target: T) => string,
  weightOf: (target: T) => number,
): T | undefined {
  const hash = hashOf(key);
  let best: T | undefined;
  let highest = Number.NEGATIVE_INFINITY;
  for (const target of targets) {
    const weight = weightOf(target);
    if (weight <= 0) continue;
    const score = weight / -Math.log((mixed(hash ^ mixed(hashOf(nameOf(target)))) + 0.5) / 0x1_0000_0000);
    if (score <= highest) continue;
    highest = score;
    best = target;
  }
  return best;
}

/** Up to so many targets are compared one by one, in 1.5 us; more stand in groups. Other numbers would move keys. */
const groupless = 512;
const groupCount = 256;

/**
 * Weighted rendezvous hashing of targets that stay the same for many keys. Many are hashed twice: first among groups of
 * them, by the sum of their weights, then within the group. There a target that comes or goes moves up to twice as many
 * keys as it has, and among few of them only its own.
 */
export class Rendezvous<T> {
  readonly #groups: Ranked<Ranked<T>>;

  constructor(targets: readonly T[], nameOf: (target: T) => string, weightOf: (target: T) => number) {
    const count = targets.length > groupless ? groupCount : 1;
    const groups: T[][] = Array.from({ length: count }, () => []);
    const hashes = new Map(targets.map((target) => [target, mixed(hashOf(nameOf(target)))]));
    const hashFor = (target: T) => hashes.get(target) as number;
    for (const target of targets) groups[hashFor(target) % count]?.push(target);
    const ranked = groups.map((group) => new Ranked(group, hashFor, weightOf));
    const used = ranked.filter(({ weight }) => weight > 0);
    this.#groups = new Ranked(
      used,
      (group) => mixed(ranked.indexOf(group) + 1),
      ({ weight }) => weight,
    );
  }

  /** The target of a key; another `attempt` finds another one. Undefined where no weight is above 0. */
  at(key: string, attempt = 0): T | undefined {
    const hash = attempt === 0 ? hashOf(key) : mixed(hashOf(key) + attempt);
    return this.#groups.best(hash)?.best(hash);
  }
}

/** Targets with their hashes and weights, side by side. */
class Ranked<T> {
  readonly weight: number;
  readonly #targets: readonly T[];
  readonly #hashes: Uint32Array;
  readonly #weights: Float64Array;

  constructor(targets: readonly T[], hashFor: (target: T) => number, weightOf: (target: T) => number) {
    this.#targets = targets;
    this.#hashes = Uint32Array.from(targets, hashFor);
    this.#weights = Float64Array.from(targets, weightOf);
    this.weight = this.#weights.reduce((sum, weight) => sum + weight, 0);
  }

  best(hash: number): T | undefined {
    const [hashes, weights] = [this.#hashes, this.#weights];
    let best = -1;
    let highest = 0;
    for (let index = 0; index < weights.length; index++) {
      const share = (mixed(hash ^ (hashes[index] as number)) + 0.5) / 0x1_0000_0000;
      const weight = weights[index] as number;
      // Since -ln(share) is at least 1 - share, most targets need no logarithm, which took most of the time.
      if (weight <= highest * (1 - share)) continue;
      const score = weight / -Math.log(share);
      if (score <= highest) continue;
      highest = score;
      best = index;
    }
    return this.#targets[best];
  }
}

/** murmur3's finalizer: every output bit depends on every input bit, which FNV-1a alone does not ensure. */
function mixed(hash: number): number {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
