/** The time limits that a single call sets: the option `timeouts`, and axios's `timeout`. */
import { AxiosError } from 'axios';
import { z } from 'zod';
import type { Request } from '../../call/message.js';
import { nothing, ownOf, ownValue } from '../../call/own.js';
import type { Call } from '../../call/record.js';
import { callOf, carriedCall, routeOption } from '../../call/request.js';
import { type Duration, duration } from '../../options/duration.js';
import { parseOptions, rule } from '../../options/options.js';

declare module 'axios' {
  // biome-ignore lint/suspicious/noExplicitAny: an augmentation repeats the generics of what it augments.
  interface AxiosRequestConfig<D = any, P = any> {
    /**
     * Overrides `timeouts.total` or `timeouts.attempt` of the client for this call, in milliseconds or as a string such
     * as `'2s'`; `false`: no limit. axios's `timeout` can still shorten the call, and it replaces both limits where
     * neither the configuration nor the call sets them.
     */
    timeouts?: { total?: Duration | false; attempt?: Duration | false };
  }
}

const limit = z.lazy(() => duration({ min: 1 }).or(z.literal(false)).optional());
const timeoutsOption = z.lazy(() => z.strictObject({ total: limit, attempt: limit }));

type Limit = number | false | undefined;

/** False where `attempt` is longer than `total`, or than `standard` where `total` is not set. */
export function attemptFits(given: { total?: Limit; attempt?: Limit }, standard: number | false): boolean {
  const { total = standard, attempt = false } = ownOf(given);
  return total === false || attempt === false || attempt <= total;
}

export const attemptRule = rule(
  ['total', 'attempt'],
  ['attempt'],
  'must not be longer than timeouts.total, or no attempt could ever reach it',
);

/** The limits that a route sets for its calls. */
export const routeTimeouts = z.lazy(() =>
  z
    .strictObject({
      total: limit.describe('Time limit of the whole call; `false`: no limit. Default: `timeouts.total`.'),
      attempt: limit.describe('Time limit of one attempt; `false`: no limit. Default: `timeouts.attempt`.'),
      idle: limit.describe(
        'Time limit without a byte in either direction; `false`: no limit. Default: `timeouts.idle`.',
      ),
    })
    .refine((given) => attemptFits(given, false), attemptRule),
);

type CallTimeouts = z.output<typeof timeoutsOption>;

const none: CallTimeouts = nothing();

/** Parsed timeouts by call: every attempt reads them, but they are parsed only once. */
const known = new WeakMap<Call, CallTimeouts>();

/**
 * The timeouts that a single call sets, or its route, in milliseconds.
 * @throws PillionError `ERR_CONFIG` for a bad `timeouts` option of the call
 */
export function callTimeouts(request: Request): CallTimeouts {
  const { timeouts } = request;
  const ofRoute = routeOption(request, 'timeouts') as CallTimeouts | undefined;
  if (timeouts === undefined) return ofRoute ?? none;
  const call = carriedCall(request);
  const before = call && known.get(call);
  if (before !== undefined) return before;
  const own = parseOptions(timeoutsOption, timeouts, 'the call option timeouts', ['timeouts']);
  const { total = ofRoute?.total, attempt = ofRoute?.attempt } = own;
  const parsed = ofRoute === undefined ? own : { total, attempt };
  if (call !== undefined) known.set(call, parsed);
  return parsed;
}

/**
 * Milliseconds of axios's own `timeout`; undefined where it is not set. Like axios, accepts a string of digits too.
 * @throws AxiosError `ERR_BAD_OPTION_VALUE` for a value that is not a number
 */
export function timeoutOf(request: Request): number | undefined {
  const { timeout } = request;
  if (!timeout) return undefined;
  const ms = typeof timeout === 'number' ? timeout : Number.parseInt(String(timeout), 10);
  if (!Number.isNaN(ms)) return ms > 0 ? ms : undefined;
  const message = 'error trying to parse `config.timeout` to int';
  throw new AxiosError(message, AxiosError.ERR_BAD_OPTION_VALUE, request);
}

/** The option that set a limit, in words for the message of the error that reports it. */
export function limitName(name: 'total' | 'attempt', request: Request, isDefault: boolean): string {
  if (ownValue(request.timeouts, name) !== undefined) return `the call's timeouts.${name}`;
  if (callTimeouts(request)[name] !== undefined) return `${callOf(request).route?.place}.timeouts.${name}`;
  return isDefault ? `the default of timeouts.${name}` : `timeouts.${name}`;
}

/** The error of axios for a request that its own `timeout` has ended, with the code and the message of axios. */
export function timeoutError(request: Request): AxiosError {
  const { timeout, transitional } = request;
  const message = ownValue(request, 'timeoutErrorMessage') as string | undefined;
  const code = ownValue(transitional, 'clarifyTimeoutError') ? AxiosError.ETIMEDOUT : AxiosError.ECONNABORTED;
  return new AxiosError(message || `timeout of ${timeout}ms exceeded`, code, request);
}
