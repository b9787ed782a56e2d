/** The log lines of what happens to a client: circuits, endpoints, lookups, certificates and configurations that change. */
import type { ClientEvents, Emitter, IdentityEvents } from '../../call/events.js';
import { errorTypeOf } from '../../call/failure.js';
import type { FailureCause } from '../../call/record.js';
import { redactText } from '../../call/redact.js';
import { causeFields, type EventRecord } from './log-fields.js';

/** One line about a transition. */
export interface Transition extends EventRecord {
  readonly level: 'info' | 'warn' | 'error';
  /** A sentence for whoever reads the line without its fields. */
  readonly message: string;
  /** It happened to an identity that several clients share, which writes one line for all of them. */
  readonly shared?: true | undefined;
}

type Telling = { readonly [Name in keyof ClientEvents]?: (event: ClientEvents[Name]) => Transition | undefined };

const tellings: Telling = {
  'circuit.opened': ({ client, destination, retryAfter, outcomes, failures, failedTrials, cause }) => ({
    level: 'warn',
    ...{ event: failedTrials === undefined ? 'circuit.opened' : 'circuit.reopened', client, destination },
    details: {
      ...{ outcomes, failures, failed_trials: failedTrials, ...causeFields(cause) },
      retry_after_ms: Math.round(retryAfter),
      next_trial_at: new Date(Date.now() + retryAfter).toISOString(),
    },
    message:
      failedTrials === undefined
        ? `circuit to ${destination} opened: ${failures} of ${outcomes} attempts failed, the last with ${shown(cause)}; next trial in ${span(retryAfter)}`
        : `circuit to ${destination} opened again: ${failedTrials} trials failed, the last with ${shown(cause)}; next trial in ${span(retryAfter)}`,
  }),
  'circuit.closed': ({ client, destination, openForMs }) => ({
    level: 'info',
    ...{ event: 'circuit.closed', client, destination },
    details: { open_for_ms: openForMs },
    message: `circuit to ${destination} closed after ${span(openForMs)}`,
  }),
  'circuit.forced': ({ client, state, by, forMs, expired }) => ({
    level: state === 'auto' ? 'info' : 'warn',
    ...{ event: 'circuit.forced', client },
    details: { state, by, for_ms: forMs, expired },
    message: expired
      ? 'circuits are no longer forced, as the given time is over'
      : `circuits ${state === 'auto' ? 'set back to auto' : `forced ${state}`}${by === undefined ? '' : ` by ${by}`}${forMs === undefined ? '' : ` for ${span(forMs)}`}`,
  }),
  'endpoints.changed': ({ client, added, removed, initial }) =>
    initial
      ? undefined
      : {
          level: 'info',
          ...{ event: 'endpoints.changed', client },
          details: { added: added.length, removed: removed.length },
          message: `endpoints changed: ${[...some('added', added), ...some('removed', removed)].join('; ')}`,
        },
  'endpoint.ejected': ({ client, endpoint, reason, forMs }) => ({
    level: 'warn',
    ...{ event: 'endpoint.ejected', client, destination: endpoint },
    details: { reason, for_ms: forMs },
    message: `endpoint ${endpoint} gets no calls for ${span(forMs)}: ${reason}`,
  }),
  'endpoint.returned': ({ client, endpoint }) => ({
    level: 'info',
    ...{ event: 'endpoint.returned', client, destination: endpoint },
    message: `endpoint ${endpoint} gets calls again`,
  }),
  'endpoint.health_changed': ({ client, endpoint, healthy }) => ({
    level: healthy ? 'info' : 'warn',
    ...{ event: 'endpoint.health_changed', client, destination: endpoint },
    details: { healthy },
    message: `health checks find endpoint ${endpoint} ${healthy ? 'healthy again' : 'unhealthy'}`,
  }),
  'endpoints.lookup_failed': ({ client, message, failures }) =>
    failures > 1
      ? undefined
      : {
          level: 'warn',
          ...{ event: 'endpoints.lookup_failed', client },
          details: { cause_message: redactText(message) },
          message: `endpoints cannot be looked up: ${redactText(message)}`,
        },
  'endpoints.lookup_recovered': ({ client, failures, failingForMs }) => ({
    level: 'info',
    ...{ event: 'endpoints.lookup_recovered', client },
    details: { failures, failing_for_ms: failingForMs },
    message: `endpoints can be looked up again after ${span(failingForMs)}`,
  }),
  'config.updated': ({ client, sections }) => ({
    level: 'info',
    ...{ event: 'config.updated', client },
    details: { sections },
    message: `configuration updated: ${sections.join(', ')}`,
  }),
  'identity.rotated': ({ client, shared, ...event }) => ({ ...rotated(event, client), shared }),
  'identity.rejected': ({ client, shared, ...event }) => ({ ...rejected(event, client), shared }),
  'identity.expiry_warned': ({ client, shared, ...event }) => ({ ...expiring(event, client), shared }),
};

/** Calls `tell` with each transition that the events tell of; returns a function that stops it. */
export function followTransitions(events: Pick<Emitter, 'on'>, tell: (transition: Transition) => void): () => void {
  const stops = (Object.keys(tellings) as (keyof ClientEvents)[]).map((name) =>
    events.on(name, (event) => {
      const transition = (tellings[name] as (event: unknown) => Transition | undefined)(event);
      if (transition !== undefined) tell(transition);
    }),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

/** The line of new material; without a client that of a shared identity. */
export function rotated(
  { generation, subject, notAfter }: IdentityEvents['identity.rotated'],
  client?: string,
): Transition {
  const details = { generation, subject, not_after: notAfter };
  return { level: 'info', event: 'identity.rotated', client, details, message: 'identity rotated' };
}

/** The line of changed material that cannot be used. */
export function rejected({ generation, message }: IdentityEvents['identity.rejected'], client?: string): Transition {
  return {
    level: 'warn',
    ...{ event: 'identity.rejected', client },
    details: { generation, reason: message },
    message: `identity rejected, the previous one stays in force: ${redactText(message)}`,
  };
}

/** The line of a certificate that expires soon, or has expired. */
export function expiring(
  { generation, subject, notAfter, daysLeft }: IdentityEvents['identity.expiry_warned'],
  client?: string,
): Transition {
  const isOver = Date.parse(notAfter) <= Date.now();
  return {
    level: isOver ? 'error' : 'warn',
    ...{ event: 'identity.expiry_warned', client },
    details: { generation, subject, not_after: notAfter, days_left: daysLeft },
    message: isOver ? 'certificate has expired' : 'certificate expires soon',
  };
}

/** The first three of a list that may have thousands. */
function some(what: string, addresses: readonly string[]): string[] {
  if (addresses.length === 0) return [];
  const rest = addresses.length > 3 ? ` and ${addresses.length - 3} more` : '';
  return [`${what} ${addresses.slice(0, 3).join(', ')}${rest}`];
}

function shown(cause: FailureCause): string {
  return errorTypeOf(cause) ?? 'a failure';
}

function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1000).toFixed(1))} s`;
  return ms < 7_200_000 ? `${Number((ms / 60_000).toFixed(1))} min` : `${Number((ms / 3_600_000).toFixed(1))} h`;
}
