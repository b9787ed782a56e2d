/** The outer edge of the stack: what a call needs to go in, and how its outcome comes out. */

import { randomUUID } from 'node:crypto';
import { AxiosError, isAxiosError } from 'axios';
import { responseOf } from '../call/body.js';
import { conceal, hold } from '../call/conceal.js';
import { asAxiosError, ErrorCode, markPresented, PillionError, statusError } from '../call/errors.js';
import { copyHeaders } from '../call/headers.js';
import type { Request, Response, Transport } from '../call/message.js';
import { replayable } from '../call/object-form.js';
import { type Call, requestOf } from '../call/record.js';
import { linkCaller, Scope } from '../call/scope.js';
import { textOf } from '../call/url.js';
import { caught } from '../call/used-body.js';
import { isAccepted } from './axios/accepted.js';

/** A call on its way in. */
export interface EnteredCall {
  readonly call: Call;
  readonly request: Request;
  /** Ends the call when aborted. */
  readonly scope: Scope;
  /** Lets go of the caller's signal and token. */
  readonly release: () => void;
}

/** Gives a request of the caller's what the stack needs. */
export function enterCall(call: Call, config: Request): EnteredCall {
  const scope = new Scope();
  const request = requestOf(
    config,
    {
      url: textOf(config.url),
      baseURL: (config.baseURL && textOf(config.baseURL)) as string,
      headers: headersOf(config),
      data: caught(replayable(config.data)),
      signal: scope,
      cancelToken: undefined,
      // Policies see every status >= 400 as a failure; the caller's own rule is applied at this edge.
      validateStatus: null,
      // Checked before; below, an absolute URL is one that may be used.
      allowAbsoluteUrls: true,
    },
    call,
  );
  return { call, request, scope, release: linkCaller(config, scope) };
}

/**
 * What the stack came to, by the caller's `validateStatus`: a failure of the stack is an answer all the same where its
 * status is accepted, and a 304 that the stack lets through is none by axios's default rule.
 */
export function settle({ response, error }: StackOutcome, config: Request): Response {
  if (response === undefined || (error !== undefined && response.status < 400)) throw error;
  response.config = config;
  const { validateStatus } = config;
  if (!validateStatus || isAccepted(validateStatus, response, config)) return response;
  if (error !== undefined) throw error;
  throw statusError(config, response);
}

/** What came out of the stack: an error may carry a response too. */
export interface StackOutcome {
  response?: Response | undefined;
  error?: unknown;
}

/** Runs the stack; what it throws is an outcome like any other. */
export async function outcomeOf(transport: Transport, request: Request): Promise<StackOutcome> {
  try {
    return { response: await transport(request) };
  } catch (error) {
    return { response: responseOf(error), error };
  }
}

/** The error as the caller gets it: with the caller's config, what was asked and how often, and nothing secret to print. */
export function presentable(thrown: unknown, config: Request, call: Call): unknown {
  // A policy or a transport of the caller's may throw anything.
  const error = conceal(asAxiosError(thrown, AxiosError.ERR_BAD_REQUEST, config));
  if (!isAxiosError(error)) return markPresented(error);
  hold(error, 'config', config);
  if (error.response) error.response.config = config;
  Object.assign(error, { method: call.method, url: call.shownUrl, attempts: call.attempts });
  return markPresented(error);
}

/**
 * Headers of our own, with the idempotency key: the same on every attempt. One that is made here is left in the config, so
 * that a config which is sent once more, as for a new token, has the same.
 */
function headersOf(config: Request): Request['headers'] {
  const own = copyHeaders(config.headers);
  const { idempotencyKey } = config;
  if (idempotencyKey === undefined) return own;
  config.idempotencyKey = keyOf(idempotencyKey);
  // By AxiosHeaders' own method: the key is the caller's text and has to be checked.
  own.set('Idempotency-Key', config.idempotencyKey);
  return own;
}

function keyOf(key: string | true): string {
  if (key === true) return randomUUID();
  if (typeof key === 'string' && /^[\x20-\x7e]+$/.test(key)) return key;
  const why = 'expected true or visible ASCII; calls with an empty one would share it';
  const faults = [{ path: 'idempotencyKey', message: why }];
  throw new PillionError(ErrorCode.CONFIG, `Bad call option idempotencyKey: ${why}.`, undefined, { faults });
}
