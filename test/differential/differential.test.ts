/** Envoy and the clients imported from the same bootstrap, for the cases that do not wait long (against dist: build first). */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { root, runIn } from '../package/run.js';

interface Row {
  readonly id: string;
  readonly verdict: string;
  readonly note: string;
}

const program = fileURLToPath(new URL('run.mjs', import.meta.url));

it('Envoy and the imported clients do the same, or differ as the docs say', { timeout: 240_000 }, async ({ skip }) => {
  const { stdout, stderr } = await runIn(root, process.env, process.execPath, program, '--quick', '--json');
  expect(stderr).toBe('');
  const { rows, skipped } = JSON.parse(stdout) as { rows?: Row[]; skipped?: string };
  if (rows === undefined) {
    console.log(`Skipped: there is no Envoy, ${skipped}.`);
    return skip();
  }
  expect(rows.length).toBeGreaterThan(200);
  expect(rows.filter(({ verdict }) => verdict === 'different')).toEqual([]);
});
