/** The faults of a configuration of clients, each with its place in the file. */
import type { OptionProblem } from '../../call/errors.js';
import type { HttpClientConfig } from '../../client/config/config.js';
import { shownPath } from '../../options/options.js';
import type { ConfigDocument } from './document.js';

/** The contents of a configuration file: named clients and their common defaults. */
export interface HttpClientsConfig {
  /**
   * Options merged under each of `clients`: objects key by key; a client's list or other value replaces that of
   * `defaults`.
   */
  defaults?: Omit<HttpClientConfig, 'name'>;
  /** Options by client name. `false` for an optional section removes the section that `defaults` sets. */
  clients: Record<string, Omit<HttpClientConfig, 'name'>>;
}

/** An error in a configuration, or a warning about a likely mistake. */
export interface ConfigFault extends OptionProblem {
  /** The path of the file, or the name of the `ConfigSource`. */
  readonly file: string;
}

/** Formats a fault as `file:line:column path message`. */
export function spelled({ file, line, column, path, message }: ConfigFault): string {
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  return path === '' ? `${place} ${message}` : `${place} ${path} ${message}`;
}

/** The syntax faults of a text. */
export function textFaults({ faults }: ConfigDocument, file: string): ConfigFault[] {
  return faults.map(({ path, ...rest }) => ({ file, path: shownPath(path), ...rest }));
}

/** Sorts faults by their position in the file. */
export function inOrder(faults: readonly ConfigFault[]): ConfigFault[] {
  return [...faults].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}
