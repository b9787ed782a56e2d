/** Redirects, as axios follows them: which ones, with what method and body, and with which credentials. */
import { AxiosError, type AxiosRequestConfig } from 'axios';
import { PillionError, withCause } from '../../call/errors.js';
import type { Request, Response } from '../../call/message.js';
import { ownValue } from '../../call/own.js';
import { carriedCall } from '../../call/request.js';
import { leavesOrigin, resolveUrl, type Target, targetOf } from '../../call/url.js';

/** One request of a redirect chain. */
export interface Hop {
  readonly target: Target;
  readonly method: string;
  readonly headers: Request['headers'];
  /** The `Authorization` header that `auth` or the URL asks for. */
  readonly authorization: string | undefined;
  /** Whether the body is sent. */
  readonly withBody: boolean;
}

/** axios's default of `maxRedirects`. */
const defaultLimit = 21;

/** @throws AxiosError ERR_BAD_OPTION_VALUE for `sensitiveHeaders` that are no list of names */
export function checkRedirects(request: Request): void {
  const sensitiveHeaders = ownValue(request, 'sensitiveHeaders');
  if (sensitiveHeaders === undefined || sensitiveHeaders === null) return;
  if (Array.isArray(sensitiveHeaders) && sensitiveHeaders.every((each) => typeof each === 'string')) return;
  const message = 'sensitiveHeaders must be an array of strings';
  throw new AxiosError(message, AxiosError.ERR_BAD_OPTION_VALUE, request);
}

/** The number of redirects that a request may follow. */
export function redirectsOf({ maxRedirects }: Request): number {
  return maxRedirects ?? defaultLimit;
}

/** The location that an answer redirects to; undefined where it is no redirect. */
export function locationOf(status: number, headers: Record<string, unknown>): string | undefined {
  if (status < 300 || status >= 400) return undefined;
  const location = ownValue(headers, 'location');
  return typeof location === 'string' && location !== '' ? location : undefined;
}

/**
 * The next request of the chain.
 * @throws PillionError ERR_ORIGIN_NOT_ALLOWED; AxiosError ERR_FR_TOO_MANY_REDIRECTS; ERR_FR_REDIRECTION_FAILURE for a location
 * that is no http URL, and where `beforeRedirect` throws
 */
export function nextHop(request: Request, hop: Hop, answer: Response, followed: number): Hop {
  if (followed > redirectsOf(request))
    throw new AxiosError('Maximum number of redirects exceeded', 'ERR_FR_TOO_MANY_REDIRECTS', request);
  try {
    return redirected(request, hop, answer);
  } catch (cause) {
    if (cause instanceof PillionError) throw cause;
    const message = `Redirected request failed: ${(cause as Error | undefined)?.message}`;
    throw withCause(new AxiosError(message, 'ERR_FR_REDIRECTION_FAILURE', request), cause);
  }
}

/**
 * A redirect leaves the origin under the same rule as an absolute URL.
 * @throws PillionError ERR_ORIGIN_NOT_ALLOWED
 */
export function checkOrigin(request: Request, { origin, href }: URL | Target): void {
  const call = carriedCall(request);
  if (call?.confinedTo === undefined || origin === call.confinedTo || origin === call.home) return;
  throw leavesOrigin(call.client, request, href, call.confinedTo);
}

/** True for an origin that the client's certificate is not meant for; a redirect or an absolute URL may lead to one. */
export function isAway(request: Request, origin: string): boolean {
  return origin !== (carriedCall(request)?.home ?? resolveUrl(request, !request.baseURL).origin);
}

/** The same for the origin that the call starts at. */
export function beginsAway(request: Request): boolean {
  const call = carriedCall(request);
  if (call !== undefined) return call.origin !== call.home;
  return Boolean(request.baseURL) && isAway(request, resolveUrl(request).origin);
}

function redirected(request: Request, hop: Hop, { status, headers }: Response): Hop {
  const url = locationUrl(String(headers.location), hop);
  checkOrigin(request, url);
  const rewritten = isRewritten(status, hop.method);
  const sameOrigin = url.origin === hop.target.origin;
  const next: Hop = {
    target: targetOf(url),
    method: rewritten ? 'GET' : hop.method,
    headers: without(hop.headers, (name, value) =>
      sameOrigin ? isOfHop(name, rewritten) : isOfHop(name, rewritten) || !goesAway(name, value, request),
    ),
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

/**
 * True where the method becomes GET: after a 301 or 302 that of a POST, by common practice (RFC 9110, 15.4), after a
 * 303 any but HEAD.
 */
function isRewritten(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD';
  return (status === 301 || status === 302) && method === 'POST';
}

/** True for a header that is meant for this one request: its host, or a body that is not sent again. */
function isOfHop(name: string, rewritten: boolean): boolean {
  return name === 'host' || (rewritten && name.startsWith('content-'));
}

const credentials = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** The `accept` header that axios sends where the caller sets none. */
const standardAccept = /^(application\/json, text\/plain, )?\*\/\*$/;

/**
 * True where a header is sent to another origin too: one that the call itself has set and that fetch would send there,
 * or one that describes the body. Headers of the client and its policies are meant for the origin that they were
 * configured for.
 */
function goesAway(name: string, value: unknown, request: Request): boolean {
  if (credentials.has(name) || isSensitive(name, request)) return false;
  const call = carriedCall(request);
  if (call === undefined || call.asksFor(name) || name.startsWith('content-')) return true;
  return name === 'accept' && standardAccept.test(String(value));
}

function isSensitive(name: string, request: Request): boolean {
  const sensitiveHeaders = ownValue(request, 'sensitiveHeaders') as readonly string[] | undefined;
  return sensitiveHeaders?.some((each) => each.toLowerCase() === name) ?? false;
}

function without(
  headers: Request['headers'],
  drops: (name: string, value: unknown, given: string) => boolean,
): Request['headers'] {
  const kept: Record<string, unknown> = {};
  for (const name of Object.keys(headers))
    if (!drops(name.toLowerCase(), headers[name], name)) kept[name] = headers[name];
  return kept as unknown as Request['headers'];
}

type Loose = Record<string, unknown>;
type BeforeRedirect = NonNullable<AxiosRequestConfig['beforeRedirect']>;

/** Passes the next request to the caller's `beforeRedirect`, which may change it, or throw to stop the chain. */
function asked(request: Request, from: Hop, next: Hop, answer: Pick<Response, 'status' | 'headers'>): Hop {
  const beforeRedirect = ownValue(request, 'beforeRedirect') as BeforeRedirect | undefined;
  if (!beforeRedirect) return next;
  const options = optionsOf({ ...next, headers: { ...next.headers } as Request['headers'] });
  const before = { ...options };
  const responseDetails = { headers: answer.headers as Record<string, string>, statusCode: answer.status as never };
  const requestDetails = { url: from.target.href, method: from.method, headers: shownHeaders(from) };
  beforeRedirect(options, responseDetails, requestDetails as never);
  return changed(request, from, next, before, options);
}

/** The options of a hop, under the names of Node's `http.request`, which callers of axios know. */
function optionsOf({ target, method, headers, authorization }: Hop): Record<string, unknown> {
  const { protocol, host, hostname, port, pathname, search, href } = new URL(target.href);
  const auth = authorization && Buffer.from(authorization.slice('Basic '.length), 'base64').toString();
  return { protocol, host, hostname, port, path: pathname + search, pathname, search, href, method, headers, auth };
}

function shownHeaders({ headers }: Hop): Record<string, unknown> {
  return { ...headers };
}

function changed(request: Request, from: Hop, next: Hop, before: Loose, after: Loose): Hop {
  const headers = (ownValue(after, 'headers') ?? {}) as Request['headers'];
  const auth = ownValue(after, 'auth');
  const hop = { ...next, method: String(ownValue(after, 'method') ?? next.method).toUpperCase() };
  const target = movedTo(before, after);
  if (target === undefined) return { ...hop, headers, authorization: authorizationOf(auth) };
  checkOrigin(request, target);
  if (target.origin === from.target.origin) return { ...hop, target, headers, authorization: authorizationOf(auth) };
  // Headers that `beforeRedirect` has set or changed are meant for the new origin.
  const kept = without(
    headers,
    (name, value, given) => value === next.headers[given] && !goesAway(name, value, request),
  );
  return { ...hop, target, headers: kept, authorization: auth === before.auth ? undefined : authorizationOf(auth) };
}

/** The target that `beforeRedirect` has set; undefined where it has not changed it. */
function movedTo(before: Loose, after: Loose): Target | undefined {
  if (['protocol', 'hostname', 'port', 'path'].every((name) => before[name] === after[name])) return undefined;
  const { protocol, hostname, port } = after;
  const path = String(after.path ?? '/');
  const host = String(hostname).includes(':') && !String(hostname).startsWith('[') ? `[${hostname}]` : hostname;
  // To a proxy the path is a whole URL.
  return targetOf(new URL(path.startsWith('/') ? `${protocol}//${host}${port ? `:${port}` : ''}${path}` : path));
}

/**
 * The same rules as a `beforeRedirect` for axios's http adapter, which follows redirects itself. `away` is given the
 * options of a request to an origin that the client's certificate is not meant for.
 */
export function ruledRedirects(
  request: Request,
  onRedirect: () => void,
  away: (options: Loose) => void,
): BeforeRedirect {
  let left = false;
  return (options, answer, details) => {
    onRedirect();
    const target = new URL(String(options.href));
    const from = new URL((details as { url: string }).url);
    checkOrigin(request, target);
    if (target.origin !== from.origin) {
      left = true;
      dropAway(request, options, options.headers as Loose);
    }
    // axios puts the call's credentials back on once the chain is at its first origin again; fetch does not.
    // follow-redirects reads `auth` of a URL by name, and so finds one on a polluted `Object.prototype`.
    if (left || typeof options.auth !== 'string') options.auth = undefined;
    const before = { ...options, headers: { ...(options.headers as Loose) } };
    const ofCaller = ownValue(request, 'beforeRedirect') as BeforeRedirect | undefined;
    if (ofCaller) ofCaller(options, answer, details);
    const moved = movedTo(before, options);
    if (moved !== undefined) checkOrigin(request, moved);
    if (moved !== undefined && moved.origin !== from.origin) dropAway(request, options, before.headers);
    if (isAway(request, (moved ?? target).origin)) away(options);
  };
}

/** Headers that axios has made for the next request. */
const madeForHop = new Set(['host', 'proxy-authorization']);

function dropAway(request: Request, options: Loose, before: Loose): void {
  const headers = options.headers as Loose;
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    if (madeForHop.has(lower) || headers[name] !== before[name] || goesAway(lower, headers[name], request)) continue;
    delete headers[name];
  }
}

function authorizationOf(auth: unknown): string | undefined {
  return typeof auth === 'string' ? `Basic ${Buffer.from(auth).toString('base64')}` : undefined;
}

/** The reason for a failed redirect, without the error that follow-redirects puts around it. */
export function redirectFailure(error: AxiosError): AxiosError {
  const reason: unknown = error.cause?.cause;
  return reason instanceof PillionError ? reason : withCause(error, reason);
}
