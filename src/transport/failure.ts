/** What undici and Node say of a failure, in the words that callers of axios know. */
import { AxiosError } from 'axios';

/** undici's codes in axios's and Node's words; codes of Node and OpenSSL stay as they are. */
const codes: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ECONNRESET',
  UND_ERR_INFO: 'ECONNRESET',
  UND_ERR_HEADERS_OVERFLOW: 'HPE_HEADER_OVERFLOW',
  UND_ERR_INVALID_ARG: AxiosError.ERR_BAD_REQUEST,
  UND_ERR_NOT_SUPPORTED: AxiosError.ERR_BAD_REQUEST,
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: AxiosError.ERR_BAD_REQUEST,
};

/** The code of the error a caller gets. */
export function codeOf(cause: NodeJS.ErrnoException): string {
  // undici's parser does not tell which of llhttp's errors it was.
  if (cause.name === 'HTTPParserError') return cause.code ?? 'HPE_INVALID_RESPONSE';
  return codes[cause.code ?? ''] ?? cause.code ?? 'ECONNRESET';
}

/** Its text: where a host has several addresses and none answers, Node's error has no text of its own. */
export function messageOf(cause: Error & { errors?: unknown }): string {
  if (cause.message !== '' || !Array.isArray(cause.errors)) return cause.message;
  return cause.errors.map((each: Error) => each.message).join('; ');
}
