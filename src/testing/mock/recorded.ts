/** Records attempts as frozen snapshots. */

import type { Request } from '../../call/message.js';
import { isPlain } from '../../call/own.js';
import { processWide } from '../../call/process-wide.js';
import type { Call } from '../../call/record.js';
import { callOf } from '../../call/request.js';

/** One attempt as it reached the transport. */
export interface RecordedRequest {
  /** HTTP method, in upper case. */
  readonly method: string;
  /** Full URL with query. */
  readonly url: string;
  /** Path without query. */
  readonly path: string;
  /** Query parameters by name; the last of several with the same name. */
  readonly query: Readonly<Record<string, string>>;
  /** Headers, with names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body; JSON is parsed if the content type is JSON. */
  readonly body: unknown;
  /** Number of the attempt within its call, from 1. */
  readonly attempt: number;
  /** `Date.now()` when the attempt reached the transport. */
  readonly at: number;
}

/** Takes a snapshot of a request at the transport. */
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

/** The call of each snapshot; kept outside of it, because tests compare snapshots as plain data. */
const calls = processWide('recorded calls', () => new WeakMap<RecordedRequest, Call>());

/** An object that is the same for all attempts of one call. */
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

/** Freezes plain objects and arrays only, because a frozen stream or Buffer would not work. */
function deepFreeze<T>(value: T): T {
  if (!isPlain(value) && !Array.isArray(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
