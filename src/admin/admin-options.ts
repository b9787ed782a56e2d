/** Validates the arguments of `createAdmin` and `listen`. */
import { z } from 'zod';
import { accessToken, listenHost, listenPort } from '../options/listening.js';
import type { AdminToken } from './access.js';

export const adminOptions = z.lazy(() =>
  z.strictObject({
    token: accessToken<AdminToken>(),
    writable: z.boolean().default(false),
    prefix: z
      .string()
      .regex(/^(\/[^/?#]+)*$/, { error: 'must be a path such as "/admin", without a slash at its end' })
      .default(''),
    certificateDays: z.number().min(0).optional(),
  }),
);

export const listenOptions = z.lazy(() => z.strictObject({ port: listenPort, host: listenHost }));
