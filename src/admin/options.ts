/** What createAdmin and listen are told, checked before anything is served. */
import { z } from 'zod';
import { ErrorCode, PillionError } from '../call/errors.js';
import type { ClientSet } from '../registry/client-set.js';
import type { AdminToken } from './access.js';

const isToken = (token: unknown) => typeof token === 'function' || (typeof token === 'string' && token.length >= 16);

export const adminOptions = z.strictObject({
  token: z
    .custom<AdminToken>(isToken, { error: 'has to be a string of at least 16 characters, or a function' })
    .optional(),
  writable: z.boolean().default(false),
  prefix: z
    .string()
    .regex(/^(\/[^/?#]+)*$/, { error: 'has to be a path such as "/admin"' })
    .default(''),
  certificateDays: z.number().min(0).optional(),
});

/** Node takes a port that is no number for the path of a socket, and an empty host for every address. */
export const listenOptions = z.strictObject({
  port: z.int().min(0).max(65_535).default(0),
  host: z.string().min(1, { error: 'has to be an address or a name' }).default('127.0.0.1'),
});

/** @throws PillionError `ERR_CONFIG` for what is no set of clients, such as one that is still loading */
export function checkClients(clients: unknown): asserts clients is ClientSet {
  const all = Array.isArray(clients) ? clients.every(isClient) : isRegistryLike(clients);
  if (all) return;
  throw new PillionError(
    ErrorCode.CONFIG,
    'createAdmin: clients have to be what loadHttpClients gives (awaited, where its source is asynchronous), or a list: createAdmin([client]).',
  );
}

function isClient(client: unknown): boolean {
  return typeof (client as Partial<Record<string, unknown>> | null | undefined)?.stats === 'function';
}

function isRegistryLike(clients: unknown): boolean {
  const { names, get } = (clients ?? {}) as Partial<Record<string, unknown>>;
  return Array.isArray(names) && typeof get === 'function';
}
