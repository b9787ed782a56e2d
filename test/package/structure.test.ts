import { describe, expect, it } from 'vitest';
import { librariesOnDemand, sourceFiles } from './source.js';

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
    ['proxy-from-env', ['transport/lane.ts']],
  ])('knows %s in one file', (library, home) => {
    expect(importersOf(library)).toEqual(home);
  });

  it.each<[string, string[]]>([
    ['pinoLibrary', ['call/logger.ts']],
    ['openTelemetry', ['metrics/opentelemetry.ts', 'policies/spans.ts']],
    ['levenshtein', ['options/options.ts']],
    ['yamlLibrary', ['envoy/import.ts', 'registry/file/document.ts']],
    ['undiciClient', ['transport/pool/connection.ts']],
    ['undiciLibrary', ['sidecar/dispatcher.ts', 'sidecar/handlers.ts', 'sidecar/undici-errors.ts']],
  ])('asks for %s on demand in these files only', (name, home) => {
    const users = files.filter(({ text }) => new RegExp(`\\b${name}\\(`).test(text)).map(({ path }) => path);
    expect(users).toEqual(home);
  });

  it('loads these libraries when they are first used, and imports nothing but their types', () => {
    const onDemand = librariesOnDemand();
    expect(onDemand).toEqual(['fastest-levenshtein', '@opentelemetry/api', 'pino', 'undici', 'yaml']);
    for (const { path, text } of files) {
      const values = [...text.matchAll(/^import (?!type )[^;]*? from '([^']+)';$/gm)].map(([, name = '']) => name);
      for (const name of values) expect(onDemand, path).not.toContain(name);
    }
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
    const libraries = new Set(
      files.flatMap(({ imports }) => imports.filter((name) => !/\.(ts|cjs|md|html)$/.test(name))),
    );
    expect([...libraries].filter((name) => !name.startsWith('node:')).sort()).toEqual([
      '@nestjs/common',
      '@opentelemetry/api',
      'axios',
      'axios-retry',
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
        if (name.includes('/') && !name.includes(':')) expect(name, path).toMatch(/\.(ts|cjs|md|html)$|^@/);
  });
});
