/** One error class, one list of codes, and the rule that no error prints a secret. */
import { AxiosError, isAxiosError } from 'axios';
import type { Request } from './policy.js';

/** Every code of an error made here; other errors keep the code axios, Node or the upstream's network gave them. */
export const ErrorCode = {
  /** Bad configuration or call option; nothing was sent. */
  CONFIG: 'ERR_CONFIG',
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
  /** Milliseconds after which another try may be let through; set with `ERR_CIRCUIT_OPEN`. */
  declare readonly retryAfter?: number;

  constructor(code: ErrorCode, message: string, request?: Request, details: ErrorDetails = {}) {
    super(message, code, request);
    this.name = 'PillionError';
    if (details.retryAfter !== undefined) Object.assign(this, { retryAfter: details.retryAfter });
    if (details.cause !== undefined) hide(this, 'cause', details.cause);
    conceal(this);
  }
}

/** Properties that hold no secret and so may be printed; every other one is made non-enumerable. */
const printable = new Set([
  ...['name', 'message', 'code', 'status', 'method', 'url', 'attempts', 'retryAfter', 'isAxiosError'],
  ...['errno', 'syscall', 'address', 'port', 'hostname', 'reason', 'library', 'phase', 'duration'],
]);

/**
 * Makes an error safe to print by whatever means: `JSON.stringify`, `util.inspect`, pino's `err` serializer.
 * axios's errors carry headers, bodies and TLS keys in `config`, `request` and `response`; these stay readable for code
 * but are no longer enumerable, and `toJSON` shows an allow-list. Works through `cause` and `errors`.
 */
export function conceal<E>(error: E): E {
  // What the caller's own code throws is theirs to show.
  if (isAxiosError(error)) concealChain(error, new Set());
  return error;
}

function concealChain(error: unknown, seen: Set<unknown>): void {
  if (!(error instanceof Error) || seen.has(error)) return;
  seen.add(error);
  const record = error as unknown as Record<string, unknown>;
  for (const key of Object.keys(error)) {
    if (!printable.has(key)) hide(error, key, record[key]);
  }
  // Every AxiosError has a toJSON that prints its config; ours shows what is printable.
  if (typeof record.toJSON === 'function') hide(error, 'toJSON', printableFields);
  concealChain(error.cause, seen);
  if (Array.isArray(record.errors)) for (const inner of record.errors) concealChain(inner, seen);
}

function printableFields(this: Error): object {
  const fields: Record<string, unknown> = { name: this.name, message: this.message };
  for (const [key, value] of Object.entries(this)) if (printable.has(key)) fields[key] = value;
  return { ...fields, stack: this.stack };
}

function hide(error: object, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
}
