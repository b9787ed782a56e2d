/** The list of all metrics, shared by the OpenTelemetry and Prometheus exporters. */

import type { AttemptOutcome, ClientEventName, ClientEvents } from '../call/events.js';
import { errorTypeOf } from '../call/failure.js';
import type { HttpClientStats } from '../client/stats.js';
import { knownMethods } from '../policies/spans.js';
import type { HttpClientsStats } from '../registry/http-clients.js';
import {
  type Attributes,
  circuits,
  concurrencyLimits,
  connections,
  days,
  endpoints,
  forced,
  lifetime,
  pending,
  type Reading,
  rateLimited,
  remainingRetries,
  running,
} from './readings.js';

interface Instrument {
  /** OpenTelemetry name; Prometheus gets it with underscores, with its unit and, for a counter, `_total` appended. */
  readonly name: string;
  /**
   * Unit in UCUM notation: `s`, or a word in braces, which is not appended to the name. Exporters disagree about all
   * others: `1` becomes `_ratio` in the Collector, and `d` becomes `_days` in some of them.
   */
  readonly unit: string;
  readonly description: string;
}

/** For each counted event, its attributes. */
type Counting = { readonly [Name in ClientEventName]?: (event: ClientEvents[Name]) => Attributes };

export interface Counter extends Instrument {
  readonly events: Counting;
  /**
   * Has no attribute but `client`, and so it is 0 from the start: to `increase()` of Prometheus, a series that begins
   * with 1 has not increased.
   */
  readonly fromZero?: true;
}

/** A histogram of durations in seconds, recorded on one event. */
export interface Histogram extends Instrument {
  readonly event: 'call.ended' | 'attempt.ended';
  /** A metric of the HTTP semantic conventions, which have no `client` attribute. */
  readonly standard?: true;
  readonly attributes: (event: ClientEvents['call.ended'] | ClientEvents['attempt.ended']) => Attributes;
}

export interface Gauge extends Instrument {
  readonly read: (stats: HttpClientStats) => readonly Reading[];
}

/** A metric of a registry's configuration rather than of one client. */
export interface RegistryGauge extends Instrument {
  readonly monotonic?: true;
  readonly read: (stats: HttpClientsStats) => number;
}

/** The buckets of the HTTP semantic conventions, in seconds. */
export const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** The attribute `error.type`; none for a success. */
function errorType(outcome: AttemptOutcome): Attributes {
  const type = errorTypeOf(outcome);
  return type === undefined ? none : { 'error.type': type };
}

const none: Attributes = {};

function ofCall({ call }: Pick<ClientEvents['call.ended'], 'call'>): Attributes {
  const method = { 'http.request.method': knownMethods.has(call.method) ? call.method : '_OTHER' };
  return call.routeName === undefined ? method : { ...method, 'url.template': call.routeName };
}

export const callDuration: Histogram = {
  name: 'pillion.client.call.duration',
  unit: 's',
  description: 'Duration of calls until the response headers, including all attempts and waits.',
  event: 'call.ended',
  attributes: (event) => ({ ...ofCall(event), ...errorType(event) }),
};

/** The metric of the HTTP semantic conventions, recorded for each attempt. */
export const requestDuration: Histogram = {
  name: 'http.client.request.duration',
  unit: 's',
  description: 'Duration of HTTP client requests.',
  event: 'attempt.ended',
  standard: true,
  attributes: (event) => {
    const { address, port } = event.call.server;
    const status = event.status === undefined ? none : { 'http.response.status_code': event.status };
    return { ...ofCall(event), 'server.address': address, 'server.port': port, ...status, ...errorType(event) };
  },
};

const to = ({ destination }: { destination: string }): Attributes => ({ destination });

export const counters: readonly Counter[] = [
  {
    name: 'pillion.client.attempts',
    unit: '{attempt}',
    description: 'Attempts handed to the transport, including retries and hedges.',
    events: { 'attempt.ended': errorType },
  },
  {
    name: 'pillion.client.retries',
    unit: '{retry}',
    description: 'Retries, by the error of the failed attempt.',
    events: { 'retry.scheduled': errorType },
  },
  {
    name: 'pillion.client.retries.refused',
    unit: '{retry}',
    description: 'Retries that were not made, by reason.',
    events: { 'retry.refused': ({ reason }) => ({ reason }) },
  },
  {
    name: 'pillion.client.hedges',
    unit: '{attempt}',
    description: 'Hedges started beside slow attempts.',
    events: { 'hedge.started': () => none },
    fromZero: true,
  },
  {
    name: 'pillion.client.hedges.refused',
    unit: '{attempt}',
    description: 'Hedges that were not started, by reason.',
    events: { 'hedge.refused': ({ reason }) => ({ reason }) },
  },
  {
    name: 'pillion.client.circuit.transitions',
    unit: '{transition}',
    description: 'State changes of circuits, by the new state.',
    events: {
      'circuit.opened': (event) => ({ ...to(event), state: 'open' }),
      'circuit.half_opened': (event) => ({ ...to(event), state: 'half_open' }),
      'circuit.closed': (event) => ({ ...to(event), state: 'closed' }),
    },
  },
  {
    name: 'pillion.client.limit.rejections',
    unit: '{call}',
    description: 'Calls rejected by limits or adaptiveConcurrency, by reason.',
    events: {
      'limits.rejected': (event) => ({ ...to(event), reason: 'max_pending_requests' }),
      'adaptive_concurrency.rejected': (event) => ({ ...to(event), reason: 'adaptive_concurrency' }),
    },
  },
  {
    name: 'pillion.client.rate_limit.waits',
    unit: '{attempt}',
    description: 'Attempts that rateLimit delayed.',
    events: { 'rate_limit.delayed': () => none },
    fromZero: true,
  },
  {
    name: 'pillion.client.rate_limit.rejections',
    unit: '{attempt}',
    description: 'Attempts that rateLimit rejected.',
    events: { 'rate_limit.rejected': () => none },
    fromZero: true,
  },
  {
    name: 'pillion.client.endpoint.ejections',
    unit: '{ejection}',
    description: 'Ejections of endpoints by outlier detection, by reason.',
    events: { 'endpoint.ejected': ({ endpoint, reason }) => ({ endpoint, reason }) },
  },
  {
    name: 'pillion.client.endpoint.lookup_failures',
    unit: '{lookup}',
    description: 'Failed lookups of endpoints.',
    events: { 'endpoints.lookup_failed': () => none },
    fromZero: true,
  },
  {
    name: 'pillion.client.mirror.copies',
    unit: '{copy}',
    description: 'Copies of calls sent to mirrors, by outcome.',
    events: { 'mirror.ended': (event) => ({ target: event.target, ...errorType(event) }) },
  },
  {
    name: 'pillion.client.mirror.skipped',
    unit: '{copy}',
    description: 'Copies of calls that were not sent to mirrors, by reason.',
    events: { 'mirror.skipped': ({ target, reason }) => ({ target, reason }) },
  },
  {
    name: 'pillion.client.faults',
    unit: '{fault}',
    description: 'Faults injected by the fault policy, by kind.',
    events: { 'fault.injected': ({ fault }) => ({ fault }) },
  },
  {
    name: 'pillion.client.identity.rotations',
    unit: '{rotation}',
    description: 'Client certificates that were replaced by a new one.',
    events: { 'identity.rotated': () => none },
    fromZero: true,
  },
  {
    name: 'pillion.client.identity.rejections',
    unit: '{rotation}',
    description: 'New client certificates that were rejected because they could not be used.',
    events: { 'identity.rejected': () => none },
    fromZero: true,
  },
];

export const gauges: readonly Gauge[] = [
  {
    name: 'pillion.client.calls.active',
    unit: '{call}',
    description: 'Calls in flight, until the end of a streamed body.',
    read: ({ calls }) => [[calls.active]],
  },
  {
    name: 'pillion.client.retry.budget.remaining',
    unit: '{retry}',
    description: 'Retries that the budget allows at present, over a window of ten seconds.',
    read: ({ policies }) => remainingRetries(policies),
  },
  {
    name: 'pillion.client.circuit.state',
    unit: '{state}',
    description: 'State of each circuit: 0 closed, 1 half-open, 2 open.',
    read: ({ policies }) => circuits(policies),
  },
  {
    name: 'pillion.client.circuit.forced',
    unit: '{client}',
    description: '1 while forceCircuit holds the circuits of the client in the state, else 0.',
    read: ({ policies, forcedCircuit }) => forced(policies, forcedCircuit),
  },
  {
    name: 'pillion.client.limit.running',
    unit: '{request}',
    description: 'Requests in flight for each destination, capped by limits.maxRequests.',
    read: ({ policies }) => running(policies),
  },
  {
    name: 'pillion.client.limit.pending',
    unit: '{request}',
    description: 'Requests in the queue of each destination, capped by limits.maxPendingRequests.',
    read: ({ policies }) => pending(policies),
  },
  {
    name: 'pillion.client.concurrency.limit',
    unit: '{request}',
    description: 'Requests in flight that adaptiveConcurrency allows for each destination.',
    read: ({ policies }) => concurrencyLimits(policies),
  },
  {
    name: 'pillion.client.rate_limit.waiting',
    unit: '{attempt}',
    description: 'Attempts in the queue of rateLimit.',
    read: ({ policies }) => rateLimited(policies),
  },
  {
    name: 'pillion.client.connections',
    unit: '{connection}',
    description: 'Open connections of the undici wire, by state.',
    read: ({ policies }) => connections(policies),
  },
  {
    name: 'pillion.client.endpoints',
    unit: '{endpoint}',
    description: 'Endpoints, by state.',
    read: ({ policies }) => endpoints(policies),
  },
  {
    name: 'pillion.client.certificate.days_left',
    unit: '{day}',
    description: 'Days until the client certificate expires; negative after its expiry.',
    read: ({ identity }) => days(identity),
  },
  {
    name: 'pillion.client.certificate.lifetime_days',
    unit: '{day}',
    description: 'Length of the validity period of the client certificate, in days.',
    read: ({ identity }) => lifetime(identity),
  },
];

/** What tells registries apart: nothing for the only one. */
export function registryAttributes(source: string, registries: number): Attributes {
  return registries > 1 ? { source } : none;
}

export const registryGauges: readonly RegistryGauge[] = [
  {
    name: 'pillion.config.version',
    unit: '{version}',
    description: 'Number of the configuration version in force.',
    read: ({ config }) => config.version,
  },
  {
    name: 'pillion.config.rejections',
    unit: '{version}',
    description: 'Rejected versions of the configuration.',
    monotonic: true,
    read: ({ config }) => config.rejected,
  },
  {
    name: 'pillion.config.refused',
    unit: '{version}',
    description: '1 while the last loaded version is rejected and an older one stays in force, else 0.',
    read: ({ config }) => Number(config.refused),
  },
];
