import { describe, expect, it } from 'vitest';
import { sourceFiles } from './source.js';

const files = sourceFiles();
const importersOf = (library: string) =>
  files.filter(({ imports }) => imports.includes(library)).map(({ path }) => path);

describe('the source', () => {
  it('is read right: every import statement was found', () => {
    expect(files.length).toBeGreaterThan(30);
    for (const { path, imports, text } of files) {
      const lines = text.match(/^(?:(?:import|export|\}).* from|import) '[^']+';$/gm) ?? [];
      expect(imports.length, path).toBe(lines.length);
    }
  });

  it.each<[string, string[]]>([
    ['axios-retry', ['policies/retry.ts']],
    ['opossum', ['circuit.ts']],
    ['pino', ['logger.ts']],
    ['@opentelemetry/api', ['metrics/opentelemetry.ts', 'spans.ts']],
    ['fastest-levenshtein', ['options.ts']],
    ['proxy-from-env', ['transport/lane.ts']],
    ['yaml', ['config/document.ts', 'envoy/import.ts']],
  ])('knows %s in one file', (library, home) => {
    expect(importersOf(library)).toEqual(home);
  });

  it('knows Nest and RxJS in the folder for Nest only', () => {
    for (const library of ['@nestjs/common', 'rxjs'])
      for (const path of importersOf(library)) expect(path).toMatch(/^nestjs\//);
  });

  it('knows undici in the folder of transports only', () => {
    expect(importersOf('undici').length).toBeGreaterThan(0);
    for (const path of importersOf('undici')) expect(path).toMatch(/^transport\//);
  });

  it('imports only its own files, Node and the libraries above', () => {
    const libraries = new Set(files.flatMap(({ imports }) => imports.filter((name) => !name.endsWith('.ts'))));
    expect([...libraries].filter((name) => !name.startsWith('node:')).sort()).toEqual([
      '@nestjs/common',
      '@opentelemetry/api',
      'axios',
      'axios-retry',
      'fastest-levenshtein',
      'opossum',
      'pino',
      'proxy-from-env',
      'rxjs',
      'undici',
      'yaml',
      'zod',
    ]);
    const known = new Set(files.map(({ path }) => path));
    for (const { path, imports } of files)
      for (const name of imports) if (name.endsWith('.ts')) expect(known, `${path} imports ${name}`).toContain(name);
  });

  it('has no policy that imports another: only the list of them knows them', () => {
    const policies = files.filter(({ path }) => path.startsWith('policies/') && path !== 'policies/index.ts');
    expect(policies.length).toBeGreaterThan(5);
    for (const { path, imports } of policies)
      expect(
        imports.filter((name) => name.startsWith('policies/')),
        path,
      ).toEqual([]);
  });

  it('lets what policies stand on know no policy', () => {
    for (const { path, imports } of files) {
      if (!['policy.ts', 'request.ts', 'errors.ts', 'events.ts', 'call.ts', 'scope.ts'].includes(path)) continue;
      expect(
        imports.filter((name) => /^(policies|transport|config)\//.test(name)),
        path,
      ).toEqual([]);
    }
  });

  it('has no file or folder whose name says nothing', () => {
    const empty = /(^|\/)(core|common|utils?|helpers?|types|internals?|misc|shared|lib)(\.ts$|\/)/;
    expect(files.map(({ path }) => path).filter((path) => empty.test(path))).toEqual([]);
  });

  it('has no circle of imports at run time', () => {
    const runtime = new Map(files.map(({ path, runtime }) => [path, runtime.filter((name) => name.endsWith('.ts'))]));
    const circles: string[] = [];
    const walk = (path: string, trail: readonly string[]) => {
      if (trail.includes(path)) {
        circles.push([...trail.slice(trail.indexOf(path)), path].join(' > '));
        return;
      }
      for (const next of runtime.get(path) ?? []) walk(next, [...trail, path]);
    };
    walk('index.ts', []);
    for (const folder of ['testing', 'nestjs', 'metrics', 'admin']) walk(`${folder}/index.ts`, []);
    expect(circles).toEqual([]);
  });

  it('is ESM: relative imports have their extension', () => {
    for (const { path, imports } of files)
      for (const name of imports) if (name.includes('/') && !name.includes(':')) expect(name, path).toMatch(/\.ts$|^@/);
  });
});
