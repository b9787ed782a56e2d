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
import type { IdentityStats } from '../transport/tls/identity.js';
import type { WireStats } from '../transport/wire.js';

/** A policy that is not in the stack has no entry. A policy of the user's own stands under its slot and name. */
export interface PolicyStats {
  readonly retry?: RetryStats;
  readonly hedging?: HedgingStats;
  readonly rateLimit?: RateLimitStats;
  readonly balance?: BalanceStats;
  readonly outlierDetection?: OutlierStats;
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
  readonly fault?: FaultStats;
  /** `injected` in place of the rest where `deps.transport` is the wire. */
  readonly wire: Partial<WireStats> & { readonly injected?: true };
}

/** Counters of a client and of its policies; plain JSON. */
export interface HttpClientStats {
  /** The client's name. */
  name: string;
  /** Calls by what became of them; `active`: still under way, bodies of streams included. */
  calls: { started: number; active: number; succeeded: number; failed: number; cancelled: number };
  /** Requests handed to the wire by calls that have ended. */
  attempts: number;
  /** By the names in `pipeline`, and `wire`. */
  policies: PolicyStats & Readonly<Record<string, unknown>>;
  /** Present while `forceCircuit` holds. */
  forcedCircuit?: Exclude<ForcedCircuit, 'auto'>;
  /** Present once `close` was called. */
  closed?: true;
  /** Present with `tls.cert`, `pfx` or `ca`, or an identity of `deps`. */
  identity?: IdentityStats;
}
