/** The figures of a client that the page shows, from its stats. */
import { configOf } from '../client/client.js';
import type { ClientHandle } from '../client/http-client.js';
import type { HttpClientStats, PolicyStats } from '../client/stats.js';
import type { CircuitStats } from '../policies/circuit.js';
import type { EndpointStats } from '../policies/endpoints/host-set.js';

/** One address that is called. */
export interface DestinationFigures {
  readonly address: string;
  /** `closed`, `open` or `half_open`; null without a circuit. */
  readonly circuit: CircuitStats['state'] | null;
  /** Since when the circuit is not closed, or forced; null while it is closed by itself. */
  readonly circuitSince: number | null;
  /** When an open circuit lets the next trials through; null where it is not open, or forced. */
  readonly nextTrialAt: number | null;
  /** Of an endpoint: `usable`, `ejected`, `unhealthy` or `circuit_open`; null for what is no endpoint. */
  readonly endpoint: EndpointStats['state'] | null;
  readonly running: number;
  readonly pending: number;
  /** Typical milliseconds; null where it is not measured. */
  readonly latencyMs: number | null;
  /** Since when every attempt failed; null where the last one went well, or none is known. */
  readonly failingSince: number | null;
  readonly lastSuccessAt: number | null;
}

/** A state set by `forceCircuit`, for all destinations of a client. */
export interface ForcedFigures {
  readonly state: 'open' | 'closed';
  /** Who or what forced it; null where that was not told. */
  readonly by: string | null;
  readonly since: number;
  /** When it goes back to `auto` by itself; null where no time was given. */
  readonly until: number | null;
}

/** What is known of the attempts at destinations. */
export interface Attempted {
  attemptsAt(address: string): Pick<DestinationFigures, 'failingSince' | 'lastSuccessAt'>;
  /** Destinations that were called. */
  readonly addresses: readonly string[];
}

export interface Figures {
  readonly active: number;
  readonly attempts: number;
  /** What needs a look first. */
  readonly destinations: readonly DestinationFigures[];
  /** How many more there are. */
  readonly hidden: number;
  readonly forced: ForcedFigures | null;
  /** Whether there is a circuit to force. */
  readonly breaker: boolean;
  /** Retries that are left; null without a budget. */
  readonly budget: number | null;
  readonly running: number;
  readonly pending: number;
  /** What one destination may take; null without limits. */
  readonly limits: { readonly running: number; readonly pending: number } | null;
  /** Null where the wire is injected. */
  readonly connections: { readonly used: number; readonly idle: number } | null;
  readonly certificate: {
    readonly subject: string;
    readonly notAfter: string;
    readonly daysLeft: number;
    readonly expired: boolean;
  } | null;
}

/** A client may have called a thousand; a page shows so many of them. */
const maxDestinations = 50;

export function figuresOf(client: ClientHandle, attempted: Attempted): Figures {
  const stats = client.stats();
  const { calls, attempts, identity, policies } = stats;
  const forced = forcedOf(stats);
  const destinations = destinationsOf(policies, attempted);
  const { subject = '', notAfter, daysLeft } = identity ?? {};
  return {
    active: calls.active,
    attempts,
    destinations: destinations.slice(0, maxDestinations).map(({ address, ...rest }) => ({
      ...{ address, ...rest, ...circuitTimes(policies.circuitBreaker?.[address], forced) },
    })),
    hidden: Math.max(0, destinations.length - maxDestinations),
    forced,
    breaker: client.pipeline.includes('circuitBreaker'),
    budget: policies.retry?.remaining ?? null,
    running: sum(Object.values(policies.limits ?? {}).map(({ running }) => running)),
    pending: sum(Object.values(policies.limits ?? {}).map(({ pending }) => pending)),
    limits: limitsOf(client),
    connections: connectionsOf(policies),
    certificate:
      notAfter === undefined || daysLeft === undefined
        ? null
        : { subject, notAfter, daysLeft, expired: Date.parse(notAfter) < Date.now() },
  };
}

function forcedOf(stats: HttpClientStats): ForcedFigures | null {
  const { forcedCircuit: state, forcedBy, forcedSince = '', forcedUntil } = stats;
  if (state === undefined) return null;
  const until = forcedUntil === undefined ? null : Date.parse(forcedUntil);
  return { state, by: forcedBy ?? null, since: Date.parse(forcedSince), until };
}

function circuitTimes(circuit: CircuitStats | undefined, forced: ForcedFigures | null): CircuitTimes {
  if (circuit === undefined) return { circuitSince: null, nextTrialAt: null };
  if (forced !== null) return { circuitSince: forced.since, nextTrialAt: null };
  const { openedAt, retryAfter } = circuit;
  return {
    circuitSince: openedAt === undefined ? null : Date.parse(openedAt),
    nextTrialAt: retryAfter === undefined ? null : Date.now() + retryAfter,
  };
}

type CircuitTimes = Pick<DestinationFigures, 'circuitSince' | 'nextTrialAt'>;
type Destination = Omit<DestinationFigures, keyof CircuitTimes>;

/** Endpoints, circuits and limits call a destination by the same name; `limits.per: origin` adds that of the origin. */
function destinationsOf(
  { balance, circuitBreaker = {}, limits = {} }: PolicyStats,
  attempted: Attempted,
): Destination[] {
  const endpoints = new Map((balance?.endpoints ?? []).map((endpoint) => [endpoint.address, endpoint]));
  const addresses = new Set([...endpoints.keys(), ...Object.keys(circuitBreaker), ...Object.keys(limits)]);
  // Without endpoints, circuits and limits only what was called is known.
  if (addresses.size === 0) for (const address of attempted.addresses) addresses.add(address);
  const all = [...addresses].map((address) => ({
    address,
    circuit: circuitBreaker[address]?.state ?? null,
    endpoint: endpoints.get(address)?.state ?? null,
    // With limits per origin an endpoint has none of its own.
    running: limits[address]?.running ?? endpoints.get(address)?.pending ?? 0,
    pending: limits[address]?.pending ?? 0,
    latencyMs: endpoints.get(address)?.latencyMs ?? null,
    ...attempted.attemptsAt(address),
  }));
  return [...all.filter((one) => !isWell(one)), ...all.filter(isWell)];
}

function isWell({ circuit, endpoint, failingSince }: Destination): boolean {
  return (circuit ?? 'closed') === 'closed' && (endpoint ?? 'usable') === 'usable' && failingSince === null;
}

function limitsOf(client: ClientHandle): Figures['limits'] {
  const limits = configOf(client)?.limits;
  return limits ? { running: limits.maxRequests, pending: limits.maxPendingRequests } : null;
}

function connectionsOf({ wire }: PolicyStats): Figures['connections'] {
  if (wire.connections === undefined) return null;
  const pools = Object.values(wire.connections);
  const idle = sum(pools.map(({ free }) => free));
  return { used: sum(pools.map(({ connected }) => connected)) - idle, idle };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
