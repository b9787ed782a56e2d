/** Reads from response headers how many more requests a server accepts, in all the formats in common use. */
import { clockOf, headerOf, retryAfterOf } from '../../call/retry-after.js';
import { httpDate, timeUntil } from '../../call/server-clock.js';

export interface ServerQuota {
  /** Requests that the server still accepts in the current window. */
  readonly left: number;
  /** Milliseconds until the window resets. */
  readonly resetMs: number;
}

/**
 * Reads `Retry-After` of a 429 or 503; else `RateLimit` (IETF draft, with `r` and `t`, or with `remaining` and `reset`
 * as in earlier versions), `RateLimit-Remaining` with `RateLimit-Reset`, or `X-RateLimit-*`. Dates are compared with
 * the `Date` header of the response, not with the local clock. Malformed values are ignored; undefined where no header
 * is usable.
 */
export function serverQuota(status: number, headers: unknown, now: number = Date.now()): ServerQuota | undefined {
  const pause = status === 429 || status === 503 ? retryAfterOf(headers, now) : undefined;
  if (pause !== undefined) return { left: 0, resetMs: pause };
  const until = (at: number) => timeUntil(at, now, clockOf(headers));
  return combined(textOf(headers, 'ratelimit'), until) ?? separate(headers, until);
}

function textOf(headers: unknown, name: string): string {
  const value = headerOf(headers, name);
  return typeof value === 'string' ? value.slice(0, 1024) : typeof value === 'number' ? String(value) : '';
}

/**
 * Reads `RateLimit`; of several policies returns the one with the least left, and of equals the one that resets last.
 */
function combined(text: string, until: Until): ServerQuota | undefined {
  const remaining = /(?:^|[,;]\s*)remaining=(\d+)/.exec(text)?.[1];
  const earlier = quota(remaining, /(?:^|[,;]\s*)reset=(\d+)/.exec(text)?.[1], until);
  if (earlier !== undefined) return earlier;
  const policies = text.split(',').map((policy) => quota(parameter(policy, 'r'), parameter(policy, 't'), until));
  const known = policies.filter((each) => each !== undefined);
  return known.sort((a, b) => a.left - b.left || b.resetMs - a.resetMs)[0];
}

function parameter(policy: string, name: string): string | undefined {
  for (const part of policy.split(';').slice(1)) {
    const [key, value] = part.split('=');
    if (key?.trim() === name) return value?.trim();
  }
  return undefined;
}

function separate(headers: unknown, until: Until): ServerQuota | undefined {
  for (const prefix of ['ratelimit', 'x-ratelimit', 'x-rate-limit']) {
    const left = textOf(headers, `${prefix}-remaining`).trim();
    const reset = textOf(headers, `${prefix}-reset`).trim();
    const found = quota(left, reset, until);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Milliseconds until a date of the server's, in milliseconds since 1970. */
type Until = (at: number) => number;

function quota(left: string | undefined, reset: string | undefined, until: Until): ServerQuota | undefined {
  const resetMs = left !== undefined && digits.test(left) && reset !== undefined ? timeOf(reset, until) : Number.NaN;
  return Number.isNaN(resetMs) ? undefined : { left: Number(left), resetMs };
}

const digits = /^\d{1,15}$/;
const fractionalEpoch = /^\d{10}\.\d{1,9}$/;
const isoDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

/**
 * Milliseconds until the reset: servers send seconds from now, seconds or milliseconds since 1970, or a date. NaN for
 * anything else.
 */
function timeOf(reset: string, until: Until): number {
  if (isoDate.test(reset)) return until(Date.parse(reset));
  if (!digits.test(reset) && !fractionalEpoch.test(reset)) return until(httpDate(reset));
  const at = Number(reset);
  if (at < 1e9) return at * 1000;
  return until(at >= 1e12 ? at : at * 1000);
}
