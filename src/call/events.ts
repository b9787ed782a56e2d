/** One emit, many readers: everything that happens in a client is told once, here. */

import { harmless } from './harmless.js';
import type { CallView as Call, FailureCause, RetryRefusal } from './record.js';

/** What one attempt came to. */
export interface AttemptOutcome {
  /** HTTP status, where the upstream answered. */
  readonly status?: number | undefined;
  /** Error code, where it failed. */
  readonly code?: string | undefined;
}

/** Every event a client emits, with what its listeners are given. */
export interface ClientEvents {
  /** A call entered the client. */
  'call.started': { call: Call };
  /** A call left the client: exactly one for each `call.started`. */
  'call.ended': { call: Call; durationMs: number } & AttemptOutcome;
  /** A request is handed to the wire. */
  'attempt.started': { call: Call; attempt: number };
  /** The wire answered, failed or was aborted: exactly one for each `attempt.started`. */
  'attempt.ended': { call: Call; attempt: number; durationMs: number } & AttemptOutcome;
  /** A failed attempt will be repeated after `waitMs`. */
  'retry.scheduled': { call: Call; retry: number; waitMs: number } & AttemptOutcome;
  /** A failed attempt could have been repeated, but `reason` stood against it. */
  'retry.refused': { call: Call; reason: RetryRefusal } & AttemptOutcome;
  /** Too many failures: calls to the destination are rejected for `retryAfter` milliseconds. */
  'circuit.opened': { client: string; destination: string; retryAfter: number } & CircuitFailures;
  /** A few attempts are let through on trial. */
  'circuit.half_opened': { client: string; destination: string };
  /** The destination is called again, `openForMs` milliseconds after the circuit opened, failed trials included. */
  'circuit.closed': { client: string; destination: string; openForMs: number };
  /**
   * `forceCircuit` was called, `by` somebody, for `forMs` milliseconds where a time was given; or that time is over, and
   * the state is `auto` again.
   */
  'circuit.forced': {
    client: string;
    state: ForcedCircuit;
    by?: string | undefined;
    forMs?: number | undefined;
    expired?: true | undefined;
  };
  /** A call was turned away by `limits`. */
  'limits.rejected': { call: Call; destination: string; pending: number };
  /** A call was turned away by `adaptiveConcurrency`: `limit` requests were in flight to the destination. */
  'adaptive_concurrency.rejected': { call: Call; destination: string; limit: number };
  /** A second attempt was sent beside one that is slow. */
  'hedge.started': { call: Call; attempt: number; delayMs: number };
  /** A slow attempt could have had company, but `reason` stood against it. */
  'hedge.refused': { call: Call; reason: 'budget' | 'concurrency' };
  /** The endpoints of the client are others than before; `initial`: there were none before, as this is the first list. */
  'endpoints.changed': { client: string; added: readonly string[]; removed: readonly string[]; initial?: true };
  /** Endpoints could not be looked up, for the `failures`th time in a row; those that were known stay. */
  'endpoints.lookup_failed': { client: string; message: string; failures: number };
  /** A lookup went well again, after `failures` failed ones in `failingForMs` milliseconds. */
  'endpoints.lookup_recovered': { client: string; failures: number; failingForMs: number };
  /** Outlier detection leaves an endpoint out. */
  'endpoint.ejected': { client: string; endpoint: string; reason: EjectionReason; forMs: number };
  /** An ejection is over. */
  'endpoint.returned': { client: string; endpoint: string };
  /** Health checks have found an endpoint unwell, or well again. */
  'endpoint.health_changed': { client: string; endpoint: string; healthy: boolean };
  /** A copy of a call is over: its status, or why it has none. */
  'mirror.ended': { client: string; target: string } & AttemptOutcome;
  /** A call was not copied although it was its turn. */
  'mirror.skipped': { client: string; target: string; reason: MirrorRefusal };
  /** A fault was made on purpose. */
  'fault.injected': { call: Call; fault: 'delay' | 'abort' | 'reset' | 'truncate' };
  /** `rateLimit` holds an attempt back for `waitMs`, or turns it away. */
  'rate_limit.delayed': { call: Call; waitMs: number };
  /** `rateLimit` turns an attempt away, which would have had to wait `waitMs` milliseconds. */
  'rate_limit.rejected': { call: Call; waitMs: number };
  /** `update()` put a new configuration in force; `sections` names what changed. */
  'config.updated': { client: string; sections: readonly string[] };
  /** As `identity.rotated` of an identity, with the client's name; so the two below. `shared`: it is `deps.identity`. */
  'identity.rotated': { client: string; shared?: true } & IdentityEvents['identity.rotated'];
  /** Changed material cannot be used. */
  'identity.rejected': { client: string; shared?: true } & IdentityEvents['identity.rejected'];
  /** The certificate in force expires soon, or has expired. */
  'identity.expiry_warned': { client: string; shared?: true } & IdentityEvents['identity.expiry_warned'];
}

/** The failures for which a circuit opened. */
export interface CircuitFailures {
  /** Outcomes in the window; of the trials where the circuit was half-open. */
  readonly outcomes: number;
  /** Failures among them. */
  readonly failures: number;
  /** Present where the circuit was half-open: so many trials failed. */
  readonly failedTrials?: number | undefined;
  /** The last of the failures. */
  readonly cause: FailureCause;
}

/** What a rotating identity tells of itself. */
export interface IdentityEvents {
  /** New material is in force; connections made from now on use it. */
  'identity.rotated': { generation: number; subject?: string | undefined; notAfter?: string | undefined };
  /** Changed material cannot be used; what was in force stays. */
  'identity.rejected': { generation: number; message: string };
  /** A third of the lifetime of the certificate in force is left (14 days at most), or 7 days, or one, or it has expired. */
  'identity.expiry_warned': { generation: number; subject: string; notAfter: string; daysLeft: number };
}

/** Why an endpoint is left out. */
export type EjectionReason =
  | 'consecutive_failures'
  | 'consecutive_gateway_failures'
  | 'success_rate'
  | 'failure_percentage';
/** What a circuit was told to be by hand; `auto`: what its outcomes say. */
export type ForcedCircuit = 'open' | 'closed' | 'auto';
/** Why a call was not copied. */
export type MirrorRefusal = 'stream' | 'overflow' | 'circuit';

export type { FailureCause, RetryRefusal } from './record.js';

/** The names of the events of a client. */
export type ClientEventName = keyof ClientEvents;
/** What `client.on` takes. */
export type Listener<Name extends ClientEventName> = (event: ClientEvents[Name]) => void;

/** Each its own, so that one function may listen twice. */
interface Subscription {
  readonly listener: (event: never) => void;
}

/** A small typed emitter. A listener that throws never breaks a call. */
export class Events<All = ClientEvents> {
  readonly #listeners = new Map<keyof All, Set<Subscription>>();

  /** Adds a listener; the function returned takes it away again. */
  on<Name extends keyof All>(name: Name, listener: (event: All[Name]) => void): () => void {
    const subscription = { listener };
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(subscription));
    return () => {
      listeners.delete(subscription);
    };
  }

  emit<Name extends keyof All>(name: Name, event: All[Name]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const { listener } of listeners) harmless(() => (listener as (event: All[Name]) => unknown)(event));
  }
}

/** What a policy needs of it. */
export type Emitter = Pick<Events, 'on' | 'emit'>;

/** For policies that work alone: nobody can listen, or policies of one stack would hear of those of another. */
export const silentEvents: Emitter = { on: () => () => {}, emit: () => {} };
