import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { version } from '../../src/client/version.js';
import { root, run } from './run.js';
import { sourceFiles } from './source.js';

const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));
const pkg = read('package.json');

describe('package.json', () => {
  it('has the version that the User-Agent tells, and so has the lock file', () => {
    expect(version).toBe(pkg.version);
    expect(read('package-lock.json').version).toBe(pkg.version);
    expect(pkg.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('is that of an ES module without side effects, for the Node versions that can require it', () => {
    expect(pkg).toMatchObject({
      name: 'pillion',
      license: 'MIT',
      type: 'module',
      sideEffects: false,
      engines: { node: '^20.19 || >=22.12' },
      bin: { pillion: './dist/cli/pillion.js' },
    });
  });

  it('exports these paths, types first, and nothing else', () => {
    const built = (folder: string) => ({ types: `./dist/${folder}index.d.ts`, default: `./dist/${folder}index.js` });
    expect(pkg.exports).toEqual({
      '.': built(''),
      './testing': built('testing/'),
      './nestjs': built('nestjs/'),
      './metrics': built('metrics/'),
      './admin': built('admin/'),
      './schema.json': './dist/schema.json',
      './package.json': './package.json',
    });
    for (const entry of Object.values<Record<string, string>>(pkg.exports)) {
      for (const path of typeof entry === 'string' ? [entry] : Object.values(entry))
        expect(existsSync(join(root, path)), path).toBe(true);
      if (typeof entry !== 'string') expect(Object.keys(entry)[0]).toBe('types');
    }
  });

  it('leaves axios and OpenTelemetry to the application, in versions that are safe', () => {
    expect(pkg.peerDependencies).toEqual({
      '@nestjs/common': '^10 || ^11 || ^12',
      '@opentelemetry/api': '^1.9.0',
      axios: '^1.19.0',
      rxjs: '^7.8.0',
    });
    // Only who imports pillion/nestjs needs them.
    expect(pkg.peerDependenciesMeta).toEqual({ '@nestjs/common': { optional: true }, rxjs: { optional: true } });
  });

  it('asks for exactly the libraries that the source imports', () => {
    const libraries = new Set(sourceFiles().flatMap(({ imports }) => imports));
    const used = [...libraries].filter((name) => !name.endsWith('.ts') && !name.startsWith('node:')).sort();
    expect(Object.keys({ ...pkg.dependencies, ...pkg.peerDependencies }).sort()).toEqual(used);
  });

  it('runs no script on the machine of who installs it', () => {
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
      expect(pkg.scripts).not.toHaveProperty(name);
  });
});

describe('the published package', () => {
  it('holds what is built and what is read, nothing else', async () => {
    const { stdout } = await run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts');
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    for (const wanted of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts'])
      expect(paths).toContain(wanted);
    const other = paths.filter((path) => !path.startsWith('dist/') && !/^(package\.json|[A-Z]+(\.md)?)$/.test(path));
    expect(other).toEqual([]);
    expect(paths.filter((path) => /test|spec/.test(path) && !path.startsWith('dist/testing/'))).toEqual([]);
  });

  it('has source maps only of sources that are there', async () => {
    const map = JSON.parse(readFileSync(join(root, 'dist/index.js.map'), 'utf8'));
    const { stdout } = await run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts');
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    const paths = new Set(files.map(({ path }) => path));
    const missing = (map.sources as string[]).filter((_, index) => map.sourcesContent?.[index] === undefined);
    for (const source of missing) expect(paths).toContain(join('dist', source));
  });
});
