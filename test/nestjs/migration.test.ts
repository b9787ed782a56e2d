/** A service in CommonJS with jest and nock moves from `@nestjs/axios` by the steps of the guide, and its tests stay green. */
import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../package/run.js';
import { install, pack, temporary } from '../package/tarball.js';

const run = promisify(execFile);
const { folder, remove } = temporary('migration');
const service = join(folder, 'service');
const sources = join(service, 'src');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The end of what jest says, which has the failures and the summary. */
async function jest(): Promise<string> {
  const { stderr } = await run(join(service, 'node_modules/.bin/jest'), ['--ci'], { cwd: service }).catch(
    (error: { stderr: string }) => error,
  );
  return stderr.slice(-8000);
}

const specs = () =>
  readdirSync(sources)
    .filter((name) => name.endsWith('.spec.ts'))
    .map((name) => [name, readFileSync(join(sources, name), 'utf8')]);

beforeAll(async () => {
  cpSync(join(root, 'test/projects/nest-commonjs'), service, { recursive: true });
  await install(service);
}, 180_000);
afterAll(remove, 60_000);

describe('the tests of the service', () => {
  it('are green with @nestjs/axios', async () => {
    expect(await jest()).toMatch(/Tests: +10 passed, 10 total/);
  }, 120_000);

  // Not before the package has a build for `require`.
  it.skipIf(exports['./nestjs'].require === undefined)(
    'stay green, unchanged, once the service imports pillion/nestjs, without @nestjs/axios',
    async () => {
      const before = specs();
      await run('npm', ['uninstall', '--no-audit', '--no-fund', '@nestjs/axios'], { cwd: service });
      await install(service, await pack(folder), '@opentelemetry/api@1.9');
      for (const name of readdirSync(sources)) {
        const text = readFileSync(join(sources, name), 'utf8');
        writeFileSync(join(sources, name), text.replaceAll("'@nestjs/axios'", "'pillion/nestjs'"));
      }
      expect(specs()).toEqual(before);
      expect(await jest()).toMatch(/Tests: +10 passed, 10 total/);
      await run(join(service, 'node_modules/.bin/tsc'), ['-p', service]);
    },
    180_000,
  );
});
