/** The tarball: what linters of packages say, and how large it is. */
import { readFileSync, statSync } from 'node:fs';
import { checkPackage, createPackageFromTarballData, type Problem } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRecorded } from './recorded.js';
import { root, run } from './run.js';
import { pack, temporary } from './tarball.js';

const { folder, remove } = temporary('package');
let tarball: string;
beforeAll(async () => {
  tarball = await pack(folder);
}, 60_000);
afterAll(remove);

const kilobytes = (bytes: number) => Math.round(bytes / 1000);

/**
 * What are-the-types-wrong says of every package that has ES modules only. TypeScript's way of Node 10 knows no `exports`, so
 * there it finds the main entry nowhere and no other either; Node 10 is no Node of ours. And `require` of an entry gives an ES
 * module: Node does that since 20.19 and 22.12, where our `engines` begin, and TypeScript believes it since 5.8.
 */
const ofEsModules = new Set(['NoResolution node10', 'CJSResolvesToESM node16-cjs']);

const briefly = (problem: Problem) =>
  [problem.kind, 'resolutionKind' in problem ? problem.resolutionKind : ''].join(' ').trim();

describe('the tarball', () => {
  it('has nothing that publint finds fault with', async () => {
    expect((await publint({ pkgDir: root, strict: true, pack: 'npm' })).messages).toEqual([]);
  });

  it('has types that are right for every way to resolve them that an ES module has', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    if (analysis.types === false) throw new Error('No types were found.');
    expect(Object.keys(analysis.entrypoints)).toHaveLength(7);
    const problems = new Set(analysis.problems.map(briefly));
    expect(problems).toEqual(ofEsModules);
  });

  it('is as large as recorded, give or take a twentieth: packed, unpacked and in files', async () => {
    const { stdout } = await run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts');
    const [{ unpackedSize, entryCount }] = JSON.parse(stdout) as [{ unpackedSize: number; entryCount: number }];
    const sizes = { packedKilobytes: kilobytes(statSync(tarball).size), unpackedKilobytes: kilobytes(unpackedSize) };
    expectRecorded('tarball', { ...sizes, files: entryCount }, { from: 0.95, to: 1.05 });
  });
});
