/** Failures of an upstream, as replies for a script. */
import { Readable } from 'node:stream';
import { seeded } from '../random.js';
import type { HttpReply, Reply } from './replies.js';

/** The same reply so many times: `createMockTransport([...times(2, 503), 200])`. */
export function times(count: number, reply: Reply): Reply[] {
  return Array.from({ length: count }, () => reply);
}

/** How often, and how, something fails. */
export interface FlakyOptions {
  /** Share of requests that fail, from 0 to 1. */
  rate: number;
  /** The same seed makes the same choices; 1 by default. */
  seed?: number;
  /** What a failure is; 503 by default. */
  failure?: Reply;
  /** 200 by default. */
  success?: Reply;
}

/** Fails now and then, in the same order each time: `{ path: '/x', reply: flaky({ rate: 0.1 }) }`. */
export function flaky({ rate, seed = 1, failure = 503, success = 200 }: FlakyOptions): Reply {
  const random = seeded(seed);
  return () => (random() < rate ? failure : success);
}

/** When, and how, something fails. */
export interface OutageOptions {
  /** Milliseconds from now until it begins. */
  from: number;
  /** Milliseconds from now until it is over. */
  to: number;
  /** What happens meanwhile; `ECONNREFUSED` by default. */
  failure?: Reply;
  /** 200 by default. */
  otherwise?: Reply;
}

/** Fails from one time to another, by the clock of the test (`Date.now`, which fake timers move). */
export function outage({ from, to, failure = { error: 'ECONNREFUSED' }, otherwise = 200 }: OutageOptions): Reply {
  const start = Date.now();
  return () => {
    const passed = Date.now() - start;
    return passed >= from && passed < to ? failure : otherwise;
  };
}

/** 503, or another status, that asks to wait for so many seconds. */
export function retryAfter(seconds: number, status = 503): HttpReply {
  return { status, headers: { 'retry-after': String(seconds) } };
}

/** An answer whose body breaks off after so many bytes, as a stream whose connection is lost. Only for `responseType: 'stream'`. */
export function cutOff(data: string | Buffer, bytes: number): Reply {
  return () => {
    const body = Readable.from(
      (async function* () {
        yield Buffer.from(data as string).subarray(0, bytes);
        throw Object.assign(new Error('mocked ECONNRESET'), { code: 'ECONNRESET' });
      })(),
      { objectMode: false },
    );
    return { data: body };
  };
}
