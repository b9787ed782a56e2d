/** One error class, one list of codes, and the rule that no error prints a secret. */
import { AxiosError, isAxiosError } from 'axios';
import { conceal, isError, keep } from './conceal.js';
import { notesIfAny, notesOf } from './error-notes.js';
import type { Request, Response } from './message.js';

// It adds properties to axios's types; without this import the published declarations would lack it.
import './axios-error.js';

/** Every code of an error made here; other errors keep the code axios, Node or the upstream's network gave them. */
export const ErrorCode = {
  /** Bad configuration or call option; nothing was sent. */
  CONFIG: 'ERR_CONFIG',
  /** The configuration names no such client. */
  UNKNOWN_CLIENT: 'ERR_UNKNOWN_CLIENT',
  /** The URL is malformed or holds control characters; nothing was sent. */
  INVALID_URL: 'ERR_INVALID_URL',
  /** The URL leaves the origin of `baseURL`; nothing was sent. */
  ORIGIN: 'ERR_ORIGIN_NOT_ALLOWED',
  /** The whole call took longer than `timeouts.total`, or than the deadline of the inbound request. */
  DEADLINE: 'ERR_DEADLINE',
  /** One attempt took longer than `timeouts.attempt`, or nothing moved during it for `timeouts.idle`. */
  ATTEMPT_TIMEOUT: 'ERR_ATTEMPT_TIMEOUT',
  /** No connection, TLS included, within `timeouts.connect`; nothing was sent. */
  CONNECT_TIMEOUT: 'ERR_CONNECT_TIMEOUT',
  /** The server of an `http://` URL does not speak HTTP/2, which `allowH2: 'prior-knowledge'` expects; nothing was sent. */
  HTTP2_UNSUPPORTED: 'ERR_HTTP2_UNSUPPORTED',
  /** The circuit to the destination is open; nothing was sent. */
  CIRCUIT_OPEN: 'ERR_CIRCUIT_OPEN',
  /** More calls waiting than `limits.maxPendingRequests` or `connections.maxPendingRequests`, or more in flight than `adaptiveConcurrency` allows; nothing was sent. */
  LIMIT: 'ERR_LIMIT',
  /** No endpoint is known: none could be looked up yet; nothing was sent. */
  NO_ENDPOINT: 'ERR_NO_ENDPOINT',
  /** `rateLimit` has no request to spare in time; nothing was sent. */
  RATE_LIMITED: 'ERR_RATE_LIMITED',
  /** The request body is a stream, a form or a generator that was read already; nothing was sent. */
  BODY_USED: 'ERR_BODY_USED',
  /** The client was closed. */
  CLOSED: 'ERR_CLOSED',
  /** The server's certificate is not one of `tls.pins` or `tls.subjectAltNames`. */
  TLS_IDENTITY: 'ERR_TLS_IDENTITY',
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** One thing that is wrong with a configuration or with options. */
export interface OptionProblem {
  /** Dotted: `timeouts.total`, `clients.billing.timeouts.total`; empty where it is about the whole. */
  readonly path: string;
  /** What is wrong, and mostly how to mend it. */
  readonly message: string;
  /** Counted from 1; present for a configuration that is a text. */
  readonly line?: number;
  /** Counted from 1. */
  readonly column?: number;
}

/** What an error may carry beside its message and code. */
export interface ErrorDetails {
  cause?: unknown;
  /** With `ERR_CONFIG`. */
  faults?: readonly OptionProblem[];
  /** Milliseconds after which another try may be let through. */
  retryAfter?: number;
  /** With `ERR_LIMIT`. */
  reason?: LimitReason;
}

/** Which limit refused a call: the queue of `limits` or of the connections was full, or `adaptiveConcurrency` found the destination at its limit. */
export type LimitReason = 'max_pending_requests' | 'adaptive_concurrency';

/** An error of this library. It is an `AxiosError`, so `axios.isAxiosError` and existing catch blocks hold. */
export class PillionError extends AxiosError {
  /**
   * Milliseconds after which another try may be let through; set with `ERR_CIRCUIT_OPEN`, unless the circuit was forced open, and
   * with `ERR_RATE_LIMITED`.
   */
  declare readonly retryAfter?: number;
  /** Which limit refused the call; set with `ERR_LIMIT`. */
  declare readonly reason?: LimitReason;
  /** Everything that is wrong, in order; set with `ERR_CONFIG`. */
  declare readonly faults?: readonly OptionProblem[];

  /** `request` becomes `error.config`: for code to read, never printed. */
  constructor(code: ErrorCode, message: string, request?: Request, details: ErrorDetails = {}) {
    super(message, code);
    this.name = 'PillionError';
    const { retryAfter, reason } = details;
    Object.assign(this, retryAfter !== undefined && { retryAfter }, reason !== undefined && { reason });
    // The message lists them: printed with the error they would stand there twice.
    if (code === ErrorCode.CONFIG) hide(this, 'faults', details.faults ?? [{ path: '', message }]);
    withCause(this, details.cause);
    keep(this, request === undefined ? {} : { config: request });
    if (details.cause !== undefined) conceal(this);
  }
}

const brand = Symbol.for('pillion.error');
Object.defineProperty(PillionError.prototype, brand, { value: true });
// `instanceof` is true for errors of the other build too: the ES module and the CommonJS one each have this class.
Object.defineProperty(PillionError, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    if (this !== PillionError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
  },
});

/** Gives an error the cause it has, if any, as native errors have it: not enumerable. */
export function withCause<E extends object>(error: E, cause: unknown): E {
  if (cause !== undefined) hide(error, 'cause', cause);
  return error;
}

/** For what says that a test is wrong: it is passed on as it is, so that no catch block takes it for an answer. */
export function markOfTest<E>(error: E): E {
  if (isError(error)) notesOf(error).ofTest = true;
  return error;
}

/**
 * What was thrown, as every call fails: with an AxiosError, whose `cause` it is. `code` stands in where it has none.
 * `response`: what had come when it was thrown.
 */
export function asAxiosError(thrown: unknown, code: string, request?: Request, response?: Response): AxiosError {
  if (isAxiosError(thrown) || notesIfAny(thrown)?.ofTest) return thrown as AxiosError;
  if (!isError(thrown)) {
    const error = new AxiosError('What was thrown is not an error.', code, request, response?.request, response);
    return withCause(error, thrown);
  }
  const own: unknown = (thrown as NodeJS.ErrnoException).code;
  return AxiosError.from(thrown, typeof own === 'string' && own ? own : code, request, response?.request, response);
}

/** What axios rejects with for a status that is not accepted. */
export function statusError(config: Request, response: Response): AxiosError {
  const { status, request } = response;
  const code = status >= 400 && status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
  return traceless(() => {
    const error = new AxiosError(`Request failed with status code ${status}`, code);
    error.status = status;
    return keep(error, request === undefined ? { config, response } : { config, request, response });
  });
}

/**
 * Makes an error without stack frames, which cost half of what a failed call does. For failures that are common in an
 * outage and whose frames would all be ours; the instance adds where the call was made.
 */
export function traceless<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const error = make();
    notesOf(error).traceless = true;
    return error;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Notes that the client's edge has made an error fit to be shown. */
export function markPresented<E>(error: E): E {
  if (isError(error)) notesOf(error).presented = true;
  return error;
}

/** True for an error that the edge of a client has made fit to be shown, at whatever time. */
export function isPresented(error: object): boolean {
  return notesIfAny(error)?.presented !== undefined;
}

/** True, once, for an error that the client's edge has just made fit to be shown: nothing is left to hide. */
export function takePresented(error: unknown): boolean {
  return taken(error, 'presented');
}

/** True, once, for an error made without stack frames. */
export function takeTraceless(error: Error): boolean {
  return taken(error, 'traceless');
}

function taken(error: unknown, note: 'presented' | 'traceless'): boolean {
  const notes = notesIfAny(error);
  if (!notes?.[note]) return false;
  notes[note] = false;
  return true;
}

/** For a call that met a client which was closed. */
export function closedError(client: string, request?: Request, cause?: unknown): PillionError {
  return new PillionError(ErrorCode.CLOSED, `${client}: the client was closed.`, request, { cause });
}

function hide(error: object, key: PropertyKey, value: unknown): void {
  // With no prototype: a polluted one could make a getter of it.
  const descriptor = { __proto__: null, value, enumerable: false, configurable: true, writable: true };
  Object.defineProperty(error, key, descriptor as PropertyDescriptor);
}
