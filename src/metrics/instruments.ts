/** What is measured: one entry a metric, read by OpenTelemetry and by Prometheus alike. */

import type { AttemptOutcome, ClientEventName, ClientEvents } from '../call/events.js';
import type { HttpClientStats } from '../client/stats.js';
import type { HttpClientsStats } from '../registry/registry.js';
import {
  type Attributes,
  circuits,
  concurrencyLimits,
  connections,
  days,
  endpoints,
  lifetime,
  pending,
  type Reading,
  rateLimited,
  remainingRetries,
  running,
} from './readings.js';

interface Instrument {
  /** By OpenTelemetry's conventions; Prometheus gets it with underscores, its unit and `_total`. */
  readonly name: string;
  /** UCUM. */
  readonly unit: string;
  readonly description: string;
}

/** The attributes that an event counts under. */
type Counting = { readonly [Name in ClientEventName]?: (event: ClientEvents[Name]) => Attributes };

export interface Counter extends Instrument {
  readonly events: Counting;
}

/** Of seconds, recorded at one event. */
export interface Histogram extends Instrument {
  readonly event: 'call.ended' | 'attempt.ended';
  /** By the semantic conventions, which know no client. */
  readonly standard?: true;
  readonly attributes: (event: ClientEvents['call.ended'] | ClientEvents['attempt.ended']) => Attributes;
}

export interface Gauge extends Instrument {
  readonly read: (stats: HttpClientStats) => readonly Reading[];
}

/** Of a configuration that clients have together. */
export interface RegistryGauge extends Instrument {
  readonly monotonic?: true;
  readonly read: (stats: HttpClientsStats) => number;
}

/** The buckets of the HTTP semantic conventions, in seconds. */
export const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** A status >= 400, or the code of what went wrong; nothing for a success. */
function errorType({ status, code }: AttemptOutcome): Attributes {
  if (code === undefined && (status === undefined || status < 400)) return none;
  return { 'error.type': status !== undefined && status >= 400 ? String(status) : (code ?? '_OTHER') };
}

const none: Attributes = {};
const known = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'QUERY']);

function ofCall({ call }: Pick<ClientEvents['call.ended'], 'call'>): Attributes {
  const method = { 'http.request.method': known.has(call.method) ? call.method : '_OTHER' };
  return call.routeName === undefined ? method : { ...method, 'url.template': call.routeName };
}

export const callDuration: Histogram = {
  name: 'pillion.client.call.duration',
  unit: 's',
  description: 'Duration of calls: all attempts and waits, to the headers of the answer.',
  event: 'call.ended',
  attributes: (event) => ({ ...ofCall(event), ...errorType(event) }),
};

/** By the HTTP semantic conventions, one for each attempt. */
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
    description: 'Requests handed to the wire, hedges included.',
    events: { 'attempt.ended': errorType },
  },
  {
    name: 'pillion.client.retries',
    unit: '{retry}',
    description: 'Failed attempts that were repeated, by what went wrong.',
    events: { 'retry.scheduled': errorType },
  },
  {
    name: 'pillion.client.retries.refused',
    unit: '{retry}',
    description: 'Retries that were not made, by what stood against them.',
    events: { 'retry.refused': ({ reason }) => ({ reason }) },
  },
  {
    name: 'pillion.client.hedges',
    unit: '{attempt}',
    description: 'Second attempts beside slow ones.',
    events: { 'hedge.started': () => none },
  },
  {
    name: 'pillion.client.hedges.refused',
    unit: '{attempt}',
    description: 'Second attempts that were not made, by what stood against them.',
    events: { 'hedge.refused': ({ reason }) => ({ reason }) },
  },
  {
    name: 'pillion.client.circuit.transitions',
    unit: '{transition}',
    description: 'Changes of a circuit, by the state it came to.',
    events: {
      'circuit.opened': (event) => ({ ...to(event), state: 'open' }),
      'circuit.half_opened': (event) => ({ ...to(event), state: 'half_open' }),
      'circuit.closed': (event) => ({ ...to(event), state: 'closed' }),
    },
  },
  {
    name: 'pillion.client.limit.rejections',
    unit: '{call}',
    description: 'Calls turned away by limits.',
    events: { 'limits.rejected': to },
  },
  {
    name: 'pillion.client.rate_limit.waits',
    unit: '{attempt}',
    description: 'Attempts that rateLimit held back.',
    events: { 'rate_limit.delayed': () => none },
  },
  {
    name: 'pillion.client.rate_limit.rejections',
    unit: '{attempt}',
    description: 'Attempts that rateLimit turned away.',
    events: { 'rate_limit.rejected': () => none },
  },
  {
    name: 'pillion.client.endpoint.ejections',
    unit: '{ejection}',
    description: 'Endpoints left out by outlier detection.',
    events: { 'endpoint.ejected': ({ endpoint, reason }) => ({ endpoint, reason }) },
  },
  {
    name: 'pillion.client.endpoint.lookup_failures',
    unit: '{lookup}',
    description: 'Lookups of endpoints that failed.',
    events: { 'endpoints.lookup_failed': () => none },
  },
  {
    name: 'pillion.client.mirror.copies',
    unit: '{copy}',
    description: 'Copies sent to mirrors, by what became of them.',
    events: { 'mirror.ended': (event) => ({ target: event.target, ...errorType(event) }) },
  },
  {
    name: 'pillion.client.mirror.skipped',
    unit: '{copy}',
    description: 'Copies that were not made, by what stood against them.',
    events: { 'mirror.skipped': ({ target, reason }) => ({ target, reason }) },
  },
  {
    name: 'pillion.client.faults',
    unit: '{fault}',
    description: 'Faults made on purpose.',
    events: { 'fault.injected': ({ fault }) => ({ fault }) },
  },
  {
    name: 'pillion.client.identity.rotations',
    unit: '{rotation}',
    description: 'Certificates that came in force.',
    events: { 'identity.rotated': () => none },
  },
  {
    name: 'pillion.client.identity.rejections',
    unit: '{rotation}',
    description: 'Changed certificates that could not be used.',
    events: { 'identity.rejected': () => none },
  },
];

export const gauges: readonly Gauge[] = [
  {
    name: 'pillion.client.calls.active',
    unit: '{call}',
    description: 'Calls under way, bodies of streams included.',
    read: ({ calls }) => [[calls.active]],
  },
  {
    name: 'pillion.client.retry.budget.remaining',
    unit: '{retry}',
    description: 'Retries that the budget still allows in the present ten seconds.',
    read: ({ policies }) => remainingRetries(policies),
  },
  {
    name: 'pillion.client.circuit.state',
    unit: '{state}',
    description: '0: closed, 1: half-open, 2: open.',
    read: ({ policies }) => circuits(policies),
  },
  {
    name: 'pillion.client.limit.running',
    unit: '{request}',
    description: 'Requests in flight, of limits.maxRequests for each destination.',
    read: ({ policies }) => running(policies),
  },
  {
    name: 'pillion.client.limit.pending',
    unit: '{request}',
    description: 'Requests waiting, of limits.maxPendingRequests for each destination.',
    read: ({ policies }) => pending(policies),
  },
  {
    name: 'pillion.client.concurrency.limit',
    unit: '{request}',
    description: 'What adaptiveConcurrency allows at once for each destination.',
    read: ({ policies }) => concurrencyLimits(policies),
  },
  {
    name: 'pillion.client.rate_limit.waiting',
    unit: '{attempt}',
    description: 'Attempts waiting for their turn by rateLimit.',
    read: ({ policies }) => rateLimited(policies),
  },
  {
    name: 'pillion.client.connections',
    unit: '{connection}',
    description: 'Open connections of the fast lane, by state.',
    read: ({ policies }) => connections(policies),
  },
  {
    name: 'pillion.client.endpoints',
    unit: '{endpoint}',
    description: 'Endpoints by state.',
    read: ({ policies }) => endpoints(policies),
  },
  {
    name: 'pillion.client.certificate.days_left',
    unit: 'd',
    description: 'Days until the certificate in force expires; negative once it has.',
    read: ({ identity }) => days(identity),
  },
  {
    name: 'pillion.client.certificate.lifetime_days',
    unit: 'd',
    description: 'Days from the beginning to the end of the certificate in force.',
    read: ({ identity }) => lifetime(identity),
  },
];

export const registryGauges: readonly RegistryGauge[] = [
  {
    name: 'pillion.config.version',
    unit: '{version}',
    description: 'Version of the configuration in force.',
    read: ({ config }) => config.version,
  },
  {
    name: 'pillion.config.rejections',
    unit: '{version}',
    description: 'Versions of the configuration that were refused.',
    monotonic: true,
    read: ({ config }) => config.rejected,
  },
  {
    name: 'pillion.config.refused',
    unit: '1',
    description: '1 while what was loaded last is refused, and an older version is in force.',
    read: ({ config }) => Number(config.refused),
  },
];
