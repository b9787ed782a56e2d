/** Chooses the lane of a request: undici, or axios's http adapter for what undici does not support, and for mocks. */
import { getProxyForUrl } from 'proxy-from-env';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { Request } from '../call/message.js';
import { carriedCall } from '../call/request.js';
import { resolveUrl } from '../call/url.js';
import { redirectsOf } from './exchange/redirect.js';
import { isOwnProxy } from './own-proxies.js';
import type { AllowH2 } from './pool/connect.js';
import { activeMockAgent, isHttpMocked } from './pool/mocks.js';

export type Lane = 'undici' | 'http';

/**
 * The lane of a request, decided before anything is sent.
 * @throws PillionError ERR_CONFIG where a proxy variable of the environment is not the URL of an http proxy, and where
 * the request needs HTTP/1.1 and `allowH2` does not permit that
 */
export function laneOf(request: Request, allowH2: AllowH2): Lane {
  if (isHttpMocked()) return 'http';
  const reason = reasonForHttp(request);
  if (reason === undefined) return 'undici';
  // The agent of a test has its own connections: options about those of a call have nothing to say.
  if (activeMockAgent() !== undefined && isHttp(request) && !isSet(request, 'socketPath')) return 'undici';
  if (allowH2 === 'prior-knowledge' && isPlain(request)) refuseHttp1(request, reason);
  return 'http';
}

/** The part of the request that only axios's http adapter supports; undefined where there is none. */
function reasonForHttp(request: Request): string | undefined {
  const option = httpOptions.find((name) => isSet(request, name));
  if (option !== undefined) return option;
  if (isProxied(request)) return 'proxy';
  return isHttp(request) ? connectionHeaderOf(request) : 'url';
}

/** True for a request to an `http://` URL over HTTP/1.1: axios speaks HTTP/2 itself where `httpVersion` asks for it. */
function isPlain(request: Request): boolean {
  if (isSet(request, 'httpVersion') && Number(request.httpVersion) === 2) return false;
  return isHttp(request) && (carriedCall(request) ?? resolveUrl(request)).href.startsWith('http:');
}

function refuseHttp1(request: Request, reason: string): never {
  const { client = 'pillion' } = carriedCall(request) ?? {};
  const message =
    `${client}: ${reason} makes this request one of HTTP/1.1, but allowH2 is 'prior-knowledge', ` +
    'so the server speaks HTTP/2 without TLS.';
  throw new PillionError(ErrorCode.CONFIG, `${message} Remove ${reason}, or use a client without allowH2.`, request);
}

/** Options that only axios's http adapter supports. */
const httpOptions = [
  ...['socketPath', 'httpAgent', 'httpsAgent', 'transport', 'lookup', 'family'],
  ...['maxRate', 'insecureHTTPParser', 'httpVersion', 'http2Options'],
];

/** True where the caller has set the option: a polluted `Object.prototype` must not choose the socket. */
function isSet(request: Request, name: string): boolean {
  return Boolean(request[name as keyof Request]) && Object.hasOwn(request, name);
}

const proxyVariables = ['http_proxy', 'https_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]);

/** True where the call has a proxy of its own, or one of the environment may apply, if only after a redirect. */
function isProxied(request: Request): boolean {
  if (request.proxy === false) return false;
  if (request.proxy) return true;
  if (!proxyVariables.some((name) => process.env[name])) return false;
  const { href = request.url ?? '', client = 'pillion' } = carriedCall(request) ?? {};
  const proxy = getProxyForUrl(href);
  if (proxy !== '' && !isProxyUrl(proxy)) throw badProxy(client, href, request);
  if (skipsOwnProxy(request)) return false;
  return proxy !== '' || redirectsOf(request) > 0;
}

/**
 * True where axios's http adapter must not look for a proxy in the environment: the one there is this process, for this
 * URL or for one that it redirects to.
 */
export function skipsOwnProxy(request: Request): boolean {
  if (request.proxy || request.proxy === false) return false;
  const isOwn = (proxy: string) => isProxyUrl(proxy) && isOwnProxy(proxy);
  if (!proxyVariables.some((name) => isOwn(process.env[name] ?? ''))) return false;
  const proxy = getProxyForUrl(carriedCall(request)?.href ?? request.url ?? '');
  return proxy === '' || isOwn(proxy);
}

function isProxyUrl(proxy: string): boolean {
  return URL.canParse(proxy) && /^https?:\/\//i.test(proxy);
}

/** The error names the variable but not its value, which may hold a password. */
function badProxy(client: string, href: string, request: Request): PillionError {
  const names = [`${new URL(href).protocol.slice(0, -1)}_proxy`, 'all_proxy'].flatMap((name) => [
    name,
    name.toUpperCase(),
  ]);
  const name = names.find((each) => process.env[each]);
  const message = `${client}: the environment variable ${name} is not the URL of an http proxy, such as http://proxy:3128.`;
  return new PillionError(ErrorCode.CONFIG, `${message} Correct it, or list the host in NO_PROXY.`, request);
}

/** False for `data:` URLs, and for schemes that axios refuses with an error of its own. */
function isHttp(request: Request): boolean {
  const { url = '', baseURL } = request;
  const href = carriedCall(request)?.href ?? (baseURL && !url.includes('//') ? baseURL : url);
  return href.startsWith('http://') || href.startsWith('https://') || !otherScheme.test(href);
}

const otherScheme = /^(?!https?:)[a-z][a-z\d+.-]*:/i;

/**
 * The name of a header about the connection itself, which undici does not take from a caller, or of a `content-length`
 * that is not the body's.
 */
function connectionHeaderOf({ headers, data }: Request): string | undefined {
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    if (connectionHeaders.has(lower)) return lower;
    if (lower === 'content-length' && typeof data === 'string' && Number(headers[name]) !== Buffer.byteLength(data))
      return lower;
  }
  return undefined;
}

const connectionHeaders = new Set(['transfer-encoding', 'keep-alive', 'upgrade', 'expect']);
