/** Compares two values and describes each difference in one line. */
import { isDeepStrictEqual, types } from 'node:util';
import { isPlain } from '../../call/own.js';

/** Options of a comparison. */
export interface Comparison {
  /** True when additional fields count as a difference. */
  readonly exact: boolean;
  /** Compares two values that are not both objects or both lists. */
  readonly fits: (wanted: unknown, is: unknown) => boolean;
  /** Writes a value in words; `names` are those of the enclosing fields, outermost first. */
  readonly show: (value: unknown, names: readonly string[]) => string;
}

/** The differences as lines such as `body.total is 42, not 43`. */
export function differencesOf(
  wanted: unknown,
  is: unknown,
  at: string,
  how: Comparison,
  within: readonly string[] = [],
): string[] {
  if (isPlain(wanted) && isPlain(is)) {
    const names = new Set([...Object.keys(wanted), ...(how.exact ? Object.keys(is) : [])]);
    return [...names].flatMap((each) =>
      differencesOf(own(wanted, each), own(is, each), `${at}.${each}`, how, [...within, each]),
    );
  }
  if (Array.isArray(wanted) && Array.isArray(is)) {
    if (wanted.length !== is.length) return [`${at} has ${is.length} elements, not ${wanted.length}`];
    return wanted.flatMap((each, index) => differencesOf(each, is[index], `${at}[${index}]`, how, within));
  }
  return how.fits(wanted, is) ? [] : [`${at} is ${how.show(is, within)}, not ${how.show(wanted, within)}`];
}

/**
 * True if `wanted` is a regular expression or matcher (such as `expect.any(String)`) that accepts `is`, or an equal
 * value.
 */
export function fits(wanted: unknown, is: unknown): boolean {
  if (types.isRegExp(wanted)) return typeof is === 'string' && is.search(wanted) >= 0;
  if (isAsymmetric(wanted)) return wanted.asymmetricMatch(is);
  return isDeepStrictEqual(wanted, is);
}

interface AsymmetricMatcher {
  asymmetricMatch(value: unknown): boolean;
}

function isAsymmetric(value: unknown): value is AsymmetricMatcher {
  return typeof (value as AsymmetricMatcher | null | undefined)?.asymmetricMatch === 'function';
}

/** A value in words, cut off after 300 characters. */
export function valueInWords(value: unknown): string {
  if (value === undefined) return 'absent';
  const word = wordOf(value);
  // Regular expressions, bytes and matchers are shown without quotes.
  const text = word !== value ? String(word) : (JSON.stringify(value, (_, inner) => wordOf(inner)) ?? String(value));
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function wordOf(value: unknown): unknown {
  if (types.isRegExp(value) || typeof value === 'bigint') return String(value);
  if (Buffer.isBuffer(value)) return `${value.length} bytes`;
  if (!isAsymmetric(value)) return value;
  const named = value as { toAsymmetricMatcher?(): string };
  return named.toAsymmetricMatcher?.() ?? String(value);
}

/** The candidate with the fewest differences; another path or method counts as ten. */
export function nearestOf<T>(
  all: readonly T[],
  linesOf: (each: T) => string[],
): { each: T; lines: string[] } | undefined {
  const distance = (lines: readonly string[]) =>
    lines.length + 10 * lines.filter((each) => /^(path|method) /.test(each)).length;
  const ranked = all.map((each) => ({ each, lines: linesOf(each) }));
  return ranked.sort((a, b) => distance(a.lines) - distance(b.lines))[0];
}

function own(value: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}
