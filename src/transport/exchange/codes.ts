/**
 * Translates errors of undici and Node to the codes that callers of axios know: the same on both lanes, in both
 * versions of HTTP.
 */
import { AxiosError } from 'axios';
import { ErrorCode } from '../../call/errors.js';
import { parserCode } from '../pool/parser.js';

const { ERR_BAD_REQUEST, ERR_BAD_RESPONSE, ERR_CANCELED, ERR_NETWORK, ETIMEDOUT } = AxiosError;

/**
 * The codes that are replaced, with axios's and Node's in their place; those of the system and of OpenSSL stay as they
 * are.
 */
const codes: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_INFO: 'ECONNRESET',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ECONNRESET',
  UND_ERR_CONNECT_TIMEOUT: ErrorCode.CONNECT_TIMEOUT,
  UND_ERR_HEADERS_TIMEOUT: ETIMEDOUT,
  UND_ERR_BODY_TIMEOUT: ETIMEDOUT,
  UND_ERR_HEADERS_OVERFLOW: 'HPE_HEADER_OVERFLOW',
  UND_ERR_INVALID_ARG: ERR_BAD_REQUEST,
  UND_ERR_INVALID_RETURN_VALUE: ERR_BAD_REQUEST,
  UND_ERR_NOT_SUPPORTED: ERR_BAD_REQUEST,
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: ERR_BAD_REQUEST,
  UND_ERR_RES_EXCEEDED_MAX_SIZE: ERR_BAD_RESPONSE,
  UND_ERR_RESPONSE: ERR_BAD_RESPONSE,
  UND_ERR_REQ_RETRY: ERR_BAD_RESPONSE,
  UND_ERR_ABORT: ERR_CANCELED,
  UND_ERR_ABORTED: ERR_CANCELED,
  UND_ERR_CLOSED: ErrorCode.CLOSED,
  UND_ERR_DESTROYED: ErrorCode.CLOSED,
  UND_ERR_PRX_TLS: 'EPROTO',
  // Node refuses these before anything is sent.
  ERR_INVALID_HTTP_TOKEN: ERR_BAD_REQUEST,
  ERR_INVALID_CHAR: ERR_BAD_REQUEST,
  ERR_UNESCAPED_CHARACTERS: ERR_BAD_REQUEST,
  ERR_HTTP_INVALID_HEADER_VALUE: ERR_BAD_REQUEST,
  ERR_HTTP_CONTENT_LENGTH_MISMATCH: ERR_BAD_REQUEST,
  ERR_HTTP2_INVALID_HEADER_VALUE: ERR_BAD_REQUEST,
  ERR_HTTP2_INVALID_PSEUDOHEADER: ERR_BAD_REQUEST,
  ERR_HTTP2_INVALID_CONNECTION_HEADERS: ERR_BAD_REQUEST,
  ERR_HTTP2_HEADER_SINGLE_VALUE: ERR_BAD_REQUEST,
  ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED: ERR_BAD_REQUEST,
  // A lost connection, as HTTP/2 and Node's streams report it.
  ERR_STREAM_PREMATURE_CLOSE: 'ECONNRESET',
  ERR_HTTP2_ERROR: 'ECONNRESET',
  ERR_HTTP2_STREAM_ERROR: 'ECONNRESET',
  ERR_HTTP2_SESSION_ERROR: 'ECONNRESET',
  ERR_HTTP2_STREAM_CANCEL: 'ECONNRESET',
  ERR_HTTP2_INVALID_SESSION: 'ECONNRESET',
  ERR_HTTP2_INVALID_STREAM: 'ECONNRESET',
  ERR_HTTP2_GOAWAY_SESSION: 'ECONNRESET',
  ERR_HTTP2_SOCKET_UNBOUND: 'ECONNRESET',
};

/** How the body of a failed request was being read. */
export interface BodyReading {
  /** True where the body is handed out as it arrives, and has begun. */
  readonly streaming?: boolean;
}

/** The code of the error that the caller gets. */
export function codeOf(cause: NodeJS.ErrnoException, { streaming = false }: BodyReading = {}): string {
  const code = knownCode(cause);
  // Node reports a streamed body that can no longer be parsed as a lost connection.
  return streaming && code.startsWith('HPE_') ? 'ECONNRESET' : code;
}

function knownCode(cause: NodeJS.ErrnoException): string {
  const { code = '' } = cause;
  if (cause.name === 'HTTPParserError') return code === '' ? parserCode(cause.message) : code;
  if (isRefusal(cause)) return 'REFUSED_STREAM';
  const known = Object.hasOwn(codes, code) ? codes[code] : undefined;
  if (known !== undefined) return known;
  if (code.startsWith('UND_ERR')) return ERR_NETWORK;
  return code === '' ? 'ECONNRESET' : code;
}

/** True for a refused HTTP/2 stream, which Node marks by the text of its error alone. */
function isRefusal({ code, message }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_HTTP2_STREAM_ERROR' && message.endsWith('NGHTTP2_REFUSED_STREAM');
}

/** True for undici's errors once its client was closed or destroyed. */
export function isClosed({ code }: NodeJS.ErrnoException): boolean {
  return code === ErrorCode.CLOSED || (code !== undefined && codes[code] === ErrorCode.CLOSED);
}

/** Gives the failure itself, which callers see as `cause`, a code that they know. */
export function inKnownWords<E extends NodeJS.ErrnoException>(cause: E, reading?: BodyReading): E {
  if (cause.name === 'HTTPParserError' || cause.code?.startsWith('UND_ERR')) cause.code = codeOf(cause, reading);
  return cause;
}

/**
 * The message of a failure. Where a host has several addresses and none answers, Node's error has an empty message, and
 * those of its parts are used.
 */
export function messageOf(cause: Error & { errors?: unknown }): string {
  if (cause.message !== '' || !Array.isArray(cause.errors)) return cause.message;
  return cause.errors.map((each: Error) => each.message).join('; ');
}
