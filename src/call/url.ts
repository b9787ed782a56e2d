/** Builds and checks the URL that a request goes to. */
import { Axios, AxiosError, isAxiosError } from 'axios';
import { ErrorCode, PillionError } from './errors.js';
import type { Request } from './message.js';
import { ownValue } from './own.js';
import { manyDestinations } from './recent.js';
import { redactUrl } from './redact.js';

/** The parts of a URL that the wire needs. */
export interface Target {
  /** Full URL, credentials and query values included: redact before showing. */
  readonly href: string;
  /** Scheme, host and port; `null` for `data:`. */
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
}

/** The host of a URL as sockets want it: an IPv6 address without its brackets. */
export function plainHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

const absolute = /^([a-z][a-z\d+\-.]*:)?\/\//i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const control = /[\u0000-\u001f\u007f]/;
const controls = new RegExp(control, 'g');
const noSlashes = /^ *https?:(?!\/\/)/i;

/**
 * The URL a request asks for, as axios would build it from `baseURL`, `url`, `params` and `allowAbsoluteUrls`.
 * @throws PillionError ERR_INVALID_URL; AxiosError ERR_BAD_REQUEST for a scheme that is neither http nor https, and for
 * `params` that cannot be serialized
 */
export function resolveUrl(request: Request, allowAbsolute = request.allowAbsoluteUrls !== false): Target {
  const url = textOf(request.url);
  const baseURL = textOf(request.baseURL);
  const target = plainlyJoined(baseURL, url) ?? joinedTarget(baseURL, url, allowAbsolute, request);
  return request.params === undefined || target.origin === 'null' ? target : withParams(target, request);
}

function joinedTarget(baseURL: string, url: string, allowAbsolute: boolean, request: Request): Target {
  checkSlashes(url, request);
  return wholeTarget(joinUrl(baseURL, url, allowAbsolute), request, baseURL);
}

function wholeTarget(text: string, request: Request, baseURL = ''): Target {
  const plain = plainTarget(text);
  if (plain !== undefined) return plain;
  checkSlashes(baseURL, request);
  // WHATWG parsing silently drops CR, LF and tab; a URL with one of them is refused here.
  if (control.test(text)) throw invalidUrl(request, 'it holds a control character');
  const parsed = parse(text, request);
  if (!/^(https?|data):$/.test(parsed.protocol))
    throw new AxiosError(`Unsupported protocol ${parsed.protocol}`, AxiosError.ERR_BAD_REQUEST, request);
  return targetOf(parsed);
}

export function targetOf(url: URL): Target {
  return { href: url.href, origin: url.origin, path: url.pathname + url.search };
}

/** A path with its query that WHATWG parsing leaves as it is, dot segments apart. */
const plainPath = String.raw`/[\w\-.~!$&()*+,;=:@/%]*(\?[\w\-.~!$&()*+,;=:@/%?]+)?$`;
const unchanged = new RegExp(String.raw`^https?://[a-z\d.:-]+${plainPath}`);
/** A path that is added to a `baseURL` as it is. */
const unchangedPath = new RegExp(`^(?!//)${plainPath}`);
const dotSegment = /\/\.|%2e/i;

/** Keeps a copy of the key, as a part of a URL would keep all of it in memory. */
function remember<Value>(known: Map<string, Value>, written: string, value: Value): Value {
  if (known.size >= manyDestinations) known.clear();
  known.set(Buffer.from(written).toString(), value);
  return value;
}

/** Each `baseURL` that is its own normal form, without slashes at its end. */
const bases = new Map<string, Target>();

/** The target of a path under a `baseURL`, both as most are: put together without looking at the whole, which saves 1 us. */
function plainlyJoined(baseURL: string, url: string): Target | undefined {
  if (!unchangedPath.test(url) || dotSegment.test(url)) return undefined;
  const base = bases.get(baseURL) ?? baseOf(baseURL);
  return base && { href: base.href + url, origin: base.origin, path: base.path + url };
}

function baseOf(written: string): Target | undefined {
  if (written.length > longestOrigin) return undefined;
  const bare = written.replace(/\/+$/, '');
  const target = plainTarget(`${bare}/`);
  if (target === undefined) return undefined;
  const { href, origin, path } = target;
  return remember(bases, written, { href: href.slice(0, -1), origin, path: path.slice(0, -1) });
}

/** Origins as callers wrote them, each with its normal form where that is the same text. */
const origins = new Map<string, string | undefined>();
/** No name in DNS is longer than 253 characters. */
const longestOrigin = 280;

/**
 * Takes a URL apart without parsing it, which costs more than 2 us a call: most URLs are their own normal form, and
 * their origin is known.
 */
function plainTarget(href: string): Target | undefined {
  if (!unchanged.test(href) || dotSegment.test(href)) return undefined;
  const end = href.indexOf('/', 8);
  const origin = normalOf(href.slice(0, end));
  return origin === undefined ? undefined : { href, origin, path: href.slice(end) };
}

function normalOf(written: string): string | undefined {
  const known = origins.get(written);
  if (known !== undefined || written.length > longestOrigin || origins.has(written)) return known;
  const origin = URL.canParse(written) ? new URL(written).origin : undefined;
  return remember(origins, written, origin === written ? origin : undefined);
}

/** A URL as text: axios also takes a `URL`, whatever its types say. */
export function textOf(url: unknown): string {
  return typeof url === 'string' ? url : String(url ?? '');
}

/** True for a `URL`, recognized by its shape: it may come from another realm or package. */
export function isUrl(value: unknown): value is URL {
  return Object.prototype.toString.call(value) === '[object URL]';
}

function parse(text: string, request: Request): URL {
  try {
    return new URL(text);
  } catch {
    // The error of the URL parser quotes the whole URL, so it does not go along as cause.
    const relative = !request.baseURL && !absolute.test(text);
    throw invalidUrl(request, relative ? 'it is relative and there is no baseURL' : 'it cannot be parsed');
  }
}

function joinUrl(baseURL: string, url: string, allowAbsolute: boolean): string {
  if (!baseURL || (allowAbsolute && absolute.test(url))) return url;
  return url ? `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}` : baseURL;
}

/** WHATWG parsing reads `http:host/path` as if the slashes were there. */
function checkSlashes(url: string, request: Request): void {
  const shown = control.test(url) ? url.replace(controls, '') : url;
  if (noSlashes.test(shown)) throw invalidUrl(request, 'missing "//" after protocol');
}

/** An axios without any defaults: the global one would add its own `params`, `paramsSerializer` and `baseURL`. */
const serializer = new Axios({});

/** Text that may be sent as a serializer has written it; a URL parser would change a quote in it. */
const sendable = /^[\x21\x22\x24-\x7e]+$/;

function withParams({ href, origin, path }: Target, request: Request): Target {
  const asked = serialized(path, request);
  const whole = href.slice(0, href.indexOf('/', href.indexOf('//') + 2)) + asked;
  return sendable.test(asked) ? { href: whole, origin, path: asked } : wholeTarget(whole, request);
}

function serialized(url: string, request: Request): string {
  const { params } = request;
  const paramsSerializer = ownValue(request, 'paramsSerializer') as Request['paramsSerializer'];
  try {
    return serializer.getUri(paramsSerializer === undefined ? { url, params } : { url, params, paramsSerializer });
  } catch (cause) {
    const code = isAxiosError(cause) ? cause.code : AxiosError.ERR_BAD_REQUEST;
    const error = AxiosError.from(cause as Error, code, request);
    throw Object.assign(error, { url: request.url, exists: true });
  }
}

/** The error for a URL, of a call or of a redirect, that leads to an origin which the client may not reach. */
export function leavesOrigin(client: string, request: Request, href: string, origin: string): PillionError {
  const why = `${client}: ${redactUrl(href)} leaves the origin ${origin} of baseURL`;
  return new PillionError(ErrorCode.ORIGIN, `${why}; set allowAbsoluteUrls to allow it.`, request);
}

function invalidUrl(request: Request, why: string): PillionError {
  // A URL that cannot be parsed may have its credentials anywhere before the last @.
  const shown = redactUrl(textOf(request.url).replace(/^.*@/s, 'REDACTED@')).replace(/[^\x20-\x7e]/g, '?');
  return new PillionError(ErrorCode.INVALID_URL, `Invalid URL "${shown}": ${why}`, request);
}
