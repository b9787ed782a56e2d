/** Which version of a configuration is in force and which was refused last: told by event, log line and stats. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Events } from '../call/events.js';
import { harmless } from '../call/harmless.js';
import type { Logger } from '../call/logger.js';
import type { ConfigChange } from './diff.js';
import { type ConfigFault, spelled } from './file/clients.js';

/** A version that was put in force. */
export interface ConfigVersion {
  /** 1 for the first. */
  readonly version: number;
  /** First 12 digits of the SHA-256 of the text: the same in every process that has it. */
  readonly hash: string;
  /** A file's path, or the name of a `ConfigSource`. */
  readonly source: string;
  /** ISO 8601. */
  readonly appliedAt: string;
  /** Against the version before, secrets masked; empty for the first. */
  readonly changes: readonly ConfigChange[];
}

/** A version that was refused. The first fault, and all of them. */
export interface ConfigRejection extends ConfigFault {
  /** ISO 8601. */
  readonly rejectedAt: string;
  /** All of them, in the order of the file. */
  readonly faults: readonly ConfigFault[];
}

/** What a registry tells of its configuration. */
export interface HttpClientsEvents {
  /** Another version is in force in all clients. */
  'config.applied': ConfigVersion;
  /** A version that cannot be used; what was in force stays, in all clients. */
  'config.rejected': ConfigRejection;
}

/** The version in force, and what was refused. */
export interface VersionStats extends ConfigVersion {
  /** How many versions were refused. */
  rejected: number;
  /** What was refused last, and why; null where nothing was. */
  lastRejection: ConfigRejection | null;
  /** True while what was loaded last is refused, and the version in force is an older one. */
  refused: boolean;
}

export class Versions {
  readonly events = new Events<HttpClientsEvents>();
  readonly #source: string;
  readonly #logger: () => Logger;
  #version: ConfigVersion;
  #rejected = 0;
  #lastRejection: ConfigRejection | null = null;
  #refused: readonly ConfigFault[] = [];

  constructor(source: string, logger: () => Logger) {
    this.#source = source;
    this.#logger = logger;
    this.#version = { version: 0, hash: '', source, appliedAt: '', changes: [] };
  }

  /** Of the version in force; 0 before the first. */
  get number(): number {
    return this.#version.version;
  }

  apply(text: string, changes: readonly ConfigChange[]): void {
    const version = this.number + 1;
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
    this.#version = { version, hash, source: this.#source, appliedAt: new Date().toISOString(), changes };
    const { appliedAt: _, ...told } = this.#version;
    this.#log('info', told, 'configuration applied');
    this.events.emit('config.applied', this.#version);
  }

  /** Told once for as long as the faults stay the same; none: what was looked at is good. */
  reject(faults: readonly ConfigFault[]): void {
    const known = isDeepStrictEqual(faults, this.#refused);
    this.#refused = faults;
    const [first] = faults;
    if (known || first === undefined) return;
    this.#rejected++;
    this.#lastRejection = { ...first, rejectedAt: new Date().toISOString(), faults };
    const told = { source: this.#source, version: this.number, faults: faults.map(spelled) };
    this.#log('warn', told, 'configuration rejected, the one before stays in force');
    this.events.emit('config.rejected', this.#lastRejection);
  }

  stats(): VersionStats {
    const refused = this.#refused.length > 0;
    return { ...this.#version, rejected: this.#rejected, lastRejection: this.#lastRejection, refused };
  }

  #log(level: 'info' | 'warn', fields: object, message: string): void {
    harmless(() => this.#logger()[level](fields, message));
  }
}
