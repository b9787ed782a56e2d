/** A registry of named clients from one configuration, which is replaced as a whole while they run. */
import { isDeepStrictEqual } from 'node:util';
import { closedError, ErrorCode, PillionError } from '../call/errors.js';
import { defaultLogger, logLevels } from '../call/logger.js';
import { type OpenClient, openClient } from '../client/client.js';
import type { CloseOptions, HttpClient, HttpClientDeps } from '../client/http-client.js';
import { type PreparedUpdate, readsFiles } from '../client/state.js';
import { eventFields } from '../policies/telemetry/log-fields.js';
import type { Transition } from '../policies/telemetry/transitions.js';
import { faultsOfMaterial } from '../transport/tls/material.js';
import { FileWatch } from '../transport/tls/watch.js';
import { changesBetween } from './diff.js';
import { type ConfigFault, spelled } from './file/config-faults.js';
import { ConfigDocument, type Path } from './file/document.js';
import { type NamedClient, ParsedClients } from './file/named-clients.js';
import type { HttpClients, HttpClientsStats } from './http-clients.js';
import type { ConfigSource } from './source.js';
import { type HttpClientsEvents, Versions } from './versions.js';

/** A version with all its clients opened and updates prepared, so that `apply` cannot fail half-way. */
interface PreparedVersion {
  apply(): void;
  discard(): void;
}

export class Registry implements HttpClients {
  readonly source: ConfigSource;
  readonly #deps: HttpClientDeps;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #clients = new Map<string, OpenClient>();
  readonly #versions: Versions;
  #applied: ParsedClients | undefined;
  /** Paths of the files that references name, also those of a rejected version. */
  #files: readonly string[] = [];
  #stop: (() => void) | undefined;
  #references: FileWatch | undefined;
  #interval: number | undefined;
  #refreshing: Promise<boolean> | undefined;
  #closing: Promise<void> | undefined;

  constructor(source: ConfigSource, deps: HttpClientDeps, env: Readonly<Record<string, string | undefined>>) {
    this.source = source;
    this.#versions = new Versions(source.name, (transition) => this.#write(transition));
    this.#deps = deps;
    this.#env = env;
  }

  /**
   * Applies the first version; with an interval, watches for later versions.
   * @throws PillionError `ERR_CONFIG` for a configuration with faults
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

  /**
   * Called by a source, maybe even after `close`, when `refresh` rejects; without the `catch` that would end the
   * process.
   */
  readonly #changed = (): void => {
    this.refresh().catch(() => {});
  };

  get names(): readonly string[] {
    return [...this.#clients.keys()];
  }

  get(name: string): HttpClient {
    const found = this.#clients.get(name);
    if (found !== undefined) return found.client;
    const why = `There is no HTTP client "${name}"; the clients in ${this.source.name} are ${this.names.join(', ')}.`;
    throw new PillionError(ErrorCode.UNKNOWN_CLIENT, why);
  }

  /**
   * One refresh at a time: a request during a refresh starts another one after it, since the first may have read old
   * contents.
   */
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

  /** Applies a version as a whole and returns no faults, or returns its faults and changes nothing. */
  #take(loaded: string | object): readonly ConfigFault[] {
    const parsed = this.#parse(loaded);
    if (parsed.faults.length > 0 || this.#isInForce(parsed)) return parsed.faults;
    const prepared = this.#prepare(parsed);
    if (parsed.faults.length > 0) {
      prepared.discard();
      return parsed.faults;
    }
    const before = this.#current();
    prepared.apply();
    this.#announce(loaded, parsed, before);
    return [];
  }

  #parse(loaded: string | object): ParsedClients {
    const input = typeof loaded === 'string' ? new ConfigDocument(loaded) : loaded;
    const parsed = new ParsedClients(input, this.source.name, { env: this.#env }, this.#applied);
    // The files of a rejected version are watched too: a change in one of them may make the version valid.
    this.#watchReferences(parsed.files);
    if (parsed.faults.length > 0 && readsFiles(this.#deps)) parsed.readMaterial();
    return parsed;
  }

  #isInForce({ clients }: ParsedClients): boolean {
    return this.#versions.number > 0 && isDeepStrictEqual(this.#current(), clients);
  }

  /** Reports the version that is in force now, with what it changed, secrets of both versions masked. */
  #announce(loaded: string | object, parsed: ParsedClients, before: readonly NamedClient[]): void {
    const first = this.#versions.number === 0;
    const replaced = this.#applied;
    this.#applied = parsed;
    const isSecret = (client: string, path: Path, value: unknown) =>
      parsed.isSecret(client, path, value) || replaced?.isSecret(client, path, value) === true;
    const text = typeof loaded === 'string' ? loaded : JSON.stringify(loaded);
    this.#versions.apply(text, first ? [] : changesBetween(before, parsed.clients, isSecret));
  }

  /** Writes a line about the configuration with the field names of the first client that logs; none where no client does. */
  #write({ level, message, ...record }: Transition): void {
    const logging = [...this.#clients.values()]
      .map(({ config }) => config.logging)
      .find((section) => section !== false);
    if (logging === undefined || logLevels.indexOf(level) < logLevels.indexOf(logging.level ?? 'debug')) return;
    const logger = this.#deps.logger ?? defaultLogger(logging.profile, logging.level);
    logger[level](eventFields(logging.profile, record), message);
  }

  #current(): NamedClient[] {
    return [...this.#clients].map(([name, { config }]) => ({ name, config }));
  }

  /**
   * Opens new clients and prepares updates of changed ones; certificates are read here, and their faults added to
   * `parsed`.
   */
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

  /**
   * Replaces the clients, in the order of the file. A client that was removed is closed; its calls in flight may
   * finish.
   */
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

  /** True when a value of the configuration in force came from a reference and must be masked. */
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

export function badConfiguration(faults: readonly ConfigFault[]): PillionError {
  const message = `Bad configuration of HTTP clients:\n  ${faults.map(spelled).join('\n  ')}`;
  return new PillionError(ErrorCode.CONFIG, message, undefined, { faults: faults.map(({ file: _, ...rest }) => rest) });
}

/** Turns an exception of `source.load` into a fault. */
export function faultOf({ name }: ConfigSource, error: unknown): ConfigFault {
  return { file: name, path: '', message: (error as Error | undefined)?.message ?? String(error) };
}
