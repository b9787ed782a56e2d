import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { version } from '../../src/call/version.js';
import { root, run } from './run.js';
import { librariesOnDemand, sourceFiles } from './source.js';

const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));
const pkg = read('package.json');

describe('package.json', () => {
  it('has the version that the User-Agent tells, and so has the lock file', () => {
    expect(version).toBe(pkg.version);
    expect(read('package-lock.json').version).toBe(pkg.version);
    expect(pkg.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('is that of a package without side effects, for the Node versions that can require its libraries', () => {
    expect(pkg).toMatchObject({
      name: 'pillion',
      license: 'MIT',
      type: 'module',
      sideEffects: false,
      engines: { node: '^20.19 || >=22.12' },
      bin: { pillion: './dist/esm/cli/pillion.js' },
    });
  });

  const folders = ['testing', 'nestjs', 'metrics', 'admin', 'sidecar'];

  it('exports these paths, as ES modules and as CommonJS, types first, and nothing else', () => {
    const of = (build: string, entry: string) => ({
      types: `./dist/${build}/${entry}.d.ts`,
      default: `./dist/${build}/${entry}.js`,
    });
    const built = (entry: string) => ({ import: of('esm', entry), require: of('cjs', entry) });
    expect(pkg.exports).toEqual({
      '.': built('index'),
      ...Object.fromEntries(folders.map((folder) => [`./${folder}`, built(`${folder}/index`)])),
      './schema.json': './dist/schema.json',
      './package.json': './package.json',
    });
    for (const entry of Object.values<Record<string, Record<string, string>>>(pkg.exports)) {
      if (typeof entry === 'string') continue;
      for (const paths of Object.values(entry)) expect(Object.keys(paths)).toEqual(['types', 'default']);
    }
  });

  it('leads tools that know no exports to CommonJS, and TypeScript of that kind to types that fit those of axios', () => {
    // axios has its types for ES modules there.
    expect(pkg).toMatchObject({ main: './dist/cjs/index.js', types: './dist/esm/index.d.ts' });
    expect(pkg.typesVersions).toEqual({
      '*': {
        ...Object.fromEntries(folders.map((folder) => [folder, [`./dist/esm/${folder}/index.d.ts`]])),
        'schema.json': ['./dist/schema.json'],
      },
    });
  });

  it('names only files that are there', () => {
    const pathsIn = (value: unknown): string[] =>
      typeof value === 'string' ? [value] : Object.values(value as object).flatMap(pathsIn);
    const { main, types, typesVersions, exports, bin } = pkg;
    for (const path of pathsIn({ main, types, typesVersions, exports, bin }))
      expect(existsSync(join(root, path)), path).toBe(true);
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
    const libraries = new Set([...sourceFiles().flatMap(({ imports }) => imports), ...librariesOnDemand()]);
    const used = [...libraries].filter((name) => !/\.(ts|cjs|md|html)$|^node:/.test(name)).sort();
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
    for (const wanted of [
      'package.json',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'dist/esm/index.js',
      'dist/cjs/index.d.ts',
    ])
      expect(paths).toContain(wanted);
    const other = paths.filter((path) => !path.startsWith('dist/') && !/^(package\.json|[A-Z]+(\.md)?)$/.test(path));
    expect(other).toEqual([]);
    expect(
      paths.filter((path) => /test|spec/.test(path) && !/^dist\/(esm|cjs)\/(code\/)?testing\b/.test(path)),
    ).toEqual([]);
  });

  it('has no source maps: the code keeps its names and comments', async () => {
    const { stdout } = await run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts');
    expect(stdout).not.toMatch(/\.map"/);
    expect(readFileSync(join(root, 'dist/cjs/code/client.js'), 'utf8')).not.toContain('sourceMappingURL');
  });
});
