/** Who may ask the admin handler. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * A secret of at least 16 characters that requests carry as `Authorization: Bearer …`, or a rule of your own, which lets a
 * request in by returning `true`. Anything else, a promise too, and throwing keep it out.
 */
export type AdminToken = string | ((request: IncomingMessage) => boolean);

/** Why a request is refused; undefined: it is not. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly error: string;
}

/** With a token from anywhere; without one only from this machine. */
export function refusalOf(request: IncomingMessage, token: AdminToken | undefined): Refusal | undefined {
  if (token === undefined) return isLocal(request) ? undefined : { status: 403, error: onlyLocal };
  const allowed = typeof token === 'function' ? isAllowed(token, request) : isSame(bearerOf(request), token);
  return allowed ? undefined : { status: 401, error: 'Send the token as Authorization: Bearer …' };
}

const onlyLocal =
  'Without a token only requests from this machine, to localhost and by no proxy, are answered; give createAdmin a token for others.';

/** A promise would be truthy, and what a rule throws is nothing to tell a stranger. */
function isAllowed(rule: (request: IncomingMessage) => unknown, request: IncomingMessage): boolean {
  try {
    return rule(request) === true;
  } catch {
    return false;
  }
}

/** A page of another site must not change anything here; a browser says where a POST comes from. */
export function isCrossSite({ headers }: IncomingMessage): boolean {
  const { origin, host, 'sec-fetch-site': site } = headers;
  // No page can forge it. It goes first: proxies rewrite Host, with which Origin is compared.
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host);
}

/** The Host too: a name of somebody else's may have been bound to 127.0.0.1. */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  const forwarded = ['x-forwarded-for', 'forwarded', 'x-real-ip'].some((name) => headers[name] !== undefined);
  const { host = '' } = headers;
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
  return !forwarded && isLoopback(socket.remoteAddress ?? '') && (name === 'localhost' || isLoopback(name));
}

function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.\d+\.\d+\.\d+$|^\[?::1\]?$/i.test(address);
}

function bearerOf({ headers }: IncomingMessage): string {
  const [, token = ''] = /^Bearer +(.+)$/i.exec(headers.authorization ?? '') ?? [];
  return token;
}

/** In the same time whatever is wrong with it. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
