/** What installing the package brings along, by the lock file: what a registry has meanwhile does not count. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectRecorded } from './recorded.js';
import { root } from './run.js';

interface Locked {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly hasInstallScript?: boolean;
}

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};

/** Where npm puts a library that a package asks for: beside it, or further up. */
function placeOf(name: string, from: string): string {
  const own = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
  if (own in packages) return own;
  if (from === '') throw new Error(`${name} is not in the lock file.`);
  return placeOf(name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))));
}

/** The places of everything that has to be there; the application's peers among it, the optional ones not. */
function installed(from = '', found = new Set<string>()): Set<string> {
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = packages[from] ?? {};
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  for (const name of [...Object.keys(dependencies), ...peers]) {
    const place = placeOf(name, from);
    if (found.has(place)) continue;
    found.add(place);
    installed(place, found);
  }
  return found;
}

const places = [...installed()].sort();

/** Bytes of the files of a package, not of those that stand in its own node_modules. */
function sizeOf(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== 'node_modules');
  const sizes = entries.map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sizeOf(path) : statSync(path).size;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

it('are these packages, by name', async () => {
  const names = places.map((place) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length));
  await expect(`${names.join('\n')}\n`).toMatchFileSnapshot('recorded/dependencies.txt');
});

it('are as large as recorded, give or take a twentieth', () => {
  const bytes = places.map((place) => sizeOf(join(root, place))).reduce((sum, size) => sum + size, 0);
  const now = { packages: places.length, kilobytes: Math.round(bytes / 1000) };
  expectRecorded('dependencies', now, { from: 0.95, to: 1.05 });
});

it('run nothing when they are installed', () => {
  expect(places.filter((place) => packages[place]?.hasInstallScript)).toEqual([]);
});
