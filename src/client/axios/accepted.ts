/** Applies the caller's `validateStatus`, which may throw. */
import { AxiosError } from 'axios';
import { discard } from '../../call/body.js';
import { asAxiosError } from '../../call/errors.js';
import type { Request, Response } from '../../call/message.js';

/** @throws AxiosError `ERR_BAD_RESPONSE` where `validateStatus` throws; the response is discarded then */
export function isAccepted(accepts: (status: number) => boolean, response: Response, config: Request): boolean {
  try {
    return accepts(response.status);
  } catch (thrown) {
    discard(response);
    throw asAxiosError(thrown, AxiosError.ERR_BAD_RESPONSE, config, response);
  }
}
