/** The outer edge of the stack: what a call needs to go in, and how its outcome comes out. */
import { randomUUID } from 'node:crypto';
import { isAxiosError } from 'axios';
import { responseOf } from './body.js';
import { type Call, requestOf } from './call.js';
import { conceal, hold } from './conceal.js';
import { ErrorCode, markPresented, PillionError, statusError } from './errors.js';
import { copyHeaders } from './headers.js';
import { replayable } from './object-form.js';
import type { Request, Response, Transport } from './policy.js';
import { redactUrl } from './redact.js';
import { linkCaller, Scope } from './scope.js';
import type { Target } from './url.js';
import { caught } from './used-body.js';

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
  if (!validateStatus || validateStatus(response.status)) return response;
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
export function presentable(error: unknown, config: Request, call: Call): unknown {
  const shown = conceal(error);
  if (isAxiosError(shown)) {
    hold(shown, 'config', config);
    if (shown.response) shown.response.config = config;
    Object.assign(shown, { method: call.method, url: call.shownUrl, attempts: call.attempts });
  }
  return markPresented(shown);
}

export function leavesOrigin(client: string, config: Request, target: Target, origin: string): PillionError {
  const why = `${client}: ${redactUrl(target.href)} leaves the origin ${origin} of baseURL`;
  return new PillionError(ErrorCode.ORIGIN, `${why}; set allowAbsoluteUrls if that is meant.`, config);
}

/** Headers of our own, with the idempotency key: the same on every attempt. */
function headersOf({ headers, idempotencyKey }: Request): Request['headers'] {
  const own = copyHeaders(headers);
  // By AxiosHeaders' own method: the key is the caller's text and has to be checked.
  if (idempotencyKey !== undefined) own.set('Idempotency-Key', keyOf(idempotencyKey));
  return own;
}

function keyOf(key: string | true): string {
  if (key === true) return randomUUID();
  if (typeof key === 'string' && /^[\x20-\x7e]+$/.test(key)) return key;
  const why = 'expected true or visible ASCII; calls with an empty one would share it';
  const faults = [{ path: 'idempotencyKey', message: why }];
  throw new PillionError(ErrorCode.CONFIG, `Bad call option idempotencyKey: ${why}.`, undefined, { faults });
}
