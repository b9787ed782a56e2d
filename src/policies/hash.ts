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

/** So many targets are compared for one key, in less than 2 us. Another number would move keys among more of them. */
const compared = 384;
/** As one ring for all keys would give some targets a twentieth too much. */
const ringCount = 8;

/**
 * Weighted rendezvous hashing of targets that stay the same for many keys. Of more than 384 the key is compared with the 384
 * that follow its place on a ring. One that comes takes keys as among few, and moves at most as many again: those for which
 * it is compared in place of the last one. So the 385th moves hardly more keys than the 384th did.
 */
export class Rendezvous<T> {
  readonly #targets: readonly T[];
  readonly #hashes: Uint32Array;
  readonly #weights: Float64Array;
  /** Each is made by its first key. */
  readonly #rings: Ring[] = [];

  constructor(targets: readonly T[], nameOf: (target: T) => string, weightOf: (target: T) => number) {
    this.#targets = targets.filter((target) => weightOf(target) > 0);
    this.#hashes = Uint32Array.from(this.#targets, (target) => mixed(hashOf(nameOf(target))));
    this.#weights = Float64Array.from(this.#targets, weightOf);
  }

  /** The target of a key; another `attempt` finds another one. Undefined where no weight is above 0. */
  at(key: string, attempt = 0): T | undefined {
    const hash = attempt === 0 ? hashOf(key) : mixed(hashOf(key) + attempt);
    const count = this.#targets.length;
    const place = mixed(hash ^ 0x9e3779b9);
    const number = count > compared ? place % ringCount : 0;
    this.#rings[number] ??= new Ring(this.#hashes, this.#weights, mixed(number + 1));
    const { hashes, weights, owners } = this.#rings[number];
    let at = count > compared ? this.#rings[number].after(place) : 0;
    let best = -1;
    let highest = 0;
    for (let left = Math.min(count, compared); left > 0; left--, at++) {
      if (at === count) at = 0;
      const share = (mixed(hash ^ (hashes[at] as number)) + 0.5) / 0x1_0000_0000;
      const weight = weights[at] as number;
      // Since -ln(share) is at least 1 - share, most targets need no logarithm, which took most of the time.
      if (weight <= highest * (1 - share)) continue;
      const score = weight / -Math.log(share);
      if (score <= highest) continue;
      highest = score;
      best = at;
    }
    return this.#targets[owners[best] as number];
  }
}

/** The targets in the order of their places, with their hashes and weights side by side. */
class Ring {
  readonly hashes: Uint32Array;
  readonly weights: Float64Array;
  /** Numbers of the targets. */
  readonly owners: Uint32Array;
  readonly #places: Uint32Array;

  constructor(hashes: Uint32Array, weights: Float64Array, salt: number) {
    // Place and number in one, as numbers are sorted ten times faster than pairs.
    const numbered = Float64Array.from(hashes, (hash, owner) => mixed(hash ^ salt) * 0x10_0000 + owner).sort();
    this.#places = Uint32Array.from(numbered, (each) => Math.floor(each / 0x10_0000));
    this.owners = Uint32Array.from(numbered, (each) => each % 0x10_0000);
    this.hashes = this.owners.map((owner) => hashes[owner] as number);
    this.weights = Float64Array.from(this.owners, (owner) => weights[owner] as number);
  }

  /** The first target at this place or after it. */
  after(place: number): number {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle] as number) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** murmur3's finalizer: every output bit depends on every input bit, which FNV-1a alone does not ensure. */
function mixed(hash: number): number {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
