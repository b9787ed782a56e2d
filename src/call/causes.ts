/** The chain of an error and its causes. */

/** Deeper chains are cut off: `cause` may lead in a circle. */
const deepest = 10;

/** The first value other than undefined that `find` returns for the error, its cause, the cause of that, and so on. */
export function inCauses<Found>(error: unknown, find: (error: object) => Found | undefined): Found | undefined {
  let at: unknown = error;
  for (let depth = 0; depth <= deepest && typeof at === 'object' && at !== null; depth++) {
    const found = find(at);
    if (found !== undefined) return found;
    at = (at as { cause?: unknown }).cause;
  }
  return undefined;
}
