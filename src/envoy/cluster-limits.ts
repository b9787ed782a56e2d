/** Maps the circuit breaker thresholds of an Envoy cluster, which are caps on connections, requests and retries. */
import type { Draft, Reader } from './reader.js';

/** What the caps of a cluster depend on. */
export interface LimitedCluster {
  /** HTTP/2 is spoken, or may be: one connection then carries many requests. */
  readonly h2: boolean;
  /** How many endpoints the file has. */
  readonly endpoints: number;
  /** Their caps count together; the addresses of a DNS name are several. */
  readonly several: boolean;
}

/** Retries at once, as `retry.maxConcurrentRetries`. */
export type RetryCap = number | { readonly ratio: number; readonly min: number };

/** The caps of one priority: options of a client. */
export interface Caps {
  readonly limits: Record<string, unknown>;
  readonly connections: Record<string, unknown>;
  readonly maxConcurrentRetries: RetryCap;
}

/** The caps for routes with `priority: HIGH`, and the parts of the file that they are read from. */
export interface HighCaps extends Caps {
  /** Stands for the client of such a route; dropped until there is one. */
  readonly draft: Draft;
  readonly readers: readonly Reader[];
}

type Priority = 'DEFAULT' | 'HIGH';

/**
 * Envoy's caps are always on; the defaults are 1024 connections, 1024 pending requests and 3 retries at once. Routes with
 * `priority: HIGH` have caps and connections of their own, those in `high`.
 */
export function readLimits(cluster: Reader, draft: Draft, limited: LimitedCluster): Caps & { readonly high: HighCaps } {
  const breakers = cluster.get('circuit_breakers');
  const thresholds = breakers?.list('thresholds') ?? [];
  const [ours, high] = priorities.map((priority) => thresholds.find((each) => priorityOf(each) === priority));
  breakers?.structure();
  const highDraft: Draft = { name: '', dropped: true };
  ours?.structure().get('priority')?.exact(draft, 'limits');
  high?.structure().get('priority')?.exact(highDraft, 'limits');
  for (const other of thresholds)
    if (other !== ours && other !== high) other.unused(draft, 'only the first thresholds of a priority count');
  if (limited.several)
    ours
      ?.get('max_connections')
      ?.remark(draft, 'connections.maxConnections', 'counts for each endpoint, in Envoy for all endpoints together');
  for (const each of [ours, high]) {
    each
      ?.get('max_connection_pools')
      ?.unmapped('a client has one pool for each destination; connections.maxOrigins bounds them');
    each?.get('track_remaining')?.exact(draft, '', 'client.stats() always has these numbers');
  }
  if (breakers === undefined)
    cluster
      .get('name')
      ?.differs(
        draft,
        'limits',
        "circuit_breakers is not set: Envoy's defaults are written out (1024 connections, requests and pending requests, 3 retries at once)",
      );
  const perHost = priorities.map((priority) => perHostOf(breakers, priority, draft));
  const [most, highest] = [readPerHost(perHost[0], draft), readPerHost(perHost[1], highDraft)];
  return {
    ...capsOf(ours, most, draft, limited),
    high: {
      ...capsOf(high, highest, highDraft, limited),
      draft: highDraft,
      readers: [high, perHost[1]].filter((each) => each !== undefined),
    },
  };
}

const priorities: readonly Priority[] = ['DEFAULT', 'HIGH'];

function capsOf(
  thresholds: Reader | undefined,
  perHost: number,
  draft: Draft,
  { h2, endpoints, several }: LimitedCluster,
): Caps {
  const most = 1_000_000;
  const requests = capOf(thresholds, 'max_requests', 1024, draft, 'limits.maxRequests', { from: 1, to: most });
  const pendingOption = h2 ? 'connections.maxPendingRequests' : 'limits.maxPendingRequests';
  const pending = capOf(thresholds, 'max_pending_requests', 1024, draft, pendingOption, { from: 0, to: most });
  const together = capOf(thresholds, 'max_connections', 1024, draft, 'connections.maxConnections', mostConnections);
  const maxConnections = Math.min(together, perHost);
  return {
    limits: {
      ...limitsOf({
        h2,
        requests,
        pending,
        connections: Math.max(endpoints, Math.min(together, perHost * Math.max(1, endpoints))),
      }),
      ...(several && { per: 'origin' }),
    },
    connections: { maxConnections, ...(h2 && { maxPendingRequests: pending }) },
    maxConcurrentRetries: readRetryCap(thresholds, draft),
  };
}

const mostConnections = { from: 1, to: 65_535 };

/** The first thresholds of a priority count here too. */
function perHostOf(breakers: Reader | undefined, priority: Priority, draft: Draft): Reader | undefined {
  const all = (breakers?.list('per_host_thresholds') ?? []).filter((each) => priorityOf(each) === priority);
  for (const other of all.slice(1)) other.unused(draft, 'only the first thresholds of a priority count');
  return all[0];
}

/** Connections to each endpoint. */
function readPerHost(thresholds: Reader | undefined, draft: Draft): number {
  thresholds?.structure().get('priority')?.structure();
  for (const name of ['max_pending_requests', 'max_requests', 'max_retries', 'max_connection_pools', 'retry_budget'])
    thresholds?.get(name)?.whole().fault('Envoy refuses it here: per_host_thresholds have max_connections only');
  thresholds?.get('track_remaining')?.structure();
  if (thresholds?.get('max_connections') === undefined) return Number.POSITIVE_INFINITY;
  return capOf(thresholds, 'max_connections', 1024, draft, 'connections.maxConnections', mostConnections);
}

function priorityOf(thresholds: Reader): Priority {
  return thresholds.get('priority')?.enum(priorities) ?? 'DEFAULT';
}

/**
 * In Envoy a request waits for a connection, and fails at once where it has one but `max_requests` are in flight. Over
 * HTTP/1.1 each request has a connection of its own, so the lower of the two caps binds alone: further requests wait only
 * where that is `max_connections`, of which each endpoint has at least one. Over HTTP/2 the pool has the queue.
 */
function limitsOf(caps: { h2: boolean; requests: number; pending: number; connections: number }) {
  const { h2, requests, pending, connections } = caps;
  if (h2 || requests < connections) return { maxRequests: requests, maxPendingRequests: 0 };
  return { maxRequests: connections, maxPendingRequests: pending };
}

function capOf(
  thresholds: Reader | undefined,
  name: string,
  standard: number,
  draft: Draft,
  option: string,
  allowed: { readonly from: number; readonly to: number },
): number {
  const cap = thresholds?.get(name);
  const value = cap?.count() ?? standard;
  const within = Math.min(allowed.to, Math.max(allowed.from, value));
  if (within === value) cap?.exact(draft, option);
  else cap?.differs(draft, option, `${within} is the nearest value allowed here`);
  return within;
}

/** `retry_budget` replaces `max_retries`. */
function readRetryCap(thresholds: Reader | undefined, draft: Draft): RetryCap {
  const option = 'retry.maxConcurrentRetries';
  const budget = thresholds?.get('retry_budget')?.structure();
  if (budget === undefined) return capOf(thresholds, 'max_retries', 3, draft, option, { from: 0, to: 1_000_000 });
  thresholds?.get('max_retries')?.unused(draft, 'retry_budget replaces it');
  const percent = budget.get('budget_percent');
  const share = Math.max(0, (percent?.number() ?? 20) / 100);
  percent?.exact(draft, `${option}.ratio`);
  const min = capOf(budget, 'min_retry_concurrency', 3, draft, `${option}.min`, { from: 0, to: 1_000_000 });
  if (percent === undefined)
    budget.remark(draft, `${option}.ratio`, "budget_percent is not set: Envoy's default of 20 % is written out");
  return { ratio: Math.min(10, share), min };
}
