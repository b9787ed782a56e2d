/** Files that are gone when the test ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Writes each content under its name; returns the paths. */
export function files<Name extends string>(contents: Record<Name, string | Buffer>): Record<Name, string> {
  const folder = mkdtempSync(join(tmpdir(), 'pillion-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const entries = Object.entries<string | Buffer>(contents).map(([name, content]) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return [name, path];
  });
  return Object.fromEntries(entries);
}
