/** Maps the circuit breaker thresholds of an Envoy cluster, which are caps on connections, requests and retries. */
import type { Draft, Reader } from './reader.js';

/** Envoy's caps are always on; the defaults are 1024 connections, 1024 pending requests and 3 retries at once. */
export function readLimits(cluster: Reader, draft: Draft) {
  const breakers = cluster.get('circuit_breakers');
  const thresholds = breakers?.list('thresholds') ?? [];
  const isDefault = (each: Reader) => each.get('priority')?.enum(['DEFAULT', 'HIGH']) !== 'HIGH';
  const ours = thresholds.find(isDefault);
  breakers?.structure();
  ours?.structure().get('priority')?.exact(draft, 'limits');
  for (const other of thresholds)
    if (other !== ours)
      other.unmapped('there are no priorities here; the thresholds of the default priority are mapped');
  breakers?.get('per_host_thresholds')?.unmapped('limits count for each destination, not for each host of a cluster');
  const limits = {
    maxRequests: capOf(ours, 'max_requests', 1024, draft, 'limits.maxRequests', { from: 1, to: 1_000_000 }),
    maxPendingRequests: capOf(ours, 'max_pending_requests', 1024, draft, 'limits.maxPendingRequests', {
      from: 0,
      to: 1_000_000,
    }),
  };
  const connections = {
    maxConnections: capOf(ours, 'max_connections', 1024, draft, 'connections.maxConnections', { from: 1, to: 65_535 }),
  };
  const maxConcurrentRetries = capOf(ours, 'max_retries', 3, draft, 'retry.maxConcurrentRetries', {
    from: 0,
    to: 1_000_000,
  });
  ours?.get('track_remaining')?.exact(draft, '', 'client.stats() always has these numbers');
  if (breakers === undefined)
    cluster
      .get('name')
      ?.differs(
        draft,
        'limits',
        "circuit_breakers is not set: Envoy's defaults are written out (1024 connections, 1024 requests, 1024 pending requests, 3 retries at once)",
      );
  cluster
    .get('name')
    ?.differs(
      draft,
      'circuitBreaker',
      'on by default here, and Envoy has no such thing: calls to a destination that keeps failing are rejected for a while; false switches it off',
    );
  const budget = readBudget(ours, draft);
  return { limits, connections, retries: { maxConcurrentRetries, ...(budget && { budget }) } };
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

function readBudget(thresholds: Reader | undefined, draft: Draft): Record<string, unknown> | undefined {
  const budget = thresholds?.get('retry_budget');
  if (budget === undefined) return undefined;
  const percent = Math.max(0, budget.get('budget_percent')?.number() ?? 20);
  budget.differs(
    draft,
    'retry.budget',
    'here a share of the calls of the last 10 s, in Envoy of the requests in flight; min_retry_concurrency became minPerSecond',
  );
  return { ratio: Math.min(10, percent / 100), minPerSecond: budget.get('min_retry_concurrency')?.count() ?? 3 };
}
