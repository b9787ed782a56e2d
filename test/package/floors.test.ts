/** The plan of the house: a folder is a floor, and imports, those of types too, only go down. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { circlesOf } from './circles.js';
import { type SourceFile, sourceFiles } from './source.js';

const files = sourceFiles();

/** Lowest first; folders on one line stand on the same floor. */
const floors = [
  ['call'],
  ['options'],
  ['policies', 'transport'],
  ['client'],
  ['registry', 'testing', 'envoy'],
  ['index.ts', 'metrics', 'nestjs', 'cli', 'sidecar'],
  ['admin'],
];

/** `policies/retries` of `policies/retries/retry.ts`. */
const folderOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const topOf = (path: string) => path.split('/', 1)[0] ?? '';
const floorOf = (path: string) => floors.findIndex((floor) => floor.includes(topOf(path)));
const own = ({ imports }: SourceFile) => imports.filter((name) => name.endsWith('.ts'));
const edges = files.flatMap((file) => own(file).map((to) => ({ from: file.path, to })));

describe('the floors of src', () => {
  it('are all there is: every file stands on one of them', () => {
    expect(files.filter(({ path }) => floorOf(path) < 0).map(({ path }) => path)).toEqual([]);
    for (const folder of floors.flat()) expect(files.map(({ path }) => topOf(path))).toContain(folder);
  });

  it('have one file at the root: the public names', () => {
    expect(files.filter(({ path }) => folderOf(path) === '').map(({ path }) => path)).toEqual(['index.ts']);
  });

  it('import from their own height or from below', () => {
    const upwards = edges.filter(({ from, to }) => floorOf(to) > floorOf(from));
    expect(upwards.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('have no circle of files', () => {
    expect(circlesOf(edges)).toEqual([]);
  });

  it('have no circle of folders', () => {
    const folders = edges.map(({ from, to }) => ({ from: folderOf(from), to: folderOf(to) }));
    expect(circlesOf(folders.filter(({ from, to }) => from !== to))).toEqual([]);
  });

  it('let a policy know what it stands on and its own shelf, no other shelf', () => {
    const shelves = files.filter(({ path }) => /^policies\/[a-z-]+\//.test(path));
    expect(shelves.length).toBeGreaterThan(20);
    for (const file of shelves)
      for (const to of own(file))
        if (!['call', 'options'].includes(topOf(to)) && folderOf(to) !== 'policies')
          expect(folderOf(to), `${file.path} imports ${to}`).toBe(folderOf(file.path));
  });

  it('let no policy know another', () => {
    const policies = files
      .filter(({ text }) => /^export const \w+ = definePolicy\b/m.test(text))
      .map(({ path }) => path);
    expect(policies.length).toBeGreaterThan(15);
    const known = edges.filter(({ from, to }) => policies.includes(from) && policies.includes(to));
    expect(known.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });
});

const twinsOf = (names: readonly string[]) => [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];

describe('a folder or file', () => {
  it('has a name that says something', () => {
    const empty = /(^|\/)(core|common|utils?|helpers?|types|internals?|misc|shared|lib)(\.ts$|\/)/;
    expect(files.map(({ path }) => path).filter((path) => empty.test(path))).toEqual([]);
  });

  it('shares its name with no other: one word, one thing', () => {
    // The entries of the package, and parts of the admin page, which is no module of its own.
    const own = files.map(({ path }) => path).filter((path) => !/(^|\/)index\.ts$|^admin\/page\//.test(path));
    expect(twinsOf(own.map((path) => path.slice(path.lastIndexOf('/') + 1)))).toEqual([]);
  });

  it('exports no name that another file exports for something else', () => {
    const exported = files.flatMap(({ text }) =>
      [...text.matchAll(/^export (?:declare |abstract |async )*(?:function\*?|const|class|interface|type) (\w+)/gm)]
        .map(([, name = '']) => name)
        // A class or constant and its type may share a name within one file.
        .filter((name, at, names) => names.indexOf(name) === at),
    );
    expect(twinsOf(exported)).toEqual([]);
  });

  it('opens with a caption', () => {
    for (const { path, text } of files)
      if (!path.endsWith('.d.ts')) expect(text.replace(/^#!.*\n/, '').startsWith('/**'), path).toBe(true);
  });
});

describe('the tests', () => {
  /** What mirrors no folder of src: how a test is made, or what it is made of. */
  const others =
    /^(bench|chaos|differential|contract|docs|examples|leaks|package|properties|secrets|sim|sockets|support)(\/|$)/;

  it('stand in folders of the same names as what they test', () => {
    const folders = new Set(files.map(({ path }) => folderOf(path)));
    const tests = readdirSync(new URL('../', import.meta.url), { recursive: true, encoding: 'utf8' })
      .map((path) => path.replaceAll('\\', '/'))
      .filter((path) => path.endsWith('.test.ts'));
    expect(tests.length).toBeGreaterThan(200);
    const strangers = [...new Set(tests.map(folderOf))].filter(
      (folder) => !others.test(folder) && !folders.has(folder),
    );
    expect(strangers).toEqual([]);
  });
});
