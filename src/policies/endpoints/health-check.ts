/** Asks each endpoint from time to time whether it is well, and keeps calls from those that are not. */
import { AxiosHeaders, CanceledError } from 'axios';
import { z } from 'zod';
import { responseOf } from '../../call/body.js';
import type { Request, Transport } from '../../call/message.js';
import { Call, callOf, requestOf } from '../../call/record.js';
import { bounded, Scope } from '../../call/scope.js';
import { duration } from '../../options/options.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import type { Host } from './host.js';
import type { HostSet } from './host-set.js';
import type { Load } from './load.js';
import { placed, placementOf } from './placement.js';

export const healthCheckOptions = z.strictObject({
  path: z.string().regex(/^\//, { error: 'must begin with /' }).describe('Asked with GET.'),
  interval: duration({ min: 100 }).prefault('10s').describe('How often each endpoint is asked.'),
  timeout: duration({ min: 1 }).prefault('1s').describe('How long an answer may take.'),
  unhealthyThreshold: z.int().min(1).default(3).describe('Failures in a row after which it gets no calls.'),
  healthyThreshold: z.int().min(1).default(2).describe('Successes in a row after which it gets calls again.'),
  expectedStatuses: z.array(z.int().min(100).max(599)).min(1).default([200]).describe('What a well endpoint answers.'),
});

type HealthCheckOptions = z.output<typeof healthCheckOptions>;

/** Bytes of an answer that are read. */
const longestAnswer = 64 * 1024;

/**
 * From the first call on asks each endpoint every `interval` whether it is well. An endpoint counts as well until its
 * checks have failed `unhealthyThreshold` times. Checks go past circuits, limits and retries, with no header of the client.
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
    stats: () => ({ ...checker.counts }),
    close: () => checker.stop(),
  };
});

class Checker {
  readonly counts = { checks: 0, failures: 0 };
  readonly #options: HealthCheckOptions;
  readonly #context: PolicyContext;
  /** How often in a row each endpoint has answered otherwise than its state says. */
  readonly #contrary = new WeakMap<Load, number>();
  #set: HostSet | undefined;
  #origin = '';
  #wire: Transport | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Ends the checks under way. */
  readonly #scope = new Scope();

  constructor(options: HealthCheckOptions, context: PolicyContext) {
    this.#options = options;
    this.#context = context;
  }

  /** The latest call knows the endpoints and the wire; the first one starts the rounds. */
  watch(set: HostSet, origin: string, wire: Transport): void {
    this.#wire = wire;
    this.#origin = origin;
    const first = this.#set === undefined && !this.#scope.aborted;
    this.#set = set;
    if (first) void this.#round();
  }

  /** Nobody looks after them any more: they count as well. */
  stop(): void {
    this.#scope.abort(new CanceledError('The endpoints are no longer checked.'));
    clearTimeout(this.#timer);
    for (const host of this.#set?.hosts ?? []) if (host.unhealthyBy === this) host.unhealthyBy = undefined;
    this.#set?.touch();
  }

  /** Its timer keeps no process alive; a tenth of jitter keeps a fleet from asking in step. */
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
