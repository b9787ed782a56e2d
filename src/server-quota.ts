/** What a server says of how many more requests it takes, in the headers that are in use for it. */
import { headerOf, retryAfter } from './request.js';

export interface ServerQuota {
  /** Requests that it still takes. */
  readonly left: number;
  /** Milliseconds until there are more. */
  readonly resetMs: number;
}

/**
 * `Retry-After` of a 429 or 503; else `RateLimit` (IETF draft, with `r` and `t`, or with `remaining` and `reset` as in its
 * earlier versions), `RateLimit-Remaining` with `RateLimit-Reset`, or `X-RateLimit-*`. What is malformed is ignored.
 */
export function serverQuota(status: number, headers: unknown, now: number = Date.now()): ServerQuota | undefined {
  const pause = status === 429 || status === 503 ? retryAfter(headers, now) : undefined;
  if (pause !== undefined) return { left: 0, resetMs: pause };
  return combined(textOf(headers, 'ratelimit')) ?? separate(headers, now);
}

function textOf(headers: unknown, name: string): string {
  const value = headerOf(headers, name);
  return typeof value === 'string' ? value.slice(0, 1024) : typeof value === 'number' ? String(value) : '';
}

/** Of several policies the one that has the least left, and of those the longest. */
function combined(text: string): ServerQuota | undefined {
  const earlier = quota(/(?:^|[,;]\s*)remaining=(\d+)/.exec(text)?.[1], /(?:^|[,;]\s*)reset=(\d+)/.exec(text)?.[1]);
  if (earlier !== undefined) return earlier;
  const policies = text.split(',').map((policy) => quota(parameter(policy, 'r'), parameter(policy, 't')));
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

function separate(headers: unknown, now: number): ServerQuota | undefined {
  for (const prefix of ['ratelimit', 'x-ratelimit', 'x-rate-limit']) {
    const left = textOf(headers, `${prefix}-remaining`).trim();
    const reset = textOf(headers, `${prefix}-reset`).trim();
    const found = quota(left, reset, now);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Seconds from now; also seconds or milliseconds since 1970, as some servers have it. */
function quota(left: string | undefined, reset: string | undefined, now = 0): ServerQuota | undefined {
  if (left === undefined || reset === undefined || !digits.test(left) || !digits.test(reset)) return undefined;
  const at = Number(reset);
  const resetMs = at >= 1e12 ? at - now : at >= 1e9 ? at * 1000 - now : at * 1000;
  return { left: Number(left), resetMs: Math.max(0, resetMs) };
}

const digits = /^\d{1,15}$/;
