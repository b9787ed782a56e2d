/** What can be said of connections, beside how many there are. */
import { z } from 'zod';
import { duration } from '../../options/duration.js';

export const connectionOptions = () =>
  z.strictObject({
    maxConnectionAge: duration({ min: 1000 })
      .or(z.literal(false))
      .prefault('10m')
      .describe(
        'A connection takes no further request after this long, less up to a fifth by chance: so that DNS changes and new instances are noticed. `false`: never.',
      ),
    keepAliveTimeout: duration({ min: 1 })
      .prefault('4s')
      .describe(
        'An unused connection is closed after this long, or 2 s before the time that the server tells (`Keep-Alive: timeout=`) where that is sooner.',
      ),
    maxRequestsPerConnection: z
      .int()
      .min(1)
      .max(4_294_967_295)
      .optional()
      .describe(
        "A connection takes no further request after this many, and closes once they have ended; as Envoy's `max_requests_per_connection`. By default there is no such limit. Set it where a load balancer in between spreads connections and not requests.",
      ),
    maxConcurrentStreams: z
      .int()
      .min(1)
      .max(2_147_483_647)
      .optional()
      .describe(
        'Requests at once on one connection over HTTP/2; further ones open another, up to `maxConnections`. By default the server alone sets the limit, and a lower one of the server always counts.',
      ),
    maxOrigins: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1024)
      .describe('Destinations with open connections; the one used longest ago is let go first.'),
  });

export const allowH2 = z.lazy(() =>
  z
    .union([z.boolean(), z.literal('prior-knowledge')])
    .default(false)
    .describe(
      'Speak HTTP/2, many requests over one connection. `true`: with https servers that do. `prior-knowledge`: also with the server of each http:// URL, without TLS (h2c); a server that speaks only HTTP/1.1 then fails with `ERR_HTTP2_UNSUPPORTED`. Proxies, unix sockets and agents of a call cannot carry that.',
    ),
);
