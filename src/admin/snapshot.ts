/** What the page shows of each client, measured only while somebody looks. */
import type { ClientHandle, HttpClientStats } from '../client.js';
import { type ClientSet, clientsOf, followClients, isRegistry } from '../clients.js';
import { type HealthOptions, type HealthStatus, healthOfClients } from '../health.js';
import { Latencies } from '../latencies.js';
import type { PoolStats } from '../transport/pool.js';

/** One client at one moment. */
export interface ClientSnapshot {
  readonly name: string;
  readonly status: HealthStatus;
  readonly reasons: readonly string[];
  /** Calls that ended, and those of them that failed, for each second since the snapshot before. */
  readonly rate: number;
  readonly errors: number;
  /** Milliseconds, over half a minute; null where nothing was called. */
  readonly p50: number | null;
  readonly p99: number | null;
  readonly active: number;
  readonly attempts: number;
  readonly circuits: readonly { readonly destination: string; readonly state: string }[];
  readonly forced: string | null;
  /** Whether there is a circuit to force. */
  readonly breaker: boolean;
  /** Retries that are left; null without a budget. */
  readonly budget: number | null;
  readonly running: number;
  readonly pending: number;
  readonly connections: { readonly used: number; readonly idle: number };
  readonly endpoints: readonly { readonly address: string; readonly state: string; readonly latencyMs: number }[];
  readonly certificate: { readonly subject: string; readonly notAfter: string; readonly daysLeft: number } | null;
}

export interface Snapshot {
  /** `Date.now()`. */
  readonly at: number;
  readonly status: HealthStatus;
  readonly writable: boolean;
  readonly config: {
    readonly version: number;
    readonly hash: string;
    readonly refused: boolean;
    readonly source: string;
  } | null;
  readonly clients: readonly ClientSnapshot[];
}

/** What happened to one client since the last look. */
class Watch {
  readonly latencies = new Latencies();
  ended = 0;
  failed = 0;
  readonly stop: () => void;

  constructor(client: ClientHandle) {
    this.stop = client.on('call.end', ({ durationMs, code }) => {
      this.ended++;
      if (code !== undefined && code !== 'ERR_CANCELED') this.failed++;
      this.latencies.record(durationMs);
    });
  }
}

/** Watches clients from its making to `stop`. */
export class Watcher {
  readonly #clients: ClientSet;
  readonly #options: HealthOptions & { readonly writable: boolean };
  readonly #watches = new Map<string, Watch>();
  readonly #end: () => void;
  #lastAt = performance.now();

  constructor(clients: ClientSet, options: HealthOptions & { readonly writable: boolean }) {
    this.#clients = clients;
    this.#options = options;
    this.#end = followClients(clients, (client, name) => {
      const watch = new Watch(client);
      this.#watches.set(name, watch);
      return () => {
        watch.stop();
        if (this.#watches.get(name) === watch) this.#watches.delete(name);
      };
    });
  }

  /** How things are, with rates since the last time. */
  take(): Snapshot {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#lastAt) / 1000);
    this.#lastAt = now;
    const { status, clients } = healthOfClients(this.#clients, this.#options);
    const shown = [...clientsOf(this.#clients)].map(([name, client]) => {
      const health = clients[name] ?? { status: 'up', reasons: [] };
      return {
        name,
        ...health,
        ...measured(this.#watches.get(name), seconds),
        ...told(client.stats(), client.pipeline),
      };
    });
    return {
      at: Date.now(),
      status,
      writable: this.#options.writable,
      config: configOf(this.#clients),
      clients: shown,
    };
  }

  stop(): void {
    this.#end();
  }
}

function measured(watch: Watch | undefined, seconds: number) {
  if (watch === undefined) return { rate: 0, errors: 0, p50: null, p99: null };
  const { ended, failed, latencies } = watch;
  watch.ended = 0;
  watch.failed = 0;
  const percentile = (percent: number) => (latencies.count > 0 ? rounded(latencies.percentile(percent)) : null);
  return {
    rate: rounded(ended / seconds),
    errors: rounded(failed / seconds),
    p50: percentile(50),
    p99: percentile(99),
  };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function told({ calls, attempts, policies, identity, forcedCircuit }: HttpClientStats, pipeline: readonly string[]) {
  const limits = Object.values((policies.limits ?? {}) as Record<string, { running: number; pending: number }>);
  const pools = Object.values((policies.wire as { connections?: Record<string, PoolStats> })?.connections ?? {});
  const circuits = Object.entries((policies.circuitBreaker ?? {}) as Record<string, { state: string }>);
  const { subject = '', notAfter, daysLeft } = identity ?? {};
  const idle = sum(pools.map(({ free }) => free));
  return {
    active: calls.active,
    attempts,
    circuits: circuits.map(([destination, { state }]) => ({ destination, state })),
    forced: forcedCircuit ?? null,
    breaker: pipeline.includes('circuitBreaker'),
    budget: (policies.retry as { remaining?: number | null } | undefined)?.remaining ?? null,
    running: sum(limits.map(({ running }) => running)),
    pending: sum(limits.map(({ pending }) => pending)),
    connections: { used: sum(pools.map(({ connected }) => connected)) - idle, idle },
    endpoints: (policies.balance as { endpoints?: ClientSnapshot['endpoints'] } | undefined)?.endpoints ?? [],
    certificate: notAfter === undefined || daysLeft === undefined ? null : { subject, notAfter, daysLeft },
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function configOf(clients: ClientSet): Snapshot['config'] {
  if (!isRegistry(clients)) return null;
  const { version, hash, refused, source } = clients.stats().config;
  return { version, hash, refused, source };
}
