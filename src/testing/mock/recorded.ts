/** What reached the wire, as a frozen snapshot. */

import type { Request } from '../../call/message.js';
import { type Call, callOf } from '../../call/record.js';

/** One attempt, as it reached the wire. */
export interface RecordedRequest {
  /** Upper case. */
  readonly method: string;
  /** Full URL. */
  readonly url: string;
  /** Path without query. */
  readonly path: string;
  /** Parameters by name; of several with one name the last. */
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON parsed where the content type says so, else as it was sent. */
  readonly body: unknown;
  /** Number of the attempt within its call, from 1. */
  readonly attempt: number;
  /** `Date.now()` when it reached the wire. */
  readonly at: number;
}

export function recordRequest(request: Request): RecordedRequest {
  const call = callOf(request);
  const url = new URL(call.href);
  const headers = lowerCased(request);
  const recorded = deepFreeze({
    method: call.method,
    url: call.href,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers,
    body: parsedBody(request.data, headers['content-type'] ?? ''),
    attempt: Math.max(1, call.attempts),
    at: Date.now(),
  });
  calls.set(recorded, call);
  return recorded;
}

/** Beside the snapshots, which are plain data that tests compare. */
const calls = new WeakMap<RecordedRequest, Call>();

/** What all attempts of one call have in common. */
export function callOfRecorded(request: RecordedRequest): object {
  return calls.get(request) ?? request;
}

function lowerCased({ headers }: Request): Record<string, string> {
  const entries = Object.entries(headers).filter(
    ([, value]) => value !== undefined && value !== null && value !== false,
  );
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function parsedBody(data: unknown, contentType: string): unknown {
  if (typeof data !== 'string' || !contentType.includes('json')) return data;
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

/** Only plain data is frozen: a stream or Buffer still has to work. */
function deepFreeze<T>(value: T): T {
  const prototype = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== Array.prototype) return value;
  for (const inner of Object.values(value as object)) deepFreeze(inner);
  return Object.freeze(value);
}
