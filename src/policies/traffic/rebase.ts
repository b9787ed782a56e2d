/** Moves a call from its base URL to another one. */

import type { Request } from '../../call/message.js';
import type { Call } from '../../call/record.js';
import { resolveUrl, type Target, targetOf } from '../../call/url.js';

export interface Rebased {
  readonly target: Target;
  /** Request options that replace those of the call. */
  readonly options: Pick<Request, 'url' | 'params'> & { baseURL: string };
}

/**
 * Replaces the `baseURL` of a call by `to`; undefined for a call without a `baseURL`, or with an absolute URL outside
 * it.
 */
export function rebased(request: Request, call: Call, to: string): Rebased | undefined {
  const from = request.baseURL;
  const { url = '', params } = request;
  if (from === undefined || !isAbsolute(url)) {
    if (from === undefined) return undefined;
    const options = { url, params, baseURL: to };
    return { target: resolveUrl({ ...request, ...options }), options };
  }
  const base = targetOf(new URL(from));
  const prefix = base.href.replace(/\/+$/, '');
  const isUnder = call.href === prefix || call.href === base.href;
  if (!isUnder && !call.href.startsWith(`${prefix}/`) && !call.href.startsWith(`${prefix}?`)) return undefined;
  const options = { url: call.href.slice(prefix.length), params: undefined, baseURL: to };
  // The rest of the URL is a path, also where it begins with two slashes.
  return { target: resolveUrl({ ...request, ...options }, false), options };
}

function isAbsolute(url: string): boolean {
  return /^([a-z][a-z\d+\-.]*:)?\/\//i.test(url);
}
