/** Errors of calls as the errors of undici that code around it tests for. */
import { inCauses } from '../call/causes.js';
import { ErrorCode, withCause } from '../call/errors.js';
import { undiciLibrary } from './undici-on-demand.cjs';

/** The classes of undici's errors. */
export const undiciErrors = () => undiciLibrary().errors;

/** Whether the headers of the answer had come. */
type Make = (message: string, answered: boolean) => Error;

const timedOut: Make = (message, answered) =>
  answered ? new (undiciErrors().BodyTimeoutError)(message) : new (undiciErrors().HeadersTimeoutError)(message);

const invalid: Make = (message) => new (undiciErrors().InvalidArgumentError)(message);

const classes: Readonly<Record<string, Make>> = {
  [ErrorCode.CONNECT_TIMEOUT]: (message) => new (undiciErrors().ConnectTimeoutError)(message),
  [ErrorCode.ATTEMPT_TIMEOUT]: timedOut,
  [ErrorCode.DEADLINE]: timedOut,
  [ErrorCode.CLOSED]: (message) => new (undiciErrors().ClientClosedError)(message),
  [ErrorCode.INVALID_URL]: invalid,
  ERR_BAD_REQUEST: invalid,
  ERR_CANCELED: (message) => new (undiciErrors().RequestAbortedError)(message),
  ECONNRESET: (message) => new (undiciErrors().SocketError)(message),
  HPE_HEADER_OVERFLOW: (message) => new (undiciErrors().HeadersOverflowError)(message),
};

/** Its types have the parameters of other errors. */
const parserError = () => undiciErrors().HTTPParserError as unknown as new (message: string, code: string) => Error;

/**
 * The error of undici for a failed call, with that of the call as its `cause`. An error that undici has no class for is
 * returned as it is, with its code: that of Node, such as ECONNREFUSED, or ours, such as ERR_CIRCUIT_OPEN.
 */
export function undiciError(error: unknown, answered: boolean): Error {
  const { code: given, message = String(error) } = (error ?? {}) as { code?: unknown; message?: string };
  // A DOMException, such as the reason of an abort, has a number.
  const code = typeof given === 'string' ? given : '';
  const ours: Make | undefined = Object.hasOwn(classes, code) ? classes[code] : undefined;
  // As in undici: a reset that the system reports keeps its code.
  const make = code === 'ECONNRESET' && isOfSystem(error) ? undefined : ours && (mismatchIn(error) ?? ours);
  if (make !== undefined) return withCause(make(message, answered), error);
  if (code.startsWith('HPE_')) return withCause(new (parserError())(message, code.slice(4)), error);
  return error as Error;
}

function isOfSystem(error: unknown): boolean {
  return inCauses(error, (each) => 'syscall' in each || undefined) ?? false;
}

/** The wire has given the error of undici another code, but it is still of its class. */
function mismatchIn(error: unknown): Make | undefined {
  return inCauses(error, (each) => {
    if (each instanceof undiciErrors().RequestContentLengthMismatchError)
      return () => new (undiciErrors().RequestContentLengthMismatchError)();
    if (each instanceof undiciErrors().ResponseContentLengthMismatchError)
      return () => new (undiciErrors().ResponseContentLengthMismatchError)();
    return undefined;
  });
}
