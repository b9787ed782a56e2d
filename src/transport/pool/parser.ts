/**
 * Finds llhttp's code for an invalid answer: undici gives llhttp's reason but not its code, which Node's own parser,
 * also llhttp, gives; https://github.com/nodejs/llhttp/blob/main/src/llhttp/http.ts has the pairs.
 */
import type { Socket } from 'node:net';

/** The first pattern that is found in the text counts. */
const reasons: readonly (readonly [RegExp, string])[] = [
  // The connection ended in the middle of an answer; Node calls that a reset.
  [/Invalid EOF state/, 'ECONNRESET'],
  [/Missing expected CR/, 'HPE_CR_EXPECTED'],
  [/Missing expected LF/, 'HPE_LF_EXPECTED'],
  [/Transfer-Encoding can't be present|`Transfer-Encoding`|Empty Transfer-Encoding/, 'HPE_INVALID_TRANSFER_ENCODING'],
  [/Duplicate Content-Length/, 'HPE_UNEXPECTED_CONTENT_LENGTH'],
  [/Content-Length/, 'HPE_INVALID_CONTENT_LENGTH'],
  [/chunk extensions|Expected LF/, 'HPE_STRICT'],
  [/[Cc]hunk size/, 'HPE_INVALID_CHUNK_SIZE'],
  [/header (token|field|value)/, 'HPE_INVALID_HEADER_TOKEN'],
  [/Unexpected space/, 'HPE_UNEXPECTED_SPACE'],
  [/status/, 'HPE_INVALID_STATUS'],
  [/version|Expected dot/, 'HPE_INVALID_VERSION'],
  [/Connection: close/, 'HPE_CLOSED_CONNECTION'],
];

/**
 * The code for the text of an `HTTPParserError`; that of an answer which is no HTTP at all where the text is unknown.
 */
export function parserCode(message: string): string {
  return reasons.find(([words]) => words.test(message))?.[1] ?? 'HPE_INVALID_CONSTANT';
}

/** The parts of undici's parser that are read or corrected here. */
export interface Parser {
  readonly ptr?: number | null;
  readonly llhttp?: { readonly memory: { readonly buffer: ArrayBuffer }; llhttp_get_error_reason(ptr: number): number };
  contentLength?: string;
  paused?: boolean;
}

/**
 * The parser of one of undici's sockets; undefined in an undici that keeps it elsewhere, which the tests of framing and
 * codes would find.
 */
export function parserOf(socket: Socket): Parser | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  return (key && (socket as unknown as Record<symbol, Parser | null>)[key]) ?? undefined;
}

/**
 * undici reports each invalid answer with a Content-Length as a body of the wrong length. Its parser, which stays on
 * the socket until that has closed, has the real reason; where no parser is found, undici's error is kept.
 */
export function parserError(socket: Socket, error: Error | undefined): Error | undefined {
  if ((error as NodeJS.ErrnoException | undefined)?.code !== 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return error;
  const reason = reasonOf(socket);
  if (reason === '') return error;
  const message = `Response does not match the HTTP/1.1 protocol (${reason})`;
  return Object.defineProperty(new Error(message), 'name', { value: 'HTTPParserError' });
}

function reasonOf(socket: Socket): string {
  const { ptr, llhttp } = parserOf(socket) ?? {};
  if (!ptr || llhttp === undefined) return '';
  const at = llhttp.llhttp_get_error_reason(ptr);
  const bytes = new Uint8Array(llhttp.memory.buffer, at);
  return at === 0 ? '' : Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString();
}
