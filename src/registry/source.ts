/** The interface of a configuration source, and the source that reads a file. */
import { readFileSync } from 'node:fs';
import { FileWatch } from '../transport/tls/watch.js';

/**
 * A source of configuration, such as a key-value store, an HTTP server, or a config map read through an API. It is
 * loaded at the start and after each call of `changed`; its result is parsed and validated like a file.
 */
export interface ConfigSource<Loaded = string | object | Promise<string | object>> {
  /** Shown in error messages, in place of a file's path. */
  readonly name: string;
  /** Returns the present configuration: YAML or JSON text, or an object. An exception counts as a rejected version. */
  load(): Loaded;
  /** Calls `changed` whenever `load` may return another configuration; the function returned unsubscribes. */
  subscribe?(changed: () => void): () => void;
}

/**
 * A source that reads a YAML or JSON file; `interval` is the time between comparisons of its contents, in milliseconds.
 */
export function fileSource(path: string, interval: number): ConfigSource<string> {
  return {
    name: path,
    load: () => readText(path),
    subscribe: (changed) => {
      const watch = new FileWatch([path], interval, changed);
      return () => watch.close();
    },
  };
}

/** @throws Error with the reason; the caller adds the path */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`);
  }
}
