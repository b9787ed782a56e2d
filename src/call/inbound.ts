/**
 * The context of the inbound request that is being served: its id, baggage and deadline, which outgoing calls carry on.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';
import { processWide } from './process-wide.js';

/** The values that an inbound request passes on to the calls made while it is served. */
export interface Inbound {
  /** Sent as `tracing.requestIdHeader` with every call that sets none of its own. */
  requestId?: string | undefined;
  /** A W3C `baggage` header, sent where neither the caller nor a propagator of OpenTelemetry writes one and `tracing.propagation` is on. */
  baggage?: string | undefined;
  /**
   * Milliseconds left to answer: a number or, as in a header, a string of digits. Any other value means no deadline.
   */
  deadline?: number | string | undefined;
}

/** The headers of an inbound request that are read. */
export interface InboundOptions {
  /** Header with the request's id; `x-request-id` by default. */
  requestIdHeader?: string;
  /** Header with the milliseconds left to answer; `x-request-timeout-ms` by default, as `deadlineHeader` sends it. */
  deadlineHeader?: string;
}

interface Standing {
  readonly endsAt: number;
  readonly requestId: string | undefined;
  readonly baggage: string | undefined;
}

const storage = processWide('inbound context', () => new AsyncLocalStorage<Standing>());

/**
 * Runs `work` for an inbound request: every call of every client made in it, however deep, carries the request's id and
 * baggage and ends by its deadline with `ERR_DEADLINE`. In a nested run the earlier deadline holds, and values that are
 * not given are inherited.
 */
export function runWithInbound<T>({ requestId, baggage, deadline }: Inbound, work: () => T): T {
  const outer = storage.getStore();
  const standing = {
    endsAt: Math.min(endOf(deadline), outer?.endsAt ?? Number.POSITIVE_INFINITY),
    requestId: requestId ?? outer?.requestId,
    baggage: baggage ?? outer?.baggage,
  };
  return storage.run(standing, work);
}

/**
 * Runs `work` under a deadline `ms` milliseconds from now: every call of every client made in it, however deep, ends by
 * then with `ERR_DEADLINE`. Takes a number or, as in a header, a string of digits; any other value means no deadline.
 * In a nested run the earlier deadline holds.
 */
export function runWithDeadline<T>(ms: number | string | undefined, work: () => T): T {
  return runWithInbound({ deadline: ms }, work);
}

/**
 * Reads the headers of an inbound request as Node gives them: `runWithInbound(inboundOf(request.headers), work)`. An id
 * is dropped if it has more than 200 characters or any other than visible ASCII; a baggage is dropped above 8,192
 * characters (the W3C's limit).
 */
export function inboundOf(headers: IncomingHttpHeaders, options: InboundOptions = {}): Inbound {
  const { requestIdHeader = 'x-request-id', deadlineHeader = 'x-request-timeout-ms' } = options;
  const text = (name: string, form: RegExp) => {
    const value = headers[name.toLowerCase()];
    return typeof value === 'string' && form.test(value) ? value : undefined;
  };
  return {
    requestId: text(requestIdHeader, /^[\x21-\x7e]{1,200}$/),
    baggage: text('baggage', /^[\x20-\x7e]{1,8192}$/),
    deadline: text(deadlineHeader, /^\s*\d{1,9}\s*$/),
  };
}

/** The id and baggage of the request that is being served; undefined outside of any request. */
export function inbound(): Pick<Standing, 'requestId' | 'baggage'> | undefined {
  return storage.getStore();
}

/** Milliseconds left to answer the request that is being served; undefined where there is no deadline. */
export function inboundRemaining(): number | undefined {
  const endsAt = storage.getStore()?.endsAt ?? Number.POSITIVE_INFINITY;
  return endsAt === Number.POSITIVE_INFINITY ? undefined : endsAt - performance.now();
}

function endOf(deadline: Inbound['deadline']): number {
  const left = typeof deadline === 'string' && /^\d+$/.test(deadline.trim()) ? Number(deadline) : deadline;
  return typeof left === 'number' && left >= 0 ? performance.now() + left : Number.POSITIVE_INFINITY;
}
