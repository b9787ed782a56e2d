/** What a seed decides. One call's chance hangs on nothing but the seed and its number, so it can be looked at alone. */
import { seeded } from '../sim/chance.mjs';

export function chanceOf(seed, index = 0) {
  const random = seeded(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const below = (limit) => Math.floor(random() * limit);
  return {
    random,
    below,
    between: (low, high) => low + below(high - low + 1),
    often: (share) => random() < share,
    pick: (list) => list[below(list.length)],
    /** A name, as often as its weight says. */
    weighted(weights) {
      const entries = Object.entries(weights);
      let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) return name;
      }
      return entries.at(-1)[0];
    },
  };
}
