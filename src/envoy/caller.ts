/** Reads how Envoy's connection manager treats the service that calls: which headers it makes, obeys and takes away. */
import { BlockList, isIP } from 'node:net';
import { readMutationFilters } from './header-mutation.js';
import { always, type HeaderLevel, type HeaderOutcome, unlessSet, whatever } from './header-outcome.js';
import type { Draft, Reader } from './reader.js';

/** The service as Envoy sees it on a listener. */
export interface Caller {
  /** True where Envoy obeys headers such as `x-envoy-retry-on`: the service is an internal caller. */
  readonly trusted: boolean;
  /** Headers that are made before a route is chosen. */
  readonly made: ReadonlyMap<string, HeaderOutcome>;
  /** Changes of filters, which come before those of a route. */
  readonly filters: readonly HeaderLevel[];
  /** Sections for every client of the listener. */
  readonly sections: Record<string, unknown>;
}

/** `host` is the address of the listener, undefined for a Unix socket; `secure`: it accepts TLS. */
export function readCaller(
  manager: Reader,
  { host, secure }: { host: string | undefined; secure: boolean },
  draft: Draft,
): Caller {
  const address = manager.get('use_remote_address')?.structure();
  const remote = address?.boolean() === true;
  if (remote)
    address.differs(
      draft,
      'requestHeaders',
      'x-forwarded-for and x-envoy-external-address are not sent, as they would name this machine; a request id that the call sets is kept',
    );
  const hops = manager.get('xff_num_trusted_hops')?.structure().count() ?? 0;
  const trusted = readInternal(manager, host, remote && hops === 0, draft);
  const scheme = manager.get('scheme_header_transformation')?.structure();
  const overwritten = scheme?.get('scheme_to_overwrite');
  overwritten?.exact(draft, 'requestHeaders.set');
  scheme?.get('match_upstream')?.unmapped('the scheme is that of baseURL');
  const proto = overwritten?.text() ?? (secure ? 'https' : 'http');
  const replaces = overwritten !== undefined || (remote && hops === 0);
  const ids = manager.get('generate_request_id');
  ids?.exact(draft, 'tracing.requestIdHeader');
  const withoutId = ids?.boolean() === false;
  return {
    trusted,
    filters: readMutationFilters(manager, draft),
    made: new Map([
      ['x-forwarded-proto', replaces ? whatever([proto]) : unlessSet(proto)],
      ...(trusted ? [['x-envoy-internal', whatever(['true'])] as const] : []),
      ...(withoutId ? [] : [['x-request-id', always] as const]),
    ]),
    sections: {
      envoyHeaders: trusted || 'drop',
      ...(withoutId && { tracing: { requestIdHeader: false } }),
    },
  };
}

/** True where the service is an internal caller: its address is that of the loopback interface, or a Unix socket. */
function readInternal(manager: Reader, host: string | undefined, direct: boolean, draft: Draft): boolean {
  const config = manager.get('internal_address_config')?.structure();
  const sockets = config?.get('unix_sockets')?.structure().boolean() === true;
  const address = host?.includes(':') ? '::1' : '127.0.0.1';
  const listed = config?.list('cidr_ranges').filter((range) => includes(range.structure(), address)) ?? [];
  const trusted = direct && (host === undefined ? sockets : listed.length > 0);
  if (trusted) config?.exact(draft, 'envoyHeaders');
  else
    config?.differs(
      draft,
      'envoyHeaders',
      'Envoy did not take a caller on this machine for an internal one; envoyHeaders: true obeys its headers, for callers that reached the listener from another address',
    );
  return trusted;
}

function includes(range: Reader, address: string): boolean {
  const prefix = range.get('address_prefix')?.structure().text() ?? '';
  const length = range.get('prefix_len')?.structure().count() ?? 0;
  const family = isIP(prefix);
  if (family === 0) return range.fault('is not an IP address') ?? false;
  if (length > (family === 4 ? 32 : 128)) return range.fault('its prefix is longer than the address') ?? false;
  const list = new BlockList();
  list.addSubnet(prefix, length, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}
