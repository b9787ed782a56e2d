/** Markdown: every block of TypeScript compiles against the source. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { root } from '../package/run.js';
import { compile } from '../package/tarball.js';

const pages = [
  ...['README.md', '.github/CONTRIBUTING.md'],
  ...['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((each) => `${folder}/${each}`),
  ),
];
const blocks = pages
  .filter((page) => page.endsWith('.md'))
  .flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = ''], index) => ({
      page,
      index,
      text,
    })),
  );

/** What blocks speak of without saying where it comes from. */
const prelude: Record<string, string> = {
  billing: "import type { HttpClient as Billing } from 'pillion'; declare const billing: Billing;",
  sidecar: "import type { HttpClient as Sidecar } from 'pillion'; declare const sidecar: Sidecar;",
  createHttpClient: "import { createHttpClient } from 'pillion';",
  baseURL: 'declare const baseURL: string;',
  signatureOf: 'declare function signatureOf(request: object): string;',
  https: "import https from 'node:https';",
  app: 'declare const app: any;',
  AppModule: 'declare const AppModule: any;',
};

/** A policy of this package imports what is beside its shelf. */
const shelved = (text: string) => text.replace(/'\.\.\//g, `'${join(root, 'src/policies')}/`);

const folder = mkdtempSync(join(tmpdir(), 'pillion-markdown-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('has blocks of TypeScript', () => {
  expect(blocks.length).toBeGreaterThan(12);
});

it('compiles', async () => {
  mkdirSync(join(folder, 'src'));
  for (const { page, index, text } of blocks) {
    const used = Object.entries(prelude).filter(([name]) => {
      const declared = new RegExp(`(const|class|function|import) (\\{[^}]*\\b)?${name}\\b`).test(text);
      return !declared && new RegExp(`\\b${name}\\b`).test(text.replace(/\/\/.*$/gm, '').replace(/'[^']*'/g, "''"));
    });
    const lines = [...used.map(([, line]) => line), shelved(text), 'export {};'];
    writeFileSync(join(folder, 'src', `${page.replace(/\W/g, '_')}_${index}.ts`), lines.join('\n'));
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const paths = Object.fromEntries(
    ['', '/testing', '/nestjs', '/metrics', '/admin', '/sidecar'].map((entry) => [
      `pillion${entry}`,
      [join(root, `src${entry}/index.ts`)],
    ]),
  );
  const compilerOptions = {
    erasableSyntaxOnly: false,
    rootDir: '/',
    paths,
    typeRoots: [join(root, 'node_modules/@types')],
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions,
      include: ['src', join(root, 'src/**/*.d.ts')],
      exclude: [],
    }),
  );
  await compile(folder);
}, 60_000);
