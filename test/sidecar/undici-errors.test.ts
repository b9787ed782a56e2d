/** Errors of calls as those of undici. */
import { errors } from 'undici';
import { describe, expect, it } from 'vitest';
import { ErrorCode, PillionError } from '../../src/call/errors.js';
import { undiciError } from '../../src/sidecar/undici-errors.js';

const coded = (code: string, more: object = {}) =>
  Object.assign(new Error(`It failed with ${code}.`), { code, ...more });

describe('the error of undici', () => {
  it.each([
    [new PillionError(ErrorCode.CONNECT_TIMEOUT, 'late'), errors.ConnectTimeoutError, 'UND_ERR_CONNECT_TIMEOUT'],
    [new PillionError(ErrorCode.ATTEMPT_TIMEOUT, 'late'), errors.HeadersTimeoutError, 'UND_ERR_HEADERS_TIMEOUT'],
    [new PillionError(ErrorCode.DEADLINE, 'late'), errors.HeadersTimeoutError, 'UND_ERR_HEADERS_TIMEOUT'],
    [new PillionError(ErrorCode.CLOSED, 'closed'), errors.ClientClosedError, 'UND_ERR_CLOSED'],
    [new PillionError(ErrorCode.INVALID_URL, 'bad'), errors.InvalidArgumentError, 'UND_ERR_INVALID_ARG'],
    [coded('ERR_BAD_REQUEST'), errors.InvalidArgumentError, 'UND_ERR_INVALID_ARG'],
    [coded('ERR_CANCELED'), errors.RequestAbortedError, 'UND_ERR_ABORTED'],
    [coded('ECONNRESET'), errors.SocketError, 'UND_ERR_SOCKET'],
    [coded('HPE_HEADER_OVERFLOW'), errors.HeadersOverflowError, 'UND_ERR_HEADERS_OVERFLOW'],
    [coded('HPE_INVALID_CONSTANT'), errors.HTTPParserError, 'HPE_INVALID_CONSTANT'],
    [
      coded('ERR_BAD_REQUEST', { cause: new errors.RequestContentLengthMismatchError() }),
      errors.RequestContentLengthMismatchError,
      'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
    ],
  ])('has its class and code, and the error of the call as its cause: %s', (given, type, code) => {
    const error = undiciError(given, false);
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ code, cause: given });
    expect(Object.keys(error)).not.toContain('cause');
  });

  it('is one of the body once the headers have come', () => {
    const error = undiciError(new PillionError(ErrorCode.DEADLINE, 'late'), true);
    expect(error).toBeInstanceOf(errors.BodyTimeoutError);
  });

  it.each([
    coded('ECONNREFUSED'),
    coded('ERR_CIRCUIT_OPEN'),
    coded('ECONNRESET', { cause: coded('ECONNRESET', { syscall: 'read' }) }),
    new Error('A bug.'),
  ])('is the error itself where undici has no class for it: %s', (given) => {
    expect(undiciError(given, false)).toBe(given);
  });
});
