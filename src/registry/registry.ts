/** Many named clients from one configuration, changed together while they run. */
import { isDeepStrictEqual } from 'node:util';
import { closedError, ErrorCode, PillionError } from '../call/errors.js';
import { defaultLogger } from '../call/logger.js';
import {
  type CloseOptions,
  type HttpClient,
  type HttpClientDeps,
  type OpenClient,
  openClient,
  type PreparedUpdate,
  readsFiles,
} from '../client/client.js';
import type { HttpClientStats } from '../client/stats.js';
import { type Duration, duration, parseOptions } from '../options/options.js';
import { faultsOfMaterial } from '../transport/tls/material.js';
import { FileWatch } from '../transport/tls/watch.js';
import { changesBetween } from './diff.js';
import { type ConfigFault, type HttpClientsConfig, type NamedClient, ParsedClients, spelled } from './file/clients.js';
import { ConfigDocument, type Path } from './file/document.js';
import { type ConfigSource, fileSource } from './source.js';
import { type HttpClientsEvents, type VersionStats, Versions } from './versions.js';

/** Code that stands beside the configuration; all clients get the same. */
export interface HttpClientsDeps extends HttpClientDeps {
  /**
   * Look for changes of the file, and of files that `${file:…}` names, and put them in force: false by default.
   * An interval says how often contents are compared (5 s by default); a watch on the folder mostly comes first.
   */
  watch?: boolean | { interval: Duration };
  /** Where `${NAME}` is looked up; `process.env` by default. */
  env?: Readonly<Record<string, string | undefined>>;
}

/** What a registry and its clients tell of themselves. */
export interface HttpClientsStats {
  /** Which version is in force, and what was refused. */
  config: VersionStats;
  /** By name. */
  clients: Record<string, HttpClientStats>;
}

/** Clients by name. */
export interface HttpClients extends AsyncDisposable {
  /**
   * The client of a name: the same one through all versions of the configuration.
   * @throws PillionError `ERR_UNKNOWN_CLIENT` that lists the names there are
   */
  get(name: string): HttpClient;
  /** In the order of the configuration. */
  readonly names: readonly string[];
  /** Loads the configuration now. True where another version was put in force; one that cannot be used is refused with an event. */
  refresh(): Promise<boolean>;
  /** As plain JSON; made anew each time. */
  stats(): HttpClientsStats;
  /** Adds a listener for an event; the function returned takes it away again. */
  on<Name extends keyof HttpClientsEvents>(event: Name, listener: (event: HttpClientsEvents[Name]) => void): () => void;
  /** Stops watching and closes every client. */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Opens the clients that a YAML or JSON file, an object or a `ConfigSource` names. A file and an object are read at once;
 * a source whose `load` is asynchronous gives a promise.
 * @throws PillionError `ERR_CONFIG` that lists every fault as `file:line:column path message`
 */
export function loadHttpClients(config: string | HttpClientsConfig, deps?: HttpClientsDeps): HttpClients;
export function loadHttpClients(config: ConfigSource<string | object>, deps?: HttpClientsDeps): HttpClients;
export function loadHttpClients(config: ConfigSource, deps?: HttpClientsDeps): Promise<HttpClients>;
export function loadHttpClients(
  config: string | HttpClientsConfig | ConfigSource,
  { watch = false, env = process.env, ...deps }: HttpClientsDeps = {},
): HttpClients | Promise<HttpClients> {
  const interval = watchInterval(watch);
  const source = sourceOf(config, interval);
  const registry = new Registry(source, deps, env);
  // A source of the caller's is listened to wherever it can tell of changes: that is what it was written for.
  const watched = interval ?? (isSource(config) ? standardInterval : undefined);
  const unloadable = (error: unknown) => {
    throw badConfiguration([faultOf(source, error)]);
  };
  let loaded: ReturnType<ConfigSource['load']>;
  try {
    loaded = source.load();
  } catch (error) {
    return unloadable(error);
  }
  if (!(loaded instanceof Promise)) return registry.open(loaded, watched);
  return loaded.catch(unloadable).then((document) => registry.open(document, watched));
}

const standardInterval = 5000;

function watchInterval(watch: HttpClientsDeps['watch']): number | undefined {
  if (!watch) return undefined;
  return watch === true
    ? standardInterval
    : parseOptions(duration({ min: 20 }), watch.interval, 'deps.watch.interval', ['deps', 'watch', 'interval']);
}

function isSource(config: object | string): config is ConfigSource {
  return typeof config === 'object' && typeof (config as Partial<ConfigSource>).load === 'function';
}

function sourceOf(config: string | HttpClientsConfig | ConfigSource, interval = standardInterval): ConfigSource {
  if (typeof config === 'string') return fileSource(config, interval);
  return isSource(config) ? config : { name: 'the configuration', load: () => config };
}

/** Everything that a version needs, made already: what remains cannot fail. */
interface PreparedVersion {
  apply(): void;
  discard(): void;
}

class Registry implements HttpClients {
  readonly source: ConfigSource;
  readonly #deps: HttpClientDeps;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #clients = new Map<string, OpenClient>();
  readonly #versions: Versions;
  #applied: ParsedClients | undefined;
  /** Files that references name. */
  #files: readonly string[] = [];
  #stop: (() => void) | undefined;
  #references: FileWatch | undefined;
  #interval: number | undefined;
  #refreshing: Promise<boolean> | undefined;
  #closing: Promise<void> | undefined;

  constructor(source: ConfigSource, deps: HttpClientDeps, env: Readonly<Record<string, string | undefined>>) {
    this.source = source;
    this.#versions = new Versions(source.name, () => deps.logger ?? defaultLogger());
    this.#deps = deps;
    this.#env = env;
  }

  /**
   * Puts the first version in force, and later ones where an interval says how often to look for them.
   * @throws PillionError ERR_CONFIG
   */
  open(loaded: string | object, interval: number | undefined): this {
    const faults = this.#take(loaded);
    if (faults.length > 0) throw badConfiguration(faults);
    this.#interval = interval;
    if (interval === undefined) return this;
    this.#stop = this.source.subscribe?.(this.#changed);
    this.#watchReferences(this.#files);
    return this;
  }

  /** A source may go on telling of changes after the end; nobody awaits these refreshes. */
  readonly #changed = (): void => {
    this.refresh().catch(() => {});
  };

  get names(): readonly string[] {
    return [...this.#clients.keys()];
  }

  get(name: string): HttpClient {
    const found = this.#clients.get(name);
    if (found !== undefined) return found.client;
    const why = `There is no HTTP client "${name}"; ${this.source.name} names ${this.names.join(', ')}.`;
    throw new PillionError(ErrorCode.UNKNOWN_CLIENT, why);
  }

  /** One at a time: who asks during a refresh waits for one that begins after it. */
  async refresh(): Promise<boolean> {
    if (this.#closing !== undefined) throw closedError(this.source.name);
    const before = this.#refreshing;
    const refreshing = (async () => {
      await before;
      return this.#closing === undefined && this.#load();
    })();
    this.#refreshing = refreshing;
    return refreshing;
  }

  async #load(): Promise<boolean> {
    const { number } = this.#versions;
    let faults: readonly ConfigFault[];
    try {
      const loaded = await this.source.load();
      faults = this.#closing === undefined ? this.#take(loaded) : [];
    } catch (error) {
      faults = [faultOf(this.source, error)];
    }
    this.#versions.reject(faults);
    return this.#versions.number !== number;
  }

  /** Puts a version in force as a whole, or tells why not and changes nothing. */
  #take(loaded: string | object): readonly ConfigFault[] {
    const input = typeof loaded === 'string' ? new ConfigDocument(loaded) : loaded;
    const parsed = new ParsedClients(input, this.source.name, { env: this.#env });
    // Also those of a version that is refused: it may become good by them alone.
    this.#watchReferences(parsed.files);
    if (parsed.faults.length > 0) {
      if (readsFiles(this.#deps)) parsed.readMaterial();
      return parsed.faults;
    }
    const before = this.#current();
    const first = this.#versions.number === 0;
    if (!first && isDeepStrictEqual(before, parsed.clients)) return [];
    const prepared = this.#prepare(parsed);
    if (parsed.faults.length > 0) {
      prepared.discard();
      return parsed.faults;
    }
    prepared.apply();
    const text = typeof loaded === 'string' ? loaded : JSON.stringify(loaded);
    const replaced = this.#applied;
    this.#applied = parsed;
    const isSecret = (client: string, path: Path, value: unknown) =>
      parsed.isSecret(client, path, value) || replaced?.isSecret(client, path, value) === true;
    this.#versions.apply(text, first ? [] : changesBetween(before, parsed.clients, isSecret));
    return [];
  }

  #current(): NamedClient[] {
    return [...this.#clients].map(([name, { config }]) => ({ name, config }));
  }

  /** Opens what is new, prepares what changed; the faults of certificates come out here. */
  #prepare(parsed: ParsedClients): PreparedVersion {
    const opened = new Map<string, OpenClient>();
    const updates: PreparedUpdate[] = [];
    for (const { name, config } of parsed.clients) {
      const known = this.#clients.get(name);
      try {
        if (known === undefined) opened.set(name, openClient(config, this.#deps));
        else if (!isDeepStrictEqual(known.config, config)) updates.push(known.prepare(config));
      } catch (error) {
        for (const fault of faultsOfMaterial(error)) parsed.fault(name, fault);
      }
    }
    return {
      apply: () => {
        for (const update of updates) update.apply();
        this.#replace(parsed.clients, opened);
      },
      discard: () => {
        for (const update of updates) update.discard();
        for (const { client } of opened.values()) void client.close({ grace: 0 });
      },
    };
  }

  /** In the order of the file. Who is no longer named finishes what runs. */
  #replace(named: readonly NamedClient[], opened: Map<string, OpenClient>): void {
    const before = new Map(this.#clients);
    this.#clients.clear();
    for (const { name } of named) this.#clients.set(name, (before.get(name) ?? opened.get(name)) as OpenClient);
    for (const [name, { client }] of before) if (!this.#clients.has(name)) void client.close();
  }

  #watchReferences(files: readonly string[]): void {
    const same = isDeepStrictEqual(files, this.#files);
    this.#files = files;
    if (this.#interval === undefined || (same && this.#references !== undefined)) return;
    this.#references?.close();
    this.#references = files.length === 0 ? undefined : new FileWatch(files, this.#interval, this.#changed);
  }

  /** Of the configuration in force: whether a value came from a reference that hides it. */
  isSecret(client: string, path: Path, value: unknown): boolean {
    return this.#applied?.isSecret(client, path, value) ?? false;
  }

  on<Name extends keyof HttpClientsEvents>(name: Name, listener: (event: HttpClientsEvents[Name]) => void): () => void {
    return this.#versions.events.on(name, listener);
  }

  stats(): HttpClientsStats {
    const clients = [...this.#clients].map(([name, { client }]) => [name, client.stats()]);
    return { config: this.#versions.stats(), clients: Object.fromEntries(clients) };
  }

  close(options?: CloseOptions): Promise<void> {
    this.#closing ??= this.#shutDown(options);
    return this.#closing;
  }

  async #shutDown(options?: CloseOptions): Promise<void> {
    this.#stop?.();
    this.#references?.close();
    await Promise.all([...this.#clients.values()].map(({ client }) => client.close(options)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function badConfiguration(faults: readonly ConfigFault[]): PillionError {
  const message = `Bad configuration of HTTP clients:\n  ${faults.map(spelled).join('\n  ')}`;
  return new PillionError(ErrorCode.CONFIG, message, undefined, { faults: faults.map(({ file: _, ...rest }) => rest) });
}

/** What a source throws says what is wrong with it. */
function faultOf({ name }: ConfigSource, error: unknown): ConfigFault {
  return { file: name, path: '', message: (error as Error | undefined)?.message ?? String(error) };
}
