/** Leaves out for a while an endpoint that fails while others do not. */

import { z } from 'zod';
import type { EjectionReason } from '../../call/events.js';
import { type Health, healthOf } from '../../call/failure.js';
import { nothing } from '../../call/own.js';
import { callOf } from '../../call/record.js';
import { duration, rule } from '../../options/options.js';
import { definePolicy, type PolicyContext } from '../policy.js';
import type { Host } from './host.js';
import type { HostSet } from './host-set.js';
import type { Load } from './load.js';
import { placementOf } from './placement.js';

export const outlierDetectionOptions = z
  .strictObject({
    consecutiveFailures: z
      .int()
      .min(1)
      .or(z.literal(false))
      .default(5)
      .describe('Failures in a row that eject: statuses >= 500, timeouts, network failures.'),
    interval: duration({ min: 100 })
      .prefault('10s')
      .describe('How often success rates are judged, and the growth of ejections of a healthy endpoint forgotten.'),
    baseEjectionTime: duration({ min: 1 })
      .prefault('30s')
      .describe('The first ejection; grows by as much with each further one of the same endpoint.'),
    maxEjectionTime: duration({ min: 1 }).prefault('300s').describe('Longest time that an endpoint is left out.'),
    maxEjectionPercent: z
      .number()
      .min(0)
      .max(100)
      .default(10)
      .describe('Of the endpoints, at once. One may always be ejected, the last never.'),
    successRate: z
      .literal(false)
      .or(
        z.strictObject({
          stdevFactor: z.number().min(0).default(1.9).describe('Standard deviations below the mean.'),
          margin: z
            .number()
            .min(0)
            .max(100)
            .default(10)
            .describe('Points below the mean, too: without it equal endpoints would be ejected by chance.'),
          minimumHosts: z.int().min(1).default(5).describe('Endpoints with enough requests.'),
          requestVolume: z.int().min(1).default(100).describe('Requests in an interval that are enough.'),
        }),
      )
      .prefault(nothing)
      .describe('Ejects endpoints that succeed clearly less often than the others.'),
  })
  .refine(
    ({ baseEjectionTime, maxEjectionTime }) => maxEjectionTime >= baseEjectionTime,
    rule(['baseEjectionTime', 'maxEjectionTime'], ['maxEjectionTime'], 'must not be shorter than baseEjectionTime'),
  );

type OutlierOptions = z.output<typeof outlierDetectionOptions>;

/** What is counted of one endpoint. */
class Tally {
  consecutiveFailures = 0;
  /** In this interval. */
  successes = 0;
  failures = 0;
  /** How much longer than the first the next ejection is. */
  multiplier = 0;
  ejectedInInterval = false;

  get total(): number {
    return this.successes + this.failures;
  }
}

/** Standard errors that a rate is behind the mean before it is more than bad luck: with many endpoints, some are unlucky. */
const chances = 6;

interface JudgeState {
  /** By what an endpoint keeps when its weight changes. */
  readonly tallies: WeakMap<Load, Tally>;
  readonly counts: { ejections: number; refused: number };
}

/** Hears what became of attempts, and ejects. Works on the clock of the calls: it needs no timer. */
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

  hear(host: Host, set: HostSet, health: Health): void {
    if (health === 'nothing') return;
    const now = performance.now();
    const tally = this.#tallyOf(host);
    if (health === 'success') {
      tally.successes++;
      tally.consecutiveFailures = 0;
    } else {
      tally.failures++;
      // Those already under way at an ejection say nothing new.
      const limit = this.#options.consecutiveFailures;
      if (host.ejectedUntil <= now && ++tally.consecutiveFailures >= (limit || Number.POSITIVE_INFINITY))
        this.#eject(host, set, now, 'consecutive_failures');
    }
    if (now - this.#judgedAt >= this.#options.interval) this.#judge(set, now);
  }

  #tallyOf(host: Host): Tally {
    const tally = this.state.tallies.get(host.load) ?? new Tally();
    this.state.tallies.set(host.load, tally);
    return tally;
  }

  /** The end of an interval. */
  #judge(set: HostSet, now: number): void {
    this.#judgedAt = now;
    const inUse = set.hosts.filter((host) => host.ejectedUntil <= now);
    for (const host of this.#belowOthers(inUse)) this.#eject(host, set, now, 'success_rate');
    for (const host of set.hosts) {
      const tally = this.#tallyOf(host);
      if (host.ejectedUntil <= now && !tally.ejectedInInterval && tally.multiplier > 0) tally.multiplier--;
      tally.ejectedInInterval = false;
      tally.successes = 0;
      tally.failures = 0;
    }
  }

  /** Those whose success rate is an outlier among the ones with enough requests. */
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

  /** In percent. */
  #rateOf(host: Host): number {
    const tally = this.#tallyOf(host);
    return (100 * tally.successes) / tally.total;
  }

  #eject(host: Host, set: HostSet, now: number, reason: EjectionReason): void {
    const tally = this.#tallyOf(host);
    tally.consecutiveFailures = 0;
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

  /** At least one, never the last, else no more than the percentage. */
  #mayEject({ hosts }: HostSet, now: number): boolean {
    const ejected = hosts.filter(({ ejectedUntil }) => ejectedUntil > now).length;
    if (ejected + 1 >= hosts.length) return false;
    return ejected === 0 || (ejected + 1) * 100 <= hosts.length * this.#options.maxEjectionPercent;
  }
}

/**
 * Ejects endpoints that fail: after a row of failures at once, for a low success rate at the end of each interval. Only
 * what an endpoint itself did counts: cancellations and rejections in this process count as nothing. As Envoy's outlier
 * detection, with a margin that the success rate has to stay behind the others.
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
            judge.hear(host, set, healthOf(error, call.attempts > sent));
            throw error;
          }
        },
      stats: () => ({ ...judge.state.counts }),
      state: judge.state,
    };
  },
);
