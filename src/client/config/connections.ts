/** The `connections` section: how many there are, how old they get, and to how many destinations. */
import { z } from 'zod';
import { connectionOptions } from '../../transport/pool/connection-options.js';

export const connectionsSection = z.lazy(() =>
  z.strictObject({
    maxConnections: z
      .int()
      .min(1)
      .max(65_535)
      .default(1024)
      .describe(
        'Connections open at once to each destination; requests wait for a free one. Under HTTP/2 one connection carries many requests.',
      ),
    maxPendingRequests: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .describe(
        'Requests to each destination that wait while all `maxConnections` are in use; one more is rejected with `ERR_LIMIT`. By default this queue has no limit of its own, as `limits` bounds the requests in flight. Requests over the http adapter of axios do not count. Set it where `limits.maxRequests` is larger than `maxConnections`, or over HTTP/2, where the server may limit the requests of a connection.',
      ),
    ...connectionOptions().shape,
  }),
);
