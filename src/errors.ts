/** One error class, one list of codes, and the rule that no error prints a secret. */
import { type InspectOptions, inspect } from 'node:util';
import { AxiosError, isAxiosError } from 'axios';
import type { Request, Response } from './policy.js';
import { redactUrl } from './redact.js';

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
  /** The whole call took longer than `timeouts.total` or the call's own `timeout`. */
  DEADLINE: 'ERR_DEADLINE',
  /** One attempt took longer than `timeouts.attempt`. */
  ATTEMPT_TIMEOUT: 'ERR_ATTEMPT_TIMEOUT',
  /** No connection, TLS included, within `timeouts.connect`; nothing was sent. */
  CONNECT_TIMEOUT: 'ERR_CONNECT_TIMEOUT',
  /** The circuit to the destination is open; nothing was sent. */
  CIRCUIT_OPEN: 'ERR_CIRCUIT_OPEN',
  /** More calls waiting than `limits.maxPendingRequests`; nothing was sent. */
  LIMIT: 'ERR_LIMIT',
  /** No endpoint is known: none could be looked up yet; nothing was sent. */
  NO_ENDPOINT: 'ERR_NO_ENDPOINT',
  /** `rateLimit` has no request to spare in time; nothing was sent. */
  RATE_LIMITED: 'ERR_RATE_LIMITED',
  /** The client was closed. */
  CLOSED: 'ERR_CLOSED',
  /** The server's certificate is not one of `tls.pins` or `tls.subjectAltNames`. */
  TLS_IDENTITY: 'ERR_TLS_IDENTITY',
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** What an error may carry beside its message and code. */
export interface ErrorDetails {
  cause?: unknown;
  /** Milliseconds after which another try may be let through. */
  retryAfter?: number;
}

/** An error of this library. It is an `AxiosError`, so `axios.isAxiosError` and existing catch blocks hold. */
export class PillionError extends AxiosError {
  /** Milliseconds after which another try may be let through; set with `ERR_CIRCUIT_OPEN`, unless the circuit was forced open. */
  declare readonly retryAfter?: number;

  /** `request` becomes `error.config`: for code to read, never printed. */
  constructor(code: ErrorCode, message: string, request?: Request, details: ErrorDetails = {}) {
    super(message, code, request);
    this.name = 'PillionError';
    if (details.retryAfter !== undefined) Object.assign(this, { retryAfter: details.retryAfter });
    withCause(this, details.cause);
    conceal(this);
  }
}

/** Gives an error the cause it has, if any, as native errors have it: not enumerable. */
export function withCause<E extends object>(error: E, cause: unknown): E {
  if (cause !== undefined) hide(error, 'cause', cause);
  return error;
}

/**
 * What was thrown, as every call fails: with an AxiosError, whose `cause` it is. `code` stands in where it has none.
 * `response`: what had come when it was thrown.
 */
export function asAxiosError(thrown: unknown, code: string, request?: Request, response?: Response): AxiosError {
  if (isAxiosError(thrown)) return thrown;
  if (!(thrown instanceof Error)) {
    const error = new AxiosError('What was thrown is not an error.', code, request, response?.request, response);
    return withCause(error, thrown);
  }
  const own: unknown = (thrown as NodeJS.ErrnoException).code;
  return AxiosError.from(thrown, typeof own === 'string' && own ? own : code, request, response?.request, response);
}

/** What axios rejects with for a status that is not accepted. */
export function statusError(request: Request, response: Response): AxiosError {
  const { status } = response;
  const code = status >= 400 && status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
  const message = `Request failed with status code ${status}`;
  return traceless(() => new AxiosError(message, code, request, response.request, response));
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
    withoutFrames.add(error);
    return error;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const presented = new WeakSet<object>();

/** Notes that the client's edge has made an error fit to be shown. */
export function markPresented<E>(error: E): E {
  if (error instanceof Error) presented.add(error);
  return error;
}

/** True, once, for an error that the client's edge has just made fit to be shown: nothing is left to hide. */
export function takePresented(error: unknown): boolean {
  return presented.delete(error as object);
}

const withoutFrames = new WeakSet<Error>();

/** True, once, for an error made without stack frames. */
export function takeTraceless(error: Error): boolean {
  return withoutFrames.delete(error);
}

/** For a call that met a client which was closed. */
export function closedError(client: string, request?: Request, cause?: unknown): PillionError {
  return new PillionError(ErrorCode.CLOSED, `${client}: the client was closed.`, request, { cause });
}

/** Properties that hold no secret and so may be printed; every other one is made non-enumerable. */
const printable = new Set([
  ...['name', 'message', 'code', 'status', 'method', 'url', 'attempts', 'retryAfter', 'isAxiosError'],
  ...['errno', 'syscall', 'address', 'port', 'hostname', 'reason', 'library', 'phase', 'duration'],
]);

/**
 * Makes an error safe to print by whatever means: `JSON.stringify`, `util.inspect`, pino's `err` serializer.
 * axios's errors carry headers, bodies and TLS keys in `config`, `request` and `response`; these stay readable for code
 * but are no longer enumerable, and `toJSON` shows an allow-list. So are those of axios under an error of another kind;
 * what the caller's own code throws is theirs to show.
 */
export function conceal<E>(error: E): E {
  concealChain(error, false, undefined);
  return error;
}

function concealChain(error: unknown, below: boolean, seen: Set<unknown> | undefined): void {
  if (!(error instanceof Error) || seen?.has(error)) return;
  const ours = below || isAxiosError(error);
  if (ours) concealOne(error);
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  if (cause === undefined && errors === undefined) return;
  const known = (seen ?? new Set()).add(error);
  concealChain(cause, ours, known);
  if (Array.isArray(errors)) for (const inner of errors) concealChain(inner, ours, known);
}

function concealOne(error: Error): void {
  const record = error as unknown as Record<string, unknown>;
  if (error instanceof SyntaxError || error.name === 'SyntaxError') concealBody(error);
  if (typeof record.url === 'string') record.url = redactUrl(record.url);
  for (const key of Object.keys(error)) {
    if (!printable.has(key)) hide(error, key, record[key]);
  }
  // Every AxiosError has a toJSON that prints its config; ours shows what is printable.
  if (typeof record.toJSON === 'function' && record.toJSON !== printableFields) hide(error, 'toJSON', printableFields);
  // A cause that is no error may be anything; util.inspect would print it although it is not enumerable.
  if (error.cause !== undefined && !(error.cause instanceof Error)) hide(error, inspect.custom, inspectWithoutCause);
}

/** JSON.parse quotes what it could not read. */
function concealBody(error: Error): void {
  const { message, stack } = error;
  hide(error, 'message', 'The body is not valid JSON.');
  hide(error, 'stack', stack?.replaceAll(message, error.message));
}

function inspectWithoutCause(this: Error, _depth: number, options: InspectOptions): string {
  const {
    cause: _,
    [inspect.custom]: __,
    ...shown
  } = Object.getOwnPropertyDescriptors(this) as PropertyDescriptorMap & {
    [inspect.custom]?: PropertyDescriptor;
  };
  return inspect(Object.create(Object.getPrototypeOf(this), shown), options);
}

function printableFields(this: Error): object {
  const fields: Record<string, unknown> = { name: this.name, message: this.message };
  for (const [key, value] of Object.entries(this)) if (printable.has(key)) fields[key] = value;
  return { ...fields, stack: this.stack };
}

function hide(error: object, key: PropertyKey, value: unknown): void {
  // With no prototype: a polluted one could make a getter of it.
  const descriptor = { __proto__: null, value, enumerable: false, configurable: true, writable: true };
  Object.defineProperty(error, key, descriptor as PropertyDescriptor);
}
