/** Maps the limits of time of Envoy's routes and connection managers, other than `timeout`, and hedged attempts. */
import { type Draft, longest, type Reader, spelledDuration } from './reader.js';
import type { RetryPart } from './retry-policy.js';

/** Milliseconds; 0 is no limit, and undefined is not set. */
export interface RouteLimits {
  /** `max_stream_duration` of the route, which replaces `timeout`. */
  duration: number | undefined;
  /** `max_stream_duration` of the connection manager, beside `timeout`. */
  stream?: number | undefined;
  /** `idle_timeout` or `stream_idle_timeout`. */
  idle: number | undefined;
}

const idleNote =
  'limits each attempt, which is retried like one that timed out, and never the whole call; a caller that reads slowly does not count';

export function readRouteLimits(action: Reader, draft: Draft): RouteLimits {
  const duration = action.get('max_stream_duration')?.structure();
  const most = duration?.get('max_stream_duration');
  most?.exact(draft, 'timeouts.total', 'in place of timeout, as in Envoy');
  for (const name of ['grpc_timeout_header_max', 'grpc_timeout_header_offset'])
    duration?.get(name)?.unmapped('gRPC is not supported');
  const idle = action.get('idle_timeout');
  idle?.differs(draft, 'timeouts.idle', idleNote);
  return { duration: most?.duration(), idle: idle?.duration() };
}

/** The limits of a connection manager, for routes that set none of their own. */
export function readManagerLimits(manager: Reader, draft: Draft): RouteLimits {
  const common = manager.get('common_http_protocol_options')?.structure();
  const duration = common?.get('max_stream_duration');
  duration?.exact(draft, 'timeouts.total', 'where it is shorter than timeout, and the route sets no other');
  const names = [
    ...['idle_timeout', 'max_connection_duration', 'max_headers_count', 'headers_with_underscores_action'],
    ...['max_requests_per_connection', 'max_response_headers_kb'],
  ];
  for (const name of names)
    common?.get(name)?.unmapped('it concerns the connection between service and sidecar, which no longer exists');
  const idle = manager.get('stream_idle_timeout');
  idle?.differs(draft, 'timeouts.idle', idleNote);
  return { duration: undefined, stream: duration?.duration(), idle: idle?.duration() };
}

/** The limits of a route, and those of its connection manager where it has none. */
export function completed(own: RouteLimits, manager: RouteLimits): RouteLimits {
  return { duration: own.duration, stream: manager.stream, idle: own.idle ?? manager.idle };
}

/** Envoy's default of `stream_idle_timeout`. */
const standardIdle = 300_000;

/** `timeouts.total` in milliseconds. */
export function totalOf(timeout: number | false, { duration, stream }: RouteLimits): number | false {
  if (duration !== undefined) return duration || false;
  const least = Math.min(timeout || Number.POSITIVE_INFINITY, stream || Number.POSITIVE_INFINITY);
  return least === Number.POSITIVE_INFINITY ? false : least;
}

/**
 * The option `timeouts.idle`, left out where it could never be reached. Without any limit of time Envoy's default of
 * five minutes is written.
 */
export function idleOf({ idle = standardIdle }: RouteLimits, tryIdle: number | undefined, total: number | false) {
  const least = Math.min(idle || Number.POSITIVE_INFINITY, tryIdle || Number.POSITIVE_INFINITY);
  if (least === Number.POSITIVE_INFINITY || (total !== false && least >= total)) return {};
  return { idle: spelledDuration(Math.min(longest, Math.max(1, least))) };
}

const hedgeFields = ['initial_requests', 'additional_request_chance'];

/**
 * The `hedging` section for `hedge_on_per_try_timeout`, where a policy retries at all: after `per_try_timeout` another
 * attempt is sent, and the earlier ones go on.
 */
export function readHedge(policy: Reader | undefined, retry: RetryPart, draft: Draft): Record<string, unknown> {
  policy?.structure();
  for (const name of hedgeFields) policy?.get(name)?.unused(draft, 'Envoy does not implement this field');
  const asked = policy?.get('hedge_on_per_try_timeout');
  if (asked?.boolean() !== true) {
    asked?.exact(draft, 'hedging');
    return {};
  }
  const { attempt } = retry;
  const retries = retry.retry === false ? 0 : Number(retry.retry.maxRetries);
  if (!attempt || retries === 0) {
    asked.unused(draft, 'it needs retry_on, num_retries and per_try_timeout');
    return {};
  }
  asked.differs(
    draft,
    'hedging',
    'only calls that are safe to repeat are hedged; retries after failures come in addition to the hedges, and then are hedged again',
  );
  const delay = spelledDuration(Math.min(longest, Math.max(1, attempt)));
  const maxHedges = Math.min(5, retries);
  return { hedging: { delay, maxHedges, budget: maxHedges } };
}
