/** The time limits that a call sets for itself: `timeouts`, and axios's `timeout`. */
import { AxiosError } from 'axios';
import { z } from 'zod';
import type { Request } from '../../call/message.js';
import { nothing } from '../../call/own.js';
import { type Call, carriedCall } from '../../call/record.js';
import { type Duration, duration, parseOptions } from '../../options/options.js';

declare module 'axios' {
  // biome-ignore lint/suspicious/noExplicitAny: an augmentation repeats the generics of what it augments.
  interface AxiosRequestConfig<D = any, P = any> {
    /** Other `total` or `attempt` timeouts for this call; `false`: none. axios's `timeout` can still shorten the call. */
    timeouts?: { total?: Duration | false; attempt?: Duration | false };
  }
}

const limit = duration({ min: 1 }).or(z.literal(false)).optional();
const timeoutsOption = z.strictObject({ total: limit, attempt: limit });

type CallTimeouts = z.output<typeof timeoutsOption>;

const none: CallTimeouts = nothing();

/** Parsed once, though each attempt of a call asks. */
const known = new WeakMap<Call, CallTimeouts>();

/**
 * The timeouts that a call sets for itself, in milliseconds.
 * @throws PillionError ERR_CONFIG
 */
export function callTimeouts(request: Request): CallTimeouts {
  const { timeouts } = request;
  if (timeouts === undefined) return none;
  const call = carriedCall(request);
  const before = call && known.get(call);
  if (before !== undefined) return before;
  const parsed = parseOptions(timeoutsOption, timeouts, 'the call option timeouts', ['timeouts']);
  if (call !== undefined) known.set(call, parsed);
  return parsed;
}

/**
 * Milliseconds of axios's own `timeout`; undefined where there is none. As with axios, a string of digits is taken too.
 * @throws AxiosError ERR_BAD_OPTION_VALUE
 */
export function timeoutOf(request: Request): number | undefined {
  const { timeout } = request;
  if (!timeout) return undefined;
  const ms = typeof timeout === 'number' ? timeout : Number.parseInt(String(timeout), 10);
  if (!Number.isNaN(ms)) return ms > 0 ? ms : undefined;
  const message = 'error trying to parse `config.timeout` to int';
  throw new AxiosError(message, AxiosError.ERR_BAD_OPTION_VALUE, request);
}
