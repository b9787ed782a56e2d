/** Obeys the request headers that Envoy's router reads from its callers, and never sends them on. */
import { z } from 'zod';
import { copyHeaders } from '../../call/headers.js';
import type { Request } from '../../call/message.js';
import { routeOption } from '../../call/request.js';
import { maxTimeout } from '../../options/duration.js';
import { definePolicy } from '../policy.js';
import { mostRetries, type RetryPlan, retriedOn } from './retry-plan.js';

const limit = z.lazy(() => z.number().or(z.literal(false)));

const envoyHeadersOptions = z.lazy(() =>
  z.strictObject({
    /** False: the headers are removed and not obeyed. */
    obey: z.boolean().default(true),
    /** The conditions of the client, which `x-envoy-retry-on` adds to. */
    on: retriedOn(),
    total: limit.prefault(false),
    /** True where nobody has set `timeouts.attempt`: its default does not apply to a call with a time of its own. */
    standardAttempt: z.boolean().default(false),
  }),
);

type Options = z.output<typeof envoyHeadersOptions>;
type Condition = RetryPlan['on'][number];

/** Every header of a request that Envoy's router removes; those that are not obeyed here are removed as well. */
const controls = new Set(
  [
    ...['retry-on', 'retry-grpc-on', 'max-retries', 'retriable-status-codes', 'retriable-header-names'],
    ...['upstream-rq-timeout-ms', 'upstream-rq-per-try-timeout-ms', 'upstream-rq-timeout-alt-response'],
    ...['hedge-on-per-try-timeout', 'upstream-alt-stat-name'],
  ].map((name) => `x-envoy-${name}`),
);

/** The same, and the headers that only Envoy itself and internal callers may set. */
const dropped = new Set([
  ...controls,
  ...['internal', 'force-trace', 'ip-tags', 'original-url'].map((name) => `x-envoy-${name}`),
]);

/** Words of `x-envoy-retry-on` and the conditions in their place; others are ignored, as Envoy does with unknown ones. */
const conditions = new Map<string, Condition>([
  ['5xx', '5xx'],
  ['gateway-error', 'gateway-error'],
  ['reset', 'reset'],
  ['reset-before-request', 'connect-failure'],
  ['connect-failure', 'connect-failure'],
  ['refused-stream', 'refused-stream'],
  ['retriable-4xx', 'retriable-4xx'],
  ['envoy-ratelimited', 'rate-limited'],
]);

/**
 * Reads `x-envoy-retry-on`, `x-envoy-max-retries`, `x-envoy-retriable-status-codes`, `x-envoy-upstream-rq-timeout-ms`
 * and `x-envoy-upstream-rq-per-try-timeout-ms` of a call as its options `retry` and `timeouts`, which override them.
 * Removes these and all other headers of callers that Envoy's router removes.
 */
export const envoyHeaders = definePolicy('envoyHeaders', envoyHeadersOptions, (options) => {
  const names = options.obey ? controls : dropped;
  return {
    pass: (next) =>
      function envoyHeaders(request, receiver) {
        next(hasAny(names, request.headers) ? obeyed(request, names, options) : request, receiver);
      },
  };
});

function obeyed(request: Request, names: ReadonlySet<string>, options: Options): Request {
  const headers = copyHeaders(request.headers);
  const said = taken(names, headers);
  if (!options.obey) return { ...request, headers };
  const forCall = optionsFor(request, options);
  const asked = { ...retriesOf(said, forCall), ...(request.retry || undefined) };
  const retry = request.retry !== false && Object.keys(asked).length > 0 && { retry: asked };
  return { ...request, headers, ...retry, timeouts: { ...timeoutsOf(said, forCall), ...request.timeouts } };
}

/** The options with those of the call's route in their place. */
function optionsFor(request: Request, options: Options): Options {
  const retry = routeOption(request, 'retry') as Pick<RetryPlan, 'on'> | false | undefined;
  const timeouts = routeOption(request, 'timeouts') as Partial<Pick<Options, 'total'>> & { attempt?: unknown };
  if (retry === undefined && timeouts === undefined) return options;
  return {
    ...options,
    ...(retry !== undefined && { on: retry ? retry.on : [] }),
    ...(timeouts?.total !== undefined && { total: timeouts.total }),
    ...(timeouts?.attempt !== undefined && { standardAttempt: false }),
  };
}

function hasAny(names: ReadonlySet<string>, headers: Request['headers']): boolean {
  for (const name in headers) if (isOneOf(names, name)) return true;
  return false;
}

function isOneOf(names: ReadonlySet<string>, name: string): boolean {
  return name.length >= 'x-envoy-ip-tags'.length && names.has(name.toLowerCase());
}

/** Removes the headers, and returns their values; several of one name are one list, as in Envoy. */
function taken(names: ReadonlySet<string>, headers: Request['headers']): Map<string, string> {
  const said = new Map<string, string>();
  for (const name of Object.keys(headers).filter((each) => isOneOf(names, each))) {
    const value: unknown = headers[name];
    delete headers[name];
    // axios sends none of these.
    if (value === undefined || value === null || value === false) continue;
    const key = name.toLowerCase().slice('x-envoy-'.length);
    const before = said.get(key);
    said.set(key, before === undefined ? String(value) : `${before},${value}`);
  }
  return said;
}

function retriesOf(said: Map<string, string>, { on }: Options): { on?: Condition[]; maxRetries?: number } {
  const words = wordsOf(said.get('retry-on'));
  const count = numberOf(said.get('max-retries'));
  const asked = words.flatMap((word) => conditions.get(word) ?? []);
  // A status in `retry.on` stands for `retriable-status-codes` and the statuses of a route.
  if (words.includes('retriable-status-codes') || on.some((condition) => typeof condition === 'number'))
    asked.push(...wordsOf(said.get('retriable-status-codes')).flatMap(failureOf));
  return {
    ...(asked.length > 0 && { on: [...new Set([...on, ...asked])] }),
    ...(count !== undefined && { maxRetries: Math.min(count, mostRetries) }),
  };
}

/** A status below 400 is never a failure here. */
function failureOf(word: string): number[] {
  const status = numberOf(word);
  return status !== undefined && status >= 400 && status <= 599 ? [status] : [];
}

/** As in Envoy 0 is no limit, and a limit of the attempt that is not below that of the call is ignored. */
function timeoutsOf(said: Map<string, string>, options: Options): { total?: number | false; attempt?: number | false } {
  const own = numberOf(said.get('upstream-rq-timeout-ms'));
  const attempt = numberOf(said.get('upstream-rq-per-try-timeout-ms'));
  const total = own === undefined ? options.total : limitOf(own);
  const lifted = own !== undefined && options.standardAttempt;
  return {
    ...(own !== undefined && { total }),
    ...(attempt === undefined
      ? lifted && { attempt: false as const }
      : { attempt: total !== false && attempt >= total ? false : limitOf(attempt) }),
  };
}

function limitOf(ms: number): number | false {
  return ms === 0 ? false : Math.min(ms, maxTimeout);
}

function wordsOf(list = ''): string[] {
  return list.split(',').map((word) => word.trim());
}

/** A whole number as Envoy reads it; undefined for any other text, which it ignores. */
function numberOf(text = ''): number | undefined {
  const value = /^\s*\+?\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  return value < 2 ** 64 ? value : undefined;
}
