/** Carries one request of the listener through its client, and the answer back. */
import { type IncomingHttpHeaders, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';
import { heldBytes } from '../call/held-body.js';
import { inboundOf, runWithInbound } from '../call/inbound.js';
import { Scope } from '../call/scope.js';
import { type ForeignAnswer, forward } from '../client/forward.js';
import { bearerOf, isSameToken } from '../options/listening.js';
import { underInbound } from '../policies/spans.js';
import { addressed } from './addressed.js';
import { type Downstream, headerIn, ignore, without } from './downstream.js';
import { type LocalAnswer, localAnswer, refusal, tunnelRefusal } from './local-answer.js';
import type { SomeClients } from './members.js';
import type { ParsedSidecarOptions, SidecarToken } from './sidecar-options.js';

/** What all requests of a listener share. */
export interface Service extends Pick<ParsedSidecarOptions, 'token' | 'tls' | 'allowBrowsers' | 'requestTimeout'> {
  readonly clients: SomeClients;
  /** Address and port of the listener; empty for a unix socket. */
  readonly own: string;
}

/** Header with a token, for clients that cannot send `Proxy-Authorization`. */
const tokenHeader = 'x-pillion-token';

/** Answers a request, with an answer of the upstream or with one of its own; never rejects. */
export async function relay(down: Downstream, service: Service): Promise<void> {
  const { sink } = down;
  const refused = refusalOf(down, service);
  if (refused !== undefined) return answerLocally(down, refused);
  const found = addressed(service.clients, down.target, down.host, service.own);
  if (!('client' in found)) return answerLocally(down, found);
  const abort = new Scope();
  let body: Readable | undefined;
  sink.once('close', () => {
    if (sink.writableFinished) return;
    abort.abort(undefined);
    body?.destroy();
  });
  try {
    const upload = await uploadOf(down);
    if (sink.destroyed) return;
    const foreign = {
      method: down.method,
      url: found.url,
      headers: down.headers[tokenHeader] === undefined ? down.list : without(down.list, tokenHeader),
      body: upload,
      signal: abort,
      informed: (status: number, headers: Record<string, unknown>) => {
        if (status > 101) down.inform(status, headers);
      },
    };
    const answer = await within(down.headers, () => forward(found.client, foreign));
    body = answer.body;
    if (sink.destroyed) body.destroy();
    else send(answer, down, found.name, service.requestTimeout);
  } catch (error) {
    if (!sink.destroyed) answerLocally(down, localAnswer(found.name, error));
  }
}

/** Runs `work` as a part of the trace and under the deadline that the headers of the request name. */
function within<T>(headers: IncomingHttpHeaders, work: () => T): T {
  const { deadline } = headers['x-request-timeout-ms'] === undefined ? {} : inboundOf(headers);
  return underInbound(headers, deadline === undefined ? work : () => runWithInbound({ deadline }, work));
}

/** A body whose short length is known is read before anything is sent, so that a slow client holds no connection. */
function uploadOf(down: Downstream): Promise<Buffer | undefined> | AsyncIterable<Buffer> | undefined {
  const { body } = down;
  if (body === undefined) return undefined;
  if (!(Number(down.headers['content-length']) <= heldBytes)) return pulled(body, down);
  down.proceed();
  return gathered(body);
}

/** Undefined where the client has gone. */
function gathered(body: Readable): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    body.on('data', (piece: Buffer) => pieces.push(piece));
    body.once('end', () => resolve(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)));
    body.once('close', () => resolve(undefined));
    body.once('error', ignore);
  });
}

/** The body of a request, piece by piece. Where it is not wanted to its end, the rest is read and dropped. */
function pulled(body: Readable, down: Downstream): AsyncIterable<Buffer> & { return(): undefined } {
  const pieces = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  body.on('error', ignore);
  const next = () => {
    down.proceed();
    return pieces.next();
  };
  return {
    [Symbol.asyncIterator]: () => ({ next }),
    // Destroyed, an HTTP/1.1 body would take the connection with it, and the answer.
    return: () => {
      void pieces.return?.().then(() => body.resume(), ignore);
      return undefined;
    },
  };
}

function send(answer: ForeignAnswer, down: Downstream, client: string, patience: number): void {
  const { status, statusText, body } = answer;
  // HTTP forbids a length there, and clients of HTTP/2 take it for an error.
  const headers = status === 204 ? without(answer.headers, 'content-length') : answer.headers;
  try {
    down.head(status, statusText, headers);
  } catch {
    body.destroy();
    const text = `${client}: the answer of the upstream cannot be written as HTTP.`;
    answerLocally(down, refusal(502, 'ERR_BAD_RESPONSE', text));
    return;
  }
  const bodiless = down.method === 'HEAD' || status === 204 || status === 304;
  const length = bodiless ? undefined : headerIn(headers, 'content-length');
  pour(body, down, length === undefined ? undefined : Number(length), patience);
}

/** Writes the body as fast as the client takes it, and exactly as much as its headers have announced. */
function pour(body: ForeignAnswer['body'], down: Downstream, length: number | undefined, patience: number): void {
  const { sink } = down;
  let written = 0;
  let stalled: NodeJS.Timeout | undefined;
  body.on('data', (piece: Buffer | string) => {
    written += Buffer.byteLength(piece);
    if (length !== undefined && written > length) {
      body.destroy();
    } else if (!sink.write(piece)) {
      body.pause();
      if (patience > 0) stalled = setTimeout(() => down.cut(), patience).unref();
    }
  });
  sink.on('drain', () => {
    clearTimeout(stalled);
    body.resume();
  });
  sink.once('close', () => clearTimeout(stalled));
  body.once('end', () => {
    if (length !== undefined && written < length) down.cut();
    else down.end(body.trailers);
  });
  const cutShort = () => {
    if (!sink.writableEnded) down.cut();
  };
  if (body.closed) cutShort();
  else body.once('close', cutShort);
}

/** Sends an answer of the listener itself. */
export function answerLocally(down: Downstream, { status, code, text, headers = [] }: LocalAnswer): void {
  const { sink } = down;
  if (sink.destroyed) return;
  const body = Buffer.from(status === 204 ? '' : `${text}\n`);
  const described = ['content-type', 'text/plain; charset=utf-8', 'content-length', String(body.length)];
  down.head(status, STATUS_CODES[status] ?? '', [
    ...(status === 204 ? [] : [...described, 'x-pillion-error', code]),
    ...headers,
  ]);
  if (down.method !== 'HEAD' && status !== 204) sink.write(body);
  down.end();
}

/** Why a request is refused before its client is looked up; undefined for one that is not. */
function refusalOf(down: Downstream, { token, tls, allowBrowsers }: Service): LocalAnswer | undefined {
  const { headers, list, method, target } = down;
  if (list.length > 2000) return refusal(431, 'ERR_TOO_MANY_HEADERS', 'The request has more than 1,000 headers.');
  if (hostsIn(list) > 1 || (down.needsHost && down.host === undefined))
    return refusal(400, 'ERR_BAD_REQUEST', 'The request needs one Host header.');
  if (token !== undefined && !down.isInTunnel && !isAllowed(headers, token)) return tokenWanted;
  // A page cannot know a token, and has no client certificate of ours.
  if (!allowBrowsers && token === undefined && tls === undefined && isOfPage(headers)) return ofPage;
  if (method === 'CONNECT') return tunnelRefusal;
  if (upgrades(headers)) return upgradeRefusal;
  // A question about the listener itself.
  if (method === 'OPTIONS' && target === '*') return { status: 204, code: '', text: '', headers: ['allow', '*'] };
  return undefined;
}

/** Why a tunnel is refused; undefined for one that may be opened. What comes in it is a request like any other. */
export function refusalOfTunnel({ headers, url }: IncomingMessage, { token }: Service): LocalAnswer | undefined {
  if (token !== undefined && !isAllowed(headers, token)) return tokenWanted;
  return url?.endsWith(':443') ? tunnelRefusal : undefined;
}

function hostsIn(list: readonly string[]): number {
  let hosts = 0;
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts;
}

const tokenWanted: LocalAnswer = {
  status: 407,
  code: 'ERR_TOKEN',
  text: `The token is missing or wrong: send it as Proxy-Authorization: Bearer … or in ${tokenHeader}.`,
  headers: ['proxy-authenticate', 'Bearer'],
};

const ofPage = refusal(
  403,
  'ERR_BROWSER',
  'The request has Origin or Sec-Fetch-Site, as those of web pages have; allow them with allowBrowsers or a token.',
);

const upgradeRefusal = refusal(501, 'ERR_UPGRADE', 'Upgrades such as WebSocket are not supported: connect directly.');

/** Other upgrades may be ignored, as HTTP says; a client that asks for HTTP/2 continues with HTTP/1.1. */
function upgrades({ upgrade }: IncomingHttpHeaders): boolean {
  return upgrade !== undefined && !/^\s*(h2c|tls\/[\d.]+)\s*$/i.test(upgrade);
}

/** Programs send neither header; Node's own fetch sends `Sec-Fetch-Mode` alone. */
function isOfPage({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return origin !== undefined || (site !== undefined && site !== 'none');
}

function isAllowed(headers: IncomingHttpHeaders, token: SidecarToken): boolean {
  if (typeof token === 'function') {
    try {
      return token(headers) === true;
    } catch {
      return false;
    }
  }
  const given = headers[tokenHeader] ?? passwordOf(headers['proxy-authorization']);
  return typeof given === 'string' && isSameToken(given, token);
}

/** A client that is told a proxy by its URL sends the password in this form. */
function passwordOf(header: string | undefined): string {
  const [, basic] = /^Basic +([\w+/=-]+)$/i.exec(header ?? '') ?? [];
  return basic === undefined
    ? bearerOf(header)
    : Buffer.from(basic, 'base64')
        .toString()
        .replace(/^[^:]*:/, '');
}
