/** Failures of an upstream, as replies for a mock transport. */
import type { Readable } from 'node:stream';
import { ErrorCode, PillionError } from '../../call/errors.js';
import { seeded } from '../../policies/traffic/random.js';
import type { HttpReply, Reply } from './replies.js';

/**
 * The same reply `count` times: `createMockTransport([...times(2, 503), 200])`.
 * @throws PillionError `ERR_CONFIG` if `count` is not a whole number of at least 0
 */
export function times(count: number, reply: Reply): Reply[] {
  check(Number.isInteger(count) && count >= 0, 'times', 'a whole number', count);
  return Array.from({ length: count }, () => reply);
}

/** Options of `flaky`. */
export interface FlakyOptions {
  /** Share of requests that fail, from 0 to 1. */
  rate: number;
  /** Seed of the random choices, a whole number; the same seed makes the same choices. Default: 1. */
  seed?: number;
  /** Reply of a failed request. Default: 503. */
  failure?: Reply;
  /** Reply of other requests. Default: 200. */
  success?: Reply;
}

/**
 * A reply that fails at random, in the same order on each run: `{ path: '/x', reply: flaky({ rate: 0.1 }) }`.
 * @throws PillionError `ERR_CONFIG` if `rate` is not between 0 and 1
 */
export function flaky({ rate, seed = 1, failure = 503, success = 200 }: FlakyOptions): Reply {
  check(rate >= 0 && rate <= 1, 'flaky', 'a rate between 0 and 1', rate);
  const random = seeded(seed);
  return () => (random() < rate ? failure : success);
}

/** Options of `outage`. */
export interface OutageOptions {
  /** Milliseconds from now until the outage begins; 0 begins it at once. */
  from: number;
  /** Milliseconds from now until the outage ends; `Infinity` never ends it. */
  to: number;
  /** Reply during the outage. Default: `ECONNREFUSED`. */
  failure?: Reply;
  /** Reply before and after the outage. Default: 200. */
  otherwise?: Reply;
}

/**
 * A reply that fails during a period of time. It reads `Date.now`, so call it after fake timers are installed.
 * @throws PillionError `ERR_CONFIG` if `from` is negative or `to` is not after `from`
 */
export function outage({ from, to, failure = { error: 'ECONNREFUSED' }, otherwise = 200 }: OutageOptions): Reply {
  check(from >= 0 && to > from, 'outage', 'milliseconds with 0 <= from < to', `${from} and ${to}`);
  const start = Date.now();
  return () => {
    const passed = Date.now() - start;
    return passed >= from && passed < to ? failure : otherwise;
  };
}

/**
 * A reply with a status, 503 by default, and a `Retry-After` header in seconds (RFC 9110, 10.2.3).
 * @throws PillionError `ERR_CONFIG` if `seconds` is not a whole number of at least 0
 */
export function retryAfter(seconds: number, status = 503): HttpReply {
  check(Number.isInteger(seconds) && seconds >= 0, 'retryAfter', 'a whole number of seconds', seconds);
  return { status, headers: { 'retry-after': String(seconds) } };
}

/**
 * A reply whose connection is lost after `bytes` bytes of its body: a streamed body breaks off there, any other call
 * fails with `ECONNRESET`.
 * @throws PillionError `ERR_CONFIG` if `bytes` is not a whole number of at least 0
 */
export function cutOff(data: string | Buffer | Readable, bytes: number): HttpReply {
  check(Number.isInteger(bytes) && bytes >= 0, 'cutOff', 'a whole number of bytes', bytes);
  return { data, resetAfterBytes: bytes };
}

function check(holds: boolean, what: string, expected: string, is: unknown): void {
  if (!holds)
    throw new PillionError(ErrorCode.CONFIG, `Bad argument of ${what}: expected ${expected}, got ${String(is)}.`);
}
