/** Where a configuration of clients comes from: a file, an object, or whatever else can be loaded and tells of changes. */
import { readFileSync } from 'node:fs';
import { FileWatch } from '../transport/tls/watch.js';

/**
 * Anything that holds a configuration: a key-value store, an HTTP server, a config map read through an API.
 * It is asked again whenever it says so; what it gives is parsed and validated like a file.
 */
export interface ConfigSource<Loaded = string | object | Promise<string | object>> {
  /** Shown in messages, in place of a file's path. */
  readonly name: string;
  /** The configuration as it is now: YAML or JSON text, or an object. What it throws is a rejection. */
  load(): Loaded;
  /** Calls `changed` whenever `load` may give something else; the function returned ends that. */
  subscribe?(changed: () => void): () => void;
}

/** A YAML or JSON file. */
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

/** @throws Error that says why, without the path */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`);
  }
}
