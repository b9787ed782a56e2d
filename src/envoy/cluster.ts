/** Reads an Envoy cluster: its endpoints, connect timeout, circuit breaker thresholds, protocol and load balancing. */

import { isPlain } from '../call/own.js';
import { policyOf, readBalance } from './cluster-balance.js';
import { endpointsOf, readEndpoints } from './cluster-endpoints.js';
import { readHealthChecks, readOutlierDetection } from './cluster-health.js';
import { type HighCaps, type RetryCap, readLimits } from './cluster-limits.js';
import { readProtocol } from './cluster-protocol.js';
import type { Draft, Reader } from './reader.js';
import { readTransport } from './transport-socket.js';

/** The options of a client that come from a cluster. */
export interface ClusterPart {
  /** `https` for a cluster with TLS. */
  readonly scheme: 'http' | 'https';
  /** Undefined when the file has no address of the cluster, such as with EDS. */
  readonly baseURL: string | undefined;
  /** The names of its endpoints, each once; undefined for an endpoint without a name. */
  readonly names: readonly (string | undefined)[];
  /** Why no client can be made of it, though nothing is wrong with it. */
  readonly nowhere: string | undefined;
  /** The connect timeout, such as `5s`. */
  readonly connect: string;
  /** Options of the client other than `baseURL`, `timeouts` and `retry`. */
  readonly sections: Record<string, unknown>;
  /** For the `retry` section. */
  readonly maxConcurrentRetries: RetryCap;
  /** Caps for routes with `priority: HIGH`, in place of those in `sections` and `maxConcurrentRetries`. */
  readonly high: HighCaps;
  /** Milliseconds that an attempt may take at most; undefined: no limit. */
  readonly maxStreamDuration: number | undefined;
  /** A retry policy of the cluster, which replaces that of the route. */
  readonly retryPolicy: Reader | undefined;
}

/** The parts of the configuration outside of a cluster that belong to it. */
export interface ClusterContext {
  readonly secrets: ReadonlyMap<string, Reader>;
  /** Endpoints that a dump lists outside of the clusters, by the name of the cluster. */
  readonly endpoints: ReadonlyMap<string, Reader>;
}

/** Fields of a cluster that have no counterpart, and what to do or to know instead. */
const fieldNotes = new Map<string, string>(
  Object.entries({
    filters: 'there are no filters between a client and its connections: write a perAttempt policy',
    per_connection_buffer_limit_bytes:
      "Node's streams hold a server or a caller back that is faster than the other side",
    preconnect_policy: 'a connection is opened when a call needs it',
    upstream_bind_config: 'the operating system chooses the source address: set it in the routes of the host or pod',
    upstream_connection_options: 'TCP keep-alive probes are sent with the settings of the operating system',
    wait_for_warm_on_init: 'a client is ready at once; `pillion probe` calls its endpoints before a rollout',
    upstream_config: 'there is no other kind of connection pool',
    protocol_selection: 'calls use HTTP/1.1 or HTTP/2 as allowH2 says, whatever the service spoke to the sidecar',
  }),
);

/** Undefined for a cluster that cannot be read without a loss of protection; the report then has an error on it. */
export function readCluster(cluster: Reader, draft: Draft, context: ClusterContext): ClusterPart | undefined {
  if (isPlain(cluster.value) && cluster.get('name') === undefined) cluster.fault('it has no name');
  cluster.type();
  cluster.get('alt_stat_name')?.structure().text();
  for (const name of ['metadata', 'track_cluster_stats', 'track_timeout_budgets'])
    cluster.get(name)?.whole().structure();
  for (const [name, note] of fieldNotes) cluster.get(name)?.whole().unmapped(note);
  const policy = policyOf(cluster);
  const found = readEndpoints(cluster, draft, context.endpoints, policy.byLocality);
  const protocol = readProtocol(cluster, draft);
  const count = found.found.length;
  const { limits, connections, maxConcurrentRetries, high } = readLimits(cluster, draft, {
    h2: protocol.h2 !== undefined,
    endpoints: count,
    several: found.several,
  });
  const balance = readBalance(cluster, draft, policy, { ...found, count });
  const checked = {
    isAlone: count > 0 && !found.several,
    entries: found.entries,
    count: found.several && found.dns === undefined ? count : undefined,
  };
  const outliers = readOutlierDetection(cluster, draft, checked);
  const healthCheck = readHealthChecks(cluster, draft, checked);
  const connect = readConnect(cluster, draft);
  const transport = readTransport(cluster, found.entries, draft, context.secrets);
  if (transport === undefined) return undefined;
  const { tls } = transport;
  if (tls === undefined) protocol.h2?.exact(draft, 'allowH2');
  else protocol.h2?.differs(draft, 'allowH2', 'HTTP/2 is offered in the TLS handshake, and HTTP/1.1 too');
  const { main, names, sections: endpoints, serverName } = endpointsOf(found, draft, tls);
  const tlsOptions = { ...tls?.options, ...(serverName !== undefined && { serverName }) };
  // Without TLS there is no handshake in which `auto_config` could choose: Envoy speaks HTTP/1.1 then.
  const priorKnowledge = tls === undefined && protocol.h2 !== undefined && !protocol.auto;
  const sections = {
    ...(tls !== undefined && (protocol.h2 !== undefined || tls.h2) && { allowH2: true }),
    ...(priorKnowledge && { allowH2: 'prior-knowledge' }),
    limits,
    connections: { ...connections, ...protocol.connections },
    ...(Object.keys(tlsOptions).length > 0 && { tls: tlsOptions }),
    ...endpoints,
    ...balance,
    ...outliers,
    ...healthCheck,
  };
  return {
    scheme: tls === undefined ? 'http' : 'https',
    baseURL: main && urlOf(main, tls !== undefined),
    names,
    nowhere: found.nowhere,
    connect,
    sections,
    maxConcurrentRetries,
    high: { ...high, connections: { ...high.connections, ...protocol.connections } },
    maxStreamDuration: protocol.maxStreamDuration,
    retryPolicy: protocol.retryPolicy,
  };
}

/** The address is that of the endpoint even if `sni` names another host: `tls.serverName` has that name. */
function urlOf(address: string, secure: boolean): string {
  const url = `${secure ? 'https' : 'http'}://${address}`;
  return url.replace(secure ? /:443$/ : /:80$/, '');
}

function readConnect(cluster: Reader, draft: Draft): string {
  const timeout = cluster.get('connect_timeout');
  timeout?.exact(draft, 'timeouts.connect');
  return timeout?.spelled(draft, 'timeouts.connect') ?? '5s';
}
