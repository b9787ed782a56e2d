/** Checks the health of each endpoint periodically, and sends no calls to unhealthy ones. */
import { AxiosHeaders, CanceledError } from 'axios';
import { z } from 'zod';
import { responseOf } from '../../call/body.js';
import type { Request, Transport } from '../../call/message.js';
import { Call, type Endpoint } from '../../call/record.js';
import { atEndpoint, callOf, requestOf } from '../../call/request.js';
import { Scope } from '../../call/scope.js';
import { bounded, type TimeLimit } from '../../call/time-limit.js';
import { duration } from '../../options/duration.js';
import { headerName } from '../../options/header.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import type { Host } from './host.js';
import type { HostSet } from './host-set.js';
import type { Load } from './load.js';
import { placementOf } from './placement.js';

export const healthCheckOptions = z.lazy(() =>
  z.strictObject({
    path: z
      .string()
      .regex(/^\//, { error: 'must begin with /' })
      .describe('Path that is requested from each endpoint, such as `/healthz`.'),
    method: z
      .enum(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'])
      .default('GET')
      .describe('Method of the request, which has no body. Default GET.'),
    headers: z
      .record(headerName, z.string())
      .optional()
      .describe(
        "Headers of the request; the client's own are not sent. Default: none. Set `host` for a server that answers checks under another name.",
      ),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe(
        'Port that is asked. Default: that of the endpoint; set it for a server that answers checks elsewhere.',
      ),
    interval: duration({ min: 100 })
      .prefault('10s')
      .describe(
        'Time between two checks of an endpoint. Default 10s, less up to 10 % of jitter. Shorten it to notice failures sooner, at the cost of more requests.',
      ),
    timeout: duration({ min: 1 })
      .prefault('1s')
      .describe(
        'Time limit of one check, body included; a slower response counts as a failure. Default 1s. Raise it for a slow health endpoint.',
      ),
    unhealthyThreshold: z
      .int()
      .min(1)
      .default(3)
      .describe(
        'Consecutive failed checks after which an endpoint is unhealthy and gets no calls. Default 3. Raise it if single checks fail by chance.',
      ),
    healthyThreshold: z
      .int()
      .min(1)
      .default(2)
      .describe('Consecutive successful checks after which an unhealthy endpoint gets calls again. Default 2.'),
    expectedStatuses: z
      .array(z.int().min(100).max(599))
      .min(1)
      .default([200])
      .describe('Statuses of a healthy endpoint. Default [200]; any other status counts as a failed check.'),
    retriableStatuses: z
      .literal('all')
      .or(z.array(z.int().min(100).max(599)))
      .default('all')
      .describe(
        'Unexpected statuses that count as one failed check of `unhealthyThreshold`; after any other the endpoint is unhealthy at once. Default `all`. Set it to [] for a server that says by a status that it is going down.',
      ),
    endsEjection: z
      .boolean()
      .default(false)
      .describe(
        'Whether a successful check returns an endpoint to use that `outlierDetection` has ejected. Default: false; set it if the check shows everything that calls need.',
      ),
  }),
);

type HealthCheckOptions = z.output<typeof healthCheckOptions>;

/** Most bytes of a check's response that are read. */
const longestAnswer = 64 * 1024;

/**
 * Checks each endpoint every `interval`, beginning with the first call. An endpoint counts as healthy until
 * `unhealthyThreshold` consecutive checks have failed. Checks bypass circuits, limits and retries, and send none of the
 * client's headers.
 */
export const healthCheck = definePolicy('healthCheck', healthCheckOptions, (options, context) => {
  const checker = new Checker(options, context);
  return {
    wrap: (next, wire) =>
      function healthCheck(request) {
        const placement = placementOf(request);
        if (placement !== undefined) checker.watch(placement.set, callOf(request).origin, wire);
        return next(request);
      },
    stats: (): HealthCheckStats => ({ ...checker.counts }),
    close: () => checker.stop(),
  };
});

class Checker {
  readonly counts = { checks: 0, failures: 0 };
  readonly #options: HealthCheckOptions;
  readonly #context: PolicyContext;
  /** Consecutive checks of each endpoint that contradict its current state. */
  readonly #contrary = new WeakMap<Load, number>();
  #set: HostSet | undefined;
  #origin = '';
  #wire: Transport | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Aborts the checks in flight. */
  readonly #scope = new Scope();

  constructor(options: HealthCheckOptions, context: PolicyContext) {
    this.#options = options;
    this.#context = context;
  }

  /** Takes the endpoints and the wire from the latest call; the first call starts the rounds. */
  watch(set: HostSet, origin: string, wire: Transport): void {
    this.#wire = wire;
    this.#origin = origin;
    const first = this.#set === undefined && !this.#scope.aborted;
    this.#set = set;
    if (first) void this.#round();
  }

  /** Stops the checks; endpoints that this checker marked unhealthy count as healthy again. */
  stop(): void {
    this.#scope.abort(new CanceledError('The endpoints are no longer checked.'));
    clearTimeout(this.#timer);
    for (const host of this.#set?.hosts ?? []) if (host.unhealthyBy === this) host.unhealthyBy = undefined;
    this.#set?.touch();
  }

  /**
   * Checks all endpoints, then schedules the next round. The timer is unref'd, and 10 % of jitter keeps a fleet out of
   * step.
   */
  async #round(): Promise<void> {
    await Promise.all((this.#set?.hosts ?? []).map((host) => this.#check(host)));
    if (this.#scope.aborted) return;
    const pause = this.#options.interval * (1 - 0.1 * this.#context.random());
    this.#timer = setTimeout(() => void this.#round(), pause).unref();
  }

  async #check(host: Host): Promise<void> {
    const status = await this.#ask(host);
    if (this.#scope.aborted) return;
    const { healthyThreshold, unhealthyThreshold, expectedStatuses, retriableStatuses, endsEjection } = this.#options;
    const well = expectedStatuses.includes(status);
    this.counts.checks++;
    if (!well) this.counts.failures++;
    else if (endsEjection && host.ejectedUntil > 0) {
      host.ejectedUntil = Math.min(host.ejectedUntil, performance.now());
      this.#set?.touch();
    }
    if (well === (host.unhealthyBy === undefined)) {
      this.#contrary.delete(host.load);
      return;
    }
    const contrary = (this.#contrary.get(host.load) ?? 0) + 1;
    const isFinal = status !== 0 && retriableStatuses !== 'all' && !retriableStatuses.includes(status);
    if (contrary < (well ? healthyThreshold : isFinal ? 1 : unhealthyThreshold)) {
      this.#contrary.set(host.load, contrary);
      return;
    }
    this.#contrary.delete(host.load);
    host.unhealthyBy = well ? undefined : this;
    if (well) host.since = performance.now();
    this.#set?.touch();
    const { client, events } = this.#context;
    events.emit('endpoint.health_changed', { client, endpoint: host.address, healthy: well });
  }

  /** The status of the answer; 0 where there was none. */
  async #ask(host: Host): Promise<number> {
    const { timeout, port } = this.#options;
    const [expected = 0] = this.#options.expectedStatuses;
    if (this.#wire === undefined) return expected;
    const request = atEndpoint(
      checkOf(this.#origin, this.#options, this.#scope),
      port === undefined ? host : atPort(host, port),
    );
    const limit: TimeLimit = { until: 'body', expired: () => new Error('The health check timed out.') };
    try {
      const response = await bounded(this.#wire, request, timeout, limit);
      return response.status;
    } catch (error) {
      return responseOf(error)?.status ?? 0;
    }
  }
}

function checkOf(origin: string, { path, method, headers }: HealthCheckOptions, signal: Scope): Request {
  const own = { url: origin + path, method: method.toLowerCase(), headers: new AxiosHeaders(headers) };
  const request = { ...own, responseType: 'text', signal } as Request;
  const limits = { validateStatus: null, maxContentLength: longestAnswer, maxRedirects: 0, proxy: false } as const;
  return Object.assign(requestOf(request, new Call(request)), limits);
}

function atPort({ host, serverName }: Host, port: number): Endpoint {
  return { address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`, host, port, serverName };
}

export interface HealthCheckStats {
  readonly checks: number;
  readonly failures: number;
}
