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
 * it is compared in place of the last one. So there is no length at which a list moves all of them. Targets that weigh
 * more than a 384th of all are compared with every key, with the share of their weight that the 384 are of the others.
 */
export class Rendezvous<T> {
  readonly #targets: readonly T[];
  readonly #hashes: Uint32Array;
  readonly #weights: Float64Array;
  /** How many of them are compared with every key: the first ones. */
  readonly #heavy: number;
  /** Each is made by its first key. */
  readonly #rings: Ring[] = [];

  constructor(targets: readonly T[], nameOf: (target: T) => string, weightOf: (target: T) => number) {
    const weighty = targets.filter((target) => weightOf(target) > 0);
    const total = weighty.reduce((sum, target) => sum + weightOf(target), 0);
    const many = weighty.length > compared;
    const isHeavy = (target: T) => many && weightOf(target) * compared > total;
    const heavy = weighty.filter(isHeavy);
    this.#heavy = heavy.length;
    this.#targets = many ? [...heavy, ...weighty.filter((target) => !isHeavy(target))] : weighty;
    this.#hashes = Uint32Array.from(this.#targets, (target) => mixed(hashOf(nameOf(target))));
    const scale = Math.min(1, compared / (weighty.length - heavy.length));
    this.#weights = Float64Array.from(this.#targets, weightOf).map((weight, index) =>
      index < heavy.length ? weight * scale : weight,
    );
  }

  /** The target of a key; another `attempt` finds another one. Undefined where no weight is above 0. */
  at(key: string, attempt = 0): T | undefined {
    const hash = attempt === 0 ? hashOf(key) : mixed(hashOf(key) + attempt);
    const count = this.#targets.length;
    const heavy = this.#heavy;
    const place = mixed(hash ^ 0x9e3779b9);
    const number = count > compared ? place % ringCount : 0;
    this.#rings[number] ??= new Ring(this.#hashes, this.#weights, heavy, mixed(number + 1));
    const { hashes, weights, owners } = this.#rings[number];
    const start = count > compared ? this.#rings[number].after(place) : 0;
    let best = -1;
    let highest = 0;
    const others = Math.min(count - heavy, compared);
    let at = 0;
    for (let left = heavy + others; left > 0; left--, at++) {
      if (left === others) at = start;
      if (at === count) at = heavy;
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

/** The heavy targets, then the others in the order of their places, with hashes and weights side by side. */
class Ring {
  readonly hashes: Uint32Array;
  readonly weights: Float64Array;
  /** Numbers of the targets. */
  readonly owners: Uint32Array;
  readonly #heavy: number;
  readonly #places: Uint32Array;

  constructor(hashes: Uint32Array, weights: Float64Array, heavy: number, salt: number) {
    // Place and number in one, as numbers are sorted ten times faster than pairs.
    const placeOf = (hash: number, owner: number) => (owner < heavy ? 0 : mixed(hash ^ salt)) * 0x10_0000 + owner;
    const numbered = Float64Array.from(hashes, placeOf);
    numbered.subarray(heavy).sort();
    this.#heavy = heavy;
    this.#places = Uint32Array.from(numbered, (each) => Math.floor(each / 0x10_0000));
    this.owners = Uint32Array.from(numbered, (each) => each % 0x10_0000);
    this.hashes = this.owners.map((owner) => hashes[owner] as number);
    this.weights = Float64Array.from(this.owners, (owner) => weights[owner] as number);
  }

  /** The first target at this place or after it that is not heavy. */
  after(place: number): number {
    let [low, high] = [this.#heavy, this.#places.length];
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
