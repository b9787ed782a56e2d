/** Times that a server names, measured by the server's own clock where it sends one, since ours may be an hour off. */

/** The three date formats of RFC 9110, 5.6.7. Date.parse alone would take "-1", "2" and "Monday 5" for dates. */
const dateFormats = [
  /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^\w{6,9}, \d{2}-\w{3}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /^\w{3} \w{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
];

const day = 86_400_000;

/** Milliseconds since 1970 of an HTTP date; NaN for anything else. */
export function httpDate(text: string): number {
  return dateFormats.some((format) => format.test(text)) ? Date.parse(asGmt(text)) : Number.NaN;
}

/** The last of the three formats, that of C's asctime, is in GMT without saying so. */
function asGmt(date: string): string {
  return date.endsWith('GMT') ? date : `${date} GMT`;
}

/** A response's own time: its `Date`, and how long ago a cache received it from its origin (`Age`). */
export interface ServerClock {
  readonly date: unknown;
  readonly age: unknown;
}

/**
 * Milliseconds until a time that a response names, 0 where it has passed; `now` is our own clock's. It is measured by
 * the `Date` of the response, unless that lies more than a day from the named time and our own clock is nearer: then
 * the two times were hardly set by the same clock.
 */
export function timeUntil(at: number, now: number, { date, age }: ServerClock): number {
  const sent = typeof date === 'string' ? httpDate(date.trim()) : Number.NaN;
  const theirs = at - (sent + ageOf(age));
  const ours = at - now;
  const trusted = Math.abs(theirs) <= day || Math.abs(theirs) <= Math.abs(ours);
  return Math.max(0, trusted ? theirs : ours);
}

/** `Age` in milliseconds, a day at most: a higher value is a mistake, or no longer worth obeying. */
function ageOf(age: unknown): number {
  const text = typeof age === 'string' ? age.trim() : '';
  return /^\d{1,5}$/.test(text) ? Math.min(Number(text) * 1000, day) : 0;
}
