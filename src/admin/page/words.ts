/** Numbers, durations and times as the page says them; times are in the reader's zone. */

export function number(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 });
}

export function counted(value: number, one: string, many: string): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function ms(value: number | null): string {
  if (value === null) return '–';
  return value < 1000 ? `${number(value)} ms` : `${number(value / 1000)} s`;
}

/** A part of a whole; neither 0 % nor 100 % is said of what is only near it. */
export function percent(part: number, whole: number): string {
  if (part <= 0) return '0 %';
  if (part >= whole) return '100 %';
  const value = (part / whole) * 100;
  if (value < 1) return 'less than 1 %';
  return value > 99 ? 'more than 99 %' : `${Math.round(value)} %`;
}

/** How long something lasts. Whole minutes from two minutes on, so that a text that is being read changes seldom. */
export function span(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 > 0 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} days`;
}

/** The time of day, with the date where it is another day than `now`. */
export function clock(at: number, now: number): string {
  const time = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const shown = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  if (time.toDateString() === new Date(now).toDateString()) return shown;
  return `${time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })} ${shown}`;
}

/** "03:12:04 (4 min)": since when something lasts. */
export function since(at: number, now: number): string {
  return `${clock(at, now)} (${span(now - at)})`;
}

/** "03:12:04 (4 min ago)". */
export function ago(at: number, now: number): string {
  return now - at < 1000 ? `${clock(at, now)} (just now)` : `${clock(at, now)} (${span(now - at)} ago)`;
}

/** "03:27:04 (in 11 min)". */
export function ahead(at: number, now: number): string {
  const left = at - now;
  // Rounded up: what was set for 15 minutes is not told as 14 a second later.
  const whole = left < 120_000 ? left : Math.ceil(left / 60_000) * 60_000;
  return left < 1000 ? `${clock(at, now)} (now)` : `${clock(at, now)} (in ${span(whole)})`;
}

/** "payments", "payments and users", "payments, users and 3 more". */
export function listed(names: readonly string[], most = 3): string {
  const shown = names.length > most + 1 ? names.slice(0, most) : names;
  const rest = names.length - shown.length;
  const parts = rest > 0 ? [...shown, `${rest} more`] : shown;
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** The reader's zone, such as "Europe/Berlin, UTC+1". */
export function zone(now: number): string {
  const minutes = -new Date(now).getTimezoneOffset();
  const hours = `${minutes < 0 ? '−' : '+'}${Math.floor(Math.abs(minutes) / 60)}`;
  const rest = Math.abs(minutes) % 60;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const offset = minutes === 0 ? 'UTC' : `UTC${hours}${rest > 0 ? `:${String(rest).padStart(2, '0')}` : ''}`;
  return name === undefined || name === offset ? offset : `${name}, ${offset}`;
}
