/** How gauges read the stats of policies, whose shape is each policy's own. */
import type { IdentityStats } from '../transport/tls/identity.js';

/** Of few values each: never a path, a query or a header. */
export type Attributes = Readonly<Record<string, string | number>>;

/** What gauges read of a value. */
export type Reading = readonly [value: number, attributes?: Attributes];

type Loose = Readonly<Record<string, unknown>>;

/** Entries of an object; none where there is no such policy. */
function entries(stats: unknown): [string, Loose][] {
  return typeof stats === 'object' && stats !== null ? (Object.entries(stats) as [string, Loose][]) : [];
}

/** A number of a policy. */
export function number(stats: unknown, name: string): Reading[] {
  const value = (stats as Loose | undefined)?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? [[value]] : [];
}

/** A number for each destination. */
export function destinations(stats: unknown, name: string): Reading[] {
  return entries(stats).flatMap(([destination, told]) =>
    number(told, name).map(([value]): Reading => [value, { destination }]),
  );
}

/** Without a budget there is nothing to tell. */
export function remaining(stats: unknown): Reading[] {
  return number(stats, 'remaining');
}

const states: Readonly<Record<string, number>> = { closed: 0, half_open: 1, open: 2 };

export function circuits(stats: unknown): Reading[] {
  return entries(stats).map(([destination, { state }]) => [states[String(state)] ?? 0, { destination }]);
}

export function connections(wire: unknown): Reading[] {
  return entries((wire as Loose | undefined)?.connections).flatMap(([destination, { connected, free }]): Reading[] => [
    [Number(connected) - Number(free), { destination, state: 'used' }],
    [Number(free), { destination, state: 'idle' }],
  ]);
}

export function endpoints(balance: unknown): Reading[] {
  const list = (balance as { endpoints?: readonly { state: string }[] } | undefined)?.endpoints;
  if (list === undefined) return [];
  // All four, so that a state that has emptied is told as 0.
  return ['usable', 'ejected', 'circuit_open', 'unhealthy'].map((state) => [
    list.filter((each) => each.state === state).length,
    { state },
  ]);
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
