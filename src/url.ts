/** Where a request goes. */
import axios from 'axios';
import { ErrorCode, PillionError } from './errors.js';
import type { Request } from './policy.js';
import { redactUrl } from './redact.js';

const absolute = /^([a-z][a-z\d+\-.]*:)?\/\//i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const control = /[\u0000-\u001f\u007f]/;

/**
 * The URL a request asks for, as axios would build it from `baseURL`, `url` and `params`.
 * @throws PillionError ERR_INVALID_URL
 */
export function resolveUrl(request: Request): URL {
  const text = request.params === undefined ? joinUrl(request.baseURL, request.url ?? '') : serializeUrl(request);
  // WHATWG parsing drops CR, LF and tab in silence: refused here instead.
  if (control.test(text)) throw invalidUrl(request, 'it holds a control character');
  const url = parse(text, request);
  if (!/^(https?|data):$/.test(url.protocol)) throw invalidUrl(request, 'it is neither http nor https');
  return url;
}

function parse(text: string, request: Request): URL {
  try {
    return new URL(text, request.baseURL || undefined);
  } catch {
    // The error of the URL parser quotes the whole URL, so it does not go along as cause.
    throw invalidUrl(request, request.baseURL ? 'it cannot be parsed' : 'it is relative and there is no baseURL');
  }
}

function joinUrl(baseURL: string | undefined, url: string): string {
  if (!baseURL || absolute.test(url)) return url;
  return url ? `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}` : baseURL;
}

function serializeUrl({ baseURL, url, params, paramsSerializer }: Request): string {
  const config = { url: joinUrl(baseURL, url ?? ''), params };
  return axios.getUri(paramsSerializer === undefined ? config : { ...config, paramsSerializer });
}

function invalidUrl(request: Request, why: string): PillionError {
  // What cannot be parsed may have its credentials anywhere before the last @.
  const shown = redactUrl((request.url ?? '').replace(/^.*@/s, 'REDACTED@')).replace(/[^\x20-\x7e]/g, '?');
  return new PillionError(ErrorCode.INVALID_URL, `The URL "${shown}" is not usable: ${why}.`, request);
}
