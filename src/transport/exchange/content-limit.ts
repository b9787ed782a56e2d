/** How large a response body may be. */
import type { Request } from '../../call/message.js';

/**
 * Bytes that the response body may have: the call's own limit, else `standard` for a buffered body and no limit (-1)
 * for a stream.
 */
export function contentLimit({ maxContentLength, responseType }: Request, standard: number): number {
  return maxContentLength ?? (responseType === 'stream' ? -1 : standard);
}
