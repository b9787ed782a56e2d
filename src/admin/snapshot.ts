/** What the admin handler tells of its clients: figures, what fails and since when, what changed; recorded from its creation on. */
import type { ClientHandle } from '../client/http-client.js';
import { type ClientSet, clientsOf, followClients, registriesOf } from '../registry/client-set.js';
import { type Health, type HealthOptions, type HealthStatus, healthOfClients } from '../registry/health.js';
import type { Change } from './changes.js';
import { ClientWatch } from './client-watch.js';
import { type ConfigFigures, configFiguresOf } from './config-figures.js';
import type { FailedCalls } from './failures.js';
import { type Figures, figuresOf } from './figures.js';
import { badShares, type ClientHistory, type History, type Recently, slotMs } from './history.js';

/** How urgent a client is. */
export type Severity = 'failing' | 'degraded' | 'well';

/** The figures of one client at one moment. */
export interface ClientSnapshot extends Figures, Omit<Recently, 'badShare' | 'latestBadShare'> {
  readonly name: string;
  readonly status: HealthStatus;
  readonly reasons: readonly string[];
  /**
   * `failing`: its health is down, or at least half of the calls of the last 10 s failed or were refused. `degraded`: its
   * health is degraded, or at least 1 % of those of the last 30 s did. Without calls its health alone counts.
   */
  readonly severity: Severity;
  /** Since when so many calls fail; null while they do not. */
  readonly failingSince: number | null;
  /** What failed in the last hour, the newest first. */
  readonly failures: readonly FailedCalls[];
  /** How many further kinds there are; a client keeps 100 kinds. */
  readonly moreFailures: number;
  /** What changed in the last hour, the newest first, at most 50. */
  readonly changes: readonly Change[];
}

/** `GET /events`, once a second. */
export interface Snapshot {
  /** Time of the snapshot, from `Date.now()`. */
  readonly at: number;
  readonly status: HealthStatus;
  readonly writable: boolean;
  /** One for each registry. */
  readonly configs: readonly ConfigFigures[];
  /** Worst first: by severity, then by the share of calls that fail, then by name. */
  readonly clients: readonly ClientSnapshot[];
}

const severities: readonly Severity[] = ['failing', 'degraded', 'well'];

/** Records clients from its construction until `stop`, and takes snapshots of them. */
export class Watcher {
  readonly #clients: ClientSet;
  readonly #options: HealthOptions & { readonly writable: boolean };
  readonly #watches = new Map<ClientHandle, ClientWatch>();
  readonly #end: () => void;

  constructor(clients: ClientSet, options: HealthOptions & { readonly writable: boolean }) {
    this.#clients = clients;
    this.#options = options;
    this.#end = followClients(clients, (client) => {
      const watch = new ClientWatch(client);
      this.#watches.set(client, watch);
      return () => {
        watch.stop();
        this.#watches.delete(client);
      };
    });
  }

  take(): Snapshot {
    const { status, clients } = healthOfClients(this.#clients, this.#options);
    const shown = this.#present().map(([name, client, watch]) => snapshotOf(name, client, watch, clients[name]));
    return {
      at: Date.now(),
      status,
      writable: this.#options.writable,
      configs: [...registriesOf(this.#clients)].map(([source, registry]) =>
        configFiguresOf(source, registry.stats().config),
      ),
      clients: shown.sort(worstFirst).map(({ snapshot }) => snapshot),
    };
  }

  /** The slots of each client that ended after `since`, as `Date.now()`. */
  history(since?: number): History {
    // After the clock was set back, the time of the last slot that a page knows lies ahead.
    const from = since !== undefined && since > Date.now() + 1000 ? undefined : since;
    const told = this.#present().map(([name, , watch]): [string, ClientHistory] => [name, watch.slots(from)]);
    return { interval: slotMs, clients: Object.fromEntries(told) };
  }

  /** The clients that are recorded: all, until `stop`. */
  #present(): [string, ClientHandle, ClientWatch][] {
    return [...clientsOf(this.#clients)].flatMap(([name, client]) => {
      const watch = this.#watches.get(client);
      return watch === undefined ? [] : [[name, client, watch]];
    });
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

interface Ranked {
  readonly snapshot: ClientSnapshot;
  readonly badShare: number;
}

function snapshotOf(name: string, client: ClientHandle, watch: ClientWatch, health: Health = well): Ranked {
  const { badShare, latestBadShare, ...recently } = watch.recently();
  const severity = severityOf(health.status, latestBadShare, badShare);
  const snapshot = {
    ...{ name, ...health, severity },
    failingSince: severity === 'well' ? null : (watch.badSince(severity) ?? watch.badSince('degraded')),
    ...recently,
    ...watch.failures(),
    changes: watch.changes(),
    ...figuresOf(client, watch),
  };
  return { snapshot, badShare: latestBadShare ?? 0 };
}

const well: Health = { status: 'up', reasons: [] };

function severityOf(status: HealthStatus, latestBadShare: number | null, badShare: number | null): Severity {
  if (status === 'down' || (latestBadShare ?? 0) >= badShares.failing) return 'failing';
  return status === 'degraded' || (badShare ?? 0) >= badShares.degraded ? 'degraded' : 'well';
}

function worstFirst(a: Ranked, b: Ranked): number {
  const rank = ({ snapshot }: Ranked) => severities.indexOf(snapshot.severity);
  return rank(a) - rank(b) || b.badShare - a.badShare || (a.snapshot.name < b.snapshot.name ? -1 : 1);
}
