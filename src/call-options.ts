/** What a single call may say to the client, beside axios's own options. */
import { AxiosError } from 'axios';
import { z } from 'zod';
import { type Duration, duration, parseOptions } from './options.js';
import { nothing } from './own.js';
import type { Request } from './policy.js';
import type { retryPlan } from './retry-plan.js';

declare module 'axios' {
  // biome-ignore lint/suspicious/noExplicitAny: an augmentation repeats the generics of what it augments.
  interface AxiosRequestConfig<D = any, P = any> {
    /**
     * Makes a POST or PATCH safe to repeat: sent as `Idempotency-Key`, the same on every attempt.
     * `true` makes a random UUID. The upstream has to honour it.
     */
    idempotencyKey?: string | true;
    /** `false`: this call is never retried. An object changes the client's `retry` section for this call. */
    retry?: false | z.input<typeof retryPlan>;
    /** A low-cardinality label for spans and log lines, such as `/invoices/{id}`. */
    routeName?: string;
    /** Calls with the same text go to the same endpoint with `balance.policy: hash`, and to the same target of a sticky `split`. */
    hashKey?: string;
    /** Other `total` or `attempt` timeouts for this call; `false`: none. axios's `timeout` can still shorten the call. */
    timeouts?: { total?: Duration | false; attempt?: Duration | false };
  }
}

const limit = duration({ min: 1 }).or(z.literal(false)).optional();
const timeoutsOption = z.strictObject({ total: limit, attempt: limit });

const none = nothing();

/**
 * The timeouts that a call sets for itself, in milliseconds.
 * @throws PillionError ERR_CONFIG
 */
export function callTimeouts({ timeouts }: Request): z.output<typeof timeoutsOption> {
  return timeouts === undefined
    ? none
    : parseOptions(timeoutsOption, timeouts, 'the call option timeouts', ['timeouts']);
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
