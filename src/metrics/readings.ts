/** How gauges read the stats of a client. */
import type { ForcedCircuit } from '../call/events.js';
import type { PolicyStats } from '../client/stats.js';
import type { IdentityStats } from '../transport/tls/rotating-identity.js';

/** Of few values each: never a path, a query or a header. */
export type Attributes = Readonly<Record<string, string | number>>;

/** What gauges read of a value. */
export type Reading = readonly [value: number, attributes?: Attributes];

/** As many as a counter has at most, by its destinations. */
const maxReadings = 1000;

/** One number for each destination; of too many destinations the highest ones, and among equals those used last. */
function byDestination<Stats>(
  stats: Readonly<Record<string, Stats>> | undefined,
  value: (stats: Stats) => number,
): Reading[] {
  const all = Object.entries(stats ?? {}).map(([destination, each]): Reading => [value(each), { destination }]);
  if (all.length <= maxReadings) return all;
  return all
    .reverse()
    .sort(([a], [b]) => b - a)
    .slice(0, maxReadings);
}

export function running({ limits }: PolicyStats): Reading[] {
  return byDestination(limits, (each) => each.running);
}

export function pending({ limits }: PolicyStats): Reading[] {
  return byDestination(limits, (each) => each.pending);
}

export function concurrencyLimits({ adaptiveConcurrency }: PolicyStats): Reading[] {
  return byDestination(adaptiveConcurrency, ({ limit }) => limit);
}

export function rateLimited({ rateLimit }: PolicyStats): Reading[] {
  return rateLimit === undefined ? [] : [[rateLimit.waiting]];
}

/** Nothing without a budget. */
export function remainingRetries({ retry }: PolicyStats): Reading[] {
  const remaining = retry?.remaining ?? undefined;
  return remaining === undefined || !Number.isFinite(remaining) ? [] : [[remaining]];
}

const states = { closed: 0, half_open: 1, open: 2 } as const;

export function circuits({ circuitBreaker }: PolicyStats): Reading[] {
  return byDestination(circuitBreaker, ({ state }) => states[state]);
}

/** Both states, so that the one that ends is reported as 0. */
export function forced({ circuitBreaker }: PolicyStats, state: ForcedCircuit | undefined): Reading[] {
  if (circuitBreaker === undefined) return [];
  return (['open', 'closed'] as const).map((each) => [Number(each === state), { state: each }]);
}

export function connections({ wire }: PolicyStats): Reading[] {
  return Object.entries(wire.connections ?? {}).flatMap(([destination, { connected, free }]): Reading[] => [
    [connected - free, { destination, state: 'used' }],
    [free, { destination, state: 'idle' }],
  ]);
}

/** All four states, so that one without endpoints is reported as 0. */
const endpointStates = ['usable', 'ejected', 'circuit_open', 'unhealthy'] as const;

export function endpoints({ balance }: PolicyStats): Reading[] {
  if (balance === undefined) return [];
  return endpointStates.map((state) => [balance.endpoints.filter((each) => each.state === state).length, { state }]);
}

export function days(identity: IdentityStats | undefined): Reading[] {
  const { notAfter } = identity ?? {};
  return notAfter === undefined ? [] : [[daysBetween(Date.now(), Date.parse(notAfter))]];
}

export function lifetime(identity: IdentityStats | undefined): Reading[] {
  const { notBefore, notAfter } = identity ?? {};
  if (notBefore === undefined || notAfter === undefined) return [];
  return [[daysBetween(Date.parse(notBefore), Date.parse(notAfter))]];
}

function daysBetween(from: number, to: number): number {
  return (to - from) / 86_400_000;
}
