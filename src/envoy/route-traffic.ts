/** Maps request mirroring and fault injection, which belong to Envoy's routes and listeners. */
import { shareOf } from './fraction.js';
import type { Draft, Reader } from './reader.js';

/** The `mirror` section of a route; `urlOf` returns the base URL of a cluster. */
export function readMirrors(
  route: Reader,
  draft: Draft,
  urlOf: (cluster: string) => string | undefined,
): Record<string, unknown> {
  const mirror = route.list('request_mirror_policies').flatMap((policy) => {
    const baseURL = urlOf(policy.get('cluster')?.text() ?? '');
    if (baseURL === undefined) {
      policy.unmapped('its cluster has no address here, or another TLS section than the cluster of the route');
      return [];
    }
    policy.differs(
      draft,
      'mirror',
      'credentials and unsafe methods such as POST are copied only if options of mirror allow it',
    );
    policy.get('trace_sampled')?.structure();
    const suffix = policy.get('disable_shadow_host_suffix_append')?.boolean() === true;
    const runtime = policy.get('runtime_fraction')?.structure();
    runtime?.get('runtime_key')?.structure();
    return [{ baseURL, fraction: shareOf(runtime?.get('default_value')), ...(suffix && { hostSuffix: false }) }];
  });
  return mirror.length > 0 ? { mirror } : {};
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
