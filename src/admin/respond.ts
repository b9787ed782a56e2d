/** Reads requests to the admin handler and writes the responses. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AdminToken, accessOf } from './access.js';
import { closeSession, isClosing, isHttp2, listenerOf } from './closing.js';
import { page, pagePolicy } from './page-document.js';
import { runbook, runbookPage, runbookPolicy } from './runbook.js';

/** A response to send; an object as body is sent as JSON. */
export interface Sent {
  /** Default: 200. */
  readonly status?: number;
  /** The `content-type`. Default: JSON. */
  readonly type?: string;
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The methods of routes that only read. */
export const reads = ['GET', 'HEAD'] as const;

export function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/**
 * The URL without the mount path: `prefix` is stripped here; Express and Nest have already stripped theirs from `url`.
 */
export function urlOf({ url = '/' }: IncomingMessage, prefix: string): URL {
  const below = url.startsWith(prefix) && /^([/?]|$)/.test(url.slice(prefix.length));
  const path = below ? url.slice(prefix.length) : url;
  return new URL(path.startsWith('/') ? `http://admin${path}` : `http://admin/${path}`);
}

export function notAllowed(methods: readonly string[]): Sent {
  const allow = methods.join(', ');
  return { status: 405, body: { error: `Use ${allow}.` }, headers: { allow } };
}

/** Reduces a health response to its status, for requests without a token. */
export function brief({ body, ...sent }: Sent): Sent {
  return { ...sent, body: { status: (body as { status: string }).status } };
}

/**
 * The page. Its links are relative, so a URL without a slash at its end is redirected. With a token it is sent to
 * everybody, since it has no figures; the page asks for the token and loads them.
 */
export function pageFor(request: IncomingMessage, token: AdminToken | undefined): Sent {
  const refusal = token === undefined ? accessOf(request, token).refusal : undefined;
  if (refusal) return { status: refusal.status, body: { error: refusal.error } };
  const [path = ''] = ((request as { originalUrl?: string }).originalUrl ?? request.url ?? '/').split('?');
  if (!path.endsWith('/')) {
    const location = `${path.slice(path.lastIndexOf('/') + 1)}/`;
    return { status: 308, body: { location }, headers: { location } };
  }
  return { type: 'text/html; charset=utf-8', body: page, headers: { 'content-security-policy': pagePolicy } };
}

/** The runbook, for those who get the page: as a page for a browser, as Markdown for others such as curl. */
export function runbookFor(request: IncomingMessage, token: AdminToken | undefined): Sent {
  const refusal = token === undefined ? accessOf(request, token).refusal : undefined;
  if (refusal) return { status: refusal.status, body: { error: refusal.error } };
  if (!/text\/html/.test(request.headers.accept ?? ''))
    return { type: 'text/markdown; charset=utf-8', body: runbook, headers: { vary: 'accept' } };
  const headers = { 'content-security-policy': runbookPolicy, vary: 'accept' };
  return { type: 'text/html; charset=utf-8', body: runbookPage(), headers };
}

/**
 * Headers of every response: nothing is cached, sniffed or sent as a referrer, and a server that closes does not wait for
 * the next request of this connection.
 */
export function setHeaders(request: IncomingMessage, response: ServerResponse): void {
  if (isClosing(listenerOf(request))) {
    if (isHttp2(request)) closeSession(request);
    else response.setHeader('connection', 'close');
  }
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
}

export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status = 200, type, body, headers }: Sent,
): void {
  // The client may have disconnected, and a write to a response without a socket emits an error event.
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) {
    response.end();
    return;
  }
  setHeaders(request, response);
  const text = typeof body === 'string' ? body : `${JSON.stringify(body, null, 2)}\n`;
  response.writeHead(status, {
    'content-type': type ?? 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
