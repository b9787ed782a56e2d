/** Maps the load balancing of an Envoy cluster to the `balance` section. */
import { type Draft, given, type Reader } from './reader.js';

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

/** Strategies by the names of `lb_policy` and by the types of extensions, and what differs. */
const strategies = new Map<string, readonly [strategy: string, note?: string]>(
  Object.entries({
    ROUND_ROBIN: ['round-robin'],
    LEAST_REQUEST: [
      'least-pending',
      'all endpoints are compared, not two at random, and slow or failing ones get less',
    ],
    RANDOM: ['random'],
    RING_HASH: ['hash', 'rendezvous hashing is used: keys go to other endpoints than in Envoy'],
    MAGLEV: ['hash', 'rendezvous hashing is used: keys go to other endpoints than in Envoy'],
    CLIENT_SIDE_WEIGHTED_ROUND_ROBIN: ['least-pending', 'endpoints are weighed by their latency, not by their reports'],
  } satisfies Record<string, [string, string?]>),
);

/** How a cluster chooses among its endpoints. */
export interface BalancePolicy {
  /** The part of the file that names the policy; undefined for Envoy's default. */
  readonly reader: Reader | undefined;
  readonly name: string;
  /** The parts that have the details of the policy. */
  readonly details: readonly Reader[];
  /** Parts of the file that Envoy does not read, because another one names the policy. */
  readonly unused: readonly Reader[];
  /** Whether localities get traffic by their weights. */
  readonly byLocality: boolean;
  readonly zoneAware: Reader | undefined;
}

/** Finds the policy of a cluster, without a line in the report. */
export function policyOf(cluster: Reader): BalancePolicy {
  const common = cluster.get('common_lb_config')?.structure();
  const listed = cluster.get('load_balancing_policy')?.structure().list('policies') ?? [];
  const extension = chosen(listed);
  const legacy = cluster.get('lb_policy');
  const named = extension?.reader ?? legacy;
  const name = extension?.name ?? legacy?.enum(policyNames) ?? 'ROUND_ROBIN';
  const fields = extension === undefined ? cluster.get(`${name.toLowerCase()}_lb_config`) : extension.fields;
  const details = fields === undefined ? [] : [fields];
  const others = ['round_robin', 'least_request', 'ring_hash', 'maglev'].map((each) =>
    cluster.get(`${each}_lb_config`),
  );
  const replaced = extension === undefined ? [] : [legacy];
  const unused = [...replaced, ...others].filter((each) => each !== undefined && each.value !== fields?.value);
  const ofLocality = [
    common,
    ...details,
    ...details.flatMap((each) => each.get('locality_lb_config')?.structure() ?? []),
  ];
  const weighted = ofLocality.flatMap((each) => each?.get('locality_weighted_lb_config')?.whole().structure() ?? []);
  const [zoneAware] = ofLocality.flatMap((each) => each?.get('zone_aware_lb_config') ?? []);
  return {
    reader: named,
    name,
    details,
    unused: unused as Reader[],
    byLocality: weighted.length > 0 || extension?.byLocality === true,
    zoneAware,
  };
}

interface Extension {
  readonly name: string;
  readonly reader: Reader;
  readonly fields: Reader | undefined;
  readonly byLocality: boolean;
}

/** The first policy of a list that is known here, as Envoy takes the first one that it knows; else the first one. */
function chosen(listed: readonly Reader[]): Extension | undefined {
  const found = listed.map((each): Extension => {
    const typed = each.structure().get('typed_extension_config')?.structure();
    const extension = typed?.name('name') ?? '';
    const { type, fields } = typed?.extension() ?? {};
    const inner = fields?.get('endpoint_picking_policy')?.structure().list('policies');
    const picked = inner && chosen(inner);
    if (picked !== undefined) {
      fields?.structure();
      return { ...picked, byLocality: true };
    }
    const name = (type ?? extension.split('.').at(-1) ?? '').replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
    return { name, reader: fields ?? each, fields, byLocality: false };
  });
  const used = found.find(({ name }) => strategies.has(name)) ?? found[0];
  const index = used === undefined ? -1 : found.indexOf(used);
  for (const [at, { reader }] of found.entries())
    if (at < index) reader.unmapped('it is not known here, so the next policy of the list is used');
    else if (at > index) reader.unused(undefined, 'a policy before it is known');
  return used;
}

const alone = 'there is only one endpoint';

interface BalancedEndpoints {
  /** How many the file has. */
  readonly count: number;
  /** There is something to choose from. */
  readonly several: boolean;
  readonly factor: number | undefined;
  readonly found: readonly { readonly zone?: string }[];
}

export function readBalance(
  cluster: Reader,
  draft: Draft,
  policy: BalancePolicy,
  { count, several, factor, found }: BalancedEndpoints,
): Record<string, unknown> {
  readCommon(cluster);
  const threshold = cluster.at('common_lb_config', 'healthy_panic_threshold');
  const [strategy, note] = strategies.get(policy.name) ?? [];
  // Without endpoints in the file the policy is kept for those that are added by hand.
  const isKept = threshold !== undefined || (policy.reader !== undefined && strategy !== undefined);
  const isUsed = several || (count === 0 && isKept);
  const panic = readPanic(threshold, draft, isUsed);
  if (policy.name === 'CLUSTER_PROVIDED') policy.reader?.structure();
  else if (strategy === undefined)
    policy.reader?.unmapped('there is no such load balancing here: the endpoints take turns (balance.strategy)');
  else if (!isUsed) policy.reader?.unused(draft, alone);
  else if (note !== undefined) policy.reader?.differs(draft, 'balance.strategy', note);
  else policy.reader?.exact(draft, 'balance.strategy');
  for (const each of policy.unused) each.unused(draft, `the policy is ${policy.name}`);
  const hashing = cluster.at('common_lb_config', 'consistent_hashing_lb_config');
  if (!isUsed || strategy !== 'hash')
    hashing?.unused(draft, isUsed ? 'the cluster does not choose its endpoints by a hash' : alone);
  if (!isUsed) {
    for (const each of policy.details) each.unused(draft, alone);
    policy.zoneAware?.unused(draft, alone);
    return {};
  }
  const slowStart = readDetails(policy.details, strategy === 'hash' ? hashing : undefined, draft);
  const zones = strategy === 'hash' ? [] : found.flatMap((each) => each.zone ?? []);
  const zone = readZone(policy.zoneAware, draft, cluster, { count: several ? count : undefined, zones });
  if (policy.reader === undefined && several)
    cluster.remark(draft, 'balance', "no lb_policy: Envoy's default, turns without a slow start, is written out");
  const key = strategy === 'hash' ? clusterKey(cluster, policy, draft) : {};
  return {
    balance: {
      strategy: strategy ?? 'round-robin',
      ...key,
      slowStart,
      ...zone,
      ...panic,
      ...given('overprovisioningFactor', factor),
    },
  };
}

function readCommon(cluster: Reader): void {
  const common = cluster.get('common_lb_config');
  common?.get('update_merge_window')?.whole().structure();
  for (const [name, note] of [
    ['ignore_new_hosts_until_first_hc', 'a new endpoint counts as healthy until its checks have failed'],
    ['close_connections_on_host_set_change', 'connections to endpoints that stay are kept'],
    ['override_host_status', 'no header chooses an endpoint'],
  ] as const)
    common?.get(name)?.unmapped(note);
  cluster
    .get('close_connections_on_host_health_failure')
    ?.unmapped('connections to an endpoint that fails its checks are not closed at once, but get no new calls');
  cluster
    .get('ignore_health_on_host_removal')
    ?.unmapped('an endpoint that is not listed any more gets no calls, whatever its health');
  cluster.get('lb_subset_config')?.unmapped('there are no subsets of endpoints: write a client for each');
  cluster.get('original_dst_lb_config')?.unmapped('calls go to the address of the client, and no header changes it');
}

/** The details of policies that change which endpoint is chosen, or how often. */
function readDetails(details: readonly Reader[], hashing: Reader | undefined, draft: Draft): string {
  let slowStart = '0s';
  for (const each of details) {
    each.structure();
    const slow = each.get('slow_start_config')?.structure();
    const window = slow?.get('slow_start_window');
    slowStart = window?.spelled(draft, 'balance.slowStart', { least: 0 }) ?? slowStart;
    window?.exact(draft, 'balance.slowStart');
    for (const name of ['aggression', 'min_weight_percent'])
      slow
        ?.get(name)
        ?.whole()
        .differs(draft, 'balance.slowStart', 'the share of a new endpoint grows evenly, from a tenth');
    for (const name of ['choice_count', 'active_request_bias', 'enable_full_scan', 'selection_method'])
      each
        .get(name)
        ?.whole()
        .differs(
          draft,
          'balance.strategy',
          'least-pending compares up to 32 endpoints by their requests in flight, latency and failures',
        );
    for (const name of ['minimum_ring_size', 'maximum_ring_size', 'hash_function', 'table_size'])
      each.get(name)?.differs(draft, 'balance.strategy', 'rendezvous hashing has no ring or table');
    const consistent = each.get('consistent_hashing_lb_config')?.structure();
    for (const holder of [each, consistent, hashing?.structure()]) {
      holder
        ?.get('use_hostname_for_hashing')
        ?.differs(draft, 'balance.strategy', 'endpoints are told apart by their addresses');
      holder
        ?.get('hash_balance_factor')
        ?.unmapped('keys go to their endpoint whatever its load: limits with per: destination cap the calls to each');
    }
    for (const name of [
      'blackout_period',
      'weight_expiration_period',
      'weight_update_period',
      'oob_reporting_period',
      'error_utilization_penalty',
      'enable_oob_load_report',
      'metric_names_for_computing_utilization',
    ])
      each
        .get(name)
        ?.whole()
        .unmapped('reports of endpoints on their load are not read: their latency is measured here');
  }
  return slowStart;
}

const inZone =
  'all calls stay in the zone while panicThresholdPercent of its endpoints are usable; Envoy sends a share elsewhere if the zone has more callers than endpoints';

/** Envoy prefers its own zone if it knows its own cluster, by the share of the zone in both clusters. */
function readZone(
  config: Reader | undefined,
  draft: Draft,
  cluster: Reader,
  { count, zones }: { count: number | undefined; zones: readonly string[] },
): { zone?: string } {
  const zone = cluster.file.root.at('node', 'locality', 'zone')?.text();
  const least = config?.get('min_cluster_size')?.structure().count() ?? 6;
  const enabled = config?.get('routing_enabled')?.structure().number() ?? 100;
  const inCluster = cluster.file.root.at('cluster_manager', 'local_cluster_name') !== undefined;
  const off = !inCluster
    ? 'cluster_manager has no local_cluster_name'
    : count !== undefined && count < least
      ? `there are less than ${least} endpoints`
      : enabled === 0
        ? 'routing_enabled is 0'
        : undefined;
  if (config === undefined) {
    if (zone === undefined || off !== undefined || count === undefined || new Set(zones).size < 2) return {};
    cluster.remark(draft, 'balance.zone', inZone);
    return { zone };
  }
  if (zone === undefined)
    config.whole().unmapped('set balance.zone to the zone of the service to prefer endpoints of the same zone');
  else if (off !== undefined) config.unused(draft, off);
  else {
    for (const name of ['fail_traffic_on_panic', 'force_locality_direct_routing', 'force_local_zone'])
      config
        .get(name)
        ?.whole()
        .unmapped('the zone is preferred while balance.panicThresholdPercent of it is usable; then all zones are');
    config.differs(draft, 'balance.zone', inZone);
    return { zone };
  }
  return {};
}

function readPanic(threshold: Reader | undefined, draft: Draft, isUsed: boolean): { panicThresholdPercent?: number } {
  const value = threshold?.number();
  if (threshold === undefined || value === undefined) return {};
  if (!isUsed) {
    // With one endpoint Envoy answers 503 while that fails its checks, if the threshold is 0.
    threshold.differs(draft, 'baseURL', 'not used: the only endpoint gets all calls, whatever its state');
    return {};
  }
  if (value === 0)
    threshold.differs(
      draft,
      'balance.panicThresholdPercent',
      'if no endpoint is usable, all get calls; Envoy answers 503',
    );
  else threshold.exact(draft, 'balance.panicThresholdPercent');
  return { panicThresholdPercent: Math.min(100, Math.max(0, value)) };
}

/** The key that the cluster itself has for hashing, which replaces that of the route. */
function clusterKey(cluster: Reader, { details }: BalancePolicy, draft: Draft): Record<string, unknown> {
  const protocol = cluster.at(
    'typed_extension_protocol_options',
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  );
  const lists = [...details.map((each) => each.get('consistent_hashing_lb_config')), protocol].map(
    (each) => each?.list('hash_policy') ?? [],
  );
  const [used = [], ...others] = lists.filter((list) => list.length > 0);
  for (const each of others.flat()) each.unused(draft, 'the policy of the cluster has a hash_policy of its own');
  return hashKey(used, draft);
}

/** The `balance` section of a route with `hash_policy`, for the section of its cluster. */
export function readHashPolicy(action: Reader, balance: unknown, draft: Draft): Record<string, unknown> {
  const policies = action.list('hash_policy');
  if (policies.length === 0) return {};
  const section = (balance ?? {}) as Record<string, unknown>;
  const why =
    section.strategy !== 'hash'
      ? 'the cluster does not choose its endpoints by a hash'
      : section.hashHeader !== undefined || section.hashOn !== undefined
        ? 'the cluster has a hash_policy of its own'
        : undefined;
  if (why === undefined) return { balance: { ...section, ...hashKey(policies, draft) } };
  for (const each of policies) each.unused(draft, why);
  return {};
}

function hashKey(policies: readonly Reader[], draft: Draft): Record<string, unknown> {
  const parts = policies.flatMap((policy) => readKeyPart(policy.structure(), draft));
  const [first] = parts;
  if (first === undefined) return {};
  return parts.length === 1 && first.header !== undefined ? { hashHeader: first.header } : { hashOn: parts };
}

interface KeyPart {
  header?: string | undefined;
  cookie?: string | undefined;
  query?: string | undefined;
  value?: string;
  terminal?: boolean;
}

function readKeyPart(policy: Reader, draft: Draft): KeyPart[] {
  const terminal = policy.get('terminal')?.structure().boolean() === true;
  const [header, cookie, query] = (['header', 'cookie', 'query_parameter'] as const).map((name) => policy.get(name));
  const connection = policy.get('connection_properties');
  policy.get('filter_state')?.whole().unmapped('set hashKey on the call, or name a header in balance.hashHeader');
  const partOf = (part: Reader | undefined, name: string) => {
    const text = part?.get(name)?.structure().text();
    if (text) part?.exact(draft, 'balance');
    return text || undefined;
  };
  header?.get('regex_rewrite')?.whole().unmapped('the whole value of the header is the key');
  for (const name of ['path', 'attributes']) cookie?.get(name)?.whole().structure();
  cookie
    ?.get('ttl')
    ?.whole()
    .unmapped('no cookie is made for a request without it: its endpoint is drawn, and no Set-Cookie is added');
  const source = connection?.get('source_ip')?.structure().boolean();
  if (source === true)
    connection?.differs(
      draft,
      'balance.hashOn',
      'the caller is this process: all its calls have the same key, so they go to one endpoint',
    );
  else connection?.structure();
  const part: KeyPart = {
    ...given('header', partOf(header, 'header_name')),
    ...given('cookie', partOf(cookie, 'name')),
    ...given('query', partOf(query, 'name')),
    ...(source === true && { value: '127.0.0.1' }),
  };
  return Object.keys(part).length === 1 ? [{ ...part, ...(terminal && { terminal: true }) }] : [];
}
