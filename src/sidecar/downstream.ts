/** A request to the listener and its answer, in one form for HTTP/1.1 and HTTP/2. */
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Readable, Writable } from 'node:stream';

/** The side of a request that faces the client. */
export interface Downstream {
  readonly method: string;
  /** A path, an absolute URL or `*`. */
  readonly target: string;
  /** True within a tunnel, for which the token was asked. */
  readonly isInTunnel: boolean;
  readonly host: string | undefined;
  /** True where a request without a host is malformed. */
  readonly needsHost: boolean;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turns. */
  readonly list: readonly string[];
  /** Undefined for a request without a body. */
  readonly body: Readable | undefined;
  /** What the body of the answer is written to. */
  readonly sink: Writable;
  /** Asks a client that waits with its body to send it. */
  proceed(): void;
  inform(status: number, headers: Record<string, unknown>): void;
  /** @throws TypeError or RangeError for a status or a header that cannot be written */
  head(status: number, text: string, list: readonly string[]): void;
  end(trailers?: Record<string, string>): void;
  /** Ends an answer before its end, so that the client does not take it for a whole one. */
  cut(): void;
}

/** No listener of ours is asked: what is lost with a connection is seen by its `close`. */
export function ignore(): void {}

/** Over HTTP/1.1, and 1.0. */
export class Http1Exchange implements Downstream {
  readonly body: Readable | undefined;
  readonly #request: IncomingMessage;
  readonly #isClosing: () => boolean;
  readonly #tunnel: string | undefined;
  /** True while the client waits for `100 Continue`. */
  #waits: boolean;
  readonly sink: ServerResponse;

  /** `tunnel`: the host and port of the tunnel in which the request came. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    waits: boolean,
    isClosing: () => boolean,
    tunnel: string | undefined,
  ) {
    this.#request = request;
    this.sink = response;
    this.#waits = waits;
    this.#isClosing = isClosing;
    this.#tunnel = tunnel;
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
    this.body = coding !== undefined || Number(length) > 0 ? request : undefined;
    response.on('error', ignore);
  }

  get method(): string {
    return this.#request.method ?? 'GET';
  }

  get target(): string {
    const { url = '/' } = this.#request;
    return this.#tunnel !== undefined && url.startsWith('/') ? `http://${this.#tunnel}${url}` : url;
  }

  get isInTunnel(): boolean {
    return this.#tunnel !== undefined;
  }

  get host(): string | undefined {
    return this.#request.headers.host;
  }

  get needsHost(): boolean {
    return this.#request.httpVersion !== '1.0';
  }

  get headers(): IncomingHttpHeaders {
    return this.#request.headers;
  }

  get list(): readonly string[] {
    return this.#request.rawHeaders;
  }

  proceed(): void {
    if (this.#waits && !this.sink.headersSent) this.sink.writeContinue();
    this.#waits = false;
  }

  inform(status: number, headers: Record<string, unknown>): void {
    const { socket } = this.#request;
    if (this.sink.headersSent || this.#request.httpVersion === '1.0' || !socket.writable) return;
    const lines = linesOf(headers);
    if (lines !== undefined) socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}\r\n`, 'latin1');
  }

  head(status: number, text: string, list: readonly string[]): void {
    // A client that was not asked for its body may send it or not, so the next request could not be told from it.
    if (this.#waits || this.#isClosing()) this.sink.shouldKeepAlive = false;
    this.sink.writeHead(status, text, this.#withTrailer(status, list) as string[]);
  }

  /** Trailers need chunks; Node throws where they are announced without. */
  #withTrailer(status: number, list: readonly string[]): readonly string[] {
    if (headerIn(list, 'trailer') === undefined) return list;
    const chunked = headerIn(list, 'content-length') === undefined && this.#request.httpVersion !== '1.0';
    if (chunked && this.method !== 'HEAD' && status !== 204 && status !== 304) return list;
    return without(list, 'trailer');
  }

  end(trailers?: Record<string, string>): void {
    if (trailers !== undefined) addTrailers(this.sink, trailers);
    this.sink.end();
  }

  cut(): void {
    this.sink.destroy();
  }
}

/** Over HTTP/2. */
export class Http2Exchange implements Downstream {
  readonly body: Readable | undefined;
  readonly list: readonly string[];
  readonly needsHost = false;
  readonly isInTunnel = false;
  #trailers: Record<string, string> | undefined;
  readonly sink: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]) {
    this.sink = stream;
    this.headers = headers;
    this.body = stream.endAfterHeaders ? undefined : stream;
    this.list = listOf(headers, rawHeaders);
    stream.on('error', ignore);
  }

  get method(): string {
    return String(this.headers[':method']);
  }

  get target(): string {
    return String(this.headers[':path'] ?? '');
  }

  get host(): string | undefined {
    return (this.headers[':authority'] as string | undefined) ?? this.headers.host;
  }

  proceed(): void {
    if (this.headers.expect !== undefined && !this.sink.headersSent) this.inform(100, {});
  }

  inform(status: number, headers: Record<string, unknown>): void {
    if (!this.sink.headersSent && !this.sink.destroyed)
      this.sink.additionalHeaders({ ...(headers as object), ':status': status });
  }

  head(status: number, _text: string, list: readonly string[]): void {
    const headers: Record<string, string | string[]> = Object.create(null);
    for (let index = 0; index + 1 < list.length; index += 2) {
      const name = (list[index] as string).toLowerCase();
      const before = headers[name];
      const value = list[index + 1] as string;
      headers[name] = before === undefined ? value : [before, value].flat();
    }
    this.sink.respond({ ...headers, ':status': status }, { waitForTrailers: true });
    this.sink.once('wantTrailers', () => this.#sendTrailers());
  }

  #sendTrailers(): void {
    try {
      this.sink.sendTrailers(this.#trailers ?? {});
    } catch {
      this.sink.close(constants.NGHTTP2_INTERNAL_ERROR);
    }
  }

  end(trailers?: Record<string, string>): void {
    this.#trailers = trailers;
    this.sink.end();
    // The rest of a request that was answered early is dropped, as Node does with HTTP/1.1.
    this.sink.resume();
  }

  cut(): void {
    this.sink.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

/** The cookies, which HTTP/2 may send one by one, are one header in HTTP/1.1 (RFC 9113, 8.2.3). */
function listOf(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): readonly string[] {
  const list: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (!name.startsWith(':') && name !== 'cookie') list.push(name, rawHeaders[index + 1] as string);
  }
  if (headers.cookie !== undefined) list.push('cookie', headers.cookie);
  return list;
}

/** The value of the first header of the name, given in lower case. */
export function headerIn(list: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < list.length; index += 2) {
    const each = list[index] as string;
    if (each.length === name.length && each.toLowerCase() === name) return list[index + 1];
  }
  return undefined;
}

/** The list without the headers of the name, given in lower case. */
export function without(list: readonly string[], name: string): readonly string[] {
  return list.filter((_, index) => (list[index - (index % 2)] as string).toLowerCase() !== name);
}

/** Undefined where one of the headers cannot be written: an informational answer may be left out. */
function linesOf(headers: Record<string, unknown>): string | undefined {
  try {
    return Object.entries(headers)
      .flatMap(([name, value]) => [value].flat().map((each) => [name, String(each)] as const))
      .map(([name, value]) => {
        validateHeaderName(name);
        validateHeaderValue(name, value);
        return `${name}: ${value}\r\n`;
      })
      .join('');
  } catch {
    return undefined;
  }
}

function addTrailers(response: ServerResponse, trailers: Record<string, string>): void {
  try {
    response.addTrailers(trailers);
  } catch {
    // The body is whole without them.
  }
}
