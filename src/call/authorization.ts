/** The `Authorization` header that a request gets from its `auth` option or its URL. */
import { takeHeader } from './headers.js';
import type { Request } from './message.js';
import { ownOf, ownValue } from './own.js';
import { callOf } from './request.js';
import { resolveUrl, type Target } from './url.js';

/** The `auth` option, else the credentials in the URL. */
export function basicAuthOf(request: Request, { href }: Pick<Target, 'href'>): string | undefined {
  const auth = ownValue(request, 'auth') as object | undefined;
  if (auth) {
    const { username, password } = ownOf(auth as { username?: unknown; password?: unknown });
    return basic(textOr(username), textOr(password));
  }
  if (!href.includes('@')) return undefined;
  const { username, password } = new URL(href);
  return username || password ? basic(decoded(username), decoded(password)) : undefined;
}

function textOr(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The value of an `Authorization` header for basic authentication (RFC 7617, UTF-8). */
function basic(username = '', password = ''): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Writes the credentials of `auth` or of the URL as a header: otherwise the wire would add them to the changed ones. */
export function withoutAuth(request: Request, headers: Request['headers']): object | undefined {
  const call = callOf(request);
  const authorization = basicAuthOf(request, call);
  if (authorization === undefined) return undefined;
  takeHeader(headers, 'authorization');
  headers.authorization = authorization;
  const { url, baseURL } = request;
  const bare = {
    auth: undefined,
    ...(url !== undefined && { url: withoutCredentials(url) }),
    ...(baseURL !== undefined && { baseURL: withoutCredentials(baseURL) }),
  };
  call.aim(resolveUrl({ ...request, ...bare } as never));
  return bare;
}

function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z\d+\-.]*:)?\/\/[^/?#]*@/i, '$1//');
}
