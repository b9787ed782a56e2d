/** Moments of `performance.now()` as times of the wall clock, which somebody may set while the process runs. */

let offset = Number.NaN;

/**
 * The time, as `Date.now()` has it, of a moment of `performance.now()`, by the wall clock as it stands now: all moments that are
 * told together are in order, whatever the clock said when they were noted.
 */
export function wallTime(moment: number): number {
  const now = Date.now() - performance.now();
  // The two clocks drift by parts of a millisecond, which must not give one moment another time at each look.
  if (!(Math.abs(now - offset) < 20)) offset = now;
  return Math.round(offset + moment);
}
