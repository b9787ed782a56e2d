/** The tarball: what linters of packages say, how large it is, and whether it runs where it shall. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, run } from './run.js';
import { compile, install, pack, temporary } from './tarball.js';

const { folder, remove } = temporary('package');
let tarball: string;
beforeAll(async () => {
  tarball = await pack(folder);
}, 60_000);
afterAll(remove);

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
};
const entries = Object.keys(exports).filter((path) => !path.endsWith('.json'));
const moduleOf = (entry: string) => entry.replace(/^\./, 'pillion');

describe('the tarball', () => {
  it('has nothing that publint finds fault with', async () => {
    expect((await publint({ pkgDir: root, strict: true })).messages).toEqual([]);
  });

  it('has types that are right for every way to resolve them that an ES module has', async () => {
    const { problems } = (await checkPackage(createPackageFromTarballData(readFileSync(tarball)))) as {
      problems: readonly { kind: string; resolutionKind?: string }[];
    };
    const wrong = problems.filter(({ kind, resolutionKind }) => {
      // TypeScript's oldest way knows no `exports`; and Node requires ES modules since 20.19.
      return resolutionKind !== 'node10' && kind !== 'CJSResolvesToESM';
    });
    expect(wrong).toEqual([]);
  });

  it('is no larger than it was: packed, unpacked and in files (recorded in size.json; a tenth is free)', async () => {
    const { stdout } = await run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts');
    const [{ unpackedSize, entryCount }] = JSON.parse(stdout) as [{ unpackedSize: number; entryCount: number }];
    const kilobytes = (bytes: number) => Math.round(bytes / 1000);
    const now = { packed: kilobytes(statSync(tarball).size), unpacked: kilobytes(unpackedSize), files: entryCount };
    const recorded = JSON.parse(readFileSync(new URL('size.json', import.meta.url), 'utf8')) as typeof now;
    for (const name of ['packed', 'unpacked', 'files'] as const) {
      expect(now[name], `${name}; if that is meant, write it into size.json`).toBeLessThan(recorded[name] * 1.1);
      expect(now[name], `${name} has shrunk: write it into size.json`).toBeGreaterThan(recorded[name] * 0.8);
    }
  });
});

/** Node of other major versions; npm has its binaries in packages by platform. */
const platform = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const versions = [20, 22, 24];

const program = (imports: string) => `${imports}
(async () => {
  const client = createTestClient([503, { data: { id: 42 } }]);
  const { data } = await client.get('/invoices/42');
  const answer = await createTestClient([{ data: 'fetched' }]).fetch('/x');
  const admin = createAdmin([client]);
  const { url } = await admin.listen();
  const ready = await (await fetch(url + 'ready')).json();
  console.log(JSON.stringify([data.id, client.stats().attempts, await answer.text(), ready.status, typeof HttpClientModule, typeof recordMetrics, createHttpClient().pipeline.length > 5]));
  await admin.close();
})();
`;
const expected = '[42,2,"fetched","up","function","function",true]\n';

const names: Record<string, string> = {
  '.': 'createHttpClient',
  './testing': 'createTestClient',
  './nestjs': 'HttpClientModule',
  './metrics': 'recordMetrics',
  './admin': 'createAdmin',
};

describe('installed', () => {
  const project = join(folder, 'project');
  const write = (name: string, text: string) => {
    mkdirSync(join(project, name, '..'), { recursive: true });
    writeFileSync(join(project, name), text);
  };
  const nodeOf = (version: number) => join(folder, `node-${version}`, 'node_modules', platform, 'bin', 'node');

  beforeAll(async () => {
    const peers = ['axios@1', '@opentelemetry/api@1.9', '@nestjs/common@11', 'rxjs@7', 'reflect-metadata@0.2'];
    await Promise.all([
      install(project, tarball, ...peers, '@types/node@20'),
      ...versions.map((version) => install(join(folder, `node-${version}`), `${platform}@${version}`)),
    ]);
    const esm = entries.map((entry) => `import { ${names[entry]} } from '${moduleOf(entry)}';`).join('\n');
    const cjs = entries.map((entry) => `const { ${names[entry]} } = require('${moduleOf(entry)}');`).join('\n');
    write('run.mjs', program(esm));
    write('run.cjs', program(cjs));
    const typed = (extra: string) => `${esm}
import type { HttpClient, HttpClientConfig, Logger } from 'pillion';
const config: HttpClientConfig = { name: 'a', timeouts: { total: '1s' } };
export const client: HttpClient = createHttpClient(config);
export const test = createTestClient([200]);
export const answer: Promise<{ data: { id: number } }> = client.get<{ id: number }>('/x', { idempotencyKey: true, retry: { maxRetries: 1 } });
export const fetched: typeof globalThis.fetch = client.fetch;
export const used = [HttpClientModule, recordMetrics([client]), createAdmin([client])];
export type L = Logger;
${extra}`;
    write(
      'types/a.mts',
      typed("import axios from 'axios';\nimport { usePolicies } from 'pillion';\nusePolicies(axios.create());"),
    );
    write(
      'types/b.cts',
      typed("import axios from 'axios';\nimport { usePolicies } from 'pillion';\nusePolicies(axios.create());"),
    );
    write('dom/a.mts', typed(''));
    const options = {
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      target: 'ES2023',
      types: ['node'],
      experimentalDecorators: true,
    };
    const lib = ['ES2023', 'ESNext.Disposable'];
    write(
      'types/tsconfig.json',
      JSON.stringify({ compilerOptions: { ...options, lib, module: 'NodeNext' }, include: ['.'] }),
    );
    const bundler = { module: 'ESNext', moduleResolution: 'Bundler', lib: [...lib, 'DOM', 'DOM.Iterable'] };
    write('dom/tsconfig.json', JSON.stringify({ compilerOptions: { ...options, ...bundler }, include: ['.'] }));
  }, 240_000);

  describe.each(versions)('on Node %d', (version) => {
    it.each(['run.mjs', 'run.cjs'])(
      '%s loads every entry and works, without a warning',
      async (file) => {
        const { stdout, stderr, code } = await run(nodeOf(version), join(project, file));
        expect({ stdout, stderr, code }).toEqual({ stdout: expected, stderr: '', code: 0 });
      },
      30_000,
    );
  });

  it(
    'compiles as strict TypeScript, libraries checked too: ES modules and CommonJS',
    () => compile(join(project, 'types')),
    60_000,
  );

  it('compiles for a bundler, with the types of the DOM', () => compile(join(project, 'dom')), 60_000);

  it('has a command line', async () => {
    const { stdout, code } = await run(process.execPath, join(project, 'node_modules/pillion/dist/cli.js'), 'schema');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveProperty('$schema');
  });

  it('needs Nest and RxJS only for what is for Nest', async () => {
    const bare = join(folder, 'bare');
    await install(bare, tarball, 'axios@1', '@opentelemetry/api@1.9');
    const load = `for (const name of ${JSON.stringify(entries.filter((entry) => entry !== './nestjs').map(moduleOf))}) await import(name);`;
    writeFileSync(join(bare, 'load.mjs'), load);
    expect(await run(process.execPath, join(bare, 'load.mjs'))).toEqual({ code: 0, stdout: '', stderr: '' });
    // Its peers and what they bring along are among them.
    const lock = JSON.parse(readFileSync(join(bare, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, object>;
    };
    const { packages } = JSON.parse(readFileSync(new URL('size.json', import.meta.url), 'utf8')) as {
      packages: number;
    };
    expect(Object.keys(lock.packages).length - 1, 'packages installed; recorded in size.json').toBeLessThanOrEqual(
      packages,
    );
  }, 60_000);
});
