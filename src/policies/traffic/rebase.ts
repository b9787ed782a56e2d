/** A call under another base URL. */

import type { Request } from '../../call/message.js';
import type { Call } from '../../call/record.js';
import { resolveUrl, type Target, targetOf } from '../../call/url.js';

export interface Rebased {
  readonly target: Target;
  /** What the wire is asked in place of the call's own. */
  readonly options: Pick<Request, 'url' | 'params'> & { baseURL: string };
}

/**
 * Where a call goes with `to` in place of the `baseURL` it was made under; undefined for a call to another place, by an
 * absolute URL of its own.
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
  return { target: resolveUrl({ ...request, ...options }), options };
}

function isAbsolute(url: string): boolean {
  return /^([a-z][a-z\d+\-.]*:)?\/\//i.test(url);
}
