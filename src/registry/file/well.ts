/**
 * Extracts the valid part of a configuration, so that `pillion check` can warn about it before the errors are fixed.
 */

import { type Config, namelessSchema } from '../../client/config/config.js';
import type { OptionFault } from '../../options/options.js';
import type { Path } from './document.js';
import { copyOf } from './merged.js';

/** A configuration without its invalid options, and the paths of the options left out. */
export interface WellPart {
  readonly config: Omit<Config, 'name'>;
  readonly without: readonly Path[];
}

/** Removes invalid options until the rest is valid; undefined if it is still invalid after five rounds. */
export function wellPart(options: Record<string, unknown>, faults: readonly OptionFault[]): WellPart | undefined {
  const part = copyOf(options) as Record<string, unknown>;
  const without: Path[] = [];
  let wrong: readonly Path[] = faults.map(({ path }) => path);
  // A section that has lost a required option is removed as a whole in the next round.
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

/**
 * Removes the option at a path. For an item of a list the whole list is removed, for an option that is not set the
 * nearest enclosing part. Returns the path that was removed.
 */
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
