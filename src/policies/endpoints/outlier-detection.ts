/** Ejects an endpoint for a while when it fails more than the others. */

import { z } from 'zod';
import { responseOf } from '../../call/body.js';
import type { EjectionReason } from '../../call/events.js';
import { type HealthVerdict, healthOf } from '../../call/failure.js';
import { nothing } from '../../call/own.js';
import { callOf } from '../../call/request.js';
import { duration } from '../../options/duration.js';
import { rule } from '../../options/options.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import type { Host } from './host.js';
import type { HostSet } from './host-set.js';
import type { Load } from './load.js';
import { placementOf } from './placement.js';

export const outlierDetectionOptions = z.lazy(() =>
  z
    .strictObject({
      consecutiveFailures: z
        .int()
        .min(1)
        .or(z.literal(false))
        .default(5)
        .describe(
          'Consecutive failures after which an endpoint is ejected: statuses >= 500, timeouts and network failures. Default 5; `false`: never for this reason. Raise it for endpoints with much traffic and occasional failures.',
        ),
      consecutiveGatewayFailures: z
        .int()
        .min(1)
        .or(z.literal(false))
        .default(false)
        .describe(
          'Consecutive failures of a gateway after which an endpoint is ejected: statuses 502, 503 and 504, timeouts and network failures, but not another status >= 500. Default `false`: never for this reason. Set it, with `consecutiveFailures: false`, for endpoints whose 500s are answers like any other.',
        ),
      interval: duration({ min: 100 })
        .prefault('10s')
        .describe(
          'Time between two evaluations of the success rates; each one also shortens the next ejection of an endpoint that was not ejected since. Default 10s. Raise it for endpoints with little traffic.',
        ),
      baseEjectionTime: duration({ min: 1 })
        .prefault('30s')
        .describe(
          'Length of the first ejection of an endpoint; each further one is longer by the same amount, up to `maxEjectionTime`. Default 30s.',
        ),
      maxEjectionTime: duration({ min: 1 })
        .prefault('300s')
        .describe(
          'Upper bound of the length of an ejection. Default 300s; must not be shorter than `baseEjectionTime`.',
        ),
      maxEjectionPercent: z
        .number()
        .min(0)
        .max(100)
        .default(10)
        .describe(
          'Most endpoints that are ejected at once, in percent of all. Default 10. One of several may be ejected whatever the percentage, but never the last. Raise it for a client with few endpoints.',
        ),
      alwaysEjectOneHost: z
        .boolean()
        .default(true)
        .describe(
          'Whether one of several endpoints may be ejected whatever `maxEjectionPercent` is. Default: true; false keeps to the percentage, so that with 10 % and less than ten endpoints none is ejected.',
        ),
      successRate: z
        .literal(false)
        .or(
          z.strictObject({
            stdevFactor: z
              .number()
              .min(0)
              .default(1.9)
              .describe(
                'Standard deviations by which a success rate must be below the mean of all endpoints. Default 1.9. Raise it to eject fewer endpoints.',
              ),
            margin: z
              .number()
              .min(0)
              .max(100)
              .default(10)
              .describe(
                'Percentage points by which a success rate must be below the mean in any case. Default 10; without it equally good endpoints would be ejected by chance.',
              ),
            minimumHosts: z
              .int()
              .min(1)
              .default(5)
              .describe(
                'Endpoints with at least `requestVolume` requests in an interval that are needed to compare success rates. Default 5.',
              ),
            requestVolume: z
              .int()
              .min(1)
              .default(100)
              .describe(
                'Requests that an endpoint must get in an interval for its success rate to count. Default 100. Lower it for a client with little traffic.',
              ),
          }),
        )
        .prefault(nothing)
        .describe(
          'Ejects endpoints whose success rate in an interval is clearly below that of the others. On by default; `false`: only `consecutiveFailures` eject.',
        ),
      failurePercentage: z
        .strictObject({
          threshold: z
            .number()
            .min(0)
            .max(100)
            .default(85)
            .describe('Percentage of failures in an interval from which an endpoint is ejected. Default 85.'),
          minimumHosts: z
            .int()
            .min(0)
            .default(5)
            .describe(
              'Endpoints with at least `requestVolume` requests in an interval that are needed to eject one. Default 5.',
            ),
          requestVolume: z
            .int()
            .min(1)
            .default(50)
            .describe('Requests that an endpoint must get in an interval for its failures to count. Default 50.'),
        })
        .optional()
        .describe(
          'Ejects endpoints by their share of failures in an interval, whatever that of the others is. Off by default. Set it where all endpoints may fail together, or are too few to be compared.',
        ),
    })
    .refine(
      ({ baseEjectionTime, maxEjectionTime }) => maxEjectionTime >= baseEjectionTime,
      rule(['baseEjectionTime', 'maxEjectionTime'], ['maxEjectionTime'], 'must not be shorter than baseEjectionTime'),
    ),
);

type OutlierOptions = z.output<typeof outlierDetectionOptions>;

/** The counters of one endpoint. */
class Tally {
  consecutiveFailures = 0;
  consecutiveGatewayFailures = 0;
  /** Successes in the current interval; `failures` likewise. */
  successes = 0;
  failures = 0;
  /** Number of past ejections that lengthen the next one, which lasts `multiplier` + 1 times `baseEjectionTime`. */
  multiplier = 0;
  ejectedInInterval = false;

  get total(): number {
    return this.successes + this.failures;
  }
}

/** Standard errors that a rate must be below the mean: among many endpoints some are below it by chance. */
const chances = 6;

interface JudgeState {
  /** Keyed by `Load`, because an endpoint keeps that object when its weight changes. */
  readonly tallies: WeakMap<Load, Tally>;
  readonly counts: { ejections: number; refused: number };
}

/**
 * Receives the outcomes of attempts and ejects endpoints. It evaluates an interval when an outcome arrives, so it needs
 * no timer.
 */
class Judge {
  readonly #options: OutlierOptions;
  readonly #context: PolicyContext;
  #judgedAt = performance.now();
  readonly state: JudgeState;

  constructor(options: OutlierOptions, context: PolicyContext, state: JudgeState | undefined) {
    this.#options = options;
    this.#context = context;
    this.state = state ?? { tallies: new WeakMap(), counts: { ejections: 0, refused: 0 } };
  }

  /** `status` is that of the answer, where there was one. */
  hear(host: Host, set: HostSet, health: HealthVerdict, status?: number): void {
    if (health === 'nothing') return;
    const now = performance.now();
    const tally = this.#tallyOf(host);
    if (health === 'success') {
      tally.successes++;
      tally.consecutiveFailures = 0;
      tally.consecutiveGatewayFailures = 0;
    } else {
      tally.failures++;
      // Attempts that were in flight when the endpoint was ejected must not eject it again.
      if (host.ejectedUntil <= now) this.#count(host, set, tally, now, status);
    }
    if (now - this.#judgedAt >= this.#options.interval) this.#judge(set, now);
  }

  #count(host: Host, set: HostSet, tally: Tally, now: number, status: number | undefined): void {
    const { consecutiveFailures, consecutiveGatewayFailures } = this.#options;
    const ofGateway = status === undefined || (status >= 502 && status <= 504);
    tally.consecutiveFailures++;
    tally.consecutiveGatewayFailures = ofGateway ? tally.consecutiveGatewayFailures + 1 : 0;
    if (consecutiveFailures !== false && tally.consecutiveFailures >= consecutiveFailures)
      this.#eject(host, set, now, 'consecutive_failures');
    else if (consecutiveGatewayFailures !== false && tally.consecutiveGatewayFailures >= consecutiveGatewayFailures)
      this.#eject(host, set, now, 'consecutive_gateway_failures');
  }

  #tallyOf(host: Host): Tally {
    const known = this.state.tallies.get(host.load);
    if (known !== undefined) return known;
    const tally = new Tally();
    this.state.tallies.set(host.load, tally);
    return tally;
  }

  /** Evaluates the interval that has ended, and resets its counters. */
  #judge(set: HostSet, now: number): void {
    this.#judgedAt = now;
    const inUse = set.hosts.filter((host) => host.ejectedUntil <= now);
    for (const host of this.#belowOthers(inUse)) this.#eject(host, set, now, 'success_rate');
    for (const host of this.#failing(inUse))
      if (host.ejectedUntil <= now) this.#eject(host, set, now, 'failure_percentage');
    for (const host of set.hosts) {
      const tally = this.#tallyOf(host);
      if (host.ejectedUntil <= now && !tally.ejectedInInterval && tally.multiplier > 0) tally.multiplier--;
      tally.ejectedInInterval = false;
      tally.successes = 0;
      tally.failures = 0;
    }
  }

  /** The endpoints whose success rate is an outlier among those with enough requests. */
  #belowOthers(hosts: readonly Host[]): Host[] {
    const { successRate } = this.#options;
    if (successRate === false) return [];
    const busy = hosts.filter((host) => this.#tallyOf(host).total >= successRate.requestVolume);
    if (busy.length < successRate.minimumHosts) return [];
    const rates = busy.map((host) => this.#rateOf(host));
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
    const behind = Math.max(successRate.stdevFactor * Math.sqrt(variance), successRate.margin);
    return busy.filter((host) => {
      const chance = chances * Math.sqrt((mean * (100 - mean)) / this.#tallyOf(host).total);
      return this.#rateOf(host) < mean - Math.max(behind, chance);
    });
  }

  /** The endpoints with enough requests that failed too many of them. */
  #failing(hosts: readonly Host[]): Host[] {
    const { failurePercentage } = this.#options;
    if (failurePercentage === undefined) return [];
    const busy = hosts.filter((host) => this.#tallyOf(host).total >= failurePercentage.requestVolume);
    if (busy.length < failurePercentage.minimumHosts) return [];
    return busy.filter((host) => 100 - this.#rateOf(host) >= failurePercentage.threshold);
  }

  /** Success rate in percent. */
  #rateOf(host: Host): number {
    const tally = this.#tallyOf(host);
    return (100 * tally.successes) / tally.total;
  }

  #eject(host: Host, set: HostSet, now: number, reason: EjectionReason): void {
    const tally = this.#tallyOf(host);
    tally.consecutiveFailures = 0;
    tally.consecutiveGatewayFailures = 0;
    if (!this.#mayEject(set, now)) {
      this.state.counts.refused++;
      return;
    }
    const { baseEjectionTime, maxEjectionTime } = this.#options;
    if (tally.multiplier * baseEjectionTime < maxEjectionTime) tally.multiplier++;
    tally.ejectedInInterval = true;
    const forMs = Math.min(maxEjectionTime, baseEjectionTime * tally.multiplier);
    host.ejectedUntil = now + forMs;
    this.state.counts.ejections++;
    set.touch();
    const { client, events } = this.#context;
    events.emit('endpoint.ejected', { client, endpoint: host.address, reason, forMs });
  }

  /** The last endpoint is never ejected, one of several always by default, others up to `maxEjectionPercent`. */
  #mayEject({ hosts }: HostSet, now: number): boolean {
    const { maxEjectionPercent, alwaysEjectOneHost } = this.#options;
    const ejected = hosts.filter(({ ejectedUntil }) => ejectedUntil > now).length;
    if (ejected + 1 >= hosts.length) return false;
    return (alwaysEjectOneHost && ejected === 0) || (ejected + 1) * 100 <= hosts.length * maxEjectionPercent;
  }
}

/**
 * Ejects endpoints that fail: at once after a number of consecutive failures, and at the end of each interval for a low
 * success rate. Only failures of the endpoint itself count, not cancellations or rejections in this process. Like
 * Envoy's outlier detection, with an additional margin below the mean success rate.
 */
export const outlierDetection = definePolicy<typeof outlierDetectionOptions, JudgeState>(
  'outlierDetection',
  outlierDetectionOptions,
  (options, context, before) => {
    const judge = new Judge(options, context, before);
    return {
      wrap: (next) =>
        async function outlierDetection(request) {
          const placement = placementOf(request);
          if (placement === undefined) return next(request);
          const { host, set } = placement;
          const call = callOf(request);
          const sent = call.attempts;
          try {
            const response = await next(request);
            judge.hear(host, set, 'success');
            return response;
          } catch (error) {
            judge.hear(host, set, healthOf(error, call.attempts > sent), responseOf(error)?.status);
            throw error;
          }
        },
      stats: (): OutlierStats => ({ ...judge.state.counts }),
      state: judge.state,
    };
  },
);

export interface OutlierStats {
  readonly ejections: number;
  /** Ejections that `maxEjectionPercent` did not allow. */
  readonly refused: number;
}
