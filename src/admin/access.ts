/** Who may ask the admin handler. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ErrorCode, PillionError } from '../errors.js';

/** A secret of at least 16 characters that requests carry as `Authorization: Bearer …`, or a rule of your own. */
export type AdminToken = string | ((request: IncomingMessage) => boolean);

/** Why a request is refused; undefined: it is not. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly error: string;
}

/** @throws PillionError `ERR_CONFIG` for a token that could be guessed */
export function checkToken(token: AdminToken | undefined): void {
  if (token === undefined || typeof token === 'function' || (typeof token === 'string' && token.length >= 16)) return;
  throw new PillionError(
    ErrorCode.CONFIG,
    'createAdmin: token has to be a string of at least 16 characters, or a function.',
  );
}

/** With a token from anywhere; without one only from this machine. */
export function refusalOf(request: IncomingMessage, token: AdminToken | undefined): Refusal | undefined {
  if (token === undefined) return isLocal(request) ? undefined : { status: 403, error: onlyLocal };
  const allowed = typeof token === 'function' ? token(request) : isSame(bearerOf(request), token);
  return allowed ? undefined : { status: 401, error: 'Send the token as Authorization: Bearer …' };
}

const onlyLocal =
  'Without a token only requests from this machine, to localhost and by no proxy, are answered; give createAdmin a token for others.';

/** A page of another site must not change anything here; a browser says where a POST comes from. */
export function isCrossSite({ headers }: IncomingMessage): boolean {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
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
