/** The shape of a registry: named clients of one configuration. */
import type { CloseOptions, HttpClient, HttpClientDeps } from '../client/http-client.js';
import type { HttpClientStats } from '../client/stats.js';
import type { Duration } from '../options/duration.js';
import type { HttpClientsEvents, VersionStats } from './versions.js';

/** Dependencies given as code; all clients of the registry share them. */
export interface HttpClientsDeps extends HttpClientDeps {
  /**
   * Watches the configuration file, and files that `${file:…}` names, and applies changes. Default: false. `interval`
   * is how often contents are compared (milliseconds or `'5s'`, at least 20 ms; default 5 s); a file-system watch on
   * the folder mostly reports a change earlier.
   */
  watch?: boolean | { interval: Duration };
  /** Environment variables for `${NAME}`. Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>>;
}

/** Statistics of a registry and its clients, as plain JSON. */
export interface HttpClientsStats {
  /** The version in force and the last rejected one. */
  config: VersionStats;
  /** Statistics of each client, by its name. */
  clients: Record<string, HttpClientStats>;
}

/** Named clients of one configuration; close it when the service shuts down. */
export interface HttpClients extends AsyncDisposable {
  /**
   * Returns the client with this name: the same object through all versions of the configuration.
   * @throws PillionError `ERR_UNKNOWN_CLIENT` with the names of all clients
   */
  get(name: string): HttpClient;
  /** Names of all clients, in the order of the configuration. */
  readonly names: readonly string[];
  /**
   * Loads the configuration now. Resolves to true when a new version was applied, else to false; an invalid version is
   * rejected with a `config.rejected` event, and the version in force stays.
   */
  refresh(): Promise<boolean>;
  /** Statistics as plain JSON; a new object for each call. */
  stats(): HttpClientsStats;
  /** Adds a listener for an event; the function returned removes it. */
  on<Name extends keyof HttpClientsEvents>(event: Name, listener: (event: HttpClientsEvents[Name]) => void): () => void;
  /** Stops watching, and closes every client with these options; each gives its calls in flight `grace` to finish. */
  close(options?: CloseOptions): Promise<void>;
}
