/** CONTRIBUTING, SECURITY and CHANGELOG: what they name is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

describe.each(['.github/CONTRIBUTING.md', '.github/SECURITY.md'])('%s', (page) => {
  const text = read(page);

  it('names files and folders that are there', () => {
    const paths = [...text.matchAll(/(?:src|test|examples|docs)\/[\w./-]*\w/g)].map(([path]) => path);
    expect(paths.length).toBeGreaterThan(5);
    for (const path of paths) expect(existsSync(join(root, path)), path).toBe(true);
  });

  it('names commands that are there', () => {
    for (const [, name = ''] of text.matchAll(/npm run (\w+)/g)) expect(scripts).toHaveProperty(name);
  });
});

describe('CHANGELOG.md', () => {
  it('has the form of Keep a Changelog', () => {
    const headings = [...read('CHANGELOG.md').matchAll(/^(#{2,3}) (.+)$/gm)].map(([, level, title]) => [level, title]);
    expect(headings[0]).toEqual(['##', '[Unreleased]']);
    for (const [level, title] of headings)
      expect(title).toMatch(
        level === '##'
          ? /^\[(Unreleased|\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d)/
          : /^(Added|Changed|Deprecated|Removed|Fixed|Security)$/,
      );
  });
});

describe('the top level', () => {
  it('stays short', () => {
    const names = readdirSync(root).filter((name) => !['node_modules', 'dist', 'build', '.git'].includes(name));
    expect(names.sort()).toEqual([
      ...['.ci', '.github', '.gitignore', 'CHANGELOG.md', 'LICENSE', 'README.md', 'biome.json'],
      ...['docs', 'examples'],
      ...[
        'package-lock.json',
        'package.json',
        'rolldown.config.ts',
        'src',
        'test',
        'tsconfig.build.json',
        'tsconfig.json',
        'vitest.config.ts',
      ],
    ]);
  });
});
