/** The options of the `endpoints` section, and the `Discovery` made from them or checked from the user's. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { duration } from '../../options/duration.js';
import { rule } from '../../options/options.js';
import type { Discovery } from './discovery.js';
import { dnsDiscovery, srvDiscovery } from './dns.js';
import type { DiscoveredEndpoint } from './host.js';

/** `host:port` with an IPv6 address in brackets and a port up to 65535. */
const pattern = /^(\[[0-9A-Fa-f:.]+\]|[^\s:/[\]]+):(6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]?\d{1,4})$/;
const address = z.lazy(() => z.string().regex(pattern, { error: 'expected host:port' }));

const refresh = z.lazy(() =>
  duration({ min: 100 })
    .or(z.literal('ttl'))
    .prefault('ttl')
    .describe(
      'How often to repeat the lookup. Default `ttl`: when the records expire, at least 1s and at most 5m later. Set a duration to notice changes before the records expire.',
    ),
);
const servers = z.lazy(() =>
  z
    .array(z.string().refine(isServer, { error: 'expected an IP address, with a port or without' }))
    .min(1)
    .optional()
    .describe(
      'DNS servers to query, as `ip` or `ip:port`. Default: those of the system. Set it for a DNS server of its own, such as that of Consul.',
    ),
);

/** The format of c-ares: an IPv6 address with a port stands in brackets. */
function isServer(text: string): boolean {
  const [, bracketed, plain] = /^(?:\[(.+)\]|([\d.]+))(?::\d{1,5})?$/.exec(text) ?? [];
  return isIP(bracketed ?? plain ?? text) !== 0;
}

const weight = z.lazy(() =>
  z
    .int()
    .min(1)
    .max(4_294_967_295)
    .default(1)
    .describe('Share of the traffic, relative to the weights of the other endpoints. Default 1.'),
);
const zone = z.lazy(() =>
  z.string().min(1).optional().describe('Zone of the endpoint, compared with `balance.zone`. Not set by default.'),
);
const priority = z.lazy(() =>
  z
    .int()
    .min(0)
    .max(128)
    .default(0)
    .describe(
      'Endpoints of a higher number stand by: they get traffic only while too few of the lower numbers are usable (see `balance.overprovisioningFactor`). Default 0.',
    ),
);
const health = z.lazy(() =>
  z
    .enum(['healthy', 'degraded', 'unhealthy', 'draining'])
    .default('healthy')
    .describe(
      'A `degraded` endpoint gets traffic only where the healthy ones do not suffice, an `unhealthy` or `draining` one only where all endpoints are used; `unhealthy` ones count for `balance.panicThresholdPercent`, `draining` ones do not. Default `healthy`. Set it to take an endpoint out of use without forgetting it.',
    ),
);
const serverName = z.lazy(() =>
  z
    .string()
    .min(1)
    .optional()
    .describe(
      'Name for SNI and for the check of the certificate of this endpoint. Default: `tls.serverName`, or the host of `baseURL`; set it if each endpoint has a certificate of its own.',
    ),
);

export const endpointsOptions = z.lazy(() =>
  z
    .strictObject({
      static: z
        .array(
          z.strictObject({
            address: address.describe('Address as `host:port`, an IPv6 address in brackets.'),
            weight,
            zone,
            priority,
            health,
            serverName,
          }),
        )
        .min(1)
        .optional()
        .describe('A fixed list of endpoints, for addresses that do not change.'),
      dns: z
        .strictObject({
          address: address
            .optional()
            .describe('Name to look up, as `host:port`: each of its A and AAAA records is an endpoint with this port.'),
          names: z
            .array(
              z.strictObject({
                address: address.describe('Name to look up, as `host:port`.'),
                weight: weight.describe('Weight of each address of the name. Default 1.'),
                zone,
                priority,
                health,
                serverName,
              }),
            )
            .min(1)
            .optional()
            .describe(
              'Several names in place of `address`. A name that cannot be looked up keeps its last addresses. Not set by default.',
            ),
          refresh,
          family: z
            .enum(['any', 'ipv4', 'ipv6'])
            .default('any')
            .describe(
              'Address family of the endpoints. Default `any`, which is IPv4 and IPv6. Restrict it if one family is not routed.',
            ),
          servers,
        })
        .refine(
          (given) => (given.address === undefined) !== (given.names === undefined),
          rule(['address', 'names'], [], 'give exactly one of address and names'),
        )
        .optional()
        .describe('Endpoints by DNS: all addresses of a name, such as that of a headless Kubernetes service.'),
      srv: z
        .strictObject({
          name: z.string().min(1).describe('Name of the SRV records to look up, such as `_http._tcp.api.example.com`.'),
          refresh,
          servers,
        })
        .optional()
        .describe(
          'Endpoints by SRV records, with the ports and weights in them; only records of the lowest priority number are used.',
        ),
    })
    .refine(
      (given) => Object.values(given).filter((each) => each !== undefined).length === 1,
      rule(['static', 'dns', 'srv'], [], 'give exactly one of its options'),
    ),
);

export type EndpointsOptions = z.output<typeof endpointsOptions>;

/** Makes the source of endpoints that the section asks for. */
export function discoveryOf({ static: list, dns, srv }: EndpointsOptions): Discovery {
  if (dns !== undefined) {
    const { address = '', names = [{ address }] as readonly DiscoveredEndpoint[], ...rest } = dns;
    return dnsDiscovery({ names, ...rest });
  }
  if (srv !== undefined) return srvDiscovery(srv);
  return {
    watch: (update) => {
      update(list ?? []);
      return () => {};
    },
  };
}

const discovered = z.lazy(() =>
  z.array(
    z.object({
      address,
      weight: z.int().min(1).optional(),
      zone: z.string().min(1).optional(),
      priority: z.int().min(0).optional(),
      health: z.enum(['healthy', 'degraded', 'unhealthy', 'draining']).optional(),
      serverName: z.string().min(1).optional(),
    }),
  ),
);

/** Checks the lists of a user's `Discovery`; a malformed list counts as a failed lookup. */
export function checked(discovery: Discovery): Discovery {
  return {
    watch: (update, failed) =>
      discovery.watch((list) => {
        const result = discovered.safeParse(list);
        if (result.success) update(result.data);
        else failed(new Error(`deps.discovery returned a bad list of endpoints: ${result.error.issues[0]?.message}`));
      }, failed),
  };
}
