/** The part of a configuration that is well, so that warnings need not wait until the rest is mended. */

import { type Config, namelessSchema } from '../../client/config/config.js';
import type { OptionFault } from '../../options/options.js';
import type { Path } from './document.js';
import { copyOf } from './merged.js';

/** A configuration without the options that are wrong, and where these were. */
export interface WellPart {
  readonly config: Omit<Config, 'name'>;
  readonly without: readonly Path[];
}

/** Undefined where nothing sensible is left. */
export function wellPart(options: Record<string, unknown>, faults: readonly OptionFault[]): WellPart | undefined {
  const part = copyOf(options) as Record<string, unknown>;
  const without: Path[] = [];
  let wrong: readonly Path[] = faults.map(({ path }) => path);
  // A list or section without what it needs goes as a whole in the next round.
  for (let round = 0; round < 5; round++) {
    for (const path of wrong) without.push(takeOut(part, path));
    const result = namelessSchema.safeParse(part);
    if (result.success) return { config: result.data, without };
    wrong = result.error.issues.map(({ path, ...issue }) =>
      issue.code === 'unrecognized_keys' ? [...path, ...issue.keys.slice(0, 1)] : path,
    );
  }
  return undefined;
}

/** The option at a path, or what is around it where it is part of a list or not there at all; returns what went. */
function takeOut(part: Record<string, unknown>, path: Path): Path {
  const item = path.findIndex((key) => typeof key === 'number');
  const whole = item < 0 ? path : path.slice(0, item);
  for (let length = whole.length; length > 0; length--) {
    let holder: unknown = part;
    for (const key of whole.slice(0, length - 1)) holder = (holder as Record<PropertyKey, unknown> | undefined)?.[key];
    const key = whole[length - 1] as string;
    if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, key)) continue;
    delete (holder as Record<string, unknown>)[key];
    return whole.slice(0, length);
  }
  return [];
}
