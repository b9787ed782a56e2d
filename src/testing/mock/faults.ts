/** Failures of an upstream, as replies for a script. */
import type { Readable } from 'node:stream';
import { ErrorCode, PillionError } from '../../call/errors.js';
import { seeded } from '../../policies/traffic/random.js';
import type { HttpReply, Reply } from './replies.js';

/**
 * The same reply so many times: `createMockTransport([...times(2, 503), 200])`.
 * @throws PillionError `ERR_CONFIG` where `count` is no whole number
 */
export function times(count: number, reply: Reply): Reply[] {
  check(Number.isInteger(count) && count >= 0, 'times', 'a whole number', count);
  return Array.from({ length: count }, () => reply);
}

/** How often, and how, something fails. */
export interface FlakyOptions {
  /** Share of requests that fail, from 0 to 1. */
  rate: number;
  /** A whole number; the same one makes the same choices. 1 by default. */
  seed?: number;
  /** What a failure is; 503 by default. */
  failure?: Reply;
  /** 200 by default. */
  success?: Reply;
}

/**
 * Fails now and then, in the same order each time: `{ path: '/x', reply: flaky({ rate: 0.1 }) }`.
 * @throws PillionError `ERR_CONFIG` where `rate` is out of range
 */
export function flaky({ rate, seed = 1, failure = 503, success = 200 }: FlakyOptions): Reply {
  check(rate >= 0 && rate <= 1, 'flaky', 'a rate between 0 and 1', rate);
  const random = seeded(seed);
  return () => (random() < rate ? failure : success);
}

/** When, and how, something fails. */
export interface OutageOptions {
  /** Milliseconds from now until it begins; 0: at once. */
  from: number;
  /** Milliseconds from now until it is over; `Infinity`: never. */
  to: number;
  /** What happens meanwhile; `ECONNREFUSED` by default. */
  failure?: Reply;
  /** 200 by default. */
  otherwise?: Reply;
}

/**
 * Fails from one time to another, by the clock of the test (`Date.now`): make it once fake timers are in place.
 * @throws PillionError `ERR_CONFIG` where it would end before it begins
 */
export function outage({ from, to, failure = { error: 'ECONNREFUSED' }, otherwise = 200 }: OutageOptions): Reply {
  check(from >= 0 && to > from, 'outage', 'milliseconds, from before to', `${from} and ${to}`);
  const start = Date.now();
  return () => {
    const passed = Date.now() - start;
    return passed >= from && passed < to ? failure : otherwise;
  };
}

/**
 * 503, or another status, that asks to wait for so many seconds (`Retry-After`, RFC 9110, 10.2.3).
 * @throws PillionError `ERR_CONFIG` where `seconds` is no whole number
 */
export function retryAfter(seconds: number, status = 503): HttpReply {
  check(Number.isInteger(seconds) && seconds >= 0, 'retryAfter', 'a whole number of seconds', seconds);
  return { status, headers: { 'retry-after': String(seconds) } };
}

/**
 * An answer whose connection is lost after so many bytes of its body: a stream breaks off there, a call that wants all of it
 * fails with `ECONNRESET`.
 * @throws PillionError `ERR_CONFIG` where `bytes` is no whole number
 */
export function cutOff(data: string | Buffer | Readable, bytes: number): HttpReply {
  check(Number.isInteger(bytes) && bytes >= 0, 'cutOff', 'a whole number of bytes', bytes);
  return { data, resetAfterBytes: bytes };
}

function check(holds: boolean, what: string, expected: string, is: unknown): void {
  if (!holds) throw new PillionError(ErrorCode.CONFIG, `Bad ${what}: expected ${expected}, got ${String(is)}.`);
}
