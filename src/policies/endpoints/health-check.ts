/** Checks the health of each endpoint periodically, and sends no calls to unhealthy ones. */
import { AxiosHeaders, CanceledError } from 'axios';
import { z } from 'zod';
import { responseOf } from '../../call/body.js';
import type { Request, Transport } from '../../call/message.js';
import { Call } from '../../call/record.js';
import { callOf, requestOf } from '../../call/request.js';
import { Scope } from '../../call/scope.js';
import { bounded } from '../../call/time-limit.js';
import { duration } from '../../options/duration.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import type { Host } from './host.js';
import type { HostSet } from './host-set.js';
import type { Load } from './load.js';
import { placed, placementOf } from './placement.js';

export const healthCheckOptions = z.strictObject({
  path: z
    .string()
    .regex(/^\//, { error: 'must begin with /' })
    .describe('Path that is requested with GET from each endpoint, such as `/healthz`.'),
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
});

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
    const well = await this.#ask(host);
    if (this.#scope.aborted) return;
    this.counts.checks++;
    if (!well) this.counts.failures++;
    if (well === (host.unhealthyBy === undefined)) {
      this.#contrary.delete(host.load);
      return;
    }
    const contrary = (this.#contrary.get(host.load) ?? 0) + 1;
    const { healthyThreshold, unhealthyThreshold } = this.#options;
    if (contrary < (well ? healthyThreshold : unhealthyThreshold)) {
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

  async #ask(host: Host): Promise<boolean> {
    const { path, timeout, expectedStatuses } = this.#options;
    if (this.#wire === undefined || this.#set === undefined) return true;
    const request = placed(checkOf(this.#origin + path, this.#scope), { host, set: this.#set });
    const limit = { ms: timeout, until: 'body' as const, expired: () => new Error('The health check timed out.') };
    try {
      const response = await bounded(this.#wire, request, limit);
      return expectedStatuses.includes(response.status);
    } catch (error) {
      return expectedStatuses.includes(responseOf(error)?.status ?? 0);
    }
  }
}

function checkOf(url: string, signal: Scope): Request {
  const request = { url, method: 'get', headers: new AxiosHeaders(), responseType: 'text', signal } as Request;
  const own = { validateStatus: null, maxContentLength: longestAnswer, maxRedirects: 0, proxy: false } as const;
  return requestOf(request, own, new Call(request));
}

export interface HealthCheckStats {
  readonly checks: number;
  readonly failures: number;
}
