/** The figures that the page shows of each client, measured only while an event stream is open. */
import type { ClientHandle } from '../client/http-client.js';
import { Latencies } from '../policies/retries/latencies.js';
import { type ClientSet, clientsOf, followClients, registriesOf } from '../registry/client-set.js';
import { type Health, type HealthOptions, type HealthStatus, healthOfClients } from '../registry/health.js';
import { type Figures, figuresOf } from './figures.js';

/** The figures of one client at one moment. */
export interface ClientSnapshot extends Figures {
  readonly name: string;
  readonly status: HealthStatus;
  readonly reasons: readonly string[];
  /** Calls that ended, per second since the previous snapshot. */
  readonly rate: number;
  /** Calls that failed, per second since the previous snapshot; cancelled calls do not count. */
  readonly errors: number;
  /** Latency of calls in milliseconds, over the last half minute; null without calls. */
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface Snapshot {
  /** Time of the snapshot, from `Date.now()`. */
  readonly at: number;
  readonly status: HealthStatus;
  readonly writable: boolean;
  /** The version in force of each registry. */
  readonly configs: readonly {
    readonly version: number;
    readonly hash: string;
    readonly refused: boolean;
    readonly source: string;
  }[];
  readonly clients: readonly ClientSnapshot[];
}

/** Counts the calls of one client between two snapshots. */
class Watch {
  readonly latencies = new Latencies();
  ended = 0;
  failed = 0;
  readonly stop: () => void;

  constructor(client: ClientHandle) {
    this.stop = client.on('call.ended', ({ durationMs, code }) => {
      this.ended++;
      if (code !== undefined && code !== 'ERR_CANCELED') this.failed++;
      this.latencies.record(durationMs);
    });
  }

  take(seconds: number): Pick<ClientSnapshot, 'rate' | 'errors' | 'p50' | 'p99'> {
    const { ended, failed, latencies } = this;
    this.ended = 0;
    this.failed = 0;
    const percentile = (percent: number) => (latencies.count > 0 ? rounded(latencies.percentile(percent)) : null);
    return {
      rate: rounded(ended / seconds),
      errors: rounded(failed / seconds),
      p50: percentile(50),
      p99: percentile(99),
    };
  }
}

/** Measures clients from its construction until `stop`, and takes snapshots of them. */
export class Watcher {
  readonly #clients: ClientSet;
  readonly #options: HealthOptions & { readonly writable: boolean };
  readonly #watches = new Map<ClientHandle, Watch>();
  readonly #end: () => void;
  #lastAt = performance.now();

  constructor(clients: ClientSet, options: HealthOptions & { readonly writable: boolean }) {
    this.#clients = clients;
    this.#options = options;
    this.#end = followClients(clients, (client) => {
      const watch = new Watch(client);
      this.#watches.set(client, watch);
      return () => {
        watch.stop();
        this.#watches.delete(client);
      };
    });
  }

  /** Takes a snapshot; rates cover the time since the previous one. */
  take(): Snapshot {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#lastAt) / 1000);
    this.#lastAt = now;
    const { status, clients } = healthOfClients(this.#clients, this.#options);
    const shown = [...clientsOf(this.#clients)].map(([name, client]) => ({
      name,
      ...(clients[name] ?? well),
      ...(this.#watches.get(client)?.take(seconds) ?? { rate: 0, errors: 0, p50: null, p99: null }),
      ...figuresOf(client),
    }));
    return {
      at: Date.now(),
      status,
      writable: this.#options.writable,
      configs: configsOf(this.#clients),
      clients: shown,
    };
  }

  /** True once every client is closed. */
  get over(): boolean {
    const clients = [...clientsOf(this.#clients).values()];
    return clients.length > 0 && clients.every((client) => client.stats().closed === true);
  }

  stop(): void {
    this.#end();
  }
}

const well: Health = { status: 'up', reasons: [] };

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function configsOf(clients: ClientSet): Snapshot['configs'] {
  return [...registriesOf(clients)].map(([source, registry]) => {
    const { version, hash, refused } = registry.stats().config;
    return { version, hash, refused, source };
  });
}
