/** Maps the load balancing of an Envoy cluster to the `balance` section. */
import type { Draft, Reader } from './reader.js';

const policyNames = [
  'ROUND_ROBIN',
  'LEAST_REQUEST',
  'RING_HASH',
  'RANDOM',
  'ORIGINAL_DST_LB',
  'MAGLEV',
  'CLUSTER_PROVIDED',
  'LOAD_BALANCING_POLICY_CONFIG',
] as const;

const policies = new Map<string, string>(
  Object.entries({
    ROUND_ROBIN: 'round-robin',
    LEAST_REQUEST: 'least-pending',
    RANDOM: 'random',
    RING_HASH: 'hash',
    MAGLEV: 'hash',
  }),
);

export function readBalance(cluster: Reader, draft: Draft, count: number): Record<string, unknown> {
  const options = { ...readPolicy(cluster, draft, count), ...readPanic(cluster, draft, count) };
  for (const name of ['least_request_lb_config', 'ring_hash_lb_config', 'round_robin_lb_config', 'maglev_lb_config'])
    cluster.get(name)?.unmapped('the details of load balancing are not configurable here');
  return Object.keys(options).length > 0 ? { balance: options } : {};
}

function readPolicy(cluster: Reader, draft: Draft, count: number): { strategy?: string } {
  const extension = cluster.get('load_balancing_policy')?.structure().list('policies')[0]?.structure();
  const typed = extension?.get('typed_extension_config')?.structure();
  typed?.name('name');
  const type = typed?.extension().type;
  const fields = typed?.get('typed_config');
  const policy = fields ?? cluster.get('lb_policy');
  if (policy === undefined) return {};
  const name =
    fields === undefined ? policy.enum(policyNames) : type?.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  const ours = policies.get(name ?? '');
  if (count < 2) policy.differs(draft, 'baseURL', 'not used: there is only one endpoint');
  else if (ours === undefined) policy.unmapped('there is no such load balancing here');
  else if (ours === 'hash')
    policy.differs(draft, 'balance.strategy', 'rendezvous hashing is used; name the header in balance.hashHeader');
  else policy.exact(draft, 'balance.strategy');
  return count < 2 || ours === undefined ? {} : { strategy: ours };
}

function readPanic(cluster: Reader, draft: Draft, count: number): { panicThresholdPercent?: number } {
  const common = cluster.get('common_lb_config')?.structure();
  const threshold = common?.get('healthy_panic_threshold');
  const value = threshold?.number();
  if (threshold === undefined || value === undefined) return {};
  if (count < 2) {
    threshold.differs(draft, 'baseURL', 'not used: there is only one endpoint');
    return {};
  }
  threshold.exact(draft, 'balance.panicThresholdPercent');
  return { panicThresholdPercent: Math.min(100, Math.max(0, value)) };
}
