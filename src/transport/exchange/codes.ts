/** What undici and Node say of a failure, in the words that callers of axios know: the same on both lanes, in both versions of HTTP. */
import { AxiosError } from 'axios';
import { ErrorCode } from '../../call/errors.js';
import { parserCode } from '../pool/parser.js';

const { ERR_BAD_REQUEST, ERR_BAD_RESPONSE, ERR_CANCELED, ERR_NETWORK, ETIMEDOUT } = AxiosError;

/** Codes that nobody shall have to know, in axios's and Node's words; those of the system and of OpenSSL stay as they are. */
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
  // What Node refuses to send, before anything is sent.
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
  // A connection that was lost, as HTTP/2 and Node's streams tell of it.
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

/** How a failed request is read. */
export interface Reading {
  /** The body is handed out as it comes, and has begun. */
  readonly streaming?: boolean;
}

/** The code of the error a caller gets. */
export function codeOf(cause: NodeJS.ErrnoException, { streaming = false }: Reading = {}): string {
  const code = knownCode(cause);
  // Node ends a body that cannot be read on as one that broke off.
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

/** Node tells of it by the text alone. */
function isRefusal({ code, message }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_HTTP2_STREAM_ERROR' && message.endsWith('NGHTTP2_REFUSED_STREAM');
}

/** True for what undici says once its client was closed or destroyed. */
export function isClosed({ code }: NodeJS.ErrnoException): boolean {
  return code === ErrorCode.CLOSED || (code !== undefined && codes[code] === ErrorCode.CLOSED);
}

/** The failure itself, which callers see as `cause`: with a code that they know. */
export function inKnownWords<E extends NodeJS.ErrnoException>(cause: E, reading?: Reading): E {
  if (cause.name === 'HTTPParserError' || cause.code?.startsWith('UND_ERR')) cause.code = codeOf(cause, reading);
  return cause;
}

/** Its text: where a host has several addresses and none answers, Node's error has no text of its own. */
export function messageOf(cause: Error & { errors?: unknown }): string {
  if (cause.message !== '' || !Array.isArray(cause.errors)) return cause.message;
  return cause.errors.map((each: Error) => each.message).join('; ');
}
