/** Programs in a process of their own, over the built package. */
import { spawn } from 'node:child_process';

export interface Ended {
  readonly code: number | null;
  /** What the script reported, in its order. */
  readonly reports: readonly Report[];
  readonly stderr: string;
  /** Milliseconds from the last report to the end of the process. */
  readonly lingered: number;
}

export type Report = Readonly<Record<string, unknown>>;

/**
 * Begins every script: `report(object)` tells it to the test, `leftovers()` what keeps a process alive beside its own pipes,
 * `heap()` the bytes in use after a collection (with `--expose-gc`).
 */
const prelude = `
import { writeSync } from 'node:fs';
const report = (fields) => writeSync(1, JSON.stringify(fields) + '\\n');
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const leftovers = async () => {
  let left;
  // What was destroyed, or reads a file just now, is gone only after some turns of the event loop.
  for (let turn = 0; turn < 100 && left?.length !== 0; turn++) {
    await pause(10);
    left = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap');
  }
  return left;
};
const heap = async () => {
  for (let i = 0; i < 5; i++) {
    await pause(20);
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
};
`;

/** Runs an ES module with `pillion` as its users import it. It is killed where it has not ended by itself after `limit` ms. */
export function runChild(script: string, flags: readonly string[] = [], limit = 15_000): Promise<Ended> {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', prelude + script], {
    cwd: new URL('../..', import.meta.url),
    env: { ...process.env, NODE_OPTIONS: '', LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limit,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  let reportedAt = performance.now();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    reportedAt = performance.now();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const lingered = performance.now() - reportedAt;
      const reports = stdout
        .split('\n')
        .filter(Boolean)
        .map((text) => JSON.parse(text) as Report);
      resolve({ code, reports, stderr, lingered });
    });
  });
}
