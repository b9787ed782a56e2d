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
    ['axios-retry', ['policies/retries/retry.ts']],
    ['opossum', ['policies/circuit.ts']],
    ['pino', ['call/logger.ts']],
    ['@opentelemetry/api', ['metrics/opentelemetry.ts', 'policies/spans.ts']],
    ['fastest-levenshtein', ['options/options.ts']],
    ['proxy-from-env', ['transport/lane.ts']],
    ['yaml', ['envoy/import.ts', 'registry/file/document.ts']],
  ])('knows %s in one file', (library, home) => {
    expect(importersOf(library)).toEqual(home);
  });

  it('knows Nest and RxJS in the folder for Nest only', () => {
    for (const library of ['@nestjs/common', 'rxjs'])
      for (const path of importersOf(library)) expect(path).toMatch(/^nestjs\//);
  });

  it('knows undici in the folder of transports, and in the dispatcher that is made for it, only', () => {
    expect(importersOf('undici').length).toBeGreaterThan(0);
    for (const path of importersOf('undici'))
      expect(path).toMatch(
        /^transport\/|^sidecar\/(dispatcher|dispatch-options|forwarded-request|handlers|undici-errors)\.ts$/,
      );
  });

  it('imports only its own files, Node and the libraries above', () => {
    const libraries = new Set(files.flatMap(({ imports }) => imports.filter((name) => !/\.(ts|md|html)$/.test(name))));
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

  it('is ESM: relative imports have their extension', () => {
    for (const { path, imports } of files)
      for (const name of imports)
        if (name.includes('/') && !name.includes(':')) expect(name, path).toMatch(/\.(ts|md|html)$|^@/);
  });
});
