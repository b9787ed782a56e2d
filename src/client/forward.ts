/** Sends a request that another HTTP client has made through the stack of a client, changed as little as possible. */
import { Readable } from 'node:stream';
import { isAnyArrayBuffer } from 'node:util/types';
import { AxiosHeaders, type GenericAbortSignal } from 'axios';
import { discardUpload, guard, isStream, isWebStream, responseOf } from '../call/body.js';
import { connectionHeadersOf, headerList } from '../call/headers.js';
import { HeldBody, heldBytes, isHeld } from '../call/held-body.js';
import { type Informed, informing } from '../call/information.js';
import type { Request, Response } from '../call/message.js';
import { Own } from '../call/own.js';
import { markOwnHeaders } from '../call/record.js';
import { onAbort } from '../call/scope.js';
import { verdictOn } from '../policies/retries/retry-functions.js';
import { stackOf } from './client.js';
import type { ClientHandle } from './http-client.js';

/** A request of another HTTP client. */
export interface ForeignRequest {
  readonly method: string;
  /** An absolute URL, or a path that begins with a slash and follows that of `baseURL`. */
  readonly url: string;
  /** Names and values in turns. */
  readonly headers: readonly string[];
  /** In place of the host of the URL; a `host` in `headers` has no effect. */
  readonly host?: string | undefined;
  readonly body?: string | Uint8Array | AsyncIterable<unknown> | null | undefined;
  readonly signal?: GenericAbortSignal | undefined;
  /** False: it is not sent again. */
  readonly retry?: false | undefined;
  /** Called for each informational answer, of each attempt. */
  readonly informed?: Informed | undefined;
}

/** The answer to a foreign request: any status, not decoded, no redirect followed. */
export interface ForeignAnswer {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turns, without those of the connection. */
  readonly headers: string[];
  /** The body as it came; `trailers` is filled once it has ended. */
  readonly body: Readable & { readonly trailers?: Record<string, string> };
}

/**
 * Sends the request with the policies of the client. Headers of the connection are left out; those of the client's
 * configuration are added where the request has none of the name. A body of up to 1 MiB can be sent again.
 * @throws TypeError for a client that this library did not make; otherwise whatever a call of the client rejects with
 */
export async function forward(client: ClientHandle, foreign: ForeignRequest): Promise<ForeignAnswer> {
  const stack = stackOf(client);
  if (stack === undefined) throw new TypeError('This is not a client of pillion.');
  const { config } = stack;
  const headers = requestHeaders(foreign.headers);
  if (foreign.host !== undefined) headers.host = foreign.host;
  const own = Object.keys(headers);
  const body = await bodyFrom(foreign, Number(headers['content-length'] ?? Number.NaN));
  const request = Object.assign(new Own(), {
    url: urlFrom(foreign.url, config.baseURL),
    // For the policies that send a call, or a copy of it, to another one.
    baseURL: config.baseURL,
    method: foreign.method,
    headers: withDefaults(headers, config.headers),
    data: body,
    ...(foreign.signal && { signal: foreign.signal }),
    ...(foreign.retry === false && { retry: false }),
    responseType: 'stream',
    // An answer of any status is an answer.
    validateStatus: null,
    allowAbsoluteUrls: config.allowAbsoluteUrls,
    maxRedirects: 0,
    decompress: false,
    ...(config.proxy === false && { proxy: false }),
    ...(foreign.informed && informing(foreign.informed)),
  });
  try {
    const response = await stack.adapter(markOwnHeaders(request as unknown as Request, own));
    return answerFrom(response);
  } catch (error) {
    const refused = responseOf(error);
    // `validateResponse` of `deps.retry` refused it; the code that sent the request judges for itself.
    if (refused !== undefined && verdictOn(refused) === false) return answerFrom(refused);
    if (isHeld(body)) body.destroy();
    throw error;
  } finally {
    if (isHeld(body)) body.expectNoAttempt();
  }
}

/** A path keeps its slashes and dots as far as URLs allow: it follows that of `baseURL`, which has no slash at its end. */
function urlFrom(url: string, baseURL: string | undefined): string {
  return url.startsWith('/') && baseURL !== undefined ? baseURL.replace(/\/+$/, '') + url : url;
}

/** Lower-case names; a name that is given several times has a list. */
function requestHeaders(given: readonly string[]): Record<string, string | string[]> {
  const headers = Object.create(null) as Record<string, string | string[]>;
  const dropped = connectionHeadersOf(given);
  for (let index = 0; index + 1 < given.length; index += 2) {
    const name = (given[index] as string).toLowerCase();
    const value = given[index + 1] as string;
    if (dropped.has(name) || name === 'host' || name === '__proto__') continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

/** `false` where the wire would add a header of its own. */
const none = { 'user-agent': false, 'accept-encoding': false };

function withDefaults(own: Record<string, string | string[]>, defaults: Record<string, unknown> = {}): AxiosHeaders {
  const lower = Object.entries(defaults).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.assign(new AxiosHeaders(), none, Object.fromEntries(lower), own);
}

/** A body whose short length is known is read before it is sent: then it can be mirrored and hedged too. */
async function bodyFrom({ body, signal }: ForeignRequest, length: number): Promise<unknown> {
  if (body === undefined || body === null || typeof body === 'string') return body ?? undefined;
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (isStream(body)) guard(body);
  const held = new HeldBody(body, () => release(body));
  if (!(length <= heldBytes)) return held;
  const unlink = signal && onAbort(signal, () => held.destroy((signal as AbortSignal).reason as Error));
  try {
    const pieces: Buffer[] = [];
    for await (const piece of held) pieces.push(piece);
    return Buffer.concat(pieces);
  } finally {
    unlink?.();
    held.expectNoAttempt();
  }
}

function release(body: AsyncIterable<unknown>): void {
  if (isStream(body) || isWebStream(body)) discardUpload(body);
  else (body as Partial<AsyncGenerator>).return?.(undefined)?.catch(() => {});
}

function answerFrom({ status, statusText, headers, data }: Response): ForeignAnswer {
  const list = (data as { rawHeaders?: string[] } | undefined)?.rawHeaders ?? headerList(headers);
  const dropped = connectionHeadersOf(list);
  const kept: string[] = [];
  for (let index = 0; index + 1 < list.length; index += 2)
    if (!dropped.has((list[index] as string).toLowerCase()))
      kept.push(list[index] as string, list[index + 1] as string);
  return { status, statusText: statusText ?? '', headers: kept, body: streamFrom(data) };
}

/** The body of any transport as a stream: an injected one may answer with text, bytes or data. */
function streamFrom(data: unknown): ForeignAnswer['body'] {
  if (isStream(data)) {
    guard(data);
    return data;
  }
  if (isWebStream(data)) return Readable.fromWeb(data as never);
  if (data === undefined || data === null) return Readable.from([]);
  if (ArrayBuffer.isView(data)) return Readable.from([Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
  if (isAnyArrayBuffer(data)) return Readable.from([Buffer.from(data)]);
  return Readable.from([Buffer.from(typeof data === 'string' ? data : JSON.stringify(data))]);
}
