/**
 * Reports when the contents of files change: polls them, sooner where a watch on their folders fires, and never keeps a
 * process alive.
 */
import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** A rotation causes several events: all within this many milliseconds count as one change. */
const settle = 50;

/**
 * Compares contents, not names: a Kubernetes `..data` swap, a rename and a write in place all count, a touch does not.
 * Calls `onChange` once at the start too, for what changed since the caller read the files.
 */
export class FileWatch {
  readonly #paths: readonly string[];
  readonly #interval: number;
  readonly #onChange: () => void;
  readonly #folders: FSWatcher[];
  #timer: NodeJS.Timeout | undefined;
  #settling: NodeJS.Timeout | undefined;
  #seen: string | undefined;
  #closed = false;

  constructor(paths: readonly string[], interval: number, onChange: () => void) {
    this.#paths = [...new Set(paths)];
    this.#interval = interval;
    this.#onChange = onChange;
    this.#folders = [...new Set(this.#paths.map(dirname))].flatMap((folder) => this.#watchFolder(folder));
    this.#hasten();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#settling);
    for (const folder of this.#folders) folder.close();
  }

  /**
   * Watches the folder, since a watch on the file itself stops when the file is replaced. Where no watch works, polling
   * is enough.
   */
  #watchFolder(folder: string): FSWatcher[] {
    const names = new Set(this.#paths.filter((path) => dirname(path) === folder).map((path) => basename(path)));
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || names.has(name) || name.startsWith('..')) this.#hasten();
      });
      return [watcher.on('error', () => watcher.close())];
    } catch {
      return [];
    }
  }

  #hasten(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      clearTimeout(this.#timer);
      void this.#look();
    }, settle).unref();
  }

  async #look(): Promise<void> {
    const contents = await digest(this.#paths);
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), this.#interval).unref();
    if (contents === this.#seen) return;
    this.#seen = contents;
    this.#onChange();
  }
}

async function digest(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    const content = await readFile(path).catch((error: NodeJS.ErrnoException) => `unreadable: ${error.code}`);
    hash.update(`${content.length}:`).update(content);
  }
  return hash.digest('hex');
}
