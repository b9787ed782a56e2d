/** `Retry-After` and the clock of a response. */
import { httpDate, type ServerClock, timeUntil } from './server-clock.js';

/**
 * A header of a response; `name` is in lower case. A foreign transport may return any object, with names in any case.
 */
export function headerOf(headers: unknown, name: string): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const key = Object.keys(headers).find((each) => each.toLowerCase() === name);
  return key === undefined ? undefined : (headers as Record<string, unknown>)[key];
}

/**
 * Milliseconds that a `Retry-After` header asks to wait. It holds seconds or an HTTP date (RFC 9110, 10.2.3), and a
 * date is measured by the `Date` of the response. A date that has passed gives 0; anything else, a negative number too,
 * gives `undefined`.
 */
export function retryAfterOf(headers: unknown, now: number = Date.now()): number | undefined {
  const value = headerOf(headers, 'retry-after');
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const at = httpDate(text);
  return Number.isNaN(at) ? undefined : timeUntil(at, now, clockOf(headers));
}

/** A response's own time: its `Date` and `Age` headers. */
export function clockOf(headers: unknown): ServerClock {
  return { date: headerOf(headers, 'date'), age: headerOf(headers, 'age') };
}
