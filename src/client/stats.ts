/** What `client.stats()` returns: plain JSON, with the stats of each policy under its name. */
import type { ForcedCircuit } from '../call/events.js';
import type { ConcurrencyStats } from '../policies/admission/adaptive-concurrency.js';
import type { LimitStats } from '../policies/admission/limits.js';
import type { RateLimitStats } from '../policies/admission/rate-limit.js';
import type { CircuitStats } from '../policies/circuit.js';
import type { HealthCheckStats } from '../policies/endpoints/health-check.js';
import type { BalanceStats } from '../policies/endpoints/host-set.js';
import type { OutlierStats } from '../policies/endpoints/outlier-detection.js';
import type { RetryStats } from '../policies/retries/budget.js';
import type { HedgingStats } from '../policies/retries/hedging.js';
import type { FaultStats } from '../policies/traffic/fault.js';
import type { MirrorStats } from '../policies/traffic/mirror.js';
import type { IdentityStats } from '../transport/tls/rotating-identity.js';
import type { WireStats } from '../transport/wire.js';

/** A policy that is not in the stack has no entry. A policy of the user's own stands under its slot and name. */
export interface PolicyStats {
  /** Calls, retries and the budget of the last ten seconds. */
  readonly retry?: RetryStats;
  /** Hedges sent, won and refused. */
  readonly hedging?: HedgingStats;
  /** Requests that wait and are in flight, all keys together. */
  readonly rateLimit?: RateLimitStats;
  /** The endpoints and their lookups. */
  readonly balance?: BalanceStats;
  /** Ejections made and refused. */
  readonly outlierDetection?: OutlierStats;
  /** Health checks sent and failed. */
  readonly healthCheck?: HealthCheckStats;
  /** By destination. */
  readonly limits?: Readonly<Record<string, LimitStats>>;
  /** By destination. */
  readonly circuitBreaker?: Readonly<Record<string, CircuitStats>>;
  /** By destination. */
  readonly adaptiveConcurrency?: Readonly<Record<string, ConcurrencyStats>>;
  /** Calls shifted so far, by the name of the target. */
  readonly split?: Readonly<Record<string, number>>;
  /** By target. */
  readonly mirror?: Readonly<Record<string, MirrorStats>>;
  /** Faults injected, by kind. */
  readonly fault?: FaultStats;
  /** `injected` in place of the rest where `deps.transport` is the wire. */
  readonly wire: Partial<WireStats> & { readonly injected?: true };
}

/** Counters of a client and of its policies; plain JSON. */
export interface HttpClientStats {
  /** The client's name. */
  name: string;
  /** Number of calls by outcome; `active`: still in flight, including streamed bodies that are not read to their end. */
  calls: { started: number; active: number; succeeded: number; failed: number; cancelled: number };
  /** Number of attempts of the calls that have ended. */
  attempts: number;
  /** Stats of each policy by its name in `pipeline`, and of the connections as `wire`. */
  policies: PolicyStats & Readonly<Record<string, unknown>>;
  /** The state set by `forceCircuit`; absent while the circuits follow the outcomes. */
  forcedCircuit?: Exclude<ForcedCircuit, 'auto'>;
  /** Who or what forced it, where `forceCircuit` was told. */
  forcedBy?: string;
  /** Since when it is forced, ISO 8601. */
  forcedSince?: string;
  /** When it goes back to `auto` by itself, ISO 8601; absent where no time was given. */
  forcedUntil?: string;
  /** Present once `close` has been called. */
  closed?: true;
  /** The certificate in use; present with `tls.cert`, `pfx` or `ca`, or with `deps.identity`. */
  identity?: IdentityStats;
}
