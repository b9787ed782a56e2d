/** Validates the arguments of `createAdmin` and `listen`. */
import { z } from 'zod';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { ClientSet } from '../registry/client-set.js';
import type { AdminToken } from './access.js';

const isToken = (token: unknown) => typeof token === 'function' || (typeof token === 'string' && token.length >= 16);

export const adminOptions = z.strictObject({
  token: z
    .custom<AdminToken>(isToken, { error: 'must be a string of at least 16 characters or a function' })
    .optional(),
  writable: z.boolean().default(false),
  prefix: z
    .string()
    .regex(/^(\/[^/?#]+)*$/, { error: 'must be a path such as "/admin", without a slash at its end' })
    .default(''),
  certificateDays: z.number().min(0).optional(),
});

/**
 * Checked because Node takes a port that is not a number as the path of a Unix socket, and an empty host as all
 * addresses.
 */
export const listenOptions = z.strictObject({
  port: z.int().min(0).max(65_535).default(0),
  host: z.string().min(1, { error: 'must be an address or a host name' }).default('127.0.0.1'),
});

/** @throws PillionError `ERR_CONFIG` unless `clients` is a set of clients; a promise of a registry is not one */
export function checkClients(clients: unknown): asserts clients is ClientSet {
  const all = Array.isArray(clients) ? clients.every(isClient) : isRegistryLike(clients);
  if (all) return;
  throw new PillionError(
    ErrorCode.CONFIG,
    'createAdmin: clients must be the result of loadHttpClients (awaited, if its source is asynchronous), or a list of such results and of clients: createAdmin([client]).',
  );
}

function isClient(client: unknown): boolean {
  return typeof (client as Partial<Record<string, unknown>> | null | undefined)?.stats === 'function';
}

function isRegistryLike(clients: unknown): boolean {
  const { names, get } = (clients ?? {}) as Partial<Record<string, unknown>>;
  return Array.isArray(names) && typeof get === 'function';
}
