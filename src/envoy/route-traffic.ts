/** Maps request mirroring and fault injection, which belong to Envoy's routes and listeners. */
import { shareOf } from './fraction.js';
import { readMutations } from './header-mutation.js';
import type { Draft, Reader } from './reader.js';
import { giveTo, type TargetHeaders } from './route-headers.js';

/** What a copy needs to know of the client. */
interface MirrorContext {
  /** The base URL of a cluster, with the path that the route puts in front; `several`: it is only its first address. */
  copyTo(cluster: string): { baseURL: string; several: boolean } | undefined;
  /** The Host header of the call, unless it sets one itself; undefined where the file does not say. */
  readonly host: string | undefined;
}

/** The `mirror` section: `levels` are the route, its virtual host and its route configuration; the first that has policies counts. */
export function readMirrors(levels: readonly Reader[], draft: Draft, context: MirrorContext): Record<string, unknown> {
  const [used, ...others] = levels.filter((level) => level.get('request_mirror_policies') !== undefined);
  for (const level of others)
    level
      .get('request_mirror_policies')
      ?.whole()
      .differs(draft, 'mirror', 'not used where a more specific part of the file has mirror policies');
  const mirror = used?.list('request_mirror_policies').flatMap((policy) => readMirror(policy, draft, context)) ?? [];
  return mirror.length > 0 ? { mirror } : {};
}

function readMirror(policy: Reader, draft: Draft, { copyTo, host }: MirrorContext): Record<string, unknown>[] {
  policy.structure();
  const header = policy.get('cluster_header');
  header?.unmapped('a copy goes to one target: write a mirror with match.headers for each value of the header');
  if (header !== undefined) return [];
  const cluster = policy.get('cluster')?.structure();
  const copy = copyTo(cluster?.text() ?? '');
  if (copy === undefined) {
    policy.unmapped(
      'its cluster has no address here, or another TLS section or version of HTTP than the cluster of the route',
    );
    return [];
  }
  if (copy.several) cluster?.differs(draft, 'mirror', 'all copies go to the first address of the cluster');
  policy.differs(
    draft,
    'mirror',
    'credentials and unsafe methods such as POST are copied only if options of mirror allow it',
  );
  policy.get('trace_sampled')?.structure();
  const target: TargetHeaders = { reader: policy, headers: {}, removeHeaders: [] };
  changeCopy(policy, draft, target);
  const suffix = readSuffix(policy, draft, target, host);
  const { headers, removeHeaders } = target;
  return [
    {
      baseURL: copy.baseURL,
      fraction: shareOfMirror(policy, draft),
      ...(!suffix && { hostSuffix: false }),
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(removeHeaders.length > 0 && { removeHeaders }),
    },
  ];
}

/** Whether the Host header of a copy has the suffix; where it has not, its value is among the headers of the copy. */
function readSuffix(policy: Reader, draft: Draft, { headers }: TargetHeaders, host: string | undefined): boolean {
  const literal = policy.get('host_rewrite_literal');
  literal?.exact(draft, 'mirror');
  const plain = policy.get('disable_shadow_host_suffix_append');
  const name = literal?.text() || (plain?.boolean() === true ? host : undefined);
  if (plain?.boolean() === true && literal === undefined && name === undefined)
    plain.differs(
      draft,
      'mirror',
      'the Host header of a copy is that of its own baseURL: set it in headers of the mirror',
    );
  else plain?.exact(draft, 'mirror');
  if (name !== undefined) headers.host = name;
  return name === undefined && plain?.boolean() !== true;
}

/** The headers that Envoy changes in a copy alone. */
function changeCopy(policy: Reader, draft: Draft, target: TargetHeaders): void {
  const levels = readMutations(policy.list('request_headers_mutations'), draft);
  for (const name of new Set(levels.flatMap((level) => [...level.keys()])))
    giveTo(target, name, levels, draft, 'mirror');
}

function shareOfMirror(policy: Reader, draft: Draft): number {
  const runtime = policy.get('runtime_fraction')?.structure();
  runtime
    ?.get('runtime_key')
    ?.differs(draft, 'mirror', 'the share is that of the file: there is no runtime layer that could override it');
  const old = policy.get('runtime_key');
  if (old !== undefined) policy.file.isOld = true;
  old?.differs(
    draft,
    'mirror',
    'the share is in the runtime, and 0 without an entry there: set fraction of the mirror',
  );
  return old === undefined ? shareOf(runtime?.get('default_value')) : 0;
}

/** The `fault` section from the fault filter, for all clients of its listener. */
export function readFault(config: Reader, draft: Draft): Record<string, unknown> {
  const fault: Record<string, unknown> = {};
  const [delay, abort] = [config.get('delay'), config.get('abort')];
  const duration = delay?.get('fixed_delay');
  const time = duration?.duration() ? duration.spelled(draft, 'fault.delay.duration') : undefined;
  if (time !== undefined) fault.delay = { duration: time, fraction: percentageOf(delay) };
  const status = abort?.get('http_status')?.bounded(draft, 'fault.abort.status', 200, 599);
  if (status !== undefined) fault.abort = { status, fraction: percentageOf(abort) };
  for (const part of [delay, abort])
    part?.differs(
      draft,
      'fault',
      'injected in place of the upstream, so it is retried and counted like a real failure; off in production without allowInProduction',
    );
  return Object.keys(fault).length > 0 ? { fault } : {};
}

function percentageOf(part: Reader | undefined): number {
  const percentage = part?.get('percentage');
  return percentage === undefined ? 0 : shareOf(percentage);
}
