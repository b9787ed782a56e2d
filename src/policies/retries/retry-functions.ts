/** Functions of the user's that take part in retries, with axios-retry's names, and how they are called safely. */
import { types } from 'node:util';
import { AxiosError, AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import { z } from 'zod';
import { discard, isStream, isWebStream } from '../../call/body.js';
import { conceal, hold } from '../../call/conceal.js';
import { asAxiosError, ErrorCode, PillionError, withCause } from '../../call/errors.js';
import { copyHeaders, nameIn, setHeader } from '../../call/headers.js';
import type { Request, Response } from '../../call/message.js';
import { ownOf } from '../../call/own.js';
import { waitUnlessAborted } from '../../call/wait.js';

/**
 * Functions that take part in retries, with the names and arguments of axios-retry. They run in the async context of
 * the call. A function that throws or rejects fails the call with an `AxiosError` of the same message, whose `cause` is
 * what was thrown; one that does not settle ends with the call, at its deadline at the latest.
 */
export interface RetryDeps {
  /**
   * Decides which failures are retried, in place of `retry.on` and of the rule for POST and PATCH: where it returns
   * true, a POST is repeated too, except after a timeout without an idempotency key. `standard` is what the client
   * would decide without it. It is not asked where a retry is impossible: the body is a stream, no retry is left, the
   * call has ended, or a policy of the client itself refused the attempt. Budget and deadline hold as ever. Default:
   * none.
   */
  retryCondition?: (error: AxiosError, standard: boolean) => boolean | Promise<boolean>;
  /**
   * Returns how long to wait before a retry, in milliseconds, in place of `retry.backoff`; `retryCount` is 1 before the
   * first one. A longer `Retry-After` of the response goes first. What is no positive number counts as 0. Default: none.
   */
  retryDelay?: (retryCount: number, error: AxiosError) => number;
  /**
   * Awaited before the wait for each retry. It may replace headers of `requestConfig`, for the attempts that are still
   * to come in this call; the idempotency key stays. Replacing `url`, `baseURL`, `method`, `params`, `data`, an agent
   * or a time limit fails the call with `ERR_CONFIG`. Default: none.
   */
  onRetry?: (retryCount: number, error: AxiosError, requestConfig: InternalAxiosRequestConfig) => void | Promise<void>;
  /**
   * Awaited where the call fails and has made all its retries (with `maxRetries: 0`: whenever it fails), before the
   * call rejects. Default: none.
   */
  onMaxRetryTimesExceeded?: (error: AxiosError, retryCount: number) => void | Promise<void>;
  /**
   * Decides whether a response of any status is a success, in place of `validateStatus`. A refused one is a failed
   * attempt, retried where `retryCondition` or `retry.on` say so. With `client.fetch` it only decides about retries.
   * Default, and with `null`: `validateStatus` decides.
   */
  validateResponse?: ((response: AxiosResponse) => boolean) | null;
}

function functionOf<F>() {
  return z.custom<F>((given) => typeof given === 'function', 'expected a function').optional();
}

/** The schema of each function: of `deps.retry`, of the policy alone, and of a call's `retry`. */
export const retryFunctions = () => ({
  retryCondition: functionOf<NonNullable<RetryDeps['retryCondition']>>(),
  retryDelay: functionOf<NonNullable<RetryDeps['retryDelay']>>(),
  onRetry: functionOf<NonNullable<RetryDeps['onRetry']>>(),
  onMaxRetryTimesExceeded: functionOf<NonNullable<RetryDeps['onMaxRetryTimesExceeded']>>(),
  validateResponse: functionOf<NonNullable<RetryDeps['validateResponse']>>().nullable(),
});

/** The functions of `RetryDeps`, checked. */
export type RetryFunctions = { readonly [Name in keyof RetryDeps]?: RetryDeps[Name] | undefined };

/** True where a failure of the call concerns a function of the user's. */
export function usesFunctions(plan: RetryFunctions): boolean {
  return Boolean(
    plan.retryCondition ?? plan.retryDelay ?? plan.onRetry ?? plan.onMaxRetryTimesExceeded ?? plan.validateResponse,
  );
}

const thrownByFunction = new WeakSet<object>();

/** True for the error of a call in which a function of the user's has failed. */
export function isOfFunction(error: unknown): boolean {
  return typeof error === 'object' && error !== null && thrownByFunction.has(error);
}

/**
 * The error for what a function threw. A new one, since the function's own may be shared by calls, and may carry the
 * response of another request, such as that of a token endpoint.
 */
function failureOf(thrown: unknown, request: Request): AxiosError {
  const { name, message, code } = asAxiosError(thrown, AxiosError.ERR_BAD_REQUEST, request);
  const error = withCause(new AxiosError(message, code, request), thrown);
  // By its name `conceal` knows a message that quotes a body.
  error.name = name;
  conceal(error);
  thrownByFunction.add(error);
  return error;
}

/** Runs the synchronous part of a function of the user's. */
function run<T>(request: Request, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw failureOf(thrown, request);
  }
}

/** Runs a function of the user's that has to answer at once. */
export function runNow(request: Request, name: 'retryDelay' | 'validateResponse', work: () => unknown): unknown {
  const answer = run(request, work);
  if (!types.isPromise(answer)) return answer;
  // As an answer a promise would count as true, and its rejection would end the process.
  answer.catch(() => {});
  throw failureOf(new TypeError(`${name} returned a promise, but has to answer at once.`), request);
}

/** Runs a function of the user's and waits for it, until the call is aborted at the latest. */
export async function runUnlessAborted<T>(request: Request, work: () => T | Promise<T>): Promise<T> {
  const result = Promise.resolve(run(request, work));
  // Nobody waits for it where the function itself has aborted the call.
  result.catch(() => {});
  await waitUnlessAborted(request, (end) => {
    result.then(
      () => end(),
      (thrown: unknown) => end(failureOf(thrown, request)),
    );
    return () => {};
  });
  return result;
}

/**
 * The error as functions get it: an AxiosError with its `config`, of which nothing secret is printed. Undefined for the
 * mistake of a test, which concerns no function.
 */
export function shownTo(error: unknown, request: Request): AxiosError | undefined {
  const shown = conceal(asAxiosError(error, AxiosError.ERR_BAD_REQUEST, request));
  if (!isAxiosError(shown)) return undefined;
  if (shown.config === undefined && Object.isExtensible(shown)) hold(shown, 'config', request);
  return shown;
}

/**
 * Lets functions read `data` of a response as the caller would get it, which needs `transformResponse`; it runs only
 * where `data` is read. The returned function puts the body as it came back in place, for axios to transform.
 */
export function withTransformedData(response: Response | undefined, request: Request): () => void {
  if (response === undefined || isStream(response.data) || isWebStream(response.data)) return () => {};
  const raw: unknown = response.data;
  let read: { data: unknown } | undefined;
  const get = () => {
    read ??= { data: transformed(response, raw, request) };
    return read.data;
  };
  const set = (data: unknown) => {
    read = { data };
  };
  const standing = { __proto__: null, configurable: true, enumerable: true };
  Reflect.defineProperty(response, 'data', { ...standing, get, set } as PropertyDescriptor);
  return () => {
    Reflect.defineProperty(response, 'data', { ...standing, value: raw, writable: true } as PropertyDescriptor);
  };
}

/** A transform that throws leaves the body as it came: the call itself meets the same failure later, or never. */
function transformed({ headers, status }: Response, raw: unknown, request: Request): unknown {
  const config = ownOf(request);
  const context = AxiosHeaders.from(headers as AxiosHeaders).normalize(false);
  try {
    return [config.transformResponse ?? []]
      .flat()
      .reduce((data: unknown, transform) => transform.call(config, data, context as never, status), raw);
  } catch {
    return raw;
  }
}

/** What a retry cannot change: it is the same request once more. */
const fixed = ['url', 'baseURL', 'method', 'params', 'data', 'timeout', 'signal'] as const;
/** The same, for options that the request may lack. */
const rare = ['httpAgent', 'httpsAgent', 'proxy', 'timeouts', 'idempotencyKey'] as const;

/**
 * Calls `onRetry` with a copy of the request and returns the headers for the attempts that follow.
 * @throws PillionError `ERR_CONFIG` where it replaced anything but headers
 */
export async function headersAfter(
  onRetry: NonNullable<RetryDeps['onRetry']>,
  retryCount: number,
  error: AxiosError,
  request: Request,
): Promise<Request['headers']> {
  const before = request.headers;
  const headers = copyHeaders(before);
  const config = { ...request, headers };
  await runUnlessAborted(request, () => onRetry(retryCount, error, config));
  const changed = [...fixed, ...rare].filter((name) => config[name as 'url'] !== request[name as 'url']);
  if (changed.length > 0) {
    const why = `a retry is the same request again, so onRetry may replace headers only, not ${changed.join(', ')}`;
    const refusal = new PillionError(ErrorCode.CONFIG, `Bad retry: ${why}.`, request);
    thrownByFunction.add(refusal);
    throw refusal;
  }
  const given: unknown = config.headers;
  return run(request, () => merged(before, given === headers ? undefined : given, headers));
}

/** One header for each name whatever its case; headers of a new object are laid over those of the request. */
function merged(before: Request['headers'], replacement: unknown, changed: Request['headers']): Request['headers'] {
  const headers = new AxiosHeaders().set(changed, true);
  if (typeof replacement === 'object' && replacement !== null) headers.set(ownOf(replacement) as AxiosHeaders, true);
  // A retry without the key of its first attempt could be worked on twice.
  const key = nameIn(before, 'Idempotency-Key');
  if (key !== undefined) setHeader(headers, key, before[key] as string);
  return headers;
}

const verdicts = new WeakMap<Response, boolean>();

/** Asks `validateResponse` about a response, once; its answer replaces that of `validateStatus`. */
export function isValid(
  validateResponse: NonNullable<RetryDeps['validateResponse']>,
  response: Response,
  request: Request,
): boolean {
  const known = verdicts.get(response);
  if (known !== undefined) return known;
  const restore = withTransformedData(response, request);
  try {
    const verdict = Boolean(runNow(request, 'validateResponse', () => validateResponse(response)));
    verdicts.set(response, verdict);
    return verdict;
  } catch (error) {
    discard(response);
    throw error;
  } finally {
    restore();
  }
}

/** What `validateResponse` said of a response; undefined where it was not asked. */
export function verdictOn(response: Response): boolean | undefined {
  return verdicts.get(response);
}
