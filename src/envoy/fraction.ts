/** Reads the fractions of Envoy's files: shares of calls that are copied, delayed or sent elsewhere. */
import type { Reader } from './reader.js';

/** A share of calls, from 0 to 1, from `{ numerator, denominator }` or `{ value }` in percent; 1 if it is not set. */
export function shareOf(fraction: Reader | undefined): number {
  if (fraction === undefined) return 1;
  const percent = fraction.get('value')?.number();
  if (percent !== undefined) return within(percent / 100);
  const name = fraction.get('denominator')?.enum(['HUNDRED', 'TEN_THOUSAND', 'MILLION']) ?? 'HUNDRED';
  const of = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 }[name];
  return within((fraction.get('numerator')?.count() ?? 0) / of);
}

/** The line on the name of a share in Envoy's runtime. */
export const noRuntime =
  'there is no runtime layer: change the configuration file, which is reloaded when it is watched';

function within(share: number): number {
  return Math.min(1, Math.max(0, share));
}
