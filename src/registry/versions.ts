/** Keeps the version of a configuration in force and the last rejected one, for events, log lines and `stats()`. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Events } from '../call/events.js';
import { harmless } from '../call/harmless.js';
import type { Transition } from '../policies/telemetry/transitions.js';
import type { ConfigChange } from './diff.js';
import { type ConfigFault, spelled } from './file/config-faults.js';

/** A version of the configuration that was applied. */
export interface ConfigVersion {
  /** Counts from 1. */
  readonly version: number;
  /** First 12 hexadecimal digits of the SHA-256 of the text, so that processes can be compared. */
  readonly hash: string;
  /** The path of the file, or the name of the `ConfigSource`. */
  readonly source: string;
  /** Time in ISO 8601. */
  readonly appliedAt: string;
  /** Changes since the previous version, with secrets masked; empty for the first version. */
  readonly changes: readonly ConfigChange[];
}

/** A version of the configuration that was rejected; its own fields describe the first fault. */
export interface ConfigRejection extends ConfigFault {
  /** Time in ISO 8601. */
  readonly rejectedAt: string;
  /** All faults, in the order of the file. */
  readonly faults: readonly ConfigFault[];
}

/** The events of a registry. */
export interface HttpClientsEvents {
  /** A new version was applied to all clients. */
  'config.applied': ConfigVersion;
  /** An invalid version was rejected; all clients keep the version in force. */
  'config.rejected': ConfigRejection;
}

/** The version in force, and the rejected ones. */
export interface VersionStats extends ConfigVersion {
  /** Number of rejected versions since the start. */
  rejected: number;
  /** The last rejection with its faults; null if there was none. */
  lastRejection: ConfigRejection | null;
  /** True while the version loaded last is rejected, so that an older one is in force. */
  refused: boolean;
}

/** Records applied and rejected versions, logs them, and emits their events. */
export class Versions {
  readonly events = new Events<HttpClientsEvents>();
  readonly #source: string;
  readonly #write: (transition: Transition) => void;
  #version: ConfigVersion;
  #rejected = 0;
  #lastRejection: ConfigRejection | null = null;
  #refused: readonly ConfigFault[] = [];

  /** `write` writes a log line. */
  constructor(source: string, write: (transition: Transition) => void) {
    this.#source = source;
    this.#write = write;
    this.#version = { version: 0, hash: '', source, appliedAt: '', changes: [] };
  }

  /** Number of the version in force; 0 before the first. */
  get number(): number {
    return this.#version.version;
  }

  apply(text: string, changes: readonly ConfigChange[]): void {
    const version = this.number + 1;
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
    this.#version = { version, hash, source: this.#source, appliedAt: new Date().toISOString(), changes };
    this.#log({
      level: 'info',
      event: 'config.applied',
      details: { config_version: version, config_hash: hash, config_source: this.#source, changes: changes.map(told) },
      message: `configuration applied: version ${version} of ${this.#source} is in force`,
    });
    this.events.emit('config.applied', this.#version);
  }

  /** Reports a rejected version, once while its faults stay the same. An empty list marks the version as valid. */
  reject(faults: readonly ConfigFault[]): void {
    const known = isDeepStrictEqual(faults, this.#refused);
    this.#refused = faults;
    const [first] = faults;
    if (known || first === undefined) return;
    this.#rejected++;
    this.#lastRejection = { ...first, rejectedAt: new Date().toISOString(), faults };
    const { path, message, line, column } = first;
    const place = { file: first.file, line, column, path: path === '' ? undefined : path };
    this.#log({
      level: 'warn',
      event: 'config.rejected',
      details: {
        ...{ config_version: this.number, config_source: this.#source, ...place, reason: message },
        faults: faults.map(spelled),
      },
      message: `configuration rejected, version ${this.number} stays in force: ${spelled(first)}`,
    });
    this.events.emit('config.rejected', this.#lastRejection);
  }

  stats(): VersionStats {
    const refused = this.#refused.length > 0;
    return { ...this.#version, rejected: this.#rejected, lastRejection: this.#lastRejection, refused };
  }

  #log(transition: Transition): void {
    harmless(() => this.#write(transition));
  }
}

/** A change as text: values of many kinds under one name would be refused by an index of logs. */
function told({ client, path, before, after }: ConfigChange): string {
  if (path === '') return `${client}: ${String(after ?? before)}`;
  return `${client} ${path}: ${JSON.stringify(before) ?? 'not set'} -> ${JSON.stringify(after) ?? 'not set'}`;
}
