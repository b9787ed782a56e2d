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

/** murmur3's finalizer: every output bit depends on every input bit, which FNV-1a alone does not ensure. */
function mixed(hash: number): number {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
