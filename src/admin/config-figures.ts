/** What is told of the configuration: the version in force, and the newest one where it was refused. */
import { shortText } from '../call/redact.js';
import type { ConfigRejection, VersionStats } from '../registry/versions.js';

/** One configuration of clients. */
export interface ConfigFigures {
  /** The path of the file, or the name of its source. */
  readonly source: string;
  readonly version: number;
  readonly hash: string;
  /** Since when this version is in force. */
  readonly appliedAt: number;
  /** The newest version where it was refused, until one is applied. */
  readonly refused: RefusedConfig | null;
}

export interface RefusedConfig {
  readonly at: number;
  /** The first five, in the order of the file. */
  readonly faults: readonly ConfigFaultFigures[];
  /** How many further faults there are. */
  readonly more: number;
}

export interface ConfigFaultFigures {
  /** At most 300 characters. */
  readonly message: string;
  /** Of the option: `clients.billing.retry.maxRetries`. */
  readonly path?: string;
  readonly file?: string;
  /** Counted from 1, as the column; only of a configuration that is a text. */
  readonly line?: number;
  readonly column?: number;
}

const maxFaults = 5;

export function configFiguresOf(source: string, stats: VersionStats): ConfigFigures {
  const { version, hash, appliedAt, refused, lastRejection } = stats;
  return {
    ...{ source, version, hash, appliedAt: Date.parse(appliedAt) },
    refused: refused && lastRejection !== null ? refusedOf(lastRejection) : null,
  };
}

function refusedOf({ rejectedAt, faults }: ConfigRejection): RefusedConfig {
  const shown = faults.slice(0, maxFaults).map(({ message, path, file, line, column }) => ({
    message: shortText(message, 300),
    ...(path !== '' && { path: shortText(path, 300) }),
    file,
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
  }));
  return { at: Date.parse(rejectedAt), faults: shown, more: faults.length - shown.length };
}
