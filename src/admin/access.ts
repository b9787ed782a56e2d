/** Access control of the admin handler: its token, requests from this machine, and cross-site requests. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { bearerOf, isLoopback, isSameToken } from '../options/listening.js';

/**
 * A secret of at least 16 characters that requests send as `Authorization: Bearer …`, or a function that allows a
 * request by returning `true`, or `{ by }` with the name of who asks, which is told where a circuit is forced. Any other
 * result, also a promise, and an exception reject the request.
 */
export type AdminToken = string | ((request: IncomingMessage) => boolean | { readonly by: string });

/** The status and message with which a request is rejected. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly error: string;
}

/** A request that is rejected, or one that is allowed, with who asks where the function of the token told it. */
export type Access = { readonly refusal: Refusal } | { readonly refusal?: undefined; readonly by?: string };

/**
 * Returns whether a request is allowed, and if not, why. With a token, requests are allowed from any address; without one
 * only from this machine.
 */
export function accessOf(request: IncomingMessage, token: AdminToken | undefined): Access {
  if (token === undefined) return isLocal(request) ? {} : { refusal: { status: 403, error: onlyLocal } };
  if (typeof token === 'function') return accessBy(token, request);
  return isSameToken(bearerOf(request.headers.authorization), token) ? {} : wrongToken;
}

const wrongToken = {
  refusal: { status: 401, error: 'The token is missing or wrong: send it as Authorization: Bearer …' },
} as const;

const onlyLocal =
  'Without a token only requests from this machine, addressed to localhost and not through a proxy, are answered; for others pass a token to createAdmin.';

/** Compares with `true`, as a promise would be truthy. An exception is not reported: its message may hold secrets. */
function accessBy(rule: (request: IncomingMessage) => unknown, request: IncomingMessage): Access {
  try {
    const answer = rule(request);
    if (answer === true) return {};
    const by = typeof answer === 'object' && answer !== null && Object.hasOwn(answer, 'by') && (answer as Who).by;
    return typeof by === 'string' && by !== '' ? { by } : wrongToken;
  } catch {
    return wrongToken;
  }
}

interface Who {
  readonly by?: unknown;
}

/** True for a request that a browser sends for a page of another site, which must not change anything here (CSRF). */
export function isCrossSite({ headers }: IncomingMessage): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  // A page cannot forge Sec-Fetch-Site. It is checked first, because proxies rewrite Host, with which Origin is
  // compared.
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== hostOf(headers));
}

/** HTTP/2 names the host in `:authority`. */
function hostOf(headers: IncomingHttpHeaders): string | undefined {
  return headers.host ?? (headers[':authority'] as string | undefined);
}

/** Checks Host too: in a DNS rebinding attack another site's name resolves to 127.0.0.1. */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  const forwarded = ['x-forwarded-for', 'forwarded', 'x-real-ip'].some((name) => headers[name] !== undefined);
  const host = hostOf(headers) ?? '';
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
  return !forwarded && isLoopback(socket.remoteAddress ?? '') && (name === 'localhost' || isLoopback(name));
}
