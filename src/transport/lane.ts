/** Chooses the lane of a request: undici, or axios's http adapter for what undici does not support, and for mocks. */
import { getProxyForUrl } from 'proxy-from-env';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { Request } from '../call/message.js';
import { carriedCall } from '../call/request.js';
import { redirectsOf } from './exchange/redirect.js';
import { activeMockAgent, isHttpMocked } from './pool/mocks.js';

export type Lane = 'undici' | 'http';

/**
 * The lane of a request, decided before anything is sent.
 * @throws PillionError ERR_CONFIG where a proxy variable of the environment is not the URL of an http proxy
 */
export function laneOf(request: Request): Lane {
  if (isHttpMocked()) return 'http';
  if (!needsHttp(request)) return 'undici';
  // The agent of a test has its own connections: options about those of a call have nothing to say.
  return activeMockAgent() !== undefined && isHttp(request) && !isSet(request, 'socketPath') ? 'undici' : 'http';
}

function needsHttp(request: Request): boolean {
  if (httpOptions.some((name) => isSet(request, name))) return true;
  return isProxied(request) || !isHttp(request) || hasConnectionHeader(request);
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
  return proxy !== '' || redirectsOf(request) > 0;
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
  return !otherScheme.test(carriedCall(request)?.href ?? (baseURL && !url.includes('//') ? baseURL : url));
}

const otherScheme = /^(?!https?:)[a-z][a-z\d+.-]*:/i;

/**
 * True for headers about the connection itself, which undici does not take from a caller, and for a `content-length`
 * that is not the body's.
 */
function hasConnectionHeader({ headers, data }: Request): boolean {
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    if (connectionHeaders.has(lower)) return true;
    if (lower === 'content-length' && typeof data === 'string' && Number(headers[name]) !== Buffer.byteLength(data))
      return true;
  }
  return false;
}

const connectionHeaders = new Set(['transfer-encoding', 'keep-alive', 'upgrade', 'expect']);
