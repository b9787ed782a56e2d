/** The tarball: what linters of packages say, and how large it is. */
import { readFileSync, statSync } from 'node:fs';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
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

describe('the tarball', () => {
  it('has nothing that publint finds fault with', async () => {
    expect((await publint({ pkgDir: root, strict: true, pack: 'npm' })).messages).toEqual([]);
  });

  it('has types that are right for every way to resolve them', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    if (analysis.types === false) throw new Error('No types were found.');
    expect(Object.keys(analysis.entrypoints)).toHaveLength(8);
    expect(analysis.problems).toEqual([]);
  });

  it('is as large as recorded, give or take a twentieth: packed, unpacked and in files', async () => {
    const { stdout } = await run('npm', 'pack', '--dry-run', '--json', '--ignore-scripts');
    const [{ unpackedSize, entryCount }] = JSON.parse(stdout) as [{ unpackedSize: number; entryCount: number }];
    const sizes = { packedKilobytes: kilobytes(statSync(tarball).size), unpackedKilobytes: kilobytes(unpackedSize) };
    expectRecorded('tarball', { ...sizes, files: entryCount }, { from: 0.95, to: 1.05 });
  });
});
