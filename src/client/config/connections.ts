/** The `connections` section: how many there are, how old they get, and to how many destinations. */
import { z } from 'zod';
import { connectionOptions } from '../../transport/pool/connection-options.js';

export const connectionsSection = z.strictObject({
  maxConnections: z
    .int()
    .min(1)
    .max(65_535)
    .default(1024)
    .describe(
      'Connections open at once to each destination; requests wait for a free one. Under HTTP/2 one connection carries many requests.',
    ),
  ...connectionOptions.shape,
});
