/** Redirects, as axios follows them: which, with what method and body, and with whose credentials. */
import { AxiosError, type AxiosRequestConfig } from 'axios';
import { withCause } from '../errors.js';
import type { Request, Response } from '../policy.js';
import { type Target, targetOf } from '../url.js';

/** One request of a chain of redirects. */
export interface Hop {
  readonly target: Target;
  readonly method: string;
  readonly headers: Request['headers'];
  /** The `Authorization` header that `auth` or the URL asks for. */
  readonly authorization: string | undefined;
  /** Whether the body goes along. */
  readonly withBody: boolean;
}

/** axios's default. */
const defaultLimit = 21;

/** @throws AxiosError ERR_BAD_OPTION_VALUE for `sensitiveHeaders` that are no list of names */
export function checkRedirects(request: Request): void {
  const { sensitiveHeaders } = request as { sensitiveHeaders?: unknown };
  if (sensitiveHeaders === undefined || sensitiveHeaders === null) return;
  if (Array.isArray(sensitiveHeaders) && sensitiveHeaders.every((each) => typeof each === 'string')) return;
  const message = 'sensitiveHeaders must be an array of strings';
  throw new AxiosError(message, AxiosError.ERR_BAD_OPTION_VALUE, request);
}

/** Redirects a request may follow. */
export function redirectsOf({ maxRedirects }: Request): number {
  return maxRedirects ?? defaultLimit;
}

/** Where an answer sends the request, if it does. */
export function locationOf(status: number, headers: Record<string, unknown>): string | undefined {
  const { location } = headers;
  return status >= 300 && status < 400 && typeof location === 'string' && location !== '' ? location : undefined;
}

/**
 * The next request of the chain.
 * @throws AxiosError ERR_FR_TOO_MANY_REDIRECTS; ERR_FR_REDIRECTION_FAILURE for a location that is no http URL, and where
 * `beforeRedirect` throws
 */
export function nextHop(request: Request, hop: Hop, answer: Response, followed: number): Hop {
  if (followed > redirectsOf(request))
    throw new AxiosError('Maximum number of redirects exceeded', 'ERR_FR_TOO_MANY_REDIRECTS', request);
  try {
    return redirected(request, hop, answer);
  } catch (cause) {
    const message = `Redirected request failed: ${(cause as Error | undefined)?.message}`;
    throw withCause(new AxiosError(message, 'ERR_FR_REDIRECTION_FAILURE', request), cause);
  }
}

function redirected(request: Request, hop: Hop, { status, headers }: Response): Hop {
  const url = locationUrl(String(headers.location), hop);
  const rewritten = isRewritten(status, hop.method);
  const sameOrigin = url.origin === hop.target.origin;
  const next: Hop = {
    target: targetOf(url),
    method: rewritten ? 'GET' : hop.method,
    headers: without(hop.headers, (name) => isDropped(name, rewritten, sameOrigin, request)),
    authorization: sameOrigin ? hop.authorization : undefined,
    withBody: hop.withBody && !rewritten,
  };
  return asked(request, hop, next, { status, headers });
}

function locationUrl(location: string, { target }: Hop): URL {
  const url = new URL(location, target.href);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TypeError(`Unsupported protocol ${url.protocol}`);
  // As in axios, credentials in a location are not used.
  url.username = '';
  url.password = '';
  return url;
}

/** A POST becomes a GET by common practice (RFC 9110, 15.4), by 303 whatever is not a HEAD. */
function isRewritten(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD';
  return (status === 301 || status === 302) && method === 'POST';
}

function isDropped(name: string, rewritten: boolean, sameOrigin: boolean, request: Request): boolean {
  if (name === 'host' || (rewritten && name.startsWith('content-'))) return true;
  if (sameOrigin) return false;
  return name === 'authorization' || name === 'proxy-authorization' || name === 'cookie' || isSensitive(name, request);
}

function isSensitive(name: string, request: Request): boolean {
  const { sensitiveHeaders } = request as Request & { sensitiveHeaders?: readonly string[] };
  return sensitiveHeaders?.some((each) => each.toLowerCase() === name) ?? false;
}

function without(headers: Request['headers'], drops: (name: string) => boolean): Request['headers'] {
  const kept: Record<string, unknown> = {};
  for (const name of Object.keys(headers)) if (!drops(name.toLowerCase())) kept[name] = headers[name];
  return kept as unknown as Request['headers'];
}

type BeforeRedirect = NonNullable<AxiosRequestConfig['beforeRedirect']>;

/** Lets the caller's `beforeRedirect` see and change the next request; it may throw to stop here. */
function asked(request: Request, from: Hop, next: Hop, answer: Pick<Response, 'status' | 'headers'>): Hop {
  const beforeRedirect = request.beforeRedirect as BeforeRedirect | undefined;
  if (beforeRedirect === undefined) return next;
  const options = optionsOf(next);
  const before = { ...options };
  const responseDetails = { headers: answer.headers as Record<string, string>, statusCode: answer.status as never };
  const requestDetails = { url: from.target.href, method: from.method, headers: shownHeaders(from) };
  beforeRedirect(options, responseDetails, requestDetails as never);
  return changed(next, before, options);
}

/** The names are those of Node's `http.request`, which callers of axios know. */
function optionsOf({ target, method, headers, authorization }: Hop): Record<string, unknown> {
  const { protocol, host, hostname, port, pathname, search, href } = new URL(target.href);
  const auth = authorization && Buffer.from(authorization.slice('Basic '.length), 'base64').toString();
  return { protocol, host, hostname, port, path: pathname + search, pathname, search, href, method, headers, auth };
}

function shownHeaders({ headers }: Hop): Record<string, unknown> {
  return { ...headers };
}

function changed(next: Hop, before: Record<string, unknown>, after: Record<string, unknown>): Hop {
  const moved = ['protocol', 'hostname', 'port', 'path'].some((name) => before[name] !== after[name]);
  const { protocol, hostname, port, path } = after;
  const target = moved ? targetOf(new URL(`${protocol}//${hostname}${port ? `:${port}` : ''}${path}`)) : next.target;
  return {
    ...next,
    target,
    method: String(after.method ?? next.method).toUpperCase(),
    headers: (after.headers ?? {}) as Request['headers'],
    authorization: authorizationOf(after.auth),
  };
}

function authorizationOf(auth: unknown): string | undefined {
  return typeof auth === 'string' ? `Basic ${Buffer.from(auth).toString('base64')}` : undefined;
}
