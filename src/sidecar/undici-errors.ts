/** Errors of calls as the errors of undici that code around it tests for. */
import { errors } from 'undici';
import { inCauses } from '../call/causes.js';
import { ErrorCode, withCause } from '../call/errors.js';

/** Whether the headers of the answer had come. */
type Make = (message: string, answered: boolean) => Error;

const timedOut: Make = (message, answered) =>
  answered ? new errors.BodyTimeoutError(message) : new errors.HeadersTimeoutError(message);

const invalid: Make = (message) => new errors.InvalidArgumentError(message);

const classes: Readonly<Record<string, Make>> = {
  [ErrorCode.CONNECT_TIMEOUT]: (message) => new errors.ConnectTimeoutError(message),
  [ErrorCode.ATTEMPT_TIMEOUT]: timedOut,
  [ErrorCode.DEADLINE]: timedOut,
  [ErrorCode.CLOSED]: (message) => new errors.ClientClosedError(message),
  [ErrorCode.INVALID_URL]: invalid,
  ERR_BAD_REQUEST: invalid,
  ERR_CANCELED: (message) => new errors.RequestAbortedError(message),
  ECONNRESET: (message) => new errors.SocketError(message),
  HPE_HEADER_OVERFLOW: (message) => new errors.HeadersOverflowError(message),
};

/** Its types have the parameters of other errors. */
const ParserError = errors.HTTPParserError as unknown as new (message: string, code: string) => Error;

/**
 * The error of undici for a failed call, with that of the call as its `cause`. An error that undici has no class for is
 * returned as it is, with its code: that of Node, such as ECONNREFUSED, or ours, such as ERR_CIRCUIT_OPEN.
 */
export function undiciError(error: unknown, answered: boolean): Error {
  const { code = '', message = String(error) } = (error ?? {}) as { code?: string; message?: string };
  const ours: Make | undefined = Object.hasOwn(classes, code) ? classes[code] : undefined;
  // As in undici: a reset that the system reports keeps its code.
  const make = code === 'ECONNRESET' && isOfSystem(error) ? undefined : ours && (mismatchIn(error) ?? ours);
  if (make !== undefined) return withCause(make(message, answered), error);
  if (code.startsWith('HPE_')) return withCause(new ParserError(message, code.slice(4)), error);
  return error as Error;
}

function isOfSystem(error: unknown): boolean {
  return inCauses(error, (each) => 'syscall' in each || undefined) ?? false;
}

/** The wire has given the error of undici another code, but it is still of its class. */
function mismatchIn(error: unknown): Make | undefined {
  return inCauses(error, (each) => {
    if (each instanceof errors.RequestContentLengthMismatchError)
      return () => new errors.RequestContentLengthMismatchError();
    if (each instanceof errors.ResponseContentLengthMismatchError)
      return () => new errors.ResponseContentLengthMismatchError();
    return undefined;
  });
}
