/** Classifies requests and their outcomes; the policies act on the answers. */
import { isAxiosError } from 'axios';
import { responseOf } from './body.js';
import { inCauses } from './causes.js';
import { ErrorCode } from './errors.js';
import { processWide } from './process-wide.js';
import type { FailureCause } from './record.js';
import { redactText } from './redact.js';

/**
 * Why an attempt failed.
 *
 * - `status`: the upstream answered with a status >= 400.
 * - `connect`: no connection was made, so provably nothing was sent.
 * - `reset`: an established connection broke, or the answer was not HTTP.
 * - `refused_stream`: HTTP/2 refused the stream before it was worked on.
 * - `timeout`: a time limit of ours ended the attempt.
 * - `deadline`: the time limit of the whole call ended it, `timeouts.total` or axios's `timeout`.
 * - `tls`: the certificate or the handshake was refused, and would be refused again.
 * - `cancelled`: the caller aborted the call.
 * - `local`: refused in this process; nothing was sent.
 * - `permanent`: a bad URL, a bad option or a size limit; it would fail again.
 */
export type FailureKind =
  | 'status'
  | 'connect'
  | 'reset'
  | 'refused_stream'
  | 'timeout'
  | 'deadline'
  | 'tls'
  | 'cancelled'
  | 'local'
  | 'permanent';

const kinds: Readonly<Record<string, FailureKind>> = {
  ERR_CANCELED: 'cancelled',
  [ErrorCode.DEADLINE]: 'deadline',
  [ErrorCode.ATTEMPT_TIMEOUT]: 'timeout',
  [ErrorCode.CONNECT_TIMEOUT]: 'connect',
  [ErrorCode.HTTP2_UNSUPPORTED]: 'connect',
  [ErrorCode.CIRCUIT_OPEN]: 'local',
  [ErrorCode.LIMIT]: 'local',
  [ErrorCode.RATE_LIMITED]: 'local',
  [ErrorCode.NO_ENDPOINT]: 'connect',
  [ErrorCode.CLOSED]: 'local',
  [ErrorCode.BODY_USED]: 'local',
  [ErrorCode.TLS_IDENTITY]: 'tls',
  ECONNREFUSED: 'connect',
  ENOTFOUND: 'connect',
  EAI_AGAIN: 'connect',
  EHOSTUNREACH: 'connect',
  ENETUNREACH: 'connect',
  EHOSTDOWN: 'connect',
  EADDRNOTAVAIL: 'connect',
  ECONNRESET: 'reset',
  ECONNABORTED: 'timeout',
  ETIMEDOUT: 'timeout',
  EPIPE: 'reset',
  // An alert of OpenSSL before TLS 1.3, or a server that speaks no TLS.
  EPROTO: 'tls',
  ERR_NETWORK: 'reset',
  ERR_STREAM_PREMATURE_CLOSE: 'reset',
  ERR_HTTP2_STREAM_ERROR: 'reset',
  ERR_HTTP2_SESSION_ERROR: 'reset',
  ERR_HTTP2_GOAWAY_SESSION: 'reset',
  // The server does not speak HTTP/2.
  ERR_HTTP2_ERROR: 'reset',
  REFUSED_STREAM: 'refused_stream',
};

/** Codes of OpenSSL's chain checks; the others start with `ERR_TLS_`, `ERR_SSL_` or `CERT_`. */
const chainErrors = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
]);

interface NetworkError {
  name?: unknown;
  code?: unknown;
  syscall?: unknown;
  errors?: unknown;
}

/** Classifies a failure by its cause and by whether anything was sent, looking through `cause`. */
export function classify(error: unknown): FailureKind {
  if (isAxiosError(error) && (error.response?.status ?? 0) >= 400) return 'status';
  if (isUnsent(error)) return kindOfCode(error) === 'tls' ? 'tls' : 'connect';
  return kindOfCode(error) ?? 'permanent';
}

function kindOfCode(error: unknown): FailureKind | undefined {
  return inCauses(error, (each) => {
    const { code, name } = each as NetworkError;
    if (typeof code !== 'string') return undefined;
    // nock's, after `nock.disableNetConnect()`: its code is that of an unreachable network, but no retry can help.
    if (name === 'NetConnectNotAllowedError') return 'permanent';
    // The kernel's own connect timeout has the same code as axios's response timeout with `clarifyTimeoutError`.
    if (code === 'ETIMEDOUT' && isOfConnect(each)) return 'connect';
    if (kinds[code] === 'timeout' && callEnders.has(each)) return 'deadline';
    if (/^(ERR_TLS_|ERR_SSL_|CERT_)/.test(code) || chainErrors.has(code)) return 'tls';
    // The server's answer could not be parsed, and the connection is lost with it.
    if (code.startsWith('HPE_') && code !== 'HPE_HEADER_OVERFLOW') return 'reset';
    return kinds[code];
  });
}

/**
 * True for an error of connecting. axios keeps the error that it wraps in `cause`, but not its syscall; for several
 * addresses Node collects the failures in `errors`.
 */
function isOfConnect(error: unknown, depth = 0): boolean {
  // An error may be among its own `errors`.
  if (depth > 10) return false;
  const found = inCauses(error, (each) => {
    const { syscall, errors } = each as NetworkError;
    if (syscall === 'connect') return true;
    return Array.isArray(errors) && errors.length > 0 && errors.every((other) => isOfConnect(other, depth + 1))
      ? true
      : undefined;
  });
  return found === true;
}

const unsent = processWide('unsent errors', () => new WeakSet<object>());

/**
 * Marks an error that arose before anything of the request was sent: the request may be repeated whatever its method.
 */
export function markUnsent<E>(error: E): E {
  // A generator of the caller may throw a value of any kind, which Node passes on as the error of the socket.
  if (typeof error === 'object' && error !== null) unsent.add(error);
  return error;
}

const sent = processWide('sent errors', () => new WeakSet<object>());

/**
 * Marks an error of an attempt whose earlier request was answered (by a redirect), whatever became of its last request.
 */
export function markSent(error: unknown): void {
  if (typeof error === 'object' && error !== null) sent.add(error);
}

export function isSent(error: unknown): boolean {
  return isMarked(error, sent);
}

/** True where provably nothing was sent: no connection was made, or its TLS handshake did not finish. */
export function isUnsent(error: unknown): boolean {
  if (responseOf(error) !== undefined || isSent(error)) return false;
  const kind = kindOfCode(error);
  // An attempt that a time limit, the caller or this process ended may have an unsent attempt as its cause, but is not
  // unsent itself.
  return kind === 'connect' || ((kind === undefined || kind === 'reset' || kind === 'tls') && isMarked(error, unsent));
}

const callEnders = processWide('errors that ended a call', () => new WeakSet<object>());

/** Marks a timeout that ended the whole call, where its code is also that of an attempt that timed out. */
export function markCallEnded<E extends object>(error: E): E {
  callEnders.add(error);
  return error;
}

const broken = processWide('broken errors', () => new WeakSet<object>());

/** Marks an error whose response has no body: it was not received to its end, or cannot be decoded. */
export function markBroken<E extends object>(error: E): E {
  broken.add(error);
  return error;
}

export function isBroken(error: object): boolean {
  return broken.has(error);
}

const stalled = processWide('stalled errors', () => new WeakSet<object>());

/** Marks a timeout during which this process itself was blocked: the failure says nothing about the other side. */
export function markStalled<E extends object>(error: E): E {
  stalled.add(error);
  return error;
}

function isMarked(error: unknown, marks: WeakSet<object>): boolean {
  return inCauses(error, (each) => (marks.has(each) ? true : undefined)) === true;
}

/**
 * `error.type`, one value in spans, metrics and log lines: a status >= 400, else the error's code, `_OTHER` for a
 * failure that has neither; undefined for a success.
 */
export function errorTypeOf({ status, code }: { status?: number | undefined; code?: unknown }): string | undefined {
  if (status !== undefined && status >= 400) return String(status);
  if (typeof code === 'string' && code !== '') return code;
  return status === undefined ? '_OTHER' : undefined;
}

const turnedAway = new Set<unknown>([
  ErrorCode.CIRCUIT_OPEN,
  ErrorCode.LIMIT,
  ErrorCode.RATE_LIMITED,
  ErrorCode.NO_ENDPOINT,
]);

/** True for a call that this process turned away: in an outage they are nearly all there is. */
export function isTurnedAway({ status, code }: { status?: number | undefined; code?: unknown }): boolean {
  return status === undefined && turnedAway.has(code);
}

/** A failure in short: its status, or else its code and message. */
export function causeOf(error: unknown): FailureCause {
  const status = responseOf(error)?.status;
  if (status !== undefined) return { status };
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return {
    ...(typeof code === 'string' && { code }),
    ...(typeof message === 'string' && { message: redactText(message) }),
  };
}

/** What an outcome says about the destination's health. */
export type HealthVerdict = 'success' | 'failure' | 'nothing';

/** What an error says about the health of the destination; `sent`: whether the wire was called for it. */
export function healthOf(error: unknown, sent: boolean): HealthVerdict {
  if (isMarked(error, stalled)) return 'nothing';
  switch (classify(error)) {
    case 'status':
      return (responseOf(error)?.status ?? 0) >= 500 ? 'failure' : 'success';
    case 'connect':
    case 'reset':
    case 'timeout':
      return 'failure';
    case 'deadline':
      // A call whose time ran out in our own queue says nothing about the destination.
      return sent ? 'failure' : 'nothing';
    default:
      return 'nothing';
  }
}
