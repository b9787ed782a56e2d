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

/** Another number of rings or of probes would move keys. More of either make the shares of keys more even. */
const ringCount = 64;
const probeCount = 16;

/**
 * Weighted multi-probe hashing of targets that stay the same for many keys, at a cost that hardly grows with their number.
 * Each target has one point on a ring and each key some; the target that follows one of them at the shortest distance for
 * its weight has the key. That distance is the target's own, so one that comes or goes moves its own keys and no others.
 * Shares differ from the weights by 2 or 3 % of them; there are several rings, for different keys, as one would have it
 * differ by more.
 */
export class MultiProbe<T> {
  /** In the order of their hashes, so that their place does not depend on that of the list. */
  readonly #targets: readonly T[];
  readonly #hashes: Uint32Array;
  readonly #weights: Float64Array;
  readonly #heaviest: number;
  /** Each is made by its first key. */
  readonly #rings: Ring[] = [];

  constructor(targets: readonly T[], nameOf: (target: T) => string, weightOf: (target: T) => number) {
    const hashed = targets
      .filter((target) => weightOf(target) > 0)
      .map((target) => ({ target, hash: mixed(hashOf(nameOf(target))) }))
      .sort((a, b) => a.hash - b.hash);
    this.#targets = hashed.map(({ target }) => target);
    this.#hashes = Uint32Array.from(hashed, ({ hash }) => hash);
    this.#weights = Float64Array.from(this.#targets, weightOf);
    this.#heaviest = this.#weights.reduce((most, weight) => Math.max(most, weight), 0);
  }

  /** The target of a key; another `attempt` finds another one. Undefined where no weight is above 0. */
  at(key: string, attempt = 0): T | undefined {
    const hash = mixed(hashOf(key) + attempt);
    const number = hash % ringCount;
    this.#rings[number] ??= new Ring(this.#hashes, mixed(number + 1));
    const { points, owners, starts, shift } = this.#rings[number];
    const weights = this.#weights;
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let probe = 1; probe <= probeCount; probe++) {
      const from = mixed(hash + Math.imul(probe, 0x9e3779b9));
      let at = starts[from >>> shift] as number;
      while (at < points.length && (points[at] as number) < from) at++;
      for (let seen = 0; seen < points.length; seen++, at++) {
        if (at === points.length) at = 0;
        const distance = (((points[at] as number) - from) >>> 0) / 0x1_0000_0000;
        if (distance >= least * this.#heaviest) break;
        const owner = owners[at] as number;
        const weight = weights[owner] as number;
        // By the logarithm, without which the heavy ones of few targets would get too much.
        const cost = distance < least * weight ? -Math.log1p(-distance) / weight : Number.POSITIVE_INFINITY;
        if (cost >= least) continue;
        least = cost;
        best = owner;
      }
    }
    return this.#targets[best];
  }
}

/** The points of the targets in their order, each with the number of its target. */
class Ring {
  readonly points: Uint32Array;
  readonly owners: Uint32Array;
  /** Of each part of the ring, the first point in it or after it. There are about as many parts as points. */
  readonly starts: Uint32Array;
  /** Bits of a point beside the number of its part. */
  readonly shift: number;

  constructor(hashes: Uint32Array, salt: number) {
    this.shift = Math.min(31, Math.clz32(hashes.length));
    const count = 2 ** (32 - this.shift);
    const numbered = Float64Array.from(hashes, (hash, owner) => mixed(hash ^ salt) * 0x10_0000 + owner).sort();
    this.points = Uint32Array.from(numbered, (each) => Math.floor(each / 0x10_0000));
    this.owners = Uint32Array.from(numbered, (each) => each % 0x10_0000);
    this.starts = new Uint32Array(count);
    let at = 0;
    for (let part = 0; part < count; part++) {
      while (at < numbered.length && (this.points[at] as number) >>> this.shift < part) at++;
      this.starts[part] = at;
    }
  }
}

/** murmur3's finalizer: every output bit depends on every input bit, which FNV-1a alone does not ensure. */
function mixed(hash: number): number {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
