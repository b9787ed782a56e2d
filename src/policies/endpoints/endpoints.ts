/** The `endpoints` section: a list, DNS, or a source of the user's own, as a `Discovery`. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { duration, rule } from '../../options/options.js';
import type { Discovery } from './discovery.js';
import { dnsDiscovery, srvDiscovery } from './dns.js';

/** `host:port`, an IPv6 address in brackets; a port up to 65535. */
const pattern = /^(\[[0-9A-Fa-f:.]+\]|[^\s:/[\]]+):(6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]?\d{1,4})$/;
const address = z.string().regex(pattern, { error: 'expected host:port' });

const refresh = duration({ min: 100 })
  .or(z.literal('ttl'))
  .prefault('ttl')
  .describe('How often to look up again; `ttl`: when the records expire, after 1s to 5m.');
const servers = z
  .array(z.string().refine(isServer, { error: 'expected an IP address, with a port or without' }))
  .min(1)
  .optional()
  .describe('DNS servers to ask, as `ip` or `ip:port`; those of the system by default.');

/** As c-ares takes it: an IPv6 address with a port stands in brackets. */
function isServer(text: string): boolean {
  const [, bracketed, plain] = /^(?:\[(.+)\]|([\d.]+))(?::\d{1,5})?$/.exec(text) ?? [];
  return isIP(bracketed ?? plain ?? text) !== 0;
}

export const endpointsOptions = z
  .strictObject({
    static: z
      .array(
        z.strictObject({
          address: address.describe('host:port'),
          weight: z
            .int()
            .min(1)
            .max(4_294_967_295)
            .default(1)
            .describe('Share of the traffic, relative to the others.'),
          zone: z.string().min(1).optional().describe('Where the endpoint is.'),
        }),
      )
      .min(1)
      .optional()
      .describe('Addresses that do not change.'),
    dns: z
      .strictObject({
        address: address.describe('host:port; every A and AAAA record is an endpoint.'),
        refresh,
        family: z.enum(['any', 'ipv4', 'ipv6']).default('any').describe('Which addresses are used.'),
        servers,
      })
      .optional()
      .describe('Addresses that a name has.'),
    srv: z
      .strictObject({ name: z.string().min(1).describe('Name of the SRV record.'), refresh, servers })
      .optional()
      .describe('Addresses of the SRV records of the lowest priority number.'),
  })
  .refine(
    (given) => Object.values(given).filter((each) => each !== undefined).length === 1,
    rule(['static', 'dns', 'srv'], [], 'give exactly one of its options'),
  );

export type EndpointsOptions = z.output<typeof endpointsOptions>;

export function discoveryOf({ static: list, dns, srv }: EndpointsOptions): Discovery {
  if (dns !== undefined) return dnsDiscovery(dns);
  if (srv !== undefined) return srvDiscovery(srv);
  return {
    watch: (update) => {
      update(list ?? []);
      return () => {};
    },
  };
}

const discovered = z.array(
  z.object({ address, weight: z.int().min(1).optional(), zone: z.string().min(1).optional() }),
);

/** A source of the user's: what it tells is checked, and a list that is wrong is as one that failed. */
export function checked(discovery: Discovery): Discovery {
  return {
    watch: (update, failed) =>
      discovery.watch((list) => {
        const result = discovered.safeParse(list);
        if (result.success) update(result.data);
        else failed(new Error(`a Discovery told of bad endpoints: ${result.error.issues[0]?.message}`));
      }, failed),
  };
}
