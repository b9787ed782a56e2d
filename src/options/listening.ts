/** Options and checks that the listeners of this library share: port, host, token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** Checked because Node takes a port that is not a number as the path of a Unix socket. */
export const listenPort = z.int().min(0).max(65_535).default(0);

/** Checked because Node takes an empty host as all addresses. */
export const listenHost = z.string().min(1, { error: 'must be an address or a host name' }).default('127.0.0.1');

/** The schema of a token: a text that is long enough not to be guessed, or a function that decides. */
export function accessToken<Token>() {
  const isToken = (token: unknown) => typeof token === 'function' || (typeof token === 'string' && token.length >= 16);
  return z.custom<Token>(isToken, { error: 'must be a string of at least 16 characters or a function' }).optional();
}

/** Compares in constant time; hashing makes both sides equally long, as `timingSafeEqual` requires. */
export function isSameToken(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

/** The token of a header `Bearer …`; empty where there is none. */
export function bearerOf(header: string | undefined): string {
  return /^Bearer +(.+)$/i.exec(header ?? '')?.[1] ?? '';
}

/** True for an address of this machine alone, also in the brackets of a URL. */
export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.\d+\.\d+\.\d+$|^\[?::1\]?$/i.test(address);
}

/** Address and port as they stand in a URL. */
export function authorityOf({ address, family, port }: AddressInfo): string {
  return `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
