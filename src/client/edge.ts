/** The outer edge of the stack: makes a request of the caller's config, and a response or error of an outcome. */

import { randomUUID } from 'node:crypto';
import { AxiosError, isAxiosError } from 'axios';
import { conceal, hold } from '../call/conceal.js';
import { asAxiosError, ErrorCode, isPresented, markPresented, PillionError, statusError } from '../call/errors.js';
import { copyHeaders } from '../call/headers.js';
import type { Request, Response } from '../call/message.js';
import { replayable } from '../call/object-form.js';
import type { Call } from '../call/record.js';
import { requestOf } from '../call/request.js';
import type { Scope } from '../call/scope.js';
import { textOf } from '../call/url.js';
import { caught } from '../call/used-body.js';
import { verdictOn } from '../policies/retries/retry-functions.js';
import { isAccepted } from './axios/accepted.js';

/** Makes the request that the stack works on from the caller's config; aborting `scope` ends the call. */
export function enterCall(call: Call, config: Request, scope: Scope): Request {
  const request = requestOf(config, call);
  request.url = textOf(config.url);
  request.baseURL = (config.baseURL && textOf(config.baseURL)) as string;
  request.headers = headersOf(config);
  request.data = caught(replayable(config.data));
  request.signal = scope;
  request.cancelToken = undefined as never;
  // Policies see every status >= 400 as a failure; the caller's own rule is applied at this edge.
  request.validateStatus = null;
  // The origin was checked before, so further down an absolute URL is allowed.
  request.allowAbsoluteUrls = true;
  return request;
}

/**
 * Applies the caller's `validateStatus` to the outcome: a response that the stack rejected resolves if its status is
 * accepted, and one that the stack resolved, such as a 304, rejects if it is not. Where the user's `validateResponse`
 * was asked, its verdict stands instead.
 */
export function settle({ response, error }: StackOutcome, config: Request): Response {
  if (response === undefined || (error !== undefined && (response.status < 400 || verdictOn(response) === false)))
    throw error;
  response.config = config;
  const { validateStatus } = config;
  if (!validateStatus || isAccepted(validateStatus, response, config) || verdictOn(response)) return response;
  if (error !== undefined) throw error;
  throw statusError(config, response);
}

/** The outcome of the stack; an error may come with a response. */
export interface StackOutcome {
  response?: Response | undefined;
  error?: unknown;
}

/**
 * Prepares an error for the caller: adds the caller's config, method, URL and number of attempts, and hides secrets
 * from printing.
 */
export function presentable(thrown: unknown, config: Request, call: Call): unknown {
  // A user's policy or transport may throw any value.
  const error = conceal(asAxiosError(thrown, AxiosError.ERR_BAD_REQUEST, config));
  if (!isAxiosError(error)) return markPresented(error);
  hold(error, 'config', config);
  Object.assign(error, { method: call.method, url: call.shownUrl });
  // An error of somebody else, such as an SDK, may have attempts of its own.
  if (isPresented(error) || !('attempts' in error)) Object.assign(error, { attempts: call.attempts });
  return markPresented(error);
}

/**
 * Copies the headers and adds the idempotency key, the same on every attempt. A generated key is written back to the
 * config, so that a config which the caller sends again, for example after a token refresh, keeps its key.
 */
function headersOf(config: Request): Request['headers'] {
  const own = copyHeaders(config.headers);
  const { idempotencyKey } = config;
  if (idempotencyKey === undefined) return own;
  config.idempotencyKey = keyOf(idempotencyKey);
  // By AxiosHeaders' own `set`, which validates: the key is text of the caller's.
  own.set('Idempotency-Key', config.idempotencyKey);
  return own;
}

function keyOf(key: string | true): string {
  if (key === true) return randomUUID();
  if (typeof key === 'string' && /^[\x20-\x7e]+$/.test(key)) return key;
  const why = 'expected true or visible ASCII characters; an empty key would be shared by all calls';
  const faults = [{ path: 'idempotencyKey', message: why }];
  throw new PillionError(ErrorCode.CONFIG, `Bad call option idempotencyKey: ${why}.`, undefined, { faults });
}
