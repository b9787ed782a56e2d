/** The limits section: what the policy, the retries and the wire are given. */
import { z } from 'zod';
import { limitsOptions } from '../../policies/admission/limits.js';
import { connectionOptions } from '../../transport/pool/connection-options.js';

export const limitsSection = z.strictObject({
  ...limitsOptions.shape,
  maxRetries: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(50)
    .describe('Retries waiting or running at once in the whole client.'),
  maxContentLength: z
    .int()
    .min(-1)
    .default(10 * 1024 * 1024)
    .describe(
      "Bytes of a buffered response body, decompressed; -1: no limit. A call's own `maxContentLength` goes first.",
    ),
  ...connectionOptions.shape,
});
