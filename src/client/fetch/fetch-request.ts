/** Reads the arguments of a `fetch` call by the rules of the standard. */
import { isUrl } from '../../call/url.js';
import { isUsed, usedError } from '../../call/used-body.js';
import { type Extracted, extractBody, heldBody } from './fetch-body.js';

/** The first argument of `fetch`; a relative URL is appended to `baseURL`. */
export type FetchInput = string | URL | globalThis.Request;

/** The request that a `fetch` call describes. */
export interface Asked {
  readonly url: string;
  /** Upper case. */
  readonly method: string;
  readonly headers: Headers;
  /** The body, in a form that axios accepts. */
  readonly data: unknown;
  readonly signal: AbortSignal | undefined;
  readonly redirect: 'follow' | 'manual' | 'error';
}

/**
 * Reads the arguments of a `fetch` call.
 * @throws TypeError for arguments that the standard rejects, and for `integrity`, which is not supported
 */
export async function readRequest(input: FetchInput, init: globalThis.RequestInit): Promise<Asked> {
  const given = isRequest(input) ? input : undefined;
  const url = given?.url ?? String(input);
  checkUrl(url);
  const method = methodOf(init.method ?? given?.method ?? 'GET');
  const headers = new Headers(init.headers ?? given?.headers);
  // Forbidden by the standard; beside the length of a short body it would give the message two ends.
  headers.delete('transfer-encoding');
  const redirect = redirectOf(init.redirect ?? given?.redirect ?? 'follow');
  const signal = (init.signal === undefined ? given?.signal : init.signal) ?? undefined;
  if (signal !== undefined && typeof (signal as Partial<AbortSignal>).addEventListener !== 'function')
    throw new TypeError('The option signal must be an AbortSignal.');
  if (init.integrity || given?.integrity)
    throw new TypeError('The option integrity is not supported by this fetch; check the body yourself.');
  const body = await bodyOf(init, given, signal);
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    throw new TypeError(`A ${method} request cannot have a body.`);
  if (body?.type !== undefined && !headers.has('content-type')) headers.set('content-type', body.type);
  return { url, method, headers, data: body?.data, signal, redirect };
}

/** Tests by shape, because a `Request` may come from another copy of undici. */
function isRequest(input: FetchInput): input is globalThis.Request {
  return typeof input === 'object' && !isUrl(input) && 'headers' in input && 'url' in input;
}

function checkUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) return;
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    throw new TypeError(`fetch failed: the protocol of the URL must be http: or https:, not ${parsed.protocol}`);
  if (parsed.username || parsed.password)
    throw new TypeError('The URL of a request cannot contain credentials; send an Authorization header instead.');
}

const forbidden = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** Upper-cases every method; the standard leaves `patch` in lower case, which servers reject. */
function methodOf(given: string): string {
  const method = given.toUpperCase();
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(method)) throw new TypeError(`${JSON.stringify(given)} is not an HTTP method.`);
  if (forbidden.has(method)) throw new TypeError(`${method} is not a method that fetch may send.`);
  return method;
}

function redirectOf(given: string): Asked['redirect'] {
  if (given === 'follow' || given === 'manual' || given === 'error') return given;
  throw new TypeError(`The option redirect must be "follow", "manual" or "error", not ${JSON.stringify(given)}.`);
}

function bodyOf(
  init: globalThis.RequestInit,
  given: globalThis.Request | undefined,
  signal: AbortSignal | undefined,
): Extracted | undefined | Promise<Extracted> {
  const { body } = init;
  if (body !== undefined && body !== null) return extractBody(body, init.duplex);
  if (!given?.body) return undefined;
  if (given.bodyUsed || isUsed(given.body)) throw gone();
  return heldBody(given.body, signal);
}

/** The error for a body that was read already: a TypeError whose `cause` is the error of an axios call. */
function gone(): TypeError {
  const cause = usedError('fetch');
  return fetchError(cause.message, cause);
}

/** A TypeError as `fetch` rejects with, with the code of its cause, which code looks for on the error itself. */
export function fetchError(message: string, cause: unknown): TypeError & { code?: string } {
  const error: TypeError & { code?: string } = new TypeError(message, { cause });
  const code: unknown = (cause as { code?: unknown } | null | undefined)?.code;
  if (typeof code === 'string') error.code = code;
  return error;
}
