/** The record of one call: what the policies tell each other and the log line about it. */
import type { Request } from './policy.js';
import { resolveUrl } from './url.js';

/** What happened on the way of a call, for its log line. */
export type CallFlag = 'retried' | 'retry_refused' | 'circuit_open' | 'limited' | 'timeout' | 'deadline' | 'cancelled';

/** One call through the client, however many attempts it takes. */
export class Call {
  readonly client: string;
  readonly method: string;
  /** Full URL, query values included: redact before showing. */
  readonly href: string;
  /** Scheme, host and port of the destination. */
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  /** The call's `routeName`: its low-cardinality label. */
  readonly routeName: string | undefined;
  /** Monotonic time of the start, as `performance.now()`. */
  readonly startedAt: number = performance.now();
  /** Monotonic time by which the call will have ended. */
  endsAt = Number.POSITIVE_INFINITY;
  /** How often the wire was called so far. */
  attempts = 0;
  /** The `x-request-id` sent, the same on every attempt. */
  requestId: string | undefined;
  traceId: string | undefined;
  spanId: string | undefined;
  /** Bytes of the response body as they came over the wire, where known. */
  responseSize: number | undefined;
  readonly flags: CallFlag[] = [];

  constructor(request: Request, client = 'pillion', url: URL = resolveUrl(request)) {
    this.client = client;
    this.method = (request.method ?? 'get').toUpperCase();
    this.href = url.href;
    this.origin = url.origin;
    this.path = url.pathname + url.search;
    this.routeName = request.routeName;
  }

  /** Notes that something happened; once is enough. */
  flag(flag: CallFlag): void {
    if (!this.flags.includes(flag)) this.flags.push(flag);
  }

  /** Milliseconds since the call began. */
  elapsed(): number {
    return performance.now() - this.startedAt;
  }

  /** Milliseconds left until the deadline; `Infinity` without one. */
  remaining(): number {
    return this.endsAt - performance.now();
  }
}

const CALL = Symbol('pillion.call');
type Carrying = Request & { [CALL]?: Call };

/** The call a request belongs to; one made on the spot for a policy that works alone. */
export function callOf(request: Request): Call {
  return (request as Carrying)[CALL] ?? new Call(request);
}

/** The request with a call on it, so that everything further down sees the same one. */
export function withCall(request: Request, call?: Call): Request {
  if ((request as Carrying)[CALL] !== undefined && call === undefined) return request;
  return { ...request, [CALL]: call ?? new Call(request) } as Request;
}
